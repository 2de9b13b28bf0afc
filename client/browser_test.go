package client_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/devtest"
)

// These tests run the client in a real browser: they need a DOM or a socket. The rules of updates are tested beside the
// sources, without a browser.

const counterApp = `
-- index.html --
<!doctype html><link rel="stylesheet" href="/linked.css"><div id="app">-</div><script type="module" src="/main.js"></script>
-- linked.css --
#app { color: rgb(1, 1, 1) }
-- main.js --
import "./style.css";
import { label } from "./label.js";
window.runs = (window.runs ?? 0) + 1;
document.querySelector("#app").textContent = label;
-- label.js --
export const label = "one";
import.meta.hot?.accept((m) => { document.querySelector("#app").textContent = m.label; });
-- style.css --
#app { background-color: rgb(1, 2, 3) }
`

func TestBrowserUpdate(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, devtest.Text(counterApp)))
	p := s.Page(t, "/")
	p.WaitText("#app", "one")
	s.WaitPages(1)
	s.Edit("label.js", "one", "two")
	p.WaitText("#app", "two")
	p.WaitConsole("[devserver] hot updated: /label.js")
	s.Edit("style.css", "1, 2, 3", "4, 5, 6")
	p.WaitStyle("#app", "background-color", "rgb(4, 5, 6)")
	s.Edit("linked.css", "1, 1, 1", "7, 7, 7")
	p.WaitStyle("#app", "color", "rgb(7, 7, 7)")
	p.WaitConsole("[devserver] css hot updated: /linked.css")
	p.Wait(`document.querySelectorAll("link[rel=stylesheet]").length === 1 && window.runs === 1`)
	p.NoReload()
	p.NoErrors()
	s.Edit("main.js", "window.runs =", "window.two = 1; window.runs =")
	p.WaitReload(1)
	p.WaitConsole("[devserver] page was reloaded: no boundary for /main.js")
}

func TestBrowserOverlay(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, devtest.Text(counterApp)))
	p := s.Page(t, "/")
	p.WaitText("#app", "one")
	s.WaitPages(1)
	s.Save("label.js", `"one";`, `"one"; import "./<img src=x onerror=window.hacked=1>";`)
	p.WaitOverlay("label.js:1:", `no file "./<img src=x`)
	p.Wait(`!window.hacked && !document.querySelector("vite-error-overlay").shadowRoot.querySelector("img, script")`)
	s.Save("label.js", `"one"; import "./<img src=x onerror=window.hacked=1>";`, `"<img src=x onerror=window.hacked=1>" = ;`)
	p.WaitOverlay("label.js:1:", "<img src=x", "Esc")
	p.Wait(`document.querySelector("vite-error-overlay").shadowRoot.querySelector("button.file").textContent.includes("label.js:1:")`)
	p.Wait(`!window.hacked && !document.querySelector("vite-error-overlay").shadowRoot.querySelector("img, script")`)
	p.Wait(`(document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" })), !document.querySelector("vite-error-overlay"))`)
	s.Save("label.js", `= ;`, `= ; `)
	p.WaitOverlay("label.js:1:")
	s.Save("label.js", s.Read("label.js"), `import.meta.hot?.accept(); export const label = "three"; document.querySelector("#app").textContent = label`)
	p.WaitNoOverlay()
	p.WaitText("#app", "three")
	p.NoReload()
}

func TestBrowserServerRestart(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, devtest.Text(counterApp)))
	p := s.Page(t, "/")
	p.WaitText("#app", "one")
	s.WaitPages(1)
	s.Stop()
	p.WaitConsole("the connection was lost")
	s.Again()
	s.WaitPages(1)
	s.Edit("label.js", "one", "two")
	p.WaitText("#app", "two")
	p.NoReload()

	s.Stop()
	s.Edit("label.js", "two", "while it was down")
	s.Again()
	p.WaitText("#app", "while it was down")
	p.NoReload()
}

func TestBrowserEvents(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><script type="module" src="/main.js"></script>
-- main.js --
window.log = [];
const { hot } = import.meta;
hot.on("answer", (data) => log.push(data));
hot.send("ask", { n: 1 });
hot.send("ask", { n: 2 });
hot.send("nobody");
window.sum = (a, b) => hot.request("sum", { a, b });
window.askNobody = () => hot.request("nobody");
`)))
	hub := s.Server().Hub()
	hub.On("ask", func(_ context.Context, c *hmr.Client, data json.RawMessage) error { return c.Send("answer", data) })
	if _, err := hub.Handle("sum", func(_ context.Context, _ *hmr.Client, data json.RawMessage) (any, error) {
		var in struct{ A, B int }
		if err := json.Unmarshal(data, &in); err != nil {
			return nil, err
		}
		if in.A < 0 {
			return nil, &hmr.Error{Code: "negative", Message: "a is negative", Path: "a"}
		}
		return in.A + in.B, nil
	}); err != nil {
		t.Fatal(err)
	}
	p := s.Page(t, "/")
	p.Wait(`JSON.stringify(window.log) === '[{"n":1},{"n":2}]'`)
	p.WaitConsole(`nothing on the server listens for the event "nobody"`)
	p.Wait(`await sum(1, 2) === 3`)
	p.Wait(`await sum(-1, 2).then(() => false, (e) => e.code === "negative" && e.path === "a" && e.message === "a is negative")`)
	p.Wait(`await askNobody().then(() => false, (e) => e.code === "unknown_event")`)
	p.NoErrors()
}

// Where a policy forbids eval, the page loads the code of updates by URL.
func TestBrowserContentSecurityPolicy(t *testing.T) {
	for name, policy := range map[string]string{
		"no eval":       "script-src 'self'; style-src 'self'",
		"trusted types": "require-trusted-types-for 'script'",
		"no policy":     "require-trusted-types-for 'script'; trusted-types none",
	} {
		t.Run(name, func(t *testing.T) {
			s := devtest.Start(t, devtest.App(t, devtest.Text(counterApp)))
			s.Edit("index.html", "<!doctype html>", `<!doctype html><meta http-equiv="Content-Security-Policy" content="`+policy+`">`)
			p := s.Page(t, "/")
			p.WaitText("#app", "one")
			s.WaitPages(1)
			p.WaitStyle("#app", "background-color", "rgb(1, 2, 3)")
			for _, n := range []string{"two", "three"} {
				s.Edit("label.js", s.Read("label.js")[len(`export const label = "`):][:strings.Index(s.Read("label.js")[len(`export const label = "`):], `"`)], n)
				p.WaitText("#app", n)
			}
			s.Edit("style.css", "1, 2, 3", "4, 5, 6")
			p.WaitStyle("#app", "background-color", "rgb(4, 5, 6)")
			s.Edit("label.js", "= \"three\"", "= ;")
			p.WaitOverlay("label.js:1:")
			p.NoReload()
		})
	}
}

// A page may get the nonce of its styles after its first style. The client reads the nonce at the first style and when
// a style is refused, and not for each style: that searches the document.
func TestBrowserStyleNonce(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><meta http-equiv="Content-Security-Policy" content="style-src 'nonce-s3cret'"><link rel="icon" href="data:,">
<script>
looks = 0; refused = []
const query = document.querySelector
document.querySelector = function (s) { looks += s.includes("nonce"); return query.call(this, s) }
document.addEventListener("securitypolicyviolation", e => refused.push(e.violatedDirective))
</script>
<p id="p">text</p><script type="module" src="/main.js"></script>
-- main.js --
import "./before.css"
import "./nonce.js"
import "./a.css"
import "./b.css"
import "./c.css"
-- nonce.js --
document.head.insertAdjacentHTML("beforeend", '<meta property="csp-nonce" nonce="s3cret">')
-- before.css --
p { text-indent: 1px }
-- a.css --
p { letter-spacing: 2px }
-- b.css --
p { outline-offset: 3px }
-- c.css --
p { word-spacing: 4px }
`)))
	p := s.Page(t, "/")
	for property, value := range map[string]string{"text-indent": "1px", "letter-spacing": "2px", "outline-offset": "3px", "word-spacing": "4px"} {
		p.WaitStyle("#p", property, value)
	}
	p.Wait(`refused.length === 2`) // before.css, and a.css before the nonce was read again
	if looks := devtest.Eval[int](p, "looks"); looks != 3 {
		t.Errorf("the page was searched %d times for a nonce, want once for the burst and once for each refused style", looks)
	}
	s.Edit("before.css", "1px", "5px")
	s.Edit("c.css", "4px", "6px")
	p.WaitStyle("#p", "text-indent", "5px")
	p.WaitStyle("#p", "word-spacing", "6px")
	p.NoReload()
}

func TestBrowserSrcdocFrame(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, devtest.Text(counterApp), devtest.Text(`
-- frame.html --
<!doctype html><body><script>
const frame = document.createElement("iframe");
frame.srcdoc = '<script type="module" src="/@vite/client"></' + 'script><div id="app"></div><script type="module" src="/main.js"></' + 'script>';
document.body.append(frame);
</script>
`)))
	p := s.Page(t, "/frame.html")
	p.Wait(`document.querySelector("iframe").contentDocument.querySelector("#app")?.textContent === "one"`)
	s.WaitPages(2)
	s.Edit("label.js", "one", "two")
	p.Wait(`document.querySelector("iframe").contentDocument.querySelector("#app")?.textContent === "two"`)
	p.NoErrors()
}

func TestBrowserWithoutSocket(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, devtest.Text(counterApp)))
	s.Edit("index.html", "<!doctype html>", `<!doctype html><script>WebSocket = function () { throw new SyntaxError("no sockets here") }</script>`)
	p := s.Page(t, "/")
	p.WaitText("#app", "one")
	p.WaitConsole("no connection to the server is possible")
}

func TestBrowserThirdPartyClient(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, devtest.Text(counterApp)))
	p := s.Page(t, "/")
	p.WaitText("#app", "one")
	p.Wait(`(async () => {
		const { createHotContext, updateStyle, removeStyle, injectQuery, ErrorOverlay } = await import("/@vite/client");
		const hot = createHotContext("/x.js");
		window.heard = 0;
		hot.on("x:y", () => window.heard++);
		updateStyle("x", "#app { font-size: 33px }");
		document.body.append(new ErrorOverlay({ message: "mine", stack: "" }));
		return injectQuery("/a?b#c", "import") === "/a?import&b#c";
	})()`)
	p.WaitStyle("#app", "font-size", "33px")
	p.WaitOverlay("mine")
	if err := s.Server().Hub().Broadcast("x:y", nil); err != nil {
		t.Fatal(err)
	}
	p.Wait(`window.heard === 1`)
	p.Wait(`(async () => { (await import("/@vite/client")).removeStyle("x"); return true })()`)
	p.Wait(`getComputedStyle(document.querySelector("#app")).fontSize !== "33px"`)
}

func TestBrowserDynamicImport(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><div id="app">-</div><script type="module" src="/main.js"></script>
-- main.js --
import { shared } from "./shared.js";
window.load = async (n) => (await import("./pages/" + n + ".js")).default();
window.both = () => Promise.all([import("./pages/a.js"), import("./pages/b.js")]).then((all) => all.map((m) => m.default()).join());
window.same = () => import("./shared.js").then((m) => m.shared === shared);
window.broken = () => import("./broken.js").then((m) => m.default, (e) => "rejected");
import.meta.hot.accept(); // takes the fix of broken.js
-- shared.js --
export const shared = {};
-- pages/a.js --
import { shared } from "../shared.js";
import { deep } from "./deep.js";
export default () => "a" + deep + (shared !== undefined);
import.meta.hot.accept((m) => { document.querySelector("#app").textContent = m.default() });
-- pages/b.js --
import { deep } from "./deep.js";
export default () => "b" + deep;
-- pages/deep.js --
export const deep = 1;
-- broken.js --
export default = 1;
`)))
	p := s.Page(t, "/")
	p.Wait(`await same()`)
	p.Wait(`await both() === "a1true,b1"`)
	p.Wait(`await load("a") === "a1true"`)
	packs := 0
	for _, u := range p.Requests() {
		if strings.Contains(u, "/@devserver/pack.js") {
			packs++
		}
	}
	if packs != 1 {
		t.Errorf("two imports of one moment made %d requests", packs)
	}
	p.Wait(`await broken() === "rejected"`)
	p.WaitOverlay("broken.js:1:")
	s.WaitPages(1)
	s.Save("broken.js", "default =", "default")
	p.WaitNoOverlay()
	p.Wait(`await broken() === 1`)
	p.NoReload()
	s.Save("pages/a.js", `"a"`, `"A"`)
	p.WaitText("#app", "A1true")
	p.NoReload()
}

func TestBrowserWorkers(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><p id="module"></p><p id="classic"></p><script type="module" src="/main.js"></script>
-- main.js --
const show = (id) => ({ data }) => { document.getElementById(id).textContent = data };
new Worker(new URL("./w.js", import.meta.url), { type: "module" }).onmessage = show("module");
new Worker(new URL("./c.js", import.meta.url)).onmessage = show("classic");
-- w.js --
import { x } from "./x.js";
import("./lazy.js").then(({ lazy }) => postMessage(x + lazy + (import.meta.hot === undefined) + import.meta.env.MODE));
-- c.js --
import { x } from "./x.js";
postMessage(x);
-- x.js --
export const x = "x";
-- lazy.js --
import { x } from "./x.js";
export const lazy = "lazy" + x;
`)))
	p := s.Page(t, "/")
	p.WaitText("#module", "xlazyxfalsedevelopment")
	p.WaitText("#classic", "x")
	p.NoErrors()
	s.WaitPages(1)
	s.Save("x.js", `"x"`, `"y"`)
	p.WaitConsole("[devserver] page was reloaded: /x.js changed in the worker /")
	p.WaitText("#module", "ylazyyfalsedevelopment")
	p.WaitText("#classic", "y")
}
