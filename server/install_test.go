package server_test

import (
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestHalfInstalled: modules of a package that was read while an install wrote it are made again when the rest is there,
// without a load, an edit or a restart.
func TestHalfInstalled(t *testing.T) {
	t.Parallel()
	const dep = "node_modules/dep/"
	mark := func(s *devtest.Server) { s.Write("node_modules/.package-lock.json", "{}") } // npm writes it last
	for _, c := range []struct {
		name   string
		files  string // of the package, as far as they are there at the first load
		main   string // "" imports all of dep
		rest   func(s *devtest.Server)
		update string // the module that is made again
		want   string // a text of the script then
	}{
		{
			name:   "a file that is required",
			files:  "-- package.json --\n{\"name\": \"dep\"}\n-- index.js --\nmodule.exports = require('./cjs/dep.js');\n",
			rest:   func(s *devtest.Server) { s.Write(dep+"cjs/dep.js", "exports.text = 'came later';\n") },
			update: "/node_modules/dep/index.js", want: "came later",
		},
		{
			name:  "a package of the package",
			files: "-- package.json --\n{\"name\": \"dep\"}\n-- index.js --\nmodule.exports = require('other');\n",
			rest: func(s *devtest.Server) {
				s.Package("other", "", map[string]string{"index.js": "exports.text = 'came later';\n"})
			},
			update: "/node_modules/dep/index.js", want: "came later",
		},
		{
			name:   "a file behind a barrel",
			files:  "-- package.json --\n{\"name\": \"dep\", \"type\": \"module\", \"exports\": \"./index.js\", \"sideEffects\": false}\n-- index.js --\nexport { text } from './text.js';\n",
			main:   "import { text } from 'dep'; document.title = text;",
			rest:   func(s *devtest.Server) { s.Write(dep+"text.js", "export const text = 'came later';\n") },
			update: "/node_modules/dep/index.js", want: "came later",
		},
		{
			name:  "half of a file",
			files: "-- package.json --\n{\"name\": \"dep\"}\n-- index.js --\nexports.more = require('./gone.js');\n",
			rest: func(s *devtest.Server) {
				s.Write(dep+"index.js", "exports.more = require('./gone.js');\nexports.text = 'came later';\n")
				mark(s)
			},
			update: "/node_modules/dep/index.js", want: "came later",
		},
		{
			name:  "a stylesheet that a stylesheet imports",
			files: "-- package.json --\n{\"name\": \"dep\"}\n-- all.css --\n@import './part.css';\n",
			main:  "import 'dep/all.css';",
			rest: func(s *devtest.Server) {
				s.Write(dep+"part.css", ".part { content: 'came later' }\n")
				mark(s)
			},
			update: "/node_modules/dep/all.css", want: "came later",
		},
		{
			name:  "half of a stylesheet",
			files: "-- package.json --\n{\"name\": \"dep\"}\n-- all.css --\n@import './part.css';\n-- part.css --\n-- index.js --\nrequire('./gone.js');\n",
			main:  "import 'dep'; import './own.css';",
			rest: func(s *devtest.Server) {
				s.Write(dep+"part.css", ".part { content: 'came later' }\n")
				mark(s)
			},
			update: "/src/own.css", want: "came later",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.main == "" {
				c.main = "import * as dep from 'dep'; document.title = dep.text;"
			}
			app := devtest.App(t, devtest.Text(`
-- package.json --
{"type": "module", "dependencies": {"dep": "*"}}
-- index.html --
<!doctype html><script type="module" src="/src/main.js"></script>
-- src/main.js --
`+c.main+`
-- src/own.css --
@import "dep/all.css";
`+strings.ReplaceAll(c.files, "-- ", "-- "+dep)))
			s := devtest.Start(t, app)
			sock := s.Socket(t)
			if text := s.Get("/src/main.js").Body; strings.Contains(text, c.want) {
				t.Fatalf("the package is whole already:\n%s", text)
			}
			c.rest(s)
			sock.WaitFor(devtest.Is("update", c.update))
			if text := s.Get("/src/main.js").Body; !strings.Contains(text, c.want) {
				t.Errorf("the script lacks %q:\n%s", c.want, text)
			}
		})
	}
}

// TestInstallKeepsState: when the packages come after the start, components keep their state as if they had been there.
// The terminal names the refresh runtime only where an install has left it out.
func TestInstallKeepsState(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	app := devtest.App(t, npmPackages(t, "react", "react-dom", "scheduler", "react-refresh"), devtest.Text(`
-- package.json --
{"type": "module", "dependencies": {"react": "*", "react-dom": "*"}}
-- tsconfig.json --
{"compilerOptions": {"jsx": "react-jsx"}}
-- index.html --
<!doctype html><link rel="icon" href="data:,"><div id="root"></div><script type="module" src="/src/main.tsx"></script>
-- src/main.tsx --
import { createRoot } from "react-dom/client";
import { App } from "./App";
createRoot(document.getElementById("root")!).render(<App />);
-- src/App.tsx --
import { useState } from "react";
export function App() { const [n, set] = useState(0); return <button id="n" onClick={() => set(n + 1)}>first {n}</button>; }
`))
	const warning = "the refresh runtime of react is not installed"
	app.Rename("node_modules", "nm")
	s := devtest.Start(t, app)
	p := s.Page(t, "/")
	p.WaitOverlay("is not installed", "npm install")

	// The install brings half of React, then the rest, and the refresh runtime last.
	app.Rename("nm/react-dom/cjs", "cjs")
	app.Rename("nm/react-refresh", "react-refresh")
	app.Rename("nm", "node_modules")
	p.WaitConsole(`Cannot find "./cjs/react-dom`)
	app.Rename("cjs", "node_modules/react-dom/cjs")
	p.WaitText("#n", "first 0")
	app.Rename("react-refresh", "node_modules/react-refresh")
	s.Log.Wait(t, "the refresh runtime is installed now")
	p.Wait("!!window.__REACT_DEVTOOLS_GLOBAL_HOOK__") // the runtime has put it there, in the page that was loaded again
	p.WaitText("#n", "first 0")

	s.WaitPages(1)
	reloads := p.Reloads()
	p.Click("#n")
	p.WaitText("#n", "first 1")
	s.Save("src/App.tsx", "first", "second")
	p.WaitText("#n", "second 1")
	if n := p.Reloads(); n != reloads {
		t.Errorf("%d reloads after the edit", n-reloads)
	}
	if text := s.Log.String(); strings.Contains(text, warning) {
		t.Errorf("the terminal names what the install was about to bring:\n%s", text)
	}
}
