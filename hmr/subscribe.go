package hmr

import (
	"errors"
	"fmt"
)

// Register lets pages use the channels. A page may have wanted to listen before: to an ID without a channel, or to a
// channel that was unregistered. It listens from now on, if it may. Two channels of one ID are an error, and then no
// channel is registered.
func (h *Hub) Register(channels ...Registrant) error {
	waiting, err := h.register(channels)
	for _, w := range waiting {
		h.subscribe(w.page, w.id)
	}
	return err
}

// wish is a page that wants to listen to a channel.
type wish struct {
	page *page
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
			errs = append(errs, fmt.Errorf("register channel %q: there already is a channel of this ID", id))
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

// Unregister takes the channels away, except those that are not registered. Pages that listened do so again when a
// channel of the same ID is registered: a plugin is replaced by its next version.
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

// wants reports whether the page has to subscribe to a channel that was just registered. The caller holds Hub.mu.
func (c *page) wants(ch *channel) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	listens, wanted := c.channels[ch.id]
	if !wanted || listens && ch.allow == nil {
		return false
	}
	c.channels[ch.id] = false
	return true
}

// ChannelError is the event that a page gets when a channel refuses to let it listen or send, or cannot handle its
// message. Its data is {"channel": "id", "error": an [Error]}.
const ChannelError = "devserver:channel-error"

func (h *Hub) refuse(page *page, id string, err error) {
	h.o.Logger.Debug("channel refused", "pkg", "hmr", "channel", id, "page", page.ID(), "error", err)
	_ = page.client().Send(ChannelError, map[string]any{"channel": id, "error": errorFor(err)}) // a page that is gone need not know
}

// mostWanted bounds the channels that a page wants and that are not registered: it can make up any number of names.
const mostWanted = 1000

// subscribe lets the page listen if it may, and sends it the retained message. It only notes an ID without a channel:
// the channel may be registered later, or the ID is an event that needs no permission. What a page does with one
// channel happens in its order.
func (h *Hub) subscribe(page *page, id string) {
	h.mu.Lock()
	c := h.channels[id]
	page.mu.Lock()
	if !page.channels[id] && (c != nil || len(page.channels) < mostWanted && CheckChannelID(id) == nil) {
		page.channels[id] = false
	}
	page.mu.Unlock()
	h.mu.Unlock()
	if c == nil {
		return
	}
	h.lane(page, channelLane, id).add(h, func() {
		page.mu.Lock()
		if !page.channels[id] {
			page.channels[id] = false // also if it is refused now: another user may be allowed
		}
		users := page.users
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
		if page.users != users || page.gone || page.channels[id] {
			return // identifyAs subscribes again for another user
		}
		page.channels[id] = true
		if c.retained != nil {
			page.enqueue(c.retained)
		}
	})
}

func (h *Hub) unsubscribe(page *page, id string) {
	page.mu.Lock()
	_, wanted := page.channels[id]
	page.mu.Unlock()
	if !wanted {
		return // or each name that a page makes up would get a lane
	}
	h.lane(page, channelLane, id).add(h, func() {
		page.mu.Lock()
		delete(page.channels, id)
		page.mu.Unlock()
	})
}

