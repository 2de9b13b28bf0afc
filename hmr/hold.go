package hmr

import (
	"context"
	"sync"
)

// holding is what Hub.Hold needs. Hub.mu guards it.
type holding struct {
	holds    int           // calls of Hold that are not released
	released chan struct{} // closed when there is no hold any more; nil without a hold
}

// Hold keeps events, requests and messages of channels that have no handler until release is called. Then they are
// handled, those of one page in the order in which it sent them. It is for a server whose handlers are replaced, or
// registered a little later than pages connect. What waits for one page's handlers is bounded, and what does not fit
// waits in the page, so that nothing is lost. Holds may overlap: the last release counts. A second call of release does
// nothing.
func (h *Hub) Hold() (release func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.holding.holds++; h.holding.released == nil {
		h.holding.released = make(chan struct{})
	}
	return sync.OnceFunc(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.holding.holds--; h.holding.holds == 0 {
			close(h.holding.released)
			h.holding.released = nil
		}
	})
}

// held returns the channel that is closed when there is no hold any more, nil when there is none. The caller holds mu.
func (h *Hub) held() <-chan struct{} { return h.holding.released }

// awaitRelease waits until released is closed, and returns false when the context ends before.
func awaitRelease(ctx context.Context, released <-chan struct{}) bool {
	select {
	case <-released:
		return true
	case <-ctx.Done():
		return false
	}
}
