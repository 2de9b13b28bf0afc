package plugin

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/seed-b8174343/devserver/internal/wire"
)

// MiddlewareDef is a middleware and the requests that it sees. [Middleware] makes it.
type MiddlewareDef struct {
	Pattern string
	handler http.Handler // answers, or passes on by passOn
}

// Middleware sees requests before the server and the routes of plugins do. The pattern is one of [Route]: "/" stands
// for all requests, also those for modules, and for the sockets of pages. wrap is called once. Vite's plugins call
// middlewares.use.
//
// The handler may answer, or call next, which is the server. Before, it may add headers to the response or give next a
// request with another URL, method, host or header. A changed URL is looked up like any other, and what the server does
// not serve stays unserved. Requests that the server refuses, for their host or origin, do not come here.
//
// In a child process the server writes the answer of next by itself, and the child's writer only learns the status and
// the header. So next takes the writer that the middleware got, or one that unwraps to it, and the body of the request.
func Middleware(pattern string, wrap func(next http.Handler) http.Handler) MiddlewareDef {
	return MiddlewareDef{pattern, wrap(http.HandlerFunc(passOn))}
}

// passage is a request in a middleware.
type passage struct {
	next    http.Handler
	request *http.Request       // as it was before the middleware
	writer  http.ResponseWriter // of the request
	left    func()              // the Runner does not wait for the middleware any more
}

// passageKey is the key of the passage in the context of a middleware's request.
type passageKey struct{}

// passOn is what a middleware gets as next.
func passOn(w http.ResponseWriter, r *http.Request) {
	p, ok := r.Context().Value(passageKey{}).(*passage)
	if !ok {
		panic("the request that a middleware passes on needs the context of the request that it got")
	}
	// The rest may take as long as a page is open. It ends with the request, and not with the plugin.
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(r.Context()))
	defer cancel(nil)
	defer context.AfterFunc(p.request.Context(), func() { cancel(context.Cause(p.request.Context())) })()
	next := r.WithContext(ctx)
	if err := retarget(next, p.request); err != nil {
		panic(err.Error())
	}
	if _, hijacks := w.(http.Hijacker); !hijacks && r.Header.Get("Upgrade") != "" {
		w = p.writer // a wrapper has nothing to see of a socket
	}
	p.left()
	p.next.ServeHTTP(w, next)
}

// retarget lets the target of the request follow from its URL, if the URL is another than before. Otherwise the target
// stays as it came over the wire, since the server's checks read that.
func retarget(r, before *http.Request) error {
	target := r.URL.RequestURI()
	if target == before.URL.RequestURI() {
		r.RequestURI = before.RequestURI
		return nil
	}
	if wire.Retarget(r, target) != nil {
		return fmt.Errorf("a middleware passes on the URL %q, which is no path", target)
	}
	return nil
}

// misuse is a panic of next that is the fault of the middleware.
type misuse string

// Middleware returns a handler that gives requests to the middlewares of the plugins, and what they pass on to next. gone
// gets the requests that plugins that have stopped would see.
func (r *Runner) Middleware(next, gone http.Handler) http.Handler {
	for _, p := range slices.Backward(r.plugins) {
		for _, m := range slices.Backward(p.Middleware) {
			next = r.middleware(p.Name, m, next, gone)
		}
	}
	return next
}

func (r *Runner) middleware(plugin string, m MiddlewareDef, next, gone http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !wire.MatchRoute(m.Pattern, req.Method, req.URL.Path) {
			next.ServeHTTP(w, req)
			return
		}
		what := "middleware " + req.URL.Path
		ctx, end, left, err := r.enterLong(req.Context(), plugin, what)
		if _, seen := req.Context().Value(passageKey{}).(*passage); err != nil && seen {
			http.Error(w, "503 "+err.Error(), http.StatusServiceUnavailable) // the next plugins would see what a middleware changed
			return
		}
		if err != nil {
			gone.ServeHTTP(w, req)
			return
		}
		p := &passage{next: next, request: req, writer: w, left: sync.OnceFunc(left)}
		defer end()
		defer p.left()
		passed := false
		p.next = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			passed = true
			next.ServeHTTP(w, req)
			passed = false
		})
		defer func() {
			v := recover()
			_, mistaken := v.(misuse)
			if v != nil && v != http.ErrAbortHandler && (mistaken || !passed) { // other panics of next are not the middleware's
				v = panicked(plugin, what, v) // the server reports it
			}
			if v != nil {
				panic(v)
			}
		}()
		m.handler.ServeHTTP(w, req.Clone(context.WithValue(ctx, passageKey{}, p)))
	})
}
