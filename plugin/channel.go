package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/tstype"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// Channel carries typed messages between pages and a plugin under one name. Pages send In, the plugin sends Out, and
// only pages that listen get it. [hmr.Channel] is the same for a backend that mounts a hub itself.
//
// Make a Channel with [NewChannel], call Handle and Allow, and then give it to the plugin's Channels.
//
// The methods that send are safe for concurrent use. Their error says that the message cannot be JSON, or that no
// running plugin has the channel. It is not an error that nobody listens. They wait for pages that are behind, as
// [Server] says.
type Channel[In, Out any] struct {
	channel
}

// AnyChannel is a *Channel of any types.
type AnyChannel interface{ base() *channel }

// channel is what all channels have, whatever their types.
type channel struct {
	id      string
	in, out reflect.Type
	handle  func(ctx context.Context, c Client, data json.RawMessage) error
	allow   func(ctx context.Context, c Client, d hmr.Direction) error

	mu   sync.Mutex
	ways []way // the Runners that have the plugin, the newest last; guarded by mu
}

// way is how a channel's messages reach the pages: by the server of a Runner. While the server restarts, two Runners
// have the plugin, and the newer Runner may fail to start.
type way struct {
	runner *Runner
	send   func(wire.SendCall) (missed int, err error)
}

func (c *channel) base() *channel { return c }

// NewChannel makes a channel with the ID `{plugin}_{module}_{name}`. The parts are letters, digits and dashes, else it
// panics. With [hmr.BroadcastOnly] as In, pages cannot send.
func NewChannel[In, Out any](plugin, module, name string) *Channel[In, Out] {
	id := hmr.NewChannel[In, Out](plugin, module, name).ID() // checks the parts
	return &Channel[In, Out]{channel{id: id, in: reflect.TypeFor[In](), out: reflect.TypeFor[Out]()}}
}

// ID is the channel's name on the wire.
func (c *Channel[In, Out]) ID() string { return c.id }

// Conn is the page that a message came from, with the way back.
type Conn[Out any] struct {
	Client
	id string
}

// Reply sends on the channel to this page only. It waits, and its errors are, as those of [Client].
func (c Conn[Out]) Reply(out Out) error { return c.Send(c.id, out) }

// Handle sets the handler of the pages' messages. A page whose message is not an In gets an error, as for an event.
// Without a handler pages cannot send.
//
// Handle panics for a channel that is [hmr.BroadcastOnly].
func (c *Channel[In, Out]) Handle(fn func(ctx context.Context, from Conn[Out], in In) error) *Channel[In, Out] {
	if c.in == reflect.TypeFor[hmr.BroadcastOnly]() {
		panic(fmt.Sprintf("plugin: channel %s is broadcast-only and has nothing to handle", c.id))
	}
	c.handle = func(ctx context.Context, from Client, data json.RawMessage) error {
		in, err := hmr.Decode[In](c.id, data)
		if err != nil {
			return err
		}
		return fn(ctx, Conn[Out]{from, c.id}, in)
	}
	return c
}

// Allow sets the func that decides whether a page may listen or send. An error refuses the page, and the page gets it.
// Without Allow every page may.
func (c *Channel[In, Out]) Allow(fn func(ctx context.Context, page Client, d hmr.Direction) error) *Channel[In, Out] {
	c.allow = fn
	return c
}

// Broadcast sends to all listening pages.
func (c *Channel[In, Out]) Broadcast(out Out) error {
	_, err := c.publish(wire.SendCall{All: true}, out)
	return err
}

// TryBroadcast is Broadcast that never waits: pages that are behind do not get the message. missed is their number.
func (c *Channel[In, Out]) TryBroadcast(out Out) (missed int, err error) {
	return c.publish(wire.SendCall{All: true, Try: true}, out)
}

// Retain is Broadcast, and keeps the message for pages that listen later. They get the newest message at once. The
// server keeps it, also when the plugins are built again.
func (c *Channel[In, Out]) Retain(out Out) error {
	_, err := c.publish(wire.SendCall{All: true, Retain: true}, out)
	return err
}

// SendToUser sends to the listening pages of one user, and to no other page.
func (c *Channel[In, Out]) SendToUser(user string, out Out) error {
	if user == "" {
		return fmt.Errorf("channel %s: send to user: no user is named", c.id)
	}
	_, err := c.publish(wire.SendCall{User: user}, out)
	return err
}

// SendToRoom sends to the listening pages in a room.
func (c *Channel[In, Out]) SendToRoom(room string, out Out) error {
	if room == "" {
		return fmt.Errorf("channel %s: send to room: it has no name", c.id)
	}
	_, err := c.publish(wire.SendCall{Room: room}, out)
	return err
}

func (c *channel) publish(to wire.SendCall, out any) (missed int, err error) {
	to.Channel = c.id
	if to.Data, err = hmr.EncodeData(out); err != nil {
		return 0, fmt.Errorf("channel %s: %w", c.id, err)
	}
	c.mu.Lock()
	ways := c.ways
	c.mu.Unlock()
	if len(ways) == 0 {
		return 0, fmt.Errorf("channel %s: no running plugin has it among its Channels", c.id)
	}
	return ways[len(ways)-1].send(to)
}

// channelServer is a Server that carries channels.
type channelServer interface {
	// SendOnChannel sends to those of the call's pages that listen to the channel.
	SendOnChannel(to wire.SendCall) (missed int, err error)
}

// bindChannels connects the plugins' channels to the server, until unbindChannels.
func (r *Runner) bindChannels() error {
	owner := map[string]string{}
	for _, p := range r.plugins {
		for _, typed := range p.Channels {
			id := typed.base().id
			if other, twice := owner[id]; twice {
				return fmt.Errorf("plugins %s and %s both have channel %q", other, p.Name, id)
			}
			owner[id] = p.Name
		}
	}
	server, carries := r.server.(channelServer)
	for id, name := range owner {
		if !carries {
			return fmt.Errorf("plugin %s has channel %q, which this server does not carry", name, id)
		}
	}
	r.eachChannel(func(c *channel) { c.ways = append(slices.Clip(c.ways), way{r, server.SendOnChannel}) })
	return nil
}

func (r *Runner) unbindChannels() {
	r.eachChannel(func(c *channel) {
		c.ways = slices.DeleteFunc(slices.Clone(c.ways), func(w way) bool { return w.runner == r })
	})
}

// eachChannel calls f for each of the plugins' channels, under its lock.
func (r *Runner) eachChannel(f func(*channel)) {
	for _, p := range r.plugins {
		for _, typed := range p.Channels {
			c := typed.base()
			c.mu.Lock()
			f(c)
			c.mu.Unlock()
		}
	}
}

// ChannelMessage hands a page's message to the channel of that ID.
func (r *Runner) ChannelMessage(ctx context.Context, id string, c Client, data json.RawMessage) error {
	return r.onChannel(ctx, id, "channel "+id, func(ctx context.Context, ch *channel) error {
		if ch.handle == nil {
			return nil // the server knows this and does not ask
		}
		return ch.handle(ctx, c, data)
	})
}

// ChannelAllows asks whether the page may listen or send. The error says why not.
func (r *Runner) ChannelAllows(ctx context.Context, id string, c Client, d hmr.Direction) error {
	return r.onChannel(ctx, id, "permission of channel "+id, func(ctx context.Context, ch *channel) error {
		if ch.allow == nil {
			return nil
		}
		return ch.allow(ctx, c, d)
	})
}

func (r *Runner) onChannel(ctx context.Context, id, what string, do func(context.Context, *channel) error) error {
	for _, p := range r.plugins {
		for _, typed := range p.Channels {
			if c := typed.base(); c.id == id {
				call := noAnswer(func(ctx context.Context) error { return do(ctx, c) })
				_, err := guard(ctx, r, Timeout, p.Name, what, call)
				return err
			}
		}
	}
	return &hmr.Error{Code: "unknown_channel", Message: fmt.Sprintf("no plugin has channel %q", id)}
}

// channelInfos describes a plugin's channels.
func channelInfos(p Plugin) (infos []wire.ChannelInfo) {
	for _, typed := range p.Channels {
		c := typed.base()
		info := wire.ChannelInfo{
			ID: c.id, In: "never", Out: tstype.Out(c.out), Handles: c.handle != nil, Asks: c.allow != nil,
		}
		if info.Handles {
			info.In = tstype.In(c.in)
		}
		infos = append(infos, info)
	}
	return infos
}
