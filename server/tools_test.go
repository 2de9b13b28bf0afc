package server_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// tools links the JavaScript tools of testdata/tools into an app.
func tools(t *testing.T, app *devtest.Files) {
	t.Helper()
	linkPackages(t, app, "testdata/tools")
}

// linkPackages links npm packages into an app, from the node_modules of a folder of the repository.
func linkPackages(t *testing.T, app *devtest.Files, dir string) {
	t.Helper()
	packages, err := filepath.Abs(filepath.Join("..", filepath.FromSlash(dir), "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(packages); err != nil {
		t.Skipf("npm packages are not installed: run npm install --no-save in %s/", dir)
	}
	app.Link(packages, "node_modules")
}

// module returns the pack of the page's first script.
func module(t *testing.T, s *devtest.Server) string {
	t.Helper()
	answer := s.Get("/main.ts", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors")
	if answer.Status != 200 {
		t.Fatalf("status %d: %s", answer.Status, answer.Body)
	}
	return answer.Body
}

// TestStyleTools compiles stylesheets with the project's own tools, edits their sources, and reads their maps.
func TestStyleTools(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files                    string
		has                      string // a part of the compiled stylesheet
		edit, old, now, becomes  string
		mapOf, sources, contents string
	}{
		"sass": {
			"-- package.json --\n{\"devDependencies\":{\"sass\":\"*\"}}\n-- a.scss --\n@use './colors';\n.a { .b { color: colors.$c } }\n-- _colors.scss --\n$c: rgb(1, 2, 3);\n",
			".a .b {\\n  color: rgb(1, 2, 3);", "_colors.scss", "1, 2, 3", "4, 5, 6", "rgb(4, 5, 6)",
			"/a.scss", `"/a.scss"`, `.a { .b { color: colors.$c } }`,
		},
		"less": {
			"-- package.json --\n{\"devDependencies\":{\"less\":\"*\"}}\n-- a.less --\n@import './colors.less';\n.a { .b { color: @c } }\n-- colors.less --\n@c: #010203;\n",
			"color: #010203", "colors.less", "#010203", "#040506", "color: #040506",
			"/a.less", `"/a.less"`, `.a { .b { color: @c } }`,
		},
		"postcss": {
			"-- package.json --\n{\"devDependencies\":{\"postcss\":\"*\"}}\n-- postcss.config.cjs --\nmodule.exports = { plugins: [require('./double.cjs')] }\n" +
				"-- double.cjs --\nmodule.exports = { postcssPlugin: 'double', Declaration: { size(d) { d.prop = 'width'; d.cloneAfter({ prop: 'height' }) } } }\n-- a.css --\n.a { size: 1px }\n",
			"width: 1px; height: 1px", "a.css", "1px", "2px", "height: 2px",
			"/a.css", `"/a.css"`, `.a { size: 1px }`,
		},
		"postcss in the configuration": {
			"-- package.json --\n{}\n-- devserver.config.json --\n{\"css\":{\"postcss\":{\"plugins\":[\"./double.cjs\"]}}}\n" +
				"-- double.cjs --\nmodule.exports = { postcssPlugin: 'double', Declaration: { size(d) { d.prop = 'width'; d.cloneAfter({ prop: 'height' }) } } }\n-- a.css --\n.a { size: 1px }\n",
			"width: 1px; height: 1px", "a.css", "1px", "2px", "height: 2px",
			"/a.css", `"/a.css"`, `.a { size: 1px }`,
		},
		"postcss in vite.config": {
			"-- package.json --\n{}\n-- vite.config.js --\nexport default { css: { postcss: { plugins: [{ postcssPlugin: 'double', Declaration: { size(d) { d.prop = 'width'; d.cloneAfter({ prop: 'height' }) } } }] } } }\n-- a.css --\n.a { size: 1px }\n",
			"width: 1px; height: 1px", "a.css", "1px", "2px", "height: 2px",
			"/a.css", `"/a.css"`, `.a { size: 1px }`,
		},
		"tailwind": {
			"-- package.json --\n{\"devDependencies\":{\"@tailwindcss/vite\":\"*\"}}\n-- a.css --\n@import 'tailwindcss/utilities' source('.');\n@theme { --spacing: 4px }\n-- card.ts --\nexport const card = 'p-7'\n",
			".p-7", "card.ts", "p-7", "p-9", ".p-9",
			"", "", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := name
			for _, candidate := range []string{"a.scss", "a.less", "a.css"} {
				if strings.Contains(c.files, "-- "+candidate+" --") {
					file = candidate
				}
			}
			app := devtest.App(t, devtest.Text("-- index.html --\n<script type=\"module\" src=\"/main.ts\"></script>\n-- main.ts --\nimport './"+file+"'\n"+c.files))
			tools(t, app)
			s := devtest.Start(t, app)
			s.Log.Wait(t, "running this project's tools in Node: ")
			if pack := module(t, s); !strings.Contains(pack, c.has) {
				t.Fatalf("the pack lacks %q:\n%s", c.has, pack)
			}
			if c.mapOf != "" {
				text := s.Get("/@devserver/source.map?of=" + url.QueryEscape("css:"+c.mapOf)).Body
				for _, part := range []string{c.sources, c.contents} {
					if !strings.Contains(text, part) {
						t.Errorf("the map lacks %q: %s", part, text)
					}
				}
			}
			page := s.Socket(t)
			app.Edit(c.edit, c.old, c.now)
			page.WaitFor(devtest.Is("update", "/"+file, c.becomes))
		})
	}
}

// TestToolResultsAreKept starts a project twice. At the second start the tool would give another result, but the server
// uses the cached result.
func TestToolResultsAreKept(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text("-- index.html --\n<script type=\"module\" src=\"/main.ts\"></script>\n-- main.ts --\nimport './a.less'\n-- package.json --\n{\"devDependencies\":{\"less\":\"*\"}}\n"+
		"-- a.less --\n@import './b.less';\n.a { color: @c }\n-- b.less --\n@c: #010203;\n-- node_modules/less/package.json --\n{\"name\":\"less\",\"version\":\"1.0.0\",\"main\":\"index.cjs\"}\n"+
		"-- node_modules/less/index.cjs --\nmodule.exports = { async render(code, o) { return { css: '/* once */', imports: [require('path').join(require('path').dirname(o.filename), 'b.less')] } } }\n"))
	s := devtest.Start(t, app)
	if pack := module(t, s); !strings.Contains(pack, "once") {
		t.Fatal(pack)
	}
	app.Write("node_modules/less/index.cjs", "module.exports = { async render() { return { css: '/* twice */', imports: [] } } }\n")
	s.Stop()
	s.Again()
	if pack := module(t, s); !strings.Contains(pack, "once") {
		t.Errorf("the tool ran again: %s", pack)
	}
	s.Stop()
	app.Edit("b.less", "#010203", "#040506")
	s.Again()
	if pack := module(t, s); !strings.Contains(pack, "twice") {
		t.Errorf("the server uses the cached result, although one of its sources has changed: %s", pack)
	}
}

// TestDecoratorMetadata compiles decorators with the project's TypeScript, Vite or SWC, when tsconfig.json has
// emitDecoratorMetadata. Their source maps lead to the source, and their errors have a place.
func TestDecoratorMetadata(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"typescript", "vite", "@swc/core"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			withMetadata(t, tool)
		})
	}
}

// TestDecoratorMetadataNeedsATool: TypeScript 7 has no API. The error names what does the work, and an install is enough.
func TestDecoratorMetadataNeedsATool(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(decorated+`-- node_modules/typescript/package.json --
{"name": "typescript", "version": "7.0.2", "exports": {".": "./version.cjs"}}
-- node_modules/typescript/version.cjs --
module.exports = { version: "7.0.2", versionMajorMinor: "7.0" };
`))
	s := devtest.Start(t, app)
	if pack := module(t, s); !strings.Contains(pack, "emitDecoratorMetadata needs a compiler") || !strings.Contains(pack, "npm install -D @swc/core") {
		t.Errorf("the pack does not name a compiler:\n%s", pack)
	}
	linkPackage(t, app, "@swc/core")
	app.Edit("main.ts", "wheels: number", "wheels: string")
	devtest.Eventually(t, "metadata", func() bool { return strings.Contains(module(t, s), `"design:paramtypes"`) }, s.Log.String)
}

const decorated = `-- index.html --
<script type="module" src="/main.ts"></script>
-- package.json --
{}
-- tsconfig.json --
{"compilerOptions": {"experimentalDecorators": true, "emitDecoratorMetadata": true}}
-- main.ts --
import { Engine } from "./engine"
const injected: ClassDecorator = () => {}

@injected
export class Car {
  constructor(readonly engine: Engine, wheels: number) {}
}
-- engine.ts --
export class Engine {}
`

// withMetadata serves decorators to a project that has one of the tools.
func withMetadata(t *testing.T, tool string) {
	app := devtest.App(t, devtest.Text(decorated))
	linkPackage(t, app, tool)
	s := devtest.Start(t, app)
	pack := module(t, s)
	for _, part := range []string{`"design:paramtypes"`, `Number`, `Engine`} {
		if !strings.Contains(pack, part) {
			t.Errorf("the pack lacks %s:\n%s", part, pack)
		}
	}
	_, key, _ := strings.Cut(pack, "sourceMappingURL=")
	if text := s.Get(strings.TrimSpace(key)).Body; !strings.Contains(text, "constructor(readonly engine: Engine, wheels: number) {}") || strings.Contains(text, "design:paramtypes") {
		t.Errorf("the source map shows the tool's output and not the source: %s", text)
	}
	page := s.Socket(t)
	app.Edit("main.ts", "wheels: number", "wheels: string")
	page.WaitFor(devtest.Is("update", "/main.ts", "String"))
	app.Edit("main.ts", "constructor(", "constructor((")
	page.WaitFor(devtest.Is("error", `"line":6`))
}

// linkPackage links a package of testdata/tools into an app.
func linkPackage(t *testing.T, app *devtest.Files, name string) {
	t.Helper()
	to, err := filepath.Abs("../testdata/tools/node_modules/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(to); err != nil {
		t.Skipf("%s is not installed: run npm install --no-save in testdata/tools/", name)
	}
	app.Link(to, "node_modules/"+name)
}

// TestJSXOfTheConfiguration: JSX options of the configuration win over tsconfig.json.
func TestJSXOfTheConfiguration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ config, file, has, not string }{
		"vite.config":             {`export default { esbuild: { jsx: "transform", jsxFactory: "h", jsxInject: "import { h } from './h'" } }`, "vite.config.mjs", `.h)("b"`, "jsx-dev-runtime"},
		"a plugin of vite.config": {`export default { plugins: [{ name: "vite:react-babel", config: () => ({ esbuild: { jsx: "automatic", jsxImportSource: "./own" } }) }] }`, "vite.config.mjs", "./own/jsx-dev-runtime", `("react/`},
		"newer names":             {`export default { oxc: { jsx: { runtime: "automatic", importSource: "./own" } } }`, "vite.config.mjs", "./own/jsx-dev-runtime", `("react/`},
		"ours":                    {`{"esbuild": {"jsxImportSource": "./own", "jsxDev": false}}`, "devserver.config.json", "./own/jsx-runtime", "jsxDEV"},
	} {
		t.Run(name, func(t *testing.T) {
			app := devtest.App(t, devtest.Text("-- index.html --\n<script type=\"module\" src=\"/main.ts\"></script>\n-- main.ts --\nimport './a'\n-- a.tsx --\nexport const a = <b>x</b>\n"+
				"-- h.ts --\nexport const h = () => {}\n-- own/jsx-runtime.ts --\nexport const jsx = () => {}\n-- own/jsx-dev-runtime.ts --\nexport const jsxDEV = () => {}\n"+
				"-- package.json --\n{}\n-- tsconfig.json --\n{\"compilerOptions\": {\"jsx\": \"react-jsx\", \"jsxImportSource\": \"react\", \"target\": \"es2022\"}}\n-- "+c.file+" --\n"+c.config+"\n"))
			tools(t, app)
			s := devtest.Start(t, app)
			if pack := module(t, s); !strings.Contains(pack, c.has) || strings.Contains(pack, c.not) {
				t.Errorf("the pack lacks %q or has %q:\n%s", c.has, c.not, pack)
			}
		})
	}
}

// TestOptionsOfModules: options for JSON without named exports, another main field of packages, and a pattern of class
// names.
func TestOptionsOfModules(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(`-- index.html --
<script type="module" src="/main.ts"></script>
-- devserver.config.json --
{
  "json": { "namedExports": false },
  "resolve": { "mainFields": ["special", "main"] },
  "css": { "modules": { "generateScopedName": "[name]-[local]", "localsConvention": "camelCaseOnly" } },
}
-- main.ts --
import data from "./data.json"
import "pkg"
import styles from "./card.module.css"
console.log(data, styles)
-- data.json --
{"a": 1}
-- card.module.css --
.big-one { color: red }
-- node_modules/pkg/package.json --
{"name": "pkg", "main": "main.js", "special": "special.js"}
-- node_modules/pkg/main.js --
exports.is = "the main one"
-- node_modules/pkg/special.js --
exports.is = "the special one"
`))
	s := devtest.Start(t, app)
	pack := module(t, s)
	for _, part := range []string{"exports.default = {\"a\": 1}", "the special one", ".card-module-big-one", `"bigOne": "card-module-big-one"`} {
		if !strings.Contains(pack, part) {
			t.Errorf("the pack lacks %s:\n%s", part, pack)
		}
	}
}

// TestBrokenPartial: an error in a file that a stylesheet imports, or its absence, is over once that file is right. The
// tools name the files that they read only when all goes well.
func TestBrokenPartial(t *testing.T) {
	t.Parallel()
	for _, lang := range []struct{ name, ext, main, good, bad string }{
		{"sass", "scss", "@use './part';\n.a { color: part.$c }", "$c: red;", "$c: : red {"},
		{"less", "less", "@import './_part.less';\n.a { color: @c }", "@c: red;", "@c: red {"},
	} {
		for name, first := range map[string]string{"broken later": lang.good, "broken at the start": lang.bad, "missing at the start": ""} {
			t.Run(lang.name+" "+name, func(t *testing.T) {
				t.Parallel()
				part := "_part." + lang.ext
				app := devtest.App(t, devtest.Text("-- index.html --\n<link rel=stylesheet href=/a."+lang.ext+">\n-- package.json --\n"+
					"{\"devDependencies\":{\""+lang.name+"\":\"*\"}}\n-- a."+lang.ext+" --\n"+lang.main+"\n"))
				if first != "" {
					app.Write(part, first)
				}
				tools(t, app)
				s := devtest.Start(t, app)
				get := func() devtest.Response { return s.Get("/a."+lang.ext, "Sec-Fetch-Dest", "style", "Accept", "text/css") }
				if a := get(); (a.Status == 200) != (first == lang.good) {
					t.Fatalf("status %d: %s", a.Status, a.Body)
				}
				sock := s.Socket(t)
				if first == lang.good {
					app.Write(part, lang.bad)
				}
				sock.WaitFor(devtest.Is("error"))
				app.Write(part, lang.good)
				sock.WaitFor(devtest.Is("fixed"))
				if a := get(); !strings.Contains(a.Body, "color: red") {
					t.Errorf("status %d: %s", a.Status, a.Body)
				}
			})
		}
	}
}

// TestStyleErrors reads the errors of the tools for stylesheets: the place, what is wrong, and the next step.
func TestStyleErrors(t *testing.T) {
	t.Parallel()
	const added = `{"css":{"preprocessorOptions":{
		"scss":{"additionalData":"$a: 1;\n$b: 2;"},"sass":{"additionalData":"$a: 1"},"less":{"additionalData":"@a: 1;"},
		"styl":{"additionalData":"$a = 1"}}}}`
	const broken = `{"css":{"preprocessorOptions":{"scss":{"additionalData":"$a: ;"}}}}`
	for name, c := range map[string]struct{ files, want string }{
		"sass":                        {"-- a.scss --\na {}\n.b { color: red; } }\n", "a.scss:2:20: unmatched \"}\"."},
		"sass with additional data":   {"-- devserver.config.json --\n" + added + "\n-- a.scss --\na {}\n.b { color: red; } }\n", "a.scss:2:20: unmatched \"}\"."},
		"sass in additional data":     {"-- devserver.config.json --\n" + broken + "\n-- a.scss --\na {}\n", "a.scss: additionalData of css.preprocessorOptions: Expected expression."},
		"indented sass":               {"-- devserver.config.json --\n" + added + "\n-- a.sass --\n.b\n  color: $c\n", "a.sass:2:10: Undefined variable."},
		"less with additional data":   {"-- devserver.config.json --\n" + added + "\n-- a.less --\na { b: @a }\n.b { color: @c; }\n", "a.less:2:13: variable @c is undefined"},
		"stylus with additional data": {"-- devserver.config.json --\n" + added + "\n-- a.styl --\na\n  b $a\n.b\n  color fail(\n", "a.styl:5:1: expected"},
		"an imported file":            {"-- a.css --\n@import './b.less';\n-- b.less --\n\n.b { color: @c; }\n", "b.less:2:13: variable @c is undefined"},
		"sass misses a file":          {"-- a.scss --\n@use './colour';\n-- _color.scss --\n", "a.scss:1:1: Can't find stylesheet to import. (no file \"./colour\" (did you mean \"./color\"?))"},
		"less misses a file":          {"-- a.less --\n@import './none';\n", "a.less:1:1: './none' wasn't found."},
		"stylus misses a file":        {"-- a.styl --\n.a\n  b c\n@import './none'\n", "a.styl:3:9: failed to locate @import file ./none.styl (no file \"./none\""},
		"sass misses a package":       {"-- a.scss --\n@use 'nothing';\n", "(no file and no package \"nothing\" (run: npm install nothing))"},
		"sass gets a script":          {"-- a.scss --\n@use 'script';\n-- scripts/x.js --\n-- tsconfig.json --\n{\"compilerOptions\":{\"paths\":{\"script\":[\"./scripts/x.js\"]}}}\n", "(\"script\" leads to scripts/x.js, which is no stylesheet)"},
		"sugarss":                     {"-- a.sss --\na\n  b: \"c\n", "a.sss:2:6: Unclosed quote"},
		"a secret":                    {"-- a.scss --\n@use './.env.scss' as e;\n-- .env.scss --\n$a: b;\n", "a.scss: .env.scss: may not be read: it is a secret or denied"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := devtest.App(t, devtest.Text("-- index.html --\n\n-- package.json --\n{}\n"+c.files))
			tools(t, app)
			s := devtest.Start(t, app)
			file := c.files[strings.Index(c.files, "-- a.")+3:]
			file = file[:strings.Index(file, " ")]
			a := s.Get("/"+file, "Sec-Fetch-Dest", "style", "Accept", "text/css")
			if a.Status != 500 || !strings.Contains(a.Body, c.want) {
				t.Errorf("status %d, lacks %q:\n%s", a.Status, c.want, a.Body)
			}
		})
	}
	for file, want := range map[string]string{"a.scss": "sass", "a.less": "less", "a.styl": "stylus", "a.sss": "postcss"} {
		app := devtest.App(t, devtest.Text("-- index.html --\n\n-- package.json --\n{}\n-- "+file+" --\n.a {}\n"))
		a := devtest.Start(t, app).Get("/"+file, "Sec-Fetch-Dest", "style", "Accept", "text/css")
		if !strings.Contains(a.Body, want+" is not installed in this project (npm install -D "+want+")") {
			t.Errorf("%s: %s", file, a.Body)
		}
	}
}

// TestKeptResultsFollowLookups starts a project twice. Between, a file is created that an import finds first: the kept
// result does not count.
func TestKeptResultsFollowLookups(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text("-- index.html --\n\n-- package.json --\n{}\n-- tsconfig.json --\n{\"compilerOptions\":{\"paths\":{\"theme/*\":[\"./light/*\"]}}}\n"+
		"-- a.scss --\n@use 'vars';\n.a { color: vars.$c }\n-- node_modules/vars/_index.scss --\n$c: red;\n"+
		"-- b.less --\n@import (optional) './more';\n@import 'theme/b';\n.b { color: @c }\n-- light/b.less --\n@c: red;\n-- dark/b.less --\n@c: blue;\n"))
	linkTools(t, app, []string{"sass", "less"})
	s := devtest.Start(t, app)
	get := func(file string) string { return s.Get("/"+file, "Sec-Fetch-Dest", "style", "Accept", "text/css").Body }
	for _, file := range []string{"a.scss", "b.less"} {
		if css := get(file); !strings.Contains(css, "color: red") {
			t.Fatal(css)
		}
	}
	s.Stop()
	app.Write("_vars.scss", "$c: blue;\n")
	app.Write("tsconfig.json", `{"compilerOptions":{"paths":{"theme/*":["./dark/*"]}}}`)
	s.Again()
	for _, file := range []string{"a.scss", "b.less"} {
		if css := get(file); !strings.Contains(css, "color: blue") {
			t.Errorf("the kept result counts, although an import leads elsewhere: %s", css)
		}
	}
	s.Stop()
	app.Write("more.less", ".more { color: green }\n")
	s.Again()
	if css := get("b.less"); !strings.Contains(css, "color: green") {
		t.Errorf("the kept result counts, although a missing file was created: %s", css)
	}
}

// TestMapsOfImportedStyles reads source maps of stylesheets that were put together: the sources are the files as they
// are written, by their paths.
func TestMapsOfImportedStyles(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text("-- index.html --\n\n-- package.json --\n{}\n-- main.css --\n@import './parts/b.scss';\n@import './parts/c.less';\n.a { color: red }\n"+
		"-- parts/b.scss --\n@use 'deep/part';\n.b { .c { color: blue } }\n-- parts/deep/_part.scss --\n.d { .e { background: url(x.png) } }\n"+
		"-- parts/c.less --\n.f { .g { color: green } }\n-- d.scss --\n@use 'parts/deep/part';\n"))
	linkTools(t, app, []string{"sass", "less"})
	s := devtest.Start(t, app)
	for file, parts := range map[string][]string{
		"main.css": {`"sources":["/parts/deep/_part.scss","/parts/b.scss","/parts/c.less","/main.css"]`, `{ .e { background: url(x.png) } }`, `.f { .g {`},
		"d.scss":   {`"sources":["/parts/deep/_part.scss"]`, `"sourcesContent":[".d { .e { background: url(x.png) } }\n"]`},
	} {
		s.Get("/"+file, "Sec-Fetch-Dest", "style", "Accept", "text/css")
		text := s.Get("/@devserver/source.map?of=" + url.QueryEscape("css:/"+file)).Body
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("the map of %s lacks %s: %s", file, part, text)
			}
		}
	}
}
