package server_test

import (
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestHeavy edits an app that uses the largest npm packages. The packages take a minute to install, so check.sh skips
// this test: run npm install --no-save in testdata/heavy/ first.
func TestHeavy(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Dir("../testdata/heavy"))
	linkPackages(t, app, "testdata/heavy")
	app.Write("public/mockServiceWorker.js", app.Read("node_modules/msw/lib/mockServiceWorker.js")) // as `msw init` does
	s := devtest.Start(t, app)
	p := s.Page(t, "/")
	p.WaitText("#query", "hello from msw")
	s.WaitPages(1)
	for selector, want := range map[string]string{
		"#route": "home", "#mui": "material 0", "#antd": "ant design 0", "#redux": "redux 0", "#zustand": "zustand 0",
		"#lodash": "2 chunks, function", "#date": "1 Februar 2026", "#three": "length 3, OrbitControls",
	} {
		p.WaitText(selector, want)
	}
	p.WaitStyle("#mui", "background-color", "rgb(1, 2, 3)")
	p.WaitContains("#table", "cell")
	p.Wait(`document.querySelectorAll("#icons svg").length === 3`)
	p.Wait(`document.querySelector("#d3 rect:last-child")?.getAttribute("height") === "50"`)
	p.Wait(`document.querySelector("#chart").getContext("2d").getImageData(0, 0, 50, 50).data.some(v => v > 0)`)

	for _, id := range []string{"#count", "#mui", "#redux", "#zustand", "#away"} {
		p.Click(id)
	}
	p.WaitText("#route", "away")
	counts := func() {
		t.Helper()
		for selector, want := range map[string]string{"#count": "count 1", "#mui": "material 1", "#redux": "redux 1", "#zustand": "zustand 1"} {
			p.WaitText(selector, want)
		}
	}
	counts()
	for _, e := range []struct{ file, old, new, selector, text string }{
		{"src/Components.tsx", "ant design", "antd", "#antd", "antd 1"},
		{"src/States.tsx", "query.data?.text", "query.data?.text.toUpperCase()", "#query", "HELLO FROM MSW"},
		{"src/Texts.tsx", "import { chunk, debounce }", "import { chunk, debounce, capitalize }", "#lodash", "2 chunks, function"},
		{"src/Texts.tsx", "{typeof debounce}", "{capitalize(typeof debounce)}", "#lodash", "2 chunks, Function"},
		{"src/Drawings.tsx", ">length ", ">size ", "#three", "size 3, OrbitControls"},
		{"src/App.tsx", `<p id="route">away`, `<p id="route">far away`, "#route", "far away"},
	} {
		s.Edit(e.file, e.old, e.new)
		p.WaitText(e.selector, e.text)
		counts()
	}
	s.Edit("src/Components.tsx", "Camera, Heart }", "Anchor, Camera, Heart }") // a name of a barrel that no module has imported before
	s.Edit("src/Components.tsx", "<Heart />", "<Heart /><Anchor />")
	p.Wait(`document.querySelectorAll("#icons svg.lucide-anchor").length === 1`)
	counts()
	p.NoReload()
	p.NoErrors()
}
