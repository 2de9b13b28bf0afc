package server_test

import (
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestPublicFiles: files of the public folder have no module. A page swaps the links of stylesheets, and reloads for
// other files that it has loaded, or has tried to load. A page without them does nothing.
func TestPublicFiles(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	for name, c := range map[string]struct{ config, folder, base string }{
		"default":         {`{}`, "public/", "/"},
		"base and folder": {`{"base": "/app/", "publicDir": "files/static"}`, "files/static/", "/app/"},
		"outside":         {`{"publicDir": "../static"}`, "../static/", "/"},
		"link":            {`{"publicDir": "linked"}`, "../static/", "/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><link rel="icon" href="./icon.svg"><link rel="stylesheet" href="./sub/a%25%20b.css"><p id="linked">text</p><img src="./pic.svg">
<script src="./lib.js"></script>
-- imported.html --
<!doctype html><link rel="icon" href="data:,"><style>@import "./imported.css";</style><p id="imported">text</p><img src="./missing.svg">
-- none.html --
<!doctype html><link rel="icon" href="data:,"><p id="text"></p><script type="module" src="./main.js"></script>
-- main.js --
document.querySelector("#text").textContent = "one";
import.meta.hot.accept();
`))
			app.Write("devserver.config.json", c.config)
			write := func(file, text string) { app.Write(c.folder+file, text) }
			write("sub/a% b.css", "#linked { color: rgb(1, 1, 1) }")
			write("imported.css", "#imported { color: rgb(1, 1, 1) }")
			write("pic.svg", "<svg/>")
			write("icon.svg", "<svg/>")
			write("lib.js", "window.lib = 1")
			if name == "link" {
				app.Link("../static", "linked")
			}
			s := devtest.Start(t, app)
			p := s.Page(t, c.base)
			p.WaitStyle("#linked", "color", "rgb(1, 1, 1)")
			p.Wait("window.lib === 1")
			i := p.Beside(c.base + "imported.html")
			i.WaitStyle("#imported", "color", "rgb(1, 1, 1)")
			none := p.Beside(c.base + "none.html")
			none.WaitText("#text", "one")
			s.WaitPages(3)

			write("sub/a% b.css", "#linked { color: rgb(2, 2, 2) }")
			p.WaitStyle("#linked", "color", "rgb(2, 2, 2)")
			s.Remove(c.folder + "sub/a% b.css")
			p.WaitStyle("#linked", "color", "rgb(0, 0, 0)")
			write("sub/a% b.css", "#linked { color: rgb(3, 3, 3) }")
			p.WaitStyle("#linked", "color", "rgb(3, 3, 3)")
			s.Remove(c.folder + "sub")
			p.WaitStyle("#linked", "color", "rgb(0, 0, 0)")
			write("sub/a% b.css", "#linked { color: rgb(3, 3, 3) }")
			p.WaitStyle("#linked", "color", "rgb(3, 3, 3)")
			write("unused.json", "{}")
			p.NoReload()

			write("lib.js", "window.lib = 2")
			p.WaitConsole("page reload: /lib.js changed, and this page has loaded it")
			p.Wait("window.lib === 2")
			s.WaitPages(3)
			write("pic.svg", "<svg ></svg>")
			p.WaitConsole("page reload: /pic.svg changed, and this page has loaded it")
			p.WaitReload(2)
			s.WaitPages(3)
			write("icon.svg", "<svg ></svg>")
			p.WaitConsole("page reload: /icon.svg changed, and this page has loaded it")
			p.WaitReload(3)
			s.WaitPages(3)
			write("icon.svg", "<svg ></svg>") // as tools do that write all files again

			i.NoReload()
			write("imported.css", "#imported { color: rgb(2, 2, 2) }")
			i.WaitConsole("imported.css was edited, which a <style> of the page uses")
			i.WaitStyle("#imported", "color", "rgb(2, 2, 2)")
			i.Wait(`document.readyState === "complete"`) // the page has asked for the missing image
			s.WaitPages(3)
			write("missing.svg", "<svg/>")
			i.WaitConsole("page reload: /missing.svg changed, and this page has loaded it")
			i.WaitReload(2)
			write("sub/a% b.css", "#linked { color: rgb(4, 4, 4) }")
			p.WaitStyle("#linked", "color", "rgb(4, 4, 4)")
			if n := p.Reloads(); n != 3 {
				t.Errorf("the page has reloaded %d times, want 3", n)
			}

			s.Edit("main.js", "one", "two")
			none.WaitText("#text", "two")
			none.NoReload()
		})
	}
}

// TestStylesheetsWithoutALink: a page that has loaded a stylesheet and has no link of it reloads.
func TestStylesheetsWithoutALink(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><link rel="icon" href="data:,"><div id="host"></div>
<script>
const root = document.querySelector("#host").attachShadow({ mode: "closed" });
root.innerHTML = '<link rel="stylesheet" href="/style.css"><p>text</p>';
window.color = () => getComputedStyle(root.querySelector("p")).color;
</script>
-- style.css --
p { color: rgb(1, 1, 1) }
`)))
	p := s.Page(t, "/")
	p.Wait(`color() === "rgb(1, 1, 1)"`)
	s.WaitPages(1)
	s.Edit("style.css", "rgb(1, 1, 1)", "rgb(2, 2, 2)")
	const why = "/style.css changed, and no <link> of it can be found any more (it is in a closed shadow root, or code has removed it)"
	p.WaitConsole("page reload: " + why)
	p.WaitReload(1)
	p.Wait(`color() === "rgb(2, 2, 2)"`)
	s.Log.Wait(t, "page reload ("+why+")")
}

// TestTypeOfAnUnnamedFile: only the page that uses a file as a script gets it as a script, and a kept answer of one use
// is none for another.
func TestTypeOfAnUnnamedFile(t *testing.T) {
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<body></body>
-- public/start --
alert(1)
-- public/a.txt --
alert(1)
`)))
	tags := map[string]bool{}
	for dest, want := range map[string]string{
		"": "application/octet-stream", "empty": "application/octet-stream", "document": "application/octet-stream",
		"script": "text/javascript; charset=utf-8", "style": "text/css; charset=utf-8",
	} {
		answer := s.Get("/start", "Sec-Fetch-Dest", dest, "Sec-Fetch-Site", "same-origin")
		if got := answer.Header.Get("Content-Type"); got != want || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("used as %q, the type is %q, want %q", dest, got, want)
		}
		tags[answer.Header.Get("ETag")] = true
		if got := s.Get("/a.txt", "Sec-Fetch-Dest", dest).Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
			t.Errorf("used as %q, a text is %q", dest, got)
		}
		if other := s.Get("/start", "Sec-Fetch-Dest", dest, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"); other.Status != 403 {
			t.Errorf("another site gets the file, used as %q: %d", dest, other.Status)
		}
	}
	if len(tags) != 3 {
		t.Errorf("the tags are %v, want one of each type", tags)
	}
}
