package pluginhost_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/plugin"
)

// serverPlugin sends the name of each hook and handler that runs, by the Server of its context.
func serverPlugin() plugin.Plugin {
	note := func(ctx context.Context, name string) error { return plugin.ServerFrom(ctx).Broadcast("in", name) }
	page := func(name string) func(context.Context, plugin.Client) {
		return func(ctx context.Context, _ plugin.Client) { _ = note(ctx, name) } // the test misses it
	}
	return plugin.Plugin{
		Name:  "server",
		Start: func(ctx context.Context, _ plugin.Server) error { return note(ctx, "Start") },
		Stop:  func(ctx context.Context) error { return errors.New("root is " + plugin.ServerFrom(ctx).Root()) },
		ResolveID: func(ctx context.Context, _ plugin.ResolveArgs) (*plugin.ResolveResult, error) {
			return nil, note(ctx, "ResolveID")
		},
		Load: func(ctx context.Context, _ plugin.LoadArgs) (*plugin.LoadResult, error) {
			return nil, note(ctx, "Load")
		},
		Transform: func(ctx context.Context, _ plugin.TransformArgs) (*plugin.TransformResult, error) {
			return nil, note(ctx, "Transform")
		},
		PostTransform: func(ctx context.Context, _ plugin.TransformArgs) (*plugin.TransformResult, error) {
			return nil, note(ctx, "PostTransform")
		},
		TransformHTML: func(ctx context.Context, _ plugin.TransformHTMLArgs) (*plugin.TransformHTMLResult, error) {
			return nil, note(ctx, "TransformHTML")
		},
		HotUpdate: func(ctx context.Context, _ plugin.HotUpdateArgs) (*plugin.HotUpdateResult, error) {
			return nil, note(ctx, "HotUpdate")
		},
		Connect: page("Connect"), Disconnect: page("Disconnect"), Identified: page("Identified"),
		Identify: func(r *http.Request) (string, error) { return "", note(r.Context(), "Identify") },
		Events: []plugin.Event{
			plugin.On("on", func(ctx context.Context, _ plugin.Client, _ any) error { return note(ctx, "On") }),
			plugin.Handle("handle", func(ctx context.Context, _ plugin.Client, _ any) (int, error) { return 1, note(ctx, "Handle") }),
		},
		Channels: []plugin.AnyChannel{plugin.NewChannel[int, int]("server", "test", "channel").
			Handle(func(ctx context.Context, _ plugin.Conn[int], _ int) error { return note(ctx, "channel") }).
			Allow(func(ctx context.Context, _ plugin.Client, _ hmr.Direction) error { return note(ctx, "permission") })},
		Routes: []plugin.RouteDef{plugin.Route("/", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_ = note(r.Context(), "route") // the test misses it
		}))},
	}
}

// TestServerFromEverywhere calls all hooks and handlers. Each must find the server in its context, in process and in a
// child.
func TestServerFromEverywhere(t *testing.T) {
	visit := func(t *testing.T, host pluginhost.Host, b *backend) {
		ctx, h, page := t.Context(), pluginhost.NewHosts(host), client("c1")
		for name, call := range map[string]func() error{
			"ResolveID":     func() error { _, err := h.ResolveID(ctx, plugin.ResolveArgs{}); return err },
			"Load":          func() error { _, err := h.Load(ctx, plugin.LoadArgs{}); return err },
			"Transform":     func() error { _, err := h.Transform(ctx, plugin.TransformArgs{}); return err },
			"PostTransform": func() error { _, err := h.PostTransform(ctx, plugin.TransformArgs{}); return err },
			"TransformHTML": func() error { _, err := h.TransformHTML(ctx, plugin.TransformHTMLArgs{}); return err },
			"HotUpdate":     func() error { _, err := h.HotUpdate(ctx, plugin.HotUpdateArgs{}); return err },
			"Connect":       func() error { return h.Connect(ctx, host, page) },
			"Disconnect":    func() error { return h.Disconnect(ctx, host, page) },
			"Identified":    func() error { return h.Identified(ctx, host, page) },
			"Identify":      func() error { _, err := h.Identify(ctx, request(t, "x")); return err },
			"On":            func() error { _, err := host.Event(ctx, "server", "on", false, page, nil); return err },
			"Handle":        func() error { _, err := host.Event(ctx, "server", "handle", true, page, nil); return err },
			"channel":       func() error { return host.ChannelMessage(ctx, "server_test_channel", page, []byte("1")) },
			"permission":    func() error { return host.ChannelAllows(ctx, "server_test_channel", page, hmr.Listen) },
			"route":         func() error { text(t, do(t, ctx, http.MethodGet, serve(t, host)+"/", nil)); return nil },
		} {
			if err := call(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if got := b.wait(t); got != `all in "`+name+`"` {
				t.Errorf("%s: sent %s", name, got)
			}
		}
	}
	t.Run("in process", func(t *testing.T) {
		b := newBackend(t)
		r, err := plugin.NewRunner([]plugin.Plugin{serverPlugin()}, b)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := b.wait(t); got != `all in "Start"` {
			t.Errorf("sent %s", got)
		}
		visit(t, r, b)
		if err := r.Stop(t.Context()); err == nil || !strings.Contains(err.Error(), "root is "+b.root) {
			t.Errorf("Stop says %v", err)
		}
	})
	t.Run("child", func(t *testing.T) {
		c, b, printed := startChild(t, "TEST_CHILD=server")
		if got := b.wait(t); got != `all in "Start"` {
			t.Errorf("sent %s", got)
		}
		visit(t, c, b)
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if !slices.ContainsFunc(printed.all, func(line string) bool { return strings.Contains(line, "root is "+b.root) }) {
			t.Errorf("printed %q", printed.all)
		}
	})
}

func TestServerFromNowhere(t *testing.T) {
	defer func() {
		if v := recover(); v != "plugin.ServerFrom: the context is not the one that a hook, a handler or a route of a plugin got" {
			t.Errorf("panicked with %v", v)
		}
	}()
	plugin.ServerFrom(t.Context())
	t.Error("there is a server")
}
