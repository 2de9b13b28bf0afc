package transform

import (
	"encoding/base64"
	"net/url"
	"path/filepath"
	"strings"
	"unicode/utf16"

	"github.com/seed-b8174343/devserver/internal/sourcemap"
)

// styleMap turns esbuild's map into the map of the served stylesheet. It drops the lines that CompileCSS leaves out of
// text, unless text is "", and gives the sources the names of mapName.
func (b *cssBuild) styleMap(made []byte, text string, mapName func(string) string) *sourcemap.Map {
	m, err := sourcemap.Parse(made)
	if err != nil {
		return nil
	}
	lines, kept := strings.Split(m.Mappings, ";"), []string(nil)
	for i, line := range strings.Split(text, "\n") {
		if i < len(lines) && !pathComment.MatchString(line+"\n") { // esbuild's own comment has no mappings
			kept = append(kept, lines[i])
		}
	}
	if text != "" {
		m.Mappings = strings.Join(kept, ";")
	}
	for i, source := range m.Sources {
		file := b.sourceFile(source)
		if written, ok := b.texts[file]; ok && i < len(m.SourcesContent) { // with what cutICSS has cut
			m.SourcesContent[i] = &written
		}
		m.Sources[i] = mapName(file)
	}
	for _, content := range m.SourcesContent {
		if content != nil { // a map at the end is not part of the author's text
			*content, _ = CutMap(*content)
		}
	}
	return m
}

// StyleMap returns the source map of CompileCSS's output for the same input. When a tool made the stylesheet and wrote
// a map at its end, StyleMap follows that map to the tool's source. name returns a file's name in the map.
func StyleMap(in CSSInput, name func(file string) string) (*sourcemap.Map, []Error) {
	if !in.asWritten() {
		out, errs := compileCSS(in, name)
		if len(errs) > 0 {
			return nil, errs
		}
		return out.sourceMap, nil
	}
	return newCSSBuild(in).ownMap(name), nil
}

// ownMap returns the map of the stylesheet as it is written: the map at its end, or a map of each line to itself.
func (b *cssBuild) ownMap(name func(file string) string) *sourcemap.Map {
	if _, text := CutMap(b.in.Code); text != "" {
		return b.styleMap([]byte(text), "", name)
	}
	lines := strings.Count(b.in.Code, "\n")
	return &sourcemap.Map{
		Version: 3, Sources: []string{name(b.in.File)}, SourcesContent: []*string{&b.in.Code}, Names: []string{},
		Mappings: "AAAA" + strings.Repeat(";AACA", lines), // each line maps to itself
	}
}

// moved returns the map of a text that the edits were made in.
func (e cssEdits) moved(m *sourcemap.Map, before, after string) *sourcemap.Map {
	if m == nil || len(e) == 0 {
		return m
	}
	var w sourcemap.Writer
	from, to := newCursor(before), newCursor(after)
	by, n := 0, 0
	for line, s := range sourcemap.All(m.Mappings) {
		at := from.offset(line, s.Column)
		for n < len(e) && e[n].end <= at {
			by += len(e[n].text) - (e[n].end - e[n].start)
			n++
		}
		if n < len(e) {
			at = min(at, e[n].start) // a place in a replaced part becomes the part's begin
		}
		line, s.Column = to.place(at + by)
		w.Add(line, s)
	}
	moved := *m
	moved.Mappings = w.String()
	return &moved
}

// cursor turns bytes of a text into lines and UTF-16 columns, both from 0, and back. Calls go forward in the text.
type cursor struct {
	lines []string
	line  int
	at    int // where the line begins
}

func newCursor(text string) *cursor { return &cursor{lines: strings.SplitAfter(text, "\n")} }

func (p *cursor) offset(line, column int) int {
	for ; p.line < line && p.line < len(p.lines)-1; p.line++ {
		p.at += len(p.lines[p.line])
	}
	units := 0
	for i, c := range p.lines[p.line] {
		if units >= column {
			return p.at + i
		}
		units += utf16.RuneLen(max(c, 0))
	}
	return p.at + len(p.lines[p.line])
}

func (p *cursor) place(at int) (line, column int) {
	for ; p.line < len(p.lines)-1 && at >= p.at+len(p.lines[p.line]); p.line++ {
		p.at += len(p.lines[p.line])
	}
	return p.line, utf16Column(p.lines[p.line], max(at-p.at, 0)) - 1
}

// CutMap cuts the source map off the end of a text that a tool has made. text is "" when there is none.
func CutMap(code string) (rest, text string) {
	at := strings.LastIndex(code, "# sourceMappingURL=data:application/json")
	if at < 2 {
		return code, ""
	}
	_, encoded, _ := strings.Cut(code[at:], ";base64,")
	encoded, after, _ := strings.Cut(encoded, "\n")
	encoded, _, _ = strings.Cut(encoded, "*")
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil || len(decoded) == 0 || strings.TrimSpace(after) != "" {
		return code, ""
	}
	return strings.TrimRight(code[:at-2], "\n"), string(decoded)
}

// sourceFile returns the file of a source in esbuild's map. The source is a name of cssBuild, or from a preprocessor's
// map: a URL, or a path relative to the stylesheet.
func (b *cssBuild) sourceFile(source string) string {
	if source == "" {
		return b.in.File
	}
	if _, path, ok := strings.Cut(source, "@fs/"); ok { // esbuild takes "/" for its folder, and escapes
		if plain, err := url.PathUnescape(path); err == nil {
			path = plain
		}
		if !filepath.IsAbs(path) { // not a drive of Windows
			path = "/" + path
		}
		return filepath.FromSlash(path)
	}
	_, name, _ := strings.Cut(source, "css:")
	if file := b.file(name); file != "" {
		return file
	}
	if u, err := url.Parse(name); err == nil && u.Scheme == "file" {
		return filepath.FromSlash(u.Path)
	}
	if _, escaped, ok := strings.Cut(source, "file://"); ok {
		if path, err := url.PathUnescape(escaped); err == nil {
			return filepath.FromSlash(path)
		}
	}
	if filepath.IsAbs(source) {
		return source
	}
	return filepath.Join(filepath.Dir(b.in.File), filepath.FromSlash(strings.TrimPrefix(source, "css:/")))
}
