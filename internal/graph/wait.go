package graph

import (
	"context"
	"fmt"
)

// LoadFor is Load for the loader of another module. waiting is that other module, "" when no module waits. LoadFor
// returns an error when the module waits for waiting itself: neither would ever be loaded.
func (g *Graph) LoadFor(ctx context.Context, waiting, id string) (*Version, error) {
	if waiting == "" {
		return g.Load(ctx, id), nil
	}
	g.mu.Lock()
	if v := g.loaded(id); v != nil {
		g.mu.Unlock()
		return v, nil
	}
	if g.waitsFor(id, waiting) {
		g.mu.Unlock()
		return nil, fmt.Errorf("load %q: it waits for %q, which would wait for it", id, waiting)
	}
	if g.waits[waiting] == nil {
		g.waits[waiting] = map[string]int{}
	}
	g.waits[waiting][id]++
	g.mu.Unlock()
	v := g.Load(ctx, id)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waits[waiting][id]--; g.waits[waiting][id] == 0 {
		delete(g.waits[waiting], id)
	}
	if len(g.waits[waiting]) == 0 {
		delete(g.waits, waiting)
	}
	return v, nil
}

// waitsFor reports whether the loading of a module waits for another module, which may be itself. The caller holds mu.
// Nothing waits in a circle so far, so that the search ends.
func (g *Graph) waitsFor(id, other string) bool {
	if id == other {
		return true
	}
	for next := range g.waits[id] {
		if g.waitsFor(next, other) {
			return true
		}
	}
	return false
}

// Settle waits until no module is being compiled and no Crawl runs, or ctx ends.
func (g *Graph) Settle(ctx context.Context) error { return g.busy.Idle(ctx) }
