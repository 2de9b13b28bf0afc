package transform

import (
	"strings"
	"testing"
)

// What of a project is an ES module, also without exports: `this` is undefined and the exports have the mark.
func TestModuleOrCommonJS(t *testing.T) {
	for _, c := range []struct {
		name, file, code string
		want             bool
	}{
		{"without imports and exports", "a.js", `console.log(this)`, true},
		{"imports only", "a.ts", `import "./b"; console.log(this)`, true},
		{"types only", "a.ts", `import type { T } from "./b"; console.log(this as T)`, true},
		{"await", "a.js", `await 1; console.log(this)`, true},
		{"words in comments and texts", "a.js", `// module.exports, require("x")` + "\n" + `console.log(this, "exports")`, true},
		{"members and keys of these names", "a.js", `const a = { module: 1, exports: 2 }; a.require(a.module, a.exports, this)`, true},
		{"a comment and an import", "a.js", `import "./b"; // require() it` + "\n" + `console.log(this)`, true},
		{"a variable exports", "a.js", `const { exports } = wasm; exports.run(this)`, true},
		{"a class module", "a.js", `class module {} new module(this)`, true},
		{"a script of a page", "index.html", `console.log(this)`, true},
		{"module.exports", "a.js", `module.exports = this`, false},
		{"exports", "a.js", `exports.a = this`, false},
		{"require", "a.js", `const a = require("./a"); a(this)`, false},
		{"an import beside module.exports", "a.js", `import a from "./a"; module.exports = a`, false},
		{"this alone, in a file of CommonJS", "a.cjs", `this.a = 1`, false},
		{"TypeScript's own form", "a.ts", `import a = require("./a"); export = a`, false},
	} {
		for _, dependency := range []bool{false, true} {
			in := Input{ID: "/" + c.file, File: "/" + c.file, Lang: LangOf(c.file), Code: c.code, Dependency: dependency, NodeESM: dependency}
			out, errs := Compile(in)
			if errs != nil {
				t.Errorf("%s: %v", c.name, errs)
				continue
			}
			if got := strings.Contains(out.Code, "module.exports = __toCommonJS("); got != c.want {
				t.Errorf("%s (package %v): an ES module: %v, want %v\n%s", c.name, dependency, got, c.want, out.Code)
			}
			if c.want && strings.Contains(c.code, "this") && !strings.Contains(out.Code, "void 0") && !strings.Contains(out.Code, thisMark) {
				t.Errorf("%s: `this` is not undefined\n%s", c.name, out.Code)
			}
		}
	}
	out, _ := Compile(Input{ID: "/node_modules/a/a.js", File: "/node_modules/a/a.js", Code: `this.a = 1`, Dependency: true})
	if !strings.Contains(out.Code, "exports.a = 1") {
		t.Errorf("a file of a package without a type may be a script, whose `this` is module.exports\n%s", out.Code)
	}
}

// A top-level variable with the name of a parameter of the factory would be a syntax error of the whole pack.
func TestNamesOfTheFactory(t *testing.T) {
	for code, inBlock := range map[string]bool{
		`export const exports = 1`:                                        true,
		`const { instance: { exports } } = wasm; exports.run()`:           true,
		`let a = 1, [exports = 2] = list; a(exports); export {}`:          true,
		`class exports {} new exports()`:                                  true,
		`await 1; const exports = 2; exports()`:                           false, // a variable of the function
		`export const add = wasm.exports.add`:                             false,
		`const { exports: e } = wasm; e()`:                                false,
		`export function f() { const exports = 1; return exports }`:       false,
		`export const f = (exports) => exports, g = { exports: 1 }`:       false,
		`const module = 1, require = () => module; export { require }`:    false, // esbuild gives other names
		`export var a = function () { let exports = 1; return exports; }`: false,
	} {
		out, errs := Compile(Input{ID: "/a.js", File: "/a.js", Code: code})
		if errs != nil {
			t.Errorf("%s: %v", code, errs)
		} else if got := strings.HasPrefix(out.Code, "{"); got != inBlock {
			t.Errorf("%s: in a block: %v, want %v\n%s", code, got, inBlock, out.Code)
		}
	}
}

// The helper of an import says what the importer does with it, and by which rule it takes the default export.
func TestImportHelpers(t *testing.T) {
	for _, c := range []struct {
		code, babel, node string
	}{
		{`import a from "x"; a()`, `__toESM(require("x", ["default"]))`, `__toMJS(require("x", ["default"]))`},
		{`import { b } from "x"; b()`, `require("x", ["b"])`, `require("x", ["b"])`},
		{`import a, { b } from "x"; a(b, b)`, `__toESM(require("x", ["default", "b"]))`, `__toMJS(require("x", ["default", "b"]))`},
		{`import * as a from "x"; a.b()`, `__toESM(require("x"))`, `__toMJS(require("x"))`},
		{`import * as a from "x"; f(a)`, `__asESM(require("x"))`, `__asMJS(require("x"))`},
		{`import * as a from "x"; a.b = 1`, `__asESM(require("x"))`, `__asMJS(require("x"))`},
		{`import * as a from "x"; a[b]()`, `__asESM(require("x"))`, `__asMJS(require("x"))`},
		{`export * as a from "x"`, `__asESM(require("x"))`, `__asMJS(require("x"))`},
		{`import a, * as b from "x"; f(a, b)`, `__asESM(require("x"))`, `__asMJS(require("x"))`},
		{`export { default } from "x"`, `__toESM(require("x", ["default"]))`, `__toMJS(require("x", ["default"]))`},
		{`export { c as "d e" } from "x"`, `require("x", ["c"])`, `require("x", ["c"])`},
		{`const a = require("x"); a.b()`, `require("x");`, `require("x");`},
	} {
		for _, node := range []bool{false, true} {
			want := c.babel
			if node {
				want = c.node
			}
			out, errs := Compile(Input{ID: "/a.js", File: "/a.js", Code: c.code, NodeESM: node})
			if errs != nil || !strings.Contains(out.Code, " = "+want) {
				t.Errorf("%s (Node's rule %v): want %s in\n%s%v", c.code, node, want, out.Code, errs)
			}
		}
	}
}
