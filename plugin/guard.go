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

// Timeout is how long a hook or handler may take. IdentifyTimeout is how long an Identify may take: a page has no
// connection until its user is known.
const (
	Timeout         = 30 * time.Second
	IdentifyTimeout = 5 * time.Second
)

// slowAfter is when a hook that delays pages or updates is reported as slow.
const slowAfter = 3 * time.Second

// The server promises to be gone within two seconds, and ends a child a second after it has closed the child's input.
// So a Runner that stops has less.
const (
	hookGrace = 200 * time.Millisecond // for running hooks to notice that their context has ended
	stopLimit = 600 * time.Millisecond // for all Stop hooks together
)

// guard runs a hook within a time limit and the life of the Runner. The hook's error or panic names plugin and hook.
func guard[T any](
	parent context.Context, r *Runner, limit time.Duration, plugin, hook string, fn func(context.Context) (T, error),
) (T, error) {
	ctx, returned, err := r.enter(parent, plugin, hook)
	if err != nil {
		var zero T
		return zero, err
	}
	return within(ctx, returned, limit, plugin, hook, fn)
}

// noAnswer gives a func that returns an error only the form of one with an answer.
func noAnswer(fn func(context.Context) error) func(context.Context) (struct{}, error) {
	return func(ctx context.Context) (struct{}, error) { return struct{}{}, fn(ctx) }
}

// within runs a hook, and waits for it as long as the time limit and the context allow. A hook that ignores both
// continues to run, since nothing in Go can end it. within calls returned when the hook has returned.
func within[T any](
	parent context.Context, returned func(), limit time.Duration, plugin, hook string,
	fn func(context.Context) (T, error),
) (T, error) {
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
		return zero, context.Cause(parent) // nobody waits for the answer any more
	}
	message := fmt.Sprintf("%s of plugin %s did not return within %v", hook, plugin, limit)
	return zero, &wire.Error{Code: "timeout", Plugin: plugin, Message: message}
}

// await waits for the answer of a hook in done, which has room for it, or for the end of the hook's context. The
// context also ends right after the answer, so an answer that is there wins.
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

// awaitError is await for a call that has only an error. A caller that is gone waits for no answer, and Stop must not wait
// for a handler that ignores its context.
func awaitError(ctx context.Context, done <-chan error) error {
	err, answered := await(ctx, done)
	if !answered {
		return context.Cause(ctx)
	}
	return err
}

// waitServer is a Server that reports slow hooks while they run.
type waitServer interface{ WaitsFor(w wire.WaitCall) }

// reportIfSlow wraps a hook, so that the server hears of it when it is slow. id is the module, page or file that the
// hook is asked about.
func reportIfSlow[T any](
	r *Runner, plugin, hook, id string, fn func(context.Context) (T, error),
) func(context.Context) (T, error) {
	s, ok := r.server.(waitServer)
	if !ok {
		return fn
	}
	return func(ctx context.Context) (T, error) {
		report := func() { s.WaitsFor(wire.WaitCall{Plugin: plugin, Hook: hook, ID: id}) }
		defer time.AfterFunc(slowAfter, report).Stop()
		return fn(ctx)
	}
}

// enter records a running hook, until returned is called. It returns the hook's context, which carries the server and
// ends with the Runner. After Stop it returns an error, and the hook must not run.
func (r *Runner) enter(parent context.Context, plugin, hook string) (ctx context.Context, returned func(), err error) {
	ctx, end, left, err := r.enterLong(parent, plugin, hook)
	return ctx, func() { end(); left() }, err
}

// enterLong is enter for what may go on after the Runner does not wait for it any more, which is after left. end ends
// the context.
func (r *Runner) enterLong(parent context.Context, plugin, hook string) (ctx context.Context, end, left func(), err error) {
	stopped := &wire.Error{
		Code: "stopped", Plugin: plugin, Message: "plugin " + plugin + " was stopped while its " + hook + " ran",
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		return nil, nil, nil, &wire.Error{Code: "stopped", Plugin: plugin, Message: "plugin " + plugin + " was stopped", NotRun: true}
	}
	ctx, cancel := context.WithCancelCause(withServer(parent, r.serverOf(plugin)))
	stop := context.AfterFunc(r.ctx, func() { cancel(stopped) })
	return ctx, func() { stop(); cancel(nil) }, r.begin(hook + " of plugin " + plugin), nil
}

// begin records that a hook runs, until returned is called. The caller holds mu.
func (r *Runner) begin(name string) (returned func()) {
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

// awaitHooks waits a moment for the running hooks, and returns the names of the hooks that still run.
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
	case <-time.After(hookGrace):
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Compact(slices.Sorted(maps.Values(r.running)))
}

// named adds the plugin's name to an error, and keeps the parts that the page may see.
func named(plugin, hook string, err error) error {
	if own, ok := errors.AsType[*wire.Error](err); ok {
		if own.Plugin == "" {
			own.Plugin = plugin
		}
		return own
	}
	if own, ok := errors.AsType[*Error](err); ok {
		placed := own.OnWire()
		placed.Plugin = plugin
		return placed
	}
	if own, ok := errors.AsType[*hmr.Error](err); ok {
		return &wire.Error{Code: own.Code, Message: own.Message, Path: own.Path, Plugin: plugin}
	}
	return &wire.Error{Plugin: plugin, Message: fmt.Sprintf("%s of plugin %s: %v", hook, plugin, err)}
}
