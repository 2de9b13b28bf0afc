package hmr_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/hmr"
)

// soak is the size of a run of TestCutsLoseNothing.
type soak struct {
	pages, each, cuts int // each: messages of a page in each direction
	limit             time.Duration
}

// soaking reports whether DEVSERVER_SOAK asks for full sizes.
func soaking() bool { return os.Getenv("DEVSERVER_SOAK") != "" }

// soakSize returns the short size, or the full size with DEVSERVER_SOAK=1.
func soakSize() soak {
	if soaking() {
		return soak{pages: 20, each: 100_000, cuts: 1000, limit: 8 * time.Minute}
	}
	return soak{pages: 8, each: 2000, cuts: 60, limit: time.Minute}
}

// frayed is a network that cuts connections. Each ends after some bytes, in the middle of a frame or of the handshake,
// until there were enough cuts.
type frayed struct {
	net.Listener
	most  int64        // bytes that a connection lasts at most
	left  atomic.Int64 // cuts to make
	faked atomic.Int64 // cuts that were made
}

func (f *frayed) Accept() (net.Conn, error) {
	c, err := f.Listener.Accept()
	if err != nil {
		return nil, err
	}
	torn := &tornConn{Conn: c, network: f}
	torn.budget.Store(rand.Int64N(f.most))
	return torn, nil
}

type tornConn struct {
	net.Conn
	network *frayed
	budget  atomic.Int64
	once    sync.Once
}

// spend returns how many of n bytes still get through.
func (c *tornConn) spend(n int) (through int, torn bool) {
	if c.network.left.Load() <= 0 {
		return n, false
	}
	rest := c.budget.Add(-int64(n))
	if rest > 0 {
		return n, false
	}
	c.once.Do(func() {
		c.network.left.Add(-1)
		c.network.faked.Add(1)
		if rand.IntN(2) == 0 {
			_ = c.Conn.(*net.TCPConn).SetLinger(0) // a reset: unread bytes are lost, too
		}
	})
	return max(0, int(rest)+n), true
}

func (c *tornConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if through, torn := c.spend(n); torn {
		_ = c.Conn.Close()
		return through, net.ErrClosed
	}
	return n, err
}

func (c *tornConn) Write(b []byte) (int, error) {
	through, torn := c.spend(len(b))
	if !torn {
		return c.Conn.Write(b)
	}
	n, _ := c.Conn.Write(b[:through])
	_ = c.Conn.Close()
	return n, net.ErrClosed
}

// soakPage sends numbered messages and takes their echoes, over as many connections as it needs. It counts frames as
// client/src/socket/transport.ts does.
type soakPage struct {
	name   string
	at     string
	each   int
	window chan struct{} // messages whose echo is still to come

	mu       sync.Mutex
	ws       *websocket.Conn
	held     []string // not confirmed
	acked    uint64
	received uint64
	resets   int
}

// window bounds the messages of a page that wait for their echo, so that no buffer's bound is reached.
const window = 1500

func (p *soakPage) run(ctx context.Context) error {
	var sender sync.WaitGroup
	defer sender.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	sender.Go(func() { p.sendAll(ctx) })
	for next := 0; next < p.each; {
		ws, err := p.connect(ctx)
		if err != nil {
			return fmt.Errorf("after %d echoes: %w", next, err)
		}
		if ws == nil {
			continue // cut while it was opened
		}
		if next, err = p.read(ws, next); err != nil {
			return err
		}
	}
	if p.resets > 0 {
		return fmt.Errorf("the session was lost %d times", p.resets)
	}
	return nil
}

func (p *soakPage) sendAll(ctx context.Context) {
	for n := range p.each {
		select {
		case p.window <- struct{}{}:
		case <-ctx.Done():
			return
		}
		frame := fmt.Sprintf(`{"type":"custom","event":"n","data":{"page":%q,"n":%d}}`, p.name, n)
		p.mu.Lock()
		p.held = append(p.held, frame)
		if p.ws != nil {
			_ = p.ws.WriteMessage(websocket.TextMessage, []byte(frame)) // lost: connect sends it again
		}
		p.mu.Unlock()
	}
}

// connect opens the next connection and sends what has not been confirmed. Nil means that it was cut meanwhile.
func (p *soakPage) connect(ctx context.Context) (*websocket.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	q := url.Values{"session": {p.name}, "received": {fmt.Sprint(p.received)}}
	ws, _, err := websocket.DefaultDialer.DialContext(ctx, p.at+"/?"+q.Encode(), nil)
	if err != nil {
		return nil, nil
	}
	var hello struct {
		Resumed  bool
		Received uint64
	}
	if ws.ReadJSON(&hello) != nil {
		ws.Close()
		return nil, nil
	}
	if !hello.Resumed && (p.received > 0 || p.acked > 0) {
		p.resets++
		return nil, fmt.Errorf("the session is lost after %d frames", p.received)
	}
	p.confirm(hello.Received)
	p.ws = ws
	for _, f := range p.held {
		if ws.WriteMessage(websocket.TextMessage, []byte(f)) != nil {
			break // read sees it
		}
	}
	return ws, nil
}

func (p *soakPage) confirm(n uint64) {
	if n > p.acked {
		p.held = p.held[n-p.acked:]
		p.acked = n
	}
}

// read takes echoes until the connection ends or all echoes have arrived. An echo that is not the next echo is an
// error.
func (p *soakPage) read(ws *websocket.Conn, next int) (int, error) {
	defer ws.Close()
	for next < p.each {
		var f struct {
			Type  string
			Event string
			Data  int
			N     uint64
		}
		err := ws.ReadJSON(&f)
		p.mu.Lock()
		switch {
		case err != nil:
			p.ws = nil
			p.mu.Unlock()
			return next, nil
		case f.Type == "ack":
			p.confirm(f.N)
		default:
			if p.received++; p.received%64 == 0 {
				_ = ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"type":"ack","n":%d}`, p.received))
			}
		}
		p.mu.Unlock()
		if f.Type == "ack" {
			continue
		}
		if f.Event != "n" || f.Data != next {
			return next, fmt.Errorf("echo %d is %+v", next, f)
		}
		next++
		<-p.window
	}
	return next, nil
}

// TestCutsLoseNothing sends in both directions over connections that are cut at random: nothing is lost, doubled or
// reordered.
func TestCutsLoseNothing(t *testing.T) {
	size := soakSize()
	hub := hmr.NewHub(hmr.Options{QueueMessages: 2 * window})
	s := httptest.NewUnstartedServer(hub)
	// A message takes about 130 bytes there and back; with half of the mean there are more than enough cuts.
	network := &frayed{Listener: s.Listener, most: int64(size.pages * size.each * 130 / size.cuts)}
	network.left.Store(int64(size.cuts))
	s.Listener = network
	s.Start()
	defer s.Close()
	defer hub.Close()

	var mu sync.Mutex
	came := map[string]int{}
	hub.On("n", func(_ context.Context, c *hmr.Client, data json.RawMessage) error {
		var in struct {
			Page string
			N    int
		}
		if err := json.Unmarshal(data, &in); err != nil {
			return err
		}
		mu.Lock()
		want := came[in.Page]
		came[in.Page]++
		mu.Unlock()
		if in.N != want {
			t.Errorf("%s: message %d came as number %d", in.Page, in.N, want)
		}
		return c.Send("n", in.N)
	})

	ctx, stop := context.WithTimeout(t.Context(), size.limit)
	defer stop()
	began := time.Now()
	var all sync.WaitGroup
	for i := range size.pages {
		all.Go(func() {
			p := &soakPage{name: fmt.Sprint("page", i), at: "ws" + strings.TrimPrefix(s.URL, "http"), each: size.each, window: make(chan struct{}, window)}
			if err := p.run(ctx); err != nil {
				t.Errorf("%s: %v", p.name, err)
			}
		})
	}
	all.Wait()
	cuts := int(network.faked.Load())
	t.Logf("%d pages, %d messages of each in each direction, %d cuts: %v", size.pages, size.each, cuts, time.Since(began).Round(time.Millisecond))
	if cuts < size.cuts {
		t.Errorf("only %d of %d cuts were made", cuts, size.cuts)
	}
	mu.Lock()
	defer mu.Unlock()
	for i := range size.pages {
		if n := came[fmt.Sprint("page", i)]; n != size.each {
			t.Errorf("page%d: %d of %d messages arrived", i, n, size.each)
		}
	}
}

// A page that missed more than the hub keeps starts over when it comes back. The first frame says so. Then the page
// gets the first payloads of a new page, and messages sent from now on. It never gets messages with a gap between them.
func TestPageBeyondTheBoundStartsOver(t *testing.T) {
	hub, at := serve(t, hmr.Options{KeepMessages: 100, QueueMessages: 50, Epoch: "e"})
	hub.FirstPayloads(func() []hmr.Payload { return []hmr.Payload{&hmr.Custom{Event: "first"}} })
	met := make(chan string, 10)
	hub.OnConnect(func(_ context.Context, c *hmr.Client) { met <- "connect " + c.ID() })
	hub.OnDisconnect(func(_ context.Context, c *hmr.Client) { met <- "disconnect " + c.ID() })
	send := func(from, to int) {
		t.Helper()
		for n := from; n < to; n++ {
			if err := hub.Broadcast("n", n); err != nil {
				t.Fatal(err)
			}
		}
	}
	p := open(t, at+"/?epoch=e&seq=0&x=", "p")
	p.await("the first payload", event("first"))
	p.send(`{"type":"hello","url":"http://x/"}`)
	until(t, func() bool { return len(hub.Opened()) == 1 }) // a page that never says hello is not reported

	p.cut()
	send(0, 90) // within the bound
	p.connect()
	for n := range 90 {
		if f := p.await("what was kept", event("n")); f["data"] != float64(n) {
			t.Fatalf("message %d is %v", n, f)
		}
	}
	if p.resets != 0 {
		t.Fatal("a page within the bound started over")
	}

	p.cut()
	send(90, 300)
	p.connect()
	if p.resets != 1 {
		t.Fatal("the page does not know that it has to start over")
	}
	p.send(`{"type":"hello","url":"http://x/"}`)
	send(300, 301)
	p.await("what a new page gets", func(f map[string]any) bool {
		if f["event"] == "n" {
			t.Errorf("before it the page got %v", f)
		}
		return f["event"] == "first"
	})
	if f := p.await("what is sent from now on", event("n")); f["data"] != 300.0 {
		t.Errorf("got %v", f)
	}
	calls := map[string]bool{<-met: true, <-met: true, <-met: true} // the old page's end and the new one's start in any order
	if !calls["connect c1"] || !calls["disconnect c1"] || !calls["connect c2"] {
		t.Errorf("the hooks got %v", calls)
	}
	if n := len(hub.Clients()); n != 1 {
		t.Errorf("there are %d clients", n)
	}
}
