package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/tstype"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// Timeout is how long a hook or handler may take, IdentifyTimeout an Identify: a page has no connection until it is known
// whose it is.
const (
	Timeout         = 30 * time.Second
	IdentifyTimeout = 5 * time.Second
)

// patience is how long a hook that pages or updates wait for may take before it is told that they do.
const patience = 3 * time.Second

// Runner runs plugins: it calls their hooks in order, within their time, and turns panics into errors. Both ways of
// running plugins go through it; plugin authors have no use for it.
type Runner struct {
	plugins []Plugin
	server  Server

	ctx context.Context // of every hook but Stop; ends with Stop
	end context.CancelFunc

	mu      sync.Mutex
	started int               // how many of the plugins, the first ones, have to be stopped; guarded by mu
	running map[uint64]string // hooks and routes that have not returned, by number; guarded by mu
	calls   uint64            // guarded by mu
	idle    chan struct{}     // closed when the last of running returns; nil when nobody waits; guarded by mu
}

// What a host that stops gives its plugins. The server has promised to be gone within two seconds, and ends a child a
// second after it has closed its input.
const (
	heeding = 200 * time.Millisecond // for the hooks that run to see that their context has ended
	leaving = 600 * time.Millisecond // for all Stop hooks together
)

// NewRunner checks the plugins and returns their Runner.
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
		for _, e := range p.Events {
			if e.Name == "" || e.call == nil {
				return nil, fmt.Errorf("plugin %s: an event has no name; make events by plugin.On and plugin.Handle", p.Name)
			}
			if other, twice := requests[e.Name]; e.Request && twice {
				return nil, fmt.Errorf("plugins %s and %s both answer requests %q", other, p.Name, e.Name)
			}
			if e.Request {
				requests[e.Name] = p.Name
			}
		}
	}
	if err := bindChannels(plugins, s); err != nil {
		return nil, err
	}
	r := &Runner{plugins: plugins, server: s, running: map[uint64]string{}}
	r.ctx, r.end = context.WithCancel(context.Background())
	return r, nil
}

// Info describes the plugins.
func (r *Runner) Info() wire.Info {
	var info wire.Info
	for _, p := range r.plugins {
		one := wire.PluginInfo{Name: p.Name, Filter: wire.Filter(p.Filter), Watch: p.Watch}
		for _, e := range p.Events {
			one.Events = append(one.Events, wire.EventInfo{Name: e.Name, Request: e.Request, In: tstype.Text(e.in), Out: tstype.Text(e.out)})
		}
		one.Channels = channelInfos(p)
		for _, hook := range hookFields {
			if hook.has(p) {
				one.Hooks = append(one.Hooks, hook.name())
			}
		}
		for _, route := range p.Routes {
			one.Routes = append(one.Routes, route.Pattern)
		}
		info.Plugins = append(info.Plugins, one)
	}
	return info
}

// guard runs a hook within its time, which ends with the host. What it returns or panics with names plugin and hook.
func guard[T any](parent context.Context, r *Runner, plugin, hook string, fn func(context.Context) (T, error)) (T, error) {
	return guardWithin(parent, r, Timeout, plugin, hook, fn)
}

// guardWithin is guard with a time limit of its own.
func guardWithin[T any](parent context.Context, r *Runner, limit time.Duration, plugin, hook string, fn func(context.Context) (T, error)) (T, error) {
	ctx, returned, err := r.enter(parent, plugin, hook)
	if err != nil {
		var zero T
		return zero, err
	}
	return within(ctx, returned, limit, plugin, hook, fn)
}

// within runs a hook and waits for it as long as the time limit and the context let it. One that takes no notice of
// either runs on: nothing in Go can end it. returned is called when it has.
func within[T any](parent context.Context, returned func(), limit time.Duration, plugin, hook string, fn func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(parent, limit)
	defer cancel()
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		defer returned()
		defer func() {
			if v := recover(); v != nil {
				done <- result{err: panicked(plugin, hook, v)}
			}
		}()
		value, err := fn(ctx)
		done <- result{value, err}
	}()
	var zero T
	r, answered := await(ctx, done)
	switch {
	case answered && r.err != nil:
		return zero, named(plugin, hook, r.err)
	case answered:
		return r.value, nil
	case parent.Err() != nil:
		return zero, context.Cause(parent) // nobody waits for it any more
	}
	return zero, &wire.Error{Code: "timeout", Plugin: plugin, Message: fmt.Sprintf("%s of plugin %s did not return within %v", hook, plugin, limit)}
}

// await waits for what a hook that was entered puts into done, which has room for it, or for the end of its context. That
// ends just behind the answer as well, so an answer that is there wins.
func await[T any](ctx context.Context, done <-chan T) (answer T, answered bool) {
	select {
	case answer = <-done:
		return answer, true
	case <-ctx.Done():
	}
	select {
	case answer = <-done:
		return answer, true
	default:
		return answer, false
	}
}

// waitServer is a Server that is told of hooks that take long while they run.
type waitServer interface{ WaitsFor(w wire.WaitCall) }

// toldIfSlow is a hook that tells when it takes long. id is the module or file that it is about.
func toldIfSlow[T any](r *Runner, plugin, hook, id string, fn func(context.Context) (T, error)) func(context.Context) (T, error) {
	s, ok := r.server.(waitServer)
	if !ok {
		return fn
	}
	return func(ctx context.Context) (T, error) {
		defer time.AfterFunc(patience, func() { s.WaitsFor(wire.WaitCall{Plugin: plugin, Hook: hook, ID: id}) }).Stop()
		return fn(ctx)
	}
}

// enter notes that a hook runs, until returned is called. Its context ends with the host, which Stop waits for; of one that has
// stopped nothing is run.
func (r *Runner) enter(parent context.Context, plugin, hook string) (ctx context.Context, returned func(), err error) {
	stopped := &wire.Error{Code: "stopped", Plugin: plugin, Message: "plugin " + plugin + " was stopped"}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		return nil, nil, stopped
	}
	ctx, cancel := context.WithCancelCause(withServer(parent, r.server))
	stop := context.AfterFunc(r.ctx, func() { cancel(stopped) })
	left := r.begins(hook + " of plugin " + plugin)
	return ctx, func() { stop(); cancel(nil); left() }, nil
}

// begins notes that a hook runs, until returned is called. The caller holds mu.
func (r *Runner) begins(name string) (returned func()) {
	r.calls++
	n := r.calls
	r.running[n] = name
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.running, n)
		if len(r.running) == 0 && r.idle != nil {
			close(r.idle)
			r.idle = nil
		}
	}
}

// awaitHooks waits a moment for the hooks that run, and returns the names of those that go on.
func (r *Runner) awaitHooks() []string {
	r.mu.Lock()
	idle := make(chan struct{})
	if len(r.running) == 0 {
		close(idle)
	} else {
		r.idle = idle
	}
	r.mu.Unlock()
	select {
	case <-idle:
	case <-time.After(heeding):
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Compact(slices.Sorted(maps.Values(r.running)))
}

// named gives an error the plugin's name and keeps what the page may know of it.
func named(plugin, hook string, err error) error {
	if own, ok := errors.AsType[*wire.Error](err); ok {
		if own.Plugin == "" {
			own.Plugin = plugin
		}
		return own
	}
	if own, ok := errors.AsType[*hmr.Error](err); ok {
		return &wire.Error{Code: own.Code, Message: own.Message, Path: own.Path, Plugin: plugin}
	}
	return &wire.Error{Plugin: plugin, Message: fmt.Sprintf("%s of plugin %s: %v", hook, plugin, err)}
}

// Start starts the plugins in order. When one fails, those before it are stopped.
func (r *Runner) Start(ctx context.Context) error {
	for i, p := range r.plugins {
		if p.Start != nil {
			if _, err := guard(ctx, r, p.Name, "Start", toldIfSlow(r, p.Name, "Start", "", func(ctx context.Context) (struct{}, error) { return struct{}{}, p.Start(ctx, r.server) })); err != nil {
				return errors.Join(err, r.Stop(context.WithoutCancel(ctx)))
			}
		}
		r.mu.Lock()
		r.started = i + 1
		r.mu.Unlock()
	}
	return nil
}

// Stop ends the context of the hooks that run, then stops the plugins, the last one first. It returns within a second,
// and names what did not. Those that have not started, or were stopped before, are left alone.
func (r *Runner) Stop(ctx context.Context) error {
	r.end()
	var errs []error
	for _, name := range r.awaitHooks() {
		errs = append(errs, fmt.Errorf("stop the plugins: %s goes on although its context has ended; it was not waited for", name))
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
	deadline := time.Now().Add(leaving)
	for i, p := range stops { // a slow one leaves the others their share
		share := time.Until(deadline) / time.Duration(len(stops)-i)
		_, err := within(withServer(ctx, r.server), func() {}, share, p.Name, "Stop", func(ctx context.Context) (struct{}, error) { return struct{}{}, p.Stop(ctx) })
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Event hands a page's event or request to the plugin's handlers of that name and returns a request's answer.
func (r *Runner) Event(ctx context.Context, plugin, event string, request bool, c Client, data json.RawMessage) (any, error) {
	for _, p := range r.plugins {
		if p.Name != plugin {
			continue
		}
		for _, e := range p.Events {
			if e.Name != event || e.Request != request {
				continue
			}
			answer, err := guard(ctx, r, p.Name, "handler of "+event, func(ctx context.Context) (any, error) { return e.call(ctx, c, data) })
			if err != nil || request {
				return answer, err
			}
		}
	}
	return nil, nil
}

// Ask asks the plugins by the hook of that name. It is called by [wire.Hook.Ask], which knows the types of args and answer.
func (r *Runner) Ask(ctx context.Context, hook string, args, answer any) error {
	for _, of := range hookFields {
		if of.name() == hook {
			return of.ask(ctx, r, args, answer)
		}
	}
	return fmt.Errorf("unknown hook %q", hook)
}

// Route returns the handler for a request, or nil.
func (r *Runner) Route(method, path string) http.Handler {
	name, handler := r.route(method, path)
	if handler == nil {
		return nil
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		defer func() {
			if v := recover(); v == http.ErrAbortHandler {
				panic(v)
			} else if v != nil {
				panic(panicked(name, "route "+req.URL.Path, v).Message) // the server's to report
			}
		}()
		ctx, returned, err := r.enter(req.Context(), name, "route "+req.URL.Path)
		if err != nil {
			http.Error(w, "503 "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		defer returned()
		// Answering while the request is still being read works in a child, so it must here.
		_ = http.NewResponseController(w).EnableFullDuplex() // HTTP/2 always is
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
