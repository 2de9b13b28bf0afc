package server

import (
	"io"
	"net/http"
	"strings"

	"github.com/seed-b8174343/devserver/internal/compile"
	"github.com/seed-b8174343/devserver/internal/disk"
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
	kind, use := contentType(r, file)
	w.Header().Set("Content-Type", kind)
	// Times of HTTP are whole seconds: a browser would keep the first of two edits in one second.
	w.Header().Set("ETag", `"`+disk.StateOf(info).Tag()+use+`"`)
	http.ServeContent(w, r, "", info.ModTime(), f)
}

// contentType returns the media type of a file. A file whose name says nothing, such as the script of `<script
// src="/start">`, has the type that the page uses it as, since browsers block other types. use is that use, for the tag:
// a 304 would bring back the type of another use. Only a page of this origin is answered so, as other sites' requests
// with Fetch metadata are refused.
func contentType(r *http.Request, file string) (kind, use string) {
	if kind = moduleid.ContentType(file); kind == moduleid.UnknownType {
		switch r.Header.Get("Sec-Fetch-Dest") {
		case "script":
			return "text/javascript; charset=utf-8", "-script"
		case "style":
			return "text/css; charset=utf-8", "-style"
		}
	}
	return kind, ""
}

// serveStyle sends a linked stylesheet. It becomes a module, too, so that edits of it and of its imports are followed.
func (p *project) serveStyle(w http.ResponseWriter, r *http.Request, id string) {
	name := moduleid.Name(id)
	id = name + "?direct"
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
