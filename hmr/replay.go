package hmr

import (
	"slices"
)

type ringUpdate struct {
	seq   uint64
	frame *frame
}

const (
	ringUpdates = 512
	ringBytes   = 16 << 20
)

// Seq is the number of the last update.
func (h *Hub) Seq() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seq
}

// remember keeps the update in a bounded ring. The caller holds mu.
func (h *Hub) remember(seq uint64, f *frame) {
	h.ring = append(h.ring, ringUpdate{seq, f})
	h.ringSize += len(f.text)
	for len(h.ring) > ringUpdates || h.ringSize > ringBytes && len(h.ring) > 1 {
		h.ringSize -= len(h.ring[0].frame.text)
		h.ring = slices.Delete(h.ring, 0, 1)
	}
}

// welcome queues what a new session must know: the updates since its page was made, or that nobody can tell. The caller
// holds mu.
func (h *Hub) welcome(c *Client, epoch string, since uint64, told bool) {
	switch {
	case !told || epoch == "" || epoch == h.o.Epoch && since >= h.seq:
	case epoch != h.o.Epoch || len(h.ring) == 0 || h.ring[0].seq > since+1:
		if f, err := newFrame(&NeedRevisions{}); err == nil {
			c.send(f)
		}
	default:
		for _, u := range h.ring {
			if u.seq > since {
				c.send(u.frame)
			}
		}
	}
	if h.hooks.first == nil {
		return
	}
	for _, p := range h.hooks.first() {
		if f, err := newFrame(p); err == nil {
			c.send(f)
		}
	}
}
