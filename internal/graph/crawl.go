package graph

import (
	"context"
	"maps"
	"slices"
	"sort"
	"sync"
)

// Crawl loads everything that is statically reachable from the given modules. It returns the IDs that were loaded for
// the first time, sorted, with the modules that have an error; Broken lists those. Modules that were crawled before are
// not followed again, so that Crawl costs only the new modules. When ctx ends, Crawl loads no further module.
func (g *Graph) Crawl(ctx context.Context, ids ...string) []string {
	defer g.busy.Begin()()
	if !g.crawling.TryLock() {
		if g.crawlDone(ids) {
			return nil
		}
		g.crawling.Lock()
	}
	defer g.crawling.Unlock()
	c := &crawl{g: g, ctx: ctx}
	c.wake.L = &c.mu
	for _, id := range ids {
		if d := (demand{id: id, all: true}); !g.satisfied(d) {
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

// demand is a module to visit, with the names that an importer wants of it.
type demand struct {
	id    string
	names []string
	all   bool
}

// crawl is the state of one Crawl. Its workers take from one queue: with a goroutine for each module, thousands would
// wait.
type crawl struct {
	g   *Graph
	ctx context.Context

	mu    sync.Mutex
	wake  sync.Cond // the queue got longer, or the last worker finished
	queue []demand
	busy  int // workers that may still add to the queue
	fresh []string
}

// work visits the demands in the queue until it is empty and no worker can add to it.
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

// visit loads the module, if needed, and returns the demands that follow from it.
func (c *crawl) visit(d demand) (next []demand, loaded bool) {
	if c.ctx.Err() != nil {
		return nil, false
	}
	if c.g.Version(d.id) == nil {
		c.g.Load(c.ctx, d.id)
		loaded = true
	}
	next = slices.DeleteFunc(c.follow(d), c.g.satisfied)
	return next, loaded
}

// satisfied reports whether the module was crawled and the demand wants no new name of it.
func (g *Graph) satisfied(d demand) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	m := g.modules[d.id]
	return m != nil && m.version != nil && m.crawled && (m.good == nil || !m.good.Lazy || !m.grows(d))
}

// follow records the demand and returns the demands that follow from it. It resolves lazy edges that come into use.
func (c *crawl) follow(d demand) []demand {
	next, first := c.g.expand(d)
	for _, e := range first.edges {
		to, err := c.g.loader.Resolve(c.ctx, e.Specifier, d.id)
		if err != nil {
			c.g.lack(d.id, first.of, e)
			continue // the getter in the page throws at its first use, with the name of the specifier
		}
		c.g.use(d.id, first.of, e, to)
		next = append(next, e.demand(to, first.names, first.all))
	}
	return next
}

// expand records the demand and returns the demands that follow from it. first holds the lazy edges that still have to
// be resolved.
func (g *Graph) expand(d demand) (next []demand, first firstUse) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.modules[d.id]
	if m == nil || m.good == nil || m.crawled && !(m.good.Lazy && m.grows(d)) {
		return nil, firstUse{}
	}
	fresh := !m.crawled
	m.crawled = true
	if m.good.Lazy {
		return m.expandLazy(d, fresh)
	}
	return m.good.demands(), firstUse{}
}

// demands returns the demands of a version that is not lazy.
func (v *Version) demands() (next []demand) {
	for _, e := range v.Edges {
		if e.Kind == Static && e.To != "" {
			next = append(next, demand{id: e.To, names: e.Names, all: e.All || e.Star})
		}
	}
	return next
}

// crawlDone reports whether everything that the modules reach is loaded, and then marks it as crawled. So they need not
// wait for a running Crawl. It may hang on a module that they do not need, such as one of a slow plugin.
func (g *Graph) crawlDone(ids []string) bool {
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
			names := slices.Collect(maps.Keys(m.wantedNames))
			if next, first = m.demandsFor(names, m.wantedAll, true); len(first.edges) > 0 {
				return false // the running Crawl resolves them
			}
		}
		queue = append(queue, next...)
	}
	for m := range seen {
		m.crawled = true
	}
	return true
}
