package server

import (
	"net/url"
	"path"
	"path/filepath"
	"strings"
)

// What an ID, a URL and the name of a file tell, without a look at the disk.

// File returns the path on disk of a module, "" for a virtual one. It implements graph.Loader.
func (p *project) File(id string) string {
	file, _ := p.gate.IDToFile(nameOf(id))
	return file
}

// url is where the browser finds the file of a module.
func (p *project) url(id string) string {
	return path.Join(p.base, escapePath(nameOf(id)))
}

// escapePath writes a path for a URL, keeping the slashes.
func escapePath(name string) string { return (&url.URL{Path: name}).EscapedPath() }

// shown is how a file is named to the user: relative to the project's folder, with forward slashes, also where it lies
// elsewhere in the workspace.
func (p *project) shown(file string) string {
	rel, err := filepath.Rel(p.dir, file)
	if err != nil {
		return filepath.ToSlash(file)
	}
	if strings.HasPrefix(rel, "..") && (p.workspace == "" || !strings.HasPrefix(file, p.workspace+string(filepath.Separator))) {
		return filepath.ToSlash(file)
	}
	return filepath.ToSlash(rel)
}

// nameOf returns the ID without its query: the URL of the file.
func nameOf(id string) string {
	name, _, _ := strings.Cut(id, "?")
	return name
}

// queryOf returns what stands behind the question mark, "" without one.
func queryOf(id string) string {
	_, query, _ := strings.Cut(id, "?")
	return query
}

// has tells whether a query holds the key, with or without a value.
func has(query, key string) bool {
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		if name == key {
			return true
		}
	}
	return false
}

func hasAny(query string, keys ...string) bool {
	for _, k := range keys {
		if has(query, k) {
			return true
		}
	}
	return false
}

// isDependency tells whether the file belongs to an installed package.
func isDependency(file string) bool {
	return strings.Contains(filepath.ToSlash(file), "/node_modules/")
}

func isPage(file string) bool {
	ext := strings.ToLower(path.Ext(file))
	return ext == ".html" || ext == ".htm"
}

// isScript tells whether a file without a query is run as a module.
func isScript(file string) bool {
	switch strings.ToLower(path.Ext(file)) {
	case ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".vue", ".svelte", ".astro", ".mdx":
		return true
	}
	return false
}

// isPreprocessed tells whether a tool of the project makes CSS of files with the extension.
func isPreprocessed(ext string) bool {
	switch ext {
	case ".scss", ".sass", ".less", ".styl", ".stylus", ".pcss", ".postcss":
		return true
	}
	return false
}

// isAsset tells whether importing the file gives its URL.
func isAsset(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".png", ".jpg", ".jpeg", ".jfif", ".pjpeg", ".pjp", ".gif", ".svg", ".ico", ".webp", ".avif", ".cur", ".jxl", ".bmp", ".apng",
		".mp4", ".webm", ".ogg", ".mp3", ".wav", ".flac", ".aac", ".opus", ".mov", ".m4a", ".vtt",
		".woff", ".woff2", ".eot", ".ttf", ".otf", ".webmanifest", ".pdf", ".txt", ".glb", ".gltf", ".hdr", ".wasm":
		return true
	}
	return false
}
