package hmr_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/hmr"
)

// carrier is the carrier of client/src/socket/tabs.ts in a SharedWorker. Pages connect to it as to a hub, and it
// carries their sessions over one socket.
type carrier struct {
	t     testing.TB
	hub   string
	at    string
	dials atomic.Int32

	mu     sync.Mutex
	shared *websocket.Conn
	tabs   map[string]*websocket.Conn
}

func newCarrier(t testing.TB, hub string) *carrier {
	t.Helper()
	c := &carrier{t: t, hub: hub, tabs: map[string]*websocket.Conn{}}
	s := httptest.NewServer(c)
	t.Cleanup(func() { c.cut(); s.Close() })
	c.at = "ws" + strings.TrimPrefix(s.URL, "http")
	return c
}

func (c *carrier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{Subprotocols: []string{"vite-hmr"}}
	tab, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	q := r.URL.Query()
	session := q.Get("session")
	q.Del("session")
	c.mu.Lock()
	c.tabs[session] = tab
	if c.shared == nil {
		c.shared, _ = dialShared(c.t, c.hub)
		c.dials.Add(1)
		go c.deliver(c.shared)
	}
	_ = c.shared.WriteMessage(websocket.TextMessage, []byte(session+" +"+q.Encode())) // lost: the tabs' sockets end
	c.mu.Unlock()
	for {
		_, text, err := tab.ReadMessage()
		if e, closed := err.(*websocket.CloseError); closed {
			text = fmt.Appendf(nil, "-%d", e.Code)
		} else if err != nil {
			text = []byte("-1006")
		}
		c.mu.Lock()
		if c.tabs[session] == tab && c.shared != nil {
			_ = c.shared.WriteMessage(websocket.TextMessage, append([]byte(session+" "), text...))
		}
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (c *carrier) deliver(shared *websocket.Conn) {
	for {
		_, text, err := shared.ReadMessage()
		if err != nil {
			c.lost(shared)
			return
		}
		session, rest, _ := strings.Cut(string(text), " ")
		c.mu.Lock()
		tab := c.tabs[session]
		if c.shared != shared {
			tab = nil
		}
		c.mu.Unlock()
		if tab == nil {
			continue
		}
		if code := 0; strings.HasPrefix(rest, "-") {
			reason := ""
			_, _ = fmt.Sscanf(rest, "-%d", &code)
			_, reason, _ = strings.Cut(rest, " ")
			_ = tab.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(time.Second))
			_ = tab.Close()
			continue
		}
		_ = tab.WriteMessage(websocket.TextMessage, []byte(rest))
	}
}

// cut ends the shared socket without a word.
func (c *carrier) cut() {
	c.mu.Lock()
	shared := c.shared
	c.mu.Unlock()
	if shared != nil {
		_ = shared.NetConn().Close()
		c.lost(shared)
	}
}

func (c *carrier) lost(shared *websocket.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shared != shared {
		return
	}
	c.shared = nil
	for _, tab := range c.tabs {
		_ = tab.NetConn().Close()
	}
	clear(c.tabs)
}

func dialShared(t testing.TB, hub string) (*websocket.Conn, error) {
	t.Helper()
	at := hub + "/?mux=1"
	if before, query, found := strings.Cut(hub, "?"); found {
		at = before + "?mux=1&" + query
	}
	ws, _, err := websocket.DefaultDialer.Dial(at, nil)
	if err != nil {
		t.Error(err)
	}
	return ws, err
}

func TestTabsOnOneSocket(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	events := make(chan string, 10)
	hub.OnConnect(func(_ context.Context, c *hmr.Client) { events <- "connect " + c.ID() })
	hub.OnDisconnect(func(_ context.Context, c *hmr.Client) { events <- "disconnect " + c.ID() })
	hub.On("ask", func(_ context.Context, c *hmr.Client, data json.RawMessage) error { return c.Send("answer", data) })
	tabs := newCarrier(t, at)
	expect := func(want string) {
		t.Helper()
		if e := <-events; e != want {
			t.Errorf("got %s, want %s", e, want)
		}
	}
	a := open(t, tabs.at, "a")
	a.send(`{"type":"hello","url":"http://x/"}`)
	expect("connect c1")
	b := open(t, tabs.at, "b")
	b.send(`{"type":"hello","url":"http://x/"}`)
	expect("connect c2")
	a.send(`{"type":"custom","event":"ask","data":1}`)
	a.await("the answer", event("answer"))
	big := strings.Repeat("é", 50_000) // more than fits a buffer
	if err := hub.Broadcast("all", big); err != nil {
		t.Fatal(err)
	}
	a.await("the broadcast", func(f map[string]any) bool { return f["event"] == "all" && f["data"] == big })
	b.await("the broadcast and nothing before", func(f map[string]any) bool {
		if f["event"] == "answer" {
			t.Error("the answer reached another tab")
		}
		return f["event"] == "all"
	})
	_ = b.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), time.Now().Add(time.Second))
	expect("disconnect c2")
	hub.Clients()[0].Close("enough") // one session only
	expect("disconnect c1")
	c := open(t, tabs.at, "c")
	if err := hub.Broadcast("still", nil); err != nil {
		t.Fatal(err)
	}
	c.await("a message on the same socket", event("still"))
	if n := tabs.dials.Load(); n != 1 {
		t.Errorf("there were %d sockets", n)
	}
}

// TestTabsLoseNothing cuts the shared socket while two tabs and the hub send, and counts.
func TestTabsLoseNothing(t *testing.T) {
	const each, cuts = 1000, 15
	hub, at := serve(t, hmr.Options{KeepMessages: 1 << 16, QueueMessages: 1 << 16, QueueBytes: 1 << 26, KeepBytes: 1 << 26})
	hub.On("n", func(_ context.Context, c *hmr.Client, data json.RawMessage) error { return c.Send("echo", data) })
	tabs := newCarrier(t, at)
	pages := []*page{open(t, tabs.at, "a"), open(t, tabs.at, "b")}
	for n := range each {
		for _, p := range pages {
			p.send(fmt.Sprintf(`{"type":"custom","event":"n","data":"%s %d"}`, p.session, n))
		}
		if err := hub.Broadcast("all", n); err != nil {
			t.Fatal(err)
		}
		if rand.IntN(each/cuts) == 0 {
			for _, p := range pages {
				p.mu.Lock()
				p.ws = nil // frames that still come over it are not counted
				p.mu.Unlock()
			}
			tabs.cut()
			for _, p := range pages {
				p.connect()
			}
		}
	}
	for _, p := range pages {
		echoes, broadcasts := 0, 0
		for echoes < each || broadcasts < each {
			f := p.await("all of it", func(f map[string]any) bool { return f["type"] == "custom" })
			switch f["event"] {
			case "echo":
				if f["data"] != fmt.Sprint(p.session, " ", echoes) {
					t.Fatalf("tab %s: echo %d is %v", p.session, echoes, f["data"])
				}
				echoes++
			case "all":
				if f["data"] != float64(broadcasts) {
					t.Fatalf("tab %s: broadcast %d is %v", p.session, broadcasts, f["data"])
				}
				broadcasts++
			}
		}
		if p.resets > 0 {
			t.Errorf("tab %s: the session was lost %d times", p.session, p.resets)
		}
	}
}

// TestTabThatConfirmsNothing: a frozen tab, whose messages fill the carrier's memory, is closed alone.
func TestTabThatConfirmsNothing(t *testing.T) {
	hub, at := serve(t, hmr.Options{KeepMessages: 500, StallTimeout: 50 * time.Millisecond})
	ws, _ := dialShared(t, at)
	defer ws.Close()
	write := func(text string) {
		if err := ws.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	write("frozen +")
	write("lively +")
	got := map[string]int{}
	closed := ""
	for n := 0; got["lively"] < 1500; n++ {
		_, frame, err := ws.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		session, text, _ := strings.Cut(string(frame), " ")
		switch {
		case strings.HasPrefix(text, "-"):
			if closed += session + " " + text; session != "frozen" {
				t.Fatal(closed)
			}
			continue
		case strings.Contains(text, `"custom"`):
			if got[session]++; session == "frozen" {
				continue
			}
			write(fmt.Sprintf(`lively {"type":"ack","n":%d}`, got["lively"]))
		case session != "lively":
			continue
		}
		if err := hub.Broadcast("e", n); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.HasPrefix(closed, "frozen -1013 too slow") {
		t.Errorf("closed: %q", closed)
	}
}

// TestBlockedTab has a hook that delays everything of its own tab, and nothing of another tab.
func TestBlockedTab(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	release := make(chan struct{})
	hub.OnConnect(func(_ context.Context, c *hmr.Client) {
		if c.ID() == "c1" {
			<-release
		}
	})
	hub.On("ask", func(_ context.Context, c *hmr.Client, _ json.RawMessage) error { return c.Send("answer", nil) })
	tabs := newCarrier(t, at)
	blocked := open(t, tabs.at, "blocked")
	free := open(t, tabs.at, "free")
	blocked.send(`{"type":"custom","event":"ask"}`)
	free.send(`{"type":"custom","event":"ask"}`)
	free.await("its answer", event("answer"))
	close(release)
	blocked.await("its answer", event("answer"))
}

// TestUserOfTabs: a user who signed out must not come back over the socket that was opened before.
func TestUserOfTabs(t *testing.T) {
	var user atomic.Value
	user.Store("ann")
	hub, at := serve(t, hmr.Options{Identify: func(*http.Request) (string, error) { return user.Load().(string), nil }})
	tabs := newCarrier(t, at)
	a := open(t, tabs.at, "a")
	if err := hub.SendToUser("ann", "secret", 1); err != nil {
		t.Fatal(err)
	}
	a.await("the secret", event("secret"))
	user.Store("")
	if n := hub.Disconnect("ann", "signed out"); n != 1 {
		t.Errorf("%d pages were disconnected", n)
	}
	reopen(t, tabs, "a")
	if c := hub.Clients(); len(c) != 1 || c[0].User() != "" {
		t.Errorf("signed out, and yet %q", c[0].User())
	}
	user.Store("bob")
	reopen(t, tabs, "b") // a new page; the other page keeps its user
	if err := hub.SendToUser("bob", "secret", 2); err != nil {
		t.Fatal(err)
	}
	if c := hub.Clients(); len(c) != 2 || c[0].User() != "" || c[1].User() != "bob" {
		t.Errorf("clients: %v", c)
	}
	if n := tabs.dials.Load(); n != 3 {
		t.Errorf("there were %d sockets", n)
	}
}

// reopen connects until the hub says hello, as a page does.
func reopen(t *testing.T, tabs *carrier, session string) {
	t.Helper()
	for range 100 {
		ws, _, err := websocket.DefaultDialer.Dial(tabs.at+"/?"+url.Values{"session": {session}}.Encode(), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ws.Close() })
		if _, text, err := ws.ReadMessage(); err == nil && strings.Contains(string(text), `"connected"`) {
			_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"custom","event":"x"}`))
			_, _, _ = ws.ReadMessage() // the report that it has no handler
			return
		}
	}
	t.Fatal("the session is not opened")
}

func TestMuxFrames(t *testing.T) {
	const max = 1000
	hello := func(session string) string { return session + ` {"type":"connected"` }
	tooMany := make([]string, 101)
	for i := range tooMany {
		tooMany[i] = fmt.Sprintf("s%d +", i)
	}
	_, at := serve(t, hmr.Options{MaxMessage: max, EventRate: 100})
	for name, test := range map[string]struct {
		frames []string
		want   string // begins a frame that comes; a code: the socket is closed with it; "": it is closed
	}{
		"open":                   {[]string{"a +received=0&epoch=e&seq=7"}, hello("a")},
		"open, bad query":        {[]string{"a +%zz&;=;"}, hello("a")},
		"open again":             {[]string{"a +", "a +received=0", "b +"}, hello("b")},
		"close and open":         {[]string{"a +", "a -1001", "b +"}, hello("b")},
		"close what is not open": {[]string{"a -1001", "b +"}, hello("b")},
		"close without code":     {[]string{"a +", "a -"}, "a -1002 "},
		"close with a word":      {[]string{"a +", "a -x1 y"}, "a -1002 "},
		"not open":               {[]string{`a {"type":"ping"}`}, "a -1002 "},
		"no JSON, as on any":     {[]string{"a +", "a {", "a ", "a []", "b +"}, hello("b")},
		"longest":                {[]string{"a +", "a " + strings.Repeat("x", max), "b +"}, hello("b")},
		"too big":                {[]string{"a +", "a " + strings.Repeat("x", max+1)}, "a -1009 "},
		"much too big":           {[]string{"a +", "a " + strings.Repeat("x", 50*max)}, "a -1009 "},
		"too big for one only":   {[]string{"a +", "a " + strings.Repeat("x", 50*max), "a {", "b +"}, hello("b")},
		"too big, not open":      {[]string{"a " + strings.Repeat("x", max+1)}, "a -1009 "},
		"not UTF-8":              {[]string{"a +", "a {\"\xff\"}"}, "a -1007 "},
		"too many tabs":          {tooMany, "s100 -1013 "},
		"tabs replace old ones":  {append(tooMany[:100:100], "s7 -1001", "x +"), hello("x")},
		"no session":             {[]string{"a +", ` {"type":"ping"}`}, "1002"},
		"no space":               {[]string{"a"}, "1002"},
		"empty":                  {[]string{""}, "1002"},
		"frame of a single page": {[]string{`{"type":"hello","url":"x"}`}, "1002"},
		"long session":           {[]string{strings.Repeat("s", 129) + " +"}, "1002"},
		"longest session":        {[]string{strings.Repeat("s", 128) + " +"}, hello(strings.Repeat("s", 128))},
		"session not ASCII":      {[]string{"é +"}, "1002"},
		"session with a control": {[]string{"a\x00 +"}, "1002"},
		"strangers without end":  {repeat("a {}", 1<<15), ""},
	} {
		t.Run(name, func(t *testing.T) {
			ws, _ := dialShared(t, at)
			defer ws.Close()
			go func() {
				for _, f := range test.frames {
					if ws.WriteMessage(websocket.TextMessage, []byte(f)) != nil {
						return
					}
				}
			}()
			_ = ws.SetReadDeadline(time.Now().Add(time.Minute))
			for {
				_, text, err := ws.ReadMessage()
				if err != nil {
					if e, ok := err.(*websocket.CloseError); test.want != "" && (!ok || fmt.Sprint(e.Code) != test.want) {
						t.Errorf("closed with %v, want %s", err, test.want)
					}
					return
				}
				if test.want != "" && strings.HasPrefix(string(text), test.want) {
					return
				}
			}
		})
	}
}

func repeat(text string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = text
	}
	return list
}

// FuzzMuxFrame sends any lines as frames, on a shared socket and on a page's own socket. The shared socket is closed
// with a code or opens one more session. The page's own socket is closed or answers.
func FuzzMuxFrame(f *testing.F) {
	for _, seed := range []string{
		"a +received=3&epoch=e&seq=7\na {\"type\":\"custom\",\"event\":\"e\"}\na -1001", "a +\na +\na -1\na -1001 bye\na +received=9", "a -", "a  -1001", " +", "+", "a\x00b +",
		"{\"type\":\"ping\"}", "a +%zz", "a +\nb +\na {\"type\":\"request\",\"id\":1,\"event\":\"x\"}\nb {\"type\":\"ack\",\"n\":99}", "a +\na " + strings.Repeat("[", 300),
		"{\"type\":\"hello\",\"url\":\"/x\"}\n{\"type\":\"custom\",\"event\":\"x\",\"data\":[{}]}\n{\"type\":\"custom\"}", "{\"type\":\"subscribe\",\"channel\":\"c\"}\n{\"type\":\"publish\",\"channel\":\"c\",\"data\":1}\n{\"type\":\"unsubscribe\",\"channel\":\"c\"}",
		"{\"type\":\"report\",\"kind\":\"update\",\"paths\":[\"/a\"]}\n{\"type\":\"revisions\",\"modules\":{\"/a\":\"x\"},\"css\":[]}", "{\"type\":\"ack\",\"n\":18446744073709551615}\n{\"type\":\"ack\",\"n\":-1}\n{\"type\":\"ack\",\"n\":0}", "{\"type\":\"cancel\",\"id\":1}\n\xff\n\n{}",
		"{\"type\":\"reply\",\"id\":1,\"data\":{}}\n{\"type\":\"reply\",\"id\":1}\n{\"type\":\"reply\",\"error\":{\"code\":5}}", "a +\na {\"type\":\"reply\",\"id\":1,\"error\":{}}\na {\"type\":\"reply\",\"id\":-1}",
	} {
		f.Add(seed)
	}
	hub, at := serve(f, hmr.Options{MaxMessage: 1000, ResumeGrace: time.Millisecond})
	hub.OnConnect(func(_ context.Context, c *hmr.Client) {
		go func() { _, _ = c.Request(context.Background(), "x", nil) }() // the lines may answer it, or end the page
	})
	// answered sends the lines and waits for a frame that begins so, or for the end.
	answered := func(t *testing.T, ws *websocket.Conn, lines, probe, begins string) {
		defer ws.Close()
		for line := range strings.SplitSeq(lines, "\n") {
			_ = ws.WriteMessage(websocket.TextMessage, []byte(line)) // it may be closed already
		}
		_ = ws.WriteMessage(websocket.TextMessage, []byte(probe))
		_ = ws.SetReadDeadline(time.Now().Add(time.Minute))
		for {
			_, text, err := ws.ReadMessage()
			if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
				t.Fatal("neither closed nor answered") // as after a panic of the reader
			}
			if err != nil || strings.HasPrefix(string(text), begins) {
				return
			}
		}
	}
	f.Fuzz(func(t *testing.T, lines string) {
		ws, err := dialShared(t, at)
		if err != nil {
			t.Skip(err)
		}
		answered(t, ws, lines, "probe +", "probe ")
		if ws, _, err = websocket.DefaultDialer.Dial(at, http.Header{"Sec-WebSocket-Protocol": {"vite-hmr"}}); err != nil {
			t.Skip(err)
		}
		answered(t, ws, lines, `{"type":"request","id":7,"event":"probe"}`, `{"type":"reply","id":7,`)
	})
}
