package transform

import (
	"strings"
	"testing"
)

// FuzzImports compiles arbitrary text. The reader must read all that esbuild prints. It must not fail, keep the lines,
// and find the import that the test puts before the text.
func FuzzImports(f *testing.F) {
	for _, seed := range []string{
		component,
		"a / b / require('x')", "if (a) /`/.test(b)", "`${`${/}/}`}`", "x = {} / 1", "a++ / 2 / c", "() => {}\n/x/", "</script>", "<!-- x\n--> y",
		"import.meta.glob(['./a', '!./b'], { eager: true, query: { a: 'b' } })", "import(`./${a}/${`b${c}`}.js`)",
		"new Worker(new URL('./w', import.meta.url))", "await import('x'); export * from 'y'; export const z = 1",
		"var __defProp = Object.defineProperty;\nvar __toESM = 1;", "var import_marker = 1, require_marker = 2", "export { a as 'b c' } from 'd'",
		"export default class { #a = /[/]/; static { this.#a } }", "function useX() { return useState(() => { useY() }) }",
		"const A = memo(forwardRef((p) => { useB(p) })), C = D.E`x`", "label: for (;;) { break label }", "\"\\u{1F600}\\x41\\\n\"", "#!x\n'use strict'",
		"with (a) b", "export let A = () => {}\n;`a\n${b}\nc`", "a?.import('x')", "yield /x/", "let async; async\n/x/g", "\r!A\n'00\xe9'", "'\xe9",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, in := range []Input{
			{ID: "/src/a.js", Refresh: "preact", Glob: func(g Glob) (Globbed, error) { return Globbed{Files: []GlobFile{{"k", "s"}}}, nil }},
			{ID: "/node_modules/p/a.js", Dependency: true, SideEffectFree: true},
		} {
			in.Code = "import marker from './marker'; marker();\n" + text
			out, errs := Compile(in)
			if errs != nil {
				continue
			}
			if !strings.Contains(out.Code, `require("./marker"`) || len(out.Imports) == 0 {
				t.Errorf("the import was not found in\n%s", out.Code)
			}
			p, _ := print(&in, false)
			tokens, ok := tokenize(p.code, nil)
			if !ok {
				t.Errorf("not read to the end:\n%s", p.code)
			}
			checkTokens(t, p.code, tokens)
			if _, errs := SourceMap(in); errs != nil {
				t.Errorf("no source map: %v", errs)
			}
			want := strings.Count(string(p.code), "\n")
			if out.Refreshes {
				want++
			}
			if got := strings.Count(out.Code, "\n"); got != want {
				t.Errorf("%d lines, want %d:\n%s", got, want, out.Code)
			}
		}
	})
}

// checkTokens expects paired brackets. When a regular expression is read as a division, or a division as a regular
// expression, brackets are mostly not paired.
func checkTokens(t *testing.T, code []byte, tokens []token) {
	depth := 0
	for _, tok := range tokens {
		if depth += bracket(tok.kind); depth < 0 {
			break
		}
	}
	if depth != 0 {
		t.Errorf("brackets do not pair in\n%s", code)
	}
}
