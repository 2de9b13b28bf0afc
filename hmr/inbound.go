package hmr

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// What the server has received from a page, and whose handlers have not returned, waits for them. It is bounded. The
// server says with each confirmation how much waits, and the page sends no more than fits. What does not fit waits in
// the page. So a slow handler holds up its page's sender, and neither the reader of the page nor other pages.
const (
	mostWaiting      = 65_536   // frames of one page that wait for their handlers
	mostWaitingBytes = 16 << 20 // their text
	// A client that does not know these bounds may go beyond them, up to overrun times.
	overrun = 2
)

// tally counts frames and the bytes of their text.
type tally struct {
	frames uint64
	bytes  int
}

// inbound is a frame that a page has sent. It waits until all of its handlers have returned.
type inbound struct {
	incoming
	from    *Client // the page with the user that it had then
	refused *Error  // why no handler gets the frame; nil if it is well-formed
	size    int

	ctx    context.Context // of a request: ends when the page gives up or is gone, or the request is answered
	cancel func()

	call *call // of Hub.Call; nil for what the page sent

	refs atomic.Int32 // handlers that have not returned, and the reader
}

// decodeFrame decodes the frame of a page. A frame that is malformed has at least its type, its name and its ID, as far
// as these can be read: the page is told.
func decodeFrame(text []byte) *inbound {
	in := &inbound{size: len(text)}
	err := json.Unmarshal(text, &in.incoming)
	switch {
	case err != nil:
		in.incoming = readHead(text)
		in.refused = &Error{Code: "bad_message", Message: "the message is not what a page sends: " + err.Error()}
	case depth(in.Data) > maxDepth:
		in.Data = nil
		in.refused = &Error{Code: "too_deep", Message: fmt.Sprintf("the data is nested deeper than %d levels", maxDepth)}
	case in.Event == "" && (in.Type == "request" || in.Type == "custom"):
		in.refused = &Error{Code: "bad_event", Message: "the message names no event"}
	}
	in.refs.Store(1)
	return in
}

// readHead reads what stands before the data of a frame that cannot be decoded.
func readHead(text []byte) (head incoming) {
	d := json.NewDecoder(bytes.NewReader(text))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return head
	}
	for {
		key, err := d.Token()
		if err != nil {
			return head
		}
		var to any
		switch key {
		case "type":
			to = &head.Type
		case "event":
			to = &head.Event
		case "id":
			to = &head.ID
		default:
			return head
		}
		if d.Decode(to) != nil {
			return head
		}
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

// release says that a handler of the frame has returned, or that the reader is done with it.
func (in *inbound) release() {
	if in.refs.Add(-1) > 0 {
		return
	}
	if in.cancel != nil {
		in.cancel()
	}
	c := in.from.page
	c.mu.Lock()
	defer c.mu.Unlock()
	if in.call != nil {
		close(in.call.done)
	} else if in.cancel != nil {
		delete(c.cancels, in.ID)
	}
	c.waiting.frames--
	c.waiting.bytes -= in.size
	if c.fits != nil && c.hasRoomFor(0) {
		close(c.fits)
		c.fits = nil
	}
	if c.owesRoom() && c.conn != nil {
		c.conn.socket.wakeUp()
	}
}

// hasRoomFor reports whether a frame of that size may wait for its handlers. The caller holds mu.
func (c *page) hasRoomFor(size int) bool {
	return c.waiting.frames < overrun*mostWaiting && c.waiting.bytes+size <= overrun*mostWaitingBytes+int(c.hub.o.MaxMessage)
}

// owesRoom reports whether the page has to hear that less waits than it was told: it may be waiting for that. The
// caller holds mu.
func (c *page) owesRoom() bool {
	return c.told.frames > mostWaiting/2 && c.waiting.frames <= c.told.frames/2 ||
		c.told.bytes > mostWaitingBytes/2 && c.waiting.bytes <= c.told.bytes/2
}

// admit counts a frame of the page, and returns false when it must not be handled: the page has another connection, and
// sends the frame again, or it sends more than may wait. The caller holds reading.
func (cn *conn) admit(in *inbound) bool {
	c := cn.c
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.conn == cn && !c.hasRoomFor(in.size) {
		if c.confirms || cn.prefix != nil { // its confirmations must be read, and other tabs must not wait
			c.cut(websocket.CloseTryAgainLater, "too many messages wait for their handlers")
			return false
		}
		if c.fits == nil {
			c.fits = make(chan struct{})
		}
		fits := c.fits
		c.mu.Unlock()
		select {
		case <-fits:
		case <-cn.done:
		case <-c.hub.ctx.Done():
		}
		c.mu.Lock()
		if cn.over() || c.hub.ctx.Err() != nil {
			return false
		}
	}
	if c.conn != cn {
		return false
	}
	in.from = c.as
	c.received.frames++
	c.received.bytes += in.size
	c.waiting.frames++
	c.waiting.bytes += in.size
	if in.Type == "request" {
		in.ctx, in.cancel = context.WithCancel(c.ctx)
		c.cancels[in.ID] = in.cancel
	}
	due := c.received.frames - c.told.received
	if due == 1 || due >= ackEach || c.received.bytes-c.told.receivedBytes >= ackBytes {
		cn.socket.wakeUp()
	}
	return true
}

// toldPage is what the last confirmation told the page.
type toldPage struct {
	tally                // that waited
	received      uint64 // frames
	receivedBytes int
}

// confirmation returns the number of the last frame from the page and how many frames wait, if the page has not heard
// of that many frames, or of that many bytes, or has to hear that fewer wait. soon reports that it has not heard of
// fewer frames.
func (cn *conn) confirmation(least uint64) (ack *Ack, soon bool) {
	c := cn.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != cn && (c.conn != nil || cn.prefix != nil) {
		return nil, false // the session has another connection
	}
	count := c.received.frames - c.told.received
	if count < least && c.received.bytes-c.told.receivedBytes < ackBytes && !c.owesRoom() && !cn.pinged {
		return nil, count > 0
	}
	cn.pinged = false
	c.told = toldPage{c.waiting, c.received.frames, c.received.bytes}
	return &Ack{N: c.received.frames, Waiting: c.waiting.frames, WaitingBytes: c.waiting.bytes}, false
}

// client returns the page for the frame's handlers: with the user that it had when it sent the frame. A guest may have
// signed in while the frame waited.
func (in *inbound) client() *Client {
	if in.from.user == "" {
		return in.from.client()
	}
	return in.from
}

// leaveTime is how long the handlers of events and channels may work on when the page is gone. A page often sends its
// last event when it is left. lateTime is how long all handlers may take whose turn comes after that.
const (
	leaveTime = time.Second
	lateTime  = 30 * time.Second
)

// context returns the context of the frame's handlers, and what to call when they have returned. ok is false when no
// handler is to be called: the page is gone, and earlier handlers have used up the time.
func (in *inbound) context() (ctx context.Context, done func(), ok bool) {
	if in.ctx != nil {
		return in.ctx, func() {}, true
	}
	c := in.from.page
	if c.handling.Err() == nil {
		return c.handling, func() {}, true
	}
	began := time.Now()
	spent := time.Duration(c.late.Load())
	if spent >= lateTime {
		if c.lateDropped.CompareAndSwap(false, true) {
			c.hub.o.Logger.Warn(fmt.Sprintf("page %s is gone, and the handlers of its last events take too long; the rest is dropped", c.ID()),
				"url", c.URL(), "waiting", c.waitingFrames())
		}
		return nil, nil, false
	}
	ctx, cancel := context.WithTimeout(c.hub.ctx, leaveTime)
	return ctx, func() { cancel(); c.late.Add(int64(time.Since(began))) }, true
}

func (c *page) waitingFrames() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waiting.frames
}
