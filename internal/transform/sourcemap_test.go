package transform

import (
	"fmt"
	"strings"
	"testing"
)

// TestSourceMap looks up the code's markers in the map and expects to find them in the source.
func TestSourceMap(t *testing.T) {
	for name, in := range map[string]Input{
		"plain":      {Code: "import d from './d';\nexport * from './s';\n\nexport const a = MARK1(d);\nMARK2();\n"},
		"no helpers": {Code: "\nMARK1();\nvar x = {\n  y: MARK2\n};"},
		"hashbang":   {Code: "#!/bin/node\n'use strict';\nimport d from './d';\nMARK1(d);\n"},
		"own helpers": {Code: "var __defProp = Object.defineProperty;\nvar __getOwnPropNames = Object.getOwnPropertyNames;\n" +
			"import d from './d';\nMARK1(d);"},
		"decorators": {Lang: LangTS, Code: "import { x } from './x';\n@x class A { @MARK1 y; }\nMARK2(A);",
			TSConfigRaw: `{"compilerOptions":{"experimentalDecorators":true}}`},
		"await": {Lang: LangTSX, Code: "import d from './d';\nimport e from './e';\ntype T = {\n  a: 1\n};\n" +
			"export const a = await MARK1(d, e);\n\nexport const A = () => <div>{MARK2}</div>;\nimport('./dyn');"},
		"refresh": {Lang: LangTSX, Refresh: "react", Code: "export function App() {\n  MARK1();\n  return <b/>;\n}\nMARK2();"},
		"glob":    {Lang: LangTS, Code: "const a = import.meta.glob(['./a',\n'./b'], {\n eager: true\n});\nMARK1();"},
	} {
		t.Run(name, func(t *testing.T) {
			in.ID = "/src/a.ts?x"
			out, errs := Compile(in)
			if errs != nil {
				t.Fatal(errs)
			}
			m, errs := SourceMap(in)
			if errs != nil {
				t.Fatal(errs)
			}
			if fmt.Sprint(m.Sources) != "[/src/a.ts]" || len(m.SourcesContent) != 1 || *m.SourcesContent[0] != in.Code {
				t.Errorf("sources: %s", m.Encode())
			}
			for _, marker := range []string{"MARK1", "MARK2"} {
				if !strings.Contains(in.Code, marker) {
					continue
				}
				line, column := lineColumn(out.Code, strings.Index(out.Code, marker))
				wantLine, wantColumn := lineColumn(in.Code, strings.Index(in.Code, marker))
				got, ok := m.Original(line, column)
				if !ok || got.Line != wantLine || got.Column != wantColumn {
					t.Errorf("%s at %d:%d of\n%s\nis %d:%d, want %d:%d", marker, line, column, out.Code, got.Line, got.Column, wantLine, wantColumn)
				}
			}
		})
	}
}

func TestRecodeKeepsWhatIsLeft(t *testing.T) {
	got := recode("AAAA;IACA,CAAC;;AACA;AAAE", []lineRange{{1, 2}, {2, 3}}, 0)
	if want := "AAAA;AAEC;AAAE"; got != want {
		t.Errorf("got %q want %q", got, want)
	}
}
