package relay

import (
	"encoding/json"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// TestRetainedMessageThatWaitsHoldsUpNothing: while a retained message waits for a page, channels are registered,
// replaced and used.
func TestRetainedMessageThatWaitsHoldsUpNothing(t *testing.T) {
	hub := hmr.NewHub(hmr.Options{QueueMessages: 1, StallTimeout: time.Hour})
	server := httptest.NewServer(hub)
	defer server.Close()
	defer hub.Close()

	var c channels
	listening := make(chan bool, 10)
	program := func(id string) (off func()) {
		t.Helper()
		off, err := c.add(hub, id, func() *pluginChannel {
			parts := strings.Split(id, "_")
			return hmr.NewChannel[json.RawMessage, json.RawMessage](parts[0], parts[1], parts[2])
		})
		if err != nil {
			t.Fatal(err)
		}
		return off
	}
	off := program("a_b_c")
	defer hub.OnPassed(func(p hmr.Passed) {
		if p.Event == "a_b_c" {
			listening <- true
		}
	})()
	if err := c.retain("a_b_c", []byte("0")); err != nil {
		t.Fatal(err)
	}
	ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http")+"/?session=p", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe","channel":"a_b_c"}`)); err != nil {
		t.Fatal(err)
	}
	<-listening
	ws.Close()
	for misses := 0; misses < 1000; runtime.Gosched() { // until the page takes nothing any more
		missed, err := hub.TryBroadcast("x", nil)
		if err != nil {
			t.Fatal(err)
		}
		if misses++; missed == 0 {
			misses = 0
		}
	}

	done := make(chan error)
	go func() { done <- c.retain("a_b_c", []byte("1")) }()
	for newest := ""; newest != "1"; runtime.Gosched() {
		c.mu.Lock()
		if retained := c.byID["a_b_c"].retained; retained != nil {
			newest = string(*retained) // not seen if the message that waits has the lock
		}
		c.mu.Unlock()
	}
	off()
	off = program("a_b_c")
	defer off()
	defer program("a_b_d")()
	if missed, err := c.send(wire.SendCall{Channel: "a_b_d", All: true, Try: true, Data: []byte("1")}); missed != 0 || err != nil {
		t.Errorf("missed %d, %v", missed, err)
	}
	hub.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
