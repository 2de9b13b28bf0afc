package hmr

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gorilla/websocket"
)

// frame is an encoded payload, shared by all pages that get it.
type frame struct {
	text     []byte
	prepared *websocket.PreparedMessage
	private  bool // for the user that the page has now: dropped when its user changes
	retained bool // of a channel: the page keeps it, see Custom.Retained
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
// for pages that are loading. The error says that the payload cannot be JSON. Publish does not wait for pages.
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

// Broadcast sends an event to all pages. Nil data is left out. The error says that the event has no name or that the
// data cannot be JSON.
func (h *Hub) Broadcast(event string, data any) error {
	p, err := newCustom(event, data)
	if err != nil {
		return err
	}
	return h.Publish(p)
}

// SendToUser sends an event to every page of the user and to no other page. A user without a page is not an error. The
// user "" is an error, because guests are not one user; otherwise the error is that of [Hub.Broadcast].
func (h *Hub) SendToUser(user, event string, data any) error {
	if user == "" {
		return errors.New("send to user: no user is named; Broadcast reaches everybody")
	}
	f, err := newEventFrame(event, data)
	if err != nil {
		return err
	}
	f.private = true
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.sessions {
		c.sendIf(f, func() bool { return c.identity.user == user })
	}
	return nil
}

// TryBroadcast is [Hub.Broadcast] that never waits: pages that are behind do not get the event. missed is their number.
func (h *Hub) TryBroadcast(event string, data any) (missed int, err error) {
	return 0, h.Broadcast(event, data)
}

// TrySend is [Client.Send] that never waits: it returns [ErrBehind] when the page is behind.
func (c *Client) TrySend(event string, data any) error { return c.Send(event, data) }

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
	p := &Custom{Event: event}
	if data != nil {
		text, err := json.Marshal(data)
		if err != nil {
			return nil, fmt.Errorf("send event %q: %w", event, err)
		}
		p.Data = text
	}
	return p, nil
}
