package server_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// TestPageEditedOnItsWay: a page that is edited between its answer and the request for the client reloads, and so does
// the page that waits for it. The next load of a page that was not edited is a 304.
func TestPageEditedOnItsWay(t *testing.T) {
	t.Parallel()
	const one = `<!doctype html><link rel="icon" href="data:,"><p id="text">one</p>`
	for name, c := range map[string]struct{ url, file string }{
		"a page": {"/about.html", "about.html"}, "a route": {"/some/route", "index.html"}, "a page in public": {"/about", "public/about.html"},
		"a page that has an error": {"/broken.html", "broken.html"},
		"a page that waits":        {"/", "-index.html"}, "a page that waits for public": {"/", "-public/index.html"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := devtest.App(t, devtest.Text("-- x.txt --\n"))
			file, waits := strings.CutPrefix(c.file, "-")
			if !waits {
				app.Write(file, one)
			}
			var s *devtest.Server
			var edit sync.Once
			hold := func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/@vite/client" {
						edit.Do(func() {
							app.Write(file, strings.ReplaceAll(one, "one", "two"))
							s.Log.Wait(t, file+" was edited")
						})
					}
					next.ServeHTTP(w, r)
				})
			}
			s = devtest.Start(t, app, func(o *server.Options) {
				fails := func(_ context.Context, a plugin.TransformHTMLArgs) (*plugin.TransformHTMLResult, error) {
					if a.Path == "/broken.html" && strings.Contains(a.HTML, "one") {
						return nil, errors.New("not this page")
					}
					return nil, nil
				}
				o.Plugins = []plugin.Plugin{{
					Name: "hold", Middleware: []plugin.MiddlewareDef{plugin.Middleware("/", hold)}, TransformHTML: fails,
				}}
			})
			page := s.Page(t, c.url)
			page.WaitText("#text", "two")
			page.WaitReload(1)
			s.WaitPages(1)
			page.Reload()
			page.WaitText("#text", "two")
			s.WaitPages(1)
			if n := s.Log.Count("page reload"); !waits && n != 1 {
				t.Errorf("%d reloads in the terminal: %s", n, s.Log.String())
			}
			answer := s.Get(c.url, "Accept", "text/html")
			if again := s.Get(c.url, "Accept", "text/html", "If-None-Match", answer.Header.Get("ETag")); again.Status != 304 {
				t.Errorf("the next load: status %d", again.Status)
			}
		})
	}
}

// TestPageEditedWhileNoServerRan: pages whose HTML was edited reload when the server is back, other pages do not.
func TestPageEditedWhileNoServerRan(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><link rel="icon" href="data:,"><p id="text">one</p>
-- about.html --
<!doctype html><link rel="icon" href="data:,"><p id="text">about</p>
`))
	s := devtest.Start(t, app)
	page, other := s.Page(t, "/"), s.Page(t, "/about.html")
	s.WaitPages(2)
	s.Stop()
	app.Edit("index.html", "one", "two")
	s.Again()
	page.WaitText("#text", "two")
	page.WaitReload(1)
	if n := s.Log.Count("page reload (/index.html was edited)"); n != 1 {
		t.Errorf("%d reloads in the terminal: %s", n, s.Log.String())
	}
	s.WaitPages(2)
	app.Edit("about.html", "about", "about us")
	other.WaitText("#text", "about us")
	other.WaitReload(1)
}

// TestPageThatIsALink: a page at the URL of a link reloads when the link's target is edited, in the root or in another
// folder that may be read.
func TestPageThatIsALink(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{
		"events": `"watch": {}`, "polling": `"watch": { "usePolling": true, "interval": 20 }`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := devtest.App(t, devtest.Text(`
-- root/pages/in.html --
<!doctype html><link rel="icon" href="data:,"><p id="text">one</p>
-- root/pages/also.html --
<!doctype html><link rel="icon" href="data:,"><p id="text">one</p>
-- root/real/a.html --
<!doctype html><link rel="icon" href="data:,"><p id="text">one</p>
-- shared/out.html --
<!doctype html><link rel="icon" href="data:,"><p id="text">one</p>
`))
			app.Write("devserver.config.json", `{ "root": "root", "server": { `+config+` } }`)
			app.Link("pages/in.html", "root/lk.html")
			app.Link("pages/also.html", "root/also.html")
			app.Link("real", "root/dir")
			app.Link("../shared/out.html", "root/out.html")
			s := devtest.Start(t, app)
			for url, file := range map[string]string{
				"/lk.html": "root/pages/in.html", "/also": "root/pages/also.html", "/dir/a.html": "root/real/a.html", "/out.html": "shared/out.html",
			} {
				page := s.Page(t, url)
				page.WaitText("#text", "one")
				s.WaitPages(1)
				app.Edit(file, "one", "two")
				page.WaitText("#text", "two")
				page.WaitReload(1)
				page.Close()
				s.WaitPages(0)
			}
		})
	}
}
