package server_test

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/devtest"
)

// page is the HTML of small apps: two elements for text, and one script.
const page = `
-- index.html --
<!doctype html><link rel="icon" href="data:,"><p id="text"></p><p id="more"></p><script type="module" src="/main.js"></script>
`

func TestCircularImports(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Dir("../testdata/apps/circular")))
	p := s.Page(t, "/")
	p.WaitText("#parity", "10 is even, 7 is odd")
	p.WaitText("#order", "odd even main")
	p.WaitText("#live", "live 2 2")
	// main.js accepts even.js, but also imports odd.js, which imports even.js.
	s.Edit("src/even.js", "return n === 0 ||", "return n === 0 || n === 10 ||")
	p.WaitReload(1)
	p.WaitText("#parity", "10 is even, 7 is odd")
	p.WaitConsole("no boundary for /src/even.js: /src/even.js → /src/odd.js → /src/main.js")
	// Without that import the whole cycle is below the boundary.
	s.Edit("src/main.js", `import { isOdd } from "./odd.js";`, `const isOdd = (n) => !isEven(n);`)
	p.WaitReload(2)
	p.WaitText("#order", "odd even main")
	s.Edit("src/even.js", "n === 10 ||", "n === 12 ||")
	p.WaitText("#parity", "updated: 10 is even")
	p.WaitReload(2)
	s.Edit("src/odd.js", "return n !== 0 &&", "return n !== 0 && n !== 9 &&")
	p.WaitText("#parity", "updated: 10 is odd")
	p.WaitReload(2)
	p.NoErrors()
}

// TestFilesThatComeAndGo: imports of files that do not exist yet, and modules that are deleted, moved and created
// again.
func TestFilesThatComeAndGo(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(page+`
-- main.js --
import { text } from "./text.js";
document.querySelector("#text").textContent = text;
import.meta.hot.accept("./text.js", (m) => { document.querySelector("#text").textContent = m ? m.text : "failed"; });
-- text.js --
export const text = "one";
`)))
	p := s.Page(t, "/")
	p.WaitText("#text", "one")

	// An import of a missing file: the page continues with the old module until the file exists.
	s.Edit("text.js", `export const text = "one";`, `import { more } from "./more/more.js"; export const text = "one " + more;`)
	p.WaitOverlay("./more/more.js", "text.js")
	p.WaitText("#text", "one")
	s.Write("more/more.js", `export const more = "more";`)
	p.WaitText("#text", "one more")
	p.WaitNoOverlay()

	// The deletion of a file breaks its importer. The page continues with the old modules.
	s.Remove("more/more.js")
	p.WaitOverlay("./more/more.js")
	p.WaitText("#text", "one more")
	s.Write("more/more.js", `export const more = "again";`)
	p.WaitText("#text", "one again")
	p.WaitNoOverlay()

	// A folder is renamed, then the import of its file is edited.
	s.Rename("more", "lots")
	s.Edit("text.js", "./more/more.js", "./lots/more.js")
	p.WaitNoOverlay()
	s.Edit("lots/more.js", "again", "moved")
	p.WaitText("#text", "one moved")

	// First the import is removed, then the file.
	s.Write("text.js", `export const text = "alone";`)
	p.WaitText("#text", "alone")
	s.Remove("lots/more.js")
	s.Save("text.js", "alone", "at last")
	p.WaitText("#text", "at last")
	p.WaitNoOverlay()
	p.NoReload()

	// The deletion of an imported file is an error, until the file is back.
	s.Rename("text.js", "other.js")
	p.WaitOverlay("./text.js")
	s.Rename("other.js", "text.js")
	p.WaitNoOverlay()
	p.WaitText("#text", "at last")
	p.NoReload()
}

func TestReconnect(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css"><p id="text"></p><script type="module" src="/main.js"></script>
-- style.css --
#text { color: rgb(1, 1, 1) }
-- dot.svg --
<svg xmlns="http://www.w3.org/2000/svg"></svg>
-- main.js --
import { text } from "./text.js";
import dot from "./dot.svg";
window.fetch = () => Promise.resolve(new Response("mocked")); // by a library of mocks
window.dot = dot;
const set = (m) => { document.querySelector("#text").textContent = m.text; };
set({ text });
import.meta.hot.accept("./text.js", set);
import.meta.hot.on("vite:ws:connect", () => { window.connects = (window.connects ?? 0) + 1; });
-- text.js --
export const text = "one";
`)))
	p := s.Page(t, "/")
	p.WaitText("#text", "one")
	q := p.Beside("/")
	q.WaitText("#text", "one")
	s.WaitPages(2)

	// One edit updates two tabs.
	s.Edit("text.js", "one", "two")
	p.WaitText("#text", "two")
	q.WaitText("#text", "two")

	// A restart without changes: nothing happens.
	connects := devtest.Eval[int](p, `window.connects ?? 0`)
	s.Again()
	p.Wait(`(window.connects ?? 0) > ` + strconv.Itoa(connects))
	s.WaitPages(2)
	p.NoReload()
	p.WaitText("#text", "two")
	s.Edit("style.css", "rgb(1, 1, 1)", "rgb(9, 9, 9)") // the new server knows the stylesheets that the pages link
	p.WaitStyle("#text", "color", "rgb(9, 9, 9)")
	// An asset that was edited before the restart has not changed for the next server.
	s.Edit("dot.svg", "</svg>", "<g/></svg>")
	p.WaitReload(1)
	q.WaitReload(1)
	s.WaitPages(2)
	s.Again()
	s.WaitPages(2)
	p.Wait(`window.connects > 1`)

	// Changes while the server was away: only the changed modules are updated.
	s.Stop()
	s.Edit("text.js", "two", "three")
	s.Edit("style.css", "rgb(9, 9, 9)", "rgb(2, 2, 2)")
	s.Again()
	p.WaitText("#text", "three")
	q.WaitText("#text", "three")
	p.WaitStyle("#text", "color", "rgb(2, 2, 2)")
	p.WaitReload(1)
	q.WaitReload(1)

	// A change that no module accepts reloads the page. Later edits are hot again.
	s.Stop()
	s.Edit("main.js", "window.connects ?? 0", "window.connects || 0")
	s.Again()
	p.WaitReload(2)
	q.WaitReload(2)
	s.Edit("text.js", "three", "four")
	p.WaitText("#text", "four")
	p.WaitReload(2)
}

func TestDynamicImports(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(page+`
-- main.js --
window.load = async (name) => (await import("./pages/" + name + ".js")).default;
window.loadLate = async () => { const { late } = await import("./late.js"); document.querySelector("#text").textContent = late; return late; };
import.meta.hot.accept();
-- pages/home.js --
export default "home";
-- pages/about.js --
export default "about";
-- late.js --
import { part } from "./part.js";
export const late = "late " + part;
import.meta.hot.accept((m) => { document.querySelector("#text").textContent = m.late; });
-- part.js --
export const part = "part";
`)))
	p := s.Page(t, "/")
	p.Wait(`window.loadLate`)
	has := func(text string) bool { return strings.Contains(strings.Join(p.Requests(), "\n"), text) }
	before := len(p.Requests())
	// An edit of a module that no page has loaded does nothing. A later load gets the edited module.
	s.Edit("part.js", `"part"`, `"new part"`)
	p.Wait(`loadLate().then((t) => t === "late new part")`)
	if len(p.Requests()) == before {
		t.Error("the dynamic import made no request")
	}
	if n := devtest.Eval[bool](p, `loadLate().then(() => true)`); !n || has("/part.js") {
		t.Error("a module below the dynamic import made a request of its own")
	}
	s.Edit("late.js", `"late "`, `"later "`)
	p.WaitText("#text", "later new part")
	s.Edit("part.js", "new part", "other part")
	p.WaitText("#text", "later other part")
	p.Wait(`loadLate().then((t) => t === "later other part")`)

	// A dynamic import with a computed address.
	p.Wait(`load("home").then((t) => t === "home")`)
	p.Wait(`load("about").then((t) => t === "about")`)
	p.Wait(`load("nowhere").then(() => false, () => true)`)
	p.WaitNoOverlay()
	s.Edit("pages/home.js", `"home"`, `"new home"`)
	p.WaitConsole("hot updated: /main.js")
	p.Wait(`load("home").then((t) => t === "new home")`)
	p.NoReload()
}

func TestTopLevelAwait(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Dir("../testdata/apps/tla")))
	p := s.Page(t, "/")
	p.WaitText("#late", "late")
	p.WaitText("#order", "slow:begin quick:begin quick:end slow:end main")
	p.WaitText("#config", "configured slow quick")
	s.Edit("src/slow.ts", `slow = "slow"`, `slow = "slower"`)
	p.WaitText("#config", "configured slower quick")
	p.NoReload()
	s.Edit("src/quick.ts", `await null;`, ``)
	p.WaitText("#order", "slow:begin quick:begin quick:end slow:end main slow:begin slow:end main quick:begin quick:end main")
	p.NoReload()
	p.NoErrors()
}

func TestStylesheets(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Dir("../testdata/apps/css")))
	p := s.Page(t, "/")
	p.WaitStyle("#linked", "color", "rgb(1, 2, 3)")
	p.WaitStyle("#imported", "color", "rgb(4, 5, 6)")
	p.WaitStyle("#nested", "color", "rgb(7, 8, 9)")
	p.WaitStyle("#module", "color", "rgb(10, 11, 12)")
	p.WaitStyle("#module", "padding-top", "4px")
	p.WaitStyle("#other", "color", "rgb(13, 14, 15)")
	p.WaitContains("#inline", ".only-text { color: red; }")
	p.Type("#typed", "typed")

	// Edits change styles and run no module.
	s.Edit("src/linked.css", "rgb(1, 2, 3)", "rgb(101, 2, 3)")
	p.WaitStyle("#linked", "color", "rgb(101, 2, 3)")
	s.Edit("src/imported.css", "rgb(4, 5, 6)", "rgb(104, 5, 6)")
	p.WaitStyle("#imported", "color", "rgb(104, 5, 6)")
	s.Edit("src/nested.css", "rgb(7, 8, 9)", "rgb(107, 8, 9)")
	p.WaitStyle("#nested", "color", "rgb(107, 8, 9)")
	picture := p.Style("#picture", "background-image")
	s.Edit("src/dot.svg", "#2458d3", "#24d358")
	p.Wait(`getComputedStyle(document.querySelector("#picture")).backgroundImage !== ` + quoteJS(strings.ReplaceAll(picture, `\`, `\\`)))
	if n := devtest.Eval[int](p, `window.runs`); n != 1 {
		t.Errorf("main.ts ran %d times, want 1", n)
	}
	if n := devtest.Eval[int](p, `document.querySelectorAll("link[rel=stylesheet]").length`); n != 1 {
		t.Errorf("%d linked stylesheets, want 1", n)
	}
	p.NoReload()

	// A mistake in a stylesheet keeps the old style.
	s.Edit("src/imported.css", "rgb(104, 5, 6)", "rgb(204, 5, 6")
	s.Edit("src/imported.css", "rgb(204, 5, 6", "rgb(204, 5, 6)")
	p.WaitStyle("#imported", "color", "rgb(204, 5, 6)")

	// A CSS module exports class names. While the names stay the same only the style changes. Otherwise its importers
	// may accept the update.
	s.Edit("src/button.module.css", "rgb(10, 11, 12)", "rgb(110, 11, 12)")
	p.WaitStyle("#module", "color", "rgb(110, 11, 12)")
	p.WaitStyle("#other", "color", "rgb(13, 14, 15)")
}

// TestContents: imports of JSON, assets, and files with the queries ?raw, ?url and ?inline.
func TestContents(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(page+`
-- main.js --
import data, { name } from "./data.json";
import raw from "./note.txt?raw";
import url from "./note.txt?url";
import picture from "./picture.svg";
import inline from "./picture.svg?inline";
import css from "./style.css?inline";
window.got = { name, list: data.list.length, raw, url, picture, inline, css };
import.meta.hot.accept();
-- data.json --
{ "name": "one", "list": [1, 2], "not-a-name": true }
-- note.txt --
a note
-- picture.svg --
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle r="3"/></svg>
-- style.css --
p { color: red }
`)))
	p := s.Page(t, "/")
	p.Wait(`got.name === "one" && got.list === 2 && got.raw === "a note\n"`)
	p.Wait(`fetch(got.url).then((r) => r.text()).then((t) => t === "a note\n")`)
	p.Wait(`fetch(got.picture).then((r) => r.headers.get("content-type")).then((t) => t.startsWith("image/svg+xml"))`)
	p.Wait(`got.inline.startsWith("data:image/svg+xml") && fetch(got.inline).then((r) => r.text()).then((t) => t.includes("<circle"))`)
	p.Wait(`got.css.includes("red") && getComputedStyle(document.querySelector("#text")).color === "rgb(0, 0, 0)"`)
	s.Edit("data.json", `"one"`, `"two"`)
	p.Wait(`got.name === "two"`)
	s.Edit("note.txt", "a note", "another note")
	p.Wait(`got.raw === "another note\n" && fetch(got.url).then((r) => r.text()).then((t) => t === "another note\n")`)
	s.Edit("style.css", "red", "blue")
	p.Wait(`got.css.includes("blue")`)
	s.Edit("picture.svg", `r="3"`, `r="4"`)
	p.Wait(`fetch(got.inline).then((r) => r.text()).then((t) => t.includes("r='4'"))`) // as Vite writes SVG in a URL
	p.Wait(`fetch(got.picture).then((r) => r.text()).then((t) => t.includes('r="4"'))`)
	s.Edit("data.json", `"two",`, `"two"`)
	p.WaitOverlay("data.json")
	s.Edit("data.json", `"two"`, `"three",`)
	p.Wait(`got.name === "three"`)
	p.WaitNoOverlay()
	p.NoReload()
}

// TestDependencies: an edit that imports more names of packages, or further packages, needs no reload.
func TestDependencies(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	app := devtest.App(t, devtest.Text(page+`
-- main.js --
import { add } from "many-es";
import ms from "old-ms";
window.got = [add(1, 2), ms("2")].join();
import.meta.hot.accept();
`))
	app.Package("many-es", `{"name":"many-es","version":"1.0.0","type":"module","module":"index.js","main":"index.js","sideEffects":false}`, map[string]string{
		"index.js":   "export { default as add } from './add.js';\nexport { default as sub } from './sub.js';\nexport { default as mul } from './mul.js';\nexport * from './more.js';\n",
		"add.js":     "export default (a, b) => a + b;\n",
		"sub.js":     "import neg from './_neg.js';\nimport add from './add.js';\nexport default (a, b) => add(a, neg(b));\n",
		"mul.js":     "export default (a, b) => a * b;\n",
		"_neg.js":    "export default (a) => -a;\n",
		"more.js":    "export const twice = (a) => 2 * a;\nexport const half = (a) => a / 2;\n",
		"deep/in.js": "export default 'deep';\n",
	})
	app.Package("old-ms", `{"name":"old-ms","version":"1.0.0","main":"./lib"}`, map[string]string{
		"lib/index.js": "var util = require('./util');\nmodule.exports = function (s) { return util.seconds(s); };\nmodule.exports.minutes = function (s) { return s * 60; };\n",
		"lib/util.js":  "exports.seconds = function (s) { return Number(s) * 1000; };\nexports.env = process.env.NODE_ENV;\n",
	})
	app.Package("late-cjs", `{"name":"late-cjs","version":"1.0.0"}`, map[string]string{"index.js": "exports.late = 'late';\n"})
	s := devtest.Start(t, app)
	p := s.Page(t, "/")
	p.Wait(`got === "3,2000"`)

	s.Edit("main.js", `import { add } from "many-es";`, `import { add, sub } from "many-es";`)
	s.Edit("main.js", `add(1, 2), `, `add(1, 2), sub(5, 1), `)
	p.Wait(`got === "3,4,2000"`)
	s.Edit("main.js", `import { add, sub } from "many-es";`, `import { add, sub, half } from "many-es"; import * as all from "many-es"; import deep from "many-es/deep/in.js";`)
	s.Edit("main.js", `sub(5, 1), `, `sub(5, 1), half(10), all.mul(2, 3), deep, `)
	p.Wait(`got === "3,4,5,6,deep,2000"`)
	s.Edit("main.js", `import ms from "old-ms";`, `import ms, { minutes } from "old-ms"; import { late } from "late-cjs";`)
	s.Edit("main.js", `ms("2")`, `ms("2"), minutes(2), late`)
	p.Wait(`got === "3,4,5,6,deep,2000,120,late"`)
	// An import of a missing name gives undefined or an error.
	s.Edit("main.js", `import { late }`, `import { late, missing }`)
	s.Edit("main.js", `, late]`, `, late, missing]`)
	p.Wait(`got !== "3,4,5,6,deep,2000,120,late" || document.querySelector("devserver-error-overlay, vite-error-overlay")`)
	// A package that is installed after the import.
	s.Write("main.js", `import { fresh } from "installed-later"; window.got = fresh; import.meta.hot.accept();`)
	p.WaitOverlay("installed-later")
	s.Package("installed-later", `{"name":"installed-later","version":"1.0.0","type":"module","exports":"./fresh.js"}`, map[string]string{"fresh.js": "export const fresh = 'fresh';\n"})
	s.Write("package.json", `{"dependencies":{"installed-later":"1.0.0"}}`) // as npm does; the server does not watch node_modules
	p.Wait(`got === "fresh"`)
	p.WaitNoOverlay()
	p.NoReload()
}

// TestHalfWrittenFiles: half of a save neither reloads the page nor shows an error.
func TestHalfWrittenFiles(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(page+`
-- main.js --
import { text } from "./text.js";
document.querySelector("#text").textContent = text;
window.runs = (window.runs ?? 0) + 1;
import.meta.hot.accept();
-- text.js --
export const text = "one";
`)))
	p := s.Page(t, "/")
	p.WaitText("#text", "one")
	// The steps of an editor: empty, half, complete.
	for _, part := range []string{"", "export const te", `export const text = "two";`} {
		s.Write("text.js", part)
	}
	p.WaitText("#text", "two")
	// Deleted and created again.
	s.Remove("text.js")
	s.Write("text.js", `export const text = "three";`)
	p.WaitText("#text", "three")
	p.NoReload()
	p.NoErrors()
	if n := devtest.Eval[int](p, `window.runs`); n != 3 {
		t.Errorf("main.js ran %d times, want 3", n)
	}
}

// TestCustomElements: a module that accepts its own updates cannot define its element again. So the page reloads, with
// the reason. A module that checks customElements.get first is updated in place.
func TestCustomElements(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><link rel="icon" href="data:,"><x-once></x-once><x-guarded></x-guarded><script type="module" src="/main.js"></script>
-- main.js --
import "./once.js";
import "./guarded.js";
-- once.js --
customElements.define("x-once", class extends HTMLElement { connectedCallback() { this.textContent = "once"; } });
import.meta.hot.accept();
-- guarded.js --
const render = (e) => { e.textContent = "guarded"; };
const all = import.meta.hot.data.all ??= new Set();
import.meta.hot.data.render = render;
all.forEach(render);
if (!customElements.get("x-guarded")) {
  const { data } = import.meta.hot;
  customElements.define("x-guarded", class extends HTMLElement { connectedCallback() { all.add(this); data.render(this); } });
}
import.meta.hot.accept();
`)))
	p := s.Page(t, "/")
	p.WaitText("x-once", "once")
	s.WaitPages(1)
	s.Edit("guarded.js", `"guarded"`, `"still guarded"`)
	p.WaitText("x-guarded", "still guarded")
	p.NoReload()
	s.Edit("once.js", `"once";`, `"twice";`)
	p.WaitReload(1)
	p.WaitText("x-once", "twice")
	p.WaitConsole("page was reloaded: /once.js defines <x-once>, and a page can define a custom element only once")
}

// TestHotUpdatesOff: with `hmr: false` edits leave pages as they are. Errors and events still reach the pages.
func TestHotUpdatesOff(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text(page+`
-- devserver.config.json --
{ "server": { "hmr": false } }
-- main.js --
import { text } from "./text.js";
document.querySelector("#text").textContent = text;
import.meta.hot.accept();
import.meta.hot.on("ping", () => import.meta.hot.send("pong"));
-- text.js --
export const text = "one";
`)))
	pongs := make(chan bool, 1)
	s.Server().Hub().On("pong", func(context.Context, *hmr.Client, json.RawMessage) error { pongs <- true; return nil })
	p := s.Page(t, "/")
	p.WaitText("#text", "one")
	s.WaitPages(1)
	s.Edit("text.js", "one", "two")
	s.Log.Wait(t, "changed /text.js (hot updates are off)")
	s.Edit("text.js", `"two"`, `= "three"`)
	p.WaitOverlay("text.js:1:")
	s.Edit("text.js", `= = "three"`, `= "three"`)
	s.Edit("index.html", "<p ", "<p title=edited ")
	p.WaitNoOverlay()
	if err := s.Server().Hub().Broadcast("ping", nil); err != nil {
		t.Fatal(err)
	}
	<-pongs
	p.WaitText("#text", "one")
	p.NoReload()
	p.Reload()
	p.WaitText("#text", "three")
}

// TestAskBeforeReload: with `"reload": "ask"` a page that cannot apply an update shows the reason. It continues until
// the user presses the button, and still applies other updates.
func TestAskBeforeReload(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text(page+`
-- devserver.config.json --
{ "server": { "hmr": { "reload": "ask" } } }
-- main.js --
import "./hot.js";
import "./once.js";
import { text } from "./text.js";
document.querySelector("#text").textContent = text;
-- hot.js --
document.querySelector("#more").textContent = "hot";
import.meta.hot.accept();
-- once.js --
customElements.define("x-once", class extends HTMLElement {});
import.meta.hot.accept();
-- text.js --
export const text = "one";
`)))
	const panel = `document.querySelector("devserver-toasts").shadowRoot.querySelectorAll(".question")`
	p := s.Page(t, "/")
	p.WaitText("#text", "one")
	s.WaitPages(1)
	s.Edit("text.js", "one", "two")
	s.Log.Wait(t, "page asks to reload (no boundary for /text.js: /text.js → /main.js)")
	p.Wait(panel + `[0].textContent.includes("no boundary for /text.js: /text.js → /main.js")`)
	s.Edit("once.js", "{}", "{ a }")
	p.Wait(panel + `[0].textContent.includes("/once.js defines <x-once>")`)
	s.Edit("index.html", "<p ", "<p title=edited ")
	p.Wait(panel + `[0].textContent.includes("index.html was edited")`)
	s.Edit("hot.js", `"hot"`, `"still hot"`)
	p.WaitText("#more", "still hot")
	p.Wait(panel + `.length === 1`)
	p.WaitText("#text", "one")
	p.NoReload()
	p.Wait(`(` + panel + `[0].querySelector(".action").click(), true)`)
	p.WaitReload(1)
	p.WaitText("#text", "two")
	p.WaitConsole("page was reloaded: no boundary for /text.js")
	p.Wait(`document.querySelector("devserver-toasts") === null && document.querySelector("#text").title === "edited"`)
}

// TestLinkedStylesheets: a linked stylesheet may be deleted, come back, be broken, and be added by code. A link with an
// integrity cannot be swapped.
func TestLinkedStylesheets(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(page+`
-- main.js --
window.link = () => document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: "/style.css" }));
-- linked.html --
<!doctype html><link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css"><p id="text">text</p>
-- integrity.html --
<!doctype html><link rel="icon" href="data:,"><link rel="stylesheet" href="/integrity.css" integrity="sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=">
-- style.css --
#text { color: rgb(1, 1, 1) }
-- integrity.css --
p { color: rgb(1, 1, 1) }
`)))
	p := s.Page(t, "/linked.html")
	p.WaitStyle("#text", "color", "rgb(1, 1, 1)")
	q := p.Beside("/")
	i := p.Beside("/integrity.html")
	s.WaitPages(3)
	s.Remove("style.css")
	p.WaitStyle("#text", "color", "rgb(0, 0, 0)")
	s.Write("style.css", "#text { color: rgb(2, 2, 2) }")
	p.WaitStyle("#text", "color", "rgb(2, 2, 2)")
	s.Write("style.css", `@import "./nowhere.css";`)
	p.WaitOverlay("nowhere.css")
	q.Wait(`window.link() === undefined`)
	q.WaitOverlay("nowhere.css")
	s.Write("style.css", "#text { color: rgb(3, 3, 3) }")
	p.WaitStyle("#text", "color", "rgb(3, 3, 3)")
	q.WaitStyle("#text", "color", "rgb(3, 3, 3)")
	p.WaitNoOverlay()
	q.WaitNoOverlay()
	p.NoReload()
	q.NoReload()
	s.Edit("integrity.css", "1", "2")
	i.WaitConsole("page reload: /integrity.css changed, and its <link> has an integrity")
	i.WaitReload(1)
}
