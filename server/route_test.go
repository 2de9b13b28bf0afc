package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

const routedApp = `
-- index.html --
<!doctype html><title>app</title><script type="module" src="/src/main.js"></script>
-- x/about.html --
<!doctype html><title>about</title>
-- src/main.js --
document.title = "app";
-- users/server.key --
secret
-- .env --
secret
-- .vscode/settings.json --
secret
-- ../out/there.html --
secret
`

// routes are URLs that a single-page app may have, and that look like files which no server gives away. status is what
// a script's fetch() of the URL gets.
var routes = []struct {
	url    string
	status int
}{
	{"/open/https%3A%2F%2Fx", 404}, {"/open/https:%2f%2Fx", 404}, {"/open/..%2F..%2Fx", 404}, {"/x%2Fabout", 404},
	{"/books/urn:isbn:1", 404}, {"/notes/and-so-on.", 404}, {"/notes/...", 403}, {"/notes/space%20", 404},
	{"/aux", 404}, {"/users/con.x", 404}, {"/file~1", 404}, {"/a//b", 404}, {"//", 404}, {"/a//", 404},
	{"/q%00", 404}, {"/q%0a", 404}, {"/q%ff", 404}, {"/q%C3%A9", 404}, {"/a;b=c", 404}, {"/a%5Cb", 400},
	{"/u/.x", 403}, {"/users/me.key", 403}, {"/.well-known/x", 403}, {"/docs/.env.example", 403}, {"/user.env", 403}, {"/.git/x", 403},
	{"/" + strings.Repeat("x", 300), 404}, {"/" + strings.Repeat("long/", 1500), 404}, {"/src/main.js/x", 404}, {"/src/", 404}, {"/src", 404},
	{`/search?q=..\..\x&p=%00&f=/../.env`, 404}, {"/a?x=1;y=2", 404}, {"/a?%zz", 404},
}

func navigate(s *devtest.Server, method, url string) devtest.Response {
	return s.Do(method, url, "", "Accept", "text/html,*/*", "Sec-Fetch-Dest", "document", "Sec-Fetch-Mode", "navigate")
}

// TestRoutesThatLookLikeFiles: a navigation to a URL that names no file gets the app's page, whatever the URL looks
// like. Other requests get a refusal, and no page takes the place of a file that exists.
func TestRoutesThatLookLikeFiles(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "/base"} {
		app := devtest.App(t, devtest.Text(routedApp))
		app.Write("devserver.config.json", fmt.Sprintf(`{ "base": "%s/" }`, base))
		s := devtest.Start(t, app)
		raw := newWire(t, s)
		page := s.Get(base + "/").Body
		for _, route := range routes {
			for _, method := range []string{"GET", "HEAD"} {
				status, answer := raw.ask(method + " " + base + route.url + " HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nSec-Fetch-Dest: document\r\n\r\n")
				if status != 200 || method == "GET" && !strings.HasSuffix(answer, "\r\n\r\n"+page) {
					t.Errorf("%s %.60s: status %d, want the app's page: %.300s", method, base+route.url, status, answer)
				}
			}
			if status, answer := raw.ask("GET " + base + route.url + " HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nSec-Fetch-Dest: empty\r\n\r\n"); status != route.status {
				t.Errorf("fetch(%.60q): status %d, want %d: %.300s", base+route.url, status, route.status, answer)
			}
		}
		for _, url := range []string{"/.env", "/.env?x=1", "/users/server.key", "/.vscode/settings.json"} {
			for _, res := range []devtest.Response{navigate(s, "GET", base+url), s.Get(base + url)} {
				if res.Status != http.StatusForbidden {
					t.Errorf("%s: status %d, want 403: %s", base+url, res.Status, res.Body)
				}
			}
		}
		if res := navigate(s, "GET", base+"/x/about"); !strings.Contains(res.Body, "<title>about") {
			t.Errorf("/x/about is not the page of that name: %s", res.Body)
		}
		for _, url := range []string{"/@fs/nowhere.html", "/@fs" + app.Path("nowhere"), "/@id/nowhere", "/@devserver/nowhere", "/%40fs/nowhere"} {
			if res := navigate(s, "GET", base+url); res.Status != 404 && res.Status != 403 {
				t.Errorf("%s, which is no route of an app: %d", base+url, res.Status)
			}
		}
	}
}

// TestRoutesOfPages: an app of several pages has no routes. Every URL without a file is a refusal.
func TestRoutesOfPages(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(routedApp))
	app.Write("devserver.config.json", `{ "appType": "mpa" }`)
	s := devtest.Start(t, app)
	for _, route := range routes {
		if strings.HasPrefix(route.url, "//") || strings.Contains(route.url, "%zz") {
			continue // no http.Client sends it
		}
		if res := navigate(s, "GET", route.url); res.Status != route.status {
			t.Errorf("%.60s: status %d, want %d", route.url, res.Status, route.status)
		}
	}
}

// TestCustomApp: an app whose server makes the pages gets modules, the client and the socket, and no HTML.
func TestCustomApp(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(routedApp))
	app.Write("devserver.config.json", `{ "appType": "custom" }`)
	app.Write("public/static.html", "<p>static</p>")
	s := devtest.Start(t, app)
	s.Log.Wait(t, "no pages are served")
	for _, url := range []string{"/", "/index.html", "/x/about", "/x/about.html", "/a/route"} {
		res := navigate(s, "GET", url)
		if res.Status != 404 || strings.Contains(res.Body, "<title>app") || strings.Contains(res.Body, "<title>about") || strings.Contains(res.Body, "<li>") {
			t.Errorf("%s: status %d: %s", url, res.Status, res.Body)
		}
		s.Log.Wait(t, "refused "+url+` reason="the appType is`)
	}
	for url, want := range map[string]string{"/src/main.js": "document.title", "/@vite/client": "WebSocket", "/static.html": "<p>static</p>"} {
		if res := s.Get(url); res.Status != 200 || !strings.Contains(res.Body, want) {
			t.Errorf("%s: status %d", url, res.Status)
		}
	}
	socket := s.Socket(t)
	app.Edit("src/main.js", "app", "the app")
	socket.WaitFor(devtest.Is("update", "/src/main.js"))
}

// TestFilesWithOddNames: a file whose name another system would read as another file's is served like any other.
func TestFilesWithOddNames(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("such files cannot be made here")
	}
	app := devtest.App(t, devtest.Text(routedApp))
	names := map[string]string{
		"photo~1.svg": "/photo~1.svg", "con.svg": "/con.svg", "nul": "/nul", "src/a:b.txt": "/src/a:b.txt", "src/end.": "/src/end.",
		"src/space ": "/src/space%20", "PHOTOS~1.SVG": "/PHOTOS~1.SVG", "public/prn.txt": "/prn.txt", "com1/x~2/y.txt": "/com1/x~2/y.txt",
	}
	for name := range names {
		app.Write(name, "text of "+name)
	}
	app.Write("src/aux.js", `export default "a device";`)
	app.Write("src/main.js", `import text from "./aux"; document.title = text;`)
	s := devtest.Start(t, app)
	for name, url := range names {
		if res := s.Get(url); res.Status != 200 || res.Body != "text of "+name {
			t.Errorf("%s: status %d: %s", url, res.Status, res.Body)
		}
	}
	if res := s.Get("/src/main.js"); !strings.Contains(res.Body, "a device") {
		t.Errorf("the module is not in the pack: %s", res.Body)
	}
	if res := s.Get("/src/aux.js"); res.Status != 200 || !strings.Contains(res.Body, "a device") {
		t.Errorf("/src/aux.js: status %d", res.Status)
	}
}

// TestAnswersDoNotTellWhatExistsOutside: a URL that leads out of the project has one answer, whether there is a file or
// not: by its path, through a link to a folder, as a navigation or not, and for secrets.
func TestAnswersDoNotTellWhatExistsOutside(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(routedApp))
	app.Link("../out", "link")
	app.Link("../../out", "public/link")
	app.Link("../../out", "public/shown")
	app.Write("../out/.env", "secret")
	app.Write("../out/deep/tls.key", "secret")
	s := devtest.Start(t, app)
	for there, nowhere := range map[string]string{
		"/link/there.html": "/link/nowhere.html", "/link/there": "/link/nowhere", "/link/deep/tls.key": "/link/deep/other.key", "/link/.env": "/link/.env.local",
		"/shown/there.html": "/shown/nowhere.html", "/shown/there": "/shown/nowhere", "/shown/deep/x": "/shown/depths/x",
		"/link/deep": "/link/depths", "/link/there.html/x": "/link/nowhere.html/x", "/link/deep/x/y": "/link/depths/x/y",
		"/@fs" + app.Path("../out/there.html"): "/@fs" + app.Path("../out/nowhere.html"), "/@fs" + app.Path("../out/.env"): "/@fs" + app.Path("../out/.env.local"),
		"/@fs" + app.Path("../out/deep/tls.key"): "/@fs" + app.Path("../out/depths/tls.key"),
	} {
		for _, get := range []func(url string) devtest.Response{
			func(url string) devtest.Response { return s.Get(url) },
			func(url string) devtest.Response { return navigate(s, "GET", url) },
			func(url string) devtest.Response { return s.Get("/@devserver/pack.js?id=" + url) },
		} {
			if a, b := get(there), get(nowhere); a.Status != b.Status || a.Body != b.Body || strings.Contains(a.Body, "secret") {
				t.Errorf("%s: %d %.60q\n%s: %d %.60q", there, a.Status, a.Body, nowhere, b.Status, b.Body)
			}
		}
	}
}

// TestRoutesOfOthers: proxies and plugins get the URLs that name no file, as they came, below base and outside.
func TestRoutesOfOthers(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "backend "+r.RequestURI) }))
	defer backend.Close()
	app := devtest.App(t, devtest.Text(routedApp))
	app.Write("devserver.config.json", fmt.Sprintf(`{ "base": "/base/", "server": { "proxy": { "/api": { "target": %q }, "/base/api": %[1]q } } }`, backend.URL))
	route := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "plugin "+r.RequestURI) })
	s := devtest.Start(t, app, func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{Name: "routes", Routes: []plugin.RouteDef{
			plugin.Route("/plugin/", route), plugin.Route("/base/plugin/", route),
		}}}
	})
	raw := newWire(t, s)
	for _, name := range []string{"urn:isbn:1", "and-so-on.", "aux", ".x", "me.key", "a%2Fb", "a%5Cb", "x~1", "a//b", "%00"} {
		for prefix, want := range map[string]string{"/api/": "backend ", "/base/api/": "backend ", "/plugin/": "plugin ", "/base/plugin/": "plugin "} {
			if _, answer := raw.ask("GET " + prefix + name + " HTTP/1.1\r\nHost: localhost\r\n\r\n"); !strings.HasSuffix(answer, want+prefix+name) {
				t.Errorf("%s%s: %.300q", prefix, name, answer)
			}
		}
	}
}

// TestScriptsWithRefusedNames: a script that exists, and whose URL can be no file's, is not told as missing.
func TestScriptsWithRefusedNames(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("such files cannot be made here")
	}
	app := devtest.App(t, devtest.Text(routedApp))
	app.Write(`src/back\slash.js`, "")
	app.Write("src/line\nbreak.js", "")
	s := devtest.Start(t, app)
	for url, missing := range map[string]bool{
		"/src/back%5Cslash.js": false, "/src/line%0Abreak.js": false, "/src%2Fmain.js": false, "/src/no%5Cfile.js": true,
	} {
		before := s.Log.Count("URL that is refused")
		s.Do("GET", url, "", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin")
		if told := s.Log.Count("URL that is refused") > before; told == missing {
			t.Errorf("%s: %s", url, s.Log.String())
		}
	}
}

// TestOwnDevServer: a project of a framework that starts a Vite of its own has no page here. Terminal and page say what
// starts the project.
func TestOwnDevServer(t *testing.T) {
	t.Parallel()
	for dev, named := range map[string]bool{"nuxt dev": true, "vite --host": false, "devserver": false, "": false} {
		app := devtest.App(t)
		app.Write("package.json", `{ "scripts": { "dev": "`+dev+`" } }`)
		s := devtest.Start(t, app)
		s.Log.Wait(t, "there is no index.html")
		page := navigate(s, "GET", "/").Body
		if strings.Contains(page, "starts <code>"+dev+"</code>") != named {
			t.Errorf("script %q: %s", dev, page)
		}
		if named {
			s.Log.Wait(t, `package.json starts "`+dev+`"`)
		}
	}
}
