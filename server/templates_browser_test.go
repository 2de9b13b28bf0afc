package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestTemplates runs the templates of `npm create vite` unchanged, with packages from npm. It edits a style and a
// component, makes a mistake and fixes it. The state stays where the framework can keep it.
func TestTemplates(t *testing.T) {
	t.Parallel()
	const light, shadow = `document.querySelector("button.counter")`, `document.querySelector("my-element").shadowRoot.querySelector("button.counter")`
	for name, c := range map[string]struct {
		source, styles string
		counter        string // an expression for the button that counts
		keeps          bool   // the framework keeps the state of components over edits; if not, no module accepts the update
	}{
		"vanilla":    {"src/main.js", "src/style.css", light, false},
		"vanilla-ts": {"src/main.ts", "src/style.css", light, false},
		"react":      {"src/App.jsx", "src/index.css", light, true},
		"react-ts":   {"src/App.tsx", "src/index.css", light, true},
		"preact":     {"src/app.jsx", "src/index.css", light, true},
		"preact-ts":  {"src/app.tsx", "src/index.css", light, true},
		"lit":        {"src/my-element.js", "src/index.css", shadow, false},
		"lit-ts":     {"src/my-element.ts", "src/index.css", shadow, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.FromSlash("../testdata/tools/node_modules/create-vite/template-" + name)
			if _, err := os.Stat(dir); err != nil {
				t.Skip("npm packages are not installed: run npm install --no-save in testdata/tools/")
			}
			app := devtest.App(t, devtest.Dir(dir))
			tools(t, app)
			s := devtest.Start(t, app)
			p := s.Page(t, "/")
			counts := func(text string) { t.Helper(); p.Wait(c.counter + `?.textContent.trim() === "` + text + `"`) }
			counts("Count is 0")
			s.WaitPages(1)
			click := func() { devtest.Eval[any](p, c.counter+".click()") }
			click()
			counts("Count is 1")
			p.NoErrors()

			s.Edit(c.styles, ":root {", ":root { outline: 3px solid rgb(1, 2, 3);")
			p.WaitStyle("html", "outline-color", "rgb(1, 2, 3)")
			counts("Count is 1")
			p.NoReload()

			s.Edit(c.source, "Documentation", "Manual")
			shows := func(text string) {
				t.Helper()
				p.Wait(strings.TrimSuffix(c.counter, `.querySelector("button.counter")`) + `.querySelector("#docs h2").textContent === "` + text + `"`)
			}
			if c.keeps {
				shows("Manual")
				counts("Count is 1")
				p.NoReload()
			} else {
				p.WaitReload(1)
				p.WaitConsole("[devserver] page was reloaded: no boundary for /" + c.source)
				shows("Manual")
				s.WaitPages(1)
			}
			reloads := p.Reloads()
			p.NoErrors()

			good := s.Read(c.source)
			s.Write(c.source, good+"\nconst = 1\n")
			p.WaitOverlay(c.source + ":")
			s.Write(c.source, strings.ReplaceAll(good, "Manual", "Handbook"))
			p.WaitNoOverlay()
			shows("Handbook")
			if c.keeps {
				counts("Count is 1")
				if p.Reloads() != reloads {
					t.Errorf("the fix of a mistake reloaded the page")
				}
			}
		})
	}
}
