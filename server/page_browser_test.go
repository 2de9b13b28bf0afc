package server_test

import (
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
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
	p.Wait(`(history.back(), true)`)
	p.WaitText("#route", "app at /")
	s.WaitPages(1)
	s.Edit("src/app.ts", `"app "`, `"the app "`)
	p.WaitText("#route", "the app at /")
}
