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

// Options configures a Hub. The zero value lets everybody in, logs nothing and has the limits told at the fields.
type Options struct {
	// Logger gets what goes wrong. Nil discards.
	Logger *slog.Logger
	// Epoch names this run of the server; pages compare it. Random when empty.
	Epoch string
	// Check refuses connections by an error: Host, Origin, token. Nil refuses none.
	Check func(*http.Request) error
	// Identify tells the user of a connection, "" for a guest; an error refuses it, but see ErrUnsure. Nil makes everybody a
	// guest. Like Check it is called concurrently. See also SetIdentify.
	Identify func(*http.Request) (user string, err error)
	// KeepRequests keeps the head of the request by which each page was identified last, some KiB a page, so that SetIdentify
	// can ask about pages that are open and ErrUnsure can leave them who they are.
	KeepRequests bool
	// MaxMessage bounds a message from a page in bytes; 1 MiB when 0.
	MaxMessage int64
	// QueueMessages and QueueBytes bound what waits to be written to one page; 256 and 1 MiB when 0.
	QueueMessages, QueueBytes int
	// KeepMessages and KeepBytes bound what is kept to be sent again after a loss; 4096 and 8 MiB when 0.
	KeepMessages, KeepBytes int
	// ResumeGrace is how long a lost page may stay away; 2 minutes when 0.
	ResumeGrace time.Duration
	// Silence is how long a connection may stay silent, answers to pings included, before it counts as lost: a machine that
	// sleeps or a network that is gone says no goodbye. A ping goes out three times as often. 1 minute when 0.
	Silence time.Duration
	// HandlerTimeout is how long a handler may take; 30 seconds when 0.
	HandlerTimeout time.Duration
	// EventRate bounds the messages a page may send per second, averaged over a few seconds; 50,000 when 0.
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
	def(&o.QueueMessages, 256)
	def(&o.QueueBytes, 1<<20)
	def(&o.KeepMessages, 4096)
	def(&o.KeepBytes, 8<<20)
	def(&o.EventRate, 50_000)
	if o.ResumeGrace == 0 {
		o.ResumeGrace = 2 * time.Minute
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

// Hub is the meeting point of server and pages. Use NewHub.
type Hub struct {
	o        Options
	upgrader websocket.Upgrader
	ctx      context.Context
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	next     int                // number of the next client
	sessions map[string]*Client // by session
	events   map[string][]*listener
	requests map[string]*listener
	channels map[string]*channel
	rooms    map[string]map[*Client]bool // those that somebody is in
	hooks    hooks
	holds    int             // how many Hold are not released
	held     []heldFrame     // what came meanwhile and has no handler, in order
	waiting  map[*Client]int // how many of them each page has
	seq      uint64
	ring     []ringUpdate // the last updates, oldest first
	ringSize int
	asked    map[string]time.Time // see identified

	rule   atomic.Pointer[rule]            // changed under mu; nil = nobody is known
	passed atomic.Pointer[[]*func(Passed)] // see OnPassed; nil = nobody asks
}

// hooks are funcs by kind; each list is replaced, never changed, so that it can be read without the lock.
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

// NewHub returns a Hub without clients. End it with Close.
func NewHub(o Options) *Hub {
	o.setDefaults()
	h := &Hub{
		o: o, sessions: map[string]*Client{}, events: map[string][]*listener{}, requests: map[string]*listener{}, channels: map[string]*channel{}, rooms: map[string]map[*Client]bool{}, waiting: map[*Client]int{}, asked: map[string]time.Time{},
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

// Close ends all sessions and waits until their handlers have returned, or the handlers' timeout has passed.
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
	h.running.Wait()
}

func (h *Hub) list() []*Client {
	list := make([]*Client, 0, len(h.sessions))
	for _, c := range h.sessions {
		list = append(list, c)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].number < list[j].number })
	return list
}

// Clients returns the pages that are open, in the order in which they came; those that lost their connection and may
// come back are among them.
func (h *Hub) Clients() []*Client {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.list()
}

// Opened returns those of Clients that OnConnect tells of, or has told of: for who begins to follow pages when some are open.
// Called behind OnConnect it misses none, though some may come both ways.
func (h *Hub) Opened() []*Client {
	return slices.DeleteFunc(h.Clients(), func(c *Client) bool { return !c.isGreeted() })
}

// Disconnect ends all sessions of the user: signed out, revoked. The reason reaches the pages' consoles. It returns how
// many pages there were.
func (h *Hub) Disconnect(user, reason string) int {
	if user == "" {
		return 0 // guests are nobody's pages
	}
	n := 0
	for _, c := range h.Clients() {
		if c.User() == user {
			c.Close(reason)
			n++
		}
	}
	return n
}

// OnConnect calls fn for each page that opens, once it has told its address and before any event of it is handled; a
// client that tells none within some seconds is met without. A page that comes back after a loss does not open again.
// off ends it.
func (h *Hub) OnConnect(fn func(context.Context, *Client)) (off func()) {
	return addHook(h, &h.hooks.connect, &clientHook{fn})
}

// OnDisconnect calls fn for each page that is gone for good. off ends it.
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

// OnReport sets who is told what pages make of updates.
func (h *Hub) OnReport(fn func(*Client, Report)) {
	h.mu.Lock()
	h.hooks.report = fn
	h.mu.Unlock()
}

// OnRevisions sets who answers pages that could not resume and tell what they run.
func (h *Hub) OnRevisions(fn func(*Client, Revisions)) {
	h.mu.Lock()
	h.hooks.revisions = fn
	h.mu.Unlock()
}

// FirstPayloads sets what each new session is sent first.
func (h *Hub) FirstPayloads(fn func() []Payload) {
	h.mu.Lock()
	h.hooks.first = fn
	h.mu.Unlock()
}
