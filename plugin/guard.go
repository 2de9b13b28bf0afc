package plugin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
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
