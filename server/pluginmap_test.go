package server_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/internal/sourcemap"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// blockOf compiles a file of blocks as Vue's compiler does: it takes the lines of one block, with a line of its own
// before them.
func blockOf(code, name, made string) (text string, from []int) {
	lines := strings.Split(code, "\n")
	text, from = made+"\n", []int{0}
	in := false
	for n, line := range lines {
		if strings.HasPrefix(line, "<") {
			in = line == "<"+name+">"
			continue
		}
		if in {
			text, from = text+line+"\n", append(from, n+1)
		}
	}
	return text, from
}

const mapApp = `
-- index.html --
<!doctype html><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>
-- main.js --
import { fail } from "./App.block";
import schema from "virtual:schema";
import "./nomap.block";
import "./inline.block";
Object.assign(globalThis, { fail, schema });
-- App.block --
<template>
 text
<script>
export const one = 1;
export function fail() {
  throw new Error("APP" + one);
}
-- nomap.block --
<script>
export const b = "NOMAP";
-- inline.block --
<template>
<script>
export const c = "INLINE";
-- data/schema.proto --
message One
message SCHEMA
`

// blocks returns plugins that make modules of App.block and its kind, with source maps: the first takes the script, the
// second adds a line above it.
func blocks() []plugin.Plugin {
	return []plugin.Plugin{{
		Name: "blocks",
		ResolveID: func(_ context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error) {
			if a.Specifier != "virtual:schema" {
				return nil, nil
			}
			return &plugin.ResolveResult{ID: a.Specifier}, nil
		},
		Load: func(_ context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
			if a.ID != "virtual:schema" {
				return nil, nil
			}
			return &plugin.LoadResult{Code: "// made\nexport default () => { throw new Error('SCHEMA'); };\n", Map: plugin.LineMap("data/schema.proto", []int{0, 2})}, nil
		},
		Transform: func(_ context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
			if !strings.HasSuffix(a.ID, ".block") {
				return nil, nil
			}
			text, from := blockOf(a.Code, "script", "/* made */")
			made := plugin.LineMap(a.File, from)
			switch a.ID {
			case "/nomap.block":
				made = ""
			case "/inline.block":
				text += "//# sourceMappingURL=data:application/json;base64," + base64.StdEncoding.EncodeToString([]byte(made)) + "\n"
				made = ""
			}
			return &plugin.TransformResult{Code: text, Map: made}, nil
		},
	}, {
		Name:   "banner",
		Filter: plugin.Filter{Suffixes: []string{".block"}},
		Transform: func(_ context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
			if a.ID != "/App.block" {
				return nil, nil
			}
			from := []int{0}
			for n := range strings.Split(a.Code, "\n") {
				from = append(from, n+1)
			}
			return &plugin.TransformResult{Code: "/* banner */\n" + a.Code, Map: plugin.LineMap("App.block", from)}, nil
		},
	}}
}

// markedAt returns the place in the source of a text in the pack of /main.js.
func markedAt(t *testing.T, s *devtest.Server, text string) (file string, line int) {
	t.Helper()
	before, _, found := strings.Cut(s.Get("/main.js").Body, text)
	if !found {
		t.Fatalf("the pack lacks %q", text)
	}
	file, line, _ = original(t, s, "/main.js", strings.Count(before, "\n")+1, len(before)-strings.LastIndex(before, "\n"))
	return file, line
}

// TestPluginsSourceMaps: a place in a module that plugins have made leads to what they made it from.
func TestPluginsSourceMaps(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(mapApp))
	s := devtest.Start(t, app, func(o *server.Options) { o.Plugins = blocks() })
	for text, want := range map[string]struct {
		file string
		line int
	}{
		`"APP"`:    {"/App.block", 6},
		"SCHEMA":   {"/data/schema.proto", 2},
		`"NOMAP"`:  {"/nomap.block", 2}, // of the plugin's code
		`"INLINE"`: {"/inline.block", 3},
	} {
		if file, line := markedAt(t, s, text); file != want.file || line != want.line {
			t.Errorf("%s comes from %s:%d, want %s:%d", text, file, line, want.file, want.line)
		}
	}
	_, key, _ := strings.Cut(s.Get("/main.js").Body, "sourceMappingURL=")
	maps := s.Get(strings.TrimSpace(key)).Body
	for _, text := range []string{"template", "message One", "/* made */\\nexport const b"} {
		if !strings.Contains(maps, text) {
			t.Errorf("the map lacks the source %q: %s", text, maps)
		}
	}
	if strings.Contains(maps, "banner") {
		t.Errorf("the map quotes the plugins' code: %s", maps)
	}
}

// TestPluginsSourceMapsInAPage: the stack of an error, in the terminal and in the page's overlay, names the source.
func TestPluginsSourceMapsInAPage(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	app := devtest.App(t, devtest.Text(mapApp))
	app.Write("devserver.config.json", `{"plugins": {"console": true}}`)
	s := devtest.Start(t, app, func(o *server.Options) { o.Plugins = blocks() })
	p := s.Page(t, "/")
	p.Wait(`window.fail`)
	p.Wait(`(setTimeout(fail), true)`)
	s.Log.Wait(t, "App.block:6")
	p.Wait(`(setTimeout(schema), true)`)
	s.Log.Wait(t, "data/schema.proto:2")
	s.Edit("App.block", " text", " text\n of two lines") // the page's code stays the same
	s.WaitPages(1)
	devtest.Eventually(t, "the line of the saved file", func() bool {
		_, line := markedAt(t, s, `"APP"`)
		return line == 7
	}, s.Log.String)
	p.Wait(`(setTimeout(fail), true)`)
	s.Log.Wait(t, "App.block:7")
	p.NoReload()
}

// TestErrorsBehindPluginsMaps: an error in code that plugins have made names the place in the source.
func TestErrorsBehindPluginsMaps(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		old, now string
		want     []string
	}{
		"syntax":  {"const one = 1", "const one = = 1", []string{"App.block:4:", "> 4 | export const one = = 1;", "2 |  text"}},
		"import":  {"export const one = 1", "import './missing'; const one = 1", []string{"App.block:4:1: no file", "> 4 | import './missing'"}},
		"nowhere": {"<script>", "<script lost>", []string{"App.block: ", "made up = = wrong"}}, // the code itself is quoted
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := devtest.App(t, devtest.Text(mapApp))
			app.Edit("App.block", c.old, c.now)
			list := blocks()
			if name == "nowhere" {
				list = append(list, plugin.Plugin{Name: "wrong", Transform: func(_ context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
					if a.ID != "/App.block" {
						return nil, nil
					}
					return &plugin.TransformResult{Code: "made up = = wrong;\n" + a.Code, Map: plugin.LineMap("App.block", []int{0})}, nil
				}})
			}
			s := devtest.Start(t, app, func(o *server.Options) { o.Plugins = list })
			s.Get("/main.js", "Sec-Fetch-Dest", "script")
			for _, want := range c.want {
				s.Log.Wait(t, want)
			}
			if name == "nowhere" {
				if regexp.MustCompile(`App\.block:\d`).MatchString(s.Log.String()) {
					t.Errorf("the error names a place that is none:\n%s", s.Log)
				}
			} else if strings.Contains(s.Log.String(), "banner") {
				t.Errorf("the error quotes the plugins' code:\n%s", s.Log)
			}
		})
	}
}

// TestFilesWithMaps: a file may end with a source map of its own. It leads to the sources in the map, unless their texts
// are missing.
func TestFilesWithMaps(t *testing.T) {
	t.Parallel()
	withMap := func(m string) string {
		return "// made\nexport const x = 'MARK';\n//# sourceMappingURL=data:application/json;base64," + base64.StdEncoding.EncodeToString([]byte(m)) + "\n"
	}
	whole := strings.Replace(plugin.LineMap("src.ts", []int{0, 5}), `"names"`, `"sourcesContent":["\n\n\n\nexport const x: string = 'MARK';"],"names"`, 1)
	for name, c := range map[string]struct {
		made, file string
		line       int
	}{
		"with texts":    {withMap(whole), "/node_modules/dep/src.ts", 5},
		"without texts": {withMap(plugin.LineMap("src.ts", []int{0, 5})), "/node_modules/dep/index.js", 2},
		"broken":        {withMap("{}"), "/node_modules/dep/index.js", 2},
	} {
		app := devtest.App(t, devtest.Text("-- index.html --\n<script type=\"module\" src=\"/main.js\"></script>\n-- main.js --\nimport 'dep'\n-- node_modules/dep/package.json --\n{\"main\":\"index.js\"}\n"))
		app.Write("node_modules/dep/index.js", c.made)
		s := devtest.Start(t, app)
		if file, line := markedAt(t, s, "MARK"); file != c.file || line != c.line {
			t.Errorf("%s: MARK comes from %s:%d, want %s:%d", name, file, line, c.file, c.line)
		}
	}
}

// TestBrokenMaps: a source map that cannot be read is reported once, by plugin and hook. The module runs.
func TestBrokenMaps(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text("-- index.html --\n<script type=\"module\" src=\"/main.js\"></script>\n-- main.js --\nimport './a.js'\nimport './b.js'\n-- a.js --\nexport let a = 1\n-- b.js --\nexport let b = 2\n"))
	s := devtest.Start(t, app, func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{
			Name: "wrong",
			Transform: func(_ context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
				return &plugin.TransformResult{Code: a.Code + "\nexport let made = 1", Map: `{"version":3,"sources":[],"mappings":"AAAA"}`}, nil
			},
		}}
	})
	if text := s.Get("/main.js").Body; strings.Count(text, "made = 1") != 3 {
		t.Errorf("the modules do not run: %s", text)
	}
	if n := s.Log.Count("Transform of plugin wrong returned a source map that cannot be read: mappings: line 1 leads to a place that does not exist"); n != 1 {
		t.Errorf("told %d times:\n%s", n, s.Log)
	}
	if file, line := markedAt(t, s, "b = 2"); file != "/b.js" || line != 1 {
		t.Errorf("b comes from %s:%d", file, line)
	}
}

// TestStylesOfPluginsHaveMaps: a stylesheet that plugins have made leads to what it was made from. One is a file, one
// has no file. A PostTransform adds a line to both.
func TestStylesOfPluginsHaveMaps(t *testing.T) {
	t.Parallel()
	for _, behind := range []bool{false, true} {
		app := devtest.App(t, devtest.Text(mapApp))
		app.Write("main.js", "import './own.css';\nimport 'virtual:v.css';\n")
		app.Write("own.css", "<style>\n.a {\n  color: green;\n}\n")
		app.Write("theme.txt", "\ncolor: blue\n")
		p := plugin.Plugin{
			Name: "styles",
			ResolveID: func(_ context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error) {
				if a.Specifier != "virtual:v.css" {
					return nil, nil
				}
				return &plugin.ResolveResult{ID: a.Specifier}, nil
			},
			Load: func(_ context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
				if a.ID != "virtual:v.css" {
					return nil, nil
				}
				return &plugin.LoadResult{Code: ".v {\ncolor: blue }\n", Map: plugin.LineMap("theme.txt", []int{0, 2})}, nil
			},
			Transform: func(_ context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
				if a.ID != "/own.css" {
					return nil, nil
				}
				text, from := blockOf(a.Code, "style", "/* made */")
				return &plugin.TransformResult{Code: text, Map: plugin.LineMap("", from)}, nil
			},
		}
		if behind {
			p.PostTransform = func(_ context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
				if !strings.HasSuffix(a.ID, ".css") {
					return nil, nil
				}
				from := []int{0}
				for n := range strings.Split(a.Code, "\n") {
					from = append(from, n+1)
				}
				return &plugin.TransformResult{Code: "/* behind */\n" + a.Code, Map: plugin.LineMap("", from)}, nil
			}
		}
		s := devtest.Start(t, app, func(o *server.Options) { o.Plugins = []plugin.Plugin{p} })
		if text := pack(s); !strings.Contains(text, "made") || strings.Contains(text, "behind") != behind {
			t.Fatal(text)
		}
		for id, want := range map[string]struct {
			line   int // of the color, in the stylesheet
			source string
			from   int
			text   string
		}{"/own.css": {3, "/own.css", 3, "<style>"}, "virtual:v.css": {2, "/theme.txt", 2, "\ncolor"}} {
			var m sourcemap.Map
			if err := json.Unmarshal([]byte(s.Get("/@devserver/source.map?of="+url.QueryEscape("css:"+id)).Body), &m); err != nil {
				t.Fatal(err)
			}
			if behind {
				want.line++
			}
			at, ok := m.Original(want.line, 3)
			if !ok || m.Sources[at.Source] != want.source || at.Line != want.from || !strings.HasPrefix(*m.SourcesContent[at.Source], want.text) {
				t.Errorf("behind: %v: the color of %s comes from %+v of %s", behind, id, at, m.Encode())
			}
		}
	}
}
