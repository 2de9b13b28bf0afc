package moduleid

import (
	"cmp"
	"mime"
	"path/filepath"
	"strings"
)

// contentTypes are those that systems differ in: a wrong type keeps a browser from using the file.
var contentTypes = map[string]string{
	".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".cjs": "text/javascript; charset=utf-8",
	".ts": "text/plain; charset=utf-8", ".tsx": "text/plain; charset=utf-8", ".jsx": "text/plain; charset=utf-8", ".mts": "text/plain; charset=utf-8",
	".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".json": "application/json", ".map": "application/json",
	".svg": "image/svg+xml", ".avif": "image/avif", ".wasm": "application/wasm", ".webmanifest": "application/manifest+json",
	".woff2": "font/woff2", ".woff": "font/woff", ".ttf": "font/ttf", ".otf": "font/otf",
	".vtt": "text/vtt; charset=utf-8", ".glb": "model/gltf-binary", ".mp4": "video/mp4",
}

// ContentType returns the media type of a file by its name. Unknown files are application/octet-stream: a type is never
// guessed from content.
func ContentType(file string) string {
	ext := strings.ToLower(filepath.Ext(file))
	return cmp.Or(contentTypes[ext], mime.TypeByExtension(ext), "application/octet-stream")
}
