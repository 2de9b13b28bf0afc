package server_test

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/internal/sourcemap"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

const postApp = `
-- index.html --
<!doctype html><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>
-- main.js --
import { view } from "./view.tsx";
import data from "./data.json";
import text from "./note.txt";
import raw from "./view.tsx?raw";
import icon from "./icon.svg";
import dep from "dep";
import "./a.module.css";
import "./App.block";
document.body.append(view());
import.meta.hot.accept();
-- view.tsx --
interface Props { name: string }

type Unused = Props;
const h = (name: string, props: Record<string, string>, ...more: string[]) =>
  Object.assign(document.createElement(name), { id: "view", textContent: more.join("") });
export const view = () => <p title="A">{"VIEW"}</p>;
-- tsconfig.json --
{ "compilerOptions": { "jsx": "react", "jsxFactory": "h" } }
-- data.json --
{ "a": 1 }
-- note.txt --
note
-- icon.svg --
<svg xmlns="http://www.w3.org/2000/svg"/>
-- a.module.css --
.a {
  color: red;
}
-- App.block --
<template>
<script>
export const app = "BLOCK";
-- watched.txt --
one
-- node_modules/dep/package.json --
{ "name": "dep", "main": "index.js" }
-- node_modules/dep/index.js --
module.exports = "DEP";
`

// behind is a plugin that adds a line above each module behind the compiler. The line has the content of watched.txt.
type behind struct {
	app *devtest.Files
	mu  sync.Mutex
	got map[string]string // what the hook got, by ID
}

func (b *behind) plugin(withMap bool) plugin.Plugin {
	b.got = map[string]string{}
	return plugin.Plugin{
		Name: "behind",
		PostTransform: func(_ context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
			b.mu.Lock()
			b.got[a.ID] = a.Code
			b.mu.Unlock()
			line := "globalThis.watched = " + quoted(strings.TrimSpace(b.app.Read("watched.txt"))) + ", () => a<b>(c);\n"
			if strings.HasSuffix(a.ID, ".css") {
				line = "/* above */\n"
			}
			r := &plugin.TransformResult{Code: line + a.Code, Watch: []string{"watched.txt"}}
			if withMap {
				from := []int{0}
				for n := range strings.Split(a.Code, "\n") {
					from = append(from, n+1)
				}
				r.Map = plugin.LineMap("anything", from)
			} else {
				r.Code = strings.TrimSuffix(line, "\n") + a.Code // no line moves
			}
			return r, nil
		},
	}
}

// TestPostTransform: the hook gets what the compiler makes of scripts and stylesheets, and nothing else. What it makes
// runs, its files are watched, and its places lead to the source, also after a second start.
func TestPostTransform(t *testing.T) {
	t.Parallel()
	for _, withMap := range []bool{true, false} {
		app := devtest.App(t, devtest.Text(postApp))
		b := &behind{app: app}
		s := devtest.Start(t, app, func(o *server.Options) { o.Plugins = append(blocks(), b.plugin(withMap)) })
		check := func() {
			t.Helper()
			for text, want := range map[string]struct {
				file string
				line int
			}{`"VIEW"`: {"/view.tsx", 6}, `"DEP"`: {"/node_modules/dep/index.js", 1}, `"BLOCK"`: {"/App.block", 3}} {
				if file, line := markedAt(t, s, text); file != want.file || line != want.line {
					t.Errorf("with a map: %v: %s comes from %s:%d, want %s:%d", withMap, text, file, line, want.file, want.line)
				}
			}
		}
		check()
		b.mu.Lock()
		for id := range b.got {
			if !slices.Contains([]string{"/main.js", "/view.tsx", "/a.module.css", "/App.block", "/node_modules/dep/index.js"}, id) {
				t.Errorf("the hook was asked about %s", id)
			}
		}
		for id, parts := range map[string][]string{
			"/view.tsx":                  {`h("p", { title: "A" }, "VIEW")`, "export const view"},
			"/main.js":                   {`from "./view.tsx"`, "import.meta.hot.accept()"},
			"/a.module.css":              {".a {"},
			"/node_modules/dep/index.js": {"module.exports = "},
		} {
			for _, part := range parts {
				if !strings.Contains(b.got[id], part) {
					t.Errorf("the hook got of %s: %s", id, b.got[id])
				}
			}
		}
		if strings.Contains(b.got["/view.tsx"], "interface") {
			t.Errorf("the hook got types: %s", b.got["/view.tsx"])
		}
		b.mu.Unlock()
		if strings.Count(pack(s), "a < b > c") != 4 {
			t.Errorf("what the hook returns is not read as JavaScript: %s", pack(s))
		}
		if text := s.Log.String(); strings.Contains(text, "error") {
			t.Errorf("errors: %s", text)
		}
		var m sourcemap.Map
		text := s.Get("/@devserver/source.map?of=" + url.QueryEscape("css:/a.module.css")).Body
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		served, line := 2, 0
		if withMap { // the hook's line is above
			served++
		}
		if at, ok := m.Original(served, 3); ok && m.Sources[at.Source] == "/a.module.css" {
			line = at.Line
		}
		if line != 2 {
			t.Errorf("the color comes from line %d: %s", line, text)
		}
		page := s.Socket(t)
		app.Write("watched.txt", "two\n")
		page.WaitFor(devtest.Is("update", "/view.tsx", `globalThis.watched = \"two\"`))
		check()
		s.Again()
		check()
	}
}

// TestPostTransformInAPage: the page runs what the hook has made, and takes edits.
func TestPostTransformInAPage(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	app := devtest.App(t, devtest.Text(postApp))
	b := &behind{app: app}
	s := devtest.Start(t, app, func(o *server.Options) { o.Plugins = append(blocks(), b.plugin(true)) })
	p := s.Page(t, "/")
	p.WaitText("#view", "VIEW")
	p.Wait(`watched === "one"`)
	s.Edit("view.tsx", `"VIEW"`, `"EDITED"`)
	p.Wait(`document.querySelectorAll("#view")[1]?.textContent === "EDITED"`)
	p.NoReload()
	p.NoErrors()
}

// TestErrorsBehindPostTransform: what does not compile behind the hook, or is missing, names the place in the source.
func TestErrorsBehindPostTransform(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code func(code string) string
		edit [2]string
		want []string
	}{
		"syntax":   {code: func(code string) string { return strings.Replace(code, `"VIEW"`, `"VIEW" = = `, 1) }, want: []string{"view.tsx:6:", "> 6 | export const view = () => <p"}},
		"import":   {edit: [2]string{"type Unused = Props;", `import "./missing";`}, want: []string{"view.tsx:3:", `no file "./missing"`, `> 3 | import "./missing";`}},
		"source":   {edit: [2]string{`"VIEW"`, `= =`}, want: []string{"view.tsx:6:", "> 6 | export const view"}},
		"the hook": {code: func(string) string { panic("on purpose") }, want: []string{"PostTransform of plugin hook panicked: on purpose"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := devtest.App(t, devtest.Text(postApp))
			if c.edit[0] != "" {
				app.Edit("view.tsx", c.edit[0], c.edit[1])
			}
			s := devtest.Start(t, app, func(o *server.Options) {
				o.Plugins = append(blocks(), plugin.Plugin{
					Name:    "hook",
					Filters: plugin.HookFilters{PostTransform: plugin.Filter{Suffixes: []string{".tsx"}}},
					PostTransform: func(_ context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
						code := a.Code + ";"
						if c.code != nil {
							code = c.code(code)
						}
						return &plugin.TransformResult{Code: code}, nil
					},
				})
			})
			s.Get("/main.js", "Sec-Fetch-Dest", "script")
			for _, want := range c.want {
				s.Log.Wait(t, want)
			}
		})
	}
}
