package hmr_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/hmr"
)

// TestQueuesHoldNames: events, requests and messages that wait are handled by the handlers that are there when their
// turn comes. While handlers are replaced, they wait.
func TestQueuesHoldNames(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	const each = 100
	// The handlers of one kind run one after the other.
	kinds := map[string]*[]string{"event": {}, "request": {}, "message": {}}
	first, goOn := make(chan bool, 3), make(chan bool)
	register := func(program string) (off func()) {
		note := func(kind string, data json.RawMessage) {
			*kinds[kind] = append(*kinds[kind], program+" "+string(data))
			if string(data) == "0" {
				first <- true
				<-goOn
			}
		}
		offs := []func(){hub.OnIn("events", "e", func(_ context.Context, _ *hmr.Client, data json.RawMessage) error {
			note("event", data)
			return nil
		})}
		off, err := hub.HandleIn("requests", "r", func(_ context.Context, _ *hmr.Client, data json.RawMessage) (any, error) {
			note("request", data)
			return program, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		c := hmr.NewChannel[json.RawMessage, int]("a", "b", "c").Handle(func(_ context.Context, _ hmr.Conn[int], data json.RawMessage) error {
			note("message", data)
			return nil
		})
		if err := hub.Register(c); err != nil {
			t.Fatal(err)
		}
		offs = append(offs, off, func() { hub.Unregister(c) })
		return func() {
			for _, off := range offs {
				off()
			}
		}
	}
	off := register("old")
	p := open(t, at, "p")
	for n := range each {
		p.send(fmt.Sprintf(`{"type":"custom","event":"e","data":%d}`, n))
		p.send(fmt.Sprintf(`{"type":"request","event":"r","id":%d,"data":%d}`, n+1, n))
		p.send(fmt.Sprintf(`{"type":"custom","event":"a_b_c","data":%d}`, n))
	}
	for range 3 { // the first of each kind is handled, the others wait
		<-first
	}
	release := hub.Hold()
	off()
	close(goOn)
	p.await("the answer of the old handler", func(f map[string]any) bool { return f["type"] == "reply" && f["data"] == "old" })
	register("new")
	release()
	for n := 1; n < each; n++ {
		if f := p.await("an answer", ofType("reply")); f["id"] != float64(n+1) || f["data"] != "new" {
			t.Fatalf("got %v", f)
		}
	}
	until(t, func() bool { return hmr.Waiting(hub.Clients()[0]) == 0 })
	for kind, got := range kinds {
		want := []string{"old 0"}
		for n := 1; n < each; n++ {
			want = append(want, fmt.Sprint("new ", n))
		}
		if !slices.Equal(*got, want) {
			t.Errorf("%s: got %q", kind, *got)
		}
	}
}

// TestHandlerThatIsReplaced: a handler that returns ErrReplaced has done nothing, so that the next program's is called.
func TestHandlerThatIsReplaced(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	holds := make(chan func(), 1)
	off := hub.OnIn("g", "e", func(context.Context, *hmr.Client, json.RawMessage) error {
		holds <- hub.Hold()
		return hmr.ErrReplaced
	})
	called := make(chan string, 10)
	p := open(t, at, "p")
	p.send(`{"type":"custom","event":"e","data":1}`)
	release := <-holds
	off()
	hub.OnIn("g", "e", func(_ context.Context, _ *hmr.Client, data json.RawMessage) error {
		called <- string(data)
		return nil
	})
	release()
	p.send(`{"type":"custom","event":"e","data":2}`)
	for _, want := range []string{"1", "2"} {
		if got := <-called; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	// A handler that says so without being replaced is not called for ever.
	hub.OnIn("stuck", "s", func(context.Context, *hmr.Client, json.RawMessage) error { return hmr.ErrReplaced })
	p.send(`{"type":"custom","event":"s"}`)
	p.await("an error", event("devserver:event-error"))
}

// TestManyWait: a handler that hangs holds up neither the requests to other groups nor any other frame of its page.
func TestManyWait(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	var handled atomic.Int64
	goOn := make(chan bool)
	hub.OnIn("hangs", "e", func(context.Context, *hmr.Client, json.RawMessage) error {
		<-goOn
		handled.Add(1)
		return nil
	})
	if _, err := hub.HandleIn("answers", "r", func(context.Context, *hmr.Client, json.RawMessage) (any, error) { return "here", nil }); err != nil {
		t.Fatal(err)
	}
	p := open(t, at, "p")
	const events = 25_000
	for range events {
		p.send(`{"type":"custom","event":"e"}`)
	}
	p.send(`{"type":"request","event":"r","id":1}`)
	p.await("the answer", ofType("reply"))
	p.send(`{"type":"ping"}`)
	close(goOn)
	until(t, func() bool { return handled.Load() == events })
}

// TestHoldKeepsAll: what has no handler yet is kept, however much it is, and handled in order.
func TestHoldKeepsAll(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	release := hub.Hold()
	p := open(t, at, "p")
	const events = 30_000
	for n := range events {
		p.send(fmt.Sprintf(`{"type":"custom","event":"e","data":%d}`, n))
	}
	next := 0
	hub.OnIn("g", "e", func(_ context.Context, c *hmr.Client, data json.RawMessage) error {
		if string(data) != fmt.Sprint(next) {
			t.Errorf("got %s, want %d", data, next)
		}
		if next++; next == events {
			return c.Send("all", nil)
		}
		return nil
	})
	release()
	p.await("all", func(f map[string]any) bool {
		if f["event"] == hmr.UnknownEvent {
			t.Error("an event that was held is told to have no handler")
		}
		return f["event"] == "all"
	})
}

// TestWaitingIsTold: a page hears how much of what it sent waits, and later that it does not.
func TestWaitingIsTold(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	goOn := make(chan bool)
	hub.On("e", func(context.Context, *hmr.Client, json.RawMessage) error { <-goOn; return nil })
	ws, _, err := websocket.DefaultDialer.Dial(at+"/?session=p&acks=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	await := func(what string, ok func(hmr.Ack) bool) {
		for {
			var ack hmr.Ack
			if err := ws.ReadJSON(&ack); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if ok(ack) {
				return
			}
		}
	}
	pad := strings.Repeat("x", 64<<10)
	for range 200 { // 13 MB
		if err := ws.WriteMessage(1, []byte(`{"type":"custom","event":"e","data":"`+pad+`"}`)); err != nil {
			t.Fatal(err)
		}
	}
	await("that much waits", func(a hmr.Ack) bool { return a.Waiting >= 196 && a.WaitingBytes > 12<<20 })
	close(goOn)
	await("that little waits", func(a hmr.Ack) bool { return a.N == 200 && a.WaitingBytes < 8<<20 })
}

// TestPageThatSendsMoreThanMayWait loses its connection, if it confirms frames, and nothing that it sent.
func TestPageThatSendsMoreThanMayWait(t *testing.T) {
	hub, at := serve(t, hmr.Options{EventRate: 1 << 20})
	next, goOn := 0, make(chan bool)
	done := make(chan bool)
	const events = 160_000 // more than twice what may wait
	hub.On("e", func(_ context.Context, _ *hmr.Client, data json.RawMessage) error {
		<-goOn
		if string(data) != fmt.Sprint(next) {
			t.Errorf("got %s, want %d", data, next)
		}
		if next++; next == events {
			close(done)
		}
		return nil
	})
	p := open(t, at, "p") // knows no bounds and resumes
	go func() {
		for n := range events {
			p.send(fmt.Sprintf(`{"type":"custom","event":"e","data":%d}`, n))
		}
	}()
	until(t, func() bool { return hmr.Waiting(hub.Clients()[0]) > 2*65_000 })
	close(goOn)
	<-done
}

// TestGivenUpRequestsAreNotRun, neither those that wait behind another request nor those that are held.
func TestGivenUpRequestsAreNotRun(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	release := hub.Hold()
	p := open(t, at, "p")
	for id := range 6 {
		p.send(fmt.Sprintf(`{"type":"request","event":"r","id":%d,"data":%d}`, id, id))
	}
	for _, id := range []int{1, 2, 4} {
		p.send(fmt.Sprintf(`{"type":"cancel","id":%d}`, id))
	}
	p.send(`{"type":"request","event":"x","id":6}`)
	until(t, func() bool { return len(hub.Clients()) == 1 && hmr.Waiting(hub.Clients()[0]) == 7 })
	var run []string
	if _, err := hub.HandleIn("g", "r", func(_ context.Context, _ *hmr.Client, data json.RawMessage) (any, error) {
		run = append(run, string(data))
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	release()
	missing := map[any]bool{5.0: true, 6.0: true} // in any order: no handler answers the last request
	p.await("the last answers", func(f map[string]any) bool {
		if f["type"] == "reply" {
			delete(missing, f["id"])
		}
		return len(missing) == 0
	})
	if !slices.Equal(run, []string{"0", "3", "5"}) {
		t.Errorf("run: %q", run)
	}
}

// TestContextsEndWithThePage: of requests at once, of events and messages a moment later.
func TestContextsEndWithThePage(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	began, ended := make(chan bool, 3), make(chan string, 3)
	wait := func(what string) hmr.EventFunc {
		return func(ctx context.Context, _ *hmr.Client, _ json.RawMessage) error {
			began <- true
			<-ctx.Done()
			ended <- what
			return ctx.Err()
		}
	}
	hub.OnIn("events", "e", wait("event"))
	if _, err := hub.HandleIn("requests", "r", func(ctx context.Context, c *hmr.Client, data json.RawMessage) (any, error) {
		return nil, wait("request")(ctx, c, data)
	}); err != nil {
		t.Fatal(err)
	}
	if err := hub.Register(hmr.NewChannel[int, int]("a", "b", "c").Handle(func(ctx context.Context, c hmr.Conn[int], _ int) error {
		return wait("message")(ctx, c.Client, nil)
	})); err != nil {
		t.Fatal(err)
	}
	p := open(t, at, "p")
	p.send(`{"type":"custom","event":"e"}`)
	p.send(`{"type":"request","event":"r","id":1}`)
	p.send(`{"type":"custom","event":"a_b_c","data":1}`)
	for range 3 {
		<-began
	}
	hub.Clients()[0].Close("enough")
	if first := <-ended; first != "request" {
		t.Errorf("the %s ended first", first)
	}
	<-ended
	<-ended
	// What a page sends when it is left is handled, with a context that has not ended.
	last := make(chan error, 1)
	release := hub.Hold()
	q := open(t, at, "q")
	q.send(`{"type":"custom","event":"bye"}`)
	until(t, func() bool { return len(hub.Clients()) == 1 && hmr.Waiting(hub.Clients()[0]) == 1 })
	hub.Clients()[0].Close("left")
	hub.On("bye", func(ctx context.Context, _ *hmr.Client, _ json.RawMessage) error { last <- ctx.Err(); return nil })
	time.AfterFunc(0, release)
	if err := <-last; err != nil {
		t.Error(err)
	}
}

// TestRefusedFrames: a page hears of each frame that no handler gets, with a code.
func TestRefusedFrames(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	never := func(context.Context, *hmr.Client, json.RawMessage) error { t.Error("was handled"); return nil }
	hub.On("e", never)
	hub.On("", never)
	if err := hub.Register(hmr.NewChannel[any, int]("a", "b", "c").Handle(func(context.Context, hmr.Conn[int], any) error {
		t.Error("was handled")
		return nil
	})); err != nil {
		t.Fatal(err)
	}
	p := open(t, at, "p")
	deep := func(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
	for _, test := range []struct{ frame, is, code string }{
		{`{"type":"custom","event":"e","data":` + deep(120) + `}`, "e", "too_deep"},
		{`{"type":"request","event":"r","id":7,"data":` + deep(120) + `}`, "7", "too_deep"},
		{`{"type":"request","id":8,"event":"r","data":` + deep(20_000) + `}`, "8", "bad_message"},
		{`{"type":"custom","event":"e","data":` + deep(20_000) + `}`, "e", "bad_message"},
		{`{"type":"custom","event":"a_b_c","data":` + deep(120) + `}`, "a_b_c", "too_deep"},
		{`{"type":"request","event":"","id":9}`, "9", "bad_event"},
		{`{"type":"request","id":10}`, "10", "bad_event"},
		{`{"type":"custom","data":1}`, "", "bad_event"},
		{`{"type":"custom","event":"e","data":{]}`, "e", "bad_message"},
		{`{"type":"request","id":"x","event":5}`, "0", "bad_message"},
	} {
		p.send(test.frame)
		f := p.await("an error", func(f map[string]any) bool { return true })
		text := fmt.Sprint(f)
		if !strings.Contains(text, "code:"+test.code) || f["type"] == "reply" && fmt.Sprint(f["id"]) != test.is ||
			f["type"] == "custom" && !strings.Contains(text, ":"+test.is) {
			t.Errorf("%.60s: got %v", test.frame, f)
		}
	}
}
