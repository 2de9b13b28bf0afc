package hmr

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Passed is an event, a request or an answer that went between the server and one page.
type Passed struct {
	// Page is the ID of the client.
	Page string
	// FromPage tells the direction.
	FromPage bool
	// Type is "custom" (an event), "request" or "reply".
	Type string
	// Event is the name; "" for answers, which have the ID of their request.
	Event string
	ID    uint64
	// Data is the payload as JSON, nil without one. It must not be changed.
	Data json.RawMessage
	// Error is set in answers that are errors.
	Error *Error
}

// OnPassed has fn called for all that passes, channels included, for one page in the order sent. An event to many pages
// is told once for each. fn is called under locks of the hub: it must return at once and call nothing of the hub. off
// ends it.
func (h *Hub) OnPassed(fn func(Passed)) (off func()) {
	own := &fn
	h.changePassed(func(list []*func(Passed)) []*func(Passed) { return append(list, own) })
	return func() {
		h.changePassed(func(list []*func(Passed)) []*func(Passed) {
			return slices.DeleteFunc(list, func(other *func(Passed)) bool { return other == own })
		})
	}
}

// changePassed replaces the list of those who are told: it is read without a lock, for each message.
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
			now = nil // nobody asks: nothing is decoded
		}
		if h.passed.CompareAndSwap(old, now) {
			return
		}
	}
}

// tellReceived tells what a page has sent.
func (h *Hub) tellReceived(c *Client, in *incoming) {
	if list := h.passed.Load(); list != nil {
		tell(*list, Passed{Page: c.ID(), FromPage: true, Type: in.Type, Event: in.Event, ID: in.ID, Data: in.Data})
	}
}

// tellSent tells what a page is sent. The frame is decoded again: keeping payloads beside their text would cost memory
// in all hubs, for what few ask for.
func (h *Hub) tellSent(c *Client, f *frame) {
	list := h.passed.Load()
	if list == nil || !bytes.HasPrefix(f.text, []byte(`{"type":"custom"`)) && !bytes.HasPrefix(f.text, []byte(`{"type":"reply"`)) {
		return
	}
	var p struct {
		Type  string          `json:"type"`
		Event string          `json:"event"`
		ID    uint64          `json:"id"`
		Data  json.RawMessage `json:"data"`
		Error *Error          `json:"error"`
	}
	if json.Unmarshal(f.text, &p) == nil {
		tell(*list, Passed{Page: c.ID(), Type: p.Type, Event: p.Event, ID: p.ID, Data: p.Data, Error: p.Error})
	}
}

func tell(list []*func(Passed), p Passed) {
	for _, fn := range list {
		(*fn)(p)
	}
}
