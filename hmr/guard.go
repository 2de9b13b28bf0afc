package hmr

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// call runs a hook, and sends its error to the page.
func (h *Hub) call(c *Client, name string, hook func(context.Context, *Client)) {
	h.sendError(c, name, h.guard(h.ctx, c, name, func(ctx context.Context) error { hook(ctx, c); return nil }))
}

// sendError sends the error of an event's handler to the page. Nil is nothing to send.
func (h *Hub) sendError(c *Client, name string, err error) {
	if err != nil {
		_ = c.Send(eventError, map[string]any{"event": name, "error": errorFor(err)}) // a page that is gone, or has another user, needs no error
	}
}

// eventError is the event that reports the error of a handler to the page that sent the event.
const eventError = "devserver:event-error"

// run calls a handler of an event, a request or a channel: within the hub's guard, or as it is if it guards itself.
func (h *Hub) run(ctx context.Context, guardsItself bool, c *Client, name string, fn func(context.Context) error) error {
	if guardsItself {
		return h.runHere(ctx, c, name, fn)
	}
	return h.guard(ctx, c, name, fn)
}

// runHere runs a handler that guards itself. It must return soon after its context ends. A panic of such a handler is a
// mistake of its guard; it becomes an error all the same, since it would end the process.
func (h *Hub) runHere(ctx context.Context, c *Client, name string, fn func(context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = h.panicked(c, name, v)
		}
	}()
	if err := fn(ctx); err != nil {
		if errors.Is(err, ErrReplaced) {
			return err
		}
		if ctx.Err() != nil {
			return errCancelled
		}
		h.logFailed(c, name, err)
		return err
	}
	return nil
}

// guard runs a handler in a goroutine of its own. It returns when the handler has returned, when its time is over, or
// when the context ends. A handler that takes no notice of this runs on alone, since nothing in Go can end it.
func (h *Hub) guard(parent context.Context, c *Client, name string, fn func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(parent, h.o.HandlerTimeout)
	defer cancel()
	result := make(chan error, 1)
	h.handlers.run(func() {
		defer func() {
			if v := recover(); v != nil {
				result <- h.panicked(c, name, v)
			}
		}()
		result <- fn(ctx)
	})
	select {
	case err := <-result:
		if ended := ctx.Err(); ended != nil && errors.Is(err, ended) {
			break // the handler returned because its context had ended
		}
		if err != nil && !errors.Is(err, ErrReplaced) {
			h.logFailed(c, name, err)
		}
		return err
	case <-ctx.Done():
	}
	if parent.Err() != nil {
		return errCancelled
	}
	h.o.Logger.Error(fmt.Sprintf("handler of %q takes longer than %v", name, h.o.HandlerTimeout), "page", c.ID())
	return &Error{Code: "timeout", Message: fmt.Sprintf("the handler of %q took longer than %v", name, h.o.HandlerTimeout)}
}

// errCancelled is the error of a handler that nobody waits for: the page has cancelled its request or is gone, or the
// hub is closed.
var errCancelled = &Error{Code: "cancelled", Message: "cancelled"}

func (h *Hub) logFailed(c *Client, name string, err error) {
	h.o.Logger.Warn(fmt.Sprintf("handler of %q failed: %v", name, err), "page", c.ID())
}

// panicked logs a panic with its stack, and returns the error for the page. It is called by the deferred function.
func (h *Hub) panicked(c *Client, name string, v any) error {
	h.o.Logger.Error(fmt.Sprintf("handler of %q panicked: %v", name, v), "page", c.ID(), "stack", string(debug.Stack()))
	return &Error{Code: "handler_panic", Message: fmt.Sprintf("the handler of %q panicked", name)}
}
