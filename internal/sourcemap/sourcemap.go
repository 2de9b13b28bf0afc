// Package sourcemap reads, chains and writes source maps of version 3 (https://tc39.es/ecma426).
//
// Lines and columns count from 0 in a Segment and from 1 in a Position. Columns are UTF-16 units, as in the format.
package sourcemap

import (
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf16"
)

// Map is a source map.
type Map struct {
	Version int `json:"version"`
	// Sources are the names of the sources, "" for a source without a name.
	Sources []string `json:"sources"`
	// SourcesContent are the texts of the sources, nil for a text that the map does not have.
	SourcesContent []*string `json:"sourcesContent,omitempty"`
	Names          []string  `json:"names"`
	Mappings       string    `json:"mappings"`
	// IgnoreList are the indices of sources that debuggers step over.
	IgnoreList []int `json:"ignoreList,omitempty"`
}

// Parse reads a map, and checks that its mappings can be read and name sources that exist. A sourceRoot becomes part of
// the sources' names, and an index map becomes a plain map.
func Parse(text []byte) (*Map, error) {
	var in struct {
		Map
		SourceRoot string `json:"sourceRoot"`
		Sections   []struct {
			Offset struct {
				Line   int `json:"line"`
				Column int `json:"column"`
			} `json:"offset"`
			Map json.RawMessage `json:"map"`
		} `json:"sections"`
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, err
	}
	if in.Version != 3 {
		return nil, fmt.Errorf("version is %d, not 3", in.Version)
	}
	m := &in.Map
	if in.SourceRoot != "" {
		for i, s := range m.Sources {
			m.Sources[i] = strings.TrimSuffix(in.SourceRoot, "/") + "/" + s
		}
	}
	if in.Sections != nil {
		var w Writer
		*m = Map{Version: 3}
		for _, s := range in.Sections {
			if s.Offset.Line < 0 || s.Offset.Line > mostLines || s.Offset.Column < 0 {
				return nil, fmt.Errorf("sections: line %d, column %d is no place", s.Offset.Line, s.Offset.Column)
			}
			part, err := Parse(s.Map)
			if err != nil {
				return nil, err
			}
			w.append(m, part, s.Offset.Line, s.Offset.Column)
		}
		m.Mappings = w.String()
	}
	m.SourcesContent = m.SourcesContent[:min(len(m.SourcesContent), len(m.Sources))]
	if m.Sources == nil {
		m.Sources = []string{}
	}
	if m.Names == nil {
		m.Names = []string{}
	}
	return m, m.check()
}

// mostLines bounds where a section may begin: each line before it takes memory.
const mostLines = 1 << 24

// Join returns the map of a text that consists of parts. lines are the lines, from 0, at which the parts begin. The map
// of a part may be nil.
func Join(parts []*Map, lines []int) *Map {
	var w Writer
	m := &Map{Version: 3, Sources: []string{}, Names: []string{}}
	for i, part := range parts {
		if part != nil {
			w.append(m, part, lines[i], 0)
		}
	}
	m.Mappings = w.String()
	return m
}

// append adds the part's segments, moved to where the part begins, and its sources.
func (w *Writer) append(m, part *Map, line, column int) {
	sources, names := len(m.Sources), len(m.Names)
	for i, s := range part.Sources {
		m.Sources = append(m.Sources, s)
		m.SourcesContent = append(m.SourcesContent, part.Content(i))
	}
	m.Names = append(m.Names, part.Names...)
	for n, s := range All(part.Mappings) {
		if n == 0 {
			s.Column += column
		}
		if s.Source >= 0 {
			s.Source += sources
		}
		if s.Name >= 0 {
			s.Name += names
		}
		w.Add(n+line, s)
	}
}

// check reports mappings that are malformed, or lead to a source or a name that does not exist.
func (m *Map) check() error {
	end := 0
	r := reader{text: m.Mappings}
	for {
		s, ok := r.next()
		if !ok {
			break
		}
		end = r.at
		if s.Column < 0 || s.Source < -1 || s.Source >= len(m.Sources) || s.Name < -1 || s.Name >= len(m.Names) ||
			s.OriginalLine < 0 || s.OriginalColumn < 0 {
			return fmt.Errorf("mappings: line %d leads to a place that does not exist", r.line+1)
		}
	}
	if r.at < len(m.Mappings) {
		return fmt.Errorf("mappings: malformed after %d characters", end)
	}
	return nil
}

// Content returns the text of a source, nil when the map does not have it.
func (m *Map) Content(source int) *string {
	if source >= len(m.SourcesContent) {
		return nil
	}
	return m.SourcesContent[source]
}

// Encode returns the map as JSON.
func (m *Map) Encode() []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(m) // strings and numbers always encode
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}

// Position is a place in a source.
type Position struct {
	// Source is the index of the source.
	Source, Line, Column int
}

// Original returns the place in a source that a place in the code comes from. Lines and columns count from 1. ok is
// false for a place that comes from no source.
func (m *Map) Original(line, column int) (p Position, ok bool) {
	found := false
	for n, s := range All(m.Mappings) {
		if n < line-1 {
			continue
		}
		if n > line-1 || found && s.Column > column-1 {
			break
		}
		found = true
		p, ok = Position{s.Source, s.OriginalLine + 1, s.OriginalColumn + 1}, s.Source >= 0
	}
	return p, ok
}

// Compose returns the map from the code of outer to the sources of inner. inner is the map of one of outer's sources.
// Other sources of outer stay. A place in that source which comes from no source of inner comes from none.
func Compose(outer *Map, source int, inner *Map) *Map {
	m := &Map{Version: 3, Sources: slices.Clone(inner.Sources), Names: slices.Clone(inner.Names), IgnoreList: slices.Clone(inner.IgnoreList)}
	for i := range inner.Sources {
		m.SourcesContent = append(m.SourcesContent, inner.Content(i))
	}
	moved := map[int]int{}
	for i, s := range outer.Sources {
		if i == source {
			continue
		}
		moved[i] = len(m.Sources)
		if slices.Contains(outer.IgnoreList, i) {
			m.IgnoreList = append(m.IgnoreList, len(m.Sources))
		}
		m.Sources = append(m.Sources, s)
		m.SourcesContent = append(m.SourcesContent, outer.Content(i))
	}
	if !slices.ContainsFunc(m.SourcesContent, func(text *string) bool { return text != nil }) {
		m.SourcesContent = nil
	}
	names := len(m.Names)
	m.Names = append(m.Names, outer.Names...)
	var lines [][]Segment
	for n, s := range All(inner.Mappings) {
		for len(lines) <= n {
			lines = append(lines, nil)
		}
		lines[n] = append(lines[n], s)
	}
	var w Writer
	for n, s := range All(outer.Mappings) {
		if s.Name >= 0 {
			s.Name += names
		}
		if to, other := moved[s.Source]; other {
			s.Source = to
		} else if s.Source >= 0 {
			s = s.through(lines)
		}
		w.Add(n, s)
	}
	m.Mappings = w.String()
	return m
}

// through returns the segment with the place where its place comes from.
func (s Segment) through(lines [][]Segment) Segment {
	var line []Segment
	if s.OriginalLine < len(lines) {
		line = lines[s.OriginalLine]
	}
	behind, found := slices.BinarySearchFunc(line, s.OriginalColumn, func(s Segment, column int) int { return s.Column - column })
	if !found {
		behind--
	}
	if behind < 0 || line[behind].Source < 0 {
		return Segment{Column: s.Column, Source: -1, Name: -1}
	}
	from := line[behind]
	from.Column = s.Column
	if from.Name < 0 {
		from.Name = s.Name
	}
	return from
}

// Input returns the index of the source that stands for the text that a tool was given, -1 when no source does. id and
// file name the text.
func (m *Map) Input(id, file string) int {
	if len(m.Sources) == 1 {
		return 0
	}
	return slices.IndexFunc(m.Sources, func(source string) bool {
		return source == "" || source == id || file != "" && Path(source, file) == file
	})
}

// Path returns the file that a source's name means in the map of a file: the name is absolute, or relative to the file.
// It returns a URL of another kind as it is.
func Path(source, file string) string {
	if rest, ok := strings.CutPrefix(source, "file://"); ok {
		source = rest
	}
	slashed := filepath.ToSlash(source)
	switch {
	case source == "":
		return file
	case filepath.IsAbs(source), strings.Contains(slashed, "://"), strings.HasPrefix(slashed, "/"):
		return source
	}
	return filepath.FromSlash(path.Join(path.Dir(filepath.ToSlash(file)), slashed))
}

// Chain returns the map of a text that two tools have made: first by inner, then by outer. A tool without a map ("")
// has moved nothing. id and file name the text between the tools.
func Chain(outer, inner, id, file string) string {
	first, err := Parse([]byte(inner))
	if err != nil {
		return outer
	}
	last, err := Parse([]byte(outer))
	if err != nil {
		return inner
	}
	if source := last.Input(id, file); source >= 0 {
		last = Compose(last, source, first)
	}
	return string(last.Encode())
}

// After returns the map of the code with a text before it.
func (m *Map) After(text string) *Map {
	lines := strings.Count(text, "\n")
	columns := len(utf16.Encode([]rune(text[strings.LastIndexByte(text, '\n')+1:])))
	var w Writer
	for n, s := range All(m.Mappings) {
		if n == 0 {
			s.Column += columns
		}
		w.Add(n+lines, s)
	}
	moved := *m
	moved.Mappings = w.String()
	return &moved
}

// Check returns the reason why a text is no source map, nil when it is.
func Check(text string) error {
	_, err := Parse([]byte(text))
	return err
}
