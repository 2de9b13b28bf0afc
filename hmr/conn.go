package hmr

import (
	"encoding/json"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

const (
	writeWait  = 10 * time.Second
	pingEach   = 20 * time.Second
	readWait   = 60 * time.Second // three pings
	ackEach    = 64               // frames
	ackDelay   = time.Second
	maxDepth   = 100 // nesting of JSON from a page: deep text costs the decoder a stack
	rateWindow = 4   // seconds over which the rate of a page is averaged
)

// conn is one connection of a client: a writer goroutine and the reader, which is the HTTP handler's.
type conn struct {
	c     *Client
	ws    *websocket.Conn
	hello []byte

	// Guarded by Client.mu.
	written uint64 // number of the last frame that was written
	waiting int    // bytes queued and not written

	saidGoodbye bool // the page closed in order, so it does not come back; set by the reader before it returns
	done        chan struct{}
	once        sync.Once
	code        int
	reason      string
	complained  time.Time
}

func newConn(c *Client, ws *websocket.Conn) *conn {
	return &conn{c: c, ws: ws, done: make(chan struct{})}
}

// abandon ends the connection without waiting for it: the writer says goodbye, if the page still reads.
func (cn *conn) abandon(code int, reason string) {
	cn.once.Do(func() {
		cn.code, cn.reason = code, reason
		close(cn.done)
	})
}

// run serves the connection until it ends.
func (cn *conn) run() {
	var writer sync.WaitGroup
	writer.Go(cn.write)
	cn.read()
	cn.abandon(websocket.CloseNormalClosure, "")
	writer.Wait()
}

// write is the only one that writes to the socket.
func (cn *conn) write() {
	defer cn.ws.Close()
	ping := time.NewTicker(pingEach)
	defer ping.Stop()
	var ackTimer <-chan time.Time
	if !cn.writeText(cn.hello) {
		return
	}
	for {
		if !cn.flush() {
			return
		}
		due, soon := cn.ackDue()
		if due {
			if !cn.writeAck() {
				return
			}
			ackTimer = nil
		} else if soon && ackTimer == nil {
			ackTimer = time.After(ackDelay)
		}
		select {
		case <-cn.done:
			if _, open := cn.ackDue(); open {
				cn.writeAck() // so that the page knows what need not be sent again
			}
			goodbye(cn.ws, cn.code, cn.reason)
			return
		case <-cn.c.wake:
		case <-ackTimer:
			ackTimer = nil
			if !cn.writeAck() {
				return
			}
		case <-ping.C:
			if cn.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWait)) != nil {
				return
			}
		}
	}
}

// flush writes what is queued.
func (cn *conn) flush() bool {
	for {
		f := cn.take()
		if f == nil {
			return true
		}
		_ = cn.ws.SetWriteDeadline(time.Now().Add(writeWait))
		if cn.ws.WritePreparedMessage(f.prepared) != nil {
			return false
		}
		select {
		case <-cn.done:
			return true
		default:
		}
	}
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

func (cn *conn) writeText(text []byte) bool {
	_ = cn.ws.SetWriteDeadline(time.Now().Add(writeWait))
	return cn.ws.WriteMessage(websocket.TextMessage, text) == nil
}

// ackDue tells whether enough frames have come for an acknowledgement, and whether any have.
func (cn *conn) ackDue() (due, soon bool) {
	c := cn.c
	c.mu.Lock()
	defer c.mu.Unlock()
	open := c.received - c.ackSent
	return open >= ackEach, open > 0
}

func (cn *conn) writeAck() bool {
	c := cn.c
	c.mu.Lock()
	n := c.received
	c.ackSent = n
	c.mu.Unlock()
	text, _ := Encode(&Ack{n}) // always encodes
	return cn.writeText(text)
}

// read takes the page's frames until the connection ends.
func (cn *conn) read() {
	ws := cn.ws
	ws.SetReadLimit(cn.c.hub.o.MaxMessage) // over it: close 1009, nothing is allocated from a declared length
	_ = ws.SetReadDeadline(time.Now().Add(readWait))
	ws.SetPongHandler(func(string) error { return ws.SetReadDeadline(time.Now().Add(readWait)) })
	rate := newMeter(cn.c.hub.o.EventRate)
	for {
		kind, text, err := ws.ReadMessage()
		if err != nil {
			// Going away is what a page says when it is left; any other end may be a network that comes back.
			cn.saidGoodbye = websocket.IsCloseError(err, websocket.CloseGoingAway, websocket.CloseNormalClosure)
			return
		}
		_ = ws.SetReadDeadline(time.Now().Add(readWait))
		switch {
		case kind != websocket.TextMessage:
			cn.abandon(websocket.CloseUnsupportedData, "only text frames are understood")
			return
		case !utf8.Valid(text):
			cn.abandon(websocket.CloseInvalidFramePayloadData, "the text is not UTF-8")
			return
		case !rate.allow():
			cn.abandon(websocket.ClosePolicyViolation, "too many messages")
			return
		}
		cn.handle(text)
	}
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
		select {
		case c.wake <- struct{}{}:
		default:
		}
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
