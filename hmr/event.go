package hmr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// EventFunc handles an event of a page. Its context ends with the handler's time, or when the page is gone.
type EventFunc func(ctx context.Context, c *Client, data json.RawMessage) error

// RequestFunc answers a request of a page.
type RequestFunc func(ctx context.Context, c *Client, data json.RawMessage) (any, error)

// listener is a registered handler. Those of one group get the events of a page one after the other.
type listener struct {
	group  string
	event  EventFunc
	answer RequestFunc
}

// UnknownEvent is what a page is sent, once for each name, when it sends an event that nobody handles.
const UnknownEvent = "devserver:unknown-event"

// On calls fn for each event of that name. Several handlers may have one name; off removes this one.
func (h *Hub) On(event string, fn EventFunc) (off func()) { return h.OnIn("", event, fn) }

// OnIn is On for a handler of a group, such as a plugin: a page's events reach the handlers of a group in the order
// sent, and a handler that takes long holds up its own group only.
func (h *Hub) OnIn(group, event string, fn EventFunc) (off func()) {
	l := &listener{group: group, event: fn}
	h.mu.Lock()
	h.events[event] = append(slices.Clone(h.events[event]), l)
	h.mu.Unlock()
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.events[event] = slices.DeleteFunc(slices.Clone(h.events[event]), func(other *listener) bool { return other == l })
	}
}

// Handle answers requests of that name by fn. A name has one answer: a second one is an error.
func (h *Hub) Handle(event string, fn RequestFunc) (off func(), err error) {
	return h.HandleIn("", event, fn)
}

// HandleIn is Handle for a handler of a group.
func (h *Hub) HandleIn(group, event string, fn RequestFunc) (off func(), err error) {
	l := &listener{group: group, answer: fn}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.requests[event] != nil {
		return nil, fmt.Errorf("handle %q: requests of this name have a handler already", event)
	}
	h.requests[event] = l
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.requests[event] == l {
			delete(h.requests, event)
		}
	}, nil
}

// Events are the names of all events and requests that have a handler, sorted.
func (h *Hub) Events() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var names []string
	for name, list := range h.events {
		if len(list) > 0 {
			names = append(names, name)
		}
	}
	for name := range h.requests {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// dispatch hands a page's frame to those it is for. It is called by the page's reader, in the order sent.
func (h *Hub) dispatch(c *Client, in *incoming) {
	if in.Type == "hello" {
		c.mu.Lock()
		c.url = in.URL
		c.mu.Unlock()
	}
	c.greet()
	switch in.Type {
	case "custom", "request":
		h.tellReceived(c, in)
		h.handOut(c, in, false)
	case "cancel":
		c.mu.Lock()
		cancel := c.cancels[in.ID]
		c.mu.Unlock()
		if cancel != nil {
			cancel()
		}
	case "subscribe":
		h.subscribe(c, in.Channel)
	case "unsubscribe":
		h.unsubscribe(c, in.Channel)
	case "report":
		h.mu.Lock()
		fn := h.hooks.report
		h.mu.Unlock()
		if fn != nil {
			fn(c, in.Report)
		}
	case "revisions":
		h.mu.Lock()
		fn := h.hooks.revisions
		h.mu.Unlock()
		if fn != nil {
			h.lane(c, "revisions").add(h, func() { fn(c, in.Revisions) })
		}
	}
}

// handOut hands an event or request to its handlers, or keeps it for them, see Hold.
func (h *Hub) handOut(c *Client, in *incoming, kept bool) {
	if in.Event == "" {
		return
	}
	h.mu.Lock()
	channel, list, answer := h.channels[in.Event], h.events[in.Event], h.requests[in.Event]
	handled := in.Type == "custom" && (channel != nil || len(list) > 0) || in.Type == "request" && answer != nil
	held := !kept && h.hold(c, in, handled)
	h.mu.Unlock()
	switch {
	case held:
	case in.Type == "custom" && channel != nil:
		h.sendTo(channel, c, in.Data)
	case in.Type == "custom":
		h.dispatchEvent(c, in, list)
	default:
		h.dispatchRequest(c, in, answer)
	}
}

func (h *Hub) dispatchEvent(c *Client, in *incoming, list []*listener) {
	if len(list) == 0 {
		if strings.HasPrefix(in.Event, "vite:") || strings.HasPrefix(in.Event, "devserver:") {
			return // the client's own; nobody has to listen
		}
		c.mu.Lock()
		told := c.unknown[in.Event] || len(c.unknown) > 1000 || len(in.Event) > mostName // names are the page's to make up
		if !told {
			c.unknown[in.Event] = true
		}
		c.mu.Unlock()
		if !told {
			_ = c.Send(UnknownEvent, map[string]string{"event": in.Event}) // a page that is gone need not know
		}
		return
	}
	for _, l := range list {
		h.lane(c, l.group).add(h, func() {
			h.call(c, in.Event, func(ctx context.Context) error { return l.event(ctx, c, in.Data) })
		})
	}
}

func (h *Hub) dispatchRequest(c *Client, in *incoming, l *listener) {
	if l == nil {
		_ = c.Publish(&Reply{ID: in.ID, Error: &Error{Code: "unknown_event", Message: fmt.Sprintf("nobody answers requests %q", in.Event)}})
		return
	}
	ctx, cancel := context.WithCancel(h.ctx)
	c.mu.Lock()
	c.cancels[in.ID] = cancel
	c.mu.Unlock()
	h.lane(c, l.group).add(h, func() {
		defer func() {
			cancel()
			c.mu.Lock()
			delete(c.cancels, in.ID)
			c.mu.Unlock()
		}()
		var data any
		err := h.callIn(ctx, c, in.Event, func(ctx context.Context) (err error) {
			data, err = l.answer(ctx, c, in.Data)
			return err
		})
		_ = c.Publish(reply(in, data, err)) // a page that is gone waits for no answer
	})
}

func reply(in *incoming, data any, err error) *Reply {
	r := &Reply{ID: in.ID}
	if err == nil {
		if r.Data, err = json.Marshal(data); err != nil {
			err = fmt.Errorf("the answer cannot be JSON: %w", err)
		}
	}
	if err != nil {
		own, ok := errors.AsType[*Error](err)
		if !ok {
			own = &Error{Code: "handler_error", Message: err.Error()}
		}
		r.Data, r.Error = nil, own
	}
	return r
}
