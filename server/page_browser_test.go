package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// TestPages opens and edits nested pages, fragments, routes of a single-page app, and inline module scripts.
func TestPages(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Dir("../testdata/apps/pages")))
	p := s.Page(t, "/")
	for path, text := range map[string]string{
		"/": "at /", "/settings/profile": "at /settings/profile", "/v/1.2.3": "at /v/1.2.3", // routes
		"/contact": "at about", "/contact.html": "at about",
		"/docs/guide/": "at guide", "/docs/guide": "at guide",
	} {
		p.Goto(path)
		p.WaitText("#route", text)
	}
	p.Goto("/about/")
	p.WaitText("#route", "at about")
	p.WaitStyle("#route", "color", "rgb(1, 2, 3)")
	p.Wait(`document.querySelector("#route").dataset.inline === "at inline"`)
	s.Edit("about/about.css", "rgb(1, 2, 3)", "rgb(3, 2, 1)")
	p.WaitStyle("#route", "color", "rgb(3, 2, 1)")
	p.NoReload()
	p.NoErrors()

	// An edit of a module that an inline script imports reaches the page.
	s.Edit("src/shared.ts", "at ${path}", "now at ${path}")
	p.WaitReload(1)
	p.Wait(`document.querySelector("#route").dataset.inline === "now at inline"`)

	// An edit of a page reloads only the tabs that show it. Routes of the app do not.
	guide, route := p.Beside("/docs/guide/"), p.Beside("/settings/profile")
	guide.WaitText("#route", "now at guide")
	route.WaitText("#route", "now at /settings/profile")
	s.WaitPages(3)
	s.Edit("docs/guide/index.html", ">Guide<", ` data-version="2">Guide<`)
	guide.WaitReload(1)
	guide.Wait(`document.querySelector("#route").dataset.version === "2"`)
	s.Log.Wait(t, "page reload (/docs/guide/index.html was edited)")
	s.Edit("about/index.html", `title("inline")`, `title("in the page")`)
	p.WaitReload(2)
	p.Wait(`document.querySelector("#route").dataset.inline === "now at in the page"`)
	route.NoReload()
	guide.WaitReload(1)
	// A save without a change reloads nothing.
	s.Write("about/index.html", s.Read("about/index.html"))
	s.Edit("about/about.css", "rgb(3, 2, 1)", "rgb(4, 2, 1)")
	p.WaitStyle("#route", "color", "rgb(4, 2, 1)")
	p.WaitReload(2)
	// Routes show index.html, so an edit of index.html reloads them.
	s.Edit("index.html", "<h1 ", `<h1 data-version="2" `)
	route.WaitReload(1)
	route.Wait(`document.querySelector("#route").dataset.version === "2"`)

	// The app accepts its own updates.
	s.WaitPages(3)
	loaded, loadedHere := route.Reloads(), p.Reloads()
	s.Edit("src/app.ts", "title(location.pathname)", `"app " + title(location.pathname)`)
	route.WaitText("#route", "app now at /settings/profile")
	route.WaitReload(loaded)

	// A page with an error in its inline script, and its fix.
	s.Edit("about/index.html", `import { title }`, `import { title`)
	p.WaitReload(loadedHere + 1)
	p.WaitOverlay("about/index.html:13:")
	s.Edit("about/index.html", `import { title`, `import { title }`)
	p.WaitReload(loadedHere + 2)
	p.Wait(`document.querySelector("#route").dataset.inline === "now at in the page"`)
	p.WaitNoOverlay()

	// An inline script that an edit removes is no error.
	s.Write("two.html", `<p id="text"></p><script type="module">one()</script><script type="module">two()</script>`)
	p.Goto("/two.html")
	p.WaitConsole("two is not defined")
	s.WaitPages(3)
	s.Write("two.html", `<p id="text"></p><script type="module">document.querySelector("#text").textContent = "one"</script>`)
	p.WaitText("#text", "one")
	s.Log.Wait(t, "page reload (/two.html was edited)")
	if log := s.Log.String(); strings.Contains(log, "no inline module script") {
		t.Errorf("the terminal has an error about the removed script: %s", log)
	}

	// A new page.
	s.Write("new/index.html", `<p id="text">new</p><script type="module">document.querySelector("#text").textContent += " page";</script>`)
	p.Goto("/new/")
	p.WaitText("#text", "new page")
}

// TestPageThatIsLeft: when the user follows a link, the browser keeps the old page and its socket. The server counts
// the old page as gone.
func TestPageThatIsLeft(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Dir("../testdata/apps/pages")))
	p := s.Page(t, "/")
	s.WaitPages(1)
	p.Click(`a[href="/about/"]`)
	p.WaitText("#route", "at about")
	s.WaitPages(1)
	s.Edit("src/app.ts", "title(location.pathname)", `"app " + title(location.pathname)`)
	p.Back()
	p.WaitText("#route", "app at /")
	s.WaitPages(1)
	s.Edit("src/app.ts", `"app "`, `"the app "`)
	p.WaitText("#route", "the app at /")
}

// TestToolsKnowRequests loads all that a page loads through a service worker, as MSW's. MSW tells by the path what a
// dev server sends (isCommonAssetRequest), and warns about any other request that the app has no handler for.
func TestToolsKnowRequests(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- devserver.config.json --
{"server": {"headers": {"Content-Security-Policy": "script-src 'self'"}, "hmr": {"shareTabs": true}}}
-- index.html --
<!doctype html><link rel="stylesheet" href="/page.css"><p id="out"></p><p id="others"></p>
<script type="module">import "./inline.ts"</script>
<script type="module" src="/main.tsx"></script>
-- page.css --
@import "./other.css";
-- other.css --
p { color: red }
-- inline.ts --
export {}
-- public/sw.js --
const seen = []
addEventListener("install", () => skipWaiting())
addEventListener("activate", (event) => event.waitUntil(clients.claim()))
addEventListener("fetch", (event) => seen.push(event.request.method + " " + event.request.url))
addEventListener("message", (event) => event.ports[0].postMessage(seen))
-- main.tsx --
import logo from "./logo.svg"
const out = document.querySelector("#out")!
await navigator.serviceWorker.register("/sw.js")
await new Promise((done) => navigator.serviceWorker.controller ? done(0) : navigator.serviceWorker.oncontrollerchange = done)
window.requests = () => new Promise((done) => {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = ({ data }) => done(data)
  navigator.serviceWorker.controller.postMessage(0, [port2])
})
window.tell = async () => {
  const asset = /@vite|node_modules|\.(s?css|less|m?jsx?|m?tsx?|html|svg|json)$/
  const others = (await requests()).map((r) => r.split(" ")).map(([method, url]) => [method, new URL(url).pathname])
  document.querySelector("#others")!.textContent = [...new Set(others.filter(([, path]) => !asset.test(path)).map((r) => r.join(" ")))].sort().join(", ")
}
window.load = async () => {
  new Image().src = logo
  const { default: json } = await import("./data.json")
  const { lazy } = await import("./lazy.tsx")
  await import("./lazy.css")
  const { pkg } = await import("pkg")
  const worker = new Worker(new URL("./worker.ts", import.meta.url))
  worker.onmessage = ({ data }) => out.textContent = [json.one, lazy, pkg, data].join()
  await fetch("/api/of/the/app")
}
-- logo.svg --
<svg xmlns="http://www.w3.org/2000/svg"></svg>
-- data.json --
{"one": 1}
-- lazy.tsx --
export const lazy = "lazy"
import.meta.hot!.accept((m) => document.title = m!.lazy)
-- lazy.css --
p { margin: 0 }
-- worker.ts --
postMessage("worker")
-- node_modules/pkg/package.json --
{"name": "pkg", "exports": "./pkg.cjs"}
-- node_modules/pkg/pkg.cjs --
exports.pkg = "pkg"
`)))
	p := s.Page(t, "/")
	p.Wait(`await load().then(() => true)`)
	p.WaitText("#out", "1,lazy,pkg,worker")
	s.WaitPages(1)
	s.Edit("lazy.tsx", `"lazy"`, `"now"`) // the policy forbids evaluating the update: the page asks for it
	p.WaitText("title", "now")
	p.NoReload()
	other := p.Beside("/")
	other.Wait(`await load().then(() => true)`)
	p.Reload() // leaves the tabs' common socket with a request
	p.Wait(`await load().then(() => true)`)

	p.Wait(`requests().then((list) => list.some((r) => r.includes("/@devserver/update/")) && list.some((r) => r.startsWith("POST ")))`)
	p.Wait(`tell().then(() => true)`)
	p.WaitText("#others", "GET /, GET /api/of/the/app")
}

// TestServiceWorkerFetches has a service worker that fetches what pages ask for, as MSW's does, so that requests do not
// say what they are for. Pages and workers run as without it. fetch() of a page and of a worker gets the file itself.
func TestServiceWorkerFetches(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><p id="inline"></p><p id="out"></p>
<script type="module">const at = "inline"; document.querySelector("#inline").textContent = import.meta.url && at</script>
<script type="module" src="/main.tsx"></script>
<script type="module" src="/@id/virtual:shown"></script>
-- public/sw.js --
addEventListener("install", () => skipWaiting())
addEventListener("activate", (event) => event.waitUntil(clients.claim()))
addEventListener("fetch", (event) => {
  const { request } = event
  if (request.mode !== "navigate") event.respondWith(fetch(request.clone(), { headers: new Headers(request.headers) }))
})
-- main.tsx --
const out = document.querySelector("#out")!
await navigator.serviceWorker.register("/sw.js")
if (!navigator.serviceWorker.controller) await new Promise((done) => (navigator.serviceWorker.oncontrollerchange = done))
const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" })
const data = await new Promise<string>((done) => (worker.onmessage = (e) => done(e.data)))
const address = "/address.ts"
const { made } = await import(/* @vite-ignore */ address)
out.textContent = [data, made].join()
-- worker.ts --
import { part } from "./part.ts"
postMessage(part)
-- part.ts --
export const part: string = "worker"
-- address.ts --
export const made: string = "address"
-- code.ts --
let code: string
`)), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{
			Name: "virtual",
			ResolveID: func(_ context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error) {
				if a.Specifier != "virtual:shown" {
					return nil, nil
				}
				return &plugin.ResolveResult{ID: a.Specifier}, nil
			},
			Load: func(_ context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
				if a.ID != "virtual:shown" {
					return nil, nil
				}
				return &plugin.LoadResult{Code: `document.title = "virtual"`}, nil
			},
		}}
	})
	p := s.Page(t, "/")
	for range 2 { // the second page is controlled from the start
		p.WaitText("#out", "worker,address")
		p.WaitText("#inline", "inline")
		p.WaitText("title", "virtual")
		p.Reload()
	}
	for referrer, module := range map[string]bool{
		"/sw.js": true, "/": false, "/worker.ts?worker_file&type=module": false, "": false, "//other.test/sw.js": false,
	} {
		if strings.HasPrefix(referrer, "//") {
			referrer = "http:" + referrer
		} else if referrer != "" {
			referrer = s.URL + referrer
		}
		got := s.Get("/code.ts", "Sec-Fetch-Dest", "empty", "Sec-Fetch-Mode", "cors", "Referer", referrer)
		if is := got.Body != "let code: string\n"; got.Status != 200 || is != module {
			t.Errorf("from %q: %d, module %t, want %t", referrer, got.Status, is, module)
		}
	}
}

// TestServerRenderedStyles has a page whose server put the stylesheets of modules in. The modules take these over: no
// style comes twice, and edits and removals reach them.
func TestServerRenderedStyles(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html>
<head>
<link rel="stylesheet" data-vite-dev-id="/on/disk/src/a.css" href="/src/a.css">
<link rel="stylesheet" data-vite-dev-id="/src/b.css" href="/built/b.css">
<style data-vite-dev-id="/src/c.css">.c { color: rgb(0, 0, 3) }</style>
</head>
<p class="a"></p><p class="b"></p><p class="c"></p><p class="d"></p><p id="ran"></p>
<script type="module" src="/src/main.js"></script>
-- public/built/b.css --
.b { color: rgb(0, 0, 2) }
-- src/main.js --
import "./styles.js"
document.querySelector("#ran").textContent = "ran"
-- src/styles.js --
import "./a.css"
import "./b.css"
import "./c.css"
import "./d.css"
import.meta.hot.accept()
-- src/a.css --
.a { color: rgb(0, 0, 1) }
-- src/b.css --
.b { color: rgb(0, 0, 2) }
-- src/c.css --
.c { color: rgb(0, 0, 3) }
-- src/d.css --
.d { color: rgb(0, 0, 4) }
`)))
	p := s.Page(t, "/")
	p.WaitText("#ran", "ran")
	const own = `[...document.querySelectorAll("link[rel=stylesheet], style")].map((e) => e.localName + " " + e.dataset.viteDevId).join()`
	p.Wait(own + ` === "link /on/disk/src/a.css,link /src/b.css,style /src/c.css,style /src/d.css"`)
	for i, name := range []string{"a", "b", "c", "d"} {
		for _, after := range []string{"0, 9", "8, 7"} { // twice: the first edit replaces links
			before := map[string]string{"0, 9": fmt.Sprint("0, ", i+1), "8, 7": "0, 9"}[after]
			s.Edit("src/"+name+".css", before, after)
			p.WaitStyle("."+name, "color", "rgb(0, "+after+")")
		}
	}
	p.Wait(own + ` === "link /on/disk/src/a.css,style /src/b.css,style /src/c.css,style /src/d.css"`)
	s.Write("src/styles.js", "import.meta.hot.accept()\n")
	p.Wait(own + ` === ""`)
	s.Edit("public/built/b.css", "0, 2", "6, 5") // what was the link's is the module's
	s.Edit("src/a.css", "8, 7", "6, 5")
	s.Write("src/styles.js", "document.title = 'last'; import.meta.hot.accept()\n")
	p.WaitText("title", "last")
	p.NoReload()
	p.NoErrors()
}
