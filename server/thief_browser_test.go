package server_test

import (
	"strings"
	"testing"

	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/internal/steer"
)

// thief is a page of the project that tries what a page can do to get the panel's key, or to have the panel's powers.
// window.steal resolves with what the page has read.
const thief = `
-- index.html --
<!doctype html><link rel="icon" href="data:,"><title>thief</title><script type="module" src="/main.js"></script>
-- main.js --
const panel = "/__devserver/", got = [], soon = (ms) => new Promise((done) => setTimeout(done, ms));
const attempt = async (what, f) => { try { const text = await f(); if (text) got.push(what + ": " + text); } catch {} };
const keyIn = (html) => /devserver-key" content="([^"]+)"/.exec(html)?.[1];
const inFrame = async (make) => {
  const f = make(document.createElement("iframe"));
  const loaded = new Promise((done) => (f.onload = f.onerror = done));
  document.body.append(f);
  await Promise.race([loaded, soon(3000)]);
  return f.contentDocument?.querySelector("meta[name=devserver-key]")?.content;
};
window.steal = async () => {
  for (const cache of ["only-if-cached", "force-cache"]) await attempt(cache, async () => keyIn(await (await fetch(panel, { mode: "same-origin", cache })).text()));
  for (const mode of ["same-origin", "cors", "no-cors"]) await attempt("fetch " + mode, async () => keyIn(await (await fetch(panel, { mode })).text()));
  for (const init of [{ method: "POST" }, { headers: { "Sec-Fetch-Dest": "document", Accept: "text/html" } }, { keepalive: true }])
    await attempt("fetch " + JSON.stringify(init), async () => keyIn(await (await fetch(panel, init)).text()));
  await attempt("XHR document", () => new Promise((done) => { const x = new XMLHttpRequest(); x.responseType = "document"; x.onloadend = () => done(x.response?.querySelector("meta[name=devserver-key]")?.content); x.open("GET", panel); x.send(); }));
  await attempt("frame", () => inFrame((f) => Object.assign(f, { src: panel })));
  await attempt("hidden frame", () => inFrame((f) => Object.assign(f, { src: panel, hidden: true, sandbox: "allow-same-origin allow-scripts" })));
  await attempt("frame in srcdoc", () => inFrame((f) => Object.assign(f, { srcdoc: "<iframe src=" + panel + "></iframe>" })));
  for (const tag of ["object", "embed"]) await attempt(tag, async () => { const e = document.createElement(tag); e.type = "text/html"; e.data = e.src = panel; document.body.append(e); await soon(300); return e.contentDocument?.querySelector("meta[name=devserver-key]")?.content; });
  for (const verb of ["status", "call", "send", "open", "evaluate"]) for (const headers of [{}, { "X-Devserver-Token": import.meta.hot ? new URL(import.meta.url).searchParams.get("token") ?? "" : "" }, { Authorization: "Bearer " }])
    await attempt("verb " + verb, async () => { const r = await fetch(panel + "do/" + verb, { method: "POST", headers, body: "{}" }); return r.ok && (await r.text()); });
  for (const event of ["devserver:page", "devserver:snapshot", "devserver:evaluate", "devserver:admin:clients", "devserver:do/status", "devserver:key"])
    await attempt("request " + event, async () => JSON.stringify(await import.meta.hot.request(event, {}, { timeout: 1000 })));
  return got;
};
// Opens the panel, and reads it as often as it can while it loads.
window.open_ = async (how) => {
  const w = how();
  if (!w) return "no window";
  for (let n = 0; n < 60; n++) {
    if (w.closed) return ""; // for this page
    try { const k = w.document.querySelector("meta[name=devserver-key]")?.content; if (k) return k; } catch { return ""; }
    await soon(25);
  }
  return "";
};
window.thief = true;
-- public/sw.js --
const seen = [];
addEventListener("install", () => skipWaiting());
addEventListener("activate", (e) => e.waitUntil(clients.claim()));
addEventListener("message", (e) => e.source.postMessage(seen));
addEventListener("fetch", (e) => {
  seen.push("headers " + e.request.url + " " + JSON.stringify([...e.request.headers]));
  if (!e.request.url.includes("/__devserver/") || e.request.mode !== "navigate") return;
  e.respondWith((async () => {
    const pre = await e.preloadResponse;
    if (pre) seen.push("preload " + await pre.clone().text());
    const r = await fetch(e.request);
    seen.push("fetch " + await r.clone().text());
    return r;
  })());
});
`

// startThief serves the app of the thief, and opens its page.
func startThief(t *testing.T) (*devtest.Server, *devtest.Page) {
	t.Helper()
	s := devtest.Start(t, devtest.App(t, devtest.Text(thief)))
	p := s.Page(t, "/")
	p.Wait("window.thief")
	return s, p
}

// seenByWorker returns what the service worker of the thief has seen.
func seenByWorker(p *devtest.Page) string {
	return strings.Join(devtest.Eval[[]string](p, `new Promise((done) => { navigator.serviceWorker.onmessage = (e) => done(e.data); navigator.serviceWorker.controller.postMessage("x"); })`), "\n")
}

// TestBrowserPageCannotTakeTheKey: a script of the project gets neither the panel's key nor an answer of a verb, also
// with headers that keep it together with windows that it opens.
func TestBrowserPageCannotTakeTheKey(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	for _, headers := range []string{
		`{}`, `{"Cross-Origin-Opener-Policy": "same-origin"}`, `{"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}`,
		`{"Cross-Origin-Opener-Policy": "noopener-allow-popups"}`, `{"Cross-Origin-Opener-Policy": "unsafe-none"}`,
	} {
		t.Run(headers, func(t *testing.T) {
			app := devtest.App(t, devtest.Text(thief))
			app.Write("devserver.config.json", `{"server": {"headers": `+headers+`}}`)
			s := devtest.Start(t, app)
			p := s.Page(t, "/")
			p.Wait("window.thief")
			for _, how := range []string{`() => open("/__devserver/")`, `() => { const w = open("about:blank"); w.location = "/__devserver/"; return w; }`, `() => { const w = open("/"); setTimeout(() => { try { w.location = "/__devserver/"; } catch {} }, 500); return w; }`} {
				if key := devtest.Eval[string](p, `window.open_(`+how+`)`); key != "" {
					t.Errorf("%s gives the page %q", how, key)
				}
			}
			if headers == `{}` {
				if got := devtest.Eval[[]string](p, `window.steal()`); len(got) > 0 {
					t.Errorf("the page got:\n%.2000s", strings.Join(got, "\n"))
				}
			}
		})
	}
}

// TestBrowserServiceWorkerCannotTakeTheKey: a service worker of the project sees the panel being loaded, and no key.
// The panel says how it is loaded without the worker.
func TestBrowserServiceWorkerCannotTakeTheKey(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s, p := startThief(t)
	devtest.Eval[bool](p, `navigator.serviceWorker.register("/sw.js").then(() => navigator.serviceWorker.ready).then((r) => r.navigationPreload.enable()).then(() => true)`)
	p.Wait(`navigator.serviceWorker.controller !== null`)
	panel := p.Beside("/__devserver/")
	panel.WaitContains("#nokey", "Reload the page with")
	panel.Wait(`document.querySelector("#worker").offsetHeight > 0`)
	if seen := seenByWorker(p); !strings.Contains(seen, "preload") || !strings.Contains(seen, "fetch") || strings.Contains(seen, s.Server().Key()) {
		t.Fatalf("the worker saw %.3000s", seen)
	}
}

// TestBrowserServiceWorkerCannotClaimThePanel: a service worker that takes over an open panel sees no request with the
// key.
func TestBrowserServiceWorkerCannotClaimThePanel(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s, p := startThief(t)
	panel := p.Beside("/__devserver/")
	panel.WaitText("#state", "connected")
	devtest.Eval[bool](p, `navigator.serviceWorker.register("/sw.js").then(() => navigator.serviceWorker.ready).then(() => true)`)
	p.Wait(`navigator.serviceWorker.controller !== null`)
	s.Edit("main.js", "window.thief = true", "window.thief = 1")
	panel.Wait(`document.querySelector("#worker").offsetHeight > 0`)
	seen := seenByWorker(p)
	if strings.Contains(seen, s.Server().Key()) || !strings.Contains(seen, "headers ") {
		t.Errorf("the worker saw %.3000s", seen)
	}
	if left := devtest.Eval[string](p.Beside("/"), `JSON.stringify({ ...sessionStorage, ...localStorage })`) + devtest.Eval[string](panel, `JSON.stringify({ ...sessionStorage })`); strings.Contains(left, s.Server().Key()) {
		t.Errorf("the storage has %s", left)
	}
	if _, err := chromedp.Call(panel.Context(), cdpage.Reload, cdpage.ReloadParams{IgnoreCache: new(true)}); err != nil { // with Shift held
		t.Fatal(err)
	}
	panel.WaitText("#state", "connected")
}

// TestBrowserKeyStaysWithThePanel: the key of a link leaves nothing behind for pages of the project in the same tab.
func TestBrowserKeyStaysWithThePanel(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(thief)))
	address := throughTunnel(t, s)
	key := s.Server().Key()
	p := s.Tab(t)
	p.Goto(address + "/__devserver/#key=" + key)
	p.WaitText("#state", "connected")
	press(p, "3")
	p.Wait(`location.hash === "#modules"`)
	devtest.Eval[bool](p, `(document.querySelector('.nav a[href="#events"]').click(), true)`)
	p.Wait(`location.hash === "#events"`)
	p.Reload()
	p.WaitText("#state", "connected") // each place of the panel keeps it
	devtest.Eval[bool](p, `setTimeout(() => location.assign("/"), 1), true`)
	p.Wait("window.thief")
	left := devtest.Eval[string](p, `JSON.stringify([{...sessionStorage}, {...localStorage}, history.state, document.referrer, document.cookie, window.name, performance.getEntries().map((e) => e.name), navigation.entries().map((e) => [e.url, e.getState()])])`)
	if strings.Contains(left, key) || !strings.Contains(left, "__devserver") {
		t.Errorf("the page finds %s", left)
	}
	if got := devtest.Eval[[]string](p, `window.steal()`); len(got) > 0 {
		t.Errorf("the page got:\n%.2000s", strings.Join(got, "\n"))
	}
	p.Back()
	// A browser that does not keep the whole page may forget the place's state, and the key with it. The panel says so.
	p.Wait(`history.state?.key ? document.querySelector("#state")?.textContent.trim() === "connected" : document.querySelector("#nokey")?.offsetHeight > 0`)
}

// TestBrowserActStaysInTheOrigin: a tool leads a page to no other origin, by no spelling, link or form, and runs no
// script by an address.
func TestBrowserActStaysInTheOrigin(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s, tools := toolsOf(t, `
-- devserver.config.json --
{"agents": {"act": true}}
-- index.html --
<!doctype html><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>
<a id="out" href="http://evil.test/">out</a> <a id="slashes" href="//evil.test/">out</a> <a id="based" href="page">out</a> <a id="port" href="http://localhost:1/">out</a>
<a id="data" href="data:text/html,x">out</a> <a id="tab" target="_blank" href="http://evil.test/">out</a> <map><area id="area" href="http://evil.test/" alt="x"></map>
<svg width="20" height="20"><a id="svg" href="http://evil.test/"><text y="15">x</text></a></svg>
<form action="http://evil.test/"><button id="send">send</button><button id="formaction" formaction="//evil.test/x">send</button><input id="field"></form>
-- main.js --
document.head.append(Object.assign(document.createElement("base"), { href: "http://evil.test/" }));
window.alive = true;
`)
	p := s.Page(t, "/")
	p.Wait("window.alive")
	s.WaitPages(1)
	at := s.URL[strings.LastIndexByte(s.URL, ':')+1:]
	for _, to := range []string{
		"http://evil.test/", "//evil.test/x", `\\evil.test`, `/\evil.test`, "\t//evil.test", "/\t/evil.test", "\n//evil.test", "http:\\\\evil.test", "https:evil.test", "HTTP://EVIL.TEST", "http://evil。test/",
		"javascript:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)", "JaVaScRiPt:alert(1)", "\x01javascript:alert(1)", "javascript://localhost:" + at + "/%0aalert(1)", "data:text/html,x", "blob:http://localhost:" + at + "/x", "blob:null/x", "file:///etc/passwd", "about:blank", "view-source:" + s.URL, "chrome://settings", "filesystem:" + s.URL + "/x", "vbscript:x", "mailto:x@y", "ws://localhost:" + at,
		"http://localhost:1/", "https://localhost:" + at + "/", "http://127.0.0.1:" + at + "/", "http://localhost:" + at + "@evil.test/", "http://localhost:" + at + ".evil.test/", "http://app.localhost:" + at + "/", "http://[", "",
	} {
		if e := tools.refused(steer.VerbAct, steer.ActArgs{Do: "navigate", Value: to}); e.Code != "refused" && e.Code != "bad_args" {
			t.Errorf("navigate to %q: %v", to, e)
		}
	}
	for _, selector := range []string{"#out", "#slashes", "#based", "#port", "#data", "#tab", "#area", "#svg", "#send", "#formaction"} {
		if e := tools.refused(steer.VerbAct, steer.ActArgs{Do: "click", Selector: selector}); e.Code != "refused" && !(selector == "#area" && e.Code == "not_actionable") {
			t.Errorf("click %s: %v", selector, e)
		}
	}
	if e := tools.refused(steer.VerbAct, steer.ActArgs{Do: "press", Selector: "#field", Value: "Enter"}); e.Code != "refused" {
		t.Errorf("press Enter in the form: %v", e)
	}
	if here := devtest.Eval[string](p, `window.alive && location.href`); here != s.URL+"/" {
		t.Errorf("the page is at %s", here)
	}
}
