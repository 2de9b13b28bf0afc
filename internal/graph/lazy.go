package graph

import (
	"maps"
	"slices"
)

// A lazy module is a barrel of a package without side effects: its re-exports require their module at first use. So what
// it needs depends on the names that its importers take. Module.asked collects these; each name that is new puts the
// edges to use that bring it, and only then it is found out where they lead (Module.lazyTo).

// firstUse is a number of lazy edges of a module's version that nobody has asked for before, and what is asked of them.
type firstUse struct {
	of    *Version
	edges []Edge
	names []string
	all   bool
}

// askLazy is Graph.ask for a lazy module; fresh tells that its version is followed for the first time. The caller holds
// Graph.mu.
func (m *Module) askLazy(d demand, fresh bool) (next []demand, first firstUse) {
	names, all := m.record(d, fresh)
	return m.onward(names, all, fresh)
}

// onward returns what the names ask of others. The caller holds Graph.mu.
func (m *Module) onward(names []string, all, fresh bool) (next []demand, first firstUse) {
	first = firstUse{of: m.good, names: names, all: all}
	for _, i := range m.following(names, all, fresh) {
		e := m.good.Edges[i]
		switch {
		case e.Lazy == nil && e.Star:
			next = append(next, demand{id: e.To, names: names, all: all})
		case e.Lazy == nil:
			if e.To != "" {
				next = append(next, demand{id: e.To, names: e.Names, all: e.All})
			}
		case m.lazyTo[e.Specifier] == "":
			first.edges = append(first.edges, e)
		default:
			next = append(next, e.demand(m.lazyTo[e.Specifier], names, all))
		}
	}
	return next, first
}

// use notes where a lazy edge leads that came into use, unless an edit has replaced the version that it is of.
func (g *Graph) use(id string, of *Version, e Edge, to string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.modules[id]
	if m.good != of || m.lazyTo[e.Specifier] != "" {
		return
	}
	if m.lazyTo == nil {
		m.lazyTo = map[string]string{}
	}
	g.changes++
	m.lazyTo[e.Specifier] = to
	g.node(to).importers[m]++
}

// grows tells whether the demand asks more of a lazy module than was asked before. The caller holds Graph.mu.
func (m *Module) grows(d demand) bool {
	if m.askedAll {
		return false
	}
	return d.all || slices.ContainsFunc(d.names, func(n string) bool { _, ok := m.asked[n]; return !ok })
}

// record adds names to those asked of a lazy module and returns those that are new, or all of them for a fresh version. The
// caller holds Graph.mu.
func (m *Module) record(d demand, fresh bool) (names []string, all bool) {
	if d.all {
		m.askedAll = true
	}
	if m.asked == nil {
		m.asked = map[string]struct{}{}
	}
	for _, n := range d.names {
		if _, known := m.asked[n]; !known {
			m.asked[n] = struct{}{}
			names = append(names, n)
		}
	}
	if !fresh {
		return names, d.all
	}
	return slices.Collect(maps.Keys(m.asked)), m.askedAll
}

// lazyIndex finds the edges of a lazy module by what is asked of it: a barrel has thousands, and hundreds of importers
// that each take a few.
type lazyIndex struct {
	of     *Version
	byName map[string][]int // lazy edges by the names that they export
	stars  []int            // what every new name concerns
}

// index returns the index of the module's good version. The caller holds Graph.mu.
func (m *Module) index() *lazyIndex {
	if m.lazy != nil && m.lazy.of == m.good {
		return m.lazy
	}
	m.lazy = &lazyIndex{of: m.good, byName: map[string][]int{}}
	for i, e := range m.good.Edges {
		switch {
		case e.Kind != Static:
		case e.Lazy != nil:
			for name := range e.Lazy {
				m.lazy.byName[name] = append(m.lazy.byName[name], i)
			}
		case e.Star:
			m.lazy.stars = append(m.lazy.stars, i)
		}
	}
	return m.lazy
}

// following returns the edges of a lazy module that lead on from the names asked, in their order. The caller holds
// Graph.mu.
func (m *Module) following(names []string, all, fresh bool) []int {
	index := m.index()
	edges := slices.Clone(index.stars)
	for _, n := range names {
		edges = append(edges, index.byName[n]...)
	}
	if fresh || all {
		for i, e := range m.good.Edges {
			if e.Kind == Static && (all && e.Lazy != nil || fresh && e.Lazy == nil) {
				edges = append(edges, i)
			}
		}
	}
	slices.Sort(edges)
	return slices.Compact(edges)
}

// demand translates what is asked of the importer into what is asked of the edge's target.
func (e Edge) demand(to string, names []string, all bool) demand {
	d := demand{id: to}
	for exported, imported := range e.Lazy {
		if imported == "*" {
			d.all = true
		} else if all || slices.Contains(names, exported) {
			d.names = append(d.names, imported)
		}
	}
	return d
}

// LazyDeps returns the lazy edges of a module that came into use: specifier -> ID. A page that has the module already is
// told these, see `$deps` in the client.
func (g *Graph) LazyDeps(id string) map[string]string {
	g.mu.RLock()
	defer g.mu.RUnlock()
	m := g.modules[id]
	if m == nil || len(m.lazyTo) == 0 {
		return nil
	}
	return maps.Clone(m.lazyTo)
}
