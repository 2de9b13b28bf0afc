package hmr

import (
	"bytes"
	"context"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// All tabs of a browser may share a socket, which client/src/socket/tabs.ts opens with the query mux=1. Each tab has a session
// of its own, as over a socket of its own. On the shared one each text frame begins with the session and a space; what
// follows is a frame of that session, or
//
//	+received=3&epoch=e&seq=7   from the page: the session is opened or resumed
//	-CODE reason                from either side: it is closed; from the page: the tab is gone
//
// A fault of one tab ends the connection of its session, a fault of the carrier the socket; sessions then go on over the
// next one.

const (
	mostTabs    = 100 // sessions of one socket
	mostSession = 128 // bytes of a session's name
	// tabQueue is how many frames of a tab wait for their handlers. The socket waits no longer than tabWait for one that
	// takes no more, since all others wait with it.
	tabQueue = 256
	tabWait  = time.Second
)

// muxKind is what a frame of a shared socket is.
type muxKind int

const (
	muxMalformed muxKind = iota
	muxOpen
	muxClose
	muxText
)

// parseMux takes a frame apart. Of a close, rest is the code and the reason.
func parseMux(frame []byte) (session, rest []byte, kind muxKind) {
	session, rest, found := bytes.Cut(frame, []byte(" "))
	if !found || len(session) == 0 || len(session) > mostSession ||
		slices.ContainsFunc(session, func(b byte) bool { return b <= ' ' || b > '~' }) {
		return nil, nil, muxMalformed
	}
	switch {
	case bytes.HasPrefix(rest, []byte("+")):
		return session, rest[1:], muxOpen
	case bytes.HasPrefix(rest, []byte("-")):
		return session, rest[1:], muxClose
	}
	return session, rest, muxText
}

// refusal closes a session that has no connection.
type refusal struct {
	session string
	websocket.CloseError
}

var errIdentifyAnew = &websocket.CloseError{Code: websocket.CloseServiceRestart, Text: "a page has come, and its user is asked for"}

// identified tells whether the socket's user is also that of a session that begins now. All tabs of a browser have the
// same cookies, but these change: whoever signed out must not come in again over a socket that was opened before. So a
// session begins with the socket, or on one that was opened after the session has asked before. The caller holds mu.
func (h *Hub) identified(s *socket, session string) bool {
	if h.rule.Load() == nil || s.fresh {
		return true
	}
	now := time.Now()
	if asked, ok := h.asked[session]; ok && s.since.After(asked) && now.Sub(asked) < h.o.ResumeGrace {
		delete(h.asked, session)
		return true
	}
	for other, asked := range h.asked {
		if now.Sub(asked) > h.o.ResumeGrace || len(h.asked) >= mostHeld {
			delete(h.asked, other)
		}
	}
	h.asked[session] = now
	return false
}

// mux reads a shared socket.
type mux struct {
	*socket
	tabs map[string]*conn // those that the page has opened and not closed
}

func newMux(s *socket) *mux {
	s.fresh = true
	return &mux{socket: s, tabs: map[string]*conn{}}
}

// run serves the socket until it ends.
func (m *mux) run() {
	stop := context.AfterFunc(m.hub.ctx, func() { m.abandon(websocket.CloseGoingAway, stops) })
	defer stop()
	m.socket.run(m.read)
}

// read hands the frames to their sessions until the socket ends. The sessions are lost then, however it ended: the
// carrier may be a tab that was closed, which says nothing of the others.
func (m *mux) read() {
	defer func() {
		for _, cn := range m.tabs {
			close(cn.in)
		}
	}()
	limit := m.hub.o.MaxMessage
	extend := m.keepAlive()
	for {
		kind, r, err := m.ws.NextReader()
		if err != nil {
			m.refuseLength(err)
			return
		}
		text, err := io.ReadAll(io.LimitReader(r, mostSession+1+limit+1))
		if err != nil {
			return
		}
		if kind != websocket.TextMessage {
			m.abandon(websocket.CloseUnsupportedData, onlyText)
			return
		}
		session, rest, what := parseMux(text)
		if what == muxMalformed {
			m.abandon(websocket.CloseProtocolError, "a frame on a shared socket begins with its session")
			return
		}
		if int64(len(rest)) > limit {
			// Its tab alone is told: the others have done nothing, and would drop what they hold.
			if _, err := io.Copy(io.Discard, r); err != nil {
				return
			}
			m.refuse(string(session), websocket.CloseMessageTooBig, "the message is too big")
		} else {
			m.take(string(session), rest, what)
		}
		extend()
	}
}

// take handles one frame.
func (m *mux) take(session string, rest []byte, kind muxKind) {
	if kind == muxOpen {
		m.openTab(session, string(rest))
		return
	}
	m.fresh = false
	cn := m.tabs[session]
	switch {
	case kind == muxClose:
		m.closeTab(session, string(rest))
	case cn == nil:
		m.refuse(session, websocket.CloseProtocolError, "the session is not open on this socket")
	case cn.over(): // what was on its way when the session was closed
	case cn.allows(rest):
		cn.push(rest)
	}
}

// refuse closes a session, whether it is open or not.
func (m *mux) refuse(session string, code int, reason string) {
	if cn := m.tabs[session]; cn != nil {
		cn.abandon(code, reason)
		return
	}
	m.mu.Lock()
	m.refusals = append(m.refusals, refusal{session, websocket.CloseError{Code: code, Text: reason}})
	n := len(m.refusals)
	m.mu.Unlock()
	if n > mostTabs {
		m.abandon(websocket.ClosePolicyViolation, "too many frames of sessions that are not open")
		return
	}
	m.wakeUp()
}

// openTab opens or resumes a session.
func (m *mux) openTab(session, query string) {
	if old := m.tabs[session]; old != nil {
		m.fresh = false
		m.drop(session, old)
	}
	if len(m.tabs) >= mostTabs {
		for name, cn := range m.tabs {
			if cn.over() {
				m.drop(name, cn)
			}
		}
	}
	if len(m.tabs) >= mostTabs {
		m.refuse(session, websocket.CloseTryAgainLater, "too many tabs share this socket")
		return
	}
	q, _ := url.ParseQuery(query) // what is not understood counts as absent, as on a socket of the page's own
	cn, refused := m.hub.join(m.socket, session, []byte(session+" "), q)
	if refused != nil {
		m.abandon(refused.Code, refused.Text)
		return
	}
	m.tabs[session] = cn
	m.hub.running.Go(cn.serve)
}

// closeTab ends what the page says to be over: the session when the tab is gone, or else its connection.
func (m *mux) closeTab(session, rest string) {
	cn := m.tabs[session]
	if cn == nil {
		return
	}
	number, _, _ := strings.Cut(rest, " ")
	code, err := strconv.Atoi(number)
	if err != nil {
		m.refuse(session, websocket.CloseProtocolError, "the session is closed without a code")
		return
	}
	cn.leave(code == websocket.CloseGoingAway || code == websocket.CloseNormalClosure)
	m.drop(session, cn)
	if cn.over() { // the server has closed it at the same time, and waits for the tab to come back
		m.hub.running.Go(func() { cn.c.detach(cn, false) })
	}
}

// drop ends a connection that the page has given up, and needs not be told of. What came of it before is still handled.
func (m *mux) drop(session string, cn *conn) {
	delete(m.tabs, session)
	m.mu.Lock()
	cn.dropped = true
	m.mu.Unlock()
	close(cn.in)
}

// serve handles what the reader of the socket has for this session. Each has a goroutine, so that a handler which is
// waited for holds up its own tab only.
func (cn *conn) serve() {
	cn.handleAll()
	cn.abandon(moved, "")
	cn.c.detach(cn, false)
}

func (cn *conn) handleAll() {
	for {
		select {
		case <-cn.done:
			return
		case text, ok := <-cn.in:
			if !ok {
				return
			}
			cn.handle(text)
		}
	}
}

// push gives a frame to serve.
func (cn *conn) push(text []byte) {
	select {
	case cn.in <- text:
		return
	default:
	}
	wait := time.NewTimer(tabWait)
	defer wait.Stop()
	select {
	case cn.in <- text:
	case <-cn.done:
	case <-cn.socket.done:
	case <-wait.C:
		cn.abandon(websocket.CloseTryAgainLater, "too many messages wait for their handlers")
	}
}

// moved is the code of connections whose page needs not be told, as it has another one or none.
const moved = websocket.CloseNormalClosure

// writeEnds tells tabs that their sessions are closed.
func (s *socket) writeEnds() bool {
	s.mu.Lock()
	ends := s.refusals
	s.refusals = nil
	if slices.ContainsFunc(s.conns, (*conn).ended) {
		var open []*conn
		for _, cn := range s.conns {
			if !cn.ended() {
				open = append(open, cn)
			} else if cn.code != moved && !cn.dropped {
				ends = append(ends, refusal{cn.c.session, websocket.CloseError{Code: cn.code, Text: cn.reason}})
			}
		}
		s.conns = open
	}
	s.mu.Unlock()
	for _, e := range ends {
		if !s.writeText([]byte(e.session+" "), []byte("-"+strconv.Itoa(e.Code)+" "+e.Text)) {
			return false
		}
	}
	return true
}

// ended tells that the connection is over and its socket is not.
func (cn *conn) ended() bool { return cn.prefix != nil && cn.over() }
