package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// pluginChannel is a plugin's channel at the hub. Only the plugin's side knows the types.
type pluginChannel = hmr.Channel[json.RawMessage, json.RawMessage]

// channels are the channels of all plugins by ID. A retained message outlives the program that sent it. It may come
// before the channel: a child's Start runs before the child says what it has.
type channels struct {
	mu       sync.Mutex
	live     map[string]*pluginChannel
	retained map[string]json.RawMessage
}

// mostRetained bounds how many messages are retained without a channel.
const mostRetained = 1000

// add registers the channel at the hub. off removes it.
func (c *channels) add(hub *hmr.Hub, id string, make func() *pluginChannel) (off func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := hmr.CheckChannelID(id); err != nil {
		return nil, err
	}
	ch := make()
	if data, has := c.retained[id]; has {
		if err := ch.Retain(data); err != nil {
			return nil, err
		}
	}
	if err := hub.Register(ch); err != nil {
		return nil, err
	}
	if c.live == nil {
		c.live = map[string]*pluginChannel{}
	}
	c.live[id] = ch
	return func() {
		hub.Unregister(ch)
		c.mu.Lock()
		defer c.mu.Unlock()
		maps.DeleteFunc(c.live, func(_ string, other *pluginChannel) bool { return other == ch })
	}, nil
}

// inherit takes over the messages that earlier plugins retained, unless the plugins here have retained newer ones.
func (c *channels) inherit(before *channels) {
	before.mu.Lock()
	retained := maps.Clone(before.retained)
	before.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if retained == nil {
		return
	}
	maps.Copy(retained, c.retained)
	c.retained = retained
}

// send sends a message of a plugin on a channel.
func (c *channels) send(s wire.SendCall) error {
	c.mu.Lock()
	ch := c.live[s.Channel]
	if s.Retain && (ch != nil || len(c.retained) < mostRetained) {
		if c.retained == nil {
			c.retained = map[string]json.RawMessage{}
		}
		c.retained[s.Channel] = s.Data
	}
	if s.Retain {
		defer c.mu.Unlock() // of two messages the same one must be the newest here and at the hub
		if ch == nil {
			return nil // add hands it to the channel
		}
		return ch.Retain(s.Data)
	}
	c.mu.Unlock()
	switch {
	case ch == nil:
		return fmt.Errorf("channel %s is not registered", s.Channel)
	case s.User != "":
		return ch.SendToUser(s.User, s.Data)
	case s.Room != "":
		return ch.SendToRoom(s.Room, s.Data)
	default:
		return ch.Broadcast(s.Data)
	}
}

// listenOn registers a channel of a host.
func (r *Relay) listenOn(h pluginhost.Host, info wire.ChannelInfo) (off func(), err error) {
	hub := r.o.Hub
	return r.channels.add(hub, info.ID, func() *pluginChannel {
		parts := strings.Split(info.ID, "_")                                                            // three: add has checked the ID
		c := hmr.NewChannel[json.RawMessage, json.RawMessage](parts[0], parts[1], parts[2]).Unguarded() // the host guards its calls
		if info.Handles {
			c.Handle(func(ctx context.Context, from hmr.Conn[json.RawMessage], in json.RawMessage) error {
				return r.forPage(h.ChannelMessage(ctx, info.ID, &page{from.Client, hub}, in))
			})
		}
		if info.Asks {
			c.Allow(func(ctx context.Context, client *hmr.Client, d hmr.Direction) error {
				return r.forPage(h.ChannelAllows(ctx, info.ID, &page{client, hub}, d))
			})
		}
		return c
	})
}
