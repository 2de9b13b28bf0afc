package pluginhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// Ask implements Host.
func (c *Child) Ask(ctx context.Context, hook string, args, answer any) error {
	limit := answering
	if hook == plugin.Hooks.Identify.Name {
		limit = c.identifyLimit()
	}
	return c.callWithin(ctx, limit, hook, crossing(args), answer)
}

// identifyLimit is how long the child may take for Identify: the limit of each of its plugins, and some time to report
// that one is over.
func (c *Child) identifyLimit() time.Duration {
	limit := 2 * time.Second
	for _, p := range c.info.Plugins {
		if slices.Contains(p.Hooks, plugin.Hooks.Identify.Name) {
			limit += plugin.Hooks.Identify.Limit
		}
	}
	return limit
}

// crossing returns what is sent to the child for the args of a hook. Pages and requests cross as descriptions, which
// received in package plugin decodes.
func crossing(args any) any {
	switch a := args.(type) {
	case plugin.Client:
		return wire.ClientCall{Client: describe(a)}
	case *http.Request:
		return wire.IdentifyCall{
			Method: a.Method, Path: a.URL.Path, Host: a.Host, RemoteAddr: a.RemoteAddr, Header: a.Header,
		}
	}
	return args
}

func describe(c plugin.Client) wire.ClientInfo {
	return wire.ClientInfo{ID: c.ID(), URL: c.URL(), UserAgent: c.UserAgent(), User: c.User()}
}

// Event implements Host.
func (c *Child) Event(
	ctx context.Context, name, event string, request bool, cl plugin.Client, data json.RawMessage,
) (any, error) {
	var answer json.RawMessage
	call := wire.EventCall{Plugin: name, Event: event, Request: request, Client: describe(cl), Data: data}
	err := c.callWithin(ctx, answering, "event", call, &answer)
	return answer, err
}

// ChannelMessage implements Host.
func (c *Child) ChannelMessage(ctx context.Context, id string, cl plugin.Client, data json.RawMessage) error {
	call := wire.ChannelCall{Channel: id, Client: describe(cl), Data: data}
	return c.callWithin(ctx, answering, "channel", call, nil)
}

// ChannelAllows implements Host.
func (c *Child) ChannelAllows(ctx context.Context, id string, cl plugin.Client, d hmr.Direction) error {
	call := wire.ChannelCall{Channel: id, Direction: string(d), Client: describe(cl)}
	return c.callWithin(ctx, answering, "channel", call, nil)
}

// call calls a method of the child. A child that is about to end is not called any more.
func (c *Child) call(ctx context.Context, method string, params, result any) error {
	if !c.calls.begin() {
		return wire.ErrUnsent
	}
	defer c.calls.end()
	return c.conn.Call(ctx, method, params, result)
}

// callWithin is call with a time limit. A child that exceeds the limit is probed.
func (c *Child) callWithin(ctx context.Context, limit time.Duration, method string, params, result any) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := c.call(limited, method, params, result)
	if errors.Is(err, context.DeadlineExceeded) {
		c.Probe()
		if ctx.Err() == nil {
			message := fmt.Sprintf("%s did not answer %q within %v", c.o.Name, method, limit)
			err = &wire.Error{Code: "timeout", Message: message}
		}
	}
	return err
}

// Probe kills the child if it does not answer anything at all, so that it is started again.
func (c *Child) Probe() {
	if !c.probing.CompareAndSwap(false, true) {
		return
	}
	go func() { // ends with the process at the latest
		defer c.probing.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), c.o.Alive)
		defer cancel()
		if err := c.conn.Call(ctx, "ping", nil, nil); errors.Is(err, context.DeadlineExceeded) {
			c.last.add(fmt.Sprintf("it did not answer for %v and was killed", c.o.Alive))
			c.kill()
		}
	}()
}
