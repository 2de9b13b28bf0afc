package pluginhost

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

const (
	// handshake is how long a child may take to say hello; its Start hooks run before.
	handshake = 30 * time.Second
	// drain is how long a child that was replaced may finish what it handles.
	drain = 10 * time.Second
	// A server that stops waits less: people wait for it.
	drainAtStop = 500 * time.Millisecond
	// stopping is how long a child's Stop hooks may take once its input has ended.
	stopping = time.Second
	// answering is how long a child may take for a hook: its own deadline, and some time to tell of it.
	answering = plugin.Timeout + 5*time.Second
)

// alive is how long a child may take to answer anything at all before it counts as hung. Tests shorten it.
var alive = 5 * time.Second

// Backend is what children ask the server for.
type Backend interface {
	plugin.Server
	// SendOnChannel sends to the pages that listen to the channel and that the rest of the call means.
	SendOnChannel(to wire.SendCall) error
	// WaitsFor is called while a hook runs that takes long.
	WaitsFor(w wire.WaitCall)
	// SendTo sends an event to one page by its ID.
	SendTo(client, event string, data json.RawMessage) error
	// Join and Leave let one page, by its ID, into a room and out of it.
	Join(client, room string) error
	Leave(client, room string) error
}

// Child is a running child process, or any program that speaks the protocol.
type Child struct {
	name    string
	cmd     *exec.Cmd
	stdin   io.Closer
	conn    *wire.Conn
	backend Backend
	hello   chan wire.Hello
	info    wire.Info
	exited  chan struct{}
	exitErr error
	last    lastLines

	streams sync.Map // number -> *routeStream
	next    atomic.Uint64
	calls   counter
	probing atomic.Bool
}

// StartChild starts the program and waits for its hello. backend answers what it asks; nil is for a program that asks
// nothing. log gets what it prints.
func StartChild(ctx context.Context, name string, cmd *exec.Cmd, backend Backend, log func(line string)) (*Child, error) {
	c := &Child{name: name, cmd: cmd, backend: backend, hello: make(chan wire.Hello, 1), exited: make(chan struct{})}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	cmd.Env = append(cmd.Environ(), "DEVSERVER_PLUGIN_HOST=1")
	if backend != nil {
		cmd.Env = append(cmd.Env, "DEVSERVER_ROOT="+backend.Root())
	}
	if err := start(cmd, c.exited); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	c.stdin = stdin
	c.conn = wire.New(stdout, stdin, c.methods(backend).Handle)
	go c.run(stderr, log)

	timeout := time.NewTimer(handshake)
	defer timeout.Stop()
	select {
	case hello := <-c.hello:
		if hello.Protocol != wire.Protocol {
			c.kill()
			return nil, fmt.Errorf("start %s: it speaks version %d of the protocol, this devserver version %d; update the one that is older", name, hello.Protocol, wire.Protocol)
		}
		c.info = hello.Info
		return c, nil
	case <-c.exited:
		return nil, fmt.Errorf("start %s: it ended at once: %s", name, c.last.text())
	case <-timeout.C:
		c.kill()
		return nil, fmt.Errorf("start %s: it did not say hello within %v; a Start hook must return, or main must call plugin.Main", name, handshake)
	case <-ctx.Done():
		c.kill()
		return nil, ctx.Err()
	}
}

// run reads all that the child writes until it is gone.
func (c *Child) run(stderr io.Reader, log func(string)) {
	var printing sync.WaitGroup
	printing.Go(func() {
		lines := bufio.NewReaderSize(stderr, 64<<10)
		for {
			line, tooLong, err := lines.ReadLine()
			if text := clean(string(line)); text != "" {
				c.last.add(text)
				log(text)
			}
			if err != nil && !tooLong {
				return
			}
		}
	})
	err := c.conn.Run()
	if err != nil { // garbage on stdout: nothing that comes after can be understood
		c.last.add(err.Error())
		c.kill()
	}
	// What the plugins started may outlive them and hold our end of their output open.
	rest := time.AfterFunc(stopping, func() { killGroup(c.cmd) })
	defer rest.Stop()
	printing.Wait()
	c.exitErr = errors.Join(err, c.cmd.Wait())
	close(c.exited)
}

// kill ends the child and what it started.
func (c *Child) kill() {
	_ = c.stdin.Close()
	killGroup(c.cmd)
}

// Info is what the child's plugins offer.
func (c *Child) Info() wire.Info { return c.info }

// Exited is closed when the process is gone; Why tells the reason then.
func (c *Child) Exited() <-chan struct{} { return c.exited }

// Why is the end of a process that is gone, with its last words.
func (c *Child) Why() string {
	text := c.last.text()
	if c.exitErr != nil {
		return strings.TrimSuffix(c.exitErr.Error()+": "+text, ": ")
	}
	return text
}

// Ask implements Host.
func (c *Child) Ask(ctx context.Context, hook string, args, answer any) error {
	limit := answering
	if hook == plugin.Hooks.Identify.Name {
		limit = c.identifyLimit()
	}
	return c.callWithin(ctx, limit, hook, crossing(args), answer)
}

// identifyLimit is how long the child may take for Identify: the time of each of its plugins, and some to tell of it.
func (c *Child) identifyLimit() time.Duration {
	limit := 2 * time.Second
	for _, p := range c.info.Plugins {
		if slices.Contains(p.Hooks, plugin.Hooks.Identify.Name) {
			limit += plugin.Hooks.Identify.Limit
		}
	}
	return limit
}

// crossing returns what crosses to the child for the args of a hook: pages and requests are described.
func crossing(args any) any {
	switch a := args.(type) {
	case plugin.Client:
		return wire.ClientCall{Client: describe(a)}
	case *http.Request:
		return wire.IdentifyCall{Method: a.Method, Path: a.URL.Path, Host: a.Host, RemoteAddr: a.RemoteAddr, Header: a.Header}
	}
	return args
}

// Event implements Host.
func (c *Child) Event(ctx context.Context, name, event string, request bool, cl plugin.Client, data json.RawMessage) (any, error) {
	var answer json.RawMessage
	call := wire.EventCall{Plugin: name, Event: event, Request: request, Client: describe(cl), Data: data}
	err := c.callWithin(ctx, answering, "event", call, &answer)
	return answer, err
}

// ChannelMessage implements Host.
func (c *Child) ChannelMessage(ctx context.Context, id string, cl plugin.Client, data json.RawMessage) error {
	return c.callWithin(ctx, answering, "channel", wire.ChannelCall{Channel: id, Client: describe(cl), Data: data}, nil)
}

// ChannelAllows implements Host.
func (c *Child) ChannelAllows(ctx context.Context, id string, cl plugin.Client, d hmr.Direction) error {
	return c.callWithin(ctx, answering, "channel", wire.ChannelCall{Channel: id, Direction: string(d), Client: describe(cl)}, nil)
}

// call asks the child by a method of the protocol.
func (c *Child) call(ctx context.Context, method string, params, result any) error {
	c.calls.add(1)
	defer c.calls.add(-1)
	return c.conn.Call(ctx, method, params, result)
}

// callWithin is call with a time limit. A child that is over it is looked after.
func (c *Child) callWithin(ctx context.Context, limit time.Duration, method string, params, result any) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := c.call(limited, method, params, result)
	if errors.Is(err, context.DeadlineExceeded) {
		c.probe()
		if ctx.Err() == nil {
			err = &wire.Error{Code: "timeout", Message: fmt.Sprintf("%s did not answer %q within %v", c.name, method, limit)}
		}
	}
	return err
}

// probe kills the child when it answers nothing at all any more, so that it is started again.
func (c *Child) probe() {
	if !c.probing.CompareAndSwap(false, true) {
		return
	}
	go func() { // ends with the process at the latest
		defer c.probing.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), alive)
		defer cancel()
		if err := c.conn.Call(ctx, "ping", nil, nil); errors.Is(err, context.DeadlineExceeded) {
			c.last.add(fmt.Sprintf("it did not answer for %v and was killed", alive))
			c.kill()
		}
	}()
}

// Close lets the child finish what it is about to, then closes its input, then ends it.
func (c *Child) Close() error { return c.end(drainAtStop) }

// Retire is Close for a child that was replaced: it has longer.
func (c *Child) Retire() error { return c.end(drain) }

func (c *Child) end(drain time.Duration) error {
	select {
	case <-c.calls.none():
	case <-time.After(drain):
	case <-c.exited:
	}
	_ = c.stdin.Close() // the child's Main returns
	select {
	case <-c.exited:
	case <-time.After(stopping):
		c.kill()
		<-c.exited
	}
	return nil
}

// methods are what the child asks. One without a backend only says hello.
func (c *Child) methods(b Backend) wire.Methods {
	hello := wire.Method(func(_ context.Context, h wire.Hello) (any, error) {
		select {
		case c.hello <- h:
		default:
		}
		return nil, nil
	})
	if b == nil {
		return wire.Methods{"hello": hello}
	}
	return wire.Methods{
		"hello":      hello,
		"send":       wire.Method(func(_ context.Context, s wire.SendCall) (any, error) { return nil, send(b, s) }),
		"route.part": wire.Method(func(_ context.Context, p wire.RoutePart) (any, error) { return nil, c.stream(p.Stream).write(p) }),
		"route.read": wire.Method(func(_ context.Context, r wire.RouteRead) (any, error) { return c.stream(r.Stream).read(r.Max) }),
		"clients":    wire.Method(func(_ context.Context, which wire.ClientsCall) (any, error) { return clients(b, which), nil }),
		"join":       wire.Method(func(_ context.Context, r wire.RoomCall) (any, error) { return nil, b.Join(r.Client, r.Room) }),
		"leave":      wire.Method(func(_ context.Context, r wire.RoomCall) (any, error) { return nil, b.Leave(r.Client, r.Room) }),
		"waits":      wire.Method(func(_ context.Context, w wire.WaitCall) (any, error) { b.WaitsFor(w); return nil, nil }),
		"rooms":      wire.Method(func(context.Context, any) (any, error) { return b.Rooms(), nil }),
		"disconnectUser": wire.Method(func(_ context.Context, d wire.DisconnectCall) (any, error) {
			return b.Disconnect(d.User, d.Reason)
		}),
		"modules":    wire.Method(func(context.Context, any) (any, error) { return b.Modules() }),
		"importers":  wire.Method(func(_ context.Context, id string) (any, error) { return b.Importers(id) }),
		"invalidate": wire.Method(func(_ context.Context, id string) (any, error) { return nil, b.Invalidate(id) }),
		"reload":     wire.Method(func(_ context.Context, id string) (any, error) { return nil, b.Reload(id) }),
	}
}

func clients(b Backend, which wire.ClientsCall) []wire.ClientInfo {
	list := b.Clients
	if which.Room != "" {
		list = func() []plugin.Client { return b.ClientsIn(which.Room) }
	}
	infos := []wire.ClientInfo{}
	for _, cl := range list() {
		infos = append(infos, describe(cl))
	}
	return infos
}

func send(b Backend, s wire.SendCall) error {
	if s.Channel != "" {
		return b.SendOnChannel(s)
	}
	var data any
	if len(s.Data) > 0 {
		data = s.Data
	}
	switch {
	case s.All:
		return b.Broadcast(s.Event, data)
	case s.User != "":
		return b.SendToUser(s.User, s.Event, data)
	case s.Room != "":
		return b.SendToRoom(s.Room, s.Event, data)
	default:
		return b.SendTo(s.Client, s.Event, s.Data)
	}
}

func describe(c plugin.Client) wire.ClientInfo {
	return wire.ClientInfo{ID: c.ID(), URL: c.URL(), UserAgent: c.UserAgent(), User: c.User()}
}

// Route implements Host.
func (c *Child) Route(method, path string) http.Handler {
	for _, p := range c.info.Plugins {
		for _, pattern := range p.Routes {
			if wire.MatchRoute(pattern, method, path) {
				return http.HandlerFunc(c.serveRoute)
			}
		}
	}
	return nil
}

// lastLines keeps the end of what a program printed, for the message about its end.
type lastLines struct {
	mu    sync.Mutex
	lines []string
	// panicked is set once lines begins with a panic.
	panicked bool
}

func (l *lastLines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if panics(line) {
		l.panicked, l.lines = true, nil
	}
	l.lines = append(l.lines, line)
	switch {
	case len(l.lines) <= 20:
	case l.panicked: // the reason comes first
		l.lines = l.lines[:20]
	default:
		l.lines = l.lines[1:]
	}
}

// panics tells whether a line is the first of what Go prints before it gives up a program.
func panics(line string) bool {
	return strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")
}

func (l *lastLines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) == 0 {
		return "it printed nothing"
	}
	if l.panicked { // whoever reads this has seen the stack
		for i, line := range l.lines[1:] {
			if place, ok := strings.CutPrefix(line, "\t"); ok && strings.HasPrefix(l.lines[i], "main.") {
				place, _, _ = strings.Cut(place, " +0x")
				return l.lines[0] + " (" + filepath.Base(place) + ")"
			}
		}
		return l.lines[0]
	}
	return strings.Join(l.lines, "\n")
}

// escapes are the sequences by which programs colour what they print, and move the cursor.
var escapes = regexp.MustCompile(`\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])`)

// clean returns a printed line without what a terminal would obey.
func clean(line string) string {
	line = escapes.ReplaceAllString(line, "")
	return strings.TrimRightFunc(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' {
			return -1
		}
		return r
	}, line), unicode.IsSpace)
}

// counter counts what runs. Unlike a sync.WaitGroup it may rise again while somebody waits.
type counter struct {
	mu   sync.Mutex
	n    int
	zero chan struct{} // closed when n is next 0; nil when nobody waits
}

func (c *counter) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n += n; c.n == 0 && c.zero != nil {
		close(c.zero)
		c.zero = nil
	}
}

// none returns a channel that is closed once nothing runs.
func (c *counter) none() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == 0 {
		done := make(chan struct{})
		close(done)
		return done
	}
	if c.zero == nil {
		c.zero = make(chan struct{})
	}
	return c.zero
}
