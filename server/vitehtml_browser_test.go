package server_test

import (
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestTransformIndexHtml: pages go through the hooks of a vite.config's plugins, in Vite's order and around the server's
// own work. What they put in runs in the browser: by URLs of virtual modules, of files, and in inline scripts.
func TestTransformIndexHtml(t *testing.T) {
	devtest.NeedBrowser(t)
	t.Parallel()
	s := startWithPlugins(t, `
const modules = {
  "\0virtual:start": "import { shared } from '/shared.js'; shared.ran.push('virtual'); export const named = 'a name'; export default 'a default'",
  "/__by-load": "export const loaded = 'by load'",
  "/@runtime": "import { shared } from '/shared.js'; export const inject = (x) => shared.ran.push('inject ' + x)",
};
const seen = [];
const sees = (name, html, ctx) => void seen.push([name, html.includes("/@vite/client"), html.includes("<main>"), html.includes("%MODE%"), ctx.path, ctx.originalUrl, ctx.filename.endsWith("/index.html"), typeof ctx.server.ws.send].join(" "));
export default { plugins: [
  {
    name: "modules",
    resolveId: (id) => id === "virtual:start" ? "\0virtual:start" : id === "/@runtime" ? id : undefined,
    load: (id) => modules[id],
    configureServer: ({ middlewares }) => void middlewares.use("/seen", (req, res) => res.end(seen.join("\n"))),
  },
  { name: "post", transformIndexHtml: { order: "post", handler(html, ctx) { sees("post", html, ctx); return html.replace("<h1>", "<h1 id=post>"); } } },
  {
    name: "normal",
    transformIndexHtml(html, ctx) {
      sees("normal", html, ctx);
      return [
        { tag: "script", attrs: { type: "module", src: "/@id/virtual:start" } },
        { tag: "script", attrs: { type: "module" }, children: "import { inject } from '/@runtime'; import start, { named } from '/@id/__x00__virtual:start'; import { loaded } from '/__by-load?t=123'; import { shared } from '/shared.js?import'; inject([named, start, loaded, shared.ran.length].join())", injectTo: "body" },
        { tag: "meta", attrs: { name: "quoted", content: 'a "b" & <c>', hidden: true, disabled: false }, injectTo: "head" },
        { tag: "section", injectTo: "body-prepend", children: [{ tag: "b", children: "bold" }, { tag: "i", attrs: { id: "in" } }] },
      ];
    },
  },
  { name: "pre", transformIndexHtml: { order: "pre", handler(html, ctx) {
    sees("pre", html, ctx);
    return { html: html.replace("MAIN", "main"), tags: [{ tag: "script", attrs: { type: "module" }, children: "import { shared } from './shared'; shared.ran.push('pre ' + import.meta.env.MODE)", injectTo: "body" }] };
  } } },
  { name: "says nothing", transformIndexHtml() {} },
] };`, `-- index.html --
<!doctype html><html><head><title>%MODE%</title></head><body><!-- <head> </body> --><h1>app</h1><MAIN>%MODE%</MAIN></body></html>
-- shared.js --
export const shared = globalThis.shared = { ran: [] };
globalThis.copies = (globalThis.copies ?? 0) + 1;
`)
	page := s.Page(t, "/deep/route?q")
	page.Wait("globalThis.shared?.ran.length === 3")
	if got := devtest.Eval[string](page, "[...shared.ran].sort().join(' | ') + ' | ' + copies"); got != "inject a name,a default,by load,1 | pre development | virtual | 1" &&
		got != "inject a name,a default,by load,2 | pre development | virtual | 1" {
		t.Errorf("scripts that hooks put in: %s", got)
	}
	for what, want := range map[string]string{
		"document.querySelector('#post').textContent": "app",
		"document.querySelector('main').textContent":  "development",
		"document.title": "development",
		"document.querySelector('meta[name=quoted][hidden]:not([disabled])').content":                       `a "b" & <c>`,
		"document.body.firstElementChild.outerHTML":                                                         `<section><b>bold</b><i id="in"></i></section>`,
		"document.head.querySelector('script').getAttribute('src')":                                         "/@id/virtual:start",
		"String(document.body.lastElementChild.textContent.includes('__x00__') || document.body.outerHTML)": "true",
	} {
		if got := devtest.Eval[string](page, what); got != want {
			t.Errorf("%s is %q, want %q", what, got, want)
		}
	}
	page.NoErrors()
	want := "pre false false true /index.html /deep/route?q true function\n" +
		"normal true true false /index.html /deep/route?q true function\n" +
		"post true true false /index.html /deep/route?q true function"
	if got := s.Get("/seen").Body; !strings.Contains(got, want) {
		t.Errorf("the hooks saw\n%s\nwant\n%s", got, want)
	}
}

// TestTransformIndexHtmlFails: a hook that throws is an error of the page, which names the plugin and goes with the fix.
func TestTransformIndexHtmlFails(t *testing.T) {
	devtest.NeedBrowser(t)
	t.Parallel()
	s := startWithPlugins(t, `
export default { plugins: [{ name: "strict", async transformIndexHtml(html) { if (html.includes("broken")) throw new Error("the page is broken"); } }] };`, "")
	page := s.Page(t, "/")
	page.WaitText("h1", "the app")
	s.Edit("index.html", "the app", "broken")
	page.WaitOverlay("the page is broken", "strict")
	s.Edit("index.html", "broken", "fixed")
	page.WaitText("h1", "fixed")
	page.WaitNoOverlay()
}

// TestRenderedPage: a plugin that renders pages itself, as those of frameworks do, gets the client into them by
// server.transformIndexHtml. Their scripts run, and edits reach the page.
func TestRenderedPage(t *testing.T) {
	devtest.NeedBrowser(t)
	t.Parallel()
	s := startWithPlugins(t, `
import { readFileSync } from "node:fs";
export default { appType: "custom", plugins: [{
  name: "renders",
  transformIndexHtml: (html) => html.replace("TITLE", "hooked"),
  configureServer(server) {
    return () => server.middlewares.use(async (req, res, next) => {
      if (req.originalUrl !== "/page/1?x") return next();
      const html = readFileSync(new URL("./index.html", import.meta.url), "utf8").replace("OUTLET", "rendered " + req.url);
      res.setHeader("Content-Type", "text/html");
      res.end(await server.transformIndexHtml(req.originalUrl, html));
    });
  },
}] };`, `-- index.html --
<!doctype html><html><head><title>TITLE</title></head><body><h1>OUTLET</h1><p></p><script type="module">import { text } from "/src/text.ts"; globalThis.inline = text;</script><script type="module" src="/src/main.ts"></script></body></html>
-- src/text.ts --
export const text: string = "one";
-- src/main.ts --
import { text } from "./text";
document.querySelector("p")!.textContent = text;
import.meta.hot!.accept();
`)
	page := s.Page(t, "/page/1?x")
	page.WaitText("h1", "rendered /page/1?x")
	page.WaitText("p", "one")
	page.Wait("globalThis.inline === 'one' && document.title === 'hooked'")
	s.Edit("src/main.ts", "= text", "= text + ' edited'")
	page.WaitText("p", "one edited")
	page.NoReload()
	if got := s.Get("/page/2", "Accept", "text/html"); got.Status != 404 || !strings.Contains(got.Body, "custom") && !strings.Contains(got.Body, "404") {
		t.Errorf("a page that the plugin does not render: %d %s", got.Status, got.Body)
	}
	page.NoErrors()
}

// TestVirtualURLs: modules of a vite.config's plugins have URLs for all uses.
func TestVirtualURLs(t *testing.T) {
	t.Parallel()
	s := startWithPlugins(t, `
const modules = {
  "\0virtual:script": "export const named = 1",
  "/worker-of-plugin.js?w": "importScripts('/classic-of-plugin.js'); self.onmessage = () => postMessage(globalThis.classic)",
  "/classic-of-plugin.js": "self.classic = 'ran'",
  "virtual:style.css": "b { color: red }",
};
export default { plugins: [{
  name: "modules",
  resolveId: (id) => (id === "virtual:script" ? "\0" + id : id.replace("?direct", "") in modules ? id : undefined),
  load: (id) => modules[id.replace("?direct", "")],
  configureServer: ({ middlewares }) => void middlewares.use("/named", (req, res) => res.end(String(process.pid))),
}] };`, `-- main.ts --
export const named: number = 1;
`)
	for _, c := range []struct{ path, dest, mode, kind, has, not string }{
		{"/@id/virtual:script", "script", "cors", "text/javascript; charset=utf-8", "export { $x0 as \"named\" }", ""},
		{"/@id/__x00__virtual:script?t=1", "script", "cors", "text/javascript; charset=utf-8", `"entry":"\u0000virtual:script"`, ""},
		{"/main.ts?t=1&import", "script", "cors", "text/javascript; charset=utf-8", `"entry":"/main.ts"`, ""},
		{"/worker-of-plugin.js?w", "worker", "same-origin", "text/javascript; charset=utf-8", "importScripts", "import {"},
		{"/classic-of-plugin.js", "script", "no-cors", "text/javascript; charset=utf-8", "self.classic", "import {"},
		{"/@id/virtual:style.css", "style", "no-cors", "text/css; charset=utf-8", "color: red", "import"},
	} {
		got := s.Get(c.path, "Sec-Fetch-Dest", c.dest, "Sec-Fetch-Mode", c.mode)
		if got.Status != 200 || got.Header.Get("Content-Type") != c.kind || !strings.Contains(got.Body, c.has) || c.not != "" && strings.Contains(got.Body, c.not) {
			t.Errorf("%s for %s: %d %s\n%s", c.path, c.dest, got.Status, got.Header.Get("Content-Type"), got.Body)
		}
	}
	if got := s.Get("/@id/virtual:unknown", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors"); got.Status != 404 {
		t.Errorf("a module that nobody has: %d %s", got.Status, got.Body)
	}
	if got := s.Get("/unknown", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors"); got.Status != 404 {
		t.Errorf("a URL that nobody has: %d %s", got.Status, got.Body)
	}
	s.Again() // what plugins said of themselves is kept
	if got := s.Get("/named"); got.Status != 200 || got.Body == "" {
		t.Errorf("a middleware after a start from the cache: %d %s", got.Status, got.Body)
	}
}
