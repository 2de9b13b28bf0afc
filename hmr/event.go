package hmr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// EventFunc handles an event of a page. data is the payload as JSON, [NoData] without one; [Decode] reads it. An error
// is logged and sent to the page; an *[Error] chooses its code. The context ends when the handler's time is over, or
// when the hub closes.
type EventFunc func(ctx context.Context, c *Client, data json.RawMessage) error

// RequestFunc answers a request of a page. The answer is sent as JSON, and may be [NoData]. An error is the page's
// instead of an answer; an *[Error] chooses its code. The context also ends when the page cancels the request or is
// gone.
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

// dispatch gives a page's frame to its handlers. It is called in the order in which the page sent its frames.
func (h *Hub) dispatch(in *inbound) {
	c := in.from.page
	switch in.Type {
	case "custom", "request":
		h.reportReceived(c, in)
		h.handOut(in, true)
	case "subscribe":
		h.subscribe(c, in.Channel)
	case "unsubscribe":
		c.unsubscribe(in.Channel)
	case "report":
		h.mu.Lock()
		fn := h.hooks.report
		h.mu.Unlock()
		if fn != nil {
			report := func(context.Context) error { fn(in.from, in.Report); return nil }
			_ = h.runHere(h.ctx, in.from, "report", report) // a panic is logged
		}
	case "hello":
		if in.Page != "" {
			h.dispatchRevisions(c, in.Revisions)
		}
	case "revisions":
		h.dispatchRevisions(c, in.Revisions)
	}
}

// handOut puts an event or request into the lanes of its handlers. A frame without a handler waits while there is a
// hold, and with it all frames that the page sends after it. fresh is false for a frame that has waited.
func (h *Hub) handOut(in *inbound, fresh bool) {
	c := in.from.page
	h.mu.Lock()
	channel, groups, answer := h.channels[in.Event], groupsOf(h.events[in.Event]), h.requests[in.Event]
	handled := in.Type == "custom" && (channel != nil || len(groups) > 0) || in.Type == "request" && answer != nil
	if fresh && c.waitsUnclaimed(!handled && h.held() != nil && in.refused == nil) {
		h.mu.Unlock()
		h.lane(c, unclaimedLane, "").add(h, in, func() { h.handOutHeld(in) })
		return
	}
	h.mu.Unlock()
	refuse := func(fn func()) { h.lane(c, refusedLane, "").add(h, in, fn) } // sending may wait, and the reader must not
	switch {
	case in.Type == "custom" && channel != nil:
		h.lane(c, channelLane, in.Event).add(h, in, func() { h.runMessage(in) })
	case in.Type == "custom" && in.refused != nil:
		refuse(func() { h.sendError(in.from, in.Event, in.refused) })
	case in.Type == "custom" && len(groups) > 0:
		e := &event{inbound: in}
		e.deal(h, groups)
	case in.Type == "custom":
		refuse(func() { h.reportUnknown(in) })
	case in.refused != nil:
		refuse(func() { h.reply(in, in.from, nil, in.refused) })
	case answer != nil:
		h.lane(c, groupLane, answer.group).add(h, in, func() { h.runRequest(in, answer.group) })
	default:
		unknown := &Error{Code: "unknown_event", Message: fmt.Sprintf("no handler answers requests %q", in.Event)}
		refuse(func() { h.reply(in, in.from, nil, unknown) })
	}
}

// waitsUnclaimed reports whether a frame has to wait in the lane of unclaimed frames, and counts it then: it is
// unclaimed, or comes after frames that wait there.
func (c *page) waitsUnclaimed(unclaimed bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !unclaimed && c.unclaimed == 0 {
		return false
	}
	c.unclaimed++
	return true
}

// handOutHeld hands out a frame that had no handler, once there is no hold any more.
func (h *Hub) handOutHeld(in *inbound) {
	h.awaitHandler(in, func() bool { return false })
	if !in.gaveUp() {
		h.handOut(in, false)
	}
	c := in.from.page
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unclaimed--
}

// awaitHandler waits while there is a hold and no handler. has is called under Hub.mu. It returns early when the page
// has given its request up, or the hub is closed.
func (h *Hub) awaitHandler(in *inbound, has func() bool) {
	ctx := h.ctx
	if in.ctx != nil {
		ctx = in.ctx
	}
	for {
		h.mu.Lock()
		released := h.held()
		if has() {
			released = nil
		}
		h.mu.Unlock()
		if released == nil || !awaitRelease(ctx, released) {
			return
		}
	}
}

// gaveUp reports whether the page does not wait for the answer any more.
func (in *inbound) gaveUp() bool { return in.ctx != nil && in.ctx.Err() != nil }

// groupsOf returns the groups of the listeners, each once, in their order.
func groupsOf(list []*listener) []string {
	var groups []string
	for _, l := range list {
		if !slices.Contains(groups, l.group) {
			groups = append(groups, l.group)
		}
	}
	return groups
}

// mostUnknown bounds the unknown events that are reported to a page: it can make up any number of names.
const mostUnknown = 1000

// reportUnknown tells the page the name of an event without a handler, once. Events of the client itself need no
// handler.
func (h *Hub) reportUnknown(in *inbound) {
	c, event := in.from.page, in.Event
	if in.call != nil {
		h.fail(in, in.from, &Error{Code: "unknown_event", Message: fmt.Sprintf("no handler takes %q", event)})
		return
	}
	if strings.HasPrefix(event, "vite:") || isOwn(event) {
		return
	}
	if len(event) > mostName {
		event = strings.ToValidUTF8(event[:mostName], "") + "…"
	}
	c.mu.Lock()
	known := len(c.unknown)
	reported := c.unknown[event] || known >= mostUnknown
	if !reported {
		c.unknown[event] = true
	}
	c.mu.Unlock()
	if !reported && known == mostUnknown-1 {
		h.o.Logger.Warn(fmt.Sprintf("page %s sent %d events of other names that no handler takes; no more are reported", c.ID(), mostUnknown),
			"url", c.client().URL())
	}
	if !reported {
		_ = c.client().Send(UnknownEvent, map[string]string{"event": event}) // a page that is gone need not know
	}
}

// event is an event on its way to the handlers of several groups. The groups are those that have handlers when the event
// comes in. A group that has none any more when the event's turn comes leaves it to the groups that came meanwhile: a
// plugin was replaced by plugins of other names.
type event struct {
	*inbound
	mu    sync.Mutex
	dealt []string // groups that have got the event
}

// deal puts the event into the lanes of the groups that have not got it, and reports whether there are any.
func (e *event) deal(h *Hub, groups []string) bool {
	e.mu.Lock()
	fresh := slices.DeleteFunc(groups, func(group string) bool { return slices.Contains(e.dealt, group) })
	e.dealt = append(e.dealt, fresh...)
	e.mu.Unlock()
	for _, group := range fresh {
		h.lane(e.from.page, groupLane, group).add(h, e.inbound, func() { e.run(h, group) })
	}
	return len(fresh) > 0
}

// run calls the group's handlers, which are those that it has now: handlers may be replaced while events wait.
func (e *event) run(h *Hub, group string) {
	var called []*listener
	current := func() (list []*listener) {
		for _, l := range h.events[e.Event] {
			if l.group == group && !slices.Contains(called, l) {
				list = append(list, l)
			}
		}
		return list
	}
	for tries := 0; ; {
		h.awaitHandler(e.inbound, func() bool { return len(current()) > 0 })
		h.mu.Lock()
		list, all := current(), groupsOf(h.events[e.Event])
		h.mu.Unlock()
		if len(list) == 0 {
			if len(called) == 0 && !e.deal(h, all) && len(all) == 0 {
				h.reportUnknown(e.inbound)
			}
			return
		}
		replaced := false
		for _, l := range list {
			from := e.client()
			ctx, done, ok := e.context()
			if !ok {
				if e.call != nil {
					h.fail(e.inbound, from, ErrClosed)
				}
				return
			}
			err := h.run(ctx, l.guardsItself(), from, e.Event, func(ctx context.Context) error {
				return l.event(ctx, from, e.Data)
			})
			done()
			if replaced = h.again(err, &tries); replaced {
				break // those that were called are not called again
			}
			called = append(called, l)
			h.fail(e.inbound, from, err)
		}
		if !replaced {
			return
		}
	}
}

// mostTries bounds how often a handler that returns ErrReplaced is called again without a hold.
const mostTries = 3

// again reports whether a handler has to be looked up again, after the holds were released.
func (h *Hub) again(err error, tries *int) bool {
	if !errors.Is(err, ErrReplaced) {
		return false
	}
	h.mu.Lock()
	released := h.held()
	h.mu.Unlock()
	if released != nil {
		return awaitRelease(h.ctx, released)
	}
	*tries++
	return *tries < mostTries
}

// runRequest answers a request by the handler that it has now. A handler of another group takes its turn in the lane of
// that group.
func (h *Hub) runRequest(in *inbound, group string) {
	for tries := 0; ; {
		h.awaitHandler(in, func() bool { return h.requests[in.Event] != nil })
		h.mu.Lock()
		l := h.requests[in.Event]
		h.mu.Unlock()
		switch {
		case in.gaveUp():
			return // nobody waits for the answer
		case l == nil || l.group != group:
			h.handOut(in, false)
			return
		}
		from := in.client()
		answer, err := h.answer(in, from, l)
		if !h.again(err, &tries) {
			h.reply(in, from, answer, err)
			return
		}
	}
}

// reply sends the answer of a request, or its error. It waits as [Client.Send] does.
func (h *Hub) reply(in *inbound, from *Client, answer json.RawMessage, err error) {
	if in.call != nil {
		in.end(answer, err)
		return
	}
	send := func(to *Client, r *Reply) error {
		f, err := newFrame(r)
		if err != nil {
			return err // never: the answer is JSON
		}
		f.answers = in.Event
		return to.post(f, false)
	}
	r := &Reply{ID: in.ID, Data: answer}
	if err != nil {
		r = &Reply{ID: in.ID, Error: errorFor(err)}
	}
	if errors.Is(send(from, r), ErrUserChanged) { // the answer is not for the page's user, but the page waits
		r = &Reply{ID: in.ID, Error: &Error{Code: "user_changed", Message: "the page's user changed before the answer came"}}
		_ = send(from.client(), r) // a page that is gone waits for no answer
	}
}

// answer runs the handler of a request and returns its answer as JSON. Encoding is part of the run, since it calls
// methods of the answer.
func (h *Hub) answer(in *inbound, from *Client, l *listener) (json.RawMessage, error) {
	answers := make(chan json.RawMessage, 1)
	err := h.run(in.ctx, l.guardsItself(), from, in.Event, func(ctx context.Context) error {
		answer, err := l.answer(ctx, from, in.Data)
		if err != nil {
			return err
		}
		text, err := EncodeData(answer)
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
	h.lane(c, revisionsLane, "").add(h, nil, func() {
		_ = h.runHere(h.ctx, c.client(), "revisions", func(context.Context) error { fn(c.client(), r); return nil }) // a panic is logged
	})
}

// errorFor returns an error as pages get it.
func errorFor(err error) *Error {
	if own, ok := errors.AsType[*Error](err); ok {
		return own
	}
	return &Error{Code: "handler_error", Message: err.Error()}
}
