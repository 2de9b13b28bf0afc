package hmr

import (
	"context"
	"sync"
)

// lane runs the handlers of one page and group one after the other. Its goroutine lives while there is work.
type lane struct {
	mu      sync.Mutex
	work    []func()
	running bool
	room    chan struct{} // closed when work is taken; nil when nobody waits for that
}

// laneKey names a lane of a page. name is the group, or the ID of the channel.
type laneKey struct {
	kind laneKind
	name string
}

type laneKind int

const (
	groupLane laneKind = iota
	channelLane
	roomsLane // hooks of rooms, and of users that change
	revisionsLane
)

func (h *Hub) lane(c *page, kind laneKind, name string) *lane {
	key := laneKey{kind, name}
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lanes[key]
	if l == nil {
		l = &lane{}
		c.lanes[key] = l
	}
	return l
}

// laneLimit bounds the work of a lane that waits. Beyond it the page's reader waits, and with it the page: the page's
// own queue is bounded and says when it is full.
const laneLimit = 10_000

// add gives work to the lane. While the lane is full, add waits until it takes work. When the hub closes meanwhile, the
// work is dropped.
func (l *lane) add(h *Hub, fn func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.work) >= laneLimit {
		if !l.awaitRoom(h.ctx) {
			return
		}
	}
	l.work = append(l.work, fn)
	if !l.running {
		l.running = true
		h.handlers.add(1)
		go l.run(h)
	}
}

// awaitRoom waits until the lane takes work, and returns false when the context has ended. The caller holds mu, which
// is released meanwhile.
func (l *lane) awaitRoom(ctx context.Context) bool {
	if l.room == nil {
		l.room = make(chan struct{})
	}
	room := l.room
	l.mu.Unlock()
	defer l.mu.Lock()
	select {
	case <-room:
		return true
	case <-ctx.Done():
		return false
	}
}

// run works until there is no work.
func (l *lane) run(h *Hub) {
	defer h.handlers.add(-1)
	for {
		work := l.take()
		if work == nil {
			return
		}
		for _, fn := range work {
			fn()
		}
	}
}

// take returns all work and makes room, or nil when there is no work: then the lane does not run any more.
func (l *lane) take() (work []func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	work, l.work = l.work, nil
	l.running = work != nil
	if l.room != nil {
		close(l.room)
		l.room = nil
	}
	return work
}

// counter counts goroutines. Unlike a sync.WaitGroup it may rise from zero while Close waits: handlers may be
// registered, and held events released, at any time.
type counter struct {
	mu   sync.Mutex
	n    int
	zero chan struct{} // closed when n is zero again; nil when nobody waits
}

func (c *counter) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n += n; c.n == 0 && c.zero != nil {
		close(c.zero)
		c.zero = nil
	}
}

// none returns a channel that is closed once nothing is counted.
func (c *counter) none() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	zero := c.zero
	if zero == nil {
		zero = make(chan struct{})
		if c.n == 0 {
			close(zero)
		} else {
			c.zero = zero
		}
	}
	return zero
}
