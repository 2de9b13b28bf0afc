package pluginhost

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-b8174343/devserver/internal/wire"
)

// routeStream is a request that a child answers. The child reads its body and writes its answer by calls.
type routeStream struct {
	id      uint64
	body    io.Reader
	reading atomic.Int32

	mu   sync.Mutex // held while writing, so that a request that ends waits for the write
	w    http.ResponseWriter
	open bool
	head bool

	// Of a request that the child may pass on, nil for a route.
	next chan *passing
	over chan struct{} // closed when the request is over
}

// errStream is the error for a part of a request that is over, because the browser went away.
var errStream = errors.New("the request is over")

// stream returns a running request. For a request that is over, it returns a closed stream.
func (c *Child) stream(id uint64) *routeStream {
	if s, ok := c.streams.Load(id); ok {
		return s.(*routeStream)
	}
	return &routeStream{}
}

func (s *routeStream) write(part wire.RoutePart) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		return errStream
	}
	if part.Status != 0 && !s.head {
		s.head = part.Status >= http.StatusOK
		header := s.w.Header()
		for key, values := range part.Header {
			header[http.CanonicalHeaderKey(key)] = values
		}
		s.w.WriteHeader(part.Status)
	}
	if len(part.Body) > 0 {
		if _, err := s.w.Write(part.Body); err != nil {
			return err
		}
	}
	if part.Flush {
		return http.NewResponseController(s.w).Flush()
	}
	return nil
}

func (s *routeStream) read(limit int) (wire.RouteData, error) {
	if s.body == nil || limit <= 0 {
		return wire.RouteData{}, errStream
	}
	s.reading.Add(1)
	defer s.reading.Add(-1)
	buf := make([]byte, min(limit, 1<<20))
	n, err := s.body.Read(buf)
	if errors.Is(err, io.EOF) {
		return wire.RouteData{Body: buf[:n], End: true}, nil
	}
	return wire.RouteData{Body: buf[:n]}, err
}

// interrupt ends the reads and writes that wait for a slow browser, after the child's call has ended.
func (s *routeStream) interrupt(w http.ResponseWriter) {
	past := time.Unix(1, 0)
	if s.reading.Load() > 0 {
		_ = http.NewResponseController(w).SetReadDeadline(past)
	}
	if !s.mu.TryLock() {
		_ = http.NewResponseController(w).SetWriteDeadline(past)
		return
	}
	s.mu.Unlock()
}

// Routes implements Host. Requests that match no pattern of the child do not cross.
func (c *Child) Routes(next, gone http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.matches(r, func(p wire.PluginInfo) []string { return p.Routes }) {
			c.serveRoute(w, r, gone)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// matches reports whether one of the patterns of the child's plugins is for the request.
func (c *Child) matches(r *http.Request, patterns func(wire.PluginInfo) []string) bool {
	return slices.ContainsFunc(c.info.Plugins, func(p wire.PluginInfo) bool {
		return slices.ContainsFunc(patterns(p), func(pattern string) bool {
			return wire.MatchRoute(pattern, r.Method, r.URL.Path)
		})
	})
}

func (c *Child) serveRoute(w http.ResponseWriter, r *http.Request, gone http.Handler) {
	s := c.openStream(w, r, false)
	defer wire.Drain(r)
	err := c.call(r.Context(), "route", routeCall(s.id, r), nil)
	if wire.NotRun(err) { // the child has ended
		c.streams.Delete(s.id)
		gone.ServeHTTP(w, r)
		return
	}
	c.finish(s, r, err)
}

// openStream begins a request of the child. passes says that the child may pass it on.
func (c *Child) openStream(w http.ResponseWriter, r *http.Request, passes bool) *routeStream {
	s := &routeStream{id: c.next.Add(1), body: r.Body, w: w, open: true}
	if passes {
		s.next, s.over = make(chan *passing), make(chan struct{})
	}
	c.streams.Store(s.id, s)
	// A handler may write before it has read everything, which HTTP/1 does not allow by default.
	_ = http.NewResponseController(w).EnableFullDuplex() // fails for HTTP/2, which always is
	return s
}

func routeCall(stream uint64, r *http.Request) wire.RouteCall {
	return wire.RouteCall{
		Stream: stream, Method: r.Method, URL: r.URL.RequestURI(), Host: r.Host, RemoteAddr: r.RemoteAddr, Header: r.Header,
		ContentLength: r.ContentLength,
	}
}

// finish ends a request after the child's call. err is the error of the call.
func (c *Child) finish(s *routeStream, r *http.Request, err error) {
	w := s.w
	c.streams.Delete(s.id)
	if err != nil {
		s.interrupt(w)
	}
	c.logPanic(err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = false
	switch {
	case err == nil || r.Context().Err() != nil:
	case s.head:
		panic(http.ErrAbortHandler) // the browser must see that the answer is cut off
	default:
		http.Error(w, "502 the plugin failed: "+clean(err.Error()), http.StatusBadGateway)
	}
}

// logPanic logs the error of a request if it is a panic of the child's code.
func (c *Child) logPanic(err error) {
	if own, ok := errors.AsType[*wire.Error](err); ok && own.Stack != "" {
		c.o.Backend.Logger().Error(own.Message, "plugin", own.Plugin, "stack", own.Stack)
	}
}
