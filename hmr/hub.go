package hmr

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// Options configures a [Hub]. The zero value lets everybody in, knows no users, logs nothing, and has the limits that
// the fields name.
type Options struct {
	// Logger gets errors and warnings, and what happens at level Debug. Nil discards.
	Logger *slog.Logger
	// Epoch names this run of the server. A page that was loaded from another run is asked for its revisions, see
	// [Hub.OnRevisions]. Random when empty.
	Epoch string
	// Check returns an error for a connection that it refuses, for example by Host, Origin or token. The error is
	// logged at level Debug, and the page gets status 403. Nil refuses none. Check is called concurrently.
	Check func(*http.Request) error
	// Identify returns the user of a connection, "" for a guest. An error refuses the connection with status 403,
	// except [ErrUnsure]. Nil makes every page a guest. Identify is called concurrently. [Hub.SetIdentify] replaces it.
	Identify func(*http.Request) (user string, err error)
	// KeepRequests stores the headers of each page's last identifying request, a few KiB a page. SetIdentify needs them
	// to identify open pages again, and ErrUnsure to leave pages their user.
	KeepRequests bool
	// MaxMessage is how many bytes a message from a page may have; 1 MiB when 0. The page is told, and refuses to send a
	// longer message. A page that sends one loses its connection. The development server allows 64 MiB.
	MaxMessage int64
	// QueueMessages and QueueBytes are how much may wait to be written to one page before senders wait for it; 1024 and
	// 1 MiB when 0. Senders also wait when what the page has not confirmed comes within this distance of KeepMessages or
	// KeepBytes.
	QueueMessages, QueueBytes int
	// StallTimeout is how long senders wait for a page that takes nothing; 2 seconds when 0. Then the page loses its
	// connection, and senders do not wait for it until it takes something again.
	StallTimeout time.Duration
	// KeepMessages and KeepBytes bound what is kept for a page that is away or that nobody waits for; 4096 and 8 MiB
	// when 0. The longest message does not count. Beyond that its session ends, and the page is told how much it lost,
	// see [Lost].
	KeepMessages, KeepBytes int
	// ResumeGrace is how long a session waits for a page that lost its connection; 2 minutes when 0.
	ResumeGrace time.Duration
	// Silence is how long a connection may be silent before it counts as lost; 1 minute when 0. A machine that sleeps,
	// or a network that is gone, says no goodbye. Pings go out three times as often, and their answers count.
	Silence time.Duration
	// HandlerTimeout is how long a handler or hook may take; 30 seconds when 0. Handlers of a group limit themselves,
	// see [Hub.OnIn].
	HandlerTimeout time.Duration
	// EventRate is how many messages of a page are read per second, averaged over 4 seconds; 50,000 when 0. More wait to
	// be read.
	EventRate int
}

func (o *Options) setDefaults() {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Epoch == "" {
		o.Epoch = randomID()
	}
	if o.MaxMessage == 0 {
		o.MaxMessage = 1 << 20
	}
	def(&o.QueueMessages, 1024)
	def(&o.QueueBytes, 1<<20)
	def(&o.KeepMessages, 4096)
	def(&o.KeepBytes, 8<<20)
	def(&o.EventRate, 50_000)
	if o.ResumeGrace == 0 {
		o.ResumeGrace = 2 * time.Minute
	}
	if o.StallTimeout == 0 {
		o.StallTimeout = 2 * time.Second
	}
	if o.Silence == 0 {
		o.Silence = time.Minute
	}
	if o.HandlerTimeout == 0 {
		o.HandlerTimeout = 30 * time.Second
	}
}

func randomID() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// Hub connects the server with the open pages. It is an http.Handler for their sockets. Make a Hub with [NewHub] and
// end it with [Hub.Close]. All methods are safe for concurrent use.
type Hub struct {
	o        Options
	upgrader websocket.Upgrader
	ctx      context.Context
	stop     context.CancelFunc
	sockets  sync.WaitGroup // goroutines of sockets
	handlers counter        // lanes, and handlers that the hub guards

	mu       sync.Mutex
	closed   bool
	next     int              // number of the next client
	sessions map[string]*page // by the session's name
	events   map[string][]*listener
	requests map[string]*listener
	channels map[string]*channel
	rooms    map[string]map[*page]bool // rooms without a client are deleted
	hooks    hooks
	holding  holding
	updates  updateRing
	refused  map[string]time.Time // when a session was refused on a shared socket, see mayBegin
	lost     map[string]*Lost     // by the session, see noteLost

	lastCall atomic.Uint64 // number of the last request that Call has made

	behind atomic.Int32 // pages that senders wait for; changed under page.mu

	rule   atomic.Pointer[rule]            // changed under mu; nil: the hub knows no users
	passed atomic.Pointer[[]*func(Passed)] // see OnPassed; nil: no hooks
}

// hooks holds funcs by kind. A list is replaced and never changed, so that it can be read without the lock.
type hooks struct {
	connect, disconnect []*clientHook
	identify            []*clientHook
	join, leave         []*roomHook
	report              func(*Client, Report)
	revisions           func(*Client, Revisions)
	first               func() []Payload
}

type clientHook struct {
	fn func(context.Context, *Client)
}

// NewHub returns a Hub without clients. It starts nothing until a page connects.
func NewHub(o Options) *Hub {
	o.setDefaults()
	h := &Hub{
		o:        o,
		sessions: map[string]*page{},
		events:   map[string][]*listener{},
		requests: map[string]*listener{},
		channels: map[string]*channel{},
		rooms:    map[string]map[*page]bool{},
		refused:  map[string]time.Time{},
		lost:     map[string]*Lost{},
		upgrader: websocket.Upgrader{
			Subprotocols: []string{"vite-hmr", "vite-ping"},
			CheckOrigin:  func(*http.Request) bool { return true }, // Options.Check has decided
			// Most sockets have nothing to write, and frames to many are prepared.
			WriteBufferPool: &sync.Pool{}, WriteBufferSize: 4096,
		},
	}
	h.rule.Store(newRule(o.Identify))
	h.ctx, h.stop = context.WithCancel(context.Background())
	return h
}

// handlersAtClose is how long Close waits for handlers that ignore the end of their context. Nothing in Go can end
// them, and a server that stops must not wait for long.
const handlersAtClose = 200 * time.Millisecond

// Close ends all sessions with code 1001, and the contexts of their handlers. It returns when the handlers have
// returned; it waits at most 200 milliseconds for those that ignore the end of their context. A closed Hub refuses
// connections. Closing it again does nothing.
func (h *Hub) Close() {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	h.closed = true
	clients := h.list()
	h.mu.Unlock()
	for _, c := range clients {
		c.end(websocket.CloseGoingAway, stops)
	}
	h.stop()
	h.sockets.Wait()
	select {
	case <-h.handlers.none():
	case <-time.After(handlersAtClose):
	}
}

// list returns the clients by number. The caller holds mu.
func (h *Hub) list() []*page {
	list := make([]*page, 0, len(h.sessions))
	for _, c := range h.sessions {
		list = append(list, c)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].number < list[j].number })
	return list
}

// Clients returns the open pages in the order in which they connected. A page that lost its connection and may come
// back is among them, unless it has never said hello.
func (h *Hub) Clients() []*Client {
	h.mu.Lock()
	defer h.mu.Unlock()
	return clients(slices.DeleteFunc(h.list(), func(c *page) bool { return !c.isOpen() }))
}

// Client returns the open page with that ID, nil when there is none.
func (h *Hub) Client(id string) *Client {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.sessions {
		if c.ID() == id && c.isOpen() {
			return c.client()
		}
	}
	return nil
}

// clients returns the pages with their users.
func clients(pages []*page) []*Client {
	list := make([]*Client, len(pages))
	for i, c := range pages {
		list[i] = c.client()
	}
	return list
}

// Opened returns the clients whose OnConnect hooks have run or are running. Register a hook by [Hub.OnConnect] first,
// then call Opened: no page is missed, a few may be seen twice.
func (h *Hub) Opened() []*Client {
	h.mu.Lock()
	defer h.mu.Unlock()
	return clients(slices.DeleteFunc(h.list(), func(c *page) bool { return !c.isGreeted() }))
}

// Disconnect ends all sessions of the user, for example when the user signs out or a session is revoked. It returns the
// number of pages. The pages' consoles show the reason. Guests ("") have no pages of their own, so that "" ends none.
//
// A page connects again with a new session, and is identified by its cookies then.
func (h *Hub) Disconnect(user, reason string) int {
	if user == "" {
		return 0
	}
	h.mu.Lock()
	pages := h.list() // also those that are not listed, since they have not said hello
	h.mu.Unlock()
	n := 0
	for _, c := range clients(pages) {
		if c.User() == user {
			c.Close(reason)
			n++
		}
	}
	return n
}

// OnConnect calls fn for each page that opens: when the page has sent its URL, before any of its events is handled. A
// client that sends no URL within 5 seconds is reported without. A page that comes back after a lost connection does
// not open again. off removes fn.
//
// The page's frames wait while fn runs, at most Options.HandlerTimeout. fn may be called for several pages at a time.
func (h *Hub) OnConnect(fn func(context.Context, *Client)) (off func()) {
	return addHook(h, &h.hooks.connect, &clientHook{fn})
}

// OnDisconnect calls fn for each page that is gone for good: it was closed or left, or has not come back within
// Options.ResumeGrace. off removes fn.
func (h *Hub) OnDisconnect(fn func(context.Context, *Client)) (off func()) {
	return addHook(h, &h.hooks.disconnect, &clientHook{fn})
}

func addHook[H comparable](h *Hub, list *[]H, own H) (off func()) {
	h.mu.Lock()
	*list = append(slices.Clone(*list), own)
	h.mu.Unlock()
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		*list = slices.DeleteFunc(slices.Clone(*list), func(k H) bool { return k == own })
	}
}

// OnReport sets the func that gets pages' reports of updates. Nil removes it. The page's frames wait while fn runs.
func (h *Hub) OnReport(fn func(*Client, Report)) {
	h.mu.Lock()
	h.hooks.report = fn
	h.mu.Unlock()
}

// OnRevisions sets the func that gets the revisions of pages that could not resume, to send them what differs. Nil
// removes it. Nothing waits while fn runs.
func (h *Hub) OnRevisions(fn func(*Client, Revisions)) {
	h.mu.Lock()
	h.hooks.revisions = fn
	h.mu.Unlock()
}

// FirstPayloads sets the func that returns the first payloads of each new session. Nil removes it. fn is called under
// locks of the hub: it must return at once and must not call the hub.
func (h *Hub) FirstPayloads(fn func() []Payload) {
	h.mu.Lock()
	h.hooks.first = fn
	h.mu.Unlock()
}
