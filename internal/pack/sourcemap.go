package server

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/seed-b8174343/devserver/internal/transform"
)

// Source maps are made when a debugger asks for one: compiling with a map costs up to a third more, and most loads
// never need it. Equal input compiles to equal code, so the map made later fits.

// indexMap is a source map made of sections: each module's own map at the line where its code starts.
type indexMap struct {
	Version  int          `json:"version"`
	Sections []mapSection `json:"sections"`
}

type mapSection struct {
	Offset mapOffset       `json:"offset"`
	Map    json.RawMessage `json:"map"`
}

type mapOffset struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

func (p *project) serveMap(w http.ResponseWriter, r *http.Request) {
	key := r.URL.Query().Get("of")
	if id, ok := strings.CutPrefix(key, styleKey); ok {
		p.serveStyleMap(w, r, id)
		return
	}
	t, ok := p.packs.get(key)
	if !ok {
		t, ok = p.updates.get(key)
	}
	if !ok {
		http.Error(w, "404 not found: that code is too old", http.StatusNotFound)
		return
	}
	maps := make([]json.RawMessage, len(t.sections))
	parallel(len(t.sections), func(i int) { maps[i] = p.mapOf(t.sections[i]) })
	m := indexMap{Version: 3, Sections: []mapSection{}}
	for i, s := range t.sections {
		if maps[i] != nil {
			m.Sections = append(m.Sections, mapSection{Offset: mapOffset{Line: s.line}, Map: maps[i]})
		}
	}
	text, err := json.Marshal(m)
	if err != nil {
		http.Error(w, "500 internal error", http.StatusInternalServerError)
		return
	}
	p.sendMap(w, r, text)
}

func (p *project) sendMap(w http.ResponseWriter, r *http.Request, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	p.serveText(w, r, text)
}

// mapOf returns the source map of a module's code, or nil when it has none or its source is another one now.
func (p *project) mapOf(s section) json.RawMessage {
	if _, isScript := s.version.Side.(*script); !isScript || strings.HasSuffix(strings.SplitN(s.id, "?", 2)[0], ".json") {
		return nil
	}
	src, err := p.read(p.ctx, s.id)
	if err != nil {
		return nil
	}
	in, err := p.scriptInput(p.ctx, src)
	if err != nil {
		return nil
	}
	m, errs := transform.SourceMap(in)
	if len(errs) > 0 {
		return nil
	}
	return m
}

// styleKey begins the keys of maps of stylesheets, which are named by their module.
const styleKey = "css:"

// styleMapURL is where the map of a stylesheet is asked for.
func (p *project) styleMapURL(id string) string {
	return path.Join(p.layout.Base, mapPath) + "?of=" + url.QueryEscape(styleKey+id)
}

// serveStyleMap sends the map of a stylesheet that a page has.
func (p *project) serveStyleMap(w http.ResponseWriter, r *http.Request, id string) {
	if p.graph.Version(id) == nil && p.graph.Version(id+"?direct") == nil {
		http.Error(w, "404 not found: no page has this stylesheet", http.StatusNotFound)
		return
	}
	src, err := p.read(r.Context(), id)
	if err == nil {
		src.code, _, _, err = p.preprocess(r.Context(), src, true)
	}
	if err != nil {
		http.Error(w, "404 not found: the stylesheet has an error", http.StatusNotFound)
		return
	}
	text, errs := transform.StyleMap(p.styleInput(src, src.code), func(file string) string { return p.layout.URL(p.gate.FileToID(file)) })
	if len(errs) > 0 || text == nil {
		http.Error(w, "404 not found: the stylesheet has an error", http.StatusNotFound)
		return
	}
	p.sendMap(w, r, text)
}
