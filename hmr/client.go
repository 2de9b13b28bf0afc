package hmr

import (
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"
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
