package server_test

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// besideTheRoot is an app with a linked package and a folder beside it. An alias leads to another folder above.
const besideTheRoot = `
-- index.html --
<!doctype html><link rel="icon" href="data:,"><button id="more">more</button><p id="text"></p><p id="lazy"></p><p id="worker"></p><img id="kit"><img id="url">
<script type="module" src="/src/main.js"></script>
-- devserver.config.json --
{ "resolve": { "alias": { "@lib": "../lib" } } }
-- src/main.js --
import { kit, logo, more } from "kit";
import "kit/style.css";
import "./own.css";
import { shared } from "../../shared/x.js";
import { lib } from "@lib/index.js";
const items = import.meta.glob("../../shared/items/*.js", { eager: true, import: "default" });
const show = (id, text) => (document.querySelector(id).textContent = text);
show("#text", [kit, shared, lib, ...Object.values(items)].join(" "));
document.querySelector("#kit").src = logo;
document.querySelector("#url").src = new URL("../../shared/pic.svg#icon", import.meta.url).href;
document.querySelector("#more").onclick = () => more().then((m) => show("#lazy", m.text));
new Worker(new URL("../../shared/worker.js", import.meta.url), { type: "module" }).onmessage = (e) => show("#worker", e.data);
-- src/own.css --
@import "../../shared/theme.css";
#worker { background-image: url(../../shared/back.svg) }
-- ../kit/package.json --
{ "name": "kit", "type": "module", "exports": { ".": "./index.js", "./style.css": "./style.css" } }
-- ../kit/index.js --
import { own } from "own";
import { part } from "./part.js";
export { default as logo } from "./logo.svg";
export const kit = "kit+" + own + "+" + part;
export const more = () => import("./lazy.js");
-- ../kit/part.js --
export const part = "part";
-- ../kit/lazy.js --
import { deep } from "./deep.js";
export const text = "lazy+" + deep;
-- ../kit/deep.js --
export const deep = "deep";
-- ../kit/style.css --
@import "./colors.css";
-- ../kit/colors.css --
#text { color: rgb(1, 2, 3) }
-- ../kit/node_modules/own/package.json --
{ "name": "own", "version": "1.0.0", "main": "index.js" }
-- ../kit/node_modules/own/index.js --
exports.own = require("./lib/own");
-- ../kit/node_modules/own/lib/own.js --
module.exports = "own";
-- ../kit/logo.svg --
<svg xmlns="http://www.w3.org/2000/svg" width="5" height="5"/>
-- ../kit/unused.js --
export default "unused";
-- ../kit/.env --
SECRET=1
-- ../shared/x.js --
export const shared = "shared";
-- ../shared/pic.svg --
<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"/>
-- ../shared/back.svg --
<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"/>
-- ../shared/items/one.js --
export default "one";
-- ../shared/theme.css --
#text { text-indent: 1px; background-image: url(./back.svg) }
-- ../shared/worker.js --
import { word } from "./word.js";
postMessage("worker " + word);
-- ../shared/word.js --
export const word = "word";
-- ../lib/index.js --
export const lib = "lib";
`

// TestImportsOutsideTheRoot runs an app that imports from folders beside it: a linked package with a package of its
// own, files by their paths, and an alias. Everything that an import may lead to loads, and edits of it are followed.
// Other files there stay refused.
func TestImportsOutsideTheRoot(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(besideTheRoot))
	app.Link("../../kit", "node_modules/kit")
	s := devtest.Start(t, app)
	status := func(name string) int { return s.Get("/@fs" + app.Path(name)).Status }
	if got := status("../kit/part.js"); got != http.StatusForbidden {
		t.Errorf("before anything imports it, kit/part.js is answered with %d", got)
	}
	p := s.Page(t, "/")
	p.WaitText("#text", "kit+own+part shared lib one")
	p.WaitText("#worker", "worker word")
	p.WaitStyle("#text", "color", "rgb(1, 2, 3)")
	p.WaitStyle("#text", "text-indent", "1px")
	p.Wait(`document.querySelector("#kit").naturalWidth === 5 && document.querySelector("#url").naturalWidth === 7`)
	if src := devtest.Eval[string](p, `document.querySelector("#url").src`); !strings.HasSuffix(src, "/shared/pic.svg#icon") {
		t.Errorf("new URL() is %s", src)
	}
	for name, want := range map[string]int{
		"../kit/part.js": 200, "../kit/logo.svg": 200, "../shared/back.svg": 200, "../shared/items/one.js": 200,
		"../kit/unused.js": 403, "../kit/package.json": 403, "../kit/nothing.js": 403, "../kit/.env": 403, "../kit": 403, "../shared/items": 403,
	} {
		if got := status(name); got != want {
			t.Errorf("%s: status %d, want %d", name, got, want)
		}
	}
	p.NoErrors()

	// Edits, new files and deleted files are followed.
	app.Edit("../kit/part.js", `"part"`, `"piece"`)
	p.WaitText("#text", "kit+own+piece shared lib one")
	app.Edit("../shared/x.js", `"shared"`, `"common"`)
	p.WaitText("#text", "kit+own+piece common lib one")
	app.Edit("../lib/index.js", `"lib"`, `"library"`)
	p.WaitText("#text", "kit+own+piece common library one")
	app.Edit("../kit/colors.css", "1, 2, 3", "4, 5, 6")
	p.WaitStyle("#text", "color", "rgb(4, 5, 6)")
	app.Edit("../shared/theme.css", "1px", "2px")
	p.WaitStyle("#text", "text-indent", "2px")
	app.Write("../shared/items/two.js", `export default "two";`)
	p.WaitText("#text", "kit+own+piece common library one two")
	app.Remove("../shared/items/one.js")
	p.WaitText("#text", "kit+own+piece common library two")
	app.Remove("../shared/x.js")
	p.WaitOverlay("../../shared/x.js")
	app.Write("../shared/x.js", `export const shared = "again";`)
	p.WaitNoOverlay()
	p.WaitText("#text", "kit+own+piece again library two")
	app.Edit("../shared/word.js", `"word"`, `"speech"`)
	p.WaitText("#worker", "worker speech")

	// A permission ends with the import.
	app.Edit("../kit/index.js", `import { part } from "./part.js";`, `const part = "inline";`)
	p.WaitText("#text", "kit+own+inline again library two")
	devtest.Eventually(t, "kit/part.js is refused", func() bool { return status("../kit/part.js") == 403 }, nil)
	if got := s.Get("/@devserver/pack.js?id=/@fs" + app.Path("../kit/part.js")).Status; got != 403 {
		t.Errorf("the pack of a module that nobody imports any more: %d", got)
	}
	app.Edit("../kit/index.js", `const part = "inline";`, `import { part } from "./part.js";`)
	p.WaitText("#text", "kit+own+piece again library two")

	// A server that starts again knows what the page has.
	s.Stop()
	s.Again()
	s.WaitPages(1)
	p.Click("#more")
	p.WaitText("#lazy", "lazy+deep")
	app.Edit("../kit/deep.js", `"deep"`, `"deeper"`)
	reloaded := func() { // no module accepts the edit
		t.Helper()
		p.Wait(`document.querySelector("#lazy").textContent === "" && document.querySelector("#more").onclick !== null`)
	}
	reloaded()
	p.Click("#more")
	p.WaitText("#lazy", "lazy+deeper")
	s.Stop()
	app.Edit("../kit/deep.js", `"deeper"`, `"deepest"`)
	s.Again()
	s.WaitPages(1)
	reloaded()
	p.Wait(`document.querySelector("#kit").naturalWidth === 5`)
	p.Click("#more")
	p.WaitText("#lazy", "lazy+deepest")
	if p.Overlay() != "" {
		t.Error(p.Overlay())
	}
}

// TestLazyPartAfterARestart: a page asks a server that has just started for a lazy part outside the root. The request
// names the modules that the page has, and they lead to the part.
func TestLazyPartAfterARestart(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(besideTheRoot))
	app.Link("../../kit", "node_modules/kit")
	app.Write("index.html", "<!doctype html>") // nothing is loaded ahead
	s := devtest.Start(t, app)
	lazy := "/@devserver/pack.js?id=/@fs" + app.Path("../kit/lazy.js")
	for _, c := range []struct {
		have string
		want int
	}{{"", 403}, {"&have=/src/nothing.js", 403}, {"&have=/@fs" + app.Path("../kit/index.js"), 403}, {"&have=/src/main.js", 200}} {
		if res := s.Get(lazy + c.have); res.Status != c.want || strings.Contains(res.Body, "deep") != (c.want == 200) {
			t.Errorf("%s: %d, want %d", c.have, res.Status, c.want)
		}
	}
}

// TestImportOutOfTheRepository: a path that leaves the repository names the file in the overlay, with the line of
// configuration that allows it.
func TestImportOutOfTheRepository(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(besideTheRoot))
	app.Link("../../kit", "node_modules/kit")
	app.Write(".git/HEAD", "")
	app.Write("src/main.js", `import { kit } from "kit"; import { lib } from "@lib/index.js"; document.querySelector("#text").textContent = kit + " " + lib;`)
	s := devtest.Start(t, app)
	p := s.Page(t, "/")
	p.WaitText("#text", "kit+own+part lib")
	refusal := []string{app.Path("../shared/x.js"), "may not be read", "outside the repository", `"allow": ["` + app.Path("../shared") + `"]`}
	main := app.Read("src/main.js")
	app.Write("src/main.js", `document.querySelector("#text").textContent = "lazily"; import("../../shared/x.js").catch(() => {});`)
	p.WaitText("#text", "lazily")
	p.WaitOverlay(refusal...)
	app.Write("src/main.js", main)
	p.WaitNoOverlay()
	app.Edit("src/main.js", `import { lib } from "@lib/index.js";`, `import { shared as lib } from "../../shared/x.js";`)
	p.WaitOverlay(refusal...)
	app.Write("devserver.config.json", `{ "server": { "fs": { "allow": ["../shared"] } } }`)
	p.WaitNoOverlay()
	p.WaitText("#text", "kit+own+part shared")
}

// TestNamesOfPackagesLeadNowhereElse: ".." behind the name of a package or an alias, or in a package.json, leads an
// installed package out of the installed packages no more than a path does.
func TestNamesOfPackagesLeadNowhereElse(t *testing.T) {
	t.Parallel()
	files := devtest.Text(`
-- index.html --
-- devserver.config.json --
{ "resolve": { "alias": { "@": "./src" } } }
-- src/main.js --
-- tsconfig.json --
{ "compilerOptions": { "paths": { "~/*": ["./src/*"] } } }
-- node_modules/kit/index.js --
export default 1;
-- node_modules/main/package.json --
{ "name": "main", "version": "1.0.0", "main": "../../../plans/x.js" }
-- node_modules/browser/package.json --
{ "name": "browser", "version": "1.0.0", "browser": { "./y.js": "../../../plans/x.js" } }
-- node_modules/browser/y.js --
-- node_modules/exports/package.json --
{ "name": "exports", "version": "1.0.0", "exports": "./%2e%2e/%2e%2e/%2e%2e/plans/x.js" }
-- node_modules/dep/package.json --
{ "name": "dep", "version": "1.0.0", "imports": { "#x": "./%2e%2e/%2e%2e/%2e%2e/plans/x.js", "#all/*": "./%2e%2e/%2e%2e/%2e%2e/plans/*", "#own/*": "./*" }, "browser": { "fs": "../../../plans/x.js" } }
-- ../plans/x.js --
export default "plan";
-- ../plans/x.css --
p { color: red }
`)
	for _, code := range []string{
		`import x from "kit/../../../plans/x.js"`,
		`import x from "kit/%2e%2e/%2e%2e/%2e%2e/plans/x.js"`,
		`import x from "kit/../../../plans/x.js?raw"`,
		`import "kit/../../../plans/x.css"`,
		`require("kit/../../../plans/x.js")`,
		`import x from "@/../../plans/x.js"`,
		`import x from "@/%2e%2e/%2e%2e/plans/x.js"`,
		`import x from "main"`,
		`import x from "browser/y.js"`,
		`import x from "exports"`,
		`import x from "#x"`,
		`import x from "fs"`,
		`import.meta.glob("#all/*")`,
		`import.meta.glob("#own/%2e%2e/%2e%2e/%2e%2e/plans/*")`,
		"let x; import(`#all/${x}.js`)",
	} {
		app := devtest.App(t, files)
		app.Write("node_modules/dep/index.js", code)
		s := devtest.Start(t, app)
		s.Get("/node_modules/dep/index.js")
		for _, name := range []string{"x.js", "x.css"} {
			if got := s.Get("/@fs" + app.Path("../plans/"+name)).Status; got != http.StatusForbidden {
				t.Errorf("%s in an installed package: %s is answered with %d", code, name, got)
			}
		}
	}
	// What the project itself writes is its own choice, since no repository ends here.
	app := devtest.App(t, files)
	s := devtest.Start(t, app)
	app.Write("src/main.ts", `import "@/../../plans/x.js"; import "~/../../plans/x.css";`)
	s.Get("/src/main.ts")
	for _, name := range []string{"x.js", "x.css"} {
		if got := s.Get("/@fs" + app.Path("../plans/"+name)).Status; got != http.StatusOK {
			t.Errorf("by an alias of the project: %s is answered with %d", name, got)
		}
	}
}

// TestMissingFileOutsideTheRoot: the file of an import that leads nowhere is created, in a folder that nothing was
// loaded from.
func TestMissingFileOutsideTheRoot(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(besideTheRoot))
	app.Write("src/main.js", `import { late } from "../../shared/late"; document.querySelector("#text").textContent = late;`)
	p := devtest.Start(t, app).Page(t, "/")
	p.WaitOverlay("../../shared/late")
	app.Write("../shared/late.js", `export const late = "late";`)
	p.WaitNoOverlay()
	p.WaitText("#text", "late")
}

// TestLinkedPackageByItsLink: with preserveSymlinks, the modules of a linked package have the path of the link. The
// files behind it are readable by their imports, and remain so over edits.
func TestLinkedPackageByItsLink(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(besideTheRoot))
	app.Write("devserver.config.json", `{ "resolve": { "preserveSymlinks": true } }`)
	app.Link("../../kit", "node_modules/kit")
	app.Link("../../kit/node_modules/own", "node_modules/own")
	app.Write("src/main.js", `
import { kit, logo } from "kit";
import "kit/style.css";
document.querySelector("#text").textContent = kit;
document.querySelector("#kit").src = logo;`)
	s := devtest.Start(t, app)
	p := s.Page(t, "/")
	p.WaitText("#text", "kit+own+part")
	p.WaitStyle("#text", "color", "rgb(1, 2, 3)")
	app.Edit("src/main.js", "textContent = kit", `textContent = kit + "!"`)
	p.WaitText("#text", "kit+own+part!")
	app.Edit("src/main.js", `"!"`, `"?"`) // the first edit is over when this one is seen
	p.WaitText("#text", "kit+own+part?")
	if got := s.Get("/node_modules/kit/index.js").Status; got != 200 {
		t.Errorf("an imported file, by the link, after an edit: status %d, want 200", got)
	}
	if got := s.Get("/node_modules/kit/unused.js").Status; got != 403 {
		t.Errorf("a file that nothing imports, by the link: status %d, want 403", got)
	}
	p.NoErrors()
}

// TestPluginResolvesOutsideTheRoot: what a plugin of the project resolves is permitted like an import.
func TestPluginResolvesOutsideTheRoot(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(besideTheRoot))
	app.Write(".git/HEAD", "")
	app.Write("src/main.js", `import { lib } from "far:lib"; import { shared } from "far:shared"; console.log(lib, shared);`)
	app.Write("../shared/tls.key", "secret")
	s := devtest.Start(t, app, func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{
			Name: "far",
			ResolveID: func(_ context.Context, args plugin.ResolveArgs) (*plugin.ResolveResult, error) {
				switch args.Specifier {
				case "far:lib":
					return &plugin.ResolveResult{ID: "/@fs" + app.Path("../lib/index.js")}, nil
				case "far:shared":
					return &plugin.ResolveResult{ID: "/@fs" + app.Path("../shared/tls.key") + "?raw"}, nil
				}
				return nil, nil
			},
		}}
	})
	body := s.Get("/src/main.js", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors").Body
	if !strings.Contains(body, `lib = "lib"`) || strings.Contains(body, "= \"secret") || !strings.Contains(body, "may not be read") {
		t.Errorf("the pack is\n%s", body)
	}
}

// TestStylesOfPackagesLeadNowhereElse: the stylesheets of an installed package lead out of the installed packages by no
// import and no address, also when they are a part of the project's stylesheets.
func TestStylesOfPackagesLeadNowhereElse(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, code, entry, main string }{
		{"x.scss", `@use "../../../plans/x";`, "a.scss", `@use "dep/x";`},
		{"x.scss", `@use "../plans/x";`, "a.scss", `@use "dep/x";`}, // by the load path of Sass
		{"x.scss", `@use "sass:meta"; a { @include meta.load-css("../plans/x") }`, "a.scss", `@use "dep/x";`},
		{"x.scss", `a { b: url("../../../plans/x.svg") }`, "a.scss", `@use "dep/x";`},
		{"x.scss", `a { b: url(#{"../../plans/x.svg"}) }`, "a.scss", `@use "dep/x";`},
		{"x.scss", `a { b: image-set("../../../plans/x.svg" 1x) }`, "a.scss", `@use "dep/x";`},
		{"x.scss", `@import url(../../../plans/x.css);`, "a.scss", `@import "dep/x";`},
		{"x.scss", `@import url(../../../plans/x.css);`, "a.css", `@import "dep/x.scss";`},
		{"x.less", `@import "../../../plans/x";`, "a.less", `@import "dep/x";`},
		{"x.less", `@import "../plans/x";`, "a.less", `@import "dep/x";`},
		{"x.less", `@import (inline) "../plans/x.less";`, "a.less", `@import "dep/x";`},
		{"x.less", `a { b: url("../../../plans/x.svg") }`, "a.less", `@import "dep/x";`},
		{"x.less", `@f: "../../plans/x"; a { b: url("@{f}.svg") }`, "a.less", `@import "dep/x";`},
		{"x.less", `@import (css) "../../../plans/x.css";`, "a.less", `@import "dep/x";`},
		{"x.styl", `@import "../../../plans/x"`, "a.styl", `@import "dep/x"`},
		{"x.styl", "a\n  b url('../../../plans/x.svg')", "a.styl", `@import "dep/x"`},
		{"x.css", `a { b: url("../../../plans/x.svg") }`, "a.css", `@import "dep/x.css";`},
		{"x.css", `@import "../../../plans/x.css";`, "a.css", `@import "dep/x.css";`},
	}
	for _, postcss := range []string{"", `{ "plugins": { "./none.cjs": true } }`} {
		app := devtest.App(t, devtest.Text("-- index.html --\n-- package.json --\n{}\n"))
		linkTools(t, app, []string{"sass", "less", "stylus", "postcss"})
		plans := func(name string) {
			app.Write("../plans/"+name+".svg", "<svg/>")
			app.Write("../plans/_"+name+".scss", "a { b: plan }")
			app.Write("../plans/"+name+".less", "a { b: plan }")
			app.Write("../plans/"+name+".css", "a { b: plan }")
			app.Write("../plans/"+name+".styl", "a\n  b plan\n")
		}
		if postcss != "" {
			app.Write(".postcssrc.json", postcss)
			app.Write("none.cjs", `module.exports = () => ({ postcssPlugin: "none" })`)
		}
		for i, c := range cases {
			name := fmt.Sprintf("x%d", i)
			plans(name)
			app.Write("node_modules/"+name+"/package.json", `{ "name": "dep", "version": "1.0.0" }`)
			app.Write("node_modules/"+name+"/"+c.name, strings.ReplaceAll(c.code, "plans/x", "plans/"+name))
			app.Write("src/"+name+path.Ext(c.entry), strings.ReplaceAll(c.main, "dep/", name+"/"))
		}
		// What the project itself writes is its own choice, since no repository ends here.
		plans("own")
		app.Write("src/own.scss", `@use "parts/part"; @use "../../plans/own" as plan; @use "own/x" as y; a { b: url("../../plans/own.svg") }`)
		app.Write("src/parts/_part.scss", `a { c: url("../../../plans/own.css") }`)
		app.Write("node_modules/own/x.scss", "a { b: c }")

		s := devtest.Start(t, app)
		get := func(name string) string {
			return s.Get("/src/"+name, "Sec-Fetch-Dest", "style", "Accept", "text/css").Body
		}
		for i, c := range cases {
			name := fmt.Sprintf("x%d", i)
			if css := get(name + path.Ext(c.entry)); strings.Contains(css, "b: plan") {
				t.Errorf("%s in an installed package is followed:\n%s", c.code, css)
			}
			for _, ext := range []string{".svg", ".css"} {
				if got := s.Get("/@fs" + app.Path("../plans/"+name+ext)).Status; got != http.StatusForbidden {
					t.Errorf("%s in an installed package: the %s is answered with %d", c.code, ext, got)
				}
			}
		}
		if css := get("own.scss"); !strings.Contains(css, "b: plan") {
			t.Errorf("an import of the project is not followed:\n%s", css)
		}
		for _, ext := range []string{".svg", ".css"} {
			if got := s.Get("/@fs" + app.Path("../plans/own"+ext)).Status; got != http.StatusOK {
				t.Errorf("by an address of the project: the %s is answered with %d", ext, got)
			}
		}
	}
}

// TestLanguagesReadNoSecrets: Less and Stylus have functions that read files, and look for imports in more folders than
// the server. No stylesheet gets a secret so, and that of a package nothing outside.
func TestLanguagesReadNoSecrets(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(`
-- index.html --
-- package.json --
{}
-- .env --
SECRET=plan
-- ../plans/x.svg --
<svg>plan</svg>
-- ../plans/x.json --
{ "d": "plan" }
-- src/vars.json --
{ "d": "own" }
-- src/own.less --
a { b: data-uri("../../plans/x.svg") }
-- src/own.styl --
json("vars.json")
a
  b d
`))
	linkTools(t, app, []string{"less", "stylus"})
	s := devtest.Start(t, app)
	get := func(name string) string {
		return s.Get("/src/"+name, "Sec-Fetch-Dest", "style", "Accept", "text/css").Body
	}
	for i, c := range []struct{ ext, code string }{
		{".less", `@import (inline) ".env";`},
		{".less", `@import (inline) "../.env";`},
		{".less", `a { b: data-uri("../.env") }`},
		{".less", `@e: "../.env"; a { b: data-uri("text/plain", @e) }`},
		{".less", `@import (inline) "../plans/x.svg";`},
		{".less", `@p: "../../plans/x.svg"; a { b: data-uri(@p) }`},
		{".styl", "json('../../plans/x.json')\na\n  b d"},
	} {
		name := fmt.Sprintf("x%d", i)
		app.Write("node_modules/"+name+"/package.json", `{ "name": "dep", "version": "1.0.0" }`)
		app.Write("node_modules/"+name+"/x"+c.ext, c.code)
		app.Write("src/"+name+c.ext, `@import "`+name+`/x";`)
		files := []string{name + c.ext}
		if strings.Contains(c.code, ".env") {
			app.Write("src/own-"+name+c.ext, c.code)
			files = append(files, "own-"+name+c.ext)
		}
		for _, file := range files {
			css := get(file)
			for _, text := range []string{"SECRET", "U0VDUkVU", "b: plan", ">plan", "%3Eplan", "PHN2Zz5wbGFu"} {
				if strings.Contains(css, text) {
					t.Errorf("%s in %s is followed:\n%s", c.code, file, css)
				}
			}
		}
	}
	if css := get("own.less"); !strings.Contains(css, "plan") {
		t.Errorf("a data-uri() of the project is not followed:\n%s", css)
	}
	if css := get("own.styl"); !strings.Contains(css, "b: own") {
		t.Errorf("a json() of the project is not followed:\n%s", css)
	}
}
