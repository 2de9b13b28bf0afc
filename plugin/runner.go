package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-b8174343/devserver/internal/wire"
)

// Runner runs plugins: it calls their hooks in order, within their time, and turns panics into errors. It does so in
// process and in a child alike. Plugin authors have no use for it.
type Runner struct {
	plugins []Plugin
	server  Server

	ctx context.Context // of every hook but Stop; ends with Stop
	end context.CancelFunc

	mu      sync.Mutex
	started int               // so many of the plugins, the first ones, must be stopped; guarded by mu
	running map[uint64]string // hooks and routes that have not returned, by number; guarded by mu
	calls   uint64            // guarded by mu
	idle    chan struct{}     // closed when the last of running returns; nil when nobody waits; guarded by mu

	brokenMaps sync.Map    // plugins and hooks whose broken source map was reported
	added      addedEvents // by Server.Handle
}

// NewRunner checks the plugins and returns their Runner. Hooks get s as their server.
func NewRunner(plugins []Plugin, s Server) (*Runner, error) {
	seen, requests := map[string]bool{}, map[string]string{}
	for _, p := range plugins {
		if p.Name == "" {
			return nil, errors.New("a plugin has no Name")
		}
		if seen[p.Name] {
			return nil, fmt.Errorf("two plugins are named %q", p.Name)
		}
		seen[p.Name] = true
		if err := p.checkFilters(); err != nil {
			return nil, err
		}
		for _, e := range p.Events {
			if err := e.check(p.Name); err != nil {
				return nil, err
			}
			if other, twice := requests[e.Name]; e.Request && twice {
				return nil, fmt.Errorf("plugins %s and %s both answer requests %q", other, p.Name, e.Name)
			}
			if e.Request {
				requests[e.Name] = p.Name
			}
		}
		for _, a := range p.Asks {
			if name := a.info().Name; name == "" || strings.HasPrefix(name, "devserver:") {
				return nil, fmt.Errorf("plugin %s: a request to pages has the name %q; names that begin with devserver: belong to devserver itself", p.Name, name)
			}
		}
	}
	r := &Runner{plugins: plugins, server: s, running: map[uint64]string{}}
	if err := r.bindChannels(); err != nil {
		return nil, err
	}
	r.ctx, r.end = context.WithCancel(context.Background())
	return r, nil
}

// Info describes the plugins.
func (r *Runner) Info() wire.Info {
	var info wire.Info
	for _, p := range r.plugins {
		one := wire.PluginInfo{
			Name: p.Name, Channels: channelInfos(p), Filter: wire.Filter(p.Filter), Watch: p.Watch,
		}
		for _, e := range p.Events {
			one.Events = append(one.Events, e.info())
		}
		for _, r := range p.Asks {
			one.Asks = append(one.Asks, r.info())
		}
		for _, hook := range hookFields {
			if !hook.has(p) {
				continue
			}
			one.Hooks = append(one.Hooks, hook.name())
			if f, own := p.filterOf(hook.name()); own {
				if one.Filters == nil {
					one.Filters = map[string]wire.Filter{}
				}
				one.Filters[hook.name()] = f
			}
		}
		for _, route := range p.Routes {
			one.Routes = append(one.Routes, route.Pattern)
		}
		for _, m := range p.Middleware {
			one.Middleware = append(one.Middleware, m.Pattern)
		}
		info.Plugins = append(info.Plugins, one)
	}
	return info
}

// Start starts the plugins in order. When a Start fails, the plugins before it are stopped.
func (r *Runner) Start(ctx context.Context) error {
	for i, p := range r.plugins {
		if p.Start != nil {
			start := noAnswer(func(ctx context.Context) error { return p.Start(ctx, r.serverOf(p.Name)) })
			start = reportIfSlow(r, p.Name, "Start", "", start)
			if _, err := guard(ctx, r, Timeout, p.Name, "Start", start); err != nil {
				return errors.Join(err, r.Stop(context.WithoutCancel(ctx)))
			}
		}
		r.mu.Lock()
		r.started = i + 1
		r.mu.Unlock()
	}
	return nil
}

// Stop ends the context of the running hooks, then stops the plugins, the last one first. It returns within a second.
// The error names the hooks that did not return in time. Plugins that have not started, or were stopped before, are
// left alone.
func (r *Runner) Stop(ctx context.Context) error {
	defer r.unbindChannels() // Stop hooks may still send
	r.end()
	var errs []error
	for _, name := range r.awaitHooks() {
		errs = append(errs, fmt.Errorf("stop plugins: %s ignored its cancelled context and is still running", name))
	}
	r.mu.Lock()
	started := r.plugins[:r.started]
	r.started = 0
	r.mu.Unlock()
	var stops []Plugin
	for _, p := range slices.Backward(started) {
		if p.Stop != nil {
			stops = append(stops, p)
		}
	}
	deadline := time.Now().Add(stopLimit)
	for i, p := range stops { // a slow Stop leaves the others their share
		share := time.Until(deadline) / time.Duration(len(stops)-i)
		_, err := within(withServer(ctx, r.serverOf(p.Name)), func() {}, share, p.Name, "Stop", noAnswer(p.Stop))
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Event hands a page's event or request to the plugin's handlers of that name, and returns the answer to a request.
func (r *Runner) Event(
	ctx context.Context, plugin, event string, request bool, c Client, data json.RawMessage,
) (any, error) {
	called := false
	for _, e := range r.handlers(plugin, event, request) {
		handle := func(ctx context.Context) (any, error) { return e.call(ctx, c, data) }
		answer, err := guard(ctx, r, Timeout, plugin, "handler of "+event, handle)
		if own, ok := errors.AsType[*wire.Error](err); ok && called {
			own.NotRun = false // a handler before it has run, and must not run again
		}
		if err != nil || request {
			return answer, err
		}
		called = true
	}
	if !called {
		return nil, &wire.Error{Code: "unknown_event", Plugin: plugin, Message: fmt.Sprintf("the handler of %q was removed", event)}
	}
	return nil, nil
}

// Ask asks the plugins by the hook of that name. [wire.Hook.Ask] calls it, which knows the types of args and answer.
func (r *Runner) Ask(ctx context.Context, hook string, args, answer any) error {
	for _, h := range hookFields {
		if h.name() == hook {
			return h.ask(ctx, r, args, answer)
		}
	}
	return fmt.Errorf("unknown hook %q", hook)
}

// Routes returns a handler that gives requests to the routes, and requests without a route to next. gone gets those for
// plugins that have stopped.
func (r *Runner) Routes(next, gone http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		name, handler := r.route(req.Method, req.URL.Path)
		if handler == nil {
			next.ServeHTTP(w, req)
			return
		}
		ctx, returned, err := r.enter(req.Context(), name, "route "+req.URL.Path)
		if err != nil {
			gone.ServeHTTP(w, req)
			return
		}
		defer returned()
		defer func() {
			if v := recover(); v == http.ErrAbortHandler {
				panic(v)
			} else if v != nil {
				panic(panicked(name, "route "+req.URL.Path, v).Message) // the server reports it
			}
		}()
		// A child can answer while the request is still being read, so it must work here.
		_ = http.NewResponseController(w).EnableFullDuplex() // fails for HTTP/2, which always is
		defer wire.Drain(req)
		handler.ServeHTTP(w, req.WithContext(ctx))
	})
}

func (r *Runner) route(method, path string) (plugin string, handler http.Handler) {
	for _, p := range r.plugins {
		for _, route := range p.Routes {
			if wire.MatchRoute(route.Pattern, method, path) {
				return p.Name, route.Handler
			}
		}
	}
	return "", nil
}
