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
