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
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

const (
	// handshake is how long a child may take to say hello; its Start hooks run before.
	handshake = 30 * time.Second
	// drain is how long a child that is being replaced may finish what it handles.
	drain = 2 * time.Second
	// maxBody bounds the body of a request to a child's route.
	maxBody = 10 << 20
)

// Backend is what children ask the server for.
type Backend interface {
	plugin.Server
	// SendTo sends an event to one page by its ID.
	SendTo(client, event string, data json.RawMessage) error
}

// Child is a running child process, or any program that speaks the protocol.
type Child struct {
	name    string
	cmd     *exec.Cmd
	stdin   io.Closer
	conn    *wire.Conn
	backend Backend
	hello   chan plugin.Hello
	info    plugin.Info
	exited  chan struct{}
	exitErr error
	last    lastLines

	streams sync.Map // number -> *responseStream
	next    atomic.Uint64
	calls   sync.WaitGroup
}

// StartChild starts the program and waits for its hello. log gets what it prints.
func StartChild(ctx context.Context, name string, cmd *exec.Cmd, backend Backend, log func(line string)) (*Child, error) {
	c := &Child{name: name, cmd: cmd, backend: backend, hello: make(chan plugin.Hello, 1), exited: make(chan struct{})}
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
	cmd.Env = append(cmd.Environ(), "DEVSERVER_PLUGIN_HOST=1", "DEVSERVER_ROOT="+backend.Root())
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	c.stdin = stdin
	c.conn = wire.New(stdout, stdin, c.handle)
	go c.run(stderr, log)

	timeout := time.NewTimer(handshake)
	defer timeout.Stop()
	select {
	case hello := <-c.hello:
		if hello.Protocol != plugin.Protocol {
			c.kill()
			return nil, fmt.Errorf("start %s: it speaks version %d of the protocol, this devserver version %d; update the one that is older", name, hello.Protocol, plugin.Protocol)
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
			if len(line) > 0 {
				c.last.add(string(line))
				log(string(line))
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
func (c *Child) Info() plugin.Info { return c.info }

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

// Call asks the child. It is part of what the methods below are made of, and open for hosts that have methods of their own.
func (c *Child) Call(ctx context.Context, method string, params, result any) error {
	c.calls.Add(1)
	defer c.calls.Done()
	return c.conn.Call(ctx, method, params, result)
}

// Close lets the child finish what it handles, then closes its input, then ends it.
func (c *Child) Close() error {
	done := make(chan struct{})
	go func() { c.calls.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(drain):
	case <-c.exited:
	}
	_ = c.stdin.Close() // the child's Main returns
	select {
	case <-c.exited:
	case <-time.After(drain):
		c.kill()
		<-c.exited
	}
	return nil
}

// handle answers what the child asks.
func (c *Child) handle(_ context.Context, method string, params json.RawMessage) (any, error) {
	b := c.backend
	switch method {
	case "hello":
		var h plugin.Hello
		if err := json.Unmarshal(params, &h); err != nil {
			return nil, err
		}
		select {
		case c.hello <- h:
		default:
		}
		return nil, nil
	case "send":
		var s plugin.SendCall
		if err := json.Unmarshal(params, &s); err != nil {
			return nil, err
		}
		return nil, send(b, s)
	case "route.part":
		var part plugin.RoutePart
		if err := json.Unmarshal(params, &part); err != nil {
			return nil, err
		}
		if s, ok := c.streams.Load(part.Stream); ok {
			s.(*responseStream).write(part)
		}
		return nil, nil
	case "clients":
		infos := []plugin.ClientInfo{}
		for _, cl := range b.Clients() {
			infos = append(infos, describe(cl))
		}
		return infos, nil
	case "modules":
		return b.Modules()
	case "importers", "reload":
		var id string
		if err := json.Unmarshal(params, &id); err != nil {
			return nil, err
		}
		if method == "reload" {
			return nil, b.Reload(id)
		}
		return b.Importers(id)
	}
	return nil, fmt.Errorf("unknown method %q", method)
}

func send(b Backend, s plugin.SendCall) error {
	var data any
	if len(s.Data) > 0 {
		data = s.Data
	}
	switch {
	case s.All:
		return b.Broadcast(s.Event, data)
	case s.User != "":
		return b.SendToUser(s.User, s.Event, data)
	default:
		return b.SendTo(s.Client, s.Event, s.Data)
	}
}

func describe(c plugin.Client) plugin.ClientInfo {
	return plugin.ClientInfo{ID: c.ID(), URL: c.URL(), UserAgent: c.UserAgent(), User: c.User()}
}

// Event implements Host.
func (c *Child) Event(ctx context.Context, name, event string, request bool, cl plugin.Client, data json.RawMessage) (any, error) {
	var answer json.RawMessage
	err := c.Call(ctx, "event", plugin.EventCall{Plugin: name, Event: event, Request: request, Client: describe(cl), Data: data}, &answer)
	return answer, err
}

// Connect implements Host.
func (c *Child) Connect(ctx context.Context, cl plugin.Client) error {
	return c.Call(ctx, "connect", plugin.EventCall{Client: describe(cl)}, nil)
}

// Disconnect implements Host.
func (c *Child) Disconnect(ctx context.Context, cl plugin.Client) error {
	return c.Call(ctx, "disconnect", plugin.EventCall{Client: describe(cl)}, nil)
}

// ResolveID implements Host.
func (c *Child) ResolveID(ctx context.Context, a plugin.ResolveArgs) (r *plugin.ResolveResult, err error) {
	err = c.Call(ctx, "resolveID", a, &r)
	return r, err
}

// Load implements Host.
func (c *Child) Load(ctx context.Context, a plugin.LoadArgs) (r *plugin.LoadResult, err error) {
	err = c.Call(ctx, "load", a, &r)
	return r, err
}

// Transform implements Host.
func (c *Child) Transform(ctx context.Context, a plugin.TransformArgs) (r *plugin.TransformResult, err error) {
	err = c.Call(ctx, "transform", a, &r)
	return r, err
}

// TransformHTML implements Host.
func (c *Child) TransformHTML(ctx context.Context, a plugin.TransformHTMLArgs) (r *plugin.TransformHTMLResult, err error) {
	err = c.Call(ctx, "transformHTML", a, &r)
	return r, err
}

// HotUpdate implements Host.
func (c *Child) HotUpdate(ctx context.Context, a plugin.HotUpdateArgs) (r *plugin.HotUpdateResult, err error) {
	err = c.Call(ctx, "hotUpdate", a, &r)
	return r, err
}

// Route implements Host.
func (c *Child) Route(method, path string) http.Handler {
	for _, p := range c.info.Plugins {
		for _, pattern := range p.Routes {
			if plugin.MatchRoute(pattern, method, path) {
				return http.HandlerFunc(c.serveRoute)
			}
		}
	}
	return nil
}

// responseStream writes the parts of a child's answer.
type responseStream struct {
	mu   sync.Mutex
	w    http.ResponseWriter
	open bool
	head bool
}

func (s *responseStream) write(part plugin.RoutePart) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		return
	}
	if part.Status != 0 && !s.head {
		s.head = true
		for key, values := range part.Header {
			s.w.Header()[key] = values
		}
		s.w.WriteHeader(part.Status)
	}
	if len(part.Body) > 0 {
		_, _ = s.w.Write(part.Body) // the browser went away: the request's context ends
	}
	_ = http.NewResponseController(s.w).Flush()
}

func (c *Child) serveRoute(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "413 the body is too large", http.StatusRequestEntityTooLarge)
		return
	}
	id := c.next.Add(1)
	s := &responseStream{w: w, open: true}
	c.streams.Store(id, s)
	err = c.Call(r.Context(), "route", plugin.RouteCall{Stream: id, Method: r.Method, URL: r.RequestURI, Host: r.Host, Header: r.Header, Body: body}, nil)
	c.streams.Delete(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = false
	if err != nil && !s.head && r.Context().Err() == nil {
		http.Error(w, "502 the plugin failed: "+err.Error(), http.StatusBadGateway)
	}
}

// lastLines keeps the end of what a program printed, for the message about its end.
type lastLines struct {
	mu    sync.Mutex
	lines []string
}

func (l *lastLines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	if len(l.lines) > 20 {
		l.lines = l.lines[1:]
	}
}

func (l *lastLines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) == 0 {
		return "it printed nothing"
	}
	return strings.Join(l.lines, "\n")
}
