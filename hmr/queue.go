package hmr

import (
	"sync"

	"github.com/gorilla/websocket"
)

func (c *Client) send(f *frame) bool { return c.sendIf(f, nil) }

// sendIf queues the frame when the condition holds; it is asked under the lock, so that nothing changes in between.
func (c *Client) sendIf(f *frame, condition func() bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone || condition != nil && !condition() {
		return false
	}
	c.enqueue(f)
	return true
}

// enqueue queues the frame. The caller holds mu.
func (c *Client) enqueue(f *frame) {
	c.hub.tellSent(c, f)
	c.queue = append(c.queue, f)
	c.queueSize += len(f.text)
	if cn := c.conn; cn != nil {
		waiting := c.acked + uint64(len(c.queue)) - cn.written
		// One message may be as large as it must, also behind small ones; a queue of them is a page that does not keep up.
		full := waiting > uint64(c.hub.o.QueueMessages) || cn.waiting > c.hub.o.QueueBytes
		cn.waiting += len(f.text)
		if full {
			cn.abandon(websocket.CloseTryAgainLater, "too slow: the queue for this page is full")
			c.conn = nil
		}
	}
	// Beyond what is kept, the oldest go. A page that has not had them cannot resume and starts over.
	for len(c.queue) > c.hub.o.KeepMessages || c.queueSize > c.hub.o.KeepBytes && len(c.queue) > 1 {
		if c.conn != nil && c.conn.written <= c.acked {
			break // still to be written: the bound for slow pages rules
		}
		if c.conn != nil && c.conn.prefix != nil { // what a frozen tab does not take piles up in the carrier's memory
			c.conn.abandon(websocket.CloseTryAgainLater, "too slow: the tab does not confirm what it is sent")
			c.conn = nil
		}
		c.trim(c.acked + 1)
	}
	if c.conn != nil {
		c.conn.socket.wakeUp()
	}
}

// nothingFrame stands where a frame was that the page must not have: both sides count frames, so it cannot just go.
var nothingFrame = sync.OnceValue(func() *frame {
	f, err := newFrame(&Custom{Event: "devserver:nothing"})
	if err != nil {
		panic(err) // a constant
	}
	return f
})

// forgetPrivate drops what waits for the user that the page was. The caller holds mu.
func (c *Client) forgetPrivate() {
	for i, f := range c.queue {
		if f.private {
			c.queueSize += len(nothingFrame().text) - len(f.text)
			if cn := c.conn; cn != nil && c.acked+uint64(i) >= cn.written {
				cn.waiting += len(nothingFrame().text) - len(f.text)
			}
			c.queue[i] = nothingFrame()
		}
	}
}

// trim drops frames up to number n. The caller holds mu.
func (c *Client) trim(n uint64) {
	if n <= c.acked || n > c.acked+uint64(len(c.queue)) {
		return
	}
	drop := int(n - c.acked)
	for i := range drop {
		c.queueSize -= len(c.queue[i].text)
		c.queue[i] = nil
	}
	c.queue = c.queue[drop:]
	c.acked = n
}
