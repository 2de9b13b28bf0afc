package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

const modulesApp = `
-- index.html --
<!doctype html><script type="module" src="/src/main.ts"></script>
-- devserver.config.json --
{ "resolve": { "alias": { "~": "/src/lib" } } }
-- tsconfig.json --
{ "compilerOptions": { "paths": { "#/*": ["./src/*"] } } }
-- src/main.ts --
import { a } from "~/a";
import "virtual:asks";
import "./b.css";
export * from "dep/sub";
export const main = a, other = 1;
export const lazy = () => import("./lazy");
-- src/lib/a.ts --
export const a = 1;
-- src/lazy.ts --
export default 1;
-- src/wrong.ts --
export const = 1;
-- src/b.css --
.b { color: red }
-- node_modules/dep/package.json --
{ "name": "dep", "exports": { "./sub": { "browser": "./browser.js", "default": "./node.js" }, "./broken": "nowhere.js" } }
-- node_modules/dep/browser.js --
export const dep = 1;
-- node_modules/bad/package.json --
{ "name":
`

// asks runs a func within the loading of virtual:asks, which /src/main.ts imports.
func asks(within func(ctx context.Context, s plugin.Server) error) plugin.Plugin {
	return plugin.Plugin{
		Name:   "asks",
		Filter: plugin.Filter{Prefixes: []string{"virtual:"}},
		ResolveID: func(_ context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error) {
			return &plugin.ResolveResult{ID: a.Specifier}, nil
		},
		Load: func(ctx context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
			var err error
			if a.ID == "virtual:asks" {
				err = within(ctx, plugin.ServerFrom(ctx))
			}
			return &plugin.LoadResult{Code: "export {}"}, err
		},
	}
}

// TestResolveForPlugins: Resolve answers as an import of the project would be resolved.
func TestResolveForPlugins(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	questions := map[string]string{
		"~/a":            `{"id":"/src/lib/a.ts","file":"ROOT/src/lib/a.ts"}`,
		"#/lazy":         `{"id":"/src/lazy.ts","file":"ROOT/src/lazy.ts"}`,
		"./lazy?raw":     `{"id":"/src/lazy.ts?raw","file":"ROOT/src/lazy.ts"}`,
		"/src/lazy.ts":   `{"id":"/src/lazy.ts","file":"ROOT/src/lazy.ts"}`,
		"dep/sub":        `{"id":"/node_modules/dep/browser.js","file":"ROOT/node_modules/dep/browser.js"}`,
		"virtual:x":      `{"id":"virtual:x"}`,
		"https://x/a.js": `{"id":"https://x/a.js","external":true}`,
		"./nothing":      `null`,
		"missing":        `null`,
		"dep/hidden":     `null`,
		"bad":            `error`,
	}
	s := devtest.Start(t, devtest.App(t, devtest.Text(modulesApp)), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{asks(func(ctx context.Context, s plugin.Server) error {
			for specifier := range questions {
				r, err := s.Resolve(ctx, specifier, "/src/main.ts")
				text, _ := json.Marshal(r)
				if got[specifier] = string(text); err != nil {
					got[specifier] = "error"
				}
			}
			return nil
		})}
	})
	s.Get("/src/main.ts", "Sec-Fetch-Dest", "script")
	for specifier, want := range questions {
		if got := strings.ReplaceAll(got[specifier], s.Root, "ROOT"); got != want {
			t.Errorf("%s means %s, want %s", specifier, got, want)
		}
	}
}

// TestLoadForPlugins: Load waits for one module and describes it, ModuleInfo only describes.
func TestLoadForPlugins(t *testing.T) {
	t.Parallel()
	var before, after *plugin.ModuleInfo
	var wrong, nothing, itself, waits error
	s := devtest.Start(t, devtest.App(t, devtest.Text(modulesApp)), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{asks(func(ctx context.Context, s plugin.Server) error {
			var err, errs error
			before, errs = s.ModuleInfo("/src/lazy.ts")
			after, err = s.Load(ctx, "/src/lazy.ts")
			_, wrong = s.Load(ctx, "/src/wrong.ts")
			_, nothing = s.Load(ctx, "/src/nothing.ts")
			_, itself = s.Load(ctx, "virtual:asks")
			waits = s.WaitForModules(ctx)
			return errors.Join(err, errs)
		})}
	})
	s.Get("/src/main.ts", "Sec-Fetch-Dest", "script")
	if before != nil || after == nil || after.ID != "/src/lazy.ts" || strings.Join(after.Exports, " ") != "default" {
		t.Errorf("before %+v, after %+v", before, after)
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{wrong, "src/wrong.ts:1:14: "}, {nothing, "does not exist"}, {itself, `load "virtual:asks": it waits for "virtual:asks"`},
		{waits, `the hook is a part of loading "virtual:asks"`},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("got %v, want %s", c.err, c.want)
		}
	}
	if text := s.Log.String(); strings.Contains(text, "error") {
		t.Errorf("what plugins only asked about is an error of the page:\n%s", text)
	}
}

// TestModuleInfo describes a module of each kind.
func TestModuleInfo(t *testing.T) {
	t.Parallel()
	var srv plugin.Server
	p := asks(func(context.Context, plugin.Server) error { return nil })
	p.Start = func(_ context.Context, s plugin.Server) error { srv = s; return nil }
	s := devtest.Start(t, devtest.App(t, devtest.Text(modulesApp)), func(o *server.Options) { o.Plugins = []plugin.Plugin{p} })
	s.Get("/src/main.ts", "Sec-Fetch-Dest", "script")
	for id, want := range map[string]string{
		"/src/main.ts": `{"id":"/src/main.ts","file":"ROOT/src/main.ts","imports":["/src/lib/a.ts","virtual:asks","/src/b.css","/node_modules/dep/browser.js"],` +
			`"dynamicImports":["/src/lazy.ts"],"exports":["lazy","main","other"]}`,
		"/src/b.css":   `{"id":"/src/b.css","file":"ROOT/src/b.css","importers":["/src/main.ts"]}`,
		"/src/lazy.ts": `null`,
		"virtual:asks": `{"id":"virtual:asks","importers":["/src/main.ts"]}`,
	} {
		info, err := srv.ModuleInfo(id)
		text, _ := json.Marshal(info)
		if got := strings.ReplaceAll(string(text), s.Root, "ROOT"); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", id, got, err, want)
		}
	}
}

// TestWaitForModules: a hook of a module starts work that has to see all modules of the page.
func TestWaitForModules(t *testing.T) {
	t.Parallel()
	var srv plugin.Server
	let, done := make(chan bool), make(chan []string, 1)
	p := asks(func(context.Context, plugin.Server) error {
		go func() {
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			if srv.WaitForModules(ended) == nil {
				t.Error("it does not wait for the module of the hook")
			}
			close(let)
			if err := srv.WaitForModules(t.Context()); err != nil {
				t.Error(err)
			}
			ids, err := srv.Modules()
			if err != nil {
				t.Error(err)
			}
			done <- ids
		}()
		<-let
		return nil
	})
	p.Start = func(_ context.Context, s plugin.Server) error { srv = s; return nil }
	s := devtest.Start(t, devtest.App(t, devtest.Text(modulesApp)), func(o *server.Options) { o.Plugins = []plugin.Plugin{p} })
	s.Get("/src/main.ts", "Sec-Fetch-Dest", "script")
	ids := strings.Join(<-done, " ")
	for _, id := range []string{"/src/lib/a.ts", "virtual:asks", "/src/b.css", "/node_modules/dep/browser.js"} {
		if !strings.Contains(ids, id) {
			t.Errorf("%s is not among %s", id, ids)
		}
	}
}

// TestLoadOfWhatIsEdited: a module is made from the names that others export. An edit changes all of them: Load returns
// what the edit makes, whichever module is compiled first. Pages get the edit of both.
func TestLoadOfWhatIsEdited(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text("-- index.html --\n<script type=\"module\" src=\"/main.js\"></script>\n-- main.js --\n"+
		"import './a-names'; import './z-names'; import './m.js'\nimport.meta.hot.accept();\n-- m.js --\nexport const one = 1\n"))
	s := devtest.Start(t, app, func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{
			Name: "names",
			ResolveID: func(ctx context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error) {
				if !strings.HasSuffix(a.Specifier, "-names") {
					return nil, nil
				}
				r, err := plugin.ServerFrom(ctx).Resolve(ctx, "./m.js", a.Importer)
				if r == nil || err != nil {
					return nil, err
				}
				return &plugin.ResolveResult{ID: a.Specifier + ":" + r.ID}, nil
			},
			Load: func(ctx context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
				_, of, found := strings.Cut(a.ID, "-names:")
				if !found {
					return nil, nil
				}
				info, err := plugin.ServerFrom(ctx).Load(ctx, of)
				if err != nil {
					return nil, err
				}
				return &plugin.LoadResult{Code: "export default " + quoted(strings.Join(info.Exports, " ")), Watch: []string{info.File}}, nil
			},
		}}
	})
	if text := pack(s); strings.Count(text, `"one"`) != 2 {
		t.Fatal(text)
	}
	page := s.Socket(t)
	s.Write("m.js", "export const two = 2\n")
	f := page.WaitFor(devtest.Is("update", "/m.js"))
	if text := string(f.Text); strings.Count(text, `\"two\"`) != 2 || !strings.Contains(text, "two = 2") {
		t.Errorf("got %s", text)
	}
}
