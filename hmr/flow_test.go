package hmr_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/hmr"
)

// reader is a page that only listens. It confirms frames as our client does, and resumes its session when it is cut.
type reader struct {
	at, session string
	received    atomic.Uint64
	resets      int
	lost        []string
	ws          atomic.Pointer[websocket.Conn]
}

// count reads events of that name with numbered data {"n": …} until it has had as many as most, and returns an error
// for a number that is missing or out of order.
func (r *reader) count(name string, most int) error {
	next := 0
	for next < most {
		q := url.Values{"session": {r.session}, "received": {fmt.Sprint(r.received.Load())}, "acks": {"1"}}
		ws, _, err := websocket.DefaultDialer.Dial(r.at+"/?"+q.Encode(), nil)
		if err != nil {
			return err
		}
		r.ws.Store(ws)
		for unconfirmed, bytes := 0, 0; next < most; {
			_, text, err := ws.ReadMessage()
			if err != nil {
				break // cut
			}
			var f struct {
				Type    string
				Resumed bool
				Lost    *hmr.Lost
			}
			number, numbered := -1, strings.HasPrefix(string(text), `{"type":"custom","event":"`+name+`","data":{"n":`)
			if numbered { // most frames, which may be large
				f.Type = "custom"
				_, _ = fmt.Sscan(string(text[len(name)+40:min(len(text), len(name)+50)]), &number)
			} else if err := json.Unmarshal(text, &f); err != nil {
				return err
			}
			switch f.Type {
			case "connected":
				if !f.Resumed {
					if r.received.Swap(0) > 0 {
						r.resets++
					}
					_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello","url":"`+r.session+`"}`)) // lost: said again
				}
				if f.Lost != nil {
					r.lost = append(r.lost, fmt.Sprintf("%d: %s", f.Lost.Messages, f.Lost.Reason))
				}
				continue
			case "ack":
				continue
			case "custom":
				if numbered && number != next {
					return fmt.Errorf("page %s got number %d after %d others", r.session, number, next)
				} else if numbered {
					next++
				}
			}
			r.received.Add(1)
			if unconfirmed, bytes = unconfirmed+1, bytes+len(text); unconfirmed >= 64 || bytes >= 256<<10 || next == most {
				unconfirmed, bytes = 0, 0
				_ = ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"type":"ack","n":%d}`, r.received.Load())) // lost: resumes
			}
		}
		_ = ws.Close()
	}
	return nil
}

type numbered struct {
	N   int    `json:"n"`
	Pad string `json:"pad,omitempty"`
}

// heapGrowth samples the heap until stop is called, and returns by how many MiB it grew.
func heapGrowth() (stop func() int) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, most := m.HeapInuse, uint64(0)
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapInuse)
			}
		}
	}()
	return func() int {
		close(done)
		<-over
		return int(most-min(most, before)) >> 20
	}
}

// TestBurstsReachEveryPage: nothing is lost or reordered, however fast a sender is. Five of the pages never read. They
// hold nobody up for long, and are told what they lost.
func TestBurstsReachEveryPage(t *testing.T) {
	for _, burst := range []struct {
		name                              string
		messages, size, pages, deaf, kept int
	}{
		{"many small", 6_000, 200, 8, 2, 0},
		{"large", 180, 64 << 10, 8, 2, 0},
		{"to many pages", 1000, 20, 200, 5, 600},
		{"very many to one page", 40_000, 0, 1, 0, 0},
	} {
		if soaking() && burst.kept == 0 {
			burst.messages *= 3
		}
		t.Run(burst.name, func(t *testing.T) {
			log := &lines{}
			hub, at := serve(t, hmr.Options{StallTimeout: 300 * time.Millisecond, KeepMessages: burst.kept, Logger: textLogger(log)})
			var gone atomic.Int64
			hub.OnDisconnect(func(context.Context, *hmr.Client) { gone.Add(1) })
			deaf := make([]*websocket.Conn, burst.deaf)
			for i := range deaf {
				ws, _, err := websocket.DefaultDialer.Dial(fmt.Sprintf("%s/?session=deaf%d&acks=1", at, i), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer ws.Close()
				if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello"}`)); err != nil {
					t.Fatal(err)
				}
				deaf[i] = ws
			}
			var all sync.WaitGroup
			pages := make([]*reader, burst.pages)
			for i := range pages {
				pages[i] = &reader{at: at, session: fmt.Sprint("p", i)}
				all.Go(func() {
					if err := pages[i].count("n", burst.messages); err != nil {
						t.Error(err)
					}
				})
			}
			until(t, func() bool { return len(hub.Opened()) == burst.pages+burst.deaf })
			grown := heapGrowth()
			pad := strings.Repeat("x", burst.size)
			for n := range burst.messages {
				if err := hub.Broadcast("n", numbered{n, pad}); err != nil {
					t.Fatal(err)
				}
			}
			all.Wait()
			if mb := grown(); mb > 80 { // with garbage: a busy machine collects late
				t.Errorf("the heap grew by %d MiB", mb)
			}
			for _, p := range pages {
				if p.resets > 0 || len(p.lost) > 0 {
					t.Errorf("page %s lost its session: %q", p.session, p.lost)
				}
			}
			// A page that read nothing has lost its session with what was kept for it, and hears of that.
			until(t, func() bool { return gone.Load() == int64(burst.deaf) })
			for i := range deaf {
				ws, _, err := websocket.DefaultDialer.Dial(fmt.Sprintf("%s/?session=deaf%d&received=0", at, i), nil)
				if err != nil {
					t.Fatal(err)
				}
				var hello hmr.Connected
				if err := ws.ReadJSON(&hello); err != nil || hello.Resumed || hello.Lost == nil || hello.Lost.Messages == 0 {
					t.Errorf("a page that never read is greeted by %+v, %v", hello, err)
				}
				_ = ws.Close()
			}
			if n := strings.Count(log.String(), "are lost: more waited for it than is kept"); n != burst.deaf {
				t.Errorf("the log has %d lines about lost messages, want %d:\n%s", n, burst.deaf, log.String())
			}
		})
	}
}

// TestBurstOverCuts: connections that are cut lose nothing of a burst.
func TestBurstOverCuts(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	const messages = 20_000
	p := &reader{at: at, session: "p"}
	done := make(chan error, 1)
	go func() { done <- p.count("n", messages) }()
	until(t, func() bool { return len(hub.Opened()) == 1 })
	cuts := 0
	for n := range messages {
		if err := hub.Broadcast("n", numbered{N: n, Pad: strings.Repeat("x", 200)}); err != nil {
			t.Fatal(err)
		}
		if rand.IntN(messages/40) == 0 {
			_ = p.ws.Load().NetConn().Close()
			cuts++
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if p.resets > 0 || len(p.lost) > 0 {
		t.Errorf("after %d cuts the session was lost %d times: %q", cuts, p.resets, p.lost)
	}
}

// TestHandlersThatBroadcastWhileTheirPageFloods do not dead-lock: the page's confirmations are read meanwhile.
func TestHandlersThatBroadcastWhileTheirPageFloods(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	const events, each = 300, 20
	var n atomic.Int64
	hub.On("flood", func(context.Context, *hmr.Client, json.RawMessage) error {
		for range each {
			if err := hub.Broadcast("n", numbered{N: int(n.Add(1)) - 1, Pad: strings.Repeat("x", 4096)}); err != nil {
				return err
			}
		}
		return nil
	})
	p := &reader{at: at, session: "p"}
	done := make(chan error, 1)
	go func() { done <- p.count("n", events*each) }()
	until(t, func() bool { return len(hub.Opened()) == 1 })
	q := open(t, at, "other")
	for range events {
		q.send(`{"type":"custom","event":"flood"}`)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if p.resets > 0 {
		t.Error("the session was lost")
	}
}

// TestTryBroadcastNeverWaits and says how many pages it left out.
func TestTryBroadcastNeverWaits(t *testing.T) {
	const sent = 250 // more than the system and the queue hold
	hub, at := serve(t, hmr.Options{QueueMessages: 10, StallTimeout: time.Hour})
	deaf, _, err := websocket.DefaultDialer.Dial(at+"/?session=deaf", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	until(t, func() bool { return len(hub.Clients()) == 1 })
	missed := 0
	for range sent {
		n, err := hub.TryBroadcast("n", numbered{Pad: strings.Repeat("x", 64<<10)})
		if err != nil {
			t.Fatal(err)
		}
		missed += n
	}
	if missed == 0 || missed == sent {
		t.Errorf("%d of %d messages were left out", missed, sent)
	}
	if err := hub.Clients()[0].TrySend("n", nil); err != hmr.ErrBehind {
		t.Errorf("TrySend to a page that is behind returns %v", err)
	}
	got := 0
	for got < sent-missed {
		_, text, err := deaf.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), `"custom"`) {
			got++
		}
	}
}

// TestPageOfOneUserIsNotSentToTheNext: what was begun for a user fails once the page has another user.
func TestWhatWasBegunForAUserFailsForTheNext(t *testing.T) {
	hub, at := serve(t, hmr.Options{Identify: byCookie, KeepRequests: true})
	began, goOn := make(chan *hmr.Client, 2), make(chan bool)
	errs := make(chan error, 1)
	hub.On("tell", func(_ context.Context, c *hmr.Client, _ json.RawMessage) error {
		began <- c
		<-goOn
		errs <- c.Send("secret", "of "+c.User())
		return nil
	})
	if _, err := hub.HandleIn("slow", "ask", func(_ context.Context, c *hmr.Client, _ json.RawMessage) (any, error) {
		began <- c
		<-goOn
		return "of " + c.User(), nil
	}); err != nil {
		t.Fatal(err)
	}
	p := &page{t: t, url: at, session: "p", seen: make(chan map[string]any, 100)}
	p.connectAs("ann")
	p.send(`{"type":"custom","event":"tell"}`)
	p.send(`{"type":"request","event":"ask","id":1}`)
	ann := <-began
	<-began
	p.cut()
	p.connectAs("bob")
	close(goOn)
	if err := <-errs; err != hmr.ErrUserChanged {
		t.Errorf("Send returns %v", err)
	}
	if f := p.await("the answer", ofType("reply")); !strings.Contains(fmt.Sprint(f), "user_changed") || strings.Contains(fmt.Sprint(f), "ann") {
		t.Errorf("bob got %v", f)
	}
	if err := ann.Join("room"); err != hmr.ErrUserChanged {
		t.Errorf("Join returns %v", err)
	}
	if user := ann.User(); user != "ann" {
		t.Errorf("the client of ann is %q", user)
	}
}

// TestGreetingThatIsLost: the page comes back with the count of the session before, whose successor it has not heard
// of. It gets all that waits for it, and hears what the session before has lost.
func TestGreetingThatIsLost(t *testing.T) {
	hub, at := serve(t, hmr.Options{Epoch: "e", KeepMessages: 100, StallTimeout: 10 * time.Millisecond})
	connect := func(received int, client string) (*websocket.Conn, hmr.Connected) {
		t.Helper()
		q := url.Values{"session": {"p"}, "received": {fmt.Sprint(received)}, "acks": {"1"}, "client": {client}, "epoch": {"e"}}
		if client == "" {
			q.Del("client")
		}
		ws, _, err := websocket.DefaultDialer.Dial(at+"/?"+q.Encode(), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ws.Close() })
		var hello hmr.Connected
		if err := ws.ReadJSON(&hello); err != nil {
			t.Fatal(err)
		}
		return ws, hello
	}
	gone := make(chan bool, 10)
	hub.OnDisconnect(func(context.Context, *hmr.Client) { gone <- true })
	ws, first := connect(0, "")
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello"}`)); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return len(hub.Opened()) == 1 })
	_ = ws.NetConn().Close()
	for range 200 { // more than is kept
		if err := hub.Broadcast("before", nil); err != nil {
			t.Fatal(err)
		}
	}
	<-gone
	ws, second := connect(3, first.Client)
	if second.Resumed || second.Lost == nil || second.Client == first.Client {
		t.Fatalf("greeted by %+v", second)
	}
	_ = ws.NetConn().Close() // as if the page had not got it
	for n := range 10 {
		if err := hub.Broadcast("n", numbered{N: n}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // again: also this greeting is lost
		ws, third := connect(3, first.Client)
		if third.Resumed || third.Client != second.Client || third.Lost == nil || *third.Lost != *second.Lost {
			t.Fatalf("greeted by %+v", third)
		}
		for n := range 10 {
			var f struct{ Data struct{ N int } }
			if err := ws.ReadJSON(&f); err != nil || f.Data.N != n {
				t.Fatalf("got %+v, %v, want number %d", f, err, n)
			}
		}
		_ = ws.NetConn().Close()
	}
	// What a session without a word to its page has to tell is told by its successor, too.
	hub.Clients()
	ws, fourth := connect(10, second.Client)
	_ = ws
	if fourth.Client != second.Client || fourth.Lost == nil {
		t.Errorf("greeted by %+v", fourth)
	}
}

// TestConfirmationsGoToTheNewestConnection: the writer of a connection that is lost, and still blocked, takes none.
func TestConfirmationsGoToTheNewestConnection(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	old, _, err := websocket.DefaultDialer.Dial(at+"/?session=p&received=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	until(t, func() bool { return len(hub.Clients()) == 1 })
	if err := hub.Broadcast("large", strings.Repeat("x", 12<<20)); err != nil { // its writer blocks
		t.Fatal(err)
	}
	p := &page{t: t, url: at, session: "p", seen: make(chan map[string]any, 100)}
	p.connect()
	for range 10 {
		p.send(`{"type":"custom","event":"e"}`)
	}
	go func() { // the old connection goes on
		for {
			if _, _, err := old.ReadMessage(); err != nil {
				return
			}
		}
	}()
	until(t, func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.acked == 10 })
}

// TestEventsWithLongNamesAreReported, with a part of the name.
func TestEventsWithLongNamesAreReported(t *testing.T) {
	_, at := serve(t, hmr.Options{})
	p := open(t, at, "p")
	p.send(`{"type":"custom","event":"` + strings.Repeat("é", 200) + `"}`)
	p.await("the report", event(hmr.UnknownEvent))
}

// TestSessionIsLostOnce: what is queued at once beyond the bounds ends the session once.
func TestSessionIsLostOnce(t *testing.T) {
	hub, at := serve(t, hmr.Options{KeepMessages: 10})
	gone := make(chan string, 100)
	hub.OnDisconnect(func(_ context.Context, c *hmr.Client) { gone <- c.ID() })
	asked, answer := make(chan bool), make(chan bool)
	ch := hmr.NewChannel[int, int]("a", "b", "c").Allow(func(context.Context, *hmr.Client, hmr.Direction) error {
		asked <- true
		<-answer
		return nil
	})
	if err := errors.Join(ch.Retain(-1), hub.Register(ch)); err != nil {
		t.Fatal(err)
	}
	ws, _, err := websocket.DefaultDialer.Dial(at+"/?session=p&acks=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe","channel":"a_b_c"}`)); err != nil {
		t.Fatal(err)
	}
	<-asked
	for n := range 12 { // with the retained message and an error, more than is kept twice over
		if err := ch.Broadcast(n); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		if err := hub.Publish(&hmr.Custom{Event: "fills the queue"}); err != nil {
			t.Fatal(err)
		}
	}
	close(answer)
	first := <-gone
	ws, _, err = websocket.DefaultDialer.Dial(at+"/?session=p&acks=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello"}`)); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return len(hub.Opened()) == 1 })
	hub.Opened()[0].Close("enough")
	if next := <-gone; next == first {
		t.Error("Disconnect is called twice for one page")
	}
}

// TestALongMessageIsKept: a message that is longer than what is kept ends no session, and neither does what follows it.
func TestALongMessageIsKept(t *testing.T) {
	hub, at := serve(t, hmr.Options{KeepBytes: 1000})
	p := open(t, at+"/?acks=1", "p")
	p.cut()
	send := func(size int) {
		t.Helper()
		if err := hub.Publish(&hmr.Custom{Event: "e", Data: fmt.Appendf(nil, `{"size":%d,"pad":"%s"}`, size, strings.Repeat("x", size))}); err != nil {
			t.Fatal(err)
		}
	}
	for _, size := range []int{100, 50_000, 200, 300} {
		send(size)
	}
	p.connect()
	for _, size := range []int{100, 50_000, 200, 300} {
		f := p.await("a message", event("e"))
		if got := f["data"].(map[string]any)["size"]; got != float64(size) {
			t.Errorf("got the message of %v bytes, want %d", got, size)
		}
	}
	if p.resets > 0 {
		t.Error("the session ended")
	}
	p.cut()
	send(50_000)
	send(50_000) // two of them are too much
	p.connect()
	send(1)
	if got := p.await("the next message", event("e"))["data"].(map[string]any)["size"]; got != 1.0 || p.resets != 1 {
		t.Errorf("the session ended %d times and continued with %v, although more was to keep than one long message", p.resets, got)
	}
}

// TestAMessageMayArriveSlowly: while a message arrives, the connection is not silent, and the page hears that, too.
func TestAMessageMayArriveSlowly(t *testing.T) {
	hub, at := serve(t, hmr.Options{MaxMessage: 1 << 30, Silence: 100 * time.Millisecond})
	length := make(chan int, 1)
	hub.OnIn("g", "long", func(_ context.Context, _ *hmr.Client, data json.RawMessage) error {
		length <- len(data)
		return nil
	})
	for _, c := range []struct{ query, open, prefix string }{{"session=p&acks=1", "", ""}, {"mux=1", "q +received=0", "q "}} {
		ws, _, err := websocket.DefaultDialer.Dial(at+"/?"+c.query, http.Header{"Sec-WebSocket-Protocol": {"vite-hmr"}})
		if err != nil {
			t.Fatal(err)
		}
		defer ws.Close()
		if c.open != "" && ws.WriteMessage(websocket.TextMessage, []byte(c.open)) != nil {
			t.Fatal("the session was not opened")
		}
		heard := make(chan bool, 1)
		go func() {
			for {
				if _, text, err := ws.ReadMessage(); err != nil || strings.HasPrefix(string(text), c.prefix+`{"type":"ack"`) {
					heard <- err == nil
					return
				}
			}
		}()
		w, err := ws.NextWriter(websocket.TextMessage)
		if err != nil {
			t.Fatal(err)
		}
		sent := 2
		write := func(text string) {
			if _, err := io.WriteString(w, text); err != nil {
				t.Fatalf("%s: the connection was lost: %v", c.query, err)
			}
		}
		write(c.prefix + `{"type":"custom","event":"long","data":"`)
		for waits := true; waits; {
			select {
			case ok := <-heard:
				if waits = false; !ok {
					t.Fatalf("%s: the connection was lost", c.query)
				}
			default:
				write(strings.Repeat("x", 1000))
				sent += 1000
			}
		}
		write(`"}`)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got := <-length; got != sent {
			t.Errorf("%s: %d bytes arrived of %d", c.query, got, sent)
		}
	}
}
