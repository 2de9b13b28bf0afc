package hmr

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"sort"
	"strconv"
	"strings"
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

// heldFrame is an event or request that waits for its handler.
type heldFrame struct {
	c  *Client
	in *incoming
}

// mostHeld bounds what waits for handlers; beyond it nobody handles it.
const mostHeld = 10_000

// Hold keeps events and requests that have no handler until release is called, when they are handled in order: for a
// server whose handlers come a little later than its pages.
func (h *Hub) Hold() (release func()) {
	h.mu.Lock()
	h.holds++
	h.mu.Unlock()
	return sync.OnceFunc(func() {
		for {
			h.mu.Lock()
			if h.holds > 1 || len(h.held) == 0 {
				h.holds--
				h.mu.Unlock()
				return
			}
			f := h.held[0]
			h.held = h.held[1:]
			h.mu.Unlock()
			h.handOut(f.c, f.in, true)
			h.mu.Lock()
			if h.waiting[f.c]--; h.waiting[f.c] == 0 {
				delete(h.waiting, f.c)
			}
			h.mu.Unlock()
		}
	})
}

// hold keeps a frame that has no handler, or comes behind one of the same page that is kept, when somebody has asked
// for it. The caller holds mu.
func (h *Hub) hold(c *Client, in *incoming, handled bool) bool {
	if h.holds == 0 || handled && h.waiting[c] == 0 || len(h.held) >= mostHeld {
		return false
	}
	h.held = append(h.held, heldFrame{c, in})
	h.waiting[c]++
	return true
}

type ringUpdate struct {
	seq   uint64
	frame *frame
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

const (
	ringUpdates = 512
	ringBytes   = 16 << 20
)

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

// Seq is the number of the last update.
func (h *Hub) Seq() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seq
}

// Publish sends a payload to all pages, encoded once. An *Update gets its number here and is kept for pages that are
// loading.
func (h *Hub) Publish(p Payload) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if u, ok := p.(*Update); ok {
		h.seq++
		u.Seq = h.seq
	}
	f, err := newFrame(p)
	if err != nil {
		return err
	}
	if u, ok := p.(*Update); ok {
		h.remember(u.Seq, f)
	}
	for _, c := range h.sessions {
		c.send(f)
	}
	return nil
}

// remember keeps the update in a bounded ring. The caller holds mu.
func (h *Hub) remember(seq uint64, f *frame) {
	h.ring = append(h.ring, ringUpdate{seq, f})
	h.ringSize += len(f.text)
	for len(h.ring) > ringUpdates || h.ringSize > ringBytes && len(h.ring) > 1 {
		h.ringSize -= len(h.ring[0].frame.text)
		h.ring = slices.Delete(h.ring, 0, 1)
	}
}

// Broadcast sends an event to all pages. The error is about data that cannot be JSON.
func (h *Hub) Broadcast(event string, data any) error {
	p, err := newCustom(event, data)
	if err != nil {
		return err
	}
	return h.Publish(p)
}

// SendToUser sends an event to every page of the user and to no other. Guests ("") are nobody's pages, so that "" is an
// error; a user without a page is none.
func (h *Hub) SendToUser(user, event string, data any) error {
	if user == "" {
		return errors.New("send to user: no user is named; Broadcast reaches everybody")
	}
	f, err := newEventFrame(event, data)
	if err != nil {
		return err
	}
	f.private = true
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.sessions {
		c.sendIf(f, func() bool { return c.user == user })
	}
	return nil
}

func newEventFrame(event string, data any) (*frame, error) {
	p, err := newCustom(event, data)
	if err != nil {
		return nil, err
	}
	return newFrame(p)
}

func newCustom(event string, data any) (*Custom, error) {
	if event == "" {
		return nil, errors.New("send event: it has no name")
	}
	p := &Custom{Event: event}
	if data != nil {
		text, err := json.Marshal(data)
		if err != nil {
			return nil, fmt.Errorf("send event %q: %w", event, err)
		}
		p.Data = text
	}
	return p, nil
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

// ServeHTTP upgrades the request to a WebSocket and returns; the socket is served until it closes, which Close waits for.
// With the query mux=1 it carries many sessions, those of a browser's tabs. A POST is a page's that asks to be identified
// again by its cookies (see Reidentify); Options.Check is asked for both.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	since := time.Now()
	protocols := websocket.Subprotocols(r)
	if slices.Contains(protocols, "vite-ping") { // "are you back?": needs no token, is no client
		if ws, err := h.upgrader.Upgrade(w, r, nil); err == nil {
			goodbye(ws, websocket.CloseNormalClosure, "")
		}
		return
	}
	if h.o.Check != nil {
		if err := h.o.Check(r); err != nil {
			h.o.Logger.Debug("refused socket", "pkg", "hmr", "error", err)
			http.Error(w, "403 forbidden", http.StatusForbidden)
			return
		}
	}
	if r.Method == http.MethodPost {
		h.serveIdentify(w, r)
		return
	}
	user, rule, err := h.ask(r)
	if err != nil && !errors.Is(err, ErrUnsure) {
		h.o.Logger.Warn("identify page", "error", err)
		http.Error(w, "403 forbidden", http.StatusForbidden)
		return
	}
	ws, upgradeErr := h.upgrader.Upgrade(w, r, nil)
	if upgradeErr != nil {
		return // Upgrade has answered
	}
	s := &socket{
		hub: h, ws: ws, userAgent: r.UserAgent(), address: address(r), user: user, unsure: err != nil, since: since, shown: h.keep(r), rule: rule,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if !h.begin() {
		goodbye(ws, websocket.CloseGoingAway, stops)
		return
	}
	// The handler's own goroutine would keep the request, its buffers and a stack that has grown, for as long as the page
	// is open: a third of what a page costs.
	go h.serve(s, r.URL.Query())
}

// begin notes that a socket is served, unless the hub is closed.
func (h *Hub) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.running.Add(1)
	}
	return !h.closed
}

// mostReason is the longest reason that a close frame can carry, in bytes.
const mostReason = 123

func goodbye(ws *websocket.Conn, code int, reason string) {
	if len(reason) > mostReason { // of a frame that is too long nothing would arrive, not even the code
		reason = strings.ToValidUTF8(reason[:mostReason-len("…")], "") + "…"
	}
	_ = ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(writeWait))
	_ = ws.Close()
}

// serve reads from the socket until it ends.
func (h *Hub) serve(s *socket, q url.Values) {
	defer h.running.Done()
	defer func() {
		if v := recover(); v != nil { // no mistake with one page may end all
			h.o.Logger.Error(fmt.Sprintf("the socket of a page panicked: %v", v), "stack", string(debug.Stack()))
			s.abandon(websocket.CloseInternalServerErr, "internal error")
			_ = s.ws.Close()
		}
	}()
	shared := q.Get("mux") == "1"
	h.o.Logger.Debug("socket is open", "pkg", "hmr", "shared", shared)
	if shared {
		newMux(s).run()
		return
	}
	session := q.Get("session")
	cn, err := h.join(s, session, nil, q)
	if err != nil {
		goodbye(s.ws, err.Code, err.Text)
		return
	}
	defer func() { cn.c.detach(cn, session == "") }()
	s.run(cn.read)
}

const stops = "the server stops"

// join gives the socket to a session, which begins or goes on. The error says why it cannot.
func (h *Hub) join(s *socket, session string, prefix []byte, q url.Values) (cn *conn, refused *websocket.CloseError) {
	received, _ := strconv.ParseUint(q.Get("received"), 10, 64) // absent: 0
	since, sinceErr := strconv.ParseUint(q.Get("seq"), 10, 64)

	h.mu.Lock()
	known := h.sessions[session]
	h.mu.Unlock()
	if known != nil {
		known.comeBack(s) // the page may have signed in or out while it was away
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, &websocket.CloseError{Code: websocket.CloseGoingAway, Text: stops}
	}
	c := h.sessions[session]
	resumed := session != "" && c != nil && c == known && c.resume(received)
	if !resumed {
		if prefix != nil && !h.identified(s, session) {
			return nil, errIdentifyAnew
		}
		if c != nil {
			go c.end(websocket.ClosePolicyViolation, "another page took over the session")
			delete(h.sessions, session)
		}
		h.next++
		c = newClient(session, s, h.next)
		if session == "" {
			c.session = "anonymous " + randomID()
		}
		h.sessions[c.session] = c
		c.waits = time.AfterFunc(helloWait, func() {
			c.reading.Lock() // whoever reads the page's first frame meanwhile waits for the hooks
			defer c.reading.Unlock()
			c.greet()
		})
	}
	cn = newConn(c, s, prefix)
	hello, _ := Encode(&Connected{Client: c.ID(), Epoch: h.o.Epoch, Resumed: resumed, Received: c.receivedCount(), Seq: h.seq, Identifies: h.rule.Load() != nil})
	if !resumed {
		h.welcome(c, q.Get("epoch"), since, sinceErr == nil)
	}
	c.attach(cn, hello)
	s.add(cn)
	if s.rule != h.rule.Load() { // it was asked before the rule changed, and came too late to be asked about then
		h.running.Go(func() { h.askAnew(c) })
	}
	return cn, nil
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

// welcome queues what a new session must know: the updates since its page was made, or that nobody can tell. The caller
// holds mu.
func (h *Hub) welcome(c *Client, epoch string, since uint64, told bool) {
	switch {
	case !told || epoch == "" || epoch == h.o.Epoch && since >= h.seq:
	case epoch != h.o.Epoch || len(h.ring) == 0 || h.ring[0].seq > since+1:
		if f, err := newFrame(&NeedRevisions{}); err == nil {
			c.send(f)
		}
	default:
		for _, u := range h.ring {
			if u.seq > since {
				c.send(u.frame)
			}
		}
	}
	if h.hooks.first == nil {
		return
	}
	for _, p := range h.hooks.first() {
		if f, err := newFrame(p); err == nil {
			c.send(f)
		}
	}
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
