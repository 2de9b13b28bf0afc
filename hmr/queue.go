package hmr

import (
	"sync"

	"github.com/gorilla/websocket"
)

// queue holds the reliable frames of a session from number acked+1 on. Some are not yet written. The others were
// written but not yet acknowledged, and may have to be sent again. Client.mu guards it.
type queue struct {
	frames []*frame
	bytes  int    // of all frames
	acked  uint64 // number of the last frame that the page has acknowledged
}

// last is the number of the newest frame.
func (q *queue) last() uint64 { return q.acked + uint64(len(q.frames)) }

// after returns the frame behind number n, nil when there is none.
func (q *queue) after(n uint64) *frame {
	if n < q.acked || n >= q.last() {
		return nil
	}
	return q.frames[n-q.acked]
}

func (q *queue) add(f *frame) {
	q.frames = append(q.frames, f)
	q.bytes += len(f.text)
}

// trim drops the frames up to number n. It does nothing for a number that cannot be acknowledged.
func (q *queue) trim(n uint64) {
	if n <= q.acked || n > q.last() {
		return
	}
	drop := int(n - q.acked)
	for i := range drop {
		q.bytes -= len(q.frames[i].text)
		q.frames[i] = nil
	}
	q.frames = q.frames[drop:]
	q.acked = n
}

// clear drops all frames.
func (q *queue) clear() { q.frames, q.bytes = nil, 0 }

// send queues the frame and reports whether the session is open.
func (c *page) send(f *frame) bool { return c.sendIf(f, nil) }

// sendIf queues the frame if the condition holds, and reports whether it did. The condition is called under mu, so that
// nothing changes between the two.
func (c *page) sendIf(f *frame, condition func() bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone || condition != nil && !condition() {
		return false
	}
	c.enqueue(f)
	return true
}

// sendAs queues the frame if the page's user is still the client's.
func (c *page) sendAs(as *Client, f *frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.gone:
		return ErrClosed
	case as.user != "" && as.user != c.identity.user:
		return ErrUserChanged
	}
	f.private = as.user != ""
	c.enqueue(f)
	return nil
}

// enqueue queues the frame and wakes the writer. It never waits: a page that is too slow loses its connection. The
// caller holds mu.
func (c *page) enqueue(f *frame) {
	c.hub.reportSent(c, f)
	c.queue.add(f)
	c.boundWaiting(f)
	c.boundKept()
	if c.conn != nil {
		c.conn.socket.wakeUp()
	}
}

// boundWaiting ends the connection when too much waits to be written to it. A single message may have any size, also
// behind small ones; many that wait mean that the page does not keep up. The caller holds mu.
func (c *page) boundWaiting(f *frame) {
	cn := c.conn
	if cn == nil {
		return
	}
	messages, bytes := c.queue.last()-cn.written, cn.waiting
	cn.waiting += len(f.text)
	if messages > uint64(c.hub.o.QueueMessages) || bytes > c.hub.o.QueueBytes {
		cn.abandon(websocket.CloseTryAgainLater, "too slow: the queue for this page is full")
		c.conn = nil
	}
}

// boundKept drops the oldest frames beyond what is kept for a lost connection. A page that has not had them cannot
// resume. The caller holds mu.
func (c *page) boundKept() {
	for len(c.queue.frames) > c.hub.o.KeepMessages || c.queue.bytes > c.hub.o.KeepBytes && len(c.queue.frames) > 1 {
		if c.conn != nil && c.conn.written <= c.queue.acked {
			return // the oldest frame is still to be written: boundWaiting is the bound for slow pages
		}
		if c.conn != nil && c.conn.prefix != nil { // what a frozen tab does not take fills the memory of the carrier
			c.conn.abandon(websocket.CloseTryAgainLater, "too slow: the tab does not confirm what it is sent")
			c.conn = nil
		}
		c.queue.trim(c.queue.acked + 1)
	}
}

// nothingFrame takes the place of a frame that the page must not have. Both sides count frames, so that none can be
// taken out.
var nothingFrame = sync.OnceValue(func() *frame {
	f, err := newFrame(&Custom{Event: "devserver:nothing"})
	if err != nil {
		panic(err) // never: the payload is a constant
	}
	return f
})

// forgetPrivate drops the frames that are only for the page's user. The caller holds mu.
func (c *page) forgetPrivate() {
	for i, f := range c.queue.frames {
		if !f.private {
			continue
		}
		grown := len(nothingFrame().text) - len(f.text)
		c.queue.bytes += grown
		if cn := c.conn; cn != nil && c.queue.acked+uint64(i) >= cn.written {
			cn.waiting += grown
		}
		c.queue.frames[i] = nothingFrame()
	}
}
