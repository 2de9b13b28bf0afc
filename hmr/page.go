package hmr

import (
	"net/http"
	"sync"
	"time"
)

// page is one open page: a session, over as many connections as it takes. Handlers and hooks get it as a [Client].
type page struct {
	hub     *Hub
	number  int
	session string // its name, which only the page knows
	browser browser

	reading sync.Mutex      // held while a frame of the page is counted and dispatched
	moving  sync.Mutex      // held while the client joins or leaves rooms, so that hooks are called in order
	rooms   map[string]bool // guarded by Hub.mu

	mu       sync.Mutex
	identity identity
	as       *Client // the page with its user now; replaced when the user changes
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

	channels map[string]*subscription // by ID: channels that the page wants to listen to
	unknown  map[string]bool          // events that were reported to the page as unknown
	lanes    map[laneKey]*lane        // see lane
	cancels  map[uint64]func()        // by the ID of the page's request
}
