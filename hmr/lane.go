package hmr

import "sync"

// lane runs the handlers of one page and group one after the other. Its goroutine lives while there is work. What waits
// in a page's lanes is bounded for all of them together, see inbound.go.
type lane struct {
	mu      sync.Mutex
	work    []work
	running bool
}

// work is a handler to run, for the frame in if there is one.
type work struct {
	run func()
	in  *inbound
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
	refusedLane   // what no handler gets, for the page to hear of it
	unclaimedLane // frames without a handler that are held, see Hold
	roomsLane     // hooks of rooms, and of users that change
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

// add gives work to the lane. in is the frame that the work is about, nil without one.
func (l *lane) add(h *Hub, in *inbound, run func()) {
	if in != nil {
		in.refs.Add(1)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.work = append(l.work, work{run, in})
	if !l.running {
		l.running = true
		h.handlers.run(func() { l.run(h) })
	}
}

// run works until there is no work.
func (l *lane) run(h *Hub) {
	for {
		list := l.take()
		if list == nil {
			return
		}
		for i, w := range list {
			list[i] = work{}        // what has been handled is not kept until the rest is
			if h.ctx.Err() == nil { // a closed hub drops the rest
				w.run()
			}
			if w.in != nil {
				w.in.release()
			}
		}
	}
}

// take returns all work, or nil when there is none: then the lane does not run any more.
func (l *lane) take() (list []work) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list, l.work = l.work, nil
	l.running = list != nil
	return list
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

// run calls f in a goroutine that is counted.
func (c *counter) run(f func()) {
	c.add(1)
	go func() {
		defer c.add(-1)
		f()
	}()
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
