package server_test

import (
	"strings"
	"testing"
)

// TestHungHookHoldsUpNobody has a hook hang for a module. Its error names the hook, other edits reach the page, and the
// edit is made when the hook goes on.
func TestHungHookHoldsUpNobody(t *testing.T) {
	t.Parallel()
	app, s, p := ownPage(t, "  transform(code, id) {", "  async transform(code, id) {\n    while (code.includes('hang') && !existsSync('go on')) await new Promise((r) => setTimeout(r, 10))")
	app.Write("src/a.own", "hang\n")
	s.Log.Wait(t, "transform for /src/a.own has not answered for 3 s")
	p.WaitOverlay("[own]", "transform for /src/a.own has not answered for 5 s")
	app.Edit("src/plain.js", "plain", "edited")
	p.Wait(`document.title === "edited"`)
	app.Write("src/b.own", "three\n") // plugins have to make it
	p.WaitText("#a", "one")
	app.Write("go on", "")
	p.WaitText("#a", "hang")
	p.WaitText("#b", "three")
	p.WaitNoOverlay()
	s.Log.Wait(t, "edit: one -> hang")
	s.Log.Wait(t, "edit: two -> three")
}

// TestSlowHookOfFirstLoad: a page that loads waits for a slow plugin. It gets what the plugin makes, and no error.
func TestSlowHookOfFirstLoad(t *testing.T) {
	t.Parallel()
	_, s, p := ownPage(t, "  transform(code, id) {", "  async transform(code, id) {\n    if (id.endsWith('a.own')) await new Promise((r) => setTimeout(r, 6000))")
	p.WaitText("#b", "two")
	s.Log.Wait(t, "transform for /src/a.own has not answered for 3 s")
	for _, line := range append(p.Console(), s.Log.String()) {
		if strings.Contains(line, "error") {
			t.Errorf("a slow plugin is told as an error: %s", line)
		}
	}
}

// TestHungConfig saves a vite.config that hangs, and saves it again.
func TestHungConfig(t *testing.T) {
	t.Parallel()
	app, s, p := ownPage(t)
	good := app.Read("vite.config.js")
	app.Write("vite.config.js", strings.Replace(good, "name: 'own',", "name: 'own', config: () => new Promise(() => {}),", 1))
	s.Log.Wait(t, "plugin own: config has not answered for 3 s")
	app.Edit("src/plain.js", "plain", "edited") // by the plugins of before
	p.Wait(`document.title === "edited"`)
	app.Write("vite.config.js", strings.Replace(good, "the vite.config runs", "the next config runs", 1))
	s.Log.Wait(t, "the next config runs")
	s.Log.Wait(t, "server restarted")
	app.Write("src/a.own", "two\n")
	p.WaitText("#a", "two")
}

// TestFailedHotUpdateShows has a hook of an edit throw. The page gets the edit and shows the error, until the next edit.
func TestFailedHotUpdateShows(t *testing.T) {
	t.Parallel()
	app, _, p := ownPage(t, "async handleHotUpdate({ file, read }) {", "async handleHotUpdate({ file, read }) {\n    if (existsSync('fail')) throw new Error('on purpose')")
	app.Write("fail", "")
	app.Write("src/a.own", "three\n")
	p.WaitOverlay("[own]", "on purpose", "handleHotUpdate")
	p.WaitText("#a", "three")
	app.Remove("fail")
	app.Write("src/a.own", "four\n")
	p.WaitText("#a", "four")
	p.WaitNoOverlay()
}
