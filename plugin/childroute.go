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
	u, err := url.ParseRequestURI(a.URL)
	if err != nil {
		return err
	}
	name, h := c.runner.route(a.Method, u.Path)
	if h == nil {
		return fmt.Errorf("no route for %s %s", a.Method, u.Path)
	}
	r, err := http.NewRequestWithContext(ctx, a.Method, a.URL, nil)
	if err != nil {
		return err
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
	ctx, returned, err := c.runner.enter(ctx, name, "route "+u.Path)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		defer returned()
		done <- c.answerRoute(name, h, r.WithContext(ctx), a.Stream)
	}()
	err, answered := await(ctx, done)
	if !answered { // nobody waits for the answer, and Stop must not wait for a handler that ignores its context
		return context.Cause(ctx)
	}
	return err
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
			err = panicked(plugin, "route "+r.URL.Path, v)
		}
	}()
	h.ServeHTTP(w, r)
	w.WriteHeader(http.StatusOK)
	return w.send(false)
}

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
