package hmr

import (
	"sync"
	"time"
)

// lane runs the handlers of one page and group one after the other. Its goroutine lives while there is work.
type lane struct {
	mu      sync.Mutex
	work    []func()
	running bool
}

func (h *Hub) lane(c *Client, group string) *lane {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lanes[group]
	if l == nil {
		l = &lane{}
		c.lanes[group] = l
	}
	return l
}

// laneLimit bounds the events of a page that wait for a slow group; the reader waits then, and with it the page, whose
// own bounded queue says so.
const laneLimit = 10_000

func (l *lane) add(h *Hub, fn func()) {
	for {
		l.mu.Lock()
		if len(l.work) < laneLimit {
			break
		}
		l.mu.Unlock()
		select {
		case <-time.After(time.Millisecond):
		case <-h.ctx.Done():
			return
		}
	}
	defer l.mu.Unlock()
	l.work = append(l.work, fn)
	if !l.running {
		l.running = true
		go l.run()
	}
}

func (l *lane) run() {
	for {
		l.mu.Lock()
		if len(l.work) == 0 {
			l.running = false
			l.mu.Unlock()
			return
		}
		work := l.work
		l.work = nil
		l.mu.Unlock()
		for _, fn := range work {
			fn()
		}
	}
}
