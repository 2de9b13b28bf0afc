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

// All tabs of a browser may share a socket, which client/src/socket/tabs.ts opens with the query mux=1. Each tab has a
// session of its own, as over a socket of its own. The tab that holds the socket, or the worker that does, is the
// carrier. Each text frame on a shared socket begins with the name of a session and a space. Then follows a frame of
// that session, or
//
//	+received=3&epoch=e&seq=7   from the page: the session is opened or resumed
//	-CODE reason                from either side: the session's connection is closed
//
// A page's close with code 1000 or 1001 also says that the tab is gone.
//
// A fault of a tab ends the connection of its session. A fault of the carrier ends the socket, and the sessions
// continue over the next socket.

const (
	mostTabs    = 100 // sessions of one socket
	mostSession = 128 // bytes of a session's name
	// mostRefused bounds the sessions that were refused and have not come back.
	mostRefused = 10_000
)

// muxKind is what a frame of a shared socket is.
type muxKind int

const (
	muxMalformed muxKind = iota
	muxOpen
	muxClose
	muxText
)

// parseMux takes a frame apart. The rest of a close is its code and reason.
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

// refusal closes a session that has no connection on the socket.
type refusal struct {
	session string
	websocket.CloseError
}

// errReconnect closes a shared socket, so that the request of the next one identifies a new page.
var errReconnect = &websocket.CloseError{Code: websocket.CloseServiceRestart, Text: "a new page has to be identified"}

// mayBegin reports whether the socket's user is also that of a session that begins now. All tabs of a browser have the
// same cookies, but cookies change. A user who signed out must not come back over a socket that was opened before. So a
// session may begin together with the socket, or over a socket that was opened after the session was refused. The
// caller holds mu.
func (h *Hub) mayBegin(s *socket, session string) bool {
	if h.rule.Load() == nil || s.fresh {
		return true
	}
	now := time.Now()
	if at, ok := h.refused[session]; ok && s.identity.at.After(at) && now.Sub(at) < h.o.ResumeGrace {
		delete(h.refused, session)
		return true
	}
	for other, at := range h.refused {
		if now.Sub(at) > h.o.ResumeGrace || len(h.refused) >= mostRefused {
			delete(h.refused, other)
		}
	}
	h.refused[session] = now
	return false
}

// mux reads a shared socket.
type mux struct {
	*socket
	tabs map[string]*conn // by session: connections that the page has opened and not closed
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

// read gives the frames to their sessions until the socket ends. Then all sessions have lost their connection, however
// the socket ended. The carrier may be a tab that was closed, and the other tabs are still open.
func (m *mux) read() {
	defer func() {
		for _, cn := range m.tabs {
			m.lose(cn)
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
		text, err := io.ReadAll(m.arriving(io.LimitReader(r, mostSession+1+limit+1), extend))
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
			// Only its tab gets the code: each tab that gets it drops its longest message.
			if _, err := io.Copy(io.Discard, m.arriving(r, extend)); err != nil {
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
	case cn.over(): // the frame was on its way when the connection was closed
	case cn.allows(rest):
		cn.handle(rest)
	}
}

// refuse closes the connection of a session, whether it is open or not.
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
	q, _ := url.ParseQuery(query) // what is not understood counts as absent, as on a page's own socket
	cn, refused := m.hub.join(m.socket, session, []byte(session+" "), q)
	if refused != nil {
		m.abandon(refused.Code, refused.Text)
		return
	}
	m.tabs[session] = cn
}

// closeTab ends what the page says is over: the session when the tab is gone, otherwise only its connection.
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
}

// drop ends a connection that the page has given up, so that the page gets no close frame.
func (m *mux) drop(session string, cn *conn) {
	delete(m.tabs, session)
	m.mu.Lock()
	cn.dropped = true
	m.mu.Unlock()
	m.lose(cn)
}

// lose notes that a connection is lost. Hooks may take long, and must not hold up other tabs.
func (m *mux) lose(cn *conn) {
	cn.abandon(moved, "")
	m.hub.sockets.Go(func() { cn.c.detach(cn, false) })
}

// moved is the code of connections whose page gets no close frame: it has another connection, or none.
const moved = websocket.CloseNormalClosure

// writeEnds writes the close frames of connections that have ended, and forgets these connections. It returns false
// when the socket is lost.
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

// ended reports whether the connection of a shared socket is over.
func (cn *conn) ended() bool { return cn.prefix != nil && cn.over() }
