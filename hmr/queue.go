package hmr

import (
	"fmt"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// queue holds the reliable frames of a session from number acked+1 on. Some are not yet written. The others were
// written but not yet acknowledged, and may have to be sent again. page.mu guards it.
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

// longest returns the length of the longest frame, or 0 when all frames together have no more bytes than that. One
// message may be longer than all that is kept else, and what is sent behind it must not end the session.
func (q *queue) longest(bytes int) (n int) {
	if q.bytes <= bytes {
		return 0
	}
	for _, f := range q.frames {
		n = max(n, len(f.text))
	}
	return n
}

// clear drops all frames.
func (q *queue) clear() { q.frames, q.bytes = nil, 0 }

// isBehind reports whether so much waits for the page that senders wait for it: to be written, or to be confirmed by a
// page that confirms what it gets. The caller holds mu.
func (c *page) isBehind() bool {
	o := &c.hub.o
	if c.queue.last()-c.written >= uint64(o.QueueMessages) || c.unwritten >= o.QueueBytes {
		return true
	}
	// Room is left in what is kept, for messages whose senders do not wait and for the time when the page is away.
	frames := len(c.queue.frames)
	return c.confirms && (frames >= o.KeepMessages-min(o.QueueMessages, o.KeepMessages/2) ||
		c.queue.bytes >= o.KeepBytes-min(o.QueueBytes, o.KeepBytes/2) && (c.confirmsBytes || frames >= 2*ackEach))
}

// noteRoom notes whether senders have to wait for the page. It is called after each change to what waits for the page.
// The caller holds mu.
func (c *page) noteRoom() {
	waits := !c.gone && !c.stalled && c.isBehind()
	switch {
	case waits && c.room == nil:
		c.room, c.progress = make(chan struct{}), time.Now()
		c.hub.behind.Add(1)
	case !waits && c.room != nil:
		close(c.room)
		c.room = nil
		c.hub.behind.Add(-1)
	}
}

// advance notes that the page takes what it is sent. The caller holds mu.
func (c *page) advance() {
	if c.room != nil {
		c.progress = time.Now()
	}
	c.stalled = false
}

// awaitRoom waits until the page is not behind, or has made no progress for Options.StallTimeout. Such a page loses its
// connection, and nobody waits for it any more until it takes something. It returns early when done is closed, nil for
// never.
func (c *page) awaitRoom(done <-chan struct{}) {
	for {
		c.mu.Lock()
		room, patience := c.room, time.Until(c.progress.Add(c.hub.o.StallTimeout))
		if room != nil && patience <= 0 {
			c.stall()
			room = nil
		}
		c.mu.Unlock()
		if room == nil {
			return
		}
		timer := time.NewTimer(patience)
		select {
		case <-room:
		case <-timer.C:
		case <-done:
		}
		timer.Stop()
		select {
		case <-done:
			return
		default:
		}
	}
}

// stall detaches a page that does not take what it is sent. The caller holds mu.
func (c *page) stall() {
	c.hub.o.Logger.Warn(fmt.Sprintf("page %s took nothing for %v; senders do not wait for it any more", c.ID(), c.hub.o.StallTimeout),
		"url", c.url, "waiting", len(c.queue.frames))
	c.stalled = true
	c.cut(websocket.CloseTryAgainLater, "too slow: the page takes nothing that it is sent")
	c.noteRoom()
}

// cut ends the page's connection, if it has one. The page is away then, and may come back. The caller holds mu.
func (c *page) cut(code int, reason string) {
	if c.conn != nil {
		c.conn.abandon(code, reason)
		c.conn = nil
	}
}

// send queues the frame without waiting.
func (c *page) send(f *frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enqueue(f)
}

// enqueue queues the frame and wakes the writer. It does nothing when the page is gone. The caller holds mu.
func (c *page) enqueue(f *frame) {
	if c.gone {
		return
	}
	c.hub.reportSent(c, f)
	c.queue.add(f)
	c.unwritten += len(f.text)
	c.boundKept()
	c.noteRoom()
	if c.conn != nil {
		c.conn.socket.wakeUp()
	}
}

// boundKept keeps what is stored for the page within its bounds. Frames that were written to a page that does not
// confirm them in time are dropped: such a page may not resume. For any other page the session ends. The caller holds
// mu.
func (c *page) boundKept() {
	for len(c.queue.frames) > c.hub.o.KeepMessages || c.queue.bytes-c.queue.longest(c.hub.o.KeepBytes) > c.hub.o.KeepBytes {
		if c.confirmsBytes || c.written <= c.queue.acked {
			c.lose(fmt.Sprintf("more waited for it than is kept (%d messages or %d MiB)",
				c.hub.o.KeepMessages, c.hub.o.KeepBytes>>20))
			return
		}
		c.queue.trim(c.queue.acked + 1)
	}
}

// lose ends the session, because what waits for the page cannot be kept. The page is told when it comes back. The
// caller holds mu.
func (c *page) lose(reason string) {
	lost := &Lost{Messages: len(c.queue.frames), Reason: reason}
	c.hub.o.Logger.Warn(fmt.Sprintf("%d messages to page %s are lost: %s", lost.Messages, c.ID(), reason), "url", c.url)
	c.lost = lost
	cn := c.close()
	if cn != nil {
		cn.abandon(websocket.CloseTryAgainLater, "too slow: "+reason)
	}
	c.hub.handlers.run(func() { c.hub.forget(c) }) // hooks must not run under mu
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
		c.blank(i)
	}
	c.noteRoom()
}

// blank replaces a frame that waits for the page by a frame without effect. The caller holds mu.
func (c *page) blank(i int) {
	grown := len(nothingFrame().text) - len(c.queue.frames[i].text)
	c.queue.bytes += grown
	if c.queue.acked+uint64(i) >= c.written {
		c.unwritten += grown
	}
	c.queue.frames[i] = nothingFrame()
}
