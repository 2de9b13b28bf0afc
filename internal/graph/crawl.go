package graph

import (
	"context"
	"maps"
	"slices"
	"sort"
	"sync"
)

// Crawl loads everything that is statically reachable from the given modules and returns the IDs that were loaded
// for the first time, sorted. Modules that fail are part of the result; Broken tells them. What was crawled before is
// not walked again, so that the cost is that of what is new. When ctx ends, what has not been loaded is left.
func (g *Graph) Crawl(ctx context.Context, ids ...string) []string {
	if !g.crawling.TryLock() {
		if g.settle(ids) {
			return nil
		}
		g.crawling.Lock()
	}
	defer g.crawling.Unlock()
	c := &crawl{g: g, ctx: ctx}
	c.wake.L = &c.mu
	for _, id := range ids {
		if d := (demand{id: id, all: true}); !g.settled(d) {
			c.queue = append(c.queue, d)
		}
	}
	if len(c.queue) > 0 {
		var workers sync.WaitGroup
		for range g.workers {
			workers.Go(c.work)
		}
		workers.Wait()
	}
	sort.Strings(c.fresh)
	return slices.Compact(c.fresh)
}

// demand is a module to visit and the names asked of it.
type demand struct {
	id    string
	names []string
	all   bool
}

// crawl is what one Crawl still has to visit. Its workers take from one list: a goroutine for each module would wait by
// the thousands.
type crawl struct {
	g   *Graph
	ctx context.Context

	mu    sync.Mutex
	wake  sync.Cond // the queue got longer, or the last worker finished
	queue []demand
	busy  int // workers that may still add to the queue
	fresh []string
}

// work visits what is in the queue until it is empty and nobody can add to it.
func (c *crawl) work() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		for len(c.queue) == 0 {
			if c.busy == 0 {
				c.wake.Broadcast()
				return
			}
			c.wake.Wait()
		}
		d := c.queue[len(c.queue)-1]
		c.queue = c.queue[:len(c.queue)-1]
		c.busy++
		c.mu.Unlock()
		next, loaded := c.visit(d)
		c.mu.Lock()
		c.busy--
		c.queue = append(c.queue, next...)
		if loaded {
			c.fresh = append(c.fresh, d.id)
		}
		if len(next) > 0 || c.busy == 0 {
			c.wake.Broadcast()
		}
	}
}

// visit loads the module, if needed, and returns what to go on to.
func (c *crawl) visit(d demand) (next []demand, loaded bool) {
	if c.ctx.Err() != nil {
		return nil, false
	}
	if c.g.Version(d.id) == nil {
		c.g.Load(c.ctx, d.id)
		loaded = true
	}
	next = slices.DeleteFunc(c.follow(d), c.g.settled)
	return next, loaded
}

// settled tells whether the module was crawled and nothing new is asked of it.
func (g *Graph) settled(d demand) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	m := g.modules[d.id]
	return m != nil && m.version != nil && m.crawled && (m.good == nil || !m.good.Lazy || !m.grows(d))
}

// follow records what is asked of the module and returns what that makes it ask of others.
func (c *crawl) follow(d demand) []demand {
	next, first := c.g.ask(d)
	for _, e := range first.edges {
		to, err := c.g.loader.Resolve(c.ctx, e.Specifier, d.id)
		if err != nil {
			continue // the getter throws when the page asks for it, with the name of the specifier
		}
		c.g.use(d.id, first.of, e, to)
		next = append(next, e.demand(to, first.names, first.all))
	}
	return next
}

// ask records what is asked of the module, and returns what it asks of others for that: those that are known, and the
// lazy edges of which it must be found out where they lead.
func (g *Graph) ask(d demand) (next []demand, first firstUse) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.modules[d.id]
	if m == nil || m.good == nil || m.crawled && !(m.good.Lazy && m.grows(d)) {
		return nil, firstUse{}
	}
	fresh := !m.crawled
	m.crawled = true
	if m.good.Lazy {
		return m.askLazy(d, fresh)
	}
	return m.good.demands(), firstUse{}
}

// demands is what a version that is not lazy asks of others.
func (v *Version) demands() (next []demand) {
	for _, e := range v.Edges {
		if e.Kind == Static && e.To != "" {
			next = append(next, demand{id: e.To, names: e.Names, all: e.All || e.Star})
		}
	}
	return next
}

// settle is Crawl for modules of which all that they reach is loaded, and tells whether that is so. The Crawl that runs may
// wait for one that these do not need, such as a module of a plugin that takes its time.
func (g *Graph) settle(ids []string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	seen := map[*Module]bool{}
	var queue []demand
	for _, id := range ids {
		queue = append(queue, demand{id: id, all: true})
	}
	for len(queue) > 0 {
		d := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		m := g.modules[d.id]
		if m == nil || m.version == nil || m.good != nil && m.good.Lazy && (!m.crawled || m.grows(d)) {
			return false
		}
		if seen[m] || m.good == nil {
			continue
		}
		seen[m] = true
		next := m.good.demands()
		if m.good.Lazy {
			var first firstUse
			if next, first = m.onward(slices.Collect(maps.Keys(m.asked)), m.askedAll, true); len(first.edges) > 0 {
				return false // it is being found out where they lead
			}
		}
		queue = append(queue, next...)
	}
	for m := range seen {
		m.crawled = true
	}
	return true
}
