package server_test

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// TestPluginsGoOnWithAnotherConfiguration: plugins in process answer after a restart as before, and Connect is called
// for the pages that stayed. A page that listens late gets the message that was retained before the restart.
func TestPluginsGoOnWithAnotherConfiguration(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(pluginApp))
	board := plugin.NewChannel[hmr.BroadcastOnly, int]("talk", "game", "board")
	s := devtest.Start(t, app, func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{
			Name: "p", Channels: []plugin.AnyChannel{board},
			Events:  []plugin.Event{plugin.Handle("ask", func(context.Context, plugin.Client, any) (string, error) { return "yes", board.Retain(7) })},
			Connect: func(_ context.Context, c plugin.Client) { _ = c.Send("met", c.ID()) },
		}}
	})
	page := s.Socket(t)
	page.Send(map[string]any{"type": "hello", "url": "http://x/"})
	page.WaitFor(devtest.Event("met"))
	page.Request(1, "ask", nil)
	for n, config := range []string{`{"define": {"A": "1"}}`, `{"define": {"A": "2"}}`} {
		app.Write("devserver.config.json", config)
		page.WaitFor(devtest.Event("met"))
		devtest.Eventually(t, "the restart", func() bool { return s.Log.Count("server restarted") == n+1 }, s.Log.String)
		if f := page.Request(2+n, "ask", nil); !strings.Contains(string(f.Text), "yes") {
			t.Errorf("got %s", f.Text)
		}
	}
	if n := page.Count(devtest.Event("met")); n != 3 {
		t.Errorf("Connect was called %d times for the page, want 3", n)
	}
	late := s.Socket(t)
	late.Send(map[string]string{"type": "subscribe", "channel": board.ID()})
	late.WaitFor(devtest.Event(board.ID(), "7"))
}

// TestNothingIsLostByARestart: plugins in process finish what they handle when the server restarts its project. What
// waits is handled afterwards.
func TestNothingIsLostByARestart(t *testing.T) {
	t.Parallel()
	var s *devtest.Server
	begun := make(chan bool)
	var got []int // one page's events are handled one after the other
	handle := func(ctx context.Context, n int) error {
		if n == 10 {
			close(begun)
			for slices.Contains(s.Server().Hub().Events(), "n") { // until the handlers are removed
				if err := ctx.Err(); err != nil {
					return err
				}
				runtime.Gosched()
			}
		}
		got = append(got, n)
		return ctx.Err()
	}
	ready := make(chan bool)
	s = devtest.Start(t, devtest.App(t, devtest.Text(pluginApp)), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{Name: "p", Events: []plugin.Event{
			plugin.On("n", func(ctx context.Context, _ plugin.Client, n int) error { <-ready; return handle(ctx, n) }),
			plugin.Handle("all", func(context.Context, plugin.Client, any) ([]int, error) { return got, nil }),
		}}}
	})
	close(ready)
	c := s.Socket(t)
	const numbers = 300
	for n := range numbers {
		c.Emit("n", n)
	}
	<-begun
	if err := s.Server().Restart("the test asks for it"); err != nil {
		t.Fatal(err)
	}
	c.Request(1, "all", nil)
	for n, number := range got {
		if n != number {
			t.Fatalf("number %d was handled in the place of %d", number, n)
		}
	}
	if failed := devtest.Event("devserver:event-error"); len(got) != numbers || c.Count(failed) > 0 || c.Count(devtest.Event("devserver:unknown-event")) > 0 {
		t.Errorf("%d of %d events were handled, %d failed", len(got), numbers, c.Count(failed))
	}
}

// TestPluginsDoNotWaitForEachOther: a handler that hangs holds up its own plugin only.
func TestPluginsDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(pluginApp))
	goPlugin(t, app, `Name: "child", Events: []plugin.Event{
		plugin.On("hang", func(ctx context.Context, c plugin.Client, in any) error { <-ctx.Done(); return nil })},
	}, plugin.Plugin{Name: "other", Events: []plugin.Event{
		plugin.Handle("other", func(ctx context.Context, c plugin.Client, in any) (string, error) { return "answers", nil })},`)
	s := devtest.Start(t, app, withPlugins, func(o *server.Options) {
		o.Plugins = []plugin.Plugin{
			{Name: "own", Events: []plugin.Event{plugin.On("hang", func(ctx context.Context, _ plugin.Client, _ any) error { <-ctx.Done(); return nil })}},
			{Name: "own2", Events: []plugin.Event{plugin.Handle("own2", func(context.Context, plugin.Client, any) (string, error) { return "answers", nil })}},
		}
	})
	c := s.Socket(t)
	c.Emit("hang", nil)
	for n, event := range []string{"own2", "other"} {
		if f := c.Request(n+1, event, nil); !strings.Contains(f.Text, "answers") {
			t.Errorf("got %s", f.Text)
		}
	}
}
