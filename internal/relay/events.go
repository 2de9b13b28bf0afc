package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// The plugins' events and requests at the hub.

// link is a host whose handlers are registered at the hub.
type link struct {
	relay *Relay
	host  pluginhost.Host
	met   chan struct{} // closed when the host's meetings with the open pages have begun, see presence
	over  chan struct{} // closed when the handlers are removed
	offs  []func()      // remove them
}

// listen registers a host's handlers at the hub. Events of one page reach a plugin in order: each plugin is a group of
// its own. They wait until the caller has closed met. The link is there also after an error.
func (r *Relay) listen(h pluginhost.Host) (l *link, err error) {
	l = &link{relay: r, host: h, met: make(chan struct{}), over: make(chan struct{})}
	for _, one := range h.Info().Plugins {
		r.o.Watch(one.Watch)
		note := func(off func(), failed error) {
			if failed != nil {
				err = errors.Join(err, fmt.Errorf("plugin %s: %w", one.Name, failed))
				return
			}
			l.offs = append(l.offs, off)
		}
		for _, ch := range one.Channels {
			note(l.listenOn(ch))
		}
		seen := map[string]bool{}
		for _, e := range one.Events {
			if seen[e.Name] {
				continue // the host calls all handlers of a name
			}
			seen[e.Name] = !e.Request
			note(l.listenFor(one.Name, e))
		}
	}
	return l, errors.Join(err, r.backendOf(h).attach(l))
}

// end removes the handlers. What the host has not handled by then is for the handlers that come next: the hub must have
// a hold until they are there.
func (l *link) end() {
	if l == nil {
		return
	}
	for _, off := range l.offs {
		off()
	}
	l.relay.backendOf(l.host).end()
	close(l.over)
}

// listenFor registers the host's handlers of one event or request of a plugin.
func (l *link) listenFor(owner string, e wire.EventInfo) (off func(), err error) {
	hub := l.relay.o.Hub
	call := func(ctx context.Context, c *hmr.Client, data json.RawMessage) (answer any, err error) {
		err = l.call(ctx, c, func(p *page) error {
			answer, err = l.host.Event(ctx, owner, e.Name, e.Request, p, data)
			return err
		})
		return answer, err
	}
	if e.Request {
		return hub.HandleIn(owner, e.Name, call)
	}
	return hub.OnIn(owner, e.Name, func(ctx context.Context, c *hmr.Client, data json.RawMessage) error {
		_, err := call(ctx, c, data)
		return err
	}), nil
}

// call hands what a page has sent to the host, after the host's Connect for the page.
func (l *link) call(ctx context.Context, c *hmr.Client, do func(*page) error) error {
	if !l.awaitConnect(ctx, c) {
		return ctx.Err()
	}
	defer l.relay.calls.Begin()()
	return l.replaced(ctx, do(&page{c, l.relay.o.Hub}))
}

// awaitConnect waits until the host's Connect for the page has returned, and returns false when the context ends
// before.
func (l *link) awaitConnect(ctx context.Context, c *hmr.Client) bool {
	return waitFor(ctx, l.met) && waitFor(ctx, l.relay.present.over(l.host, c))
}

// waitFor waits until a channel is closed, and returns false when the context ends before. Nil counts as closed.
func waitFor(ctx context.Context, closed <-chan struct{}) bool {
	if closed == nil {
		return true
	}
	select {
	case <-closed:
		return true
	case <-ctx.Done():
		return false
	}
}

// replaced returns the error of a call of the host for the hub. A call that reached no handler is the next host's: the
// program has ended, and its handlers are about to be removed. A call that was running may have done all, a part, or
// nothing, so it is not repeated.
func (l *link) replaced(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case wire.NotRun(err):
		if !waitFor(ctx, l.over) {
			return ctx.Err()
		}
		return hmr.ErrReplaced
	case errors.Is(err, wire.ErrClosed):
		return &hmr.Error{
			Code: "plugins_ended", Message: "the program of the plugins ended while it handled this, and may have done a part of it",
		}
	}
	return l.relay.forPage(err)
}

// logPanic logs the stack of an error that is a plugin's panic, and reports whether it is one.
func (r *Relay) logPanic(err error) bool {
	own, ok := errors.AsType[*wire.Error](err)
	if !ok || own.Stack == "" {
		return false
	}
	r.o.Logger.Error(own.Message, "plugin", own.Plugin, "stack", own.Stack)
	return true
}

// forPage returns what a page may know of a plugin's error. The stack of a panic goes to the log.
func (r *Relay) forPage(err error) error {
	if own, ok := errors.AsType[*wire.Error](err); ok {
		r.logPanic(err)
		code := own.Code
		if code == "" {
			code = "handler_error"
		}
		return &hmr.Error{Code: code, Message: own.Message, Path: own.Path}
	}
	return err
}
