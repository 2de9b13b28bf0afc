package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/tstype"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// Channel carries typed messages between pages and a plugin under one name: pages send In, the plugin sends Out, and only
// pages that listen get it. It is what hmr.Channel is for a backend that mounts a hub itself. Make one with NewChannel and
// give it to the plugin's Channels; Handle and Allow come before that. What sends is safe for concurrent use, and its error
// says that the message cannot be JSON or that no running plugin has the channel; it is none that nobody listens.
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
	send func(wire.SendCall) error // nil until a host runs the plugin
}

func (c *channel) base() *channel { return c }

// NewChannel makes a channel with the ID `{plugin}_{module}_{name}`; the parts are letters, digits and dashes, and it panics
// for others. With In hmr.BroadcastOnly pages cannot send.
func NewChannel[In, Out any](plugin, module, name string) *Channel[In, Out] {
	id := hmr.NewChannel[In, Out](plugin, module, name).ID() // which checks the parts
	return &Channel[In, Out]{channel{id: id, in: reflect.TypeFor[In](), out: reflect.TypeFor[Out]()}}
}

// ID is the channel's name on the wire.
func (c *Channel[In, Out]) ID() string { return c.id }

// Conn is the page that a message came from, with the way back.
type Conn[Out any] struct {
	Client
	id string
}

// Reply answers on the channel, this page only.
func (c Conn[Out]) Reply(out Out) error { return c.Send(c.id, out) }

// Handle sets who takes the pages' messages. One that is not an In is answered with an error, as an event is. Without it
// pages cannot send.
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

// Allow sets who is asked whether a page may listen or send; an error refuses it and is told to the page.
func (c *Channel[In, Out]) Allow(fn func(ctx context.Context, page Client, d hmr.Direction) error) *Channel[In, Out] {
	c.allow = fn
	return c
}

// Broadcast sends to all pages that listen.
func (c *Channel[In, Out]) Broadcast(out Out) error { return c.publish(wire.SendCall{All: true}, out) }

// Retain is Broadcast, and keeps the message for pages that listen later: they get the newest one at once. The server keeps
// it, also when the plugins are built anew.
func (c *Channel[In, Out]) Retain(out Out) error {
	return c.publish(wire.SendCall{All: true, Retain: true}, out)
}

// SendToUser sends to the listening pages of one user and to no other.
func (c *Channel[In, Out]) SendToUser(user string, out Out) error {
	if user == "" {
		return fmt.Errorf("channel %s: send to user: no user is named", c.id)
	}
	return c.publish(wire.SendCall{User: user}, out)
}

// SendToRoom sends to the listening pages that are in the room.
func (c *Channel[In, Out]) SendToRoom(room string, out Out) error {
	if room == "" {
		return fmt.Errorf("channel %s: send to room: it has no name", c.id)
	}
	return c.publish(wire.SendCall{Room: room}, out)
}

func (c *channel) publish(to wire.SendCall, out any) (err error) {
	to.Channel = c.id
	if to.Data, err = json.Marshal(out); err != nil {
		return fmt.Errorf("channel %s: %w", c.id, err)
	}
	c.mu.Lock()
	send := c.send
	c.mu.Unlock()
	if send == nil {
		return fmt.Errorf("channel %s: no plugin that runs has it among its Channels", c.id)
	}
	return send(to)
}

// channelServer is a Server that carries channels.
type channelServer interface {
	// SendOnChannel sends to the pages that listen to to.Channel and that the rest of to means.
	SendOnChannel(to wire.SendCall) error
}

// bindChannels gives the plugins' channels their way to the pages.
func bindChannels(plugins []Plugin, s Server) error {
	owner := map[string]string{}
	for _, p := range plugins {
		for _, typed := range p.Channels {
			id := typed.base().id
			if other, twice := owner[id]; twice {
				return fmt.Errorf("plugins %s and %s both have channel %q", other, p.Name, id)
			}
			owner[id] = p.Name
		}
	}
	for _, p := range plugins {
		for _, typed := range p.Channels {
			c := typed.base()
			server, ok := s.(channelServer)
			if !ok {
				return fmt.Errorf("plugin %s has channel %q, which this host does not carry", p.Name, c.id)
			}
			c.mu.Lock()
			c.send = server.SendOnChannel
			c.mu.Unlock()
		}
	}
	return nil
}

// ChannelMessage hands a page's message to the channel of that ID.
func (r *Runner) ChannelMessage(ctx context.Context, id string, c Client, data json.RawMessage) error {
	return r.onChannel(ctx, id, "channel "+id, func(ctx context.Context, ch *channel) error {
		if ch.handle == nil {
			return nil // the server knows and does not ask
		}
		return ch.handle(ctx, c, data)
	})
}

// ChannelAllows asks whether the page may listen or send; the error says why not.
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
				_, err := guard(ctx, r, p.Name, what, func(ctx context.Context) (struct{}, error) { return struct{}{}, do(ctx, c) })
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
		info := wire.ChannelInfo{ID: c.id, In: "never", Out: tstype.Text(c.out), Handles: c.handle != nil, Asks: c.allow != nil}
		if info.Handles {
			info.In = tstype.Text(c.in)
		}
		infos = append(infos, info)
	}
	return infos
}
