package hmr

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Passed is an event, a request or an answer between the server and one page. Messages of channels are events.
type Passed struct {
	// Page is the ID of the client.
	Page string
	// FromPage is true for what the page sent, false for what it is sent.
	FromPage bool
	// Type is "custom" for an event, "request" or "reply".
	Type string
	// Event is the name. A reply has that of its request.
	Event string
	// ID is the number that a request and its reply share, 0 for an event. Requests of a page and requests to it have IDs
	// of their own.
	ID uint64
	// Called says that a program called the handlers in the page's place, see [Hub.Call]. The page knows nothing of it.
	// Such requests have IDs of their own.
	Called bool
	// Data is the payload as JSON, nil without one. It must not be changed.
	Data json.RawMessage
	// Error is the error of a reply, nil for all others.
	Error *Error
}

// OnPassed calls fn for each event, request and answer, for one page in the order sent. An event to many pages is
// reported once for each page, when it is queued. Requests that devserver's own client answers, whose names begin with
// "devserver:", are not reported. off removes fn.
//
// fn is called under locks of the hub, for several pages at a time: it must return at once and must not call the hub.
func (h *Hub) OnPassed(fn func(Passed)) (off func()) {
	own := &fn
	h.changePassed(func(list []*func(Passed)) []*func(Passed) { return append(list, own) })
	return func() {
		h.changePassed(func(list []*func(Passed)) []*func(Passed) {
			return slices.DeleteFunc(list, func(other *func(Passed)) bool { return other == own })
		})
	}
}

// changePassed replaces the list of hooks, which is read without a lock for each message.
func (h *Hub) changePassed(change func([]*func(Passed)) []*func(Passed)) {
	for {
		old := h.passed.Load()
		var list []*func(Passed)
		if old != nil {
			list = slices.Clone(*old)
		}
		list = change(list)
		now := &list
		if len(list) == 0 {
			now = nil // so that nothing is decoded
		}
		if h.passed.CompareAndSwap(old, now) {
			return
		}
	}
}

// reportReceived calls the hooks of OnPassed for what a page has sent.
func (h *Hub) reportReceived(c *page, in *inbound) {
	if list := h.passed.Load(); list != nil && (in.Type == "custom" || !isOwn(in.Event)) {
		callPassed(*list, Passed{Page: c.ID(), FromPage: true, Type: in.Type, Event: in.Event, ID: in.ID, Data: in.Data, Error: in.Error, Called: in.call != nil})
	}
}

// reportSent calls the hooks of OnPassed for what a page is sent. It decodes the frame again: to keep payloads beside
// their text would cost memory in every hub, and few hubs have hooks.
func (h *Hub) reportSent(c *page, f *frame) {
	list := h.passed.Load()
	if list == nil || !isPassed(f.text) || isOwn(f.answers) {
		return
	}
	var p struct {
		Type  string          `json:"type"`
		Event string          `json:"event"`
		ID    uint64          `json:"id"`
		Data  json.RawMessage `json:"data"`
		Error *Error          `json:"error"`
	}
	if json.Unmarshal(f.text, &p) == nil && (p.Type == "custom" || !isOwn(p.Event)) {
		callPassed(*list, Passed{Page: c.ID(), Type: p.Type, Event: p.Event + f.answers, ID: p.ID, Data: p.Data, Error: p.Error})
	}
}

// isOwn reports whether a name belongs to devserver itself.
func isOwn(event string) bool { return strings.HasPrefix(event, "devserver:") }

// isPassed reports whether a frame to a page is an event, a request or an answer.
func isPassed(text []byte) bool {
	return slices.ContainsFunc([]string{"custom", "request", "reply"}, func(kind string) bool {
		return bytes.HasPrefix(text, []byte(`{"type":"`+kind+`"`))
	})
}

func callPassed(list []*func(Passed), p Passed) {
	for _, fn := range list {
		(*fn)(p)
	}
}
