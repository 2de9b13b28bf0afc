package pluginhost_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// hookPlugin returns a plugin that has all hooks. The ID, path or host that a hook gets says what the hook does. Its
// answer has the plugin's name.
func hookPlugin(name string) plugin.Plugin {
	asks := func(id string) (bool, error) {
		if strings.HasSuffix(id, "fails in "+name) {
			return false, errors.New("on purpose")
		}
		return strings.HasSuffix(id, "for "+name) || strings.HasSuffix(id, "for all"), nil
	}
	tell := func(_ context.Context, c plugin.Client) {
		if strings.HasSuffix(c.ID(), "panics in "+name) {
			panic("on purpose")
		}
		_ = c.Broadcast(name, c.ID()+" "+c.User())
	}
	return plugin.Plugin{
		Name:   name,
		Filter: plugin.Filter{Prefixes: []string{"virtual:"}},
		ResolveID: func(_ context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error) {
			if mine, err := asks(a.Specifier); !mine {
				return nil, err
			}
			return &plugin.ResolveResult{ID: name + " of " + a.Importer}, nil
		},
		Load: func(_ context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
			if mine, err := asks(a.ID); !mine {
				return nil, err
			}
			return &plugin.LoadResult{Code: name, Watch: []string{a.File}}, nil
		},
		Transform: func(_ context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
			if mine, err := asks(a.ID); !mine {
				return nil, err
			}
			return &plugin.TransformResult{Code: a.Code + name, Watch: []string{name}}, nil
		},
		Filters: plugin.HookFilters{PostTransform: plugin.Filter{Patterns: []string{"^(?:post|virtual):"}, Exclude: []string{"not " + name}, Contains: []string{"x", "y"}}},
		PostTransform: func(_ context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
			if mine, err := asks(a.ID); !mine {
				return nil, err
			}
			r := &plugin.TransformResult{Code: name + a.Code, Map: lineMap(name, 1)}
			if strings.Contains(a.ID, "broken") {
				r.Map = "broken"
			}
			return r, nil
		},
		TransformHTML: func(_ context.Context, a plugin.TransformHTMLArgs) (*plugin.TransformHTMLResult, error) {
			if mine, err := asks(a.Path); !mine {
				return nil, err
			}
			r := &plugin.TransformHTMLResult{Tags: []plugin.HTMLTag{{Name: name, Text: a.HTML}}}
			if strings.HasPrefix(a.Path, "html") {
				r.HTML = a.HTML + name
			}
			return r, nil
		},
		HotUpdate: func(_ context.Context, a plugin.HotUpdateArgs) (*plugin.HotUpdateResult, error) {
			if mine, err := asks(a.File); !mine {
				return nil, err
			}
			return &plugin.HotUpdateResult{Modules: a.Modules[1:]}, nil
		},
		Identify: func(r *http.Request) (string, error) {
			if mine, err := asks(r.Host); !mine {
				return "", err
			}
			return name, nil
		},
		Connect: tell, Disconnect: tell, Identified: tell,
	}
}

// TestHooksAreAlike asks two plugins that run together, in process and in a child, and as two hosts. All must combine
// their answers in the same way.
func TestHooksAreAlike(t *testing.T) {
	child, _, _ := startChild(t, "TEST_CHILD=hooks")
	runner := func(plugins ...plugin.Plugin) *plugin.Runner {
		r, err := plugin.NewRunner(plugins, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	all := map[string]*pluginhost.Hosts{
		"in process": pluginhost.NewHosts(runner(hookPlugin("a"), hookPlugin("b"))),
		"a child":    pluginhost.NewHosts(child),
		"two hosts":  pluginhost.NewHosts(runner(hookPlugin("a")), runner(hookPlugin("b"))),
	}
	for _, q := range []struct {
		hook string
		ask  func(context.Context, *pluginhost.Hosts) (any, error)
		want string
	}{
		{"first", func(ctx context.Context, h *pluginhost.Hosts) (any, error) {
			return h.ResolveID(ctx, plugin.ResolveArgs{Specifier: "virtual:for b", Importer: "/x"})
		}, `{"id":"b of /x"}`},
		{"the first of two", func(ctx context.Context, h *pluginhost.Hosts) (any, error) {
			return h.Load(ctx, plugin.LoadArgs{ID: "virtual:for all", File: "f"})
		}, `{"code":"a","watch":["f"],"by":["a"]}`},
		{"none", func(ctx context.Context, h *pluginhost.Hosts) (any, error) {
			return h.Load(ctx, plugin.LoadArgs{ID: "virtual:for nobody"})
		}, `null`},
		{"filtered", func(ctx context.Context, h *pluginhost.Hosts) (any, error) {
			return h.Load(ctx, plugin.LoadArgs{ID: "/for all"})
		}, `null`},
		{"fails behind an answer", func(ctx context.Context, h *pluginhost.Hosts) (any, error) {
			return h.Load(ctx, plugin.LoadArgs{ID: "virtual:fails in b"})
		}, `null Load of plugin b: on purpose`},
		{"pass on", func(ctx context.Context, h *pluginhost.Hosts) (any, error) {
			return h.Transform(ctx, plugin.TransformArgs{ID: "virtual:for all", Code: "x"})
		}, `{"code":"xab","watch":["b","a"],"by":["a","b"]}`},
		{"pass on, one of two", func(ctx context.Context, h *pluginhost.Hosts) (any, error) {
			return h.Transform(ctx, plugin.TransformArgs{ID: "virtual:for b", Code: "x"})
		}, `{"code":"xb","watch":["b"],"by":["b"]}`},
		{"pass on, fails", func(ctx context.Context, h *pluginhost.Hosts) (any, error) {
			return h.Transform(ctx, plugin.TransformArgs{ID: "virtual:fails in a", Code: "x"})
		}, `null Transform of plugin a: on purpose`},
		{"behind the compiler, maps are chained", func(ctx context.Context, h *pluginhost.Hosts) (any, error) {
			return h.PostTransform(ctx, plugin.TransformArgs{ID: "post:for all", Code: "x"})
		}, `{"code":"bax","map":` + quote(strings.Replace(lineMap("a", 2), "AACA\"", "A\"", 1)) + `,"by":["a","b"]}`},
		{"behind the compiler, one is excluded", func(ctx context.Context, h *pluginhost.Hosts) (any, error) {
			return h.PostTransform(ctx, plugin.TransformArgs{ID: "post:not a, for all", Code: "y"})
		}, `{"code":"by","map":` + quote(lineMap("b", 1)) + `,"by":["b"]}`},
		{"behind the compiler, a broken map", func(ctx context.Context, h *pluginhost.Hosts) (any, error) {
			return h.PostTransform(ctx, plugin.TransformArgs{ID: "post:broken for all", Code: "y"})
		}, `{"code":"bay","by":["a","b"]}`},
		{"behind the compiler, another ID", func(ctx context.Context, h *pluginhost.Hosts) (any, error) {
			return h.PostTransform(ctx, plugin.TransformArgs{ID: "/for all", Code: "y"})
		}, `null`},
		{"behind the compiler, another content", func(ctx context.Context, h *pluginhost.Hosts) (any, error) {
			return h.PostTransform(ctx, plugin.TransformArgs{ID: "post:for all", Code: "z"})
		}, `null`},
		{"gather", func(ctx context.Context, h *pluginhost.Hosts) (any, error) {
			return h.TransformHTML(ctx, plugin.TransformHTMLArgs{Path: "html for all", HTML: "x"})
		}, `{"html":"xab","tags":[{"name":"a","text":"x"},{"name":"b","text":"xa"}]}`},
		{"gather, page unchanged", func(ctx context.Context, h *pluginhost.Hosts) (any, error) {
			return h.TransformHTML(ctx, plugin.TransformHTMLArgs{Path: "for all", HTML: "x"})
		}, `{"tags":[{"name":"a","text":"x"},{"name":"b","text":"x"}]}`},
		{"narrow", func(ctx context.Context, h *pluginhost.Hosts) (any, error) {
			return h.HotUpdate(ctx, plugin.HotUpdateArgs{File: "for all", Modules: []string{"1", "2", "3"}})
		}, `{"modules":["3"]}`},
		{"narrow to nothing", func(ctx context.Context, h *pluginhost.Hosts) (any, error) {
			return h.HotUpdate(ctx, plugin.HotUpdateArgs{File: "for a", Modules: []string{"1"}})
		}, `{"modules":[]}`},
		{"identify", func(ctx context.Context, h *pluginhost.Hosts) (any, error) {
			return h.Identify(ctx, request(t, "for b"))
		}, `"b"`},
		{"identify, fails in the first", func(ctx context.Context, h *pluginhost.Hosts) (any, error) {
			return h.Identify(ctx, request(t, "for b, fails in a"))
		}, `"" Identify of plugin a: on purpose`},
	} {
		for name, h := range all {
			answer, err := q.ask(t.Context(), h)
			text, _ := json.Marshal(answer) // no values that JSON does not have
			got := string(text)
			if err != nil {
				got += " " + err.Error()
			}
			if got != q.want {
				t.Errorf("%s, %s: got %s, want %s", q.hook, name, got, q.want)
			}
		}
	}
}

// lineMap returns a source map of one source. It moves the lines from the given line on, from 0, to the top.
func lineMap(source string, from int) string {
	mappings := "AA" + string("ACEG"[from]) + "A;AACA;AACA;AACA"
	return fmt.Sprintf(`{"version":3,"sources":[%q],"names":[],"mappings":%q}`, source, mappings)
}

// quote returns a text as JSON.
func quote(text string) string {
	encoded, _ := json.Marshal(text) // strings always encode
	return string(encoded)
}

func request(t *testing.T, host string) *http.Request {
	r, err := http.NewRequest(http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	return r
}

// TestAllPluginsAreCalled checks that after a panic in one plugin, the Connect of the next plugin is called.
func TestAllPluginsAreCalled(t *testing.T) {
	child, b, _ := startChild(t, "TEST_CHILD=hooks")
	h := pluginhost.NewHosts(child)
	for name, tell := range map[string]func(context.Context, pluginhost.Host, plugin.Client) error{"Connect": h.Connect, "Disconnect": h.Disconnect, "Identified": h.Identified} {
		err := tell(t.Context(), child, client("panics in a"))
		if err == nil || !strings.HasPrefix(err.Error(), name+" of plugin a panicked: on purpose") {
			t.Errorf("%s: got %v", name, err)
		}
		if got := b.wait(t); got != `all b "panics in a ann"` {
			t.Errorf("%s: sent %q", name, got)
		}
	}
}

func TestReplaceAHost(t *testing.T) {
	host := func(name string) *plugin.Runner {
		r, err := plugin.NewRunner([]plugin.Plugin{hookPlugin(name)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	a, b, c := host("a"), host("b"), host("c")
	var h pluginhost.Hosts
	for _, step := range []struct {
		old, now pluginhost.Host
		want     string
	}{{nil, a, "a"}, {nil, b, "ab"}, {a, c, "cb"}, {b, nil, "c"}, {b, nil, "c"}, {c, nil, ""}} {
		h.Replace(step.old, step.now)
		var names strings.Builder
		for _, one := range h.Plugins() {
			names.WriteString(one.Name)
		}
		if names.String() != step.want || h.WantsHotUpdate() != (step.want != "") || h.Identifies() != (step.want != "") || len(h.All()) != len(step.want) {
			t.Errorf("got %q, want %q", names.String(), step.want)
		}
	}
	if err := h.Connect(t.Context(), a, client("c1")); err != nil {
		t.Errorf("a host that is gone was called: %v", err)
	}
	if err := a.Ask(t.Context(), "unheard", nil, nil); fmt.Sprint(err) != `unknown hook "unheard"` {
		t.Errorf("got %v", err)
	}
}

var _ wire.Asker = pluginhost.Host(nil)

// foreignHost is a host in JavaScript: one plugin with the hooks load and transform. It has the server broadcast each
// load.
const foreignHost = `
const send = (message) => {
	const body = Buffer.from(JSON.stringify(message));
	const head = Buffer.alloc(4);
	head.writeUInt32BE(body.length);
	process.stdout.write(Buffer.concat([head, body]));
};
const hooks = {
	load({ id }) {
		send({ method: "send", params: { all: true, event: "loaded", data: id } });
		return { code: "export default " + JSON.stringify(id) };
	},
	transform: ({ code }) => (code.includes("fail") ? Promise.reject(new Error("on purpose")) : { code: code + ";" }),
};
let pending = Buffer.alloc(0);
process.stdin.on("data", async (chunk) => {
	pending = Buffer.concat([pending, chunk]);
	while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE(0)) {
		const end = 4 + pending.readUInt32BE(0);
		const { id, method, params } = JSON.parse(pending.subarray(4, end));
		pending = pending.subarray(end);
		try {
			send({ id, result: await hooks[method](params) });
		} catch (e) {
			send({ id, error: { message: e.message, plugin: "js" } });
		}
	}
});
process.stdin.on("end", () => process.exit(0));
send({ method: "hello", params: { protocol: 2, info: { plugins: [{ name: "js", hooks: Object.keys(hooks), filter: { prefixes: ["js:"] } }] } } });
`

// TestHostInAnotherLanguage runs a program that only knows package wire's doc. It stands beside a Runner in Go.
func TestHostInAnotherLanguage(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node")
	}
	foreign, b, _ := startChildWith(t, pluginhost.ChildOptions{Cmd: exec.Command(node, "-e", foreignHost)})
	r, err := plugin.NewRunner([]plugin.Plugin{{
		Name: "go",
		Transform: func(_ context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
			return &plugin.TransformResult{Code: a.Code + " // by Go", Watch: []string{"w"}}, nil
		},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := pluginhost.NewHosts(foreign, r)
	loaded, err := h.Load(t.Context(), plugin.LoadArgs{ID: "js:a"})
	if err != nil || loaded == nil || loaded.Code != `export default "js:a"` {
		t.Errorf("got %+v, %v", loaded, err)
	}
	if got := b.wait(t); got != `all loaded "js:a"` {
		t.Errorf("sent %s", got)
	}
	if other, err := h.Load(t.Context(), plugin.LoadArgs{ID: "/a.js"}); other != nil || err != nil {
		t.Errorf("the filter let an ID through: %+v, %v", other, err)
	}
	made, err := h.Transform(t.Context(), plugin.TransformArgs{ID: "js:a", Code: "1"})
	if err != nil || made == nil || made.Code != "1; // by Go" || len(made.Watch) != 1 {
		t.Errorf("got %+v, %v", made, err)
	}
	if made, err := h.Transform(t.Context(), plugin.TransformArgs{ID: "js:a", Code: "fail"}); made != nil || fmt.Sprint(err) != "on purpose" {
		t.Errorf("got %+v, %v", made, err)
	}
	if page, err := h.TransformHTML(t.Context(), plugin.TransformHTMLArgs{HTML: "x"}); page != nil || err != nil {
		t.Errorf("nobody has the hook: %+v, %v", page, err)
	}
}
