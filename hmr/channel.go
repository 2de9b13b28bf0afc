package hmr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Channel carries typed messages between pages and Go under one name: pages send In, Go sends Out. Only pages that listen
// to it get its messages. Make one with NewChannel and register it with Hub.Register.
type Channel[In, Out any] struct {
	channel
}

// BroadcastOnly is the In of a channel that pages cannot send to.
type BroadcastOnly struct{}

// channel is what all channels have, whatever their types.
type channel struct {
	id     string
	in     reflect.Type // nil for BroadcastOnly
	out    reflect.Type
	handle func(ctx context.Context, c *Client, data json.RawMessage) error // nil: pages cannot send
	allow  func(ctx context.Context, c *Client, d Direction) error

	mu       sync.Mutex
	hub      *Hub
	retained *frame
}

// Direction tells what a page asks of a channel.
type Direction string

// The directions that a permission is asked for.
const (
	Listen Direction = "listen"
	Send   Direction = "send"
)

// Registrant is a Channel of any types.
type Registrant interface{ base() *channel }

func (c *channel) base() *channel { return c }

// mostName bounds an ID in bytes.
const mostName = 256

// CheckChannelID tells what is wrong with the ID of a channel that somebody else has made.
func CheckChannelID(id string) error {
	if len(id) > mostName {
		return fmt.Errorf("channel %q…: the ID is longer than %d bytes", id[:32], mostName)
	}
	parts := strings.Split(id, "_")
	if len(parts) != 3 || slices.ContainsFunc(parts, func(part string) bool { return !channelPart.MatchString(part) }) {
		return fmt.Errorf("channel %q: an ID is {plugin}_{module}_{name}, each of letters, digits and dashes, a letter first", id)
	}
	return nil
}

var channelPart = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]*$`)

// NewChannel makes a channel with the ID `{plugin}_{module}_{name}`. The parts are letters, digits and dashes: an
// underscore would make two channels of one ID. A wrong part is a mistake of the program, so it panics.
func NewChannel[In, Out any](plugin, module, name string) *Channel[In, Out] {
	for _, part := range []string{plugin, module, name} {
		if !channelPart.MatchString(part) {
			panic(fmt.Sprintf("hmr.NewChannel: %q is no part of a channel's ID: use letters, digits and dashes, a letter first", part))
		}
	}
	in := reflect.TypeFor[In]()
	if in == reflect.TypeFor[BroadcastOnly]() {
		in = nil
	}
	return &Channel[In, Out]{channel{id: plugin + "_" + module + "_" + name, in: in, out: reflect.TypeFor[Out]()}}
}

// ID is the channel's name on the wire.
func (c *Channel[In, Out]) ID() string { return c.id }

// Conn is the page that a message came from, with the way back.
type Conn[Out any] struct {
	*Client
	id string
}

// Reply answers on the channel, this page only.
func (c Conn[Out]) Reply(out Out) error { return c.Send(c.id, out) }

// Handle sets who takes the pages' messages. Call it before Register. Without it what pages send is refused.
//
// A BroadcastOnly channel has no messages to handle, so this panics for one.
func (c *Channel[In, Out]) Handle(fn func(ctx context.Context, from Conn[Out], in In) error) *Channel[In, Out] {
	if _, silent := any(*new(In)).(BroadcastOnly); silent {
		panic(fmt.Sprintf("hmr: channel %s is broadcast-only and has nothing to handle", c.id))
	}
	c.handle = func(ctx context.Context, from *Client, data json.RawMessage) error {
		in, err := Decode[In](c.id, data)
		if err != nil {
			return err
		}
		return fn(ctx, Conn[Out]{from, c.id}, in)
	}
	return c
}

// Allow sets who is asked whether a page may listen or send; an error refuses it and is told to the page. Call it before
// Register. Without it every page may.
func (c *Channel[In, Out]) Allow(fn func(ctx context.Context, page *Client, d Direction) error) *Channel[In, Out] {
	c.allow = fn
	return c
}

// Broadcast sends to all pages that listen. The error is about a message that cannot be JSON, or a channel that is not
// registered; nobody listening is none.
func (c *Channel[In, Out]) Broadcast(out Out) error { return c.broadcast(out, false) }

// Retain is Broadcast, and keeps the message for pages that listen later: they get the newest one at once. It may be called
// before Register.
func (c *Channel[In, Out]) Retain(out Out) error { return c.broadcast(out, true) }

// SendToUser sends to the listening pages of one user and to no other. It is an error to name none; a user without a page
// is none.
func (c *Channel[In, Out]) SendToUser(user string, out Out) error {
	if user == "" {
		return fmt.Errorf("channel %s: send to user: no user is named", c.id)
	}
	return c.sendPrivate(out, func(cl *Client) bool { return cl.user == user })
}

// sendPrivate sends what is only for those that the condition lets through; it is asked under Hub.mu and Client.mu.
func (c *channel) sendPrivate(out any, to func(*Client) bool) error {
	f, err := newEventFrame(c.id, out)
	if err != nil {
		return err
	}
	f.private = true
	c.mu.Lock()
	hub := c.hub
	c.mu.Unlock()
	return c.publish(hub, f, to)
}

func (c *channel) broadcast(out any, retain bool) error {
	f, err := newEventFrame(c.id, out)
	if err != nil {
		return err
	}
	f.private = c.allow != nil
	c.mu.Lock()
	if retain {
		c.retained = f
	}
	hub := c.hub
	c.mu.Unlock()
	if hub == nil && retain {
		return nil // nobody can listen yet
	}
	return c.publish(hub, f, nil)
}

// publish sends to the pages that listen and that the condition, asked under Hub.mu and Client.mu, lets through.
func (c *channel) publish(hub *Hub, f *frame, to func(*Client) bool) error {
	if hub == nil {
		return fmt.Errorf("channel %s is not registered with a hub", c.id)
	}
	hub.mu.Lock()
	defer hub.mu.Unlock()
	for _, cl := range hub.sessions {
		cl.sendIf(f, func() bool { return cl.channels[c.id] && (to == nil || to(cl)) })
	}
	return nil
}

// Register lets pages use the channels; those that listen already, from before there was such a channel or from one that
// was unregistered, go on listening if they may. Two of one ID are an error, and nothing is registered then.
func (h *Hub) Register(channels ...Registrant) error {
	waiting, err := h.register(channels)
	for _, w := range waiting {
		h.subscribe(w.page, w.id)
	}
	return err
}

// wish is a page that wants to listen to a channel.
type wish struct {
	page *Client
	id   string
}

func (h *Hub) register(channels []Registrant) (waiting []wish, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	seen := map[string]bool{}
	for _, r := range channels {
		id := r.base().id
		if h.channels[id] != nil || seen[id] {
			errs = append(errs, fmt.Errorf("register channel %q: there is one of this ID already", id))
		}
		seen[id] = true
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for _, r := range channels {
		c := r.base()
		c.mu.Lock()
		c.hub = h
		c.mu.Unlock()
		h.channels[c.id] = c
		for _, page := range h.sessions {
			if page.wants(c) {
				waiting = append(waiting, wish{page, c.id})
			}
		}
	}
	return waiting, nil
}

// Unregister takes the channels away again; those that are not registered are left alone. Who listened does so again when
// one of the same ID is registered: a plugin is replaced by its next version.
func (h *Hub) Unregister(channels ...Registrant) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range channels {
		c := r.base()
		if h.channels[c.id] != c {
			continue
		}
		delete(h.channels, c.id)
		c.mu.Lock()
		c.hub = nil
		c.mu.Unlock()
	}
}

// wants tells whether the page has to subscribe to a channel that was just registered. The caller holds Hub.mu.
func (c *Client) wants(ch *channel) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	listens, asked := c.channels[ch.id]
	if !asked || listens && ch.allow == nil {
		return false
	}
	c.channels[ch.id] = false
	return true
}

// ChannelInfo describes a channel. In is what pages send, nil when they cannot; Out is what they get.
type ChannelInfo struct {
	ID      string
	In, Out reflect.Type
}

// Channels are the registered channels, sorted by ID.
func (h *Hub) Channels() []ChannelInfo {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []ChannelInfo
	for _, id := range sortedKeys(h.channels) {
		c := h.channels[id]
		info := ChannelInfo{ID: id, In: c.in, Out: c.out}
		if c.handle == nil {
			info.In = nil // there is nobody to take it
		}
		list = append(list, info)
	}
	return list
}

// ChannelError is the event that tells a page why a channel does not do what it asked.
const ChannelError = "devserver:channel-error"

func (h *Hub) refuse(page *Client, id string, err error) {
	h.o.Logger.Debug("channel refused", "pkg", "hmr", "channel", id, "page", page.ID(), "error", err)
	_ = page.Send(ChannelError, map[string]any{"channel": id, "error": reply(&incoming{}, nil, err).Error}) // it is gone
}

// mostAsked bounds the channels that a page asks for and that are not there: their names are the page's to make up.
const mostAsked = 1000

// subscribe lets the page listen, and gives it the retained message. An ID without a channel is an event that somebody
// else sends, or a channel that is registered later; until then nobody has to be asked. What a page does with one channel
// happens in its order.
func (h *Hub) subscribe(page *Client, id string) {
	h.mu.Lock()
	c := h.channels[id]
	page.mu.Lock()
	if !page.channels[id] && (c != nil || len(page.channels) < mostAsked && CheckChannelID(id) == nil) {
		page.channels[id] = false
	}
	page.mu.Unlock()
	h.mu.Unlock()
	if c == nil {
		return
	}
	h.lane(page, "channel "+id).add(h, func() {
		page.mu.Lock()
		if !page.channels[id] {
			page.channels[id] = false // asked for, also when it is refused: another user may be let in
		}
		identity := page.identity
		page.mu.Unlock()
		if err := h.permitted(c, page, Listen); err != nil {
			h.refuse(page, id, err)
			return
		}
		// Under the channel's lock a message is either retained before, and sent here, or broadcast after.
		c.mu.Lock()
		defer c.mu.Unlock()
		page.mu.Lock()
		defer page.mu.Unlock()
		if page.identity != identity || page.gone || page.channels[id] {
			return // for another user the channel is asked again
		}
		page.channels[id] = true
		if c.retained != nil {
			page.enqueue(c.retained)
		}
	})
}

func (h *Hub) unsubscribe(page *Client, id string) {
	page.mu.Lock()
	_, asked := page.channels[id]
	page.mu.Unlock()
	if !asked {
		return // and a lane for each name that a page makes up would stay
	}
	h.lane(page, "channel "+id).add(h, func() {
		page.mu.Lock()
		delete(page.channels, id)
		page.mu.Unlock()
	})
}

// permitted asks the channel's Allow, if it has one.
func (h *Hub) permitted(c *channel, page *Client, d Direction) error {
	if c.allow == nil {
		return nil
	}
	return h.callIn(h.ctx, page, string(d)+" "+c.id, func(ctx context.Context) error { return c.allow(ctx, page, d) })
}

// sendTo hands a page's message to the channel.
func (h *Hub) sendTo(c *channel, page *Client, data json.RawMessage) {
	h.lane(page, "channel "+c.id).add(h, func() {
		err := h.permitted(c, page, Send)
		switch {
		case err != nil:
		case c.handle == nil:
			err = &Error{Code: "broadcast_only", Message: fmt.Sprintf("pages cannot send to channel %s", c.id)}
		default:
			err = h.callIn(h.ctx, page, c.id, func(ctx context.Context) error { return c.handle(ctx, page, data) })
		}
		if err != nil {
			h.refuse(page, c.id, err)
		}
	})
}
