package hmr

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// ServeHTTP upgrades the request to a WebSocket and returns; the socket is served until it closes, which Close waits for.
// With the query mux=1 it carries many sessions, those of a browser's tabs. A POST is a page's that asks to be identified
// again by its cookies (see Reidentify); Options.Check is asked for both.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	since := time.Now()
	protocols := websocket.Subprotocols(r)
	if slices.Contains(protocols, "vite-ping") { // "are you back?": needs no token, is no client
		if ws, err := h.upgrader.Upgrade(w, r, nil); err == nil {
			goodbye(ws, websocket.CloseNormalClosure, "")
		}
		return
	}
	if h.o.Check != nil {
		if err := h.o.Check(r); err != nil {
			h.o.Logger.Debug("refused socket", "pkg", "hmr", "error", err)
			http.Error(w, "403 forbidden", http.StatusForbidden)
			return
		}
	}
	if r.Method == http.MethodPost {
		h.serveIdentify(w, r)
		return
	}
	user, rule, err := h.ask(r)
	if err != nil && !errors.Is(err, ErrUnsure) {
		h.o.Logger.Warn("identify page", "error", err)
		http.Error(w, "403 forbidden", http.StatusForbidden)
		return
	}
	ws, upgradeErr := h.upgrader.Upgrade(w, r, nil)
	if upgradeErr != nil {
		return // Upgrade has answered
	}
	s := &socket{
		hub: h, ws: ws, userAgent: r.UserAgent(), address: address(r), user: user, unsure: err != nil, since: since, shown: h.keep(r), rule: rule,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if !h.begin() {
		goodbye(ws, websocket.CloseGoingAway, stops)
		return
	}
	// The handler's own goroutine would keep the request, its buffers and a stack that has grown, for as long as the page
	// is open: a third of what a page costs.
	go h.serve(s, r.URL.Query())
}

// begin notes that a socket is served, unless the hub is closed.
func (h *Hub) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.running.Add(1)
	}
	return !h.closed
}

// mostReason is the longest reason that a close frame can carry, in bytes.
const mostReason = 123

func goodbye(ws *websocket.Conn, code int, reason string) {
	if len(reason) > mostReason { // of a frame that is too long nothing would arrive, not even the code
		reason = strings.ToValidUTF8(reason[:mostReason-len("…")], "") + "…"
	}
	_ = ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(writeWait))
	_ = ws.Close()
}

// serve reads from the socket until it ends.
func (h *Hub) serve(s *socket, q url.Values) {
	defer h.running.Done()
	defer func() {
		if v := recover(); v != nil { // no mistake with one page may end all
			h.o.Logger.Error(fmt.Sprintf("the socket of a page panicked: %v", v), "stack", string(debug.Stack()))
			s.abandon(websocket.CloseInternalServerErr, "internal error")
			_ = s.ws.Close()
		}
	}()
	shared := q.Get("mux") == "1"
	h.o.Logger.Debug("socket is open", "pkg", "hmr", "shared", shared)
	if shared {
		newMux(s).run()
		return
	}
	session := q.Get("session")
	cn, err := h.join(s, session, nil, q)
	if err != nil {
		goodbye(s.ws, err.Code, err.Text)
		return
	}
	defer func() { cn.c.detach(cn, session == "") }()
	s.run(cn.read)
}

const stops = "the server stops"

// join gives the socket to a session, which begins or goes on. The error says why it cannot.
func (h *Hub) join(s *socket, session string, prefix []byte, q url.Values) (cn *conn, refused *websocket.CloseError) {
	received, _ := strconv.ParseUint(q.Get("received"), 10, 64) // absent: 0
	since, sinceErr := strconv.ParseUint(q.Get("seq"), 10, 64)

	h.mu.Lock()
	known := h.sessions[session]
	h.mu.Unlock()
	if known != nil {
		known.comeBack(s) // the page may have signed in or out while it was away
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, &websocket.CloseError{Code: websocket.CloseGoingAway, Text: stops}
	}
	c := h.sessions[session]
	resumed := session != "" && c != nil && c == known && c.resume(received)
	if !resumed {
		if prefix != nil && !h.identified(s, session) {
			return nil, errIdentifyAnew
		}
		if c != nil {
			go c.end(websocket.ClosePolicyViolation, "another page took over the session")
			delete(h.sessions, session)
		}
		h.next++
		c = newClient(session, s, h.next)
		if session == "" {
			c.session = "anonymous " + randomID()
		}
		h.sessions[c.session] = c
		c.waits = time.AfterFunc(helloWait, func() {
			c.reading.Lock() // whoever reads the page's first frame meanwhile waits for the hooks
			defer c.reading.Unlock()
			c.greet()
		})
	}
	cn = newConn(c, s, prefix)
	hello, _ := Encode(&Connected{Client: c.ID(), Epoch: h.o.Epoch, Session: session, Resumed: resumed, Received: c.receivedCount(), Seq: h.seq, Identifies: h.rule.Load() != nil})
	if !resumed {
		h.welcome(c, q.Get("epoch"), since, sinceErr == nil)
	}
	c.attach(cn, hello)
	s.add(cn)
	if s.rule != h.rule.Load() { // it was asked before the rule changed, and came too late to be asked about then
		h.running.Go(func() { h.askAnew(c) })
	}
	return cn, nil
}
