package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// BenchmarkRoundTrip measures a page's request to a plugin and the answer, over the socket. The plugin is in the
// server's process, and in the project's own program.
func BenchmarkRoundTrip(b *testing.B) {
	const page = "\n-- index.html --\n<!doctype html>\n"
	b.Run("in process", func(b *testing.B) {
		s := devtest.Start(b, devtest.App(b, devtest.Text(page)), func(o *server.Options) {
			o.Plugins = []plugin.Plugin{{Name: "sum", Events: []plugin.Event{
				plugin.Handle("sum:of", func(_ context.Context, _ plugin.Client, in sum) (int, error) { return in.A + in.B, nil }),
			}}}
		})
		roundTrips(b, s)
	})
	b.Run("child", func(b *testing.B) {
		app := devtest.App(b, devtest.Text(page))
		goPlugin(b, app, `Name: "sum", Events: []plugin.Event{
			plugin.Handle("sum:of", func(_ context.Context, _ plugin.Client, in struct{ A, B int }) (int, error) { return in.A + in.B, nil }),
		}`)
		s := devtest.Start(b, app, withPlugins)
		s.Log.Wait(b, "plugins ready: sum")
		roundTrips(b, s)
	})
}

func roundTrips(b *testing.B, s *devtest.Server) {
	ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.URL, "http")+"/?token="+s.Token(), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer ws.Close()
	for id := 0; b.Loop(); id++ {
		if err := ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"type":"request","id":%d,"event":"sum:of","data":{"a":%d,"b":1}}`, id, id)); err != nil {
			b.Fatal(err)
		}
		for {
			_, text, err := ws.ReadMessage()
			if err != nil {
				b.Fatal(err)
			}
			var f struct {
				Type     string
				ID, Data int
			}
			if !strings.HasPrefix(string(text), `{"type":"reply"`) {
				continue
			}
			if err := json.Unmarshal(text, &f); err != nil || f.ID != id || f.Data != id+1 {
				b.Fatalf("request %d: got %s, %v", id, text, err)
			}
			break
		}
	}
}
