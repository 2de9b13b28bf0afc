package hmr

import "slices"

// updateRing holds the last updates and reloads, for pages that load while an update is made. Hub.mu guards it.
type updateRing struct {
	seq   uint64 // number of the last update
	list  []ringUpdate
	bytes int
}

type ringUpdate struct {
	seq   uint64
	frame *frame
}

// Bounds of an updateRing. A page that needs an older update is asked for its revisions.
const (
	ringUpdates = 512
	ringBytes   = 16 << 20
)

// add stores the update with the ring's number. The newest update stays, however large it is.
func (r *updateRing) add(f *frame) {
	r.list = append(r.list, ringUpdate{r.seq, f})
	r.bytes += len(f.text)
	for len(r.list) > ringUpdates || r.bytes > ringBytes && len(r.list) > 1 {
		r.bytes -= len(r.list[0].frame.text)
		r.list = slices.Delete(r.list, 0, 1)
	}
}

// holdsAllAfter reports whether no update after that number is missing.
func (r *updateRing) holdsAllAfter(seq uint64) bool {
	return seq >= r.seq || len(r.list) > 0 && r.list[0].seq <= seq+1
}

// Seq returns the number of the last update, 0 before the first.
func (h *Hub) Seq() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.updates.seq
}

// catchUp queues what a new session needs first. These are the updates after the one that its page was loaded with, or
// the question for its revisions. What FirstPayloads returns comes after that. A client that names no epoch or no
// update gets no updates. The caller holds mu.
func (h *Hub) catchUp(c *page, epoch string, seq uint64, hasSeq bool) {
	switch {
	case !hasSeq || epoch == "":
	case epoch != h.o.Epoch || !h.updates.holdsAllAfter(seq):
		if f, err := newFrame(&NeedRevisions{}); err == nil {
			c.send(f)
		}
	default:
		for _, u := range h.updates.list {
			if u.seq > seq {
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
