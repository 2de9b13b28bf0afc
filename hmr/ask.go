package hmr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	// answerWithin is how long a page may take to answer, unless the context says so.
	answerWithin = 30 * time.Second
	// mostAsked bounds the requests that a page has not answered.
	mostAsked = 1000
)

// pending is a request that a page has not answered.
type pending struct {
	event  string
	frame  *frame
	result chan result // has room for the only answer
}

type result struct {
	data json.RawMessage
	err  error
}

// Request asks the page, and returns the answer as JSON, [NoData] if the handler returned undefined. The page answers
// by import.meta.hot.handle, or by the handle of a devserver/client connection. In may be NoData.
//
// A request is handled after the updates and events that were sent before it. It waits for a page that is away, and
// is handled once. When the context ends, the page's handler is cancelled. Without a deadline the page has 30 seconds.
//
// The error is [ErrClosed] if the page was left or reloaded before it answered, [ErrUserChanged] if it got another
// user, or an *[Error]. Its code is that of the error that the handler threw, or one of these:
//
//	unknown_event  no module of the page handles requests of this name
//	handler_error  the handler threw an error without a code
//	bad_answer     the answer cannot be JSON, is nested too deep, or does not fit the type of the func Request
//	too_big        the answer has more than Options.MaxMessage bytes
//	timeout        no answer came in time
//	queue_full     the page has 1,000 requests to answer
func (c *Client) Request(ctx context.Context, event string, in any) (json.RawMessage, error) {
	if event == "" {
		return nil, errors.New("send request: the request has no name")
	}
	data, err := EncodeData(in)
	if err != nil {
		return nil, fmt.Errorf("send request %q: %w", event, err)
	}
	if _, limited := ctx.Deadline(); !limited {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, answerWithin)
		defer cancel()
	}
	id := c.lastAsked.Add(1)
	f, err := newFrame(&Ask{ID: id, Event: event, Data: data})
	if err != nil {
		return nil, fmt.Errorf("send request %q: %w", event, err)
	}
	q, err := c.ask(ctx, id, event, f)
	if err != nil {
		return nil, err
	}
	if q != nil {
		select {
		case r := <-q.result:
			return r.data, r.err
		case <-ctx.Done():
		}
		if !c.withdraw(id) { // the answer came at this moment
			r := <-q.result
			return r.data, r.err
		}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, &Error{Code: "timeout", Message: fmt.Sprintf("page %s did not answer %q in time", c.ID(), event)}
	}
	return nil, fmt.Errorf("request %q: %w", event, ctx.Err())
}

// Request is [Client.Request], with the answer read as Out. It is an error with the code "bad_answer" if the answer does
// not fit.
func Request[Out any](ctx context.Context, c *Client, event string, in any) (Out, error) {
	data, err := c.Request(ctx, event, in)
	if err != nil {
		var none Out
		return none, err
	}
	return DecodeAnswer[Out](event, data)
}

// DecodeAnswer reads the answer to a request as [Decode] reads a payload. The error has the code "bad_answer".
func DecodeAnswer[Out any](event string, data json.RawMessage) (Out, error) {
	out, err := Decode[Out](event, data)
	if e, ok := errors.AsType[*Error](err); ok {
		err = &Error{Code: "bad_answer", Message: "the page's answer does not fit: " + e.Message, Path: e.Path}
	}
	return out, err
}

// ask queues a request once the page is not behind. It returns nil if the context ended before.
func (c *Client) ask(ctx context.Context, id uint64, event string, f *frame) (*pending, error) {
	f.private = c.user != ""
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.room != nil && !c.gone {
		c.mu.Unlock()
		c.awaitRoom(ctx.Done())
		c.mu.Lock()
		if ctx.Err() != nil {
			return nil, nil
		}
	}
	if len(c.asked) >= mostAsked {
		return nil, &Error{Code: "queue_full", Message: fmt.Sprintf("page %s has %d requests to answer", c.ID(), mostAsked)}
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	q := &pending{event, f, make(chan result, 1)}
	if c.asked == nil {
		c.asked = map[uint64]*pending{}
	}
	c.asked[id] = q
	c.enqueue(f) // may end the session, and with it the request
	return q, nil
}

// takeAnswer gives a page's answer to who waits for it. An answer that nobody waits for is dropped.
func (c *page) takeAnswer(in *inbound) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.asked[in.ID]
	if q == nil {
		return
	}
	in.Event = q.event
	r := result{data: in.Data}
	switch {
	case in.refused != nil:
		in.Error = &Error{Code: "bad_answer", Message: in.refused.Message}
	case in.Error != nil && in.Error.Code == "":
		in.Error.Code = "handler_error"
	}
	if in.Error != nil {
		r = result{err: in.Error}
	}
	c.hub.reportReceived(c, in)
	c.settle(in.ID, r)
}

// settle ends a request. The caller holds mu.
func (c *page) settle(id uint64, r result) {
	if q := c.asked[id]; q != nil {
		delete(c.asked, id)
		q.result <- r
	}
}

// withdraw takes a request back, or cancels it if it was written. It returns false if the request has ended.
func (c *page) withdraw(id uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.asked[id]
	if q == nil {
		return false
	}
	delete(c.asked, id)
	c.cancelPending(id, q)
	return true
}

// cancelPending takes a request out of what waits for the page, or tells the page that nobody waits for the answer.
// The caller holds mu.
func (c *page) cancelPending(id uint64, q *pending) {
	if i := slices.Index(c.queue.frames, q.frame); i >= 0 && c.queue.acked+uint64(i) >= c.written {
		c.blank(i)
		c.noteRoom()
		return
	}
	f, err := newFrame(&Cancel{ID: id})
	if err == nil { // always: a number is JSON
		c.enqueue(f)
	}
}

// forgetPending ends the requests that are only for the page's user. The caller holds mu.
func (c *page) forgetPending() {
	for id, q := range c.asked {
		if q.frame.private {
			c.settle(id, result{err: ErrUserChanged})
			c.cancelPending(id, q)
		}
	}
}
