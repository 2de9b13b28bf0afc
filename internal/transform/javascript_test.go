package transform

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestTwoSteps: a module that is compiled to JavaScript first, and then to a factory, is the module that one step
// makes. Its source map leads as far.
func TestTwoSteps(t *testing.T) {
	react := JSX{Dev: true}
	for name, in := range map[string]Input{
		"module":     {Code: "import d, { e as f } from './d';\nexport * from './s';\nexport * as ns from './ns';\nexport default class MARK { }\nexport const a = f(d);\n"},
		"types":      {Lang: LangTS, Code: "import { T, v } from './t';\nimport type { U } from './u';\nenum E { A = 1 }\nnamespace N { export const x = 1; }\nexport const MARK: T = v as U;\nexport { N };\n"},
		"decorators": {Lang: LangTS, TSConfigRaw: `{"compilerOptions":{"experimentalDecorators":true,"useDefineForClassFields":false}}`, Code: "@x class A { @y b = 1; constructor(private z: number) {} }\nMARK(A);\nexport { A };\n"},
		"jsx":        {Lang: LangTSX, JSX: react, Refresh: "react", File: "/p/a.tsx", Code: "import { useState } from 'react';\n\nexport function App(p: { a: string }) {\n  const [n, set] = useState(0);\n  return <><b title={p.a} onClick={() => set(MARK)}>{n}</b></>;\n}\n"},
		"classic":    {Lang: LangJSX, JSX: JSX{Runtime: "classic", Factory: "h"}, Code: "import { h } from 'preact';\nexport const a = <MARK a='1' />;\n"},
		"await":      {Lang: LangTS, Code: "import d from './d';\nexport const a: number = await MARK(d);\nconst m = await import('./dyn');\n"},
		"meta":       {Lang: LangTS, Define: map[string]string{"__X__": "1", "process.env.NODE_ENV": `"test"`}, Code: "if (import.meta.hot) import.meta.hot.accept((m: any) => MARK(m));\nconsole.log(import.meta.env.MODE, __X__, process.env.NODE_ENV, import.meta.url);\nnew Worker(new URL('./w.ts', import.meta.url), { type: 'module' });\n"},
		"glob":       {Lang: LangTS, Glob: func(Glob) (Globbed, error) { return Globbed{Files: []GlobFile{{"./a.ts", "./a.ts"}}}, nil }, Code: "const a = import.meta.glob<string>('./*.ts', { eager: true });\nMARK(a, import(`./x/${a}.ts`));\n"},
		"commonjs":   {Dependency: true, Code: "'use strict';\nvar d = require('./d');\nif (process.env.NODE_ENV !== 'production') module.exports = MARK(d);\nexports.x = require('./e').y;\n"},
		"sloppy":     {Dependency: true, Code: "with (a) { MARK(b) }\nmodule.exports = 1;\n"},
		"node esm":   {Dependency: true, NodeESM: true, Code: "import d from './cjs';\nexport default MARK(d);\n"},
		"barrel":     {Dependency: true, SideEffectFree: true, Code: "export { MARK } from './a';\nexport { default as b } from './b';\nimport c from './c';\nexport { c };\n"},
		"script":     {Code: "var MARK = 1;\nwindow.a = MARK;\n"},
	} {
		t.Run(name, func(t *testing.T) {
			in.ID = "/src/a.ts"
			want, errs := Compile(in)
			if errs != nil {
				t.Fatal(errs)
			}
			line, column := lineColumn(want.Code, strings.Index(want.Code, "MARK"))
			code, m, errs := JavaScript(in)
			if errs != nil {
				t.Fatal(errs)
			}
			second := in
			second.Code, second.Lang, second.Map = code, LangJS, m
			got, errs := Compile(second)
			if errs != nil {
				t.Fatal(errs)
			}
			secondCode := got.Code
			if name == "sloppy" { // the string's map differs
				want.Code, got.Code = want.Code[:strings.Index(want.Code, "base64,")], got.Code[:strings.Index(got.Code, "base64,")]
			}
			if name == "decorators" { // esbuild's own helpers come with the JavaScript, before the exports
				got.Code, want.Code = sorted(got.Code), sorted(want.Code)
			}
			if a, b := fmt.Sprintf("%+v", *got), fmt.Sprintf("%+v", *want); a != b {
				t.Errorf("from\n%s\ngot  %s\nwant %s", code, a, b)
			}
			one, errs := SourceMap(in)
			two, more := SourceMap(second)
			if errs != nil || more != nil {
				t.Fatal(errs, more)
			}
			if fmt.Sprint(two.Sources, two.IgnoreList) != fmt.Sprint(one.Sources, one.IgnoreList) || *two.SourcesContent[0] != in.Code {
				t.Errorf("the map is of %v, %v: %q", two.Sources, two.IgnoreList, *two.SourcesContent[0])
			}
			a, okOne := one.Original(line, column)
			line, column = lineColumn(secondCode, strings.Index(secondCode, "MARK"))
			b, okTwo := two.Original(line, column)
			if a != b || okOne != okTwo {
				t.Errorf("MARK comes from %v %v, in one step from %v %v", b, okTwo, a, okOne)
			}
		})
	}
}

// sorted returns the lines of code in order, without the numbers by which esbuild sets helpers apart and without the
// helpers that pages share.
func sorted(code string) string {
	lines := strings.Split(strings.NewReplacer("__getOwnPropDesc2", "__getOwnPropDesc", "__defProp2", "__defProp").Replace(code), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool {
		return strings.HasPrefix(line, "var __getOwnPropDesc =") || strings.HasPrefix(line, "var __defProp =")
	})
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestJavaScript: what plugins get has no types and no JSX, and is still an ES module.
func TestJavaScript(t *testing.T) {
	in := Input{ID: "/a.tsx", File: "/p/a.tsx", Lang: LangTSX, JSX: JSX{Dev: true}, Define: map[string]string{"__X__": "1"},
		Code: "import { b } from './b';\ntype T = 1;\nexport const a: T = <p>{b}{__X__}</p>;\nimport.meta.hot?.accept();\n"}
	code, _, errs := JavaScript(in)
	if errs != nil {
		t.Fatal(errs)
	}
	for _, part := range []string{`import { b } from "./b";`, `export const a = `, "jsxDEV", "lineNumber: 3", "__X__", "import.meta.hot?.accept()"} {
		if !strings.Contains(code, part) {
			t.Errorf("the code lacks %q:\n%s", part, code)
		}
	}
	if _, _, errs := JavaScript(Input{ID: "/a.ts", Lang: LangTS, Code: "let a: = 1"}); len(errs) != 1 || errs[0].Line != 1 {
		t.Errorf("got %v", errs)
	}
}
