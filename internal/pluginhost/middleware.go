package pluginhost

import (
	"bufio"
	"context"
	"maps"
	"net"
	"net/http"

	"github.com/seed-b8174343/devserver/internal/wire"
)

// Middleware implements Host. Requests that match no pattern of the child do not cross.
func (c *Child) Middleware(next, gone http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.matches(r, func(p wire.PluginInfo) []string { return p.Middleware }) {
			c.serveMiddleware(w, r, next, gone)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// passing is a request that a child passes on.
type passing struct {
	call   wire.NextCall
	answer chan wire.NextAnswer // has room for the answer
}

// serveMiddleware gives the request to the child. If the child passes it on, next answers here: in the goroutine of the
// request, so that a panic or a socket of next is as without the child.
func (c *Child) serveMiddleware(w http.ResponseWriter, r *http.Request, next, gone http.Handler) {
	if !c.calls.begin() { // the child was replaced
		gone.ServeHTTP(w, r)
		return
	}
	s := c.openStream(w, r, true)
	defer wire.Drain(r)
	defer close(s.over)
	done := make(chan error, 1)
	go func() { done <- c.conn.Call(r.Context(), "middleware", routeCall(s.id, r), nil) }()
	select {
	case err := <-done:
		c.calls.end()
		if wire.NotRun(err) { // the child has ended
			c.streams.Delete(s.id)
			gone.ServeHTTP(w, r)
			return
		}
		c.finish(s, r, err)
	case p := <-s.next:
		c.calls.end() // a child that was replaced need not wait as long as a socket is open
		s.mu.Lock()
		s.open = false // the rest of the answer is not the child's
		s.mu.Unlock()
		c.streams.Delete(s.id)
		c.serveNext(w, r, next, p)
		c.logPanic(<-done) // what the middleware does after next; the call ends with the request, and with the child
	}
}

// serveNext answers the request that the child passes on, with what the child has changed.
func (c *Child) serveNext(w http.ResponseWriter, r *http.Request, next http.Handler, p *passing) {
	passed := r.Clone(r.Context())
	if p.call.URL != r.URL.RequestURI() { // else the target stays as it came over the wire, since the server's checks read that
		if wire.Retarget(passed, p.call.URL) != nil {
			http.Error(w, "502 the plugin failed: it passes on a URL that is no path", http.StatusBadGateway)
			p.answer <- wire.NextAnswer{Status: http.StatusBadGateway}
			return
		}
	}
	passed.Method, passed.Host, passed.Header = p.call.Method, p.call.Host, p.call.Header
	if passed.Header == nil {
		passed.Header = http.Header{}
	}
	maps.Copy(w.Header(), p.call.Set)
	seen := &statusWriter{ResponseWriter: w}
	defer func() { p.answer <- wire.NextAnswer{Status: seen.statusOrDefault(), Header: w.Header().Clone()} }()
	next.ServeHTTP(seen, passed)
}

// passOn has the server answer a request, for the child that got it.
func (c *Child) passOn(ctx context.Context, call wire.NextCall) (any, error) {
	s := c.stream(call.Stream)
	if s.next == nil {
		return nil, errStream
	}
	p := &passing{call, make(chan wire.NextAnswer, 1)}
	select {
	case s.next <- p:
	case <-s.over:
		return nil, errStream
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case answer := <-p.answer:
		return answer, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) statusOrDefault() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) WriteHeader(status int) {
	if w.status < http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Flush and Hijack are for handlers that look for them by type.
func (w *statusWriter) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() } // the rest is sent at the end

func (w *statusWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.status = http.StatusSwitchingProtocols
	}
	return conn, buffered, err
}
