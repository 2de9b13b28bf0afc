package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/seed-b8174343/devserver/internal/tstype"
	"github.com/seed-b8174343/devserver/internal/wire"
)

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
