package hmr

import (
	"errors"
	"fmt"
	"iter"
	"maps"

	"github.com/gorilla/websocket"
)

// frame is an encoded payload, shared by all pages that get it.
type frame struct {
	text     []byte
	prepared *websocket.PreparedMessage
	private  bool   // for the user that the page has now: dropped when its user changes
	retained bool   // of a channel: the page keeps it, see Custom.Retained
	answers  string // the name of the request that it answers, "" for all else
}

func newFrame(p Payload) (*frame, error) {
	text, err := Encode(p)
	if err != nil {
		return nil, err
	}
	prepared, err := websocket.NewPreparedMessage(websocket.TextMessage, text)
	if err != nil {
		return nil, err
	}
	return &frame{text: text, prepared: prepared}, nil
}

// Publish sends a payload to all pages, encoded once. An *[Update] and a *[FullReload] get their Seq here, and are kept
// for pages that are loading. The error says that the payload cannot be JSON. Unlike [Hub.Broadcast] it does not wait
// for pages that are behind.
func (h *Hub) Publish(p Payload) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	seq := seqOf(p)
	if seq != nil {
		h.updates.seq++
		*seq = h.updates.seq
	}
	f, err := newFrame(p)
	if err != nil {
		return err
	}
	if seq != nil {
		h.updates.add(f)
	}
	for _, c := range h.sessions {
		c.send(f)
	}
	return nil
}

// delivery is a frame on its way to several pages.
type delivery struct {
	frame *frame
	// room holds the pages, "" stands for all pages.
	room string
	// match reports whether a page gets the frame; nil: each page does. It is called under Hub.mu and page.mu.
	match func(*page) bool
	// channel is the channel whose listeners get the frame, nil for an event.
	channel *channel
	// private says that the frame is for the users that the pages have now.
	private bool
	// drops says that pages that are behind are not waited for, and do not get the frame.
	drops bool
}

// deliver queues the frame for its pages, all at once, when none of them is behind. missed is how many pages were
// behind and did not get the frame. The error says that the channel was unregistered meanwhile.
func (h *Hub) deliver(d delivery) (missed int, err error) {
	d.frame.private = d.frame.private || d.private
	h.mu.Lock()
	for !d.drops && h.behind.Load() > 0 {
		c := h.firstBehind(d)
		if c == nil {
			break
		}
		h.mu.Unlock()
		c.awaitRoom(nil)
		h.mu.Lock()
	}
	defer h.mu.Unlock()
	if ch := d.channel; ch != nil {
		ch.mu.Lock() // a page that begins to listen gets the frame as the retained message, or here
		defer ch.mu.Unlock()
		if ch.hub != h {
			return 0, ch.publishNowhere(d.frame)
		}
		if d.frame.retained {
			ch.retained = d.frame
		}
	}
	for c := range h.pagesOf(d) {
		if !c.deliver(d) {
			missed++
		}
	}
	return missed, nil
}

// pagesOf returns the pages of the delivery's room. The caller holds mu.
func (h *Hub) pagesOf(d delivery) iter.Seq[*page] {
	if d.room != "" {
		return maps.Keys(h.rooms[d.room])
	}
	return maps.Values(h.sessions)
}

// firstBehind returns a page of the delivery that is behind, nil when there is none. The caller holds mu.
func (h *Hub) firstBehind(d delivery) *page {
	for c := range h.pagesOf(d) {
		c.mu.Lock()
		behind := c.room != nil && c.isMeant(d)
		c.mu.Unlock()
		if behind {
			return c
		}
	}
	return nil
}

// deliver queues the frame if the page is meant, and returns false if the page is behind and is not waited for.
func (c *page) deliver(d delivery) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.isMeant(d):
	case d.drops && c.isBehind():
		return false
	case d.channel != nil:
		c.give(d.channel, d.frame)
	default:
		c.enqueue(d.frame)
	}
	return true
}

// isMeant reports whether the page is one of those of the delivery. The caller holds mu.
func (c *page) isMeant(d delivery) bool {
	return !c.gone && (d.channel == nil || c.hears(d.channel)) && (d.match == nil || d.match(c))
}

// seqOf returns the number of a payload that changes what pages run, nil for other payloads.
func seqOf(p Payload) *uint64 {
	switch p := p.(type) {
	case *Update:
		return &p.Seq
	case *FullReload:
		return &p.Seq
	}
	return nil
}

// Broadcast sends an event to all pages. Data may be [NoData]. The error says that the event has no name or that the
// data cannot be JSON.
//
// Broadcast waits while a page is behind, see [Options.QueueMessages]. A page that takes nothing for
// Options.StallTimeout is not waited for. [Hub.TryBroadcast] never waits.
func (h *Hub) Broadcast(event string, data any) error {
	f, err := newEventFrame(event, data)
	if err != nil {
		return err
	}
	_, err = h.deliver(delivery{frame: f})
	return err
}

// TryBroadcast is [Hub.Broadcast] that never waits: pages that are behind do not get the event. missed is their number.
func (h *Hub) TryBroadcast(event string, data any) (missed int, err error) {
	f, err := newEventFrame(event, data)
	if err != nil {
		return 0, err
	}
	return h.deliver(delivery{frame: f, drops: true})
}

// SendToUser sends an event to every page of the user and to no other page. It waits as [Hub.Broadcast] does, for these
// pages only. A user without a page is not an error. The user "" is an error, because guests are not one user; otherwise
// the error is that of Broadcast.
func (h *Hub) SendToUser(user, event string, data any) error {
	if user == "" {
		return errors.New("send to user: no user is named; Broadcast reaches everybody")
	}
	f, err := newEventFrame(event, data)
	if err != nil {
		return err
	}
	_, err = h.deliver(delivery{frame: f, private: true, match: func(c *page) bool { return c.identity.user == user }})
	return err
}

// ErrBehind is the error of [Client.TrySend] for a page that has not taken what it was sent before. Nothing was sent.
var ErrBehind = errors.New("the page is behind and would have to be waited for")

func newEventFrame(event string, data any) (*frame, error) {
	p, err := newCustom(event, data)
	if err != nil {
		return nil, err
	}
	return newFrame(p)
}

func newCustom(event string, data any) (*Custom, error) {
	if event == "" {
		return nil, errors.New("send event: the event has no name")
	}
	text, err := EncodeData(data)
	if err != nil {
		return nil, fmt.Errorf("send event %q: %w", event, err)
	}
	return &Custom{Event: event, Data: text}, nil
}
