package hmr

import (
	"errors"
	"strconv"
)

// Client is one open page with the user that it has. A page whose user changes is another Client with the same ID, see
// [Hub.OnIdentify]. So what was made for one user never reaches the next: what is sent by a Client of a signed-in user
// fails with [ErrUserChanged] once the page has another user.
//
// A Client's methods are safe for concurrent use, and may be called when the page is gone.
type Client struct {
	*page
	user string // "" for a guest, whose page may sign in meanwhile
}

// ID returns the page's name while it is open: "c1", "c2", … A page keeps its ID over reconnects. No later page of the
// hub gets it.
func (c *page) ID() string { return "c" + strconv.Itoa(c.number) }

// URL returns the page's address as the page has sent it, "" before that and for a client that sends none.
func (c *page) URL() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.url
}

// Was returns the ID that the page had before its client reloaded it, "" for a page that was opened or that its user
// reloaded. The page says so itself.
func (c *page) Was() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.was
}

// UserAgent returns the browser's description of itself.
func (c *page) UserAgent() string { return c.browser.userAgent }

// User returns the user, "" for a guest.
func (c *Client) User() string { return c.user }

// ErrClosed is the error for a page that is gone for good.
var ErrClosed = errors.New("the page is gone")

// ErrUserChanged is the error of a [Client] whose page has another user by now. Nothing was sent.
var ErrUserChanged = errors.New("the page has another user by now")

// Send sends an event to this page only. Data may be [NoData]. A page that is away gets the event when it comes back.
// Send waits while the page is behind, as [Hub.Broadcast] does. The error says that the event has no name or that the
// data cannot be JSON, or it is [ErrClosed] or [ErrUserChanged].
func (c *Client) Send(event string, data any) error {
	f, err := newEventFrame(event, data)
	if err != nil {
		return err
	}
	return c.post(f, false)
}

// TrySend is [Client.Send] that never waits: it returns [ErrBehind] when the page is behind.
func (c *Client) TrySend(event string, data any) error {
	f, err := newEventFrame(event, data)
	if err != nil {
		return err
	}
	return c.post(f, true)
}

// Publish sends a payload to this page only. An *[Update] must have Seq 0, since updates with a number are for all
// pages. Unlike [Client.Send] it does not wait for a page that is behind. Its errors are those of Send.
func (c *Client) Publish(p Payload) error {
	f, err := newFrame(p)
	if err != nil {
		return err
	}
	f.private = c.user != ""
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.enqueueFor(f)
}

// post queues the frame, once the page is not behind. drops says that a page that is behind is not waited for, and does
// not get the frame.
func (c *Client) post(f *frame, drops bool) error {
	f.private = c.user != ""
	for {
		c.mu.Lock()
		behind := c.room != nil || drops && c.isBehind()
		if !behind || c.gone {
			defer c.mu.Unlock()
			return c.enqueueFor(f)
		}
		c.mu.Unlock()
		if drops {
			return ErrBehind
		}
		c.awaitRoom(nil)
	}
}

// enqueueFor queues the frame if the page still has the client's user. The caller holds mu.
func (c *Client) enqueueFor(f *frame) error {
	err := c.check()
	if err == nil {
		c.enqueue(f)
	}
	return err
}

// client returns the page with the user that it has now.
func (c *page) client() *Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.as
}

// check returns an error when the page is gone or has another user by now. The page of a guest may have signed in. The
// caller holds mu.
func (c *Client) check() error {
	switch {
	case c.gone:
		return ErrClosed
	case c.user != "" && c.user != c.identity.user:
		return ErrUserChanged
	}
	return nil
}

// Close ends the page's session with code 4001. The page's console shows the reason, cut off at 123 bytes. The page
// connects again with a new session.
func (c *page) Close(reason string) { c.end(closedByServer, reason) }

// closedByServer is the close code of Client.Close and Hub.Disconnect.
const closedByServer = 4001
