package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

const pluginApp = `
-- index.html --
<!doctype html><head></head><script type="module" src="/main.js"></script>
-- main.js --
import text from "virtual:text";
import { shout } from "./lib.js";
import "./typed.ts";
import "./a.css";
console.log(shout(text));
-- typed.ts --
console.log(1 satisfies number);
-- a.css --
.a { color: red }
-- lib.js --
export const shout = (s) => s + "REPLACED";
`

type sum struct{ A, B int }

// hooks is the source of a plugin with hooks of pages, modules, events and routes. TestHooksInProcess has the same
// plugin as code.
const hooks = `
	Name: "all",
	Events: []plugin.Event{
		plugin.On("all:echo", func(ctx context.Context, c plugin.Client, in struct{ N int }) error { return c.Send("all:echoed", in) }),
		plugin.On("all:join", func(ctx context.Context, c plugin.Client, room string) error {
			if err := c.Join(room); err != nil { return err }
			return c.SendToRoom(room, "all:joined", c.ID())
		}),
		plugin.On("all:leave", func(ctx context.Context, c plugin.Client, room string) error {
			if err := c.Leave(room); err != nil { return err }
			return c.SendToRoom(room, "all:left", c.ID())
		}),
		plugin.Handle("all:sum", func(ctx context.Context, c plugin.Client, in struct{ A, B int }) (int, error) { return in.A + in.B, nil }),
		plugin.Handle("all:module", func(ctx context.Context, c plugin.Client, specifier string) (*plugin.ModuleInfo, error) {
			s := plugin.ServerFrom(ctx)
			if err := s.WaitForModules(ctx); err != nil { return nil, err }
			r, err := s.Resolve(ctx, specifier, "/main.js")
			if err != nil { return nil, err }
			if r == nil { return s.ModuleInfo("/nothing") }
			return s.Load(ctx, r.ID)
		}),
		plugin.On("all:panic", func(ctx context.Context, c plugin.Client, in any) error { panic("on purpose") }),
	},
	ResolveID: func(ctx context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error) {
		if a.Specifier == "virtual:text" { return &plugin.ResolveResult{ID: a.Specifier}, nil }
		return nil, nil
	},
	Load: func(ctx context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
		if a.ID == "virtual:text" { return &plugin.LoadResult{Code: "export default 'made by a plugin'"}, nil }
		return nil, nil
	},
	Transform: func(ctx context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
		if a.ID != "/lib.js" { return nil, nil }
		return &plugin.TransformResult{Code: strings.ReplaceAll(a.Code, "REPLACED", "!")}, nil
	},
	Filters: plugin.HookFilters{PostTransform: plugin.Filter{Patterns: []string{"^/[^/]*$"}, Contains: []string{"console", "color"}}},
	PostTransform: func(ctx context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
		if strings.Contains(a.Code, "satisfies") { return nil, fmt.Errorf("not compiled: %s", a.Code) }
		if strings.HasSuffix(a.ID, ".css") { return &plugin.TransformResult{Code: a.Code + "/* behind */"}, nil }
		return &plugin.TransformResult{Code: a.Code + "behind('" + a.ID + "')"}, nil
	},
	TransformHTML: func(ctx context.Context, a plugin.TransformHTMLArgs) (*plugin.TransformHTMLResult, error) {
		return &plugin.TransformHTMLResult{Tags: []plugin.HTMLTag{{Name: "meta", Attrs: map[string]string{"name": "by-plugin"}}}}, nil
	},
	Routes: []plugin.RouteDef{plugin.Route("/api/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Plugin", "yes")
		w.WriteHeader(http.StatusTeapot)
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s", r.Method, r.URL, body)
	}))},
`

// goModule makes the project's devserver/ folder a module. Its go.mod replaces devserver's module with this checkout.
func goModule(t testing.TB, app *devtest.Files) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(app.Path("devserver/go.mod")); err != nil { // a build may be reading it
		app.Write("devserver/go.mod", "module plugins\n\ngo 1.26.0\n\nrequire github.com/seed-b8174343/devserver v0.0.0\n\nrequire github.com/gorilla/websocket v1.5.3 // indirect\n\nreplace github.com/seed-b8174343/devserver => "+root+"\n")
		app.Write("devserver/go.sum", string(sums))
	}
}

// goPlugin writes the project's devserver/ folder.
func goPlugin(t testing.TB, app *devtest.Files, body string) {
	t.Helper()
	goModule(t, app)
	app.Write("devserver/main.go", `package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/plugin"
)

var _, _, _, _, _ = fmt.Sprint, io.ReadAll, http.NotFound, strings.ToUpper, hmr.Listen

func main() {
	plugin.Main(plugin.Plugin{`+body+`})
}
`)
}

func withPlugins(o *server.Options) { o.NoPlugins = false }

func TestHooksOfAChild(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(pluginApp))
	goPlugin(t, app, hooks)
	s := devtest.Start(t, app, withPlugins)
	s.Log.Wait(t, "plugins ready: all")
	tryHooks(t, s)
	// A panic in a handler is reported, and the program continues.
	c := s.Socket(t)
	c.Emit("all:panic", nil)
	s.Log.Wait(t, "on purpose")
	c.Emit("all:echo", map[string]int{"n": 1})
	c.WaitFor(devtest.Event("all:echoed"))
}

func TestHooksInProcess(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text(pluginApp)), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{
			Name: "all",
			Events: []plugin.Event{
				plugin.On("all:echo", func(_ context.Context, c plugin.Client, in struct{ N int }) error { return c.Send("all:echoed", in) }),
				plugin.On("all:join", func(_ context.Context, c plugin.Client, room string) error {
					return errors.Join(c.Join(room), c.SendToRoom(room, "all:joined", c.ID()))
				}),
				plugin.On("all:leave", func(_ context.Context, c plugin.Client, room string) error {
					return errors.Join(c.Leave(room), c.SendToRoom(room, "all:left", c.ID()))
				}),
				plugin.Handle("all:sum", func(_ context.Context, _ plugin.Client, in sum) (int, error) { return in.A + in.B, nil }),
				plugin.Handle("all:module", func(ctx context.Context, _ plugin.Client, specifier string) (*plugin.ModuleInfo, error) {
					s := plugin.ServerFrom(ctx)
					if err := s.WaitForModules(ctx); err != nil {
						return nil, err
					}
					r, err := s.Resolve(ctx, specifier, "/main.js")
					if err != nil {
						return nil, err
					}
					if r == nil {
						return s.ModuleInfo("/nothing")
					}
					return s.Load(ctx, r.ID)
				}),
			},
			ResolveID: func(_ context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error) {
				if a.Specifier == "virtual:text" {
					return &plugin.ResolveResult{ID: a.Specifier}, nil
				}
				return nil, nil
			},
			Load: func(_ context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
				if a.ID == "virtual:text" {
					return &plugin.LoadResult{Code: "export default 'made by a plugin'"}, nil
				}
				return nil, nil
			},
			Filter: plugin.Filter{Prefixes: []string{"virtual:", "/lib"}},
			Transform: func(_ context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
				if a.ID == "/main.js" {
					return nil, errors.New("the filter did not hold back /main.js")
				}
				return &plugin.TransformResult{Code: strings.ReplaceAll(a.Code, "REPLACED", "!")}, nil
			},
			Filters: plugin.HookFilters{PostTransform: plugin.Filter{Patterns: []string{"^/[^/]*$"}, Contains: []string{"console", "color"}}},
			PostTransform: func(_ context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
				if strings.Contains(a.Code, "satisfies") {
					return nil, errors.New("not compiled: " + a.Code)
				}
				if strings.HasSuffix(a.ID, ".css") {
					return &plugin.TransformResult{Code: a.Code + "/* behind */"}, nil
				}
				return &plugin.TransformResult{Code: a.Code + "behind('" + a.ID + "')"}, nil
			},
			TransformHTML: func(context.Context, plugin.TransformHTMLArgs) (*plugin.TransformHTMLResult, error) {
				return &plugin.TransformHTMLResult{Tags: []plugin.HTMLTag{{Name: "meta", Attrs: map[string]string{"name": "by-plugin"}}}}, nil
			},
			Routes: []plugin.RouteDef{plugin.Route("/api/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Plugin", "yes")
				w.WriteHeader(http.StatusTeapot)
				_, _ = fmt.Fprintf(w, "%s %s ", r.Method, r.URL)
			}))},
		}}
	})
	tryHooks(t, s)
}

func tryHooks(t *testing.T, s *devtest.Server) {
	t.Helper()
	pack := s.Get("/main.js", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors")
	for _, part := range []string{
		"made by a plugin", `s + "!"`, `"virtual:text"`, "console.log(1);\nbehind(\"/typed.ts\")", "behind(\"/main.js\")",
		".a { color: red }\\n/* behind */",
	} {
		if !strings.Contains(pack.Body, part) {
			t.Errorf("the pack lacks %q:\n%s", part, pack.Body)
		}
	}
	if strings.Count(pack.Body, "behind(") != 2 {
		t.Errorf("modules without the filter's text reached the plugin:\n%s", pack.Body)
	}
	if page := s.Get("/", "Accept", "text/html"); !strings.Contains(page.Body, `<meta name="by-plugin">`) {
		t.Errorf("the page is %s", page.Body)
	}
	if res := s.Get("/api/x?y=1"); res.Status != http.StatusTeapot || !strings.HasPrefix(res.Body, "GET /api/x?y=1") || res.Header.Get("X-Plugin") != "yes" {
		t.Errorf("the route answered %+v", res)
	}
	c := s.Socket(t)
	c.Emit("all:echo", map[string]int{"n": 7})
	if f := c.WaitFor(devtest.Event("all:echoed")); !strings.Contains(string(f.Text), "7") {
		t.Errorf("got %s", f.Text)
	}
	if f := c.Request(1, "all:sum", map[string]int{"a": 2, "b": 3}); !strings.Contains(string(f.Text), `"data":5`) {
		t.Errorf("got %s", f.Text)
	}
	for n, q := range [][2]string{
		{"./lib", `"data":{"id":"/lib.js","file":` + quoted(s.Path("lib.js")) + `,"importers":["/main.js"],"exports":["shout"]}`},
		{"virtual:text", `"data":{"id":"virtual:text","importers":["/main.js"],"exports":["default"]}`},
		{"./nothing", `"data":null`},
	} {
		if f := c.Request(10+n, "all:module", q[0]); !strings.Contains(string(f.Text), q[1]) {
			t.Errorf("got %s, want %s", f.Text, q[1])
		}
	}
	other := s.Socket(t)
	c.Emit("all:join", "all:hall")
	c.WaitFor(devtest.Event("all:joined"))
	other.Emit("all:join", "all:hall")
	c.WaitFor(devtest.Event("all:joined"))
	other.WaitFor(devtest.Event("all:joined"))
	other.Emit("all:leave", "all:hall")
	c.WaitFor(devtest.Event("all:left"))
	other.Emit("all:join", "\n")
	other.WaitFor(devtest.Event("devserver:event-error", "printable"))
	if n := other.Count(devtest.Event("all:left")); n != 0 {
		t.Error("a page that left the room got its message")
	}
	f := c.Request(2, "all:sum", map[string]any{"a": "two"})
	for _, part := range []string{"bad_payload", "all:sum", "a must be", "integer", "string"} {
		if !strings.Contains(string(f.Text), part) {
			t.Errorf("the error lacks %q: %s", part, f.Text)
		}
	}
}

// TestPluginsMeetPagesThatOpenedBefore: Connect is called once for each page in each program. One page opens before the
// plugins are built, one while they restart after a crash. Then an edit replaces the plugins.
func TestPluginsMeetPagesThatOpenedBefore(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(pluginApp))
	goPlugin(t, app, `Name: "p", Connect: func(ctx context.Context, c plugin.Client) { _ = c.Send("met", c.URL()) },
		Events: []plugin.Event{plugin.On("ask", func(ctx context.Context, c plugin.Client, in any) error { return c.Send("answer", nil) }),
			plugin.On("crash", func(ctx context.Context, c plugin.Client, in any) error { go panic("x"); return nil })},`)
	s := devtest.Start(t, app, withPlugins)
	open := func(url string) *devtest.Socket {
		c := s.Socket(t)
		c.Send(map[string]any{"type": "hello", "url": url})
		c.Emit("ask", nil) // waits for plugins that are being built
		c.WaitFor(devtest.Event("met", url))
		return c
	}
	one := open("http://x/one")
	one.WaitFor(devtest.Event("answer"))
	one.Emit("crash", nil)
	s.Log.Wait(t, "the plugins crashed")
	two := open("http://x/two")
	two.WaitFor(devtest.Event("answer")) // the event waited for the plugins' restart
	for _, c := range []*devtest.Socket{one, two} {
		if c.Count(devtest.Event("devserver:unknown-event")) > 0 {
			t.Error("an event was lost to the crash")
		}
	}
	one.WaitFor(devtest.Event("met", "http://x/one")) // the new program had not met this page
	s.Edit("devserver/main.go", `"answer", nil`, `"other answer", nil`)
	for _, c := range []*devtest.Socket{one, two} {
		c.Peek(devtest.Event("met"))
		c.WaitFor(devtest.Event("devserver:plugins:reloaded"))
		c.Emit("ask", nil)
		c.WaitFor(devtest.Event("other answer"))
	}
	for n, c := range map[int]*devtest.Socket{3: one, 2: two} {
		if met := c.Count(devtest.Event("met")); met != n {
			t.Errorf("%d programs called Connect for a page %d times", n, met)
		}
	}
}

// TestPluginsChangeWhilePagesStayConnected edits the Go code of plugins: a new answer, a mistake, a panic.
func TestPluginsChangeWhilePagesStayConnected(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(pluginApp))
	answer := func(text string) string {
		return `Name: "p", Events: []plugin.Event{plugin.Handle("p:ask", func(ctx context.Context, c plugin.Client, in any) (string, error) { ` + text + ` })},`
	}
	goPlugin(t, app, answer(`return "one", nil`))
	s := devtest.Start(t, app, withPlugins)
	c := s.Socket(t)
	if f := c.Request(1, "p:ask", nil); !strings.Contains(string(f.Text), "one") { // asked before the plugins are built
		t.Errorf("got %s", f.Text)
	}

	goPlugin(t, app, answer(`return "two", nil`))
	c.WaitFor(devtest.Event("devserver:plugins:reloaded"))
	if f := c.Request(2, "p:ask", nil); !strings.Contains(string(f.Text), "two") {
		t.Errorf("got %s", f.Text)
	}

	goPlugin(t, app, answer(`return tow, nil`))
	s.Log.Wait(t, "the earlier plugins keep running")
	if f := c.WaitFor(devtest.Is("error")); !strings.Contains(string(f.Text), "devserver/main.go") || !strings.Contains(string(f.Text), "undefined: tow") {
		t.Errorf("got %s", f.Text)
	}
	if f := c.Request(3, "p:ask", nil); !strings.Contains(string(f.Text), "two") {
		t.Errorf("the old plugins do not continue: %s", f.Text)
	}

	goPlugin(t, app, answer(`return "three", nil`)+`
		Connect: func(ctx context.Context, c plugin.Client) { panic("x") },`)
	c.WaitFor(devtest.Is("fixed"))
	if f := c.Request(4, "p:ask", nil); !strings.Contains(string(f.Text), "three") {
		t.Errorf("got %s", f.Text)
	}
}

func TestPluginsThatClashAreRefused(t *testing.T) {
	t.Parallel()
	on := plugin.Handle("x", func(context.Context, plugin.Client, any) (any, error) { return nil, nil })
	for name, list := range map[string][]plugin.Plugin{
		"no name":       {{}},
		"same name":     {{Name: "a"}, {Name: "a"}},
		"same request":  {{Name: "a", Events: []plugin.Event{on}}, {Name: "b", Events: []plugin.Event{on}}},
		"event by hand": {{Name: "a", Events: []plugin.Event{{Name: "x"}}}},
		"filter":        {{Name: "a", Filter: plugin.Filter{Patterns: []string{"("}}}},
		"hook's filter": {{Name: "a", Filters: plugin.HookFilters{Load: plugin.Filter{Exclude: []string{"("}}}}},
	} {
		if _, err := plugin.NewRunner(list, nil); err == nil {
			t.Errorf("%s: the plugins were accepted", name)
		}
	}
}

// TestPluginsWatchFiles: plugins make a module and a stylesheet from further files, in the project and beside it.
// Another file matters only to HotUpdate.
func TestPluginsWatchFiles(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text("-- index.html --\n<script type=\"module\" src=\"/main.js\"></script>\n-- main.js --\nimport 'virtual:menu'\nimport './a.css'\n"+
		"-- a.css --\n.a { color: COLOR }\n-- menu.txt --\nsoup\n"))
	app.Write("../beside/color.txt", "red\n")
	app.Write("../notes/todo.txt", "nothing\n")
	text := func(name string) string { return strings.TrimSpace(app.Read(name)) }
	touched := make(chan string, 10)
	s := devtest.Start(t, app, func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{
			Name: "menu",
			ResolveID: func(_ context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error) {
				if a.Specifier != "virtual:menu" {
					return nil, nil
				}
				return &plugin.ResolveResult{ID: a.Specifier}, nil
			},
			Load: func(_ context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
				if a.ID != "virtual:menu" {
					return nil, nil
				}
				return &plugin.LoadResult{Code: fmt.Sprintf("export default %q", text("menu.txt")), Watch: []string{"menu.txt"}}, nil
			},
			Transform: func(_ context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
				if !strings.HasSuffix(a.ID, ".css") {
					return nil, nil
				}
				return &plugin.TransformResult{Code: strings.ReplaceAll(a.Code, "COLOR", text("../beside/color.txt")), Watch: []string{"../beside/color.txt"}}, nil
			},
			Watch: []string{"../notes"},
			HotUpdate: func(_ context.Context, a plugin.HotUpdateArgs) (*plugin.HotUpdateResult, error) {
				touched <- filepath.Base(a.File)
				return nil, nil
			},
		}}
	})
	pack := s.Get("/main.js", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors").Body
	if !strings.Contains(pack, "soup") || !strings.Contains(pack, ".a { color: red }") {
		t.Fatal(pack)
	}
	page := s.Socket(t)
	app.Write("menu.txt", "salad\n")
	page.WaitFor(devtest.Is("update", "virtual:menu", "salad"))
	app.Write("../beside/color.txt", "blue\n")
	page.WaitFor(devtest.Is("update", "/a.css", "color: blue"))
	app.Write("../notes/todo.txt", "something\n")
	for file := range touched {
		if file == "todo.txt" {
			break
		}
	}
}

// TestPluginsThatComeLaterCompilePackages: a module of a package that a filter picks was compiled without the plugin, and
// is compiled again. Other modules of packages stay.
func TestPluginsThatComeLaterCompilePackages(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text("-- index.html --\n<script type=\"module\" src=\"/main.js\"></script>\n-- main.js --\nimport 'dep/a.js'; import 'dep/b.shout'\n"+
		"-- node_modules/dep/package.json --\n{}\n-- node_modules/dep/a.js --\nexport default 'before'\n-- node_modules/dep/b.shout --\nexport default 'before'\n"))
	s := devtest.Start(t, app, withPlugins)
	if text := pack(s); strings.Count(text, "before") != 2 {
		t.Fatal(text)
	}
	transform := `Transform: func(ctx context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
		return &plugin.TransformResult{Code: strings.ReplaceAll(a.Code, "before", "behind")}, nil
	}},`
	page := s.Socket(t)
	goPlugin(t, app, `Name: "some", Filter: plugin.Filter{Suffixes: []string{".shout"}}, `+transform+` plugin.Plugin{Name: "all", `+strings.TrimSuffix(transform, "},"))
	page.WaitFor(devtest.Is("update", "/node_modules/dep/b.shout", "behind"))
	if text := pack(s); strings.Count(text, "before") != 1 || strings.Count(text, "behind") != 1 {
		t.Error(text)
	}
}

// TestPluginsThatComeLater: the folder devserver/ is created while the server runs, as "devserver init" does.
func TestPluginsThatComeLater(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(pluginApp))
	s := devtest.Start(t, app, withPlugins)
	page := s.Socket(t)
	page.Send(map[string]any{"type": "hello", "url": "http://x/"})
	goPlugin(t, app, `Name: "p", Connect: func(ctx context.Context, c plugin.Client) { _ = c.Send("met", nil) },`)
	s.Log.Wait(t, "plugins ready: p")
	page.WaitFor(devtest.Event("met"))
}

func TestPluginsThatNeverWereBuilt(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(pluginApp))
	goPlugin(t, app, `Name: "p", Start: nothing`)
	s := devtest.Start(t, app, withPlugins)
	s.Log.Wait(t, "(the server runs without plugins until they can be built)")
}

// TestHangingHookHoldsUpItsOwnPageOnly: while one page waits for a plugin, another page loads and is updated.
func TestHangingHookHoldsUpItsOwnPageOnly(t *testing.T) {
	t.Parallel()
	began, let := make(chan bool), make(chan bool)
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><script type="module" src="/main.js"></script>
-- main.js --
import { n } from "./n.js"; console.log(n);
-- n.js --
export const n = 1;
-- other.js --
import "virtual:slow";
`)), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{
			Name: "slow", Filter: plugin.Filter{Prefixes: []string{"virtual:"}},
			ResolveID: func(_ context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error) {
				return &plugin.ResolveResult{ID: a.Specifier}, nil
			},
			Load: func(context.Context, plugin.LoadArgs) (*plugin.LoadResult, error) {
				began <- true
				<-let
				return &plugin.LoadResult{Code: "export default 'at last'"}, nil
			},
		}}
	})
	get := func(name string) string {
		return s.Get(name, "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors").Body
	}
	page := s.Socket(t)
	get("/main.js")
	other := make(chan string)
	go func() { other <- get("/other.js") }()
	<-began
	if body := get("/main.js"); !strings.Contains(body, "n = 1") {
		t.Error(body)
	}
	s.Edit("n.js", "1", "2")
	page.WaitFor(devtest.Is("update", "n = 2"))
	close(let)
	if body := <-other; !strings.Contains(body, "at last") {
		t.Error(body)
	}
}

// TestHalfASaveOfGoCodeIsNotBuilt: editors truncate a file before they write it, or delete it and create it again. An
// edit of an embedded file also builds the program, also of a script, which might be the app's. An edit of a Go test
// does not.
func TestHalfASaveOfGoCodeIsNotBuilt(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(pluginApp))
	app.Write("devserver/text.ts", "one")
	app.Write("devserver/text.go", "package main\n\nimport _ \"embed\"\n\n//go:embed text.ts\nvar text string\n")
	goPlugin(t, app, `Name: "p", Events: []plugin.Event{plugin.Handle("ask", func(ctx context.Context, c plugin.Client, in any) (string, error) { return text + " 1", nil })},`)
	s := devtest.Start(t, app, withPlugins)
	s.Log.Wait(t, "plugins ready: p")
	page := s.Socket(t)
	n := 0
	answers := func(want string) {
		t.Helper()
		page.WaitFor(devtest.Event("devserver:plugins:reloaded"))
		n++
		if f := page.Request(n, "ask", nil); !strings.Contains(string(f.Text), want) {
			t.Errorf("got %s, want %s", f.Text, want)
		}
	}
	main := app.Read("devserver/main.go")
	s.Write("devserver/main.go", "")
	s.Write("devserver/main.go", strings.Replace(main, `" 1"`, `" 2"`, 1))
	answers("one 2")
	if builds := s.Log.Count("plugins changed, building"); builds != 1 || s.Log.Count("the earlier plugins keep running") > 0 {
		t.Errorf("%d builds for one edit", builds)
	}
	s.Rename("devserver/main.go", "devserver/main.go~")
	s.Write("devserver/main.go", strings.Replace(main, `" 1"`, `" 3"`, 1))
	answers("one 3")
	s.Write("devserver/text.ts", "two")
	answers("two 3")
	s.Write("devserver/main_test.go", "package main\n\nfunc broken() {}\n")
	s.Write("devserver/main.go", "")
	s.Log.Wait(t, "expected 'package', found 'EOF'") // the file stays empty
	s.Write("devserver/main.go", main)
	answers("two 1")
}

// TestPanicShowsItsPlace: the error of a hook that panicked names the line in the plugin's code.
func TestPanicShowsItsPlace(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text("-- index.html --\n<script type=\"module\" src=\"/main.js\"></script>\n-- main.js --\nimport \"virtual:x\";\n")), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{
			Name: "breaks",
			Load: func(_ context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
				if a.ID == "/main.js" {
					panic("on purpose")
				}
				return nil, nil
			},
		}}
	})
	s.Get("/main.js", "Sec-Fetch-Dest", "script")
	s.Log.Wait(t, "Load of plugin breaks panicked: on purpose")
	if text := s.Log.String(); !regexp.MustCompile(`plugins_test\.go:\d+:1`).MatchString(text) || strings.Contains(text, "runtime.gopanic") {
		t.Errorf("the terminal does not name the line in this file, or shows the runtime:\n%s", text)
	}
}
