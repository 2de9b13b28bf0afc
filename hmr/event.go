package hmr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// EventFunc handles an event of a page. data is the payload as JSON, nil without one; [Decode] reads it. An error is
// logged and sent to the page; an *[Error] chooses its code. The context ends when the handler's time is over, or when
// the hub closes.
type EventFunc func(ctx context.Context, c *Client, data json.RawMessage) error

// RequestFunc answers a request of a page. The answer is sent as JSON. An error is the page's instead of an answer; an
// *[Error] chooses its code. The context also ends when the page cancels the request or is gone.
type RequestFunc func(ctx context.Context, c *Client, data json.RawMessage) (any, error)

// ErrReplaced is the error of a handler that has done nothing, because the program that it calls is being replaced. The
// hub looks for a handler of the event again, after the calls of [Hub.Hold] are released. Return it only when the
// handler has been removed, or while there is a Hold: otherwise the hub calls the same handler at once.
var ErrReplaced = errors.New("the handler is being replaced")

// listener is a registered handler of an event or a request.
type listener struct {
	group  string
	event  EventFunc
	answer RequestFunc
}

// guardsItself reports whether the handler is called as it is, see OnIn.
func (l *listener) guardsItself() bool { return l.group != "" }

// UnknownEvent is the event that a page gets when it has sent an event without a handler: once for each name. Its data
// is {"event": "name"}.
const UnknownEvent = "devserver:unknown-event"

// On calls fn for each event of that name. An event may have several handlers. off removes this one.
//
// The events of one page are handled one after the other, in the order in which it sent them. Events of different pages
// are handled at the same time. A panic of fn becomes an error. When fn takes longer than Options.HandlerTimeout, the
// page gets an error with the code "timeout", and the next event is handled.
func (h *Hub) On(event string, fn EventFunc) (off func()) { return h.OnIn("", event, fn) }

// OnIn is [Hub.On] for a handler of a group, such as a plugin. The order of a page's events holds within a group, and a
// slow handler delays its own group only. The group "" is that of On.
//
// A group guards itself. The hub calls fn without a time limit and without a goroutine of its own, so that fn must
//
//   - limit its time: the group's next events of that page wait until fn returns;
//   - return soon after its context ends, since [Hub.Close] waits for it;
//   - turn its panics into errors. A panic that comes through is logged, and the page gets the code "handler_panic".
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

// Handle answers requests of that name by fn. A name has one handler: a second one is an error. off removes the
// handler. Requests are handled in order, within a guard, and together with events, as [Hub.On] says.
func (h *Hub) Handle(event string, fn RequestFunc) (off func(), err error) {
	return h.HandleIn("", event, fn)
}

// HandleIn is [Hub.Handle] for a handler of a group. The group guards itself, as [Hub.OnIn] says.
func (h *Hub) HandleIn(group, event string, fn RequestFunc) (off func(), err error) {
	l := &listener{group: group, answer: fn}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.requests[event] != nil {
		return nil, fmt.Errorf("handle %q: requests of this name already have a handler", event)
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

// Events returns the names of all events and requests that have a handler, sorted. Channels are not among them.
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

// dispatch gives a page's frame to its handlers. The page's reader calls it, in the order in which frames were sent.
func (h *Hub) dispatch(c *page, in *inbound) {
	if in.Type == "hello" {
		c.mu.Lock()
		c.url = in.URL
		c.mu.Unlock()
	}
	c.greet()
	switch in.Type {
	case "custom", "request":
		h.reportReceived(c, in)
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
		c.unsubscribe(in.Channel)
	case "report":
		h.mu.Lock()
		fn := h.hooks.report
		h.mu.Unlock()
		if fn != nil {
			fn(c.client(), in.Report)
		}
	case "revisions":
		h.dispatchRevisions(c, in.Revisions)
	}
}

// handOut gives an event or request to its handlers, or holds it, see Hold. A frame that was held is not held again.
func (h *Hub) handOut(c *page, in *inbound, wasHeld bool) {
	if in.Event == "" {
		return
	}
	h.mu.Lock()
	channel, list, answer := h.channels[in.Event], h.events[in.Event], h.requests[in.Event]
	handled := in.Type == "custom" && (channel != nil || len(list) > 0) || in.Type == "request" && answer != nil
	held := !wasHeld && h.hold(c, in, handled)
	h.mu.Unlock()
	switch {
	case held:
	case in.Type == "custom" && channel != nil:
		h.sendTo(channel, c, in)
	case in.Type == "custom" && len(list) == 0:
		h.reportUnknown(c, in.Event)
	case in.Type == "custom":
		h.dispatchEvent(c, in, list)
	case answer == nil:
		unknown := &Error{Code: "unknown_event", Message: fmt.Sprintf("no handler answers requests %q", in.Event)}
		_ = in.from.Publish(&Reply{ID: in.ID, Error: unknown}) // a page that is gone waits for no answer
	default:
		h.dispatchRequest(c, in, answer)
	}
}

// mostUnknown bounds the unknown events that are reported to a page: it can make up any number of names.
const mostUnknown = 1000

// reportUnknown sends the page the name of an event without a handler, once. Events of the client itself need no
// handler.
func (h *Hub) reportUnknown(c *page, event string) {
	if strings.HasPrefix(event, "vite:") || strings.HasPrefix(event, "devserver:") || len(event) > mostName {
		return
	}
	c.mu.Lock()
	reported := c.unknown[event] || len(c.unknown) > mostUnknown
	if !reported {
		c.unknown[event] = true
	}
	c.mu.Unlock()
	if !reported {
		_ = c.client().Send(UnknownEvent, map[string]string{"event": event}) // a page that is gone need not know
	}
}

func (h *Hub) dispatchEvent(c *page, in *inbound, list []*listener) {
	for _, l := range list {
		h.lane(c, groupLane, l.group).add(h, func() {
			err := h.run(h.ctx, l.guardsItself(), c, in.Event, func(ctx context.Context) error {
				return l.event(ctx, in.from, in.Data)
			})
			h.sendError(c, in.Event, err)
		})
	}
}

func (h *Hub) dispatchRequest(c *page, in *inbound, l *listener) {
	ctx, cancel := context.WithCancel(h.ctx)
	c.mu.Lock()
	c.cancels[in.ID] = cancel
	c.mu.Unlock()
	h.lane(c, groupLane, l.group).add(h, func() {
		defer func() {
			cancel()
			c.mu.Lock()
			delete(c.cancels, in.ID)
			c.mu.Unlock()
		}()
		answer, err := h.answer(ctx, c, in, l)
		r := &Reply{ID: in.ID, Data: answer}
		if err != nil {
			r = &Reply{ID: in.ID, Error: errorFor(err)}
		}
		_ = in.from.Publish(r) // a page that is gone waits for no answer
	})
}

// answer runs the handler of a request and returns its answer as JSON. Encoding is part of the run, since it calls
// methods of the answer.
func (h *Hub) answer(ctx context.Context, c *page, in *inbound, l *listener) (json.RawMessage, error) {
	answers := make(chan json.RawMessage, 1)
	err := h.run(ctx, l.guardsItself(), c, in.Event, func(ctx context.Context) error {
		answer, err := l.answer(ctx, in.from, in.Data)
		if err != nil {
			return err
		}
		text, err := json.Marshal(answer)
		if err != nil {
			return fmt.Errorf("the answer cannot be JSON: %w", err)
		}
		answers <- text
		return nil
	})
	if err != nil {
		return nil, err
	}
	return <-answers, nil
}

// dispatchRevisions calls the hook of OnRevisions in a lane, so that the page's other frames need not wait.
func (h *Hub) dispatchRevisions(c *page, r Revisions) {
	h.mu.Lock()
	fn := h.hooks.revisions
	h.mu.Unlock()
	if fn == nil {
		return
	}
	h.lane(c, revisionsLane, "").add(h, func() {
		_ = h.runHere(h.ctx, c, "revisions", func(context.Context) error { fn(c.client(), r); return nil }) // a panic is logged
	})
}

// errorFor returns an error as pages get it.
func errorFor(err error) *Error {
	if own, ok := errors.AsType[*Error](err); ok {
		return own
	}
	return &Error{Code: "handler_error", Message: err.Error()}
}
