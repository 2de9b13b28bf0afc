package hmr_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/hmr"
)

// data is what is sent to all: the size of a small update.
var data = map[string]string{"text": strings.Repeat("x", 1000)}

// sockets opens n connections and returns a func that waits until each of them has had one more message.
func sockets(b *testing.B, at string, n int) (await func()) {
	b.Helper()
	got := make(chan struct{}, n)
	for i := range n {
		ws, _, err := websocket.DefaultDialer.Dial(fmt.Sprintf("%s/?session=s%d", at, i), nil)
		if err != nil {
			b.Skipf("open connection %d of %d: %v (the limit of open files may be too low)", i, n, err)
		}
		b.Cleanup(func() { ws.Close() })
		go func() {
			received := 0
			for {
				_, text, err := ws.ReadMessage()
				if err != nil {
					return
				}
				if strings.Contains(string(text[:min(len(text), 40)]), `"custom"`) {
					if received++; received%64 == 0 {
						_ = ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"type":"ack","n":%d}`, received))
					}
					got <- struct{}{}
				}
			}
		}()
	}
	return func() {
		for range n {
			<-got
		}
	}
}

// BenchmarkBroadcast sends one message to all pages until all have it; BenchmarkBareBroadcast does so with nothing but
// gorilla's connections in a loop. Their ratio is what the hub costs.
func BenchmarkBroadcast(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprintf("pages=%d", n), func(b *testing.B) {
			hub, at := serve(b, hmr.Options{})
			before := heap()
			await := sockets(b, at, n)
			each := float64(heap()-before) / float64(n)
			for b.Loop() {
				if err := hub.Broadcast("e", data); err != nil {
					b.Fatal(err)
				}
				await()
			}
			b.ReportMetric(each, "B/page") // both ends of its connection
		})
	}
}

func BenchmarkBareBroadcast(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprintf("pages=%d", n), func(b *testing.B) {
			var mu sync.Mutex
			var all []*websocket.Conn
			up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ws, err := up.Upgrade(w, r, nil)
				if err != nil {
					return
				}
				mu.Lock()
				all = append(all, ws)
				mu.Unlock()
				for err == nil {
					_, _, err = ws.ReadMessage()
				}
			}))
			b.Cleanup(s.Close)
			await := sockets(b, "ws"+strings.TrimPrefix(s.URL, "http"), n)
			text, err := hmr.Encode(&hmr.Custom{Event: "e", Data: encoded(b, data)})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				for _, ws := range all {
					if err := ws.WriteMessage(websocket.TextMessage, text); err != nil {
						b.Fatal(err)
					}
				}
				await()
			}
		})
	}
}

// BenchmarkRoundTrip is an event to a handler and its answer.
func BenchmarkRoundTrip(b *testing.B) {
	hub, at := serve(b, hmr.Options{})
	hub.On("ask", func(_ context.Context, c *hmr.Client, data json.RawMessage) error { return c.Send("e", data) })
	ws, _, err := websocket.DefaultDialer.Dial(at, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer ws.Close()
	for b.Loop() {
		if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"custom","event":"ask","data":{"n":1}}`)); err != nil {
			b.Fatal(err)
		}
		for {
			_, text, err := ws.ReadMessage()
			if err != nil {
				b.Fatal(err)
			}
			if strings.Contains(string(text), `"custom"`) {
				break
			}
		}
	}
}

func encoded(b *testing.B, v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	return text
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
