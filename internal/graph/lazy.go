package graph

import (
	"maps"
	"slices"
)

// A lazy module is a barrel of a package without side effects: its re-exports require their module at first use. So the
// modules that it needs depend on the names that its importers use. Module.wantedNames collects these names. A new name
// brings the edges that export it into use. Only then the edges are resolved (Module.lazyTo).

// firstUse holds the lazy edges of a module's version that come into use for the first time, with the wanted names.
type firstUse struct {
	of    *Version
	edges []Edge
	names []string
	all   bool
}

// expandLazy is Graph.expand for a lazy module. fresh means that its version is followed for the first time. The caller
// holds Graph.mu.
func (m *Module) expandLazy(d demand, fresh bool) (next []demand, first firstUse) {
	names, all := m.record(d, fresh)
	return m.demandsFor(names, all, fresh)
}

// demandsFor returns the demands that follow from the wanted names. The caller holds Graph.mu.
func (m *Module) demandsFor(names []string, all, fresh bool) (next []demand, first firstUse) {
	first = firstUse{of: m.good, names: names, all: all}
	for _, i := range m.edgesFor(names, all, fresh) {
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

// use stores the target of a lazy edge that came into use, unless an edit has replaced the edge's version.
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

// lack notes that a lazy edge came into use and led nowhere, unless an edit has replaced the edge's version.
func (g *Graph) lack(id string, of *Version, e Edge) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.modules[id]
	if m.good != of {
		return
	}
	if m.lazyLacks == nil {
		m.lazyLacks = map[string]struct{}{}
	}
	m.lazyLacks[e.Specifier] = struct{}{}
	g.lacking[m] = struct{}{}
}

// grows reports whether the demand wants a name of a lazy module that nobody wanted before. The caller holds Graph.mu.
func (m *Module) grows(d demand) bool {
	if m.wantedAll {
		return false
	}
	return d.all || slices.ContainsFunc(d.names, func(n string) bool { _, ok := m.wantedNames[n]; return !ok })
}

// record adds the demand's names to the wanted names of a lazy module. It returns the new names, or for a fresh version
// all wanted names. The caller holds Graph.mu.
func (m *Module) record(d demand, fresh bool) (names []string, all bool) {
	if d.all {
		m.wantedAll = true
	}
	if m.wantedNames == nil {
		m.wantedNames = map[string]struct{}{}
	}
	for _, n := range d.names {
		if _, known := m.wantedNames[n]; !known {
			m.wantedNames[n] = struct{}{}
			names = append(names, n)
		}
	}
	if !fresh {
		return names, d.all
	}
	return slices.Collect(maps.Keys(m.wantedNames)), m.wantedAll
}

// lazyIndex finds the edges of a lazy module by name. A barrel has thousands of edges, and hundreds of importers that
// each use a few.
type lazyIndex struct {
	of     *Version
	byName map[string][]int // lazy edges by the names that they export
	stars  []int            // star edges, which every new name passes through
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

// edgesFor returns the edges of a lazy module that the wanted names bring into use, in the edges' order. The caller
// holds Graph.mu.
func (m *Module) edgesFor(names []string, all, fresh bool) []int {
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

// demand translates the names that are wanted of the importer into the demand on the edge's target.
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

// LazyDeps returns the lazy edges of a module that are in use: specifier -> ID. A page that already has the module gets
// them in an update, see `$deps` in the client.
func (g *Graph) LazyDeps(id string) map[string]string {
	g.mu.RLock()
	defer g.mu.RUnlock()
	m := g.modules[id]
	if m == nil || len(m.lazyTo) == 0 {
		return nil
	}
	return maps.Clone(m.lazyTo)
}
