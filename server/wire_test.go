package server_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// TestClientsOfVite: a client that speaks Vite's protocol, without sessions, can connect, send and get events. It can
// also probe whether the server is back.
func TestClientsOfVite(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text(page+"-- main.js --\n")), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{Name: "wire", Events: []plugin.Event{
			plugin.On("wire:echo", func(_ context.Context, c plugin.Client, in any) error { return c.Send("wire:echoed", in) }),
		}}}
	})
	address := "ws" + strings.TrimPrefix(s.URL, "http") + "/"
	dial := func(protocol, url string) *websocket.Conn {
		t.Helper()
		ws, _, err := (&websocket.Dialer{Subprotocols: []string{protocol}}).DialContext(t.Context(), url, http.Header{"Origin": {s.URL}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ws.Close() })
		if ws.Subprotocol() != protocol {
			t.Fatalf("the protocol is %q, want %q", ws.Subprotocol(), protocol)
		}
		return ws
	}
	if _, _, err := dial("vite-ping", address).ReadMessage(); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		t.Errorf("a probe ended with %v", err)
	}
	if n := len(s.Server().Hub().Clients()); n != 0 {
		t.Errorf("a probe counts as %d clients, want 0", n)
	}

	ws := dial("vite-hmr", address+"?token="+s.Token())
	next := func() string {
		t.Helper()
		_, text, err := ws.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if first := next(); !strings.HasPrefix(first, `{"type":"connected"`) {
		t.Errorf("the first frame is %s", first)
	}
	for _, frame := range []string{`{"type":"ping"}`, `no JSON`, `{"type":"later version"}`, `{"type":"custom","event":"wire:echo","data":{"n":[1]}}`} {
		if err := ws.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
			t.Fatal(err)
		}
	}
	for {
		text := next()
		if strings.HasPrefix(text, `{"type":"ack"`) {
			continue
		}
		if want := `{"type":"custom","event":"wire:echoed","data":{"n":[1]}}`; text != want {
			t.Errorf("got %s, want %s", text, want)
		}
		return
	}
}
