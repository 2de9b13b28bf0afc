package hmr

import (
	"context"
	"time"

	"github.com/gorilla/websocket"
)

func newClient(session string, s *socket, number int) *Client {
	return &Client{
		hub: s.hub, number: number, session: session, user: s.user, asked: s.since, shown: s.shown, shownAt: s.since, proof: s.proof(), userAgent: s.userAgent, address: s.address,
		channels: map[string]bool{}, unknown: map[string]bool{}, lanes: map[string]*lane{}, cancels: map[uint64]func(){},
	}
}

// helloWait is how long the hooks wait for the hello of a page, which is its first frame. Ours come at once.
const helloWait = 5 * time.Second

// greet tells the hooks of a session that begins, unless they have been told.
func (c *Client) greet() {
	h := c.hub
	c.mu.Lock()
	greeted := c.greeted
	c.greeted = true
	if c.waits != nil {
		c.waits.Stop()
		c.waits = nil
	}
	c.mu.Unlock()
	if greeted {
		return
	}
	h.mu.Lock()
	connect := h.hooks.connect
	h.mu.Unlock()
	for _, k := range connect {
		h.call(c, "connect", func(ctx context.Context) error { k.fn(ctx, c); return nil })
	}
}

func (c *Client) isGreeted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.greeted
}

// resume tells whether the session can go on after the page has had the given number of frames, and drops those. A
// connection that is still there is dead: what comes of it from now on is not counted, as the page sends it again.
func (c *Client) resume(received uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		c.conn.abandon(websocket.CloseNormalClosure, "the page has another connection")
		c.conn = nil
	}
	if c.gone || received < c.acked || received > c.acked+uint64(len(c.queue)) {
		return false
	}
	c.trim(received)
	return true
}

func (c *Client) receivedCount() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.received
}

// attach makes cn the page's connection.
func (c *Client) attach(cn *conn, hello []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.grace != nil {
		c.grace.Stop()
	}
	cn.hello, cn.written = hello, c.acked
	for _, f := range c.queue {
		cn.waiting += len(f.text)
	}
	c.conn = cn
	if c.gone { // it ended while the page came back
		cn.abandon(websocket.CloseTryAgainLater, "the session has ended")
	}
}

// detach notes that the connection is lost. The session waits for the page to come back, unless it cannot.
func (c *Client) detach(cn *conn, final bool) {
	c.mu.Lock()
	if c.conn != cn && c.conn != nil || c.gone {
		c.mu.Unlock()
		return
	}
	c.conn = nil
	left := cn.saidGoodbye
	if c.grace != nil {
		c.grace.Stop()
	}
	if !final && !left {
		c.grace = time.AfterFunc(c.hub.o.ResumeGrace, func() { c.end(websocket.CloseGoingAway, "") })
	}
	c.mu.Unlock()
	if final || left {
		c.end(websocket.CloseGoingAway, "")
	}
}

// end ends the session for good.
func (c *Client) end(code int, reason string) {
	c.mu.Lock()
	if c.gone {
		c.mu.Unlock()
		return
	}
	c.gone = true
	cn := c.conn
	c.conn, c.queue, c.queueSize = nil, nil, 0
	if c.grace != nil {
		c.grace.Stop()
	}
	if c.waits != nil {
		c.waits.Stop()
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

// forget ends a session for good.
func (h *Hub) forget(c *Client) {
	c.greet() // no hook is told of the end of what it has not seen begin
	h.mu.Lock()
	if h.sessions[c.session] == c {
		delete(h.sessions, c.session)
	}
	disconnect := h.hooks.disconnect
	h.mu.Unlock()
	c.leave(c.Rooms()...) // Join lets nobody in from here on
	for _, k := range disconnect {
		h.call(c, "disconnect", func(ctx context.Context) error { k.fn(ctx, c); return nil })
	}
}
