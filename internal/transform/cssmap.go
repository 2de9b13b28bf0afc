package transform

import (
	"encoding/base64"
	"net/url"
	"path/filepath"
	"strings"

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
		m.Sources[i] = mapName(b.sourceFile(source))
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
	b := &cssBuild{in: in}
	if _, text := CutMap(in.Code); text != "" {
		return b.styleMap([]byte(text), "", name), nil
	}
	lines := strings.Count(in.Code, "\n")
	return &sourcemap.Map{
		Version: 3, Sources: []string{name(in.File)}, SourcesContent: []*string{&in.Code}, Names: []string{},
		Mappings: "AAAA" + strings.Repeat(";AACA", lines), // each line maps to itself
	}, nil
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
