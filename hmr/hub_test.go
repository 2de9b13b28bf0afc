package hmr_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
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

// page is a browser's side of a session, like client/src/socket/transport.ts: it counts frames and resumes.
type page struct {
	t       testing.TB
	url     string
	session string

	mu       sync.Mutex
	ws       *websocket.Conn
	received uint64
	sent     []string // frames not yet acknowledged
	acked    uint64
	seen     chan map[string]any
	resets   int
}

func serve(t testing.TB, o hmr.Options) (*hmr.Hub, string) {
	t.Helper()
	hub := hmr.NewHub(o)
	s := httptest.NewServer(hub)
	t.Cleanup(func() { hub.Close(); s.Close() })
	return hub, "ws" + strings.TrimPrefix(s.URL, "http")
}

func open(t testing.TB, at, session string) *page {
	t.Helper()
	p := &page{t: t, url: at, session: session, seen: make(chan map[string]any, 1<<18)}
	p.connect()
	return p
}

func (p *page) connect() { p.connectAs("") }

// connectAs connects with the cookie of a user, see byCookie.
func (p *page) connectAs(user string) {
	header := http.Header{"Sec-WebSocket-Protocol": {"vite-hmr"}}
	if user != "" {
		header.Set("Cookie", "user="+user)
	}
	q := url.Values{"session": {p.session}, "received": {fmt.Sprint(p.received)}}
	separator := "/?"
	if strings.Contains(p.url, "?") {
		separator = "&"
	}
	ws, res, err := websocket.DefaultDialer.Dial(p.url+separator+q.Encode(), header)
	if err != nil {
		p.t.Fatal(err, res)
	}
	var hello struct {
		Type     string
		Resumed  bool
		Received uint64
	}
	if err := ws.ReadJSON(&hello); err != nil || hello.Type != "connected" {
		p.t.Fatalf("first frame: %+v, %v", hello, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ws = ws
	if hello.Resumed {
		p.trim(hello.Received)
	} else {
		if p.received > 0 || p.acked > 0 {
			p.resets++
		}
		p.received, p.acked, p.sent = 0, 0, nil
	}
	for _, f := range p.sent {
		if ws.WriteMessage(websocket.TextMessage, []byte(f)) != nil {
			break
		}
	}
	go p.read(ws)
}

func (p *page) trim(n uint64) {
	if n > p.acked {
		p.sent = p.sent[min(int(n-p.acked), len(p.sent)):] // another page of the session may have sent the first
		p.acked = n
	}
}

func (p *page) read(ws *websocket.Conn) {
	for {
		var f map[string]any
		if ws.ReadJSON(&f) != nil {
			return
		}
		p.mu.Lock()
		if p.ws != ws {
			p.mu.Unlock()
			return
		}
		if f["type"] == "ack" {
			p.trim(uint64(f["n"].(float64)))
			p.mu.Unlock()
			continue
		}
		p.received++
		if p.received%64 == 0 {
			_ = ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"type":"ack","n":%d}`, p.received))
		}
		p.seen <- f
		p.mu.Unlock()
	}
}

func (p *page) send(frame string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, frame)
	_ = p.ws.WriteMessage(websocket.TextMessage, []byte(frame)) // lost: connect sends it again
}

// cut ends the connection without a word, as a network does.
func (p *page) cut() {
	p.mu.Lock()
	ws := p.ws
	p.ws = nil
	_ = ws.NetConn().Close()
	p.mu.Unlock()
}

func (p *page) await(what string, match func(map[string]any) bool) map[string]any {
	p.t.Helper()
	deadline := time.After(time.Minute)
	for {
		select {
		case f := <-p.seen:
			if match(f) {
				return f
			}
		case <-deadline:
			p.t.Fatalf("waited for %s in vain", what)
		}
	}
}

func ofType(name string) func(map[string]any) bool {
	return func(f map[string]any) bool { return f["type"] == name }
}

func event(name string) func(map[string]any) bool {
	return func(f map[string]any) bool { return f["type"] == "custom" && f["event"] == name }
}

func TestEventIsAnsweredToItsPageOnly(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	hub.On("ask", func(_ context.Context, c *hmr.Client, data json.RawMessage) error {
		return c.Send("answer", data)
	})
	a, b := open(t, at, "a"), open(t, at, "b")
	a.send(`{"type":"custom","event":"ask","data":{"x":1}}`)
	if f := a.await("the answer", event("answer")); fmt.Sprint(f["data"]) != "map[x:1]" {
		t.Errorf("got %v", f)
	}
	if err := hub.Broadcast("all", 1); err != nil {
		t.Fatal(err)
	}
	b.await("the broadcast and nothing before", func(f map[string]any) bool {
		if f["event"] == "answer" {
			t.Error("the answer reached another page")
		}
		return f["event"] == "all"
	})
}

func TestRequests(t *testing.T) {
	hub, at := serve(t, hmr.Options{HandlerTimeout: 50 * time.Millisecond})
	handle := func(name string, fn hmr.RequestFunc) {
		if _, err := hub.Handle(name, fn); err != nil {
			t.Fatal(err)
		}
	}
	handle("ok", func(context.Context, *hmr.Client, json.RawMessage) (any, error) { return 42, nil })
	handle("fails", func(context.Context, *hmr.Client, json.RawMessage) (any, error) { return nil, errors.New("no") })
	handle("coded", func(context.Context, *hmr.Client, json.RawMessage) (any, error) {
		return nil, &hmr.Error{Code: "mine", Message: "m", Path: "a.b"}
	})
	handle("panics", func(context.Context, *hmr.Client, json.RawMessage) (any, error) { panic("x") })
	handle("hangs", func(ctx context.Context, _ *hmr.Client, _ json.RawMessage) (any, error) { select {} })
	if _, err := hub.Handle("ok", nil); err == nil {
		t.Error("a second handler for one request was accepted")
	}
	p := open(t, at, "p")
	for i, want := range []struct{ name, answer string }{
		{"ok", "data:42"}, {"fails", "handler_error"}, {"coded", "mine"}, {"panics", "handler_panic"}, {"nobody", "unknown_event"}, {"hangs", "timeout"}, {"ok", "data:42"},
	} {
		p.send(fmt.Sprintf(`{"type":"request","id":%d,"event":%q}`, i+1, want.name))
		if f := p.await("a reply", ofType("reply")); !strings.Contains(fmt.Sprint(f), want.answer) || f["id"] != float64(i+1) {
			t.Errorf("%s: got %v", want.name, f)
		}
	}
}

func TestUnknownEventIsReportedOnce(t *testing.T) {
	_, at := serve(t, hmr.Options{})
	p := open(t, at, "p")
	for range 3 {
		p.send(`{"type":"custom","event":"nobody"}`)
	}
	p.send(`{"type":"custom","event":"nobody else"}`)
	p.await("the first report", func(f map[string]any) bool {
		return f["event"] == hmr.UnknownEvent && strings.Contains(fmt.Sprint(f), "event:nobody]")
	})
	p.await("the next report", func(f map[string]any) bool {
		return f["event"] == hmr.UnknownEvent && !strings.Contains(fmt.Sprint(f), "event:nobody]")
	})
}

func TestBlockedHandlerHoldsUpItsOwnGroupOnly(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	release := make(chan struct{})
	hub.OnIn("slow", "e", func(context.Context, *hmr.Client, json.RawMessage) error { <-release; return nil })
	hub.OnIn("quick", "e", func(_ context.Context, c *hmr.Client, data json.RawMessage) error { return c.Send("done", data) })
	p := open(t, at, "p")
	for i := range 5 {
		p.send(fmt.Sprintf(`{"type":"custom","event":"e","data":%d}`, i))
	}
	for i := range 5 {
		if f := p.await("an answer", event("done")); f["data"] != float64(i) {
			t.Errorf("answer %d is %v", i, f["data"])
		}
	}
	close(release)
}

func TestHeldEventsReachHandlersThatComeLater(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	release := hub.Hold()
	p := open(t, at, "p")
	for i := range 50 {
		p.send(fmt.Sprintf(`{"type":"custom","event":"n","data":%d}`, i))
	}
	p.send(`{"type":"request","id":1,"event":"ask"}`)
	hub.On("n", func(_ context.Context, c *hmr.Client, data json.RawMessage) error { return c.Send("n", data) })
	if _, err := hub.Handle("ask", func(context.Context, *hmr.Client, json.RawMessage) (any, error) { return "yes", nil }); err != nil {
		t.Fatal(err)
	}
	go release()
	for i := 50; i < 100; i++ {
		p.send(fmt.Sprintf(`{"type":"custom","event":"n","data":%d}`, i))
	}
	for i := range 100 {
		if f := p.await("an echo", event("n")); f["data"] != float64(i) {
			t.Fatalf("event %d is %v", i, f["data"])
		}
	}
}

func TestUpdatesMadeWhileAPageLoadsAreReplayed(t *testing.T) {
	hub, at := serve(t, hmr.Options{Epoch: "e"})
	for i := range 3 {
		if err := hub.Publish(&hmr.Update{Changed: []string{fmt.Sprint(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := hub.Publish(&hmr.FullReload{Path: "/index.html"}); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{"epoch=e&seq=1": "update", "epoch=other&seq=1": "need-revisions"} {
		p := open(t, at+"/?"+query+"&x=", "s"+query)
		if f := p.await(want, func(map[string]any) bool { return true }); f["type"] != want {
			t.Errorf("%s: got %v", query, f)
		} else if want == "update" {
			second := p.await("the other update", func(map[string]any) bool { return true })
			third := p.await("the reload", func(map[string]any) bool { return true })
			if got := fmt.Sprint(f["changed"], second["changed"], third["type"], third["seq"]); got != "[1] [2]full-reload4" {
				t.Errorf("%s: replayed %s", query, got)
			}
		}
	}
}

func TestSlowPageIsClosedAndOthersAreNot(t *testing.T) {
	t.Parallel()
	hub, at := serve(t, hmr.Options{QueueMessages: 4, StallTimeout: 50 * time.Millisecond})
	slow, _, err := websocket.DefaultDialer.Dial(at+"/?session=slow", nil) // reads nothing
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	quick := open(t, at, "quick")
	big := strings.Repeat("x", 1<<18)
	for i := range 60 { // more than the system and the queue hold
		if err := hub.Broadcast("big", map[string]any{"n": i, "pad": big}); err != nil {
			t.Fatal(err)
		}
		quick.await("its copy", event("big"))
	}
	for err == nil {
		_, _, err = slow.ReadMessage()
	}
	if !websocket.IsCloseError(err, websocket.CloseTryAgainLater) || !strings.Contains(err.Error(), "too slow") {
		t.Errorf("the slow page's connection ended with %v", err)
	}
}

// TestManyEvents has one page that sends a lot, and many pages that send together. Each gets all answers, in order.
func TestManyEvents(t *testing.T) {
	hub, at := serve(t, hmr.Options{QueueMessages: 1 << 16, QueueBytes: 1 << 26, KeepMessages: 1 << 16}) // how slow the test reads is not its topic
	hub.On("n", func(_ context.Context, c *hmr.Client, data json.RawMessage) error { return c.Send("n", data) })
	for _, load := range []struct{ pages, events int }{{1, 20_000}, {50, 200}} {
		var all sync.WaitGroup
		for i := range load.pages {
			p := open(t, at, fmt.Sprintf("%d of %d", i, load.pages))
			all.Go(func() {
				for n := range load.events {
					p.send(fmt.Sprintf(`{"type":"custom","event":"n","data":%d}`, n))
				}
			})
			all.Go(func() {
				for n := range load.events {
					if f := p.await("an echo", event("n")); f["data"] != float64(n) {
						t.Errorf("echo %d is %v", n, f["data"])
						return
					}
				}
			})
		}
		all.Wait()
	}
}

func TestBadFrames(t *testing.T) {
	hub, at := serve(t, hmr.Options{MaxMessage: 1000})
	hub.On("ok", func(_ context.Context, c *hmr.Client, _ json.RawMessage) error { return c.Send("ok", nil) })
	p := open(t, at, "p")
	for _, f := range []string{"", "{", "[]", `"x"`, `{"type":1}`, `{"type":"nope"}`, `{"type":"custom"}`, `{"type":"update","code":"evil()"}`, strings.Repeat("[", 500)} {
		p.send(f)
	}
	var deep atomic.Bool
	hub.On("deep", func(context.Context, *hmr.Client, json.RawMessage) error { deep.Store(true); return nil })
	p.send(`{"type":"custom","event":"deep","data":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`)
	p.send(`{"type":"custom","event":"ok"}`)
	p.await("an answer after bad frames", event("ok"))
	if deep.Load() {
		t.Error("a payload of 200 lists in each other was handled")
	}
	for name, test := range map[string]struct {
		kind int
		text string
		code int
	}{
		"too big":   {websocket.TextMessage, strings.Repeat("x", 2000), websocket.CloseMessageTooBig},
		"binary":    {websocket.BinaryMessage, "x", websocket.CloseUnsupportedData},
		"not UTF-8": {websocket.TextMessage, "\xff", websocket.CloseInvalidFramePayloadData},
	} {
		ws, _, err := websocket.DefaultDialer.Dial(at, nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = ws.WriteMessage(test.kind, []byte(test.text))
		for err == nil {
			_, _, err = ws.ReadMessage()
		}
		if !websocket.IsCloseError(err, test.code) {
			t.Errorf("%s: closed with %v, want %d", name, err, test.code)
		}
		ws.Close()
	}
}

func TestConnectAndDisconnect(t *testing.T) {
	t.Parallel()
	hub, at := serve(t, hmr.Options{ResumeGrace: time.Hour})
	events := make(chan string, 10)
	hub.OnConnect(func(_ context.Context, c *hmr.Client) { events <- "connect " + c.ID() + " " + c.URL() })
	hub.OnDisconnect(func(_ context.Context, c *hmr.Client) { events <- "disconnect " + c.ID() })
	hub.On("e", func(context.Context, *hmr.Client, json.RawMessage) error { events <- "e"; return nil })
	p := open(t, at, "p")
	p.cut()
	p.connect() // the first connection was lost before its hello
	p.send(`{"type":"hello","url":"http://x/"}`)
	if e := <-events; e != "connect c1 http://x/" {
		t.Error(e)
	}
	p.cut()
	p.connect() // the same page: no new connect
	_ = p.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), time.Now().Add(time.Second))
	if e := <-events; e != "disconnect c1" {
		t.Error(e)
	}
	if n := len(hub.Clients()); n != 0 {
		t.Errorf("%d clients are left", n)
	}

	open(t, at, "q").send(`{"type":"custom","event":"e"}`) // a client that never says hello
	for _, want := range []string{"connect c2 ", "e"} {
		if e := <-events; e != want {
			t.Errorf("got %q, want %q", e, want)
		}
	}
	open(t, at, "silent")
	if e := <-events; e != "connect c3 " {
		t.Error(e)
	}
	open(t, at, "reloaded while its socket opened").cut() // neither listed nor reported
	until(t, func() bool { return len(hub.Clients()) == 2 })
	hub.Clients()[1].Close("enough")
	if e := <-events; e != "disconnect c3" {
		t.Error(e)
	}
}

func TestUserGetsWhatIsForThemOnly(t *testing.T) {
	hub, at := serve(t, hmr.Options{Identify: func(r *http.Request) (string, error) { return r.URL.Query().Get("as"), nil }})
	ann, bob := open(t, at+"/?as=ann&x=", "1"), open(t, at+"/?as=bob&x=", "2")
	if err := hub.SendToUser("ann", "secret", 1); err != nil {
		t.Fatal(err)
	}
	if err := hub.Broadcast("all", nil); err != nil {
		t.Fatal(err)
	}
	ann.await("the secret", event("secret"))
	bob.await("the broadcast", func(f map[string]any) bool {
		if f["event"] == "secret" {
			t.Error("bob got ann's message")
		}
		return f["event"] == "all"
	})
}

// TestMalformedFrames sends bytes that no WebSocket client would. Each ends with the close code that the protocol
// names, and nothing is allocated for lengths that are only declared (CVE-2020-27813).
func TestMalformedFrames(t *testing.T) {
	logged := &lines{}
	hub, at := serve(t, hmr.Options{MaxMessage: 1 << 20, EventRate: 100, Logger: textLogger(logged)})
	hub.On("ok", func(_ context.Context, c *hmr.Client, _ json.RawMessage) error { return c.Send("ok", nil) })
	mask := "\x00\x00\x00\x00" // a mask of zeros leaves the text unchanged
	length := func(n uint64) string { return "\xff" + string(binary.BigEndian.AppendUint64(nil, n)) }
	fragment := func(first byte, n int) string {
		return string([]byte{first}) + length(uint64(n)) + mask + strings.Repeat("x", n)
	}
	for name, c := range map[string]struct {
		frames string
		code   int
	}{
		"a length of 2^63-1":          {"\x81" + length(1<<63-1) + mask, websocket.CloseMessageTooBig},
		"a length of 2^64-1":          {"\x81" + length(1<<64-1) + mask, websocket.CloseMessageTooBig},
		"1 GiB declared":              {"\x81" + length(1<<30) + mask + "x", websocket.CloseMessageTooBig},
		"fragments without end":       {fragment(0x01, 500_000) + fragment(0x00, 500_000) + fragment(0x00, 500_000), websocket.CloseMessageTooBig},
		"compressed, nothing agreed":  {"\xc1\x85" + mask + "\xab\x56\x02\x00\x00", websocket.CloseProtocolError},
		"not masked":                  {"\x81\x05hello", websocket.CloseProtocolError},
		"an unknown opcode":           {"\x83\x80" + mask, websocket.CloseProtocolError},
		"a fragmented ping":           {"\x09\x80" + mask, websocket.CloseProtocolError},
		"a ping of 200 bytes":         {"\x89\xfe\x00\xc8" + mask + strings.Repeat("x", 200), websocket.CloseProtocolError},
		"a continuation of nothing":   {"\x80\x80" + mask, websocket.CloseProtocolError},
		"text within a message":       {"\x01\x81" + mask + "x\x81\x81" + mask + "y", websocket.CloseProtocolError},
		"a close code that is none":   {"\x88\x82" + mask + "\x03\xec", websocket.CloseProtocolError},
		"not UTF-8 in fragments":      {"\x01\x81" + mask + "\xc3\x80\x81" + mask + "(", websocket.CloseInvalidFramePayloadData},
		"100,000 lists in each other": {"\x81" + length(100_000) + mask + strings.Repeat("[", 100_000), 0},
		"HTTP in the middle":          {"GET / HTTP/1.1\r\n\r\n", websocket.CloseProtocolError},
	} {
		t.Run(name, func(t *testing.T) {
			dialer := websocket.Dialer{EnableCompression: true}
			ws, res, err := dialer.Dial(at, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer ws.Close()
			if ext := res.Header.Get("Sec-WebSocket-Extensions"); ext != "" {
				t.Errorf("compression was agreed (%s): a small frame could become a large one", ext)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _ = io.WriteString(ws.NetConn(), c.frames) // it may be closed in between
			if c.code == 0 {
				_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"custom","event":"ok"}`))
			}
			_ = ws.SetReadDeadline(time.Now().Add(time.Minute))
			for err == nil {
				var text []byte
				if _, text, err = ws.ReadMessage(); c.code == 0 && strings.Contains(string(text), `"ok"`) {
					return
				}
			}
			if !websocket.IsCloseError(err, c.code) {
				t.Errorf("ended with %v, want code %d", err, c.code)
			}
			if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 64<<20 {
				t.Errorf("%d MB were allocated", (after.TotalAlloc-before.TotalAlloc)>>20)
			}
		})
	}
	// Garbage is logged once a second for each page, and never as an error.
	p := open(t, at, "noisy")
	for range 50 {
		p.send("{")
	}
	p.send(`{"type":"custom","event":"ok"}`)
	p.await("an answer after garbage", event("ok"))
	if text := logged.String(); strings.Contains(text, "level=ERROR") || strings.Count(text, "that no handler gets") > 10 {
		t.Errorf("garbage is logged %d times:\n%s", strings.Count(text, "that no handler gets"), text)
	}
}

// lines collects the lines of a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}
func (l *lines) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.text.String() }

// TestPanicOfAReport must end neither the process nor the page's connection.
func TestPanicOfAReport(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	hub.OnReport(func(*hmr.Client, hmr.Report) { panic("on purpose") })
	hub.On("echo", func(_ context.Context, c *hmr.Client, _ json.RawMessage) error { return c.Send("echo", nil) })
	p := open(t, at, "p")
	p.send(`{"type":"report"}`)
	p.send(`{"type":"custom","event":"echo"}`)
	p.await("the echo", event("echo"))
}

// TestLargeMessageBehindASmallOne: a page that has not read the small one yet is not too slow for the large one.
func TestLargeMessageBehindASmallOne(t *testing.T) {
	hub, at := serve(t, hmr.Options{KeepBytes: 128 << 20})
	ws, _, err := websocket.DefaultDialer.Dial(at+"/?session=s", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	if _, _, err := ws.ReadMessage(); err != nil { // the greeting
		t.Fatal(err)
	}
	send := func(event string, size int) {
		if err := hub.Broadcast(event, strings.Repeat("x", size)); err != nil {
			t.Fatal(err)
		}
	}
	send("first", 32<<20) // more than the system takes: the writer is held up until the page reads
	_, r, err := ws.NextReader()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(make([]byte, 1)); err != nil { // so it is being written
		t.Fatal(err)
	}
	send("small", 1)
	send("large", 2<<20)
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"small", "large"} {
		if _, text, err := ws.ReadMessage(); err != nil || !strings.Contains(string(text[:50]), name) {
			t.Fatalf("awaiting %s: %.50q, %v", name, text, err)
		}
	}
}

// TestHalfOpenSockets: a peer may be gone without a word, or after half a frame. Its connection ends after a while, and
// nothing runs for it any more. Its session waits, so that nothing is lost when the network is back.
func TestHalfOpenSockets(t *testing.T) {
	hub, at := serve(t, hmr.Options{Silence: 600 * time.Millisecond})
	before := runtime.NumGoroutine()
	dial := func(session string) *websocket.Conn {
		ws, _, err := websocket.DefaultDialer.Dial(at+"/?session="+session, http.Header{"Sec-WebSocket-Protocol": {"vite-hmr"}})
		if err != nil {
			t.Fatal(err)
		}
		_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello"}`)) // an error is the next read's
		return ws
	}
	var gone sync.WaitGroup
	rests := []string{"", "\x81", "\x81\xfe\x10\x00abcd{", "\x89"}
	for i, rest := range rests {
		ws := dial(fmt.Sprint("gone", i))
		if _, _, err := ws.ReadMessage(); err != nil { // after "connected" the session gets all messages
			t.Fatal(err)
		}
		_, _ = io.WriteString(ws.NetConn(), rest)
		gone.Go(func() {
			_, _ = io.Copy(io.Discard, ws.NetConn()) // pings come and get no answer, until the server ends it
			_ = ws.NetConn().Close()
		})
	}
	if err := hub.Broadcast("meanwhile", nil); err != nil {
		t.Fatal(err)
	}
	gone.Wait()
	deadline := time.Now().Add(time.Minute)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if n := len(hub.Clients()); n != len(rests) {
		t.Errorf("%d sessions wait, want %d", n, len(rests))
	}
	for i := range rests {
		p := open(t, at, fmt.Sprint("gone", i))
		p.await("what was sent while nothing arrived", event("meanwhile"))
	}

	// A page that only answers pings outlives the limit. On a busy machine that may take more than one attempt.
	for pings := 0; pings < 5; {
		if time.Now().After(deadline) {
			t.Fatal("a page that answers pings is let go")
		}
		ws := dial("listens")
		answer := ws.PingHandler()
		pings = 0
		ws.SetPingHandler(func(text string) error {
			if pings++; pings == 5 { // five thirds of the limit
				return io.EOF
			}
			return answer(text)
		})
		for {
			if _, _, err := ws.ReadMessage(); err != nil {
				break
			}
		}
		_ = ws.Close()
	}
}

// textLogger returns a logger that writes warnings and errors.
func textLogger(to io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
