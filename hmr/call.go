package hmr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// call is what the caller of Hub.Call waits for. It takes the place of what the page would be told.
type call struct {
	done chan struct{} // closed when all handlers have returned
	// The rest is guarded by page.mu.
	ended  bool // a request has its answer or its error
	answer json.RawMessage
	err    error
}

// Call calls the handlers of an event, a request or a channel as if the page had sent the message: in the page's order,
// by the channel's rules, and after the calls of [Hub.Hold] are released if there is no handler. It returns when all
// handlers have returned, with the answer of a request. request reports whether it was a request; of an event and a
// request of the same name, it is the request. The page hears of nothing.
//
// The error is that of the first handler that failed, an *[Error] with the code "unknown_event" without a handler,
// [ErrClosed], [ErrUserChanged], or that of the context. The end of the context cancels a request. Handlers of an event
// run on then.
func (h *Hub) Call(ctx context.Context, c *Client, event string, data json.RawMessage) (answer json.RawMessage, request bool, err error) {
	if len(data) == 0 {
		data = NoData
	}
	in := &inbound{from: c, size: len(data), call: &call{done: make(chan struct{})}}
	in.incoming = incoming{Type: "custom", Event: event, Data: data}
	switch {
	case len(data) > 0 && !json.Valid(data):
		return nil, false, &Error{Code: "bad_payload", Message: fmt.Sprintf("the payload of %q is not JSON", event)}
	case depth(data) > maxDepth:
		return nil, false, &Error{Code: "too_deep", Message: fmt.Sprintf("the data is nested deeper than %d levels", maxDepth)}
	}
	if request, err = h.find(ctx, event); err != nil {
		return nil, false, err
	}
	if request {
		in.Type, in.ID = "request", h.lastCall.Add(1)
		in.ctx, in.cancel = context.WithCancel(c.ctx)
		defer context.AfterFunc(ctx, in.cancel)()
	}
	if err := c.admitCall(in); err != nil {
		return nil, request, err
	}
	select {
	case <-in.call.done:
	case <-ctx.Done():
		return nil, request, ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	err = in.call.err
	unhandled := request && !in.call.ended || h.ctx.Err() != nil
	if err == nil && unhandled || errors.Is(err, errCancelled) {
		if err = ctx.Err(); err == nil {
			err = ErrClosed
		}
	}
	return in.call.answer, request, err
}

// find reports whether a handler of the name answers requests. While there is a hold it waits for a handler.
func (h *Hub) find(ctx context.Context, event string) (request bool, err error) {
	for {
		h.mu.Lock()
		request = h.requests[event] != nil
		known := request || h.channels[event] != nil || len(h.events[event]) > 0
		released := h.held()
		h.mu.Unlock()
		switch {
		case known:
			return request, nil
		case released == nil:
			return false, &Error{Code: "unknown_event", Message: fmt.Sprintf("no handler takes %q", event)}
		case !awaitRelease(ctx, released):
			return false, ctx.Err()
		}
	}
}

// admitCall counts the frame of a call and dispatches it in the order of the page's frames.
func (c *Client) admitCall(in *inbound) error {
	in.refs.Store(1)
	c.reading.Lock()
	defer c.reading.Unlock()
	c.mu.Lock()
	if err := c.check(); err != nil {
		c.mu.Unlock()
		return err
	}
	c.waiting.frames++
	c.waiting.bytes += in.size
	c.mu.Unlock()
	c.receive(in)
	in.release()
	return nil
}

// fail tells the caller, or else the page, that a handler of a message failed. Nil is nothing to tell.
func (h *Hub) fail(in *inbound, from *Client, err error) {
	if in.call == nil {
		h.sendError(from, in.Event, err)
		return
	}
	in.from.mu.Lock()
	defer in.from.mu.Unlock()
	if in.call.err == nil {
		in.call.err = err
	}
}

// end gives the caller the answer of a request, or its error.
func (in *inbound) end(answer json.RawMessage, err error) {
	c := in.from.page
	c.mu.Lock()
	defer c.mu.Unlock()
	in.call.ended, in.call.answer, in.call.err = true, answer, err
	if list := c.hub.passed.Load(); list != nil {
		p := Passed{Page: c.ID(), Type: "reply", Event: in.Event, ID: in.ID, Data: answer, Called: true}
		if err != nil {
			p.Error = errorFor(err)
		}
		callPassed(*list, p)
	}
}
