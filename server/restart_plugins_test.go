package server_test

import (
	"context"
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
