package hmr

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Channel carries typed messages between pages and Go under one name: pages send In, Go sends Out. Only pages that
// listen to the channel get its messages. Make a Channel with [NewChannel], set Handle and Allow, then register it with
// [Hub.Register]. The methods that send are safe for concurrent use.
type Channel[In, Out any] struct {
	channel
}

// BroadcastOnly is the In of a channel that pages cannot send to.
type BroadcastOnly struct{}

// channel is the part of a Channel that has no type parameters.
type channel struct {
	id           string
	in           reflect.Type // nil for BroadcastOnly
	out          reflect.Type
	handle       func(ctx context.Context, c *Client, data json.RawMessage) error // nil: pages cannot send
	allow        func(ctx context.Context, c *Client, d Direction) error          // nil: every page may
	guardsItself bool                                                             // see Unguarded

	mu       sync.Mutex
	hub      *Hub // nil while the channel is not registered
	retained *frame
}

// Direction is what a page wants to do with a channel: [Listen] or [Send].
type Direction string

// The directions that Allow is asked about.
const (
	Listen Direction = "listen"
	Send   Direction = "send"
)

// Registrant is a *[Channel] of any types.
type Registrant interface{ base() *channel }

func (c *channel) base() *channel { return c }

// mostName bounds the ID of a channel, and the names of events that a page makes up, in bytes.
const mostName = 256

// CheckChannelID returns an error that says what is wrong with the ID of a channel, nil if it is valid. It is for IDs
// that come from another program; NewChannel makes valid ones.
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

// NewChannel makes a channel with the ID `{plugin}_{module}_{name}`. Each part has letters, digits and dashes, and
// begins with a letter. A wrong part is a mistake of the program, so that NewChannel panics.
func NewChannel[In, Out any](plugin, module, name string) *Channel[In, Out] {
	for _, part := range []string{plugin, module, name} {
		if !channelPart.MatchString(part) { // an underscore would make two channels of one ID
			panic(fmt.Sprintf("hmr.NewChannel: %q cannot be part of a channel's ID: use letters, digits and dashes, a letter first", part))
		}
	}
	in := reflect.TypeFor[In]()
	if in == reflect.TypeFor[BroadcastOnly]() {
		in = nil
	}
	return &Channel[In, Out]{channel{id: plugin + "_" + module + "_" + name, in: in, out: reflect.TypeFor[Out]()}}
}

// ID returns the channel's name, as pages know it.
func (c *Channel[In, Out]) ID() string { return c.id }

// Conn is the page that a message came from, with the channel to answer on.
type Conn[Out any] struct {
	*Client
	id string
}

// Reply sends a message on the channel to this page only. The errors are those of [Client.Send].
func (c Conn[Out]) Reply(out Out) error { return c.Send(c.id, out) }

// Handle sets the func that takes the pages' messages, and returns the channel. Call it before Register. Without it the
// pages' messages are refused. Handle panics for a BroadcastOnly channel.
//
// The messages of one page are handled one after the other, in the order in which it sent them, within
// Options.HandlerTimeout. An error of fn is sent to the page ([ChannelError]). For a message that is not an In, the
// page gets the error of [Decode].
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

// Allow sets the func that says whether a page may listen or send, and returns the channel. Call it before Register.
// Without it every page may. An error refuses, and is sent to the page ([ChannelError]).
//
// fn is called when a page begins to listen, when its user has changed, when the channel is registered again, and for
// each message that the page sends. Messages that the page may get are kept while fn is asked whether it may listen,
// within Options.QueueMessages and Options.QueueBytes. They are delivered if fn allows it and dropped otherwise. The
// context of fn ends when its answer does not count any more: the page has another user, has gone or does not want to
// listen, or another channel has the ID.
func (c *Channel[In, Out]) Allow(fn func(ctx context.Context, page *Client, d Direction) error) *Channel[In, Out] {
	c.allow = fn
	return c
}

// Unguarded makes the hub call Handle and Allow as they are, and returns the channel. Call it before Register. It is
// for programs that guard the funcs themselves, as [Hub.OnIn] says: without it the hub limits their time and recovers
// panics.
func (c *Channel[In, Out]) Unguarded() *Channel[In, Out] {
	c.guardsItself = true
	return c
}

// Broadcast sends to all pages that listen, and waits for them as [Hub.Broadcast] does. The error says that the message
// cannot be JSON, or that the channel is not registered. A channel that no page listens to is not an error.
func (c *Channel[In, Out]) Broadcast(out Out) error {
	_, err := c.publish(out, false, delivery{})
	return err
}

// TryBroadcast is Broadcast that never waits, see [Hub.TryBroadcast].
func (c *Channel[In, Out]) TryBroadcast(out Out) (missed int, err error) {
	return c.publish(out, false, delivery{drops: true})
}

// Retain is Broadcast, and keeps the message: a page that begins to listen later gets the newest retained message at
// once, and gives it to each of its listeners. A page gets the message again when its user has changed. Retain may be
// called before Register.
func (c *Channel[In, Out]) Retain(out Out) error {
	_, err := c.publish(out, true, delivery{})
	return err
}

// SendToUser sends to the listening pages of one user and to no other page. A user without a page is not an error. The
// user "" is an error; otherwise the error is that of Broadcast.
func (c *Channel[In, Out]) SendToUser(user string, out Out) error {
	if user == "" {
		return fmt.Errorf("channel %s: send to user: no user is named", c.id)
	}
	_, err := c.publish(out, false, delivery{private: true, match: func(page *page) bool { return page.identity.user == user }})
	return err
}

// publish delivers the message to those pages of the delivery that listen.
func (c *channel) publish(out any, retain bool, d delivery) (missed int, err error) {
	p, err := newCustom(c.id, out)
	if err != nil {
		return 0, err
	}
	p.Retained = retain
	if d.frame, err = newFrame(p); err != nil {
		return 0, err
	}
	d.channel, d.frame.retained = c, retain
	d.frame.private = d.private || c.allow != nil
	c.mu.Lock()
	hub := c.hub
	if hub == nil {
		defer c.mu.Unlock()
		return 0, c.publishNowhere(d.frame)
	}
	c.mu.Unlock()
	return hub.deliver(d)
}

// publishNowhere retains a message of a channel that no page can listen to. For any other message it returns an error.
// The caller holds mu.
func (c *channel) publishNowhere(f *frame) error {
	if !f.retained {
		return fmt.Errorf("channel %s is not registered with a hub", c.id)
	}
	c.retained = f
	return nil
}

// ChannelInfo describes a channel by its Go types. In is what pages send, nil if they cannot send. Out is what pages
// get.
type ChannelInfo struct {
	ID      string
	In, Out reflect.Type
}

// Channels returns the registered channels, sorted by ID.
func (h *Hub) Channels() []ChannelInfo {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []ChannelInfo
	for _, id := range sortedKeys(h.channels) {
		c := h.channels[id]
		info := ChannelInfo{ID: id, In: c.in, Out: c.out}
		if c.handle == nil {
			info.In = nil // what pages send is refused
		}
		list = append(list, info)
	}
	return list
}

// permitted returns the error of the channel's Allow, nil without Allow.
func (h *Hub) permitted(ctx context.Context, c *channel, page *Client, d Direction) error {
	if c.allow == nil {
		return nil
	}
	return h.run(ctx, c.guardsItself, page, string(d)+" "+c.id, func(ctx context.Context) error {
		return c.allow(ctx, page, d)
	})
}

// runMessage gives a page's message to the channel that has its ID now: channels may be replaced while messages wait.
func (h *Hub) runMessage(in *inbound) {
	for tries := 0; ; {
		h.awaitHandler(in, func() bool { return h.channels[in.Event] != nil })
		h.mu.Lock()
		c := h.channels[in.Event]
		h.mu.Unlock()
		if c == nil {
			h.handOut(in, false)
			return
		}
		from := in.client()
		err := h.handleMessage(c, in, from)
		if h.again(err, &tries) {
			continue
		}
		switch {
		case err == nil:
		case in.call != nil:
			h.fail(in, from, err)
		default:
			h.refuse(from, in.Event, err)
		}
		return
	}
}

// handleMessage gives a page's message to the channel, if the page may send.
func (h *Hub) handleMessage(c *channel, in *inbound, from *Client) error {
	if in.refused != nil {
		return in.refused
	}
	ctx, done, ok := in.context()
	if !ok {
		if in.call != nil {
			return ErrClosed
		}
		return nil
	}
	defer done()
	if err := h.permitted(ctx, c, from, Send); err != nil {
		return err
	}
	if c.handle == nil {
		return &Error{Code: "broadcast_only", Message: fmt.Sprintf("pages cannot send to channel %s", c.id)}
	}
	return h.run(ctx, c.guardsItself, from, c.id, func(ctx context.Context) error {
		return c.handle(ctx, from, in.Data)
	})
}
