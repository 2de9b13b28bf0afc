package server_test

import (
	"os"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// brokenApp works. Each case of TestBrokenStart breaks one part of it before the server starts.
const brokenApp = `
-- index.html --
<!doctype html><link rel="icon" href="data:,"><p id="text"></p><script type="module" src="/src/main.ts"></script>
-- src/main.ts --
import { text } from "dep";
import { own } from "@/own";
document.querySelector("#text")!.textContent = text + own;
-- src/own.ts --
export const own: string = " works";
-- package.json --
{ "name": "app", "dependencies": { "dep": "1.0.0" } }
-- tsconfig.json --
{ "compilerOptions": { "baseUrl": ".", "paths": { "@/*": ["src/*"] } } }
-- devserver.config.json --
{ "define": {} }
-- vite.config.js --
export default {};
-- node_modules/dep/package.json --
{ "name": "dep", "version": "1.0.0", "type": "module", "exports": "./index.js" }
-- node_modules/dep/index.js --
export const text = "dep";
`

// TestBrokenStart: the overlay shows a mistake that was there when the server started, with its place. Once the mistake
// is fixed, also by an install, the page starts without a reload by the user.
func TestBrokenStart(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	install := func(s *devtest.Server) {
		s.Package("dep", `{ "name": "dep", "version": "1.0.0", "type": "module", "exports": "./index.js" }`, map[string]string{"index.js": `export const text = "dep";`})
		s.Write("node_modules/.package-lock.json", "{}")
	}
	for _, c := range []struct {
		name    string
		files   string // replace files of brokenApp
		remove  string
		overlay []string
		fix     func(s *devtest.Server)
	}{
		{name: "the entry", files: "-- src/main.ts --\nconst x = = 1;\n", overlay: []string{"src/main.ts", "1:11", `Unexpected "="`}},
		{name: "index.html", files: "-- index.html --\n<!doctype html><link rel=\"icon\" href=\"data:,\">\n<p id=\"text\"></p><script type=\"module\">\nlet x = = 1;\n</script>\n", overlay: []string{"index.html", "3:9", `Unexpected "="`}},
		{name: "tsconfig.json", files: "-- tsconfig.json --\n{ \"compilerOptions\": { \"paths\": ] }\n", overlay: []string{"src/main.ts", "2:21", "@/own"}}, // the terminal has the mistake itself
		{name: "package.json", files: "-- package.json --\n{ \"name\": \"app\",, }\n", overlay: []string{"package.json", "1:17"}},
		{name: "devserver.config.json", files: "-- devserver.config.json --\n{ \"define\": {},\n  \"serer\": {} }\n", overlay: []string{"devserver.config.json", "2:3", "serer", "server"}},
		{name: "vite.config.js", files: "-- vite.config.js --\nexport default {\n  base = 1,\n};\n", overlay: []string{"vite.config.js", "2:3"}},
		{name: "a plugin of vite.config.js", files: "-- vite.config.js --\nexport default { plugins: [{ name: \"own\", configResolved() {\n  throw new Error(\"wrong options\");\n} }] };\n", overlay: []string{"vite.config.js", "2:", "plugin own", "wrong options"}},
		{name: "a plugin of vite.config.js is not installed", files: "-- vite.config.js --\nimport plug from \"plug\";\nexport default { plugins: [plug] };\n", overlay: []string{"vite.config.js", "plug", "npm install"}, fix: func(s *devtest.Server) {
			s.Package("plug", `{ "name": "plug", "version": "1.0.0", "type": "module", "exports": "./index.js" }`, map[string]string{"index.js": `export default { name: "plug" };`})
			s.Write("vite.config.js", "import plug from \"plug\";\nexport default { plugins: [plug], base: \"/\" };\n")
		}},
		{name: "no node_modules", remove: "node_modules", overlay: []string{"src/main.ts", "dep", "npm install"}, fix: install},
		{name: "a dependency is not installed", remove: "node_modules/dep", overlay: []string{"src/main.ts", "dep", "npm install"}, fix: install},
		{name: "a dependency is broken", files: "-- node_modules/dep/index.js --\nexport const text = = 1;\n", overlay: []string{"node_modules/dep/index.js", "1:21"}, fix: install},
		{name: "wrong case", files: "-- src/main.ts --\nimport { own } from \"./Own\";\ndocument.querySelector(\"#text\")!.textContent = own;\n", overlay: []string{"src/main.ts", "1:21", "./Own", "./own"}},
		{name: "a cycle that uses what is not there yet", files: "-- src/own.ts --\nimport { late } from \"./late\";\nexport const own: string = late;\n-- src/late.ts --\nimport { own } from \"./own\";\nexport const late = own + \"!\";\n", overlay: nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			whole := devtest.App(t, devtest.Text(brokenApp))
			app := devtest.App(t, devtest.Text(brokenApp), devtest.Text(c.files))
			if c.remove != "" {
				app.Remove(c.remove)
			}
			if strings.Contains(c.files, "vite.config") {
				linkTools(t, app, []string{"vite"})
			}
			s := devtest.Start(t, app)
			p := s.Page(t, "/")
			if c.overlay == nil {
				p.WaitConsole("before initialization")
			} else {
				p.WaitOverlay(c.overlay...)
				s.Log.Wait(t, c.overlay[0])
			}
			switch {
			case c.fix != nil:
				c.fix(s)
			case c.remove != "":
				s.Write(c.remove, whole.Read(c.remove))
			default:
				for _, name := range []string{"index.html", "vite.config.js", "tsconfig.json", "package.json", "devserver.config.json", "src/own.ts", "src/main.ts"} {
					if s.Read(name) != whole.Read(name) {
						s.Write(name, whole.Read(name))
					}
				}
			}
			p.WaitText("#text", "dep works")
			p.WaitNoOverlay()
		})
	}
}

// TestBrokenConfigServesNothing: a broken configuration does not say which files it denies. So the server serves
// nothing, not even to a page that ran before.
func TestBrokenConfigServesNothing(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text(brokenApp)))
	sock := s.Socket(t)
	if res := s.Get("/src/own.ts"); res.Status != 200 {
		t.Fatalf("status %d", res.Status)
	}
	// A mistake while the server runs is reported, and the server continues with the old configuration.
	s.Write("devserver.config.json", `{ "define": 1 }`)
	sock.WaitFor(devtest.Is("error", "devserver.config.json"))
	if res := s.Get("/src/own.ts"); res.Status != 200 {
		t.Errorf("status %d after a mistake", res.Status)
	}
	s.Again()
	for _, path := range []string{"/", "/src/own.ts", "/src/own.ts?raw", "/@fs" + s.Path("src/own.ts"), "/@devserver/pack.js?id=/src/own.ts", "/__open-in-editor?file=src/own.ts", "/__devserver/", "/nowhere"} {
		if res := s.Get(path); res.Status != 500 || strings.Contains(res.Body, "works") {
			t.Errorf("%s: status %d, want 500; body %q", path, res.Status, res.Body)
		}
	}
	sock = s.Socket(t)
	sock.WaitFor(devtest.Is("error", "devserver.config.json"))
	sock.Send(map[string]any{"type": "revisions", "modules": map[string]string{"/src/own.ts": "x"}})
	s.Save("devserver.config.json", "1", "[]")
	sock.WaitFor(devtest.Is("error", "define"))
	if n := sock.Count(devtest.Is("update")); n != 0 {
		t.Errorf("%d updates while the configuration is broken", n)
	}
	if err := os.Remove(s.Path("devserver.config.json")); err != nil {
		t.Fatal(err)
	}
	sock.WaitFor(devtest.Is("full-reload"))
	if res := s.Get("/src/own.ts"); res.Status != 200 {
		t.Errorf("status %d after the fix", res.Status)
	}
}
