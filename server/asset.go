package server

import (
	"mime"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/transform"
)

func init() {
	// Systems differ in what they know of these; a wrong type keeps a browser from using the file.
	for ext, kind := range map[string]string{
		".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".cjs": "text/javascript; charset=utf-8",
		".ts": "text/plain; charset=utf-8", ".tsx": "text/plain; charset=utf-8", ".jsx": "text/plain; charset=utf-8", ".mts": "text/plain; charset=utf-8",
		".css": "text/css; charset=utf-8", ".json": "application/json", ".map": "application/json", ".svg": "image/svg+xml",
		".wasm": "application/wasm", ".webmanifest": "application/manifest+json", ".avif": "image/avif", ".woff2": "font/woff2", ".woff": "font/woff",
		".ttf": "font/ttf", ".otf": "font/otf", ".vtt": "text/vtt; charset=utf-8", ".glb": "model/gltf-binary", ".mp4": "video/mp4",
	} {
		_ = mime.AddExtensionType(ext, kind) // fails for malformed types only
	}
}

// serveStatic sends a file as it is, ranges included.
func (p *project) serveStatic(w http.ResponseWriter, r *http.Request, file string) {
	f, info, err := p.gate.Open(file)
	if err != nil {
		http.Error(w, "404 not found", http.StatusNotFound)
		return
	}
	defer f.Close()
	w.Header().Set("Cache-Control", "no-cache")
	if kind := mime.TypeByExtension(strings.ToLower(filepath.Ext(file))); kind != "" {
		w.Header().Set("Content-Type", kind)
	} else {
		w.Header().Set("Content-Type", "application/octet-stream") // never guessed from content: nosniff
	}
	// Times of HTTP are whole seconds: of two edits in one second a browser would keep the first.
	w.Header().Set("ETag", `"`+disk.StateOf(info).Tag()+`"`)
	http.ServeContent(w, r, "", info.ModTime(), f)
}

// serveStyle sends a linked stylesheet. It becomes a module too, so that edits of it and of what it imports are seen.
func (p *project) serveStyle(w http.ResponseWriter, r *http.Request, t gate.Target) {
	name := moduleid.Name(t.ID)
	id := name + "?direct"
	p.fresh(id)
	v := p.graph.Version(id)
	if v == nil { // deleted a moment ago
		http.Error(w, "404 not found", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	if v.Err != nil {
		e := p.problems.Convert(v.Err)
		p.problems.Add(id, e)
		p.problems.Publish()
		http.Error(w, "/* "+strings.ReplaceAll(e.Error(), "*/", "* /")+" */", http.StatusInternalServerError)
		return
	}
	p.watchModule(id)
	p.serveText(w, r, []byte(transform.WithMapURL(v.Side.(*stylesheet).css, p.styleMapURL(name))))
}
