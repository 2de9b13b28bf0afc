package hmr_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/seed-b8174343/devserver/hmr"
)

// leave sends what a page sends when it is left.
func leave(t *testing.T, at, session, first string, frames ...string) (status int) {
	t.Helper()
	url := fmt.Sprintf("http%s/?session=%s&leave=%s", strings.TrimPrefix(at, "ws"), session, first)
	res, err := http.Post(url, "text/plain", strings.NewReader(strings.Join(frames, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// TestLeaveBeforeAConnection leaves a page while a connection of it comes that was opened before: the frame that opens a
// tab on a shared socket may be slower than the request of the tab that is left. The connection neither drops the page's
// last events nor keeps the session.
func TestLeaveBeforeAConnection(t *testing.T) {
	var during func()
	hub, at := serve(t, hmr.Options{Logger: textLogger(writerFunc(func(text []byte) (int, error) {
		if during != nil && strings.Contains(string(text), "no handler gets") {
			during()
		}
		return len(text), nil
	}))})
	got := make(chan string, 10)
	hub.On("e", func(_ context.Context, _ *hmr.Client, data json.RawMessage) error {
		got <- string(data)
		return nil
	})
	gone := make(chan string, 10)
	hub.OnDisconnect(func(_ context.Context, c *hmr.Client) { gone <- c.ID() })
	p := open(t, at, "p")
	p.cut()
	during = func() {
		during = nil
		p.connect()
	}
	hello, bad, event := `{"type":"hello","url":"http://x/"}`, `{"type":"custom"}`, `{"type":"custom","event":"e","data":1}`
	if status := leave(t, at, "p", "1", hello, bad, event); status != http.StatusNoContent {
		t.Fatalf("status %d", status)
	}
	if during != nil {
		t.Fatal("no connection came")
	}
	until(t, func() bool { return len(got) == 1 && len(gone) == 1 })
	if id := <-gone; id != "c1" {
		t.Errorf("%s is gone", id)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// TestLeave leaves pages that the hub has had some frames of: it handles the others, once and in order, and then the
// page is gone. That holds while the page is connected, and while it is away.
func TestLeave(t *testing.T) {
	for _, away := range []bool{false, true} {
		hub, at := serve(t, hmr.Options{})
		var mu sync.Mutex
		var got []string
		hub.On("e", func(_ context.Context, _ *hmr.Client, data json.RawMessage) error {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, string(data))
			return nil
		})
		gone := make(chan string, 10)
		hub.OnDisconnect(func(_ context.Context, c *hmr.Client) { gone <- c.ID() })
		frames := []string{`{"type":"hello","url":"http://x/"}`}
		for i := range 4 {
			frames = append(frames, fmt.Sprintf(`{"type":"custom","event":"e","data":%d}`, i))
		}
		p := open(t, at, "p")
		for _, f := range frames[:3] {
			p.send(f)
		}
		handled := func() int { mu.Lock(); defer mu.Unlock(); return len(got) }
		until(t, func() bool { return handled() == 2 })
		if away {
			p.cut()
		}
		for first, want := range map[string]int{"0": 400, "x": 400, "5": 409} {
			if status := leave(t, at, "p", first, frames[4]); status != want {
				t.Errorf("leave=%s: status %d, want %d", first, status, want)
			}
		}
		if status := leave(t, at, "other", "1"); status != http.StatusNotFound {
			t.Errorf("a session that is not there: status %d", status)
		}
		if len(hub.Clients()) != 1 {
			t.Fatal("a refused request ended the session")
		}
		p.mu.Lock()
		p.sent = append(p.sent, frames[3:]...) // the hub may confirm them over the socket
		p.mu.Unlock()
		if status := leave(t, at, "p", "2", frames[1:]...); status != http.StatusNoContent {
			t.Fatalf("status %d", status)
		}
		if id := <-gone; id != "c1" || len(hub.Clients()) != 0 {
			t.Errorf("%s is gone, %d pages are left", id, len(hub.Clients()))
		}
		until(t, func() bool { return handled() == 4 })
		if fmt.Sprint(got) != "[0 1 2 3]" {
			t.Errorf("away %t: got %v", away, got)
		}
	}
}
