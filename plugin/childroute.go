package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"

	"github.com/seed-b8174343/devserver/internal/wire"
)

// routeChunk is how many bytes of a body cross at a time, either way. In base64 they still fit into a pipe.
const routeChunk = 32 << 10

// route runs the handler of a route in a child. The answer goes back in parts, as the handler writes and flushes them.
func (c *child) route(ctx context.Context, a wire.RouteCall) (err error) {
	r, err := c.request(ctx, a)
	if err != nil {
		return err
	}
	name, h := c.runner.route(a.Method, r.URL.Path)
	if h == nil {
		return fmt.Errorf("no route for %s %s", a.Method, r.URL.Path)
	}
	ctx, returned, err := c.runner.enter(ctx, name, "route "+r.URL.Path)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		defer returned()
		done <- c.answerRoute(name, h, r.WithContext(ctx), a.Stream)
	}()
	return awaitError(ctx, done)
}

// middleware gives a request to the middlewares. The answer goes back as that of a route, unless they pass the request
// on.
func (c *child) middleware(ctx context.Context, a wire.RouteCall) error {
	r, err := c.request(ctx, a)
	if err != nil {
		return err
	}
	next := func(w http.ResponseWriter, to *http.Request) { c.passOn(w, to, r) }
	gone := func(http.ResponseWriter, *http.Request) {
		panic(&wire.Error{Code: "stopped", Message: "the plugins were stopped", NotRun: true})
	}
	done := make(chan error, 1)
	go func() {
		done <- c.answerRoute("", c.runner.Middleware(http.HandlerFunc(next), http.HandlerFunc(gone)), r, a.Stream)
	}()
	return awaitError(ctx, done)
}

// passOn has the server answer the request to, which is made from r.
func (c *child) passOn(w http.ResponseWriter, to, r *http.Request) {
	own := unwrapped(w)
	switch {
	case own == nil:
		panic(misuse("the writer that a middleware passes on must be the one that it got, or unwrap to it: the server writes the answer"))
	case to.Body != r.Body:
		panic(misuse("a middleware in a child cannot pass on another body: the server has the request's"))
	case own.status != 0:
		panic(misuse("a middleware has answered and passes on, too"))
	}
	own.passed = true
	var answer wire.NextAnswer
	// Next returns when the browser has gone, too, and the middleware goes on.
	err := c.conn.Call(context.WithoutCancel(to.Context()), "route.next", wire.NextCall{
		Stream: own.stream, Method: to.Method, URL: to.RequestURI, Host: to.Host, Header: to.Header, Set: own.header,
	}, &answer)
	if err != nil {
		panic(http.ErrAbortHandler) // there is no server, or it has given the request up
	}
	clear(own.header)
	maps.Copy(own.header, answer.Header)
	w.WriteHeader(answer.Status) // for a wrapper; ours writes nothing any more
}

// unwrapped returns the writer of a request beneath those that wrap it, nil if they do not unwrap.
func unwrapped(w http.ResponseWriter) *remoteWriter {
	for {
		switch own := w.(type) {
		case *remoteWriter:
			return own
		case interface{ Unwrap() http.ResponseWriter }:
			w = own.Unwrap()
		default:
			return nil
		}
	}
}

// request returns the request of a call.
func (c *child) request(ctx context.Context, a wire.RouteCall) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, a.Method, a.URL, nil)
	if err != nil {
		return nil, err
	}
	if r.URL, err = url.ParseRequestURI(a.URL); err != nil {
		return nil, err
	}
	r.Header, r.Host, r.RequestURI = a.Header, a.Host, a.URL
	r.RemoteAddr, r.ContentLength = a.RemoteAddr, a.ContentLength
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Body = http.NoBody
	if a.ContentLength != 0 {
		r.Body = &remoteBody{c: c, ctx: ctx, stream: a.Stream}
	}
	return r, nil
}

// answerRoute runs the handler and sends all of its answer.
func (c *child) answerRoute(plugin string, h http.Handler, r *http.Request, stream uint64) (err error) {
	w := &remoteWriter{c: c, ctx: r.Context(), stream: stream, header: http.Header{}}
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			err = &wire.Error{Code: "aborted", Plugin: plugin, Message: "the handler ended the connection"}
		default:
			own, named := v.(*wire.Error)
			if !named {
				own = panicked(plugin, "route "+r.URL.Path, v)
			}
			err = own
		}
	}()
	h.ServeHTTP(w, r)
	if w.passed {
		return nil
	}
	w.WriteHeader(http.StatusOK)
	return w.send(false)
}

// errPassed is the error of a middleware that writes after the server has answered.
var errPassed = errors.New("the request was passed on, and the server has answered it")

// remoteBody is the body of a request, which is at the server.
type remoteBody struct {
	c      *child
	ctx    context.Context
	stream uint64
	rest   []byte
	err    error
}

func (b *remoteBody) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		var data wire.RouteData
		b.err = b.c.conn.Call(b.ctx, "route.read", wire.RouteRead{Stream: b.stream, Max: routeChunk}, &data)
		if b.err == nil && data.End {
			b.err = io.EOF
		}
		b.rest = data.Body
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *remoteBody) Close() error {
	if b.err == nil {
		b.err = errors.New("read after the request's body was closed")
	}
	b.rest = nil
	return nil
}

// remoteWriter is an http.ResponseWriter that has the server write the response.
type remoteWriter struct {
	c      *child
	ctx    context.Context
	stream uint64
	header http.Header // the handler changes it
	head   http.Header // header as it was at WriteHeader
	status int         // 0 until WriteHeader
	passed bool        // the server answers, see passOn
	sent   bool
	body   []byte
}

func (w *remoteWriter) Header() http.Header { return w.header }

func (w *remoteWriter) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		_ = w.part(wire.RoutePart{Status: status, Header: w.header, Flush: true}) // Write reports a lost server
		return
	}
	w.status, w.head = status, maps.Clone(w.header) // changes that come later are too late, as always
}

// Write gathers bytes until there is a chunk of them, or Flush.
func (w *remoteWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	for done := 0; ; {
		n := min(len(b)-done, routeChunk-len(w.body))
		w.body = append(w.body, b[done:done+n]...)
		if done += n; done == len(b) {
			return done, nil
		}
		if err := w.send(false); err != nil {
			return done, err
		}
	}
}

// Flush implements http.Flusher.
func (w *remoteWriter) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *remoteWriter) FlushError() error {
	w.WriteHeader(http.StatusOK)
	return w.send(true)
}

func (w *remoteWriter) send(flush bool) error {
	if w.passed {
		return errPassed
	}
	p := wire.RoutePart{Body: w.body, Flush: flush}
	if !w.sent {
		p.Status, p.Header = w.status, w.head
	}
	w.sent = true
	err := w.part(p)
	w.body = w.body[:0]
	return err
}

func (w *remoteWriter) part(p wire.RoutePart) error {
	p.Stream = w.stream
	return w.c.conn.Call(w.ctx, "route.part", p, nil)
}
