package hmr

import (
	"context"
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
	return c
}

// helloWait is how long the hooks of OnConnect wait for a page's hello, which has its URL. Our client sends it first.
const helloWait = 5 * time.Second

// awaitHello greets the client when no hello has come in time.
func (c *page) awaitHello() {
	c.helloTimer = time.AfterFunc(helloWait, func() {
		c.reading.Lock() // a frame that comes meanwhile waits for the hooks
		defer c.reading.Unlock()
		c.greet()
	})
}

// greet calls the hooks of OnConnect, once for a session.
func (c *page) greet() {
	h := c.hub
	c.mu.Lock()
	greeted := c.greeted
	c.greeted = true
	if c.helloTimer != nil {
		c.helloTimer.Stop()
		c.helloTimer = nil
	}
	c.mu.Unlock()
	if greeted {
		return
	}
	h.mu.Lock()
	connect := h.hooks.connect
	h.mu.Unlock()
	for _, k := range connect {
		h.call(c, "connect", func(ctx context.Context) error { k.fn(ctx, c.client()); return nil })
	}
}

func (c *page) isGreeted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.greeted
}

// resume reports whether the session can continue for a page that has had that many frames, and drops these frames. A
// connection that is still there is dead. Frames that still come over it are not counted, since the page sends them
// again.
func (c *page) resume(received uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		c.conn.abandon(websocket.CloseNormalClosure, "the page has another connection")
		c.conn = nil
	}
	if c.gone || received < c.queue.acked || received > c.queue.last() {
		return false
	}
	c.queue.trim(received)
	return true
}

func (c *page) receivedCount() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.received
}

// attach makes cn the page's connection.
func (c *page) attach(cn *conn, hello []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.graceTimer != nil {
		c.graceTimer.Stop()
	}
	cn.hello, cn.written = hello, c.queue.acked
	cn.waiting = c.queue.bytes
	c.conn = cn
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
	left := cn.saidGoodbye
	if c.graceTimer != nil {
		c.graceTimer.Stop()
	}
	if !final && !left {
		c.graceTimer = time.AfterFunc(c.hub.o.ResumeGrace, func() { c.end(websocket.CloseGoingAway, "") })
	}
	c.mu.Unlock()
	if final || left {
		c.end(websocket.CloseGoingAway, "")
	}
}

// end ends the session for good. The page gets the code and the reason.
func (c *page) end(code int, reason string) {
	c.mu.Lock()
	if c.gone {
		c.mu.Unlock()
		return
	}
	c.gone = true
	cn := c.conn
	c.conn = nil
	c.queue.clear()
	if c.graceTimer != nil {
		c.graceTimer.Stop()
	}
	if c.helloTimer != nil {
		c.helloTimer.Stop()
	}
	for _, cancel := range c.cancels {
		cancel()
	}
	c.mu.Unlock()
	if cn != nil {
		cn.abandon(code, reason)
	}
	c.hub.forget(c)
}

// forget takes a session that has ended out of the hub, and calls the hooks.
func (h *Hub) forget(c *page) {
	c.greet() // a hook of OnDisconnect gets no page that OnConnect has not had
	h.mu.Lock()
	if h.sessions[c.session] == c {
		delete(h.sessions, c.session)
	}
	disconnect := h.hooks.disconnect
	h.mu.Unlock()
	c.leave(c.Rooms()...) // Join returns ErrClosed from here on
	for _, k := range disconnect {
		h.call(c, "disconnect", func(ctx context.Context) error { k.fn(ctx, c.client()); return nil })
	}
}
