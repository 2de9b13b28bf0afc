package hmr

import (
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

	dropped bool // the page has given it up, on a shared socket; guarded by socket.mu

	// Guarded by page.mu.
	pinged      bool // the page asks for a sign of life
	saidGoodbye bool // the page has left, and does not come back

	done       chan struct{}
	once       sync.Once
	code       int
	reason     string
	complained time.Time // only the reader uses it
}

func newConn(c *page, s *socket, prefix []byte) *conn {
	return &conn{c: c, socket: s, prefix: prefix, rate: newMeter(s.hub.o.EventRate), done: make(chan struct{})}
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
	f := c.queue.after(c.written)
	if f != nil {
		c.written++
		c.unwritten -= len(f.text)
		if !c.confirms {
			c.advance()
		}
		c.noteRoom()
	}
	return f
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
		kind, text, err := cn.socket.readMessage(extend)
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
		extend() // it may have waited for room
	}
}

// answerPing has the writer send a confirmation, even if there is nothing to confirm.
func (cn *conn) answerPing() {
	cn.c.mu.Lock()
	cn.pinged = true
	cn.c.mu.Unlock()
	cn.socket.wakeUp()
}

// leave notes whether the page has left in order.
func (cn *conn) leave(inOrder bool) {
	cn.c.mu.Lock()
	cn.saidGoodbye = inOrder
	cn.c.mu.Unlock()
}

const onlyText = "only text frames are understood"

// allows reports whether a frame may be handled. If not, it ends the connection. A page that sends too fast is read more
// slowly.
func (cn *conn) allows(text []byte) bool {
	if !utf8.Valid(text) {
		cn.abandon(websocket.CloseInvalidFramePayloadData, "the text is not UTF-8")
		return false
	}
	if pause := cn.rate.take(); pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-cn.done:
			return false
		}
	}
	return true
}

// handle decodes and dispatches a frame. A page is told of a frame that is malformed. A frame of an unknown type is
// ignored, since a page may send what a later version understands. handle waits for no handler.
func (cn *conn) handle(text []byte) {
	in := decodeFrame(text)
	if in.refused != nil {
		cn.complain(in.refused.Message)
	}
	c := cn.c
	switch in.Type {
	case "ping":
		cn.answerPing()
		return
	case "ack":
		c.confirm(in.N)
		return
	}
	// The reader of a lost connection may be here with its last frame, while the reader of the next connection has the
	// frame after it.
	c.reading.Lock()
	defer c.reading.Unlock()
	if !cn.admit(in) {
		return
	}
	switch in.Type {
	case "cancel": // at once: its request may wait
		c.cancelRequest(in.ID)
	case "reply": // at once: a handler or a hook may wait for it
		c.takeAnswer(in)
	default:
		c.receive(in)
	}
	in.release()
}

// cancelRequest ends the context of a request that the page gives up.
func (c *page) cancelRequest(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cancel := c.cancels[id]; cancel != nil {
		cancel()
	}
}

// complain logs what is wrong with a message, once a second at most.
func (cn *conn) complain(why string) {
	if now := time.Now(); now.Sub(cn.complained) > time.Second {
		cn.complained = now
		cn.c.hub.o.Logger.Warn("page "+cn.c.ID()+" sent a message that no handler gets: "+why, "url", cn.c.URL())
	}
}

// meter bounds an average rate and lets bursts through.
type meter struct {
	rate, tokens float64
	last         time.Time
}

func newMeter(rate int) *meter {
	return &meter{rate: float64(rate), tokens: float64(rate) * rateWindow, last: time.Now()}
}

// take returns how long the next message has to wait, 0 if it may go at once.
func (m *meter) take() time.Duration {
	now := time.Now()
	m.tokens = min(m.rate*rateWindow, m.tokens+now.Sub(m.last).Seconds()*m.rate)
	m.last = now
	m.tokens--
	if m.tokens >= 0 {
		return 0
	}
	return time.Duration(-m.tokens / m.rate * float64(time.Second))
}
