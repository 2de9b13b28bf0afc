package hmr

import (
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Client is one open page: a session, over as many connections as it takes. Its methods are safe for concurrent use,
// and may be called when the page is gone.
type Client struct {
	hub     *Hub
	number  int
	session string // its name, which only the page knows
	browser browser

	reading sync.Mutex      // held while a frame of the page is counted and dispatched
	moving  sync.Mutex      // held while the client joins or leaves rooms, so that hooks are called in order
	rooms   map[string]bool // guarded by Hub.mu

	mu       sync.Mutex
	identity identity
	// users counts the users that the page has had. An answer of Allow is not used for the next user.
	users int
	// lastRequest is the last request that identified the page, nil without Options.KeepRequests. It is newer than the
	// identity while Identify is asked about it.
	lastRequest   *http.Request
	lastRequestAt time.Time
	url           string
	greeted       bool        // the hooks of OnConnect run or have run
	helloTimer    *time.Timer // runs them without a hello; nil once they run
	conn          *conn       // nil while the page is away
	gone          bool
	graceTimer    *time.Timer // ends the session of a page that is away; nil before the first loss

	queue    queue
	received uint64 // number of reliable frames from the page
	ackSent  uint64 // the last such number that the page was sent

	channels map[string]bool   // channels that the page wants to listen to -> whether it may
	unknown  map[string]bool   // events that were reported to the page as unknown
	lanes    map[laneKey]*lane // see lane
	cancels  map[uint64]func() // by the ID of the page's request
}

// ID returns the page's name while it is open: "c1", "c2", … A page keeps its ID over reconnects. No later page of the
// hub gets it.
func (c *Client) ID() string { return "c" + strconv.Itoa(c.number) }

// URL returns the page's address as the page has sent it, "" before that and for a client that sends none.
func (c *Client) URL() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.url
}

// UserAgent returns the browser's description of itself.
func (c *Client) UserAgent() string { return c.browser.userAgent }

// User returns the user that the page has now, "" for a guest. It may change while the page is open, see
// [Hub.OnIdentify].
func (c *Client) User() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.identity.user
}

// ErrClosed is the error for a page that is gone for good.
var ErrClosed = errors.New("the page is gone")

// Send sends an event to this page only. Nil data is left out. The error says that the event has no name or that the
// data cannot be JSON, or it is [ErrClosed]. A page that is away gets the event when it comes back.
func (c *Client) Send(event string, data any) error {
	p, err := newCustom(event, data)
	if err != nil {
		return err
	}
	return c.Publish(p)
}

// Publish sends a payload to this page only. An *[Update] must have Seq 0, since updates with a number are for all
// pages. The errors are those of [Client.Send].
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

// Close ends the page's session with code 4001. The page's console shows the reason, cut off at 123 bytes. The page
// connects again with a new session.
func (c *Client) Close(reason string) { c.end(closedByServer, reason) }

// closedByServer is the close code of Client.Close and Hub.Disconnect.
const closedByServer = 4001
