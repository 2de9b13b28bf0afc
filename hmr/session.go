package hmr

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// newPage begins a session over the socket that the page came by.
func newPage(session string, s *socket, number int) *page {
	c := &page{
		hub:           s.hub,
		number:        number,
		session:       session,
		browser:       s.browser,
		identity:      s.identity.settled(),
		lastRequest:   s.identity.request,
		lastRequestAt: s.identity.at,
		channels:      map[string]*subscription{},
		unknown:       map[string]bool{},
		lanes:         map[laneKey]*lane{},
		cancels:       map[uint64]func(){},
	}
	c.as = &Client{c, c.identity.user}
	c.ctx, c.cancel = context.WithCancel(s.hub.ctx)
	c.handling, c.stopHandling = context.WithCancel(s.hub.ctx)
	return c
}

// helloWait is how long the hooks of OnConnect wait for a page's hello, which has its URL. Our client sends it first.
const helloWait = 5 * time.Second

// short cuts what a page says of itself: the server keeps it, and logs and lists have it.
func short(text string) string {
	const longest = 4 << 10
	return strings.ToValidUTF8(text[:min(len(text), longest)], "")
}

// receive dispatches a frame, or keeps it until the hooks of OnConnect have run. The caller holds reading.
func (c *page) receive(in *inbound) {
	if in.Type == "hello" {
		c.mu.Lock()
		c.url, c.was = short(in.URL), short(in.Was)
		c.mu.Unlock()
	}
	if c.greeted {
		c.hub.dispatch(in)
		return
	}
	in.refs.Add(1)
	c.early = append(c.early, in)
	c.greet()
}

// greet calls the hooks of OnConnect, once for a session, and then dispatches the frames that came meanwhile.
func (c *page) greet() {
	h := c.hub
	c.mu.Lock()
	begun := c.greeting != nil || c.gone
	if !begun {
		c.greeting = make(chan struct{})
		c.stopHelloTimer()
	}
	c.mu.Unlock()
	if begun {
		return
	}
	h.handlers.run(func() {
		h.mu.Lock()
		connect := h.hooks.connect
		h.mu.Unlock()
		for _, k := range connect {
			h.call(c.client(), "connect", k.fn)
		}
		close(c.greeting)
		c.reading.Lock()
		defer c.reading.Unlock()
		c.greeted = true
		for _, in := range c.early {
			h.dispatch(in)
			in.release()
		}
		c.early = nil
	})
}

func (c *page) stopHelloTimer() {
	if c.helloTimer != nil {
		c.helloTimer.Stop()
		c.helloTimer = nil
	}
}

func (c *page) isGreeted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.greeting != nil
}

// beginAgain reports whether the session can begin again, with all that waits for the page: the page has neither sent nor
// confirmed anything in it, since the greeting did not arrive. A connection that is still there is dead.
func (c *page) beginAgain() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone || c.left || c.received.frames > 0 || c.queue.acked > 0 {
		return false
	}
	c.cut(websocket.CloseNormalClosure, "the page has another connection")
	return true
}

// hasLeft reports whether the user has left the page, so that its session ends by itself.
func (c *page) hasLeft() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.left
}

// isOpen reports whether the page has said hello or is connected. A page that is reloaded while its socket opens does
// neither.
func (c *page) isOpen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.greeting != nil || c.conn != nil
}

// confirm notes that the page has had the frames up to number n.
func (c *page) confirm(n uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.queue.acked
	c.trim(n)
	if c.queue.acked > before {
		c.confirms = true
		c.advance()
		c.noteRoom()
	}
}

// trim drops the frames up to number n. The caller holds mu.
func (c *page) trim(n uint64) {
	c.queue.trim(n)
	if c.written < c.queue.acked {
		c.written, c.unwritten = c.queue.acked, c.queue.bytes
	}
}

// resume reports whether the session can continue for a page that has had that many frames, and drops these frames. A
// connection that is still there is dead. Frames that still come over it are not counted, since the page sends them
// again.
func (c *page) resume(received uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone || c.left {
		return false
	}
	c.cut(websocket.CloseNormalClosure, "the page has another connection")
	if received < c.queue.acked {
		c.lost = &Lost{Messages: int(c.queue.last() - received), Reason: "the page does not confirm what it gets, so that not all was kept"}
	}
	if received < c.queue.acked || received > c.queue.last() {
		return false
	}
	c.trim(received)
	return true
}

// attach makes cn the page's connection. confirms says that the page confirms frames as our client does.
func (c *page) attach(cn *conn, confirms bool, hello *Connected) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.graceTimer != nil {
		c.graceTimer.Stop()
	}
	if c.greeting == nil { // a client that sends no hello is greeted without
		c.stopHelloTimer()
		c.helloTimer = time.AfterFunc(helloWait, c.greet)
	}
	if c.received.frames == 0 { // the page may not have got the greeting that said so
		hello.Lost = c.lostBefore
	}
	hello.Received, hello.Waiting, hello.WaitingBytes = c.received.frames, c.waiting.frames, c.waiting.bytes
	c.told = toldPage{c.waiting, c.received.frames, c.received.bytes}
	cn.hello, _ = Encode(hello) // always encodes
	c.written, c.unwritten = c.queue.acked, c.queue.bytes
	c.conn = cn
	c.confirmsBytes = c.confirmsBytes || confirms
	c.confirms = c.confirms || confirms
	if !c.confirms {
		c.stalled = false
	}
	if c.room != nil {
		c.progress = time.Now()
	}
	c.noteRoom()
	if c.gone { // it ended while the page came back
		cn.abandon(websocket.CloseTryAgainLater, "the session has ended")
	}
}

// detach notes that the connection is lost. The session waits for the page to come back, unless the page said goodbye.
// A final session does not wait: it has no name that a page could come back with.
func (c *page) detach(cn *conn, final bool) {
	c.mu.Lock()
	if c.conn != cn && c.conn != nil || c.gone {
		c.mu.Unlock()
		return
	}
	c.conn = nil
	c.stopHelloTimer()
	left := cn.saidGoodbye
	if c.graceTimer != nil {
		c.graceTimer.Stop()
	}
	if !final && !left {
		c.graceTimer = time.AfterFunc(c.hub.o.ResumeGrace, c.endAway)
	}
	c.mu.Unlock()
	if final || left {
		c.end(websocket.CloseGoingAway, "")
	}
}

// endAway ends the session of a page that did not come back in time.
func (c *page) endAway() {
	c.mu.Lock()
	if c.conn != nil || c.gone { // it came back at this moment
		c.mu.Unlock()
		return
	}
	c.lost = &Lost{
		Messages: len(c.queue.frames),
		Reason:   fmt.Sprintf("the page was away for more than %v; what was sent after that was not kept", c.hub.o.ResumeGrace),
	}
	c.close()
	c.mu.Unlock()
	c.hub.forget(c)
}

// end ends the session for good. The page gets the code and the reason.
func (c *page) end(code int, reason string) {
	c.mu.Lock()
	if c.gone {
		c.mu.Unlock()
		return
	}
	cn := c.close()
	c.mu.Unlock()
	if cn != nil {
		cn.abandon(code, reason)
	}
	c.hub.forget(c)
}

// close ends what the page has in this package, and returns its connection, nil while the page is away. The caller
// holds mu. It then abandons the connection and calls Hub.forget.
func (c *page) close() *conn {
	c.gone = true
	cn := c.conn
	c.conn = nil
	c.queue.clear()
	for id := range c.asked {
		c.settle(id, result{err: ErrClosed})
	}
	c.noteRoom()
	if c.graceTimer != nil {
		c.graceTimer.Stop()
	}
	c.stopHelloTimer()
	c.cancel()
	time.AfterFunc(leaveTime, c.stopHandling)
	return cn
}

// forget takes a session that has ended out of the hub, and calls the hooks of OnDisconnect, if those of OnConnect were
// called.
func (h *Hub) forget(c *page) {
	h.mu.Lock()
	if h.sessions[c.session] == c {
		delete(h.sessions, c.session)
		h.noteLost(c)
	}
	disconnect := h.hooks.disconnect
	h.mu.Unlock()
	c.leave(c.Rooms()...) // Join returns ErrClosed from here on
	c.mu.Lock()
	greeting := c.greeting
	c.mu.Unlock()
	if greeting == nil {
		return
	}
	report := func() {
		for _, k := range disconnect {
			h.call(c.client(), "disconnect", k.fn)
		}
	}
	select {
	case <-greeting:
		report()
	default: // also when a hook of OnConnect ends the session
		h.handlers.run(func() {
			<-greeting
			report()
		})
	}
}

// mostLost bounds the sessions that ended with a loss and whose pages have not come back.
const mostLost = 10_000

// noteLost stores what the page has to hear when it comes back. The caller holds mu.
func (h *Hub) noteLost(c *page) {
	c.mu.Lock()
	defer c.mu.Unlock()
	lost := c.lost
	if lost == nil && c.received.frames == 0 {
		lost = c.lostBefore // the page has not heard of it
	}
	if lost == nil {
		return
	}
	for other := range h.lost {
		if len(h.lost) < mostLost {
			break
		}
		delete(h.lost, other)
	}
	h.lost[c.session] = lost
}

// takeLost returns what the session of that name has lost, nil for nothing. before is the session if the hub still has
// it. The caller holds mu.
func (h *Hub) takeLost(session string, before *page) *Lost {
	lost := h.lost[session]
	delete(h.lost, session)
	if before != nil {
		before.mu.Lock()
		defer before.mu.Unlock()
		if lost = cmp.Or(before.lost, lost); lost == nil && before.received.frames == 0 {
			lost = before.lostBefore
		}
	}
	return lost
}
