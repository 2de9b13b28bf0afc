package pluginhost_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// modulesPlugin returns a plugin that asks the server about modules. The ID or specifier says what it asks:
// "a:resolve x" is for the plugin a. Asked about "a>b>x", a asks about "b>x". Asked about "a=x", it asks the same.
func modulesPlugin(name string) plugin.Plugin {
	return plugin.Plugin{
		Name: name,
		Load: func(ctx context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
			s := plugin.ServerFrom(ctx)
			method, arg, _ := strings.Cut(strings.TrimPrefix(a.ID, name+":"), " ")
			var answer any
			var err error
			switch method {
			case "resolve":
				answer, err = s.Resolve(ctx, arg, a.ID)
			case "load":
				answer, err = s.Load(ctx, arg)
			case "info":
				answer, err = s.ModuleInfo(arg)
			case "wait":
				err = s.WaitForModules(ctx)
			default:
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			text, err := json.Marshal(answer)
			return &plugin.LoadResult{Code: string(text)}, err
		},
		ResolveID: func(ctx context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error) {
			next := a.Specifier
			switch {
			case strings.HasPrefix(a.Specifier, name+"="), strings.HasPrefix(a.Specifier, "both="):
			case strings.HasPrefix(a.Specifier, name+">"):
				next = strings.TrimPrefix(a.Specifier, name+">")
			case strings.HasPrefix(a.Specifier, "more"):
				next += "e"
			default:
				return nil, nil
			}
			r, err := plugin.ServerFrom(ctx).Resolve(ctx, next, a.Importer)
			if r == nil || err != nil {
				return nil, err
			}
			return &plugin.ResolveResult{ID: name + " found " + r.ID}, nil
		},
	}
}

func modulesHosts(t *testing.T) map[string]func() (*pluginhost.Hosts, *backend) {
	runner := func(b *backend, names ...string) *plugin.Runner {
		var list []plugin.Plugin
		for _, name := range names {
			list = append(list, modulesPlugin(name))
		}
		r, err := plugin.NewRunner(list, b)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	return map[string]func() (*pluginhost.Hosts, *backend){
		"in process": func() (*pluginhost.Hosts, *backend) {
			b := newBackend(t)
			return pluginhost.NewHosts(runner(b, "a", "b")), b
		},
		"child": func() (*pluginhost.Hosts, *backend) {
			c, b, _ := startChild(t, "TEST_CHILD=modules")
			return pluginhost.NewHosts(c), b
		},
		"child and process": func() (*pluginhost.Hosts, *backend) {
			c, b, _ := startChild(t, "TEST_CHILD=modules")
			return pluginhost.NewHosts(c, runner(b, "c")), b
		},
	}
}

// TestPluginsAskAboutModules: the server's answers, and what a question is a part of, cross alike.
func TestPluginsAskAboutModules(t *testing.T) {
	for name, start := range modulesHosts(t) {
		h, b := start()
		for id, want := range map[string]string{
			"a:resolve x":       `{"id":"x of a:resolve x","file":"[{  /outer.js } {a load a:resolve x }]"}`,
			"a:resolve nothing": "null",
			"a:resolve broken":  "Load of plugin a: a broken package.json",
			"a:load /b.js":      `{"id":"/b.js","file":"/outer.js"}`,
			"a:info /b.js":      `{"id":"/b.js","imports":["/b.js"]}`,
			"a:info /nothing":   "null",
			"a:wait":            `Load of plugin a: waits within "/outer.js"`,
		} {
			ctx := wire.Within(t.Context(), wire.Step{ID: "/outer.js"})
			got := ""
			if r, err := h.Load(ctx, plugin.LoadArgs{ID: id}); err != nil {
				got = err.Error()
			} else if r != nil {
				got = r.Code
			}
			if got != want {
				t.Errorf("%s, %s: got %s, want %s", name, id, got, want)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { _, err := h.Load(ctx, plugin.LoadArgs{ID: "a:load /never"}); done <- err }()
		got := b.wait(t)
		cancel()
		if err := <-done; err == nil || !strings.HasSuffix(err.Error(), context.Canceled.Error()) {
			t.Errorf("%s: a load that nobody waits for any more: %v", name, err)
		}
		if got += " " + b.wait(t); got != `server loads "/never" server cancelled "/never"` {
			t.Errorf("%s: the server was told %s", name, got)
		}
	}
}

// TestResolveWithinResolveID: a plugin is not asked again for the import that it is just asked about. Plugins that ask
// each other end.
func TestResolveWithinResolveID(t *testing.T) {
	for name, start := range modulesHosts(t) {
		h, b := start()
		b.hosts = h
		for specifier, want := range map[string]string{
			"a=x":    "a found a=x, a file",
			"a>x":    "a found x, a file",
			"a>b>x":  "a found b found x, a file",
			"b>a>x":  "b found a found x, a file",
			"a>a>x":  "a found a found x, a file",
			"a>b=x":  "a found b found b=x, a file",
			"both=x": "a found b found both=x, a file",
			"x":      "",
			"more":   "error: without an end",
		} {
			if name == "child and process" && specifier == "both=x" {
				want = "a found b found c found both=x, a file"
			}
			got := ""
			r, err := h.ResolveID(t.Context(), plugin.ResolveArgs{Specifier: specifier, Importer: "/m.js"})
			if err != nil {
				got = "error: " + err.Error()[strings.LastIndex(err.Error(), ": ")+2:]
			} else if r != nil {
				got = r.ID
			}
			if got != want {
				t.Errorf("%s, %s: got %q, want %q", name, specifier, got, want)
			}
		}
	}
}
