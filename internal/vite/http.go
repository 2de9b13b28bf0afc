package vite

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/proxy"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// Plugins put middlewares into Vite's HTTP server, which does not listen. Requests reach it over a Unix socket, by HTTP,
// so that middlewares have real requests and answers, and sockets are real sockets. node/vitehttp.mjs is the other side.

// Routes are the requests that plugins want to see.
type Routes struct {
	// Routes are the paths at which plugins have middlewares, "" for all paths. Late reports whether some middleware
	// comes after Vite's own, and Upgrades whether a plugin takes sockets.
	Routes   []string `json:"routes"`
	Late     bool     `json:"late"`
	Upgrades bool     `json:"upgrades"`
}

// A Stage is when plugins see a request.
type Stage string

// The stages of a request.
const (
	// Early is before anything of the project answers.
	Early Stage = "pre"
	// Late is after files and before pages. Middlewares see the URL of the page that the server would send.
	Late Stage = "late"
	// Socket is when neither the server nor a proxy takes a WebSocket.
	Socket Stage = "socket"
	// Proxy is when a rule of server.proxy matches that Vite's own proxy serves.
	Proxy Stage = "proxy"
)

// What both sides say to each other about a request, see node/vitehttp.mjs.
const (
	stageHeader = "X-Devserver-Stage"
	fromHeader  = "X-Devserver-From"
	passHeader  = "X-Devserver-Pass"
	errorHeader = "X-Devserver-Error"
)

const (
	// answering is how long a request may take until its answer begins, beside the time in which its body is sent.
	answering = 60 * time.Second
	// forever is how long waits take that end otherwise.
	forever = 24 * time.Hour
	// mostReplayed is how much of a body is kept for a middleware that reads the body and then passes the request on.
	mostReplayed = 4 << 20
)

// web is what a Host needs for requests.
type web struct {
	routes    atomic.Pointer[Routes]
	listening atomic.Pointer[Listening]
	printed   atomic.Bool
	failing   atomic.Pointer[string] // what the terminal was told last of requests that could not be given to plugins
}

// transport asks processes by the paths of their sockets, which stand in hex in the place of the host.
var transport = &http.Transport{
	DisableCompression: true, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute,
	ExpectContinueTimeout: forever, // the body waits until a middleware reads it
	DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
		host, _, _ := net.SplitHostPort(addr)
		path, err := hex.DecodeString(host)
		if err != nil {
			return nil, err
		}
		return (&net.Dialer{}).DialContext(ctx, "unix", string(path))
	},
}

// Serves sets the requests that plugins want to see.
func (h *Host) Serves(r Routes) { h.web.routes.Store(&r) }

// wants reports whether plugins want to see the request. named means that a path of theirs is asked for.
func (h *Host) wants(r *http.Request, stage Stage) (named, ok bool) {
	if h == nil {
		return false, false
	}
	routes := cmp.Or(h.web.routes.Load(), &h.o.Info.Routes)
	switch {
	case stage == Proxy:
		return true, true
	case stage == Socket:
		return false, routes.Upgrades
	case stage == Late:
		return false, routes.Late
	case websocket.IsWebSocketUpgrade(r):
		return false, false // Node gives no socket to middlewares
	}
	path, _, _ := strings.Cut(r.RequestURI, "?")
	for _, route := range routes.Routes {
		if route == "" {
			ok = true
		} else if below(path, route) {
			return true, true
		}
	}
	return false, ok
}

// below reports whether a middleware at the route sees the path, by the rules of Connect.
func below(path, route string) bool {
	route = strings.TrimSuffix(route, "/")
	if len(path) < len(route) || !strings.EqualFold(path[:len(route)], route) {
		return false
	}
	return len(path) == len(route) || path[len(route)] == '/' || path[len(route)] == '.'
}

// ServeHTTP gives the request to the plugins' middlewares, and returns nil when a middleware has answered. Otherwise it
// returns the request that the caller has to answer: r, or the request for the URL that a middleware has chosen. When the
// project ends before a middleware has got the request, that is r: the next project's middlewares are to be asked.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request, stage Stage) *http.Request {
	named, ok := h.wants(r, stage)
	if !ok {
		return r
	}
	body := &replay{ReadCloser: r.Body, closed: make(chan struct{})}
	for again := false; ; again = true {
		child, socket, err := h.front(r.Context())
		if err != nil && h.o.Context.Err() != nil {
			return r
		}
		if err != nil {
			return h.unasked(w, r, named, err)
		}
		passed, err := h.give(w, r, stage, body, socket)
		if err == nil {
			return passed
		}
		if r.Context().Err() != nil {
			panic(http.ErrAbortHandler) // the browser has gone
		}
		if errors.Is(err, errSlow) {
			child.Probe() // it is killed if it hangs, and starts again
		}
		repeatable := errors.Is(err, errGone) && (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.ContentLength == 0
		switch {
		case repeatable && h.o.Context.Err() != nil:
			return r
		case again || !repeatable:
			h.fail(w, r, err)
			return nil
		}
		select { // a process that ends is started again
		case <-child.Exited():
		case <-h.o.Context.Done():
		case <-time.After(time.Second):
		}
	}
}

// front returns the process that answers requests, and its socket.
func (h *Host) front(ctx context.Context) (*pluginhost.Child, string, error) {
	now, err := h.process(ctx)
	if err != nil {
		return nil, "", err
	}
	child, ok := now.(nodeChild)
	if !ok || h.o.Node.Socket(child.Child) == "" {
		return nil, "", errors.New("there are no Unix sockets here")
	}
	return child.Child, h.o.Node.Socket(child.Child), nil
}

// unasked goes on without plugins that cannot be asked. The terminal says so once. A request for a path of theirs gets
// the reason as its answer.
func (h *Host) unasked(w http.ResponseWriter, r *http.Request, named bool, err error) *http.Request {
	why := err.Error()
	if last := h.web.failing.Swap(&why); last == nil || *last != why {
		h.o.Logger.Warn("middlewares of the vite.config's plugins are not asked: " + why)
	}
	if !named {
		return r
	}
	http.Error(w, "502 bad gateway: the plugins of the vite.config cannot be asked: "+why, http.StatusBadGateway)
	return nil
}

func (h *Host) fail(w http.ResponseWriter, r *http.Request, err error) {
	h.o.Logger.Error(fmt.Sprintf("%s %s: %v", r.Method, r.URL.Path, err))
	status := http.StatusInternalServerError
	switch {
	case errors.Is(err, errSlow):
		status = http.StatusGatewayTimeout
	case errors.Is(err, errGone):
		status = http.StatusBadGateway
	}
	http.Error(w, fmt.Sprintf("%d the plugins of the vite.config failed: %v", status, err), status)
}

var (
	errSlow = errors.New("the answer of a middleware has not begun in time")
	errGone = errors.New("the process of Vite does not answer")
)

// give gives the request to the process at the socket. It returns nil when the request is answered.
func (h *Host) give(w http.ResponseWriter, r *http.Request, stage Stage, body *replay, socket string) (*http.Request, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	wait := cmp.Or(h.o.Answering, answering)
	if stage == Proxy {
		wait = forever // a backend may take its time
	}
	limit := time.AfterFunc(wait, func() { cancel(errSlow) })
	defer limit.Stop()
	body.progress = func() { limit.Reset(wait) }
	res, err := transport.RoundTrip(h.outgoing(ctx, r, stage, body, socket))
	if err != nil {
		if errors.Is(context.Cause(ctx), errSlow) {
			return nil, errSlow
		}
		return nil, fmt.Errorf("%w: %w", errGone, err)
	}
	defer func() { _ = res.Body.Close() }()
	if !limit.Stop() {
		return nil, errSlow
	}
	h.web.failing.Store(nil)
	if url, passed := res.Header[passHeader]; passed {
		_ = res.Body.Close()
		cancel(nil)
		if err := body.back(r); err != nil {
			return nil, err
		}
		return passOn(w, r, res.Header, strings.Join(url, ""), body)
	}
	if text := res.Header.Get(errorHeader); text != "" {
		return nil, failure(text)
	}
	setHeaders(w.Header(), res.Header)
	if res.StatusCode == http.StatusSwitchingProtocols {
		return nil, join(w, res)
	}
	w.WriteHeader(res.StatusCode)
	stream(w, res.Body)
	return nil, nil
}

// outgoing returns the request as Node gets it: as the browser sent it, with what is private to both sides.
func (h *Host) outgoing(ctx context.Context, r *http.Request, stage Stage, body *replay, socket string) *http.Request {
	out := &http.Request{
		Method: r.Method, Host: r.Host, Header: r.Header.Clone(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		URL: proxy.URLAt(&url.URL{Scheme: "http", Host: hex.EncodeToString([]byte(socket))}, r.RequestURI),
	}
	upgrade := r.Header.Get("Upgrade")
	for _, name := range hopHeaders {
		out.Header.Del(name)
	}
	if stage == Socket || stage == Proxy && websocket.IsWebSocketUpgrade(r) {
		out.Header.Set("Connection", "Upgrade")
		out.Header.Set("Upgrade", upgrade)
	} else if r.ContentLength != 0 {
		out.Body, out.ContentLength = body, r.ContentLength
		out.Header.Set("Expect", "100-continue")
	}
	address, port, _ := net.SplitHostPort(r.RemoteAddr)
	number, _ := strconv.Atoi(port)
	from, _ := json.Marshal(map[string]any{"address": address, "port": number, "tls": r.TLS != nil})
	out.Header.Set(fromHeader, string(from))
	out.Header.Set(stageHeader, string(stage))
	return out.WithContext(ctx)
}

// hopHeaders concern one connection.
var hopHeaders = []string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect",
}

// setHeaders adds the headers of plugins to an answer. Browsers take one value of the headers that the server sets on
// all answers, so that the plugins' replace them.
func setHeaders(to, from http.Header) {
	for name, values := range from {
		if slices.Contains(hopHeaders, name) {
			continue
		}
		switch name {
		case passHeader, errorHeader:
		case "Vary", "Set-Cookie":
			to[name] = append(to[name], values...)
		default:
			to[name] = values
		}
	}
}

// passOn returns the request that no middleware has answered. Headers that middlewares have set belong to the answer.
func passOn(w http.ResponseWriter, r *http.Request, header http.Header, target string, body *replay) (*http.Request, error) {
	for _, name := range []string{"Date", "Content-Length"} { // of an answer that no browser gets
		header.Del(name)
	}
	setHeaders(w.Header(), header)
	target, err := url.PathUnescape(target)
	if err != nil {
		return nil, err
	}
	if target == "" && body.read == 0 {
		return r, nil
	}
	passed := r.Clone(r.Context())
	if target != "" {
		if err := wire.Retarget(passed, target); err != nil {
			return nil, fmt.Errorf("a middleware passes the request on: %w", err)
		}
	}
	if body.read > 0 {
		passed.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(&body.kept, body.ReadCloser), body.ReadCloser}
	}
	return passed, nil
}

// replay is a body that can be read again from the beginning.
type replay struct {
	io.ReadCloser
	progress func()
	closed   chan struct{} // closed when the transport has done with the body
	kept     bytes.Buffer
	read     int
}

// back waits until the body is ours again.
func (b *replay) back(r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	select {
	case <-b.closed:
	case <-r.Context().Done():
		return r.Context().Err()
	}
	if b.read > mostReplayed {
		return fmt.Errorf("a middleware has read %d bytes of the request and passes the request on; it may read at most %d", b.read, mostReplayed)
	}
	return nil
}

// Close leaves the body open: the server may answer the request.
func (b *replay) Close() error {
	close(b.closed)
	return nil
}

func (b *replay) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.read += n; b.read <= mostReplayed {
		b.kept.Write(p[:n])
	} else {
		b.kept = bytes.Buffer{}
	}
	b.progress()
	return n, err
}

// failure is the error of a middleware.
func failure(text string) error {
	e := &wire.Error{}
	if text, err := url.PathUnescape(text); err != nil || json.Unmarshal([]byte(text), e) != nil {
		return errors.New("a middleware threw")
	}
	if e.Plugin == "" {
		return fmt.Errorf("a middleware threw: %w", e)
	}
	return fmt.Errorf("the middleware of plugin %s threw: %w", e.Plugin, e)
}

// stream sends the body as it comes. An answer that is cut off is cut off for the browser, too.
func stream(w http.ResponseWriter, body io.Reader) {
	flusher := http.NewResponseController(w)
	if w.Header().Get("Content-Type") != "" { // else net/http tells it from the body
		_ = flusher.Flush() // an answer may begin long before its body
	}
	buffer := make([]byte, 32<<10)
	for {
		n, err := body.Read(buffer)
		if n > 0 {
			if _, failed := w.Write(buffer[:n]); failed != nil {
				panic(http.ErrAbortHandler)
			}
			_ = flusher.Flush()
		}
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
	}
}

// join connects a browser's socket with the plugin's, until one of them ends.
func join(w http.ResponseWriter, res *http.Response) error {
	there, ok := res.Body.(io.ReadWriteCloser)
	if !ok {
		return errors.New("the plugin's socket cannot be written to")
	}
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	defer func() { _ = here.Close() }()
	_ = here.SetDeadline(time.Time{})
	header := maps.Clone(w.Header())
	header.Set("Connection", "Upgrade")
	header.Set("Upgrade", res.Header.Get("Upgrade"))
	fmt.Fprintf(buffered, "HTTP/1.1 101 Switching Protocols\r\n")
	_ = header.Write(buffered)
	fmt.Fprint(buffered, "\r\n")
	if buffered.Flush() != nil {
		return nil // the browser has gone
	}
	ended := make(chan struct{}, 2)
	pass := func(to io.Writer, from io.Reader) {
		_, _ = io.Copy(to, from)
		ended <- struct{}{}
	}
	go pass(there, buffered)
	go pass(here, there)
	<-ended
	return nil
}

// Listening is where the server listens.
type Listening struct {
	URLs    []string `json:"urls"`
	Address Address  `json:"address"`
}

// Address is an address as Node describes it.
type Address struct {
	Address string `json:"address"`
	Family  string `json:"family"`
	Port    int    `json:"port"`
}

// Listens tells the plugins that the server listens, as soon as Vite runs.
func (h *Host) Listens(l Listening) {
	if h == nil {
		return
	}
	h.web.listening.Store(&l)
	h.life.mu.Lock()
	now := h.life.now
	h.life.mu.Unlock()
	if now != nil {
		h.tellListening(h.o.Context, now)
	}
}

// tellListening tells the plugins in a process where the server listens. What they print is printed once.
func (h *Host) tellListening(ctx context.Context, p process) {
	l := h.web.listening.Load()
	if l == nil {
		return
	}
	params := struct {
		*Listening
		Again bool `json:"again"`
	}{l, h.web.printed.Swap(true)}
	if err := p.Call(ctx, "viteListening", params, nil); err != nil && ctx.Err() == nil && !errors.Is(err, wire.ErrClosed) {
		h.o.Logger.Warn("tell the plugins that the server listens", "error", err)
	}
}
