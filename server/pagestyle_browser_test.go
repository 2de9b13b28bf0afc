package server_test

import (
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestBrokenStyleOfAPage: a page whose <style> imports a file that does not exist shows the place, and loads once the
// file is there.
func TestBrokenStyleOfAPage(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html>
<link rel="icon" href="data:,">
<style>
/* text */
@import "./later.css";
</style>
<p id="text">text</p>
`)))
	p := s.Page(t, "/")
	p.WaitOverlay("index.html:5:9", `no file "./later.css"`)
	s.Write("later.css", "#text { color: rgb(1, 2, 3) }")
	p.WaitStyle("#text", "color", "rgb(1, 2, 3)")
}
