package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// pluginChannel is a plugin's channel at the hub. Only the plugin's side knows the types.
type pluginChannel = hmr.Channel[json.RawMessage, json.RawMessage]

// channels are the channels of all plugins by ID. The zero value has none.
type channels struct {
	mu   sync.Mutex
	byID map[string]*relayed
}

// relayed is what is known about the channel of an ID. A retained message outlives the program that sent it. It may
// come before the channel: a child's Start runs before the child says what it has.
type relayed struct {
	// retaining is held while a message is retained, which may wait for pages. So of two messages the same one is the
	// newest here and at the hub. Nothing else waits for it.
	retaining sync.Mutex

	live     *pluginChannel   // nil while no plugin has the channel; guarded by channels.mu
	retained *json.RawMessage // nil for none; guarded by channels.mu
}

// mostRelayed bounds how many IDs without a channel have retained messages.
const mostRelayed = 1000

// of returns what is known about the ID, and makes an entry if there is none. The caller holds mu.
func (c *channels) of(id string) *relayed {
	if c.byID == nil {
		c.byID = map[string]*relayed{}
	}
	if c.byID[id] == nil {
		c.byID[id] = &relayed{}
	}
	return c.byID[id]
}

// add registers the channel at the hub. off removes it.
func (c *channels) add(hub *hmr.Hub, id string, make func() *pluginChannel) (off func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := hmr.CheckChannelID(id); err != nil {
		return nil, err
	}
	ch, known := make(), c.of(id)
	if known.retained != nil {
		if err := ch.Retain(*known.retained); err != nil { // does not wait: no page listens yet
			return nil, err
		}
	}
	if err := hub.Register(ch); err != nil {
		return nil, err
	}
	known.live = ch
	return func() {
		hub.Unregister(ch)
		c.mu.Lock()
		defer c.mu.Unlock()
		if known.live == ch {
			known.live = nil
		}
	}, nil
}

// inherit takes over the messages that earlier plugins retained, unless the plugins here have retained newer ones.
func (c *channels) inherit(before *channels) {
	before.mu.Lock()
	retained := map[string]*json.RawMessage{}
	for id, known := range before.byID {
		retained[id] = known.retained
	}
	before.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, data := range retained {
		if known := c.of(id); known.retained == nil {
			known.retained = data
		}
	}
}

// send sends a message of a plugin on a channel, and returns how many pages missed it.
func (c *channels) send(s wire.SendCall) (missed int, err error) {
	if s.Retain {
		return 0, c.retain(s.Channel, s.Data)
	}
	c.mu.Lock()
	var ch *pluginChannel
	if known := c.byID[s.Channel]; known != nil {
		ch = known.live
	}
	c.mu.Unlock()
	switch {
	case ch == nil:
		return 0, fmt.Errorf("channel %s is not registered", s.Channel)
	case s.User != "":
		return 0, ch.SendToUser(s.User, s.Data)
	case s.Room != "":
		return 0, ch.SendToRoom(s.Room, s.Data)
	case s.Try:
		return ch.TryBroadcast(s.Data)
	default:
		return 0, ch.Broadcast(s.Data)
	}
}

// retain stores the newest message of a channel, and sends it to the pages that listen.
func (c *channels) retain(id string, data json.RawMessage) error {
	c.mu.Lock()
	if c.byID[id] == nil && len(c.byID) >= mostRelayed {
		c.mu.Unlock()
		return fmt.Errorf("channel %s: it is not registered, and messages of %d channels are retained", id, mostRelayed)
	}
	known := c.of(id)
	c.mu.Unlock()
	known.retaining.Lock()
	defer known.retaining.Unlock()
	c.mu.Lock()
	known.retained = &data
	ch := known.live
	c.mu.Unlock()
	if ch == nil {
		return nil // add hands it to the channel
	}
	return ch.Retain(data)
}

// listenOn registers a channel of the host.
func (l *link) listenOn(info wire.ChannelInfo) (off func(), err error) {
	r, h, hub := l.relay, l.host, l.relay.o.Hub
	return r.channels.add(hub, info.ID, func() *pluginChannel {
		parts := strings.Split(info.ID, "_")                                                            // three: add has checked the ID
		c := hmr.NewChannel[json.RawMessage, json.RawMessage](parts[0], parts[1], parts[2]).Unguarded() // the host guards its calls
		if info.Handles {
			c.Handle(func(ctx context.Context, from hmr.Conn[json.RawMessage], in json.RawMessage) error {
				return l.call(ctx, from.Client, func(p *page) error { return h.ChannelMessage(ctx, info.ID, p, in) })
			})
		}
		if info.Asks {
			c.Allow(func(ctx context.Context, client *hmr.Client, d hmr.Direction) error {
				err := h.ChannelAllows(ctx, info.ID, &page{client, hub}, d)
				if d == hmr.Listen && errors.Is(err, wire.ErrClosed) {
					err = wire.ErrUnsent // a question may be asked again, whatever the program did with it
				}
				return l.replaced(ctx, err)
			})
		}
		return c
	})
}
