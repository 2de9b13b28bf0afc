package hmr

import (
	"sync"
)

// heldFrame is an event or request that waits for its handler.
type heldFrame struct {
	c  *Client
	in *incoming
}

// mostHeld bounds what waits for handlers; beyond it nobody handles it.
const mostHeld = 10_000

// Hold keeps events and requests that have no handler until release is called, when they are handled in order: for a
// server whose handlers come a little later than its pages.
func (h *Hub) Hold() (release func()) {
	h.mu.Lock()
	h.holds++
	h.mu.Unlock()
	return sync.OnceFunc(func() {
		for {
			h.mu.Lock()
			if h.holds > 1 || len(h.held) == 0 {
				h.holds--
				h.mu.Unlock()
				return
			}
			f := h.held[0]
			h.held = h.held[1:]
			h.mu.Unlock()
			h.handOut(f.c, f.in, true)
			h.mu.Lock()
			if h.waiting[f.c]--; h.waiting[f.c] == 0 {
				delete(h.waiting, f.c)
			}
			h.mu.Unlock()
		}
	})
}

// hold keeps a frame that has no handler, or comes behind one of the same page that is kept, when somebody has asked
// for it. The caller holds mu.
func (h *Hub) hold(c *Client, in *incoming, handled bool) bool {
	if h.holds == 0 || handled && h.waiting[c] == 0 || len(h.held) >= mostHeld {
		return false
	}
	h.held = append(h.held, heldFrame{c, in})
	h.waiting[c]++
	return true
}
