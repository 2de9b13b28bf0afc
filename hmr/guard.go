package hmr

import (
	"context"
	"fmt"
	"runtime/debug"
)

// call runs a handler within its time and reports what goes wrong.
func (h *Hub) call(c *Client, name string, fn func(context.Context) error) {
	if err := h.callIn(h.ctx, c, name, fn); err != nil {
		_ = c.Send("devserver:event-error", map[string]any{"event": name, "error": reply(&incoming{}, nil, err).Error})
	}
}

// callIn returns when the handler has, or when its time is over: whoever waits is told, and the handler runs on alone,
// since nothing in Go can end it.
func (h *Hub) callIn(parent context.Context, c *Client, name string, fn func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(parent, h.o.HandlerTimeout)
	defer cancel()
	result := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				h.o.Logger.Error(fmt.Sprintf("handler of %q panicked: %v", name, v), "page", c.ID(), "stack", string(debug.Stack()))
				result <- &Error{Code: "handler_panic", Message: fmt.Sprintf("the handler of %q panicked", name)}
			}
		}()
		result <- fn(ctx)
	}()
	select {
	case err := <-result:
		if err != nil {
			h.o.Logger.Warn(fmt.Sprintf("handler of %q failed: %v", name, err), "page", c.ID())
		}
		return err
	case <-ctx.Done():
		if parent.Err() != nil {
			return &Error{Code: "cancelled", Message: "cancelled"}
		}
		h.o.Logger.Error(fmt.Sprintf("handler of %q takes longer than %v", name, h.o.HandlerTimeout), "page", c.ID())
		return &Error{Code: "timeout", Message: fmt.Sprintf("the handler of %q took longer than %v", name, h.o.HandlerTimeout)}
	}
}
