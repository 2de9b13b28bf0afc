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
		"standard":   {Lang: LangTS, Code: "export default @x class Named { @y b = 1; @z accessor c: number = MARK(2); #d = 3; constructor(public e: number) {} }\n"},
		"using":      {Lang: LangTS, Code: "using a = f();\nexport { a };\nexport function g() { using b: X = MARK(a); return b; }\n"},
		"disposed":   {Code: "import d from './d';\nawait using a = MARK(d);\n{ await using b = a; }\nexport { a };\n"},
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
			if slices.Contains([]string{"decorators", "standard", "using", "disposed"}, name) { // esbuild's own helpers come with the JavaScript, before the exports
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
	lines := strings.Split(strings.NewReplacer("__getOwnPropDesc2", "__getOwnPropDesc", "__defProp2", "__defProp", "__create2", "__create", "/* @__PURE__ */ new ", "new ").Replace(code), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool {
		return strings.HasPrefix(line, "var __getOwnPropDesc =") || strings.HasPrefix(line, "var __defProp =") || strings.HasPrefix(line, "var __create =")
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

// TestThisOfScripts compiles `this` at the top level: a script keeps it, since it may run outside of a factory.
func TestThisOfScripts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, code        string
		dependency, keeps bool
	}{
		{"a script", "use(this);", false, true},
		{"UMD", "(function(root) { root.a = exports; })(this); use(this);", false, true},
		{"words in comments and texts", "// an export\n/* to import\n * export { b }\n */\nuse(this, 'import b');", false, true},
		{"import()", "use(this); import('./b');", false, true},
		{"an import", "import './b'; use(this);", false, false},
		{"a byte order mark", "\ufeffexport const b = 1; use(this);", false, false},
		{"a byte order mark and an import", "\ufeffimport './b'; use(this);", false, false},
		{"a minified export", "const b=1;export{b};use(this);", false, false},
		{"import.meta", "use(this); import.meta.url;", false, false},
		{"an export behind a comment", "/* b */ export let b; use(this);", false, false},
		{"CommonJS of a package", "use(this);", true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, errs := Compile(Input{ID: "/m.js", File: "/m.js", Code: test.code, Lang: LangJS, Dependency: test.dependency})
			if errs != nil {
				t.Fatal(errs)
			}
			script := Script(out.Code)
			if strings.Contains(script, "use(this") != test.keeps || strings.Contains(script, thisMark) || test.keeps && strings.Contains(script, "__toCommonJS") {
				t.Errorf("%s becomes\n%s", test.code, script)
			}
		})
	}
}

// TestSyntaxThatBrowsersLack: what compiles has nothing of it, and no module pays for what it does not use.
func TestSyntaxThatBrowsersLack(t *testing.T) {
	for code, left := range map[string]string{
		"@x class A { accessor b = 1; }":                                   "@x",
		"class A { accessor b = 1; static accessor #c = 2; }":              "accessor",
		"export default @x class {}":                                       "@x",
		"{ using a = b; }":                                                 "using ",
		"async function f() { for (await using a of b) c(a); }":            "using ",
		"await using a = b; export { a };":                                 "using ",
		"class A { static { using a = b; } }":                              "using ",
		"const accessor = 1, using = 2; export { accessor as using };":     "__using",
		"import defer from './a'; import source from './b'; defer(source)": "Deferred",
	} {
		for _, lang := range []Lang{LangJS, LangTS, LangJSX} {
			out, errs := Compile(Input{ID: "/a", Lang: lang, Code: code})
			if errs != nil {
				t.Errorf("%s: %v", code, errs)
			} else if strings.Contains(strings.ReplaceAll(out.Code, "__using ", ""), left) || strings.Contains(out.Code, "fns.push(__expectFn(fn ||") {
				t.Errorf("%s: the code has %q:\n%s", code, left, out.Code)
			}
		}
	}
	for code, want := range map[string]string{
		"\nimport defer * as a from './a';": "2:8: browsers have no deferred imports yet",
		"f(import.defer('./a'))":            "1:10: browsers have no deferred imports yet",
		"class A { b(@c d) {} }":            "1:13: Parameter decorators are not allowed in JavaScript",
		"a |> b":                            `1:4: Unexpected ">"`,
	} {
		_, errs := Compile(Input{ID: "/a", Code: code})
		if len(errs) != 1 || !strings.Contains(errs[0].Error(), want) {
			t.Errorf("%s: got %v, want %s", code, errs, want)
		}
	}
}
