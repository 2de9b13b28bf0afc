package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

const onlyScripts = `
-- src/main.ts --
import { part } from "./part";
document.querySelector("#text")!.textContent = part;
import.meta.hot?.accept();
-- src/part.ts --
export const part: string = "runs";
-- devserver.config.json --
{ "server": { "proxy": { "/api": "BACKEND" } } }
`

const mainPage = `<!doctype html><link rel="icon" href="data:,"><p id="text"></p><script type="module" src="/src/main.ts"></script>`

// TestNoPage: a project without a page starts, and everything but the page works. The page says what is missing. It
// becomes the app's page once there is one, and after each time that the page was away.
func TestNoPage(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("of the backend")) }))
	defer backend.Close()
	app := devtest.App(t, devtest.Text(strings.ReplaceAll(onlyScripts, "BACKEND", backend.URL)))
	s := devtest.Start(t, app, func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{Name: "routes", Routes: []plugin.RouteDef{
			plugin.Route("/of-plugin", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("of the plugin")) })),
		}}}
	})
	s.Log.Wait(t, "there is no index.html in "+app.Root)
	for path, want := range map[string]string{"/src/main.ts": "runs", "/@vite/client": "WebSocket", "/api/x": "of the backend", "/of-plugin": "of the plugin"} {
		if res := s.Get(path); res.Status != 200 || !strings.Contains(res.Body, want) {
			t.Errorf("%s: status %d", path, res.Status)
		}
	}
	if res := s.Get("/"); res.Status != 404 || strings.Contains(res.Body, "<") {
		t.Errorf("what is no navigation gets %d %s", res.Status, res.Body)
	}
	page := s.Page(t, "/")
	page.WaitContains("body", "app/index.html does not exist")
	if f := page.Failures(); len(f) != 1 || !strings.HasPrefix(f[0], "404 ") {
		t.Errorf("failed requests: %v", f)
	}
	s.WaitPages(1)
	app.Write("index.html", mainPage)
	page.WaitText("#text", "runs")
	app.Edit("src/part.ts", "runs", "runs hot")
	page.WaitText("#text", "runs hot")

	// An open page stays as it is while its file is away, and reloads when it is back.
	for n, back := range []func(){
		func() { app.Write("index.html", strings.ReplaceAll(mainPage, "></p>", "></p><p>again</p>")) },
		func() { app.Write("index.html", mainPage) },
	} {
		s.WaitPages(1)
		loads := page.Reloads()
		app.Remove("index.html")
		devtest.Eventually(t, "deletions in the terminal", func() bool { return s.Log.Count("index.html was deleted") == n+1 }, s.Log.String)
		page.WaitText("#text", "runs hot")
		if n == 1 { // the user reloads meanwhile, and the content is as before
			page.Reload()
			page.WaitContains("body", "does not exist")
			s.WaitPages(1)
		}
		back()
		page.WaitText("#text", "runs hot")
		page.WaitReload(loads + 1)
	}
}

// TestOtherPagesThatAreMissing: a page beside index.html that is deleted, alone or with its folder, comes back as
// index.html does.
func TestOtherPagesThatAreMissing(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(`
-- devserver.config.json --
{ "appType": "mpa" }
-- index.html --
<!doctype html><link rel="icon" href="data:,"><p id="text">index</p>
-- about.html --
<!doctype html><link rel="icon" href="data:,"><p id="text">about</p>
-- docs/a<b>&"'.html --
<!doctype html><link rel="icon" href="data:,"><p id="text">odd name</p>
-- docs/index.html --
<!doctype html><link rel="icon" href="data:,"><p id="text">docs</p>
`))
	s := devtest.Start(t, app)
	for _, c := range []struct{ url, file, text string }{{"/about", "about.html", "about"}, {"/docs/", "docs", "docs"}} {
		page := s.Page(t, c.url)
		page.WaitText("#text", c.text)
		app.Rename(c.file, "../away")
		s.Log.Wait(t, c.file)
		page.Reload()
		page.WaitText("h1", "There is no page here")
		if c.file != "docs" {
			page.WaitContains("ul", `/docs/a<b>&"'.html`)
			page.Click("li:nth-child(1) a")
			page.Wait(`document.querySelector("#text")`)
			page.Goto(c.url)
			page.WaitText("h1", "There is no page here")
		}
		s.WaitPages(1)
		app.Rename("../away", c.file)
		page.WaitText("#text", c.text)
		page.Close()
		s.WaitPages(0)
	}
}

// TestPublicPages: a page may lie in the public folder. A page that waits for it, and a page that shows it, reload.
func TestPublicPages(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{"inside the root": `{}`, "outside the root": `{ "root": "web", "publicDir": "../public" }`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := devtest.App(t, devtest.Text(`
-- web/x.txt --
-- public/x.txt --
`))
			app.Write("devserver.config.json", config)
			s := devtest.Start(t, app)
			for _, c := range []struct{ url, file string }{
				{"/", "public/index.html"}, {"/about", "public/about.html"}, {"/docs/", "public/docs/index.html"}, {"/100%25", "public/100%.html"},
			} {
				page := s.Page(t, c.url)
				if c.file == "public/index.html" {
					page.WaitContains("body", "index.html does not exist")
					s.WaitPages(1)
				}
				app.Write(c.file, `<!doctype html><link rel="icon" href="data:,"><p id="text">one</p>`)
				if c.file != "public/index.html" {
					s.Log.Wait(t, moduleid.OfPath(c.file)+" was edited")
					page.Goto(c.url)
				}
				page.WaitText("#text", "one")
				s.WaitPages(1)
				app.Edit(c.file, "one", "two")
				page.WaitText("#text", "two")
				page.Close()
				s.WaitPages(0)
			}
		})
	}
}

// TestPageThatMayNotBeRead: the terminal says why a page is not served, and what allows it. The page becomes the app's
// page once it may be read.
func TestPageThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(`
-- other.html --
<!doctype html><p>other</p>
-- ../elsewhere/index.html --
<!doctype html><link rel="icon" href="data:,"><p id="text">elsewhere</p>
-- devserver.config.json --
{}
`))
	app.Link("../elsewhere/index.html", "index.html")
	app.Link("../elsewhere/index.html", "about.html")
	s := devtest.Start(t, app)
	s.Log.Wait(t, "the index.html in "+app.Root+" may not be read")
	for n, url := range []string{"/", "/about", "/route"} {
		page := s.Page(t, url)
		page.WaitContains("body", "may not be read")
		page.WaitText("ul", "/other.html")
		if told := s.Log.Count("refused " + url + " reason"); told != 1 {
			t.Errorf("the terminal has %d lines about %s: %s", told, url, s.Log.String())
		}
		for _, told := range []string{"elsewhere/index.html may not be read", `elsewhere"]}} in devserver.config.json`} {
			if got := s.Log.Count(told); got != n+2 {
				t.Errorf("%q is %d times in the terminal: %s", told, got, s.Log.String())
			}
		}
		page.Close()
	}
	page := s.Page(t, "/")
	page.WaitContains("body", "may not be read")
	s.WaitPages(1)
	app.Write("devserver.config.json", `{ "server": { "fs": { "allow": ["../elsewhere"] } } }`)
	page.WaitText("#text", "elsewhere")
}
