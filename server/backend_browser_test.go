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

// TestPageOfABackend: a page of another server loads the client and a module from here, as in Vite's guide "Backend
// Integration". Its origin is in server.cors. Lazy parts, styles and hot updates work.
func TestPageOfABackend(t *testing.T) {
	t.Parallel()
	var page string
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/shop/cart" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, page)
	}))
	defer backend.Close()
	_, port, _ := net.SplitHostPort(backend.Listener.Addr().String())
	origin := "http://localhost:" + port
	app := devtest.App(t, devtest.Text(`
-- devserver.config.json --
{ "server": { "cors": { "origin": ["ORIGIN"] } } }
-- src/main.ts --
import { text } from "./text";
import "./style.css";
const show = (id: string, text: string) => { document.getElementById(id)!.textContent = text; };
show("text", text);
import("./lazy").then((mod) => show("lazy", mod.lazy));
import.meta.hot?.accept("./text", (mod) => show("text", mod!.text));
-- src/text.ts --
export const text = "text";
-- src/lazy.ts --
export const lazy = "lazy";
-- src/style.css --
body { color: rgb(1, 2, 3) }
`))
	app.Edit("devserver.config.json", "ORIGIN", origin)
	s := devtest.Start(t, app)
	page = strings.ReplaceAll(`<!doctype html><link rel="icon" href="data:,">
<p id="text"></p><p id="lazy"></p>
<script type="module" src="URL/@vite/client"></script>
<script type="module" src="URL/src/main.ts"></script>`, "URL", s.URL)
	p := s.Tab(t)
	p.Goto(origin + "/shop/cart")
	p.WaitText("#text", "text")
	p.WaitText("#lazy", "lazy")
	p.WaitStyle("body", "color", "rgb(1, 2, 3)")
	s.WaitPages(1)
	app.Edit("src/text.ts", `"text"`, `"text, edited"`)
	p.WaitText("#text", "text, edited")
	app.Edit("src/style.css", "1, 2, 3", "3, 2, 1")
	p.WaitStyle("body", "color", "rgb(3, 2, 1)")
	p.NoReload()
	p.NoErrors()
}

// TestBackendBehindTheProxy: the proxy forwards all but the app's own files, so that the backend's pages have the address
// of this server. Then pictures and workers work, too, and no origin has to be listed.
func TestBackendBehindTheProxy(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><link rel="icon" href="data:,"><h1>%s</h1><p id="text"></p><p id="image"></p><p id="worker"></p><img>
<script type="module" src="/@vite/client"></script>
<script type="module" src="/src/main.ts"></script>`, r.URL.Path)
	}))
	defer backend.Close()
	app := devtest.App(t, devtest.Text(`
-- devserver.config.json --
{ "server": { "proxy": { "^/(?!src/|node_modules/|@)": "BACKEND" } } }
-- src/main.ts --
import { text } from "./text";
import "./style.css";
import logo from "./logo.svg";
const show = (id: string, text: string) => { document.getElementById(id)!.textContent = text; };
show("text", text);
const image = document.querySelector("img")!;
image.onload = () => show("image", "loaded");
image.src = logo;
const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
worker.onmessage = (e) => show("worker", e.data);
import.meta.hot?.accept("./text", (mod) => show("text", mod!.text));
-- src/text.ts --
export const text = "text";
-- src/worker.ts --
postMessage("worker");
-- src/style.css --
body { color: rgb(1, 2, 3) }
-- src/logo.svg --
<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>
`))
	app.Edit("devserver.config.json", "BACKEND", backend.URL)
	s := devtest.Start(t, app)
	for _, path := range []string{"/", "/shop/cart"} {
		p := s.Page(t, path)
		p.WaitText("h1", path)
		p.WaitText("#text", "text")
		p.WaitText("#image", "loaded")
		p.WaitText("#worker", "worker")
		p.WaitStyle("body", "color", "rgb(1, 2, 3)")
		s.WaitPages(1)
		app.Edit("src/text.ts", `"text"`, `"edited"`)
		p.WaitText("#text", "edited")
		p.NoReload()
		p.NoErrors()
		app.Edit("src/text.ts", `"edited"`, `"text"`)
		p.WaitText("#text", "text")
		p.Close()
		s.WaitPages(0)
	}
}
