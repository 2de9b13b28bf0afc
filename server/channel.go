package server

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/plugin"
)

// pluginChannel is a plugin's channel at the hub. The plugin's side knows the types.
type pluginChannel = hmr.Channel[json.RawMessage, json.RawMessage]

// pluginChannels are the channels of all plugins by ID. What is retained outlives the program that sent it, and may come
// before the channel: a child's Start runs before it says what it has.
type pluginChannels struct {
	mu       sync.Mutex
	live     map[string]*pluginChannel
	retained map[string]json.RawMessage
}

// mostRetained bounds how many messages are retained without a channel.
const mostRetained = 1000

// add registers the channel. off takes it away again.
func (p *pluginChannels) add(hub *hmr.Hub, id string, make func() *pluginChannel) (off func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := hmr.CheckChannelID(id); err != nil {
		return nil, err
	}
	c := make()
	if data, has := p.retained[id]; has {
		if err := c.Retain(data); err != nil {
			return nil, err
		}
	}
	if err := hub.Register(c); err != nil {
		return nil, err
	}
	if p.live == nil {
		p.live = map[string]*pluginChannel{}
	}
	p.live[id] = c
	return func() {
		hub.Unregister(c)
		p.mu.Lock()
		defer p.mu.Unlock()
		maps.DeleteFunc(p.live, func(_ string, other *pluginChannel) bool { return other == c })
	}, nil
}

// inherit takes over what was retained by the plugins of a project that is replaced, unless those here have said more.
func (p *pluginChannels) inherit(before *pluginChannels) {
	before.mu.Lock()
	retained := maps.Clone(before.retained)
	before.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if retained == nil {
		return
	}
	maps.Copy(retained, p.retained)
	p.retained = retained
}

// send sends what a plugin says on a channel.
func (p *pluginChannels) send(s plugin.SendCall) error {
	p.mu.Lock()
	c := p.live[s.Channel]
	if s.Retain && (c != nil || len(p.retained) < mostRetained) {
		if p.retained == nil {
			p.retained = map[string]json.RawMessage{}
		}
		p.retained[s.Channel] = s.Data
	}
	if s.Retain {
		defer p.mu.Unlock() // which of two is the newest must be one thing here and at the hub
		if c == nil {
			return nil // add hands it to the channel
		}
		return c.Retain(s.Data)
	}
	p.mu.Unlock()
	switch {
	case c == nil:
		return fmt.Errorf("channel %s is not registered", s.Channel)
	case s.User != "":
		return c.SendToUser(s.User, s.Data)
	case s.Room != "":
		return c.SendToRoom(s.Room, s.Data)
	default:
		return c.Broadcast(s.Data)
	}
}

// listenOn registers a channel of the host's.
func (p *project) listenOn(h pluginhost.Host, info plugin.ChannelInfo) (off func(), err error) {
	hub := p.server.hub
	return p.channels.add(hub, info.ID, func() *pluginChannel {
		parts := strings.Split(info.ID, "_") // three, add has seen to it
		// The host guards the calls.
		c := hmr.NewChannel[json.RawMessage, json.RawMessage](parts[0], parts[1], parts[2]).Unguarded()
		if info.Handles {
			c.Handle(func(ctx context.Context, from hmr.Conn[json.RawMessage], in json.RawMessage) error {
				return p.forPage(h.ChannelMessage(ctx, info.ID, &page{from.Client, hub}, in))
			})
		}
		if info.Asks {
			c.Allow(func(ctx context.Context, client *hmr.Client, d hmr.Direction) error {
				return p.forPage(h.ChannelAllows(ctx, info.ID, &page{client, hub}, d))
			})
		}
		return c
	})
}
