package server_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// foreignPage is a page of another site. It tries everything that a page can do to read, run or control the server at
// TARGET, and collects its successes in window.got.
const foreignPage = `<!doctype html><link rel="icon" href="data:,"><script>
const target = "TARGET", got = window.got = [], tried = [];
const paths = ["/", "/src/main.ts", "/src/main.ts?raw", "/@vite/client", "/@devserver/pack.js?id=/src/part.ts", "/@devserver/source.map?of=css:/src/style.css", "/src/style.css", "/logo.svg", "/nowhere", "/.env", "/__devserver/"];
const attempt = (what, f) => tried.push(new Promise((done) => f((text) => { got.push(what + ": " + text); done(); }, done)));
// A page could spy on a script that merely loads, with hooks (CVE-2025-30359).
const element = (what, make) => attempt(what, (leak, done) => { const e = make(); e.onload = () => leak("loaded"); e.onerror = () => done(); document.head.append(e); });
for (const path of paths) {
	const u = target + path;
	attempt("fetch " + path, (leak, done) => fetch(u).then((r) => r.text()).then(leak, done));
	attempt("fetch with cookies " + path, (leak, done) => fetch(u, { credentials: "include" }).then((r) => r.text()).then(leak, done));
	attempt("fetch with a header " + path, (leak, done) => fetch(u, { headers: { "X-Devserver-Token": "x" } }).then((r) => r.text()).then(leak, done));
	attempt("fetch no-cors " + path, (leak, done) => fetch(u, { mode: "no-cors" }).then((r) => r.text()).then((text) => text ? leak(text) : done(), done));
	attempt("import " + path, (leak, done) => import(u).then((m) => leak(Object.keys(m).join()), done));
	element("script " + path, () => Object.assign(document.createElement("script"), { src: u }));
	element("module " + path, () => Object.assign(document.createElement("script"), { src: u, type: "module" }));
	element("style " + path, () => Object.assign(document.createElement("link"), { href: u, rel: "stylesheet" }));
	element("image " + path, () => Object.assign(document.createElement("img"), { src: u }));
	element("preload " + path, () => Object.assign(document.createElement("link"), { href: u, rel: "modulepreload" }));
	attempt("events " + path, (leak, done) => { const e = new EventSource(u); e.onopen = () => { e.close(); leak("open"); }; e.onerror = () => { e.close(); done(); }; });
	if (path === "/") for (const protocol of [undefined, "vite-hmr", "vite-ping"]) { // for one path only: browsers slow down sockets that fail
		attempt("socket " + protocol + path, (leak, done) => { const s = new WebSocket(u.replace("http", "ws") + "?token=x", protocol); s.onopen = () => { leak("open"); s.close(); }; s.onerror = s.onclose = () => done(); });
	}
}
element("editor by image", () => Object.assign(document.createElement("img"), { src: target + "/__open-in-editor?file=src/main.ts" }));
attempt("editor by POST", (leak, done) => fetch(target + "/__open-in-editor?file=src/main.ts", { method: "POST", mode: "no-cors", body: "x" }).then(() => done(), done));
attempt("identify by POST", (leak, done) => fetch(target + "/@vite/identify?token=x", { method: "POST", mode: "no-cors", credentials: "include" }).then(() => done(), done));
navigator.sendBeacon(target + "/__open-in-editor?file=src/main.ts", "x");
attempt("frame", (leak, done) => { const f = document.createElement("iframe"); f.src = target + "/"; f.onload = () => { try { f.contentDocument ? leak(f.contentDocument.body.innerHTML) : done(); } catch { done(); } }; addEventListener("DOMContentLoaded", () => document.body.append(f)); });
// A frame without an origin (CVE-2026-27977).
attempt("sandboxed frame", (leak, done) => {
	const f = document.createElement("iframe");
	f.sandbox = "allow-scripts";
	f.srcdoc = "<script>const t = " + JSON.stringify(target) + "; const ws = new WebSocket(t.replace('http', 'ws') + '/?token=x', 'vite-hmr'); ws.onopen = () => parent.postMessage('socket open', '*'); ws.onerror = () => fetch(t + '/src/main.ts').then((r) => r.text()).then((x) => parent.postMessage(x, '*'), () => parent.postMessage('', '*'));</" + "script>";
	addEventListener("message", (e) => e.data ? leak(e.data) : done());
	addEventListener("DOMContentLoaded", () => document.body.append(f));
});
Promise.all(tried).then(() => { window.finished = tried.length; });
</script><body></body>`

// TestBrowserForeignPage opens pages of another port, of another name of this machine and of the other loopback
// address. They read nothing, open no socket and start no editor. Our styles and scripts have no effect there.
func TestBrowserForeignPage(t *testing.T) {
	devtest.NeedBrowser(t)
	opened := editor(t, "editor")
	app := fortress(t)
	app.Write("public/control.html", strings.ReplaceAll(foreignPage, `"TARGET"`, "location.origin"))
	s := devtest.Start(t, app)
	own := s.Page(t, "/")
	own.Wait(`document.title === "fine"`)
	// A page of ours succeeds with all of this, so the attempts are real.
	control := s.Page(t, "/control.html")
	control.Wait(`window.finished > 100`)
	if got := devtest.Eval[[]string](control, `window.got.map((text) => text.slice(0, 80))`); len(got) < 40 || !strings.Contains(strings.Join(got, "\n"), "import /src/main.ts") || !strings.Contains(strings.Join(got, "\n"), "socket vite-ping") {
		t.Fatalf("a page of ours only succeeded with:\n%s", strings.Join(got, "\n"))
	}
	control.Close()
	s.WaitPages(1)
	var target string
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, strings.ReplaceAll(foreignPage, "TARGET", target))
	}))
	defer evil.Close()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.URL, "http://"))
	_, evilPort, _ := net.SplitHostPort(evil.Listener.Addr().String())
	for _, c := range []struct{ name, from, to string }{
		{"another port", "http://localhost:" + evilPort, "http://localhost:" + port},
		{"an address against a name", "http://127.0.0.1:" + evilPort, "http://localhost:" + port},
		{"another name of the same site", "http://evil.localhost:" + evilPort, "http://app.localhost:" + port},
	} {
		t.Run(c.name, func(t *testing.T) {
			target = c.to
			p := s.Tab(t)
			p.Goto(c.from + "/")
			p.Wait(`window.finished > 100`)
			if got := devtest.Eval[[]string](p, `window.got`); len(got) > 0 {
				t.Errorf("the foreign page succeeded with:\n%.2000s", strings.Join(got, "\n"))
			}
			if color := devtest.Eval[string](p, `getComputedStyle(document.body).color`); color != "rgb(0, 0, 0)" {
				t.Errorf("our stylesheet changed the foreign page: color %s", color)
			}
			p.Close()
		})
	}
	if started := opened(); started != "" {
		t.Errorf("a foreign page started the editor:\n%s", started)
	}
	// The foreign pages also opened our page in frames, which are gone by now. Only own is left.
	s.WaitPages(1)
	s.Edit("src/part.ts", "fine", "better") // the server still runs, and its own page gets updates
	own.Wait(`document.title === "better"`)
}
