package transform

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/tdewolff/parse/v2/js"

	"github.com/seed-b8174343/devserver/internal/sourcemap"
)

// wantsPositions reports whether elements of the classic runtime get their positions. esbuild adds positions to the
// calls of the automatic runtime only.
func (in *Input) wantsPositions() bool {
	if !in.JSX.Dev || in.Dependency || in.JSX.Factory != "" && in.JSX.Factory != reactFactory {
		return false
	}
	classic := in.JSX.Runtime == "classic" || strings.Contains(in.Code, "@jsxRuntime classic")
	return classic && !strings.Contains(in.Code, "@jsx ")
}

const reactFactory = "React.createElement"

// positions adds the places of elements to the calls of React.createElement, as the property `__source`. React takes it
// out of the properties.
func (r *reader) positions() {
	places := r.places()
	line, lineStart, counted := 0, 0, 0
	for i := range r.tokens {
		if !r.is(i, js.OpenParenToken) || i < 3 || string(r.text(i-1)) != "createElement" || !r.is(i-2, js.DotToken) {
			continue
		}
		first := i - 3
		for r.is(first-1, js.DotToken) {
			first -= 2
		}
		start := int(r.tokens[first].start)
		if !bytes.HasSuffix(r.code[:start], []byte("/* @__PURE__ */ ")) { // a call that the author wrote
			continue
		}
		if between := r.code[counted:start]; bytes.IndexByte(between, '\n') >= 0 {
			line += bytes.Count(between, []byte{'\n'})
			lineStart = counted + bytes.LastIndexByte(between, '\n') + 1
		}
		counted = start
		at, ok := places.find(line, len(utf16.Encode([]rune(string(r.code[lineStart:start])))))
		if !ok {
			continue
		}
		r.addSource(i+1, fmt.Sprintf("__source: { fileName: %s, lineNumber: %d, columnNumber: %d }", Quote(filename(r.in)), at[0]+1, at[1]+1))
	}
}

// addSource adds a property to the second of the arguments that begin at token i.
func (r *reader) addSource(i int, property string) {
	for depth := 0; i < len(r.tokens) && (depth > 0 || !r.is(i, js.CommaToken)); i++ {
		depth += bracket(r.kind(i))
	}
	props := i + 1
	switch {
	case r.is(props, js.NullToken):
		r.replace(int(r.tokens[props].start), int(r.tokens[props].end), "{ "+property+" }")
	case r.is(props, js.OpenBraceToken):
		at := int(r.tokens[r.closing(props)-1].end)
		r.replace(at, at, ", "+property)
	}
}

// places are the source positions of the code by line: column in the code, line and column in the source.
type places [][][3]int

func (r *reader) places() places {
	in := *r.in
	in.Map = nil // the positions name lines of the compiled code, as those that esbuild adds
	m, errs := printedMap(&in, r.p)
	if errs != nil {
		return nil
	}
	var all places
	for line, s := range sourcemap.All(m.Mappings) {
		for len(all) <= line {
			all = append(all, nil)
		}
		if s.Source >= 0 {
			all[line] = append(all[line], [3]int{s.Column, s.OriginalLine, s.OriginalColumn})
		}
	}
	return all
}

// find returns the line and the column in the source of a position in the code; all count from 0.
func (p places) find(line, column int) (at [2]int, ok bool) {
	if line >= len(p) {
		return at, false
	}
	for _, s := range p[line] {
		if s[0] <= column {
			at, ok = [2]int{s[1], s[2]}, true
		}
	}
	return at, ok
}
