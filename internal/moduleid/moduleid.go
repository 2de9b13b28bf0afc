// Package moduleid reads module IDs, URLs and file names: queries, kinds of files, places. It never reads the disk.
//
// The ID of a module with a file is the file's path below the base, with a query if the import had one: `/src/a.ts`,
// `/src/a.css?inline`. A `?` in the name of a file is `%3F` in the ID, and a `%` is `%25`; other characters stand for
// themselves. Package gate turns IDs into files and back.
package moduleid

import (
	"net/url"
	"path"
	"path/filepath"
	"strings"
)

// Client is the ID and the path of the client's module: third-party code imports it by this name.
const Client = "/@vite/client"

// OfPath returns the ID of a path below the base. The path begins with a slash.
func OfPath(path string) string { return escape.Replace(path) }

// Path returns the path below the base of an ID's file.
func Path(id string) string { return unescape.Replace(Name(id)) }

var (
	escape   = strings.NewReplacer("%", "%25", "?", "%3F")
	unescape = strings.NewReplacer("%25", "%", "%3F", "?")
)

// Name returns the ID without its query: the ID of the file.
func Name(id string) string {
	name, _, _ := strings.Cut(id, "?")
	return name
}

// Query returns the ID's query without the question mark, "" when there is no query.
func Query(id string) string {
	_, query, _ := strings.Cut(id, "?")
	return query
}

// Plain returns the ID without what Vite's URLs say beside it: that a module is imported, and when it was changed last.
func Plain(id string) string {
	name, query, has := strings.Cut(id, "?")
	if !has {
		return id
	}
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		if part != "import" && part != "import=" && !isTime(part) {
			kept = append(kept, part)
		}
	}
	if kept == nil {
		return name
	}
	return name + "?" + strings.Join(kept, "&")
}

func isTime(part string) bool {
	digits, ok := strings.CutPrefix(part, "t=")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// WithQuery returns the ID of a file with a query, which may be "".
func WithQuery(name, query string) string {
	if query == "" {
		return name
	}
	return name + "?" + query
}

// Has reports whether a query holds the key, with or without a value.
func Has(query, key string) bool {
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		if name == key {
			return true
		}
	}
	return false
}

// HasAny reports whether a query holds one of the keys.
func HasAny(query string, keys ...string) bool {
	for _, k := range keys {
		if Has(query, k) {
			return true
		}
	}
	return false
}

// EscapePath escapes a path for a URL and keeps the slashes.
func EscapePath(name string) string { return (&url.URL{Path: name}).EscapedPath() }

// IsDependency reports whether the file belongs to an installed package.
func IsDependency(file string) bool {
	return strings.Contains(filepath.ToSlash(file), "/node_modules/")
}

// IsPage reports whether the file is HTML.
func IsPage(file string) bool {
	ext := strings.ToLower(path.Ext(file))
	return ext == ".html" || ext == ".htm"
}

// IsScript reports whether a file without a query runs as a module.
func IsScript(file string) bool {
	switch strings.ToLower(path.Ext(file)) {
	case ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".vue", ".svelte", ".astro", ".mdx":
		return true
	}
	return false
}

// IsCompiled reports whether the file is TypeScript or JSX, which browsers do not run.
func IsCompiled(file string) bool {
	switch strings.ToLower(path.Ext(file)) {
	case ".ts", ".mts", ".cts", ".tsx", ".jsx":
		return true
	}
	return false
}

// IsStyle reports whether the file is a stylesheet, in CSS or in a language that becomes CSS.
func IsStyle(file string) bool {
	ext := strings.ToLower(path.Ext(file))
	return ext == ".css" || IsPreprocessed(ext)
}

// IsPreprocessed reports whether a tool of the project turns files with the extension into CSS.
func IsPreprocessed(ext string) bool {
	switch ext {
	case ".scss", ".sass", ".less", ".styl", ".stylus", ".pcss", ".postcss", ".sss":
		return true
	}
	return false
}

// IsWasm reports whether the file is WebAssembly. An import of the file gives its exports.
func IsWasm(file string) bool { return strings.ToLower(path.Ext(file)) == ".wasm" }

// AssetExtensions are the extensions of the files whose import returns a URL.
var AssetExtensions = []string{
	".png", ".jpg", ".jpeg", ".jfif", ".pjpeg", ".pjp", ".gif", ".svg", ".ico", ".webp", ".avif", ".cur", ".jxl", ".bmp", ".apng",
	".mp4", ".webm", ".ogg", ".mp3", ".wav", ".flac", ".aac", ".opus", ".mov", ".m4a", ".vtt",
	".woff", ".woff2", ".eot", ".ttf", ".otf", ".webmanifest", ".pdf", ".txt", ".glb", ".gltf", ".hdr", ".wasm",
}

var assets = func() map[string]bool {
	set := map[string]bool{}
	for _, ext := range AssetExtensions {
		set[ext] = true
	}
	return set
}()

// IsAsset reports whether an import of the file returns its URL.
func IsAsset(name string) bool { return assets[strings.ToLower(path.Ext(name))] }
