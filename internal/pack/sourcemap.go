package pack

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"path"
	"strings"

	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/parallel"
)

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

// styleKey begins the keys of maps of stylesheets: their module names them.
const styleKey = "css:"

// StyleMapURL returns where the source map of a stylesheet is served.
func StyleMapURL(l moduleid.Layout, id string) string {
	return path.Join(l.Base, MapPath) + "?of=" + url.QueryEscape(styleKey+id)
}

// Map returns the source map of a pack, an update or a stylesheet by the key in its address.
func (p *Packer) Map(ctx context.Context, key string) ([]byte, error) {
	if id, ok := strings.CutPrefix(key, styleKey); ok {
		return p.styleMap(ctx, id)
	}
	found, ok := p.sent.packs.get(key)
	if !ok {
		found, ok = p.sent.updates.get(key)
	}
	if !ok {
		return nil, errors.New("that code is too old")
	}
	maps := make([]json.RawMessage, len(found.sections))
	parallel.Do(len(maps), func(i int) {
		s := found.sections[i]
		v := s.version
		if now := p.o.Graph.Version(s.id); now != nil && now.Rev == v.Rev {
			v = now // the same code, perhaps of a source with other lines
		}
		maps[i] = p.o.Compiler.SourceMap(ctx, s.id, v)
	})
	m := indexMap{Version: 3, Sections: []mapSection{}}
	for i, s := range found.sections {
		if maps[i] != nil {
			m.Sections = append(m.Sections, mapSection{Offset: mapOffset{Line: s.line}, Map: maps[i]})
		}
	}
	return json.Marshal(m)
}

// styleMap returns the map of a stylesheet that a page has.
func (p *Packer) styleMap(ctx context.Context, id string) ([]byte, error) {
	if p.o.Graph.Version(id) == nil && p.o.Graph.Version(id+"?direct") == nil {
		return nil, errors.New("no page has this stylesheet")
	}
	text, ok := p.o.Compiler.StyleMap(ctx, id)
	if !ok {
		return nil, errors.New("the stylesheet has an error")
	}
	return text, nil
}
