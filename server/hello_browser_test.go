package server_test

import (
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/server"
)

// TestHello tries the README's promises with the first app that a newcomer starts.
func TestHello(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	app := devtest.App(t, devtest.Dir("../testdata/apps/hello"))
	goModule(t, app)
	s := devtest.Start(t, app, func(o *server.Options) { o.NoPlugins = false })
	s.Log.Wait(t, "plugins ready")
	p := s.Page(t, "/")
	p.WaitText("#count", "Count: 0")
	p.Click("#count")
	p.Click("#count")
	p.WaitText("#count", "Count: 2")

	// An edit of a source keeps the counter's value. An edit of a stylesheet changes the style.
	s.Edit("src/counter.ts", `"Count"`, `"Clicks"`)
	p.WaitText("#count", "Clicks: 2")
	s.Log.Wait(t, "hmr update /src/counter.ts")
	s.Edit("src/style.css", "#count {", "#count { outline: 3px solid rgb(1, 2, 3);")
	p.WaitStyle("#count", "outline-color", "rgb(1, 2, 3)")

	// The overlay shows the place of a mistake, and closes with the fix.
	s.Edit("src/counter.ts", "const label =", "const label = = ")
	p.WaitOverlay("src/counter.ts", "3", "const label = =")
	p.WaitText("#count", "Clicks: 2")
	s.Edit("src/counter.ts", "const label = = ", "const label =")
	p.WaitNoOverlay()
	p.Click("#count")
	p.WaitText("#count", "Clicks: 3")

	// The answer reaches this page, the broadcast reaches all pages.
	other := p.Beside("/")
	other.WaitText("#count", "Clicks: 0")
	p.Click("#send")
	p.WaitContains("#log", "true")
	p.Click("#broadcast")
	other.WaitContains("#log li", "")
	p.NoReload()
	for _, line := range p.Console() {
		if strings.HasPrefix(line, "exception:") {
			t.Error(line)
		}
	}
}
