package compile

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/sourcemap"
	"github.com/seed-b8174343/devserver/internal/transform"
	"github.com/seed-b8174343/devserver/plugin"
)

// Source maps are made when a debugger asks for one: compiling with a map costs up to a third more, and most loads
// never need it. Equal input compiles to equal code, so a map that is made later fits. The input of a module for which
// a plugin has a map is kept with the version: plugins need not give the same answer twice.

// SourceMap returns the source map of a version's code, nil when there is none or the source has changed since.
func (c *Compiler) SourceMap(ctx context.Context, id string, v *graph.Version) json.RawMessage {
	side, isScript := v.Side.(*script)
	if !isScript || strings.HasSuffix(moduleid.Name(id), ".json") {
		return nil
	}
	in := side.in
	if in == nil {
		src, err := c.read(ctx, id)
		if err != nil {
			return nil
		}
		read, err := c.scriptInput(ctx, c.withOwnMap(src))
		if err != nil {
			return nil
		}
		in = &read
		if src.foreign != side.foreign {
			return nil // Vite has a newer text
		}
	}
	if side.foreign != "" {
		mapped := *in
		mapped.Map = c.madeFrom(ctx, source{id: id, file: c.File(id), foreign: side.foreign}, in.Map)
		in = &mapped
	}
	m, errs := transform.SourceMap(*in)
	if len(errs) > 0 {
		return nil
	}
	c.quote(m)
	return m.Encode()
}

// withOwnMap returns a source with the map that its file ends with, as files of packages and generated files may. A map
// that does not have all texts, or cannot be read, helps nobody: the file itself is the source then. The code compiles
// to the same without the map's comment.
func (c *Compiler) withOwnMap(src source) source {
	code, text := transform.CutMap(src.code)
	if text == "" || src.made != nil {
		return src
	}
	src.code = code
	m, err := sourcemap.Parse([]byte(text))
	if err != nil {
		return src
	}
	for i, name := range m.Sources {
		m.Sources[i] = c.sourceID(name, src)
		if c.textOf(m, i) == nil {
			return src
		}
	}
	src.made = m
	return src
}

// StyleMap returns the source map of a stylesheet. It is not ok when the stylesheet has an error.
func (c *Compiler) StyleMap(ctx context.Context, id string) (text []byte, ok bool) {
	src, err := c.read(ctx, id)
	if err != nil {
		return nil, false
	}
	run := c.newStyleRun(ctx, src, true)
	code, err := run.plain()
	if err != nil {
		return nil, false
	}
	if code, err = c.postStyle(ctx, src, code, &graph.Version{}, true); err != nil {
		return nil, false
	}
	m, errs := transform.StyleMap(run.input(code), func(file string) string {
		if file == src.file { // a module of a plugin has none
			return moduleid.Name(id)
		}
		return c.o.Gate.FileToID(file)
	})
	if len(errs) > 0 || m == nil {
		return nil, false
	}
	if own := slices.Index(m.Sources, moduleid.Name(id)); own >= 0 && src.made != nil {
		m = sourcemap.Compose(m, own, src.made)
	}
	c.quote(m)
	for i, source := range m.Sources {
		if c.File(source) != "" {
			m.Sources[i] = c.o.Layout.URL(source)
		}
	}
	return m.Encode(), true
}

// withAbsoluteSources returns a stylesheet whose map, at its end, names its sources by their IDs with "/@fs". A
// stylesheet may become a part of another folder's stylesheet, where a relative name means another file.
func withAbsoluteSources(code, file string) string {
	rest, text := transform.CutMap(code)
	m, err := sourcemap.Parse([]byte(text))
	if text == "" || err != nil {
		return code
	}
	for i, source := range m.Sources {
		if escaped, isURL := strings.CutPrefix(source, "file://"); isURL {
			if plain, err := url.PathUnescape(escaped); err == nil {
				source = plain
			}
		}
		if path := sourcemap.Path(source, file); filepath.IsAbs(path) {
			m.Sources[i] = "/@fs" + filepath.ToSlash(path)
		}
	}
	return rest + "\n/*# sourceMappingURL=data:application/json;base64," + base64.StdEncoding.EncodeToString(m.Encode()) + " */"
}

// mapOf returns the code of a plugin and its source map, whose sources become IDs. The map may also be at the end of
// the code.
func (c *Compiler) mapOf(code, text string, src source) (string, *sourcemap.Map) {
	code, inline := transform.CutMap(code)
	if text == "" {
		text = inline
	}
	if text == "" {
		return code, nil
	}
	m, err := sourcemap.Parse([]byte(text))
	if err != nil {
		c.brokenMap(src.id, err)
		return code, nil
	}
	for i, source := range m.Sources {
		m.Sources[i] = c.sourceID(source, src)
	}
	return code, m
}

// brokenMap reports a map that cannot be read, once for each module. A plugin.Runner has reported its plugins' maps by
// the names of plugin and hook: what is left are other hosts, and maps at the end of the code.
func (c *Compiler) brokenMap(id string, err error) {
	if _, told := c.brokenMaps.LoadOrStore(id, true); !told {
		c.o.Logger.Error("plugins have made " + id + " with a source map that cannot be read: " + err.Error())
	}
}

// transformed replaces the module's code by what plugins made of it. By compiled, which may be nil, their code leads to
// the module's code. Without compiled they got the module's code.
func (c *Compiler) transformed(src *source, r *plugin.TransformResult, compiled *sourcemap.Map) {
	code, m := c.mapOf(r.Code, r.Map, *src)
	before := compiled
	if before == nil {
		before = src.made
	}
	input := -1
	if m != nil {
		input = m.Input(moduleid.Name(src.id), src.file)
	}
	switch {
	case input >= 0 && before != nil:
		m = sourcemap.Compose(m, input, before)
	case input >= 0: // the only source may have any name
		m.Sources[input] = moduleid.Name(src.id)
		m.SourcesContent = append(m.SourcesContent, make([]*string, len(m.Sources)-len(m.SourcesContent))...)
		text := src.code
		m.SourcesContent[input] = &text
	case m == nil:
		m = before // a plugin without a map has moved nothing
	}
	src.code, src.made = code, m
	src.watch = append(src.watch, r.Watch...)
}

// sourceID returns the ID of a source that a plugin's map names. Sources that are no files keep their names.
func (c *Compiler) sourceID(source string, src source) string {
	from := placeOf(src.file, c.o.Layout.Root)
	file := sourcemap.Path(source, from)
	switch {
	case source == "", file == src.file:
		return moduleid.Name(src.id)
	case filepath.IsAbs(file) && (!c.o.Layout.Outside(file) || disk.Stat(file) != nil):
		return c.o.Gate.FileToID(file)
	}
	return source
}

// quote adds the texts of files that the map lacks and that may be read.
func (c *Compiler) quote(m *sourcemap.Map) {
	for i := range m.Sources {
		if text := c.textOf(m, i); text != nil {
			m.SourcesContent = append(m.SourcesContent, make([]*string, max(0, i+1-len(m.SourcesContent)))...)
			m.SourcesContent[i] = text
		}
	}
}

// textOf returns the text of a source, nil when it cannot be read.
func (c *Compiler) textOf(m *sourcemap.Map, source int) *string {
	if text := m.Content(source); text != nil {
		return text
	}
	data, err := c.o.Gate.ReadFile(c.File(m.Sources[source]))
	if err != nil {
		return nil
	}
	text := string(data)
	return &text
}

// atSource moves an error in code that plugins have made to the place that the code comes from. Code that comes from
// nowhere is quoted itself.
func (c *Compiler) atSource(e *transform.Error, m *sourcemap.Map) *transform.Error {
	if m == nil || e.Line == 0 {
		return e
	}
	p, ok := m.Original(e.Line, e.Column)
	if !ok {
		e.Line, e.Column = 0, 0
		return e
	}
	e.File, e.Line, e.Column = m.Sources[p.Source], p.Line, p.Column
	if file := c.File(e.File); file != "" {
		e.File = c.o.Layout.Shown(file)
	}
	e.Frame = ""
	if text := c.textOf(m, p.Source); text != nil {
		e.Frame = transform.CodeFrame(*text, e.Line, e.Column)
	}
	return e
}
