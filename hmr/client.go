package hmr

import (
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Client is one open page: a session, over as many connections as it takes. Its methods are safe for concurrent use.
type Client struct {
	hub       *Hub
	number    int
	session   string
	userAgent string
	address   string // see address

	reading sync.Mutex      // held while a frame is counted and handed out
	moving  sync.Mutex      // one Join or Leave at a time
	rooms   map[string]bool // guarded by Hub.mu

	mu    sync.Mutex
	user  string
	asked time.Time // since when that is known
	// shown is the request that the page came with or identified by last, and when; nil without Options.KeepRequests.
	shown   *http.Request
	shownAt time.Time
	proof   string // the credentials that the user was found by
	// identity counts the users that the page was, so that a permission given to one is not taken for another.
	identity int
	url      string
	greeted  bool        // see greet
	waits    *time.Timer // for its hello
	conn     *conn       // nil while the page is away
	gone     bool
	grace    *time.Timer

	// queue holds the reliable frames from number acked+1 on: what is not yet written, and what was written but not yet
	// acknowledged and may have to be sent again.
	queue     []*frame
	queueSize int
	acked     uint64
	received  uint64 // reliable frames that came from the page
	ackSent   uint64

	channels map[string]bool // that the page asked to listen to, and whether it may
	unknown  map[string]bool // events that were reported as unknown
	lanes    map[string]*lane
	cancels  map[uint64]func()
}

// frame is an encoded payload, shared by all pages that get it.
type frame struct {
	text     []byte
	prepared *websocket.PreparedMessage
	// private is set for what the page may see because of the user that it is.
	private bool
}

func newFrame(p Payload) (*frame, error) {
	text, err := Encode(p)
	if err != nil {
		return nil, err
	}
	prepared, err := websocket.NewPreparedMessage(websocket.TextMessage, text)
	if err != nil {
		return nil, err
	}
	return &frame{text: text, prepared: prepared}, nil
}

func newClient(session string, s *socket, number int) *Client {
	return &Client{
		hub: s.hub, number: number, session: session, user: s.user, asked: s.since, shown: s.shown, shownAt: s.since, proof: s.proof(), userAgent: s.userAgent, address: s.address,
		channels: map[string]bool{}, unknown: map[string]bool{}, lanes: map[string]*lane{}, cancels: map[uint64]func(){},
	}
}

// ID names the page while it is open, "c1", "c2", …
func (c *Client) ID() string { return "c" + strconv.Itoa(c.number) }

// URL is the page's address as its hello told it; "" of a client that sends none.
func (c *Client) URL() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.url
}

// UserAgent is the browser's own description.
func (c *Client) UserAgent() string { return c.userAgent }

// User is the signed-in user, "" for a guest.
func (c *Client) User() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.user
}

// ErrClosed is returned for pages that are gone.
var ErrClosed = errors.New("the page is gone")

// Send sends an event to this page only. The error is about data that cannot be JSON, or ErrClosed.
func (c *Client) Send(event string, data any) error {
	p, err := newCustom(event, data)
	if err != nil {
		return err
	}
	return c.Publish(p)
}

// Publish sends any payload to this page only. An *Update must not be sent so, unless its Seq is 0.
func (c *Client) Publish(p Payload) error {
	f, err := newFrame(p)
	if err != nil {
		return err
	}
	if !c.send(f) {
		return ErrClosed
	}
	return nil
}

// Close ends the page's session; the reason reaches its console. It does not come back with the same session.
func (c *Client) Close(reason string) { c.end(closedByServer, reason) }

// closedByServer is the close code of Close and Hub.Disconnect.
const closedByServer = 4001

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
