package server

import (
	"io"
	"net/http"
	"strings"

	"github.com/seed-b8174343/devserver/internal/compile"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/pack"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// serveStatic sends a file as it is, ranges included.
func (p *project) serveStatic(w http.ResponseWriter, r *http.Request, file string) {
	f, info, err := p.gate.Open(file)
	if err != nil {
		http.Error(w, "404 not found", http.StatusNotFound)
		return
	}
	defer f.Close()
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Content-Type", moduleid.ContentType(file))
	// Times of HTTP are whole seconds: a browser would keep the first of two edits in one second.
	w.Header().Set("ETag", `"`+disk.StateOf(info).Tag()+`"`)
	http.ServeContent(w, r, "", info.ModTime(), f)
}

// serveStyle sends a linked stylesheet. It becomes a module, too, so that edits of it and of its imports are followed.
func (p *project) serveStyle(w http.ResponseWriter, r *http.Request, t gate.Target) {
	name := moduleid.Name(t.ID)
	id := name + "?direct"
	p.edits.Fresh(id)
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
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, "/* "+strings.ReplaceAll(e.Error(), "*/", "* /")+" */\n")
		return
	}
	serveText(w, r, []byte(transform.WithMapURL(compile.CSS(v), pack.StyleMapURL(p.layout, name))))
}
