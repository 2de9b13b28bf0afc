package hmr

import "sync"

// holding is what Hub.Hold needs. Hub.mu guards it.
type holding struct {
	holds   int           // calls of Hold that are not released
	frames  []heldFrame   // in the order in which they came
	waiting map[*page]int // how many of frames each page has
}

// heldFrame is an event or request that waits for its handler.
type heldFrame struct {
	c  *page
	in *inbound
}

// mostHeld bounds the frames that wait for handlers. What comes beyond it is not held, and has no handler.
const mostHeld = 10_000

// Hold keeps events and requests that have no handler until release is called. Then they are handled in the order in
// which they came. It is for a server whose handlers are registered a little later than pages connect. At most 10,000
// frames are kept. Holds may overlap: the last release counts. A second call of release does nothing.
func (h *Hub) Hold() (release func()) {
	h.mu.Lock()
	h.holding.holds++
	h.mu.Unlock()
	return sync.OnceFunc(func() {
		for {
			f, ok := h.releaseOne()
			if !ok {
				return
			}
			h.handOut(f.c, f.in, true)
			h.mu.Lock()
			if h.holding.waiting[f.c]--; h.holding.waiting[f.c] == 0 {
				delete(h.holding.waiting, f.c)
			}
			h.mu.Unlock()
		}
	})
}

// releaseOne takes out the first held frame. It ends the hold, and returns false, when no frame is left or another hold
// has not been released.
func (h *Hub) releaseOne() (f heldFrame, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o := &h.holding
	if o.holds > 1 || len(o.frames) == 0 {
		o.holds--
		return heldFrame{}, false
	}
	f = o.frames[0]
	o.frames = o.frames[1:]
	return f, true
}

// hold keeps a frame and returns true, if there is a hold and the frame has no handler. It also keeps a frame that
// comes after a held frame of the same page. The caller holds mu.
func (h *Hub) hold(c *page, in *inbound, handled bool) bool {
	o := &h.holding
	if o.holds == 0 || handled && o.waiting[c] == 0 || len(o.frames) >= mostHeld {
		return false
	}
	if o.waiting == nil {
		o.waiting = map[*page]int{}
	}
	o.frames = append(o.frames, heldFrame{c, in})
	o.waiting[c]++
	return true
}
