package transform

import (
	"fmt"
	"os/exec"
	"path"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// TestRun runs compiled modules in Node, in a registry of a few lines, and compares their logs.
func TestRun(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node to run the modules in")
	}
	for name, test := range map[string]struct{ files, want string }{
		"live bindings and default exports": {`
-- main.ts --
import { count, add } from "./counter.ts";
import def, * as ns from "./counter.ts";
add(); log(count, def(), Object.keys(ns).sort().join());
-- counter.ts --
export let count = 1;
export function add() { count++ }
export default () => count;
`, "2 2 add,count,default"},
		"a circle": {`
-- main.ts --
import { a } from "./b.ts";
export function hoisted() { return "hoisted" }
export const late = "late";
log(a());
-- b.ts --
import { hoisted, late } from "./main.ts";
log(hoisted());
export const a = () => late;
`, "hoisted late"},
		"stars": {`
-- main.js --
import { a, b } from "./index.js"; import * as ns from "./index.js";
log(a, b, "default" in ns);
-- index.js --
export * from "./a.js"; export * from "./c.cjs";
-- a.js --
export const a = "a"; export default 1;
-- c.cjs --
exports.b = "b";
`, "a b false"},
		"commonjs in a package": {`
-- main.js --
import cjs from "./p.cjs"; import { named } from "./p.cjs"; import * as ns from "./p.cjs"; import umd from "./umd.cjs";
log(cjs.named, named, ns.default === cjs, umd.umd);
-- p.cjs --
exports.named = typeof require + typeof module + (this === exports);
-- umd.cjs --
(function (root, factory) { typeof exports === "object" && typeof module !== "undefined" ? module.exports = factory() : root.x = factory() })(this, () => ({ umd: "umd" }));
`, "functionobjecttrue functionobjecttrue true umd"},
		"sloppy mode": {`
-- main.js --
import old from "./node_modules/old/index.js";
log(old.sum({ a: 1, b: 2 }), old.twice(1, 2), old.callee(), old.octal, old.gone, old.names);
-- node_modules/old/index.js --
var base = require("./base.js");
exports.sum = function (o) { with (o) { return a + b + base.zero } };
exports.twice = function (x, x) { return x };
exports.callee = function () { return typeof arguments.callee };
exports.octal = 010 + "\01".length;
exports.gone = (function () { var v = 1; return delete v })();
exports.names = (function (eval, arguments) { made = eval + arguments; return made })("<!--", "${x}</script>");
-- node_modules/old/base.js --
exports.zero = 0;
`, "3 2 function 9 false <!--${x}</script>"},
		"json": {`
-- main.js --
import data, { a } from "./data.json"; import list from "./list.json"; import big from "./proto.json";
log(data.a, a, list.length, big["__proto__"]);
-- data.json --
{ "a": 1 }
-- list.json --
[1, 2]
-- proto.json --
{ "__proto__": "own" }
`, "1 1 2 own"},
		"a lazy barrel": {`
-- main.js --
import { a } from "./node_modules/p/index.js"; import * as again from "./node_modules/p/index.js";
log(a, again.ns.b, again.a === a);
-- node_modules/p/index.js --
export { a } from "./a.js"; export { never } from "./never.js"; export * as ns from "./b.js";
-- node_modules/p/a.js --
log("a runs"); export const a = "a";
-- node_modules/p/b.js --
export const b = "b";
-- node_modules/p/never.js --
log("never runs");
`, "a runs a b true"},
		"lazy stars": {`
-- main.js --
import { a, b, c } from "./node_modules/p/index.js"; import * as all from "./node_modules/p/index.js";
log(a, b, c, "never" in all, Object.keys(all).sort().join());
-- node_modules/p/index.js --
export * from "./a.js"; export { default as b } from "./b.js"; export * from "./b.js"; export * from "./never.js"; export * from "./plain.cjs";
export const a = "own";
-- node_modules/p/a.js --
log("never runs"); export const a = "a";
-- node_modules/p/b.js --
export default "b"; export const a = "no", bb = 1;
-- node_modules/p/never.js --
log("never runs"); export { never } from "./gone.js"; export default 1;
-- node_modules/p/plain.cjs --
exports.c = "c";
`, "own b c true a,b,bb,c,never"},
		"default imports by Node's rules": {`
-- main.js --
import { seen } from "./node/index.js"; import { default as lazy } from "./node/index.js";
log(seen, lazy.default);
-- node/index.js --
import babel from "./babel.cjs"; import own from "./own.js"; export { default } from "./babel.cjs";
export const seen = babel.default + own;
-- node/babel.cjs --
exports.__esModule = true; exports.default = "babel";
-- node/own.js --
export default "own";
`, "babelown babel"},
		"glob": {`
-- main.js --
const lazy = import.meta.glob("./m/*.js"), eager = import.meta.glob("./m/*.js", { eager: true, import: "default" });
log(Object.keys(lazy).join(), Object.values(eager).join());
lazy["./m/a.js"]().then(async (m) => { const name = "b"; log(m.default, (await import(` + "`./m/${name}.js`" + `)).default) });
-- m/a.js --
export default "a";
-- m/b.js --
export default "b";
`, "./m/a.js,./m/b.js a,b a b"},
		"top-level await": {`
-- main.js --
import { helper } from "./helper.js";
export const early = () => "early";
log(helper());
export let value = await Promise.resolve("value");
log(value);
for await (const x of [1, 2]) log(x);
log((await import("./helper.js")).helper());
-- helper.js --
import { early } from "./main.js";
export const helper = () => early();
`, "early value 1 2 early"},
		"names of functions and classes": {`
-- main.js --
import { names, check } from "./node_modules/p/es5.js";
import shadows from "./node_modules/p/shadows.js"; import sloppy from "./sloppy.cjs";
import f from "./f.js"; import g from "./node_modules/p/g.js"; import c from "./c.js"; import own from "./own.js"; import call from "./call.js"; import named from "./named.js";
log(names, check(), "|", shadows, "|", sloppy, "|", [f, g, c, own, named].map((x) => x.name).join(), call, f());
-- node_modules/p/es5.js --
var Sub = /** @class */ (function () { function Sub() {} Sub.make = function () { return new Sub() }; return Sub; }());
let Element = class Element { self() { return Element } };
const Button = wrap(function Button() { return Button });
const Vector2 = (() => { class Vector2 {} return Vector2 })();
const outer = (function inner() { const outer = () => 1, inner = async () => outer(); return [outer, inner].map((f) => f.name) })();
function wrap(f) { return f }
export const names = [Sub, Element, Button, Vector2].map((f) => f.name) + "," + outer;
export const check = () => [Sub.make() instanceof Sub, new Element().self() === Element, Button() === Button].join();
-- node_modules/p/shadows.js --
import { Map } from "./map.js"; import * as React from "./map.js";
function foo(a = foo) { var two = 2; { function foo() { return [two, typeof a, "bar2", /bar2/.test("bar2")] } var inside = foo } return [inside.name, ...inside()] }
const require2 = (function () { function require() { return "own" } function module() { return Map() + React.Map() } return [require(), module()] })();
const import_map = (() => { function import_map() { return Map() } return import_map() })();
class Foo2 { static make() { class Foo {} class Foo2 extends Foo {} return [Foo, Foo2].map((f) => f.name) } }
export default [foo(), require2, import_map, Foo2.make(), Foo2.name].join();
-- node_modules/p/map.js --
export function Map() { return "map" }
-- sloppy.cjs --
function foo() { return "outer" }
var before = foo();
{ function foo() { return "inner" } }
module.exports = before + foo();
-- f.js --
export default function () { return "f" }
-- node_modules/p/g.js --
export default async () => 1
-- c.js --
export default class {}
-- own.js --
export default class { static name = "own" }
-- call.js --
export default ((x) => x)("call")
-- named.js --
export default function named_default() {}
`, "Sub,Element,Button,Vector2,outer,inner true,true,true | foo,2,function,bar2,true,own,mapmap,map,Foo,Foo2,Foo2 | outerinner | default,default,default,own,named_default call f"},
		"refresh": {`
-- main.tsx --
import { useThing } from "./hook.ts";
export function App() { const [a] = useState(1); useThing(); return null; }
export const Memo = memo(() => { useThing(); return null; });
log("body");
-- hook.ts --
export function useThing() { return useState(0); }
`, "/hook.ts[] useThing() body /main.tsx[App,Memo] App(useThing) Memo(useThing)"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), node, "--input-type=module", "-")
			cmd.Stdin = strings.NewReader(program(t, txtar.Parse([]byte(strings.TrimPrefix(test.files, "\n"))).Files))
			out, err := cmd.CombinedOutput()
			if got := strings.TrimSpace(string(out)); err != nil || got != test.want {
				t.Errorf("%v: got\n%s\nwant\n%s", err, got, test.want)
			}
		})
	}
}

// program returns a registry with the compiled files after it. Specifiers are paths.
func program(t *testing.T, files []txtar.File) string {
	var b strings.Builder
	for _, name := range sharedHelpers {
		b.WriteString(helperTexts()[name])
	}
	b.WriteString(`
const modules = {}, esModules = new Set(), plainToCommonJS = __toCommonJS;
__toCommonJS = (mod) => { const m = plainToCommonJS(mod); esModules.add(m); return m };
const __toMJS = (mod) => esModules.has(mod) ? mod : __toESM(mod, 1), __asMJS = __toMJS, __asESM = __toESM;
const logged = [];
const log = (...args) => logged.push(...args), memo = (type) => ({ type }), useState = () => [];
const define = (id, factory) => { modules[id] = { factory } };
const resolve = (spec, from) => new URL(spec, "file://" + from).pathname;
function load(id) {
  const m = modules[id];
  if (!m.module) {
    m.module = { exports: {} };
    const require = (spec) => load(resolve(spec, id)).exports;
    const $load$ = async (spec) => { const x = load(resolve(spec, id)); await x.done; return __toESM(x.exports) };
    const refresh = ({ components, signatures }) => log(id + "[" + Object.keys(components) + "]", ...signatures.map(([type, key, reset, custom]) => {
      const name = Object.keys(components).find((k) => components[k] === type) ?? type.name;
      return name + "(" + (custom?.().map((f) => f.name) ?? "") + ")";
    }));
    m.module.done = m.factory.call(m.module.exports, m.module, m.module.exports, require, $load$, { refresh });
  }
  return m.module;
}
`)
	for _, f := range files {
		id := "/" + f.Name
		in := Input{ID: id, Code: string(f.Data), Lang: LangOf(f.Name), Refresh: "react"}
		in.Dependency = strings.Contains(id, "node_modules") || path.Ext(id) == ".cjs"
		in.NodeESM = strings.HasPrefix(f.Name, "node/") && path.Ext(id) == ".js"
		in.Dependency = in.Dependency || in.NodeESM
		in.SideEffectFree = in.Dependency
		in.StarExports = func(spec string) ([]string, bool) {
			for _, f := range files {
				if f.Name == path.Join(path.Dir(id), spec)[1:] && path.Ext(f.Name) != ".cjs" {
					if strings.Contains(spec, "b.js") {
						return []string{"a", "bb"}, true // ScanExports does not read a declaration with several variables
					}
					names, _, ok := ScanExports(string(f.Data))
					return names, ok
				}
			}
			return nil, false
		}
		in.Glob = func(g Glob) (found Globbed, _ error) {
			for _, f := range files {
				if ok, _ := path.Match(path.Join("/", g.Patterns[0]), "/"+f.Name); ok {
					found.Files = append(found.Files, GlobFile{Key: "./" + f.Name, Specifier: "./" + f.Name})
				}
			}
			return found, nil
		}
		out, errs := Compile(in)
		if errs != nil {
			t.Fatal(errs[0].Error())
		}
		async := ""
		if out.Async {
			async = "async "
		}
		fmt.Fprintf(&b, "define(%q, %sfunction(module, exports, require, $load$, $meta$) {\n%s});\n", id, async, out.Code)
	}
	fmt.Fprintf(&b, "const entry = load(%q); await entry.done;\nsetTimeout(() => console.log(logged.join(\" \")));\n", "/"+files[0].Name)
	return b.String()
}
