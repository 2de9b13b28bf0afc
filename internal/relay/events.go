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

// listen registers a host's handlers at the hub and returns funcs that remove them. Events of one page reach a plugin
// in order: each plugin is a group of its own.
func (r *Relay) listen(h pluginhost.Host) (offs []func(), err error) {
	for _, one := range h.Info().Plugins {
		r.o.Watch(one.Watch)
		note := func(off func(), failed error) {
			if failed != nil {
				err = errors.Join(err, fmt.Errorf("plugin %s: %w", one.Name, failed))
				return
			}
			offs = append(offs, off)
		}
		for _, ch := range one.Channels {
			note(r.listenOn(h, ch))
		}
		seen := map[string]bool{}
		for _, e := range one.Events {
			if seen[e.Name] {
				continue // the host calls all handlers of a name
			}
			seen[e.Name] = !e.Request
			note(r.listenFor(h, one.Name, e))
		}
	}
	return offs, err
}

// listenFor registers a host's handlers of one event or request of a plugin.
func (r *Relay) listenFor(h pluginhost.Host, owner string, e wire.EventInfo) (off func(), err error) {
	hub := r.o.Hub
	call := func(ctx context.Context, c *hmr.Client, data json.RawMessage) (any, error) {
		answer, err := h.Event(ctx, owner, e.Name, e.Request, &page{c, hub}, data)
		return answer, r.forPage(err)
	}
	if e.Request {
		return hub.HandleIn(owner, e.Name, call)
	}
	return hub.OnIn(owner, e.Name, func(ctx context.Context, c *hmr.Client, data json.RawMessage) error {
		_, err := call(ctx, c, data)
		return err
	}), nil
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
