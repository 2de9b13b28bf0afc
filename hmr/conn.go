package hmr

import (
	"encoding/json"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

const (
	maxDepth   = 100 // nesting of JSON from a page: the decoder needs a stack for deep text
	rateWindow = 4   // seconds over which the rate of a page is averaged
)

// conn is a connection of a session: its way over a socket.
type conn struct {
	c      *page
	socket *socket
	prefix []byte // begins each frame on a shared socket; nil: the socket is the client's own
	hello  []byte // nil once the writer has written it; only the writer uses it
	rate   *meter
	in     chan []byte // frames from the tab, on a shared socket

	dropped bool // the page has given it up, on a shared socket; guarded by socket.mu

	// Guarded by Client.mu.
	written     uint64 // number of the last frame that was written
	waiting     int    // bytes that are queued and not written
	saidGoodbye bool   // the page has left, and does not come back

	done       chan struct{}
	once       sync.Once
	code       int
	reason     string
	complained time.Time // only the reader uses it
}

func newConn(c *page, s *socket, prefix []byte) *conn {
	cn := &conn{c: c, socket: s, prefix: prefix, rate: newMeter(s.hub.o.EventRate), done: make(chan struct{})}
	if prefix != nil {
		cn.in = make(chan []byte, tabQueue)
	}
	return cn
}

// abandon ends the connection without waiting for it. The writer says goodbye, if the page still reads. Only the first
// call counts.
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

// take returns the next frame to write, nil when there is none.
func (cn *conn) take() *frame {
	c := cn.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != cn {
		return nil
	}
	cn.written = max(cn.written, c.queue.acked)
	f := c.queue.after(cn.written)
	if f != nil {
		cn.written++
		cn.waiting -= len(f.text)
	}
	return f
}

// unconfirmed returns the number of the last frame from the page, and how many frames it has not been confirmed. When
// they are at least that many, they count as confirmed from now on.
func (cn *conn) unconfirmed(least uint64) (last, count uint64) {
	c := cn.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != cn && cn.prefix != nil {
		return c.received, 0 // the session has another connection
	}
	count = c.received - c.ackSent
	if count >= least {
		c.ackSent = c.received
	}
	return c.received, count
}

func (cn *conn) writeFrame(f *frame) bool {
	if cn.prefix != nil {
		return cn.writeText(f.text)
	}
	_ = cn.socket.ws.SetWriteDeadline(time.Now().Add(writeWait))
	return cn.socket.ws.WritePreparedMessage(f.prepared) == nil
}

func (cn *conn) writeText(text []byte) bool { return cn.socket.writeText(cn.prefix, text) }

// read takes the page's frames until the connection ends.
func (cn *conn) read() {
	ws := cn.socket.ws
	ws.SetReadLimit(cn.c.hub.o.MaxMessage) // over it: close code 1009; nothing is allocated for a declared length
	extend := cn.socket.keepAlive()
	for {
		kind, text, err := ws.ReadMessage()
		if err != nil {
			// A page that is left says that it goes away. Any other end may be a network that comes back.
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

// leave notes whether the page has left in order.
func (cn *conn) leave(inOrder bool) {
	cn.c.mu.Lock()
	cn.saidGoodbye = inOrder
	cn.c.mu.Unlock()
}

const onlyText = "only text frames are understood"

// allows reports whether a frame may be handled. If not, it ends the connection.
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

// handle decodes and dispatches a frame. A frame that is not understood is logged and ignored, since a page may send
// what a later version understands. It counts as received if the page counts it.
func (cn *conn) handle(text []byte) {
	var in inbound
	if depth(text) > maxDepth {
		cn.complain("is nested too deep")
	} else if err := json.Unmarshal(text, &in.incoming); err != nil {
		in = inbound{}
		cn.complain("is not what a page sends: " + err.Error())
	}
	c := cn.c
	switch in.Type {
	case "ping":
		return
	case "ack":
		c.mu.Lock()
		c.queue.trim(in.N)
		c.mu.Unlock()
		return
	}
	// The reader of a lost connection may be here with its last frame, while the reader of the next connection has the
	// frame after it.
	c.reading.Lock()
	defer c.reading.Unlock()
	c.mu.Lock()
	current := c.conn == cn
	in.from = c.as
	if current {
		c.received++
	}
	unconfirmed := c.received - c.ackSent
	c.mu.Unlock()
	if !current {
		return // the page already has a new connection, and sends this again
	}
	if unconfirmed == 1 || unconfirmed >= ackEach {
		cn.socket.wakeUp()
	}
	c.hub.dispatch(c, &in)
}

// inbound is a frame that a page has sent.
type inbound struct {
	incoming
	from *Client // the page with the user that it had then
}

// complain logs what is wrong with a message, once a second at most.
func (cn *conn) complain(why string) {
	if now := time.Now(); now.Sub(cn.complained) > time.Second {
		cn.complained = now
		cn.c.hub.o.Logger.Warn("a message of page "+cn.c.ID()+" "+why, "url", cn.c.URL())
	}
}

// depth returns the deepest nesting of objects and lists in the text.
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
