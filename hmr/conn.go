package hmr

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

const (
	writeWait  = 10 * time.Second
	lastWords  = 200 * time.Millisecond // for what is being written when the hub closes, and the goodbye
	ackEach    = 64                     // frames
	ackDelay   = time.Second
	maxDepth   = 100 // nesting of JSON from a page: deep text costs the decoder a stack
	rateWindow = 4   // seconds over which the rate of a page is averaged
)

// socket is one WebSocket: a writer goroutine, and the reader, which is the HTTP handler's. It carries one session, or
// those of all tabs of a browser, see mux.go.
type socket struct {
	hub  *Hub
	ws   *websocket.Conn
	user string

	userAgent, address string    // see address
	since              time.Time // before its user was asked for
	shown              *http.Request
	rule               *rule // that its user was found by
	unsure             bool  // nobody could tell, see ErrUnsure

	wake   chan struct{} // tells the writer that there is work
	done   chan struct{}
	once   sync.Once
	code   int
	reason string

	mu       sync.Mutex
	conns    []*conn   // replaced, never changed
	refusals []refusal // of a shared socket, still to be written

	fresh bool // of a shared socket: sessions have been opened and nothing else; the reader's
}

// conn is a client's way over a socket.
type conn struct {
	c      *Client
	socket *socket
	prefix []byte // begins each frame on a shared socket; nil: the socket is the client's own
	hello  []byte // until the writer has taken it
	rate   *meter
	in     chan []byte // frames from the tab, on a shared socket

	dropped bool // the page has given it up, on a shared socket; guarded by socket.mu

	// Guarded by Client.mu.
	written     uint64 // number of the last frame that was written
	waiting     int    // bytes queued and not written
	saidGoodbye bool   // the page closed in order, so it does not come back

	done       chan struct{}
	once       sync.Once
	code       int
	reason     string
	complained time.Time
}

func newConn(c *Client, s *socket, prefix []byte) *conn {
	cn := &conn{c: c, socket: s, prefix: prefix, rate: newMeter(s.hub.o.EventRate), done: make(chan struct{})}
	if prefix != nil {
		cn.in = make(chan []byte, tabQueue)
	}
	return cn
}

// abandon ends the connection without waiting for it: the writer says goodbye, if the page still reads.
func (cn *conn) abandon(code int, reason string) {
	cn.once.Do(func() {
		cn.code, cn.reason = code, reason
		close(cn.done)
		if cn.prefix == nil {
			cn.socket.abandon(code, reason)
		} else {
			cn.socket.wakeUp()
		}
	})
}

func (cn *conn) over() bool {
	select {
	case <-cn.done:
		return true
	default:
		return false
	}
}

func (s *socket) abandon(code int, reason string) {
	s.once.Do(func() {
		s.code, s.reason = code, reason
		close(s.done)
	})
}

func (s *socket) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// add lets the writer write for the connection.
func (s *socket) add(cn *conn) {
	s.mu.Lock()
	s.conns = append(slices.Clip(s.conns), cn)
	s.mu.Unlock()
	s.wakeUp()
}

func (s *socket) open() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

// run serves the socket until read returns or the writer fails.
func (s *socket) run(read func()) {
	ended := make(chan struct{})
	defer close(ended)
	// A page that does not read would hold up a hub that closes for as long as a write may take.
	defer context.AfterFunc(s.hub.ctx, func() {
		select {
		case <-ended:
		case <-time.After(lastWords):
			_ = s.ws.NetConn().Close()
		}
	})()
	var writer sync.WaitGroup
	writer.Go(s.write)
	read()
	s.abandon(websocket.CloseNormalClosure, "")
	writer.Wait()
}

// write is the only one that writes to the socket.
func (s *socket) write() {
	defer s.ws.Close()
	ping := time.NewTicker(s.hub.o.Silence / 3)
	defer ping.Stop()
	var ackTimer <-chan time.Time
	for {
		if !s.writeEnds() || !s.flush() {
			return
		}
		soon, ok := s.writeAcks(ackEach)
		if !ok {
			return
		}
		if !soon {
			ackTimer = nil
		} else if ackTimer == nil {
			ackTimer = time.After(ackDelay)
		}
		select {
		case <-s.done:
			s.writeAcks(1) // so that the page knows what need not be sent again
			goodbye(s.ws, s.code, s.reason)
			return
		case <-s.wake:
		case <-ackTimer:
			ackTimer = nil
			if _, ok := s.writeAcks(1); !ok {
				return
			}
		case <-ping.C:
			if s.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWait)) != nil {
				return
			}
		}
	}
}

// flush writes what is queued, one frame of each session in turn.
func (s *socket) flush() bool {
	conns := s.open()
	for more := true; more; {
		more = false
		for _, cn := range conns {
			if cn.hello != nil {
				if !cn.writeText(cn.hello) {
					return false
				}
				cn.hello = nil
			}
			f := cn.take()
			if f == nil {
				continue
			}
			more = true
			if !cn.writeFrame(f) {
				return false
			}
			select {
			case <-s.done:
				return true
			default:
			}
		}
	}
	return true
}

func (cn *conn) take() *frame {
	c := cn.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != cn {
		return nil
	}
	if cn.written < c.acked {
		cn.written = c.acked
	}
	at := int(cn.written - c.acked)
	if at >= len(c.queue) {
		return nil
	}
	cn.written++
	cn.waiting -= len(c.queue[at].text)
	return c.queue[at]
}

func (cn *conn) writeFrame(f *frame) bool {
	if cn.prefix != nil {
		return cn.writeText(f.text)
	}
	_ = cn.socket.ws.SetWriteDeadline(time.Now().Add(writeWait))
	return cn.socket.ws.WritePreparedMessage(f.prepared) == nil
}

func (cn *conn) writeText(text []byte) bool { return cn.socket.writeText(cn.prefix, text) }

// writeText writes one message. The text is not copied to be put behind its prefix, which matters for large ones.
func (s *socket) writeText(prefix, text []byte) bool {
	_ = s.ws.SetWriteDeadline(time.Now().Add(writeWait))
	if prefix == nil {
		return s.ws.WriteMessage(websocket.TextMessage, text) == nil
	}
	w, err := s.ws.NextWriter(websocket.TextMessage)
	if err != nil {
		return false
	}
	_, _ = w.Write(prefix) // an error stays and is returned by Close
	_, _ = w.Write(text)
	return w.Close() == nil
}

// writeAcks confirms what came, to the pages of which at least so many frames came. soon tells that there are others.
func (s *socket) writeAcks(least uint64) (soon, ok bool) {
	for _, cn := range s.open() {
		if cn.hello != nil {
			continue // which says how much came, and comes first
		}
		c := cn.c
		c.mu.Lock()
		n := c.received
		unsaid := n - c.ackSent
		if c.conn != cn && cn.prefix != nil {
			unsaid = 0 // the session has moved on
		}
		if unsaid >= least {
			c.ackSent = n
		}
		c.mu.Unlock()
		switch {
		case unsaid == 0:
		case unsaid < least:
			soon = true
		default:
			text, _ := Encode(&Ack{n}) // always encodes
			if !cn.writeText(text) {
				return false, false
			}
		}
	}
	return soon, true
}

// keepAlive ends reading when the page is silent for too long; it answers pings.
func (s *socket) keepAlive() (extend func()) {
	extend = func() { _ = s.ws.SetReadDeadline(time.Now().Add(s.hub.o.Silence)) }
	extend()
	s.ws.SetPongHandler(func(string) error { extend(); return nil })
	return extend
}

// read takes the page's frames until the connection ends.
func (cn *conn) read() {
	ws := cn.socket.ws
	ws.SetReadLimit(cn.c.hub.o.MaxMessage) // over it: close 1009, nothing is allocated from a declared length
	extend := cn.socket.keepAlive()
	for {
		kind, text, err := ws.ReadMessage()
		if err != nil {
			// Going away is what a page says when it is left; any other end may be a network that comes back.
			cn.leave(websocket.IsCloseError(err, websocket.CloseGoingAway, websocket.CloseNormalClosure))
			cn.socket.refuseLength(err)
			return
		}
		extend()
		if kind != websocket.TextMessage {
			cn.abandon(websocket.CloseUnsupportedData, onlyText)
			return
		}
		if !cn.allows(text) {
			return
		}
		cn.handle(text)
	}
}

// refuseLength gives its close code to a declared length that no number of the protocol's can be (CVE-2020-27813); others that
// are too large have been answered by the reader.
func (s *socket) refuseLength(err error) {
	if errors.Is(err, websocket.ErrReadLimit) {
		s.abandon(websocket.CloseMessageTooBig, "the message is too large")
	}
}

// leave notes whether the page closed the connection in order.
func (cn *conn) leave(inOrder bool) {
	cn.c.mu.Lock()
	cn.saidGoodbye = inOrder
	cn.c.mu.Unlock()
}

const onlyText = "only text frames are understood"

// allows ends the connection for a frame that must not be handled.
func (cn *conn) allows(text []byte) bool {
	switch {
	case !utf8.Valid(text):
		cn.abandon(websocket.CloseInvalidFramePayloadData, "the text is not UTF-8")
	case !cn.rate.allow():
		cn.abandon(websocket.ClosePolicyViolation, "too many messages")
	default:
		return true
	}
	return false
}

// handle decodes a frame. What is not understood is told once a second at most and ignored, as a page is free to send
// what a later version understands; it counts as received if the page counts it.
func (cn *conn) handle(text []byte) {
	var in incoming
	if depth(text) > maxDepth {
		cn.complain("is nested too deep")
	} else if err := json.Unmarshal(text, &in); err != nil {
		in = incoming{}
		cn.complain("is not what a page sends: " + err.Error())
	}
	c := cn.c
	switch in.Type {
	case "ping":
		return
	case "ack":
		c.mu.Lock()
		c.trim(in.N)
		c.mu.Unlock()
		return
	}
	// The reader of a lost connection may be here with its last frame while that of the next one has the frame behind.
	c.reading.Lock()
	defer c.reading.Unlock()
	c.mu.Lock()
	current := c.conn == cn
	if current {
		c.received++
	}
	open := c.received - c.ackSent
	c.mu.Unlock()
	if !current {
		return // the page has a new connection already, and sends this again
	}
	if open == 1 || open >= ackEach {
		cn.socket.wakeUp()
	}
	c.hub.dispatch(c, &in)
}

func (cn *conn) complain(why string) {
	if now := time.Now(); now.Sub(cn.complained) > time.Second {
		cn.complained = now
		cn.c.hub.o.Logger.Warn("a message of page "+cn.c.ID()+" "+why, "url", cn.c.URL())
	}
}

// depth is the deepest nesting of objects and lists in the text.
func depth(text []byte) int {
	deepest, now, inString := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case inString && b == '\\':
			i++
		case b == '"':
			inString = !inString
		case inString:
		case b == '{' || b == '[':
			now++
			deepest = max(deepest, now)
		case b == '}' || b == ']':
			now--
		}
	}
	return deepest
}

// meter bounds an average rate and lets bursts through.
type meter struct {
	rate, tokens float64
	last         time.Time
}

func newMeter(rate int) *meter {
	return &meter{rate: float64(rate), tokens: float64(rate) * rateWindow, last: time.Now()}
}

func (m *meter) allow() bool {
	now := time.Now()
	m.tokens = min(m.rate*rateWindow, m.tokens+now.Sub(m.last).Seconds()*m.rate)
	m.last = now
	if m.tokens < 1 {
		return false
	}
	m.tokens--
	return true
}
