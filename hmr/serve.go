package hmr

import (
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

// ServeHTTP upgrades the request to a WebSocket and returns. The socket is open until the page or the hub closes it,
// and [Hub.Close] waits for that. With the query mux=1 the socket carries the sessions of all tabs of a browser.
//
// A POST identifies an open page again by its cookies, see [Hub.Reidentify]. The page sends it when its cookies may
// have changed. A POST with the query leave carries the last frames of a page, and ends its session. Options.Check is
// asked about all of these requests.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	if slices.Contains(websocket.Subprotocols(r), "vite-ping") { // "are you back?": needs no token, is no client
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
		if r.URL.Query().Has("leave") {
			h.serveLeave(w, r)
		} else {
			h.serveIdentify(w, r)
		}
		return
	}
	who, err := h.identify(r, h.keep(r), at)
	if err != nil {
		h.o.Logger.Warn("refused a page, since its user could not be found", "error", err)
		http.Error(w, "403 forbidden", http.StatusForbidden)
		return
	}
	ws, err := h.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	if !h.begin() {
		goodbye(ws, websocket.CloseGoingAway, stops)
		return
	}
	// The handler's own goroutine would keep the request, its buffers and a grown stack for as long as the page is
	// open. That is a third of what a page costs.
	go h.serve(newSocket(h, ws, who, browserOf(r)), r.URL.Query())
}

// begin counts a socket that is served, unless the hub is closed.
func (h *Hub) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.sockets.Add(1)
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
	defer h.sockets.Done()
	defer func() {
		if v := recover(); v != nil { // a mistake with one page must not end the process
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

// stops is the reason of close code 1001.
const stops = "the server stops"

// join gives the socket to a session: the page's, if it can continue, or else a new one. The error says why it cannot.
func (h *Hub) join(s *socket, session string, prefix []byte, q url.Values) (cn *conn, refused *websocket.CloseError) {
	received, _ := strconv.ParseUint(q.Get("received"), 10, 64) // absent: 0
	seq, seqErr := strconv.ParseUint(q.Get("seq"), 10, 64)

	h.mu.Lock()
	known := h.sessions[session]
	h.mu.Unlock()
	if known != nil { // the page may have signed in or out while it was away
		known.noteRequest(s.identity.request, s.identity.at)
		known.identifyAs(s.identity)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, &websocket.CloseError{Code: websocket.CloseGoingAway, Text: stops}
	}
	c := h.sessions[session]
	resumed, begun := false, false
	if session != "" && c != nil && c == known {
		if name := q.Get("client"); name == "" || name == c.ID() && q.Get("epoch") == h.o.Epoch {
			resumed = c.resume(received)
		} else {
			begun = c.beginAgain()
		}
	}
	if !resumed && !begun {
		if prefix != nil && !h.mayBegin(s, session) {
			return nil, errReconnect
		}
		if c != nil && !c.hasLeft() {
			before := c
			h.sockets.Go(func() { before.end(websocket.ClosePolicyViolation, "another page took over the session") })
		}
		lost := h.takeLost(session, c)
		c = h.beginSession(s, session)
		c.lostBefore = lost
		h.catchUp(c, q.Get("epoch"), seq, seqErr == nil)
	}
	cn = newConn(c, s, prefix)
	hello := &Connected{
		Client: c.ID(), Epoch: h.o.Epoch, Resumed: resumed, Seq: h.updates.seq, Identifies: h.rule.Load() != nil, MaxMessage: h.o.MaxMessage,
	}
	c.attach(cn, prefix != nil || q.Get("acks") == "1", hello)
	s.add(cn)
	if s.identity.by != h.rule.Load() { // the rule changed meanwhile, when the hub did not know this socket yet
		h.sockets.Go(func() { h.identifyAgain(c) })
	}
	return cn, nil
}

// beginSession begins a session of that name in place of the one before. A session without a name cannot be resumed.
// The caller holds mu.
func (h *Hub) beginSession(s *socket, session string) *page {
	h.next++
	c := newPage(session, s, h.next)
	if session == "" {
		c.session = "anonymous " + randomID()
	}
	h.sessions[c.session] = c
	return c
}
