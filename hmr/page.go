package hmr

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// page is one open page: a session, over as many connections as it takes. Handlers and hooks get it as a [Client].
type page struct {
	hub     *Hub
	number  int
	session string // its name, which only the page knows
	browser browser

	reading sync.Mutex // held while a frame of the page is counted and dispatched
	early   []*inbound // frames that came before the hooks of OnConnect had run; guarded by reading
	greeted bool       // the hooks have run, and early is dispatched; guarded by reading

	ctx          context.Context // of requests; ends when the page is gone
	cancel       func()
	handling     context.Context // of events and channels; ends leaveTime later
	stopHandling func()
	late         atomic.Int64 // nanoseconds that handlers have taken since then
	lateDropped  atomic.Bool

	moving sync.Mutex      // held while the client joins or leaves rooms, so that hooks are called in order
	rooms  map[string]bool // guarded by Hub.mu

	mu       sync.Mutex
	identity identity
	as       *Client // the page with its user now; replaced when the user changes
	// lastRequest is the last request that identified the page, nil without Options.KeepRequests. It is newer than the
	// identity while Identify is asked about it.
	lastRequest   *http.Request
	lastRequestAt time.Time
	url           string
	was           string        // see Client.Was
	greeting      chan struct{} // closed when the hooks of OnConnect have run; nil before they are called
	helloTimer    *time.Timer   // calls them without a hello; nil once they are called, and while the page is away
	conn          *conn         // nil while the page is away
	// left says that the user has left the page. Its last frames are being handled, and a connection that comes now was
	// opened before, or begins another session.
	left       bool
	gone       bool
	graceTimer *time.Timer // ends the session of a page that is away; nil before the first loss

	// To the page, see queue.go.
	queue     queue
	written   uint64 // number of the last frame that was written to the newest connection
	unwritten int    // bytes of the frames after it
	confirms  bool   // the page confirms what it gets, after ackEach frames at the latest
	// confirmsBytes says that it also does so after ackBytes, as our client does.
	confirmsBytes bool
	room          chan struct{} // closed when the page is not behind any more; nil while it is not
	progress      time.Time     // when the page last took something, while it is behind
	stalled       bool          // the page is behind, and nobody waits for it
	lost          *Lost         // why the session ended, nil unless messages were lost
	// lostBefore is what the session before has lost. The page is told until it sends a frame.
	lostBefore *Lost

	lastAsked atomic.Uint64
	asked     map[uint64]*pending // requests to the page that it has not answered, by ID; nil before the first

	// From the page, see inbound.go.
	received  tally
	waiting   tally         // received frames whose handlers have not returned
	told      toldPage      // of received and waiting
	fits      chan struct{} // closed when more may wait; nil when nobody waits for that
	unclaimed int           // frames in the lane of that kind

	channels map[string]*subscription // by ID: channels that the page wants to listen to
	unknown  map[string]bool          // events that were reported to the page as unknown
	lanes    map[laneKey]*lane        // see lane
	cancels  map[uint64]func()        // by the ID of the page's own request
}
