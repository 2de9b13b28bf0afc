package graph

// Entry is a module of a closure with the version and the dependencies that go into a pack.
type Entry struct {
	ID      string
	Version *Version
	// Deps are the imports in the order of the source, dynamic ones too, since the page looks them all up there.
	Deps []Dep
}

// Dep is an import as a page needs to know it.
type Dep struct {
	Specifier, ID string
	Kind          Kind
	// Uses tells what the importer takes, for targets that call acceptExports; nil otherwise, and when it cannot be told.
	Uses []string
}

// Closure lists what is statically reachable from roots in evaluation order (imports before importers), without what
// is reachable from have. Modules that never compiled are listed with their erroneous version.
func (g *Graph) Closure(roots, have []string) []Entry {
	g.mu.RLock()
	defer g.mu.RUnlock()
	seen := make(map[*Module]bool, len(g.modules))
	for _, id := range have {
		g.walk(id, seen, nil)
	}
	var list []Entry
	for _, id := range roots {
		g.walk(id, seen, func(m *Module, v *Version) { list = append(list, g.entry(m, v)) })
	}
	return list
}

// Walk visits the modules of a closure with their last versions, in the order of Closure. visit runs under the graph's
// lock.
func (g *Graph) Walk(roots []string, visit func(*Module, *Version)) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	seen := make(map[*Module]bool, len(g.modules))
	for _, id := range roots {
		g.walk(id, seen, func(m *Module, _ *Version) { visit(m, m.version) })
	}
}

// Entry returns the module as it goes into a pack or an update; ok is false when it never compiled.
func (g *Graph) Entry(id string) (e Entry, ok bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	m := g.modules[id]
	if m == nil || m.good == nil {
		return Entry{}, false
	}
	return g.entry(m, m.good), true
}

// entry makes the entry of a version. The caller holds mu.
func (g *Graph) entry(m *Module, v *Version) Entry {
	deps := make([]Dep, 0, len(v.Edges))
	for _, e := range v.Edges {
		to := g.target(m, e)
		if to == "" {
			continue
		}
		d := Dep{Specifier: e.Specifier, ID: to, Kind: e.Kind}
		if t := g.modules[to]; t != nil && t.good != nil && t.good.AcceptsExports && !e.All && !e.Star && e.Kind == Static {
			d.Uses = append([]string{}, e.Names...)
		}
		deps = append(deps, d)
	}
	return Entry{ID: m.ID, Version: v, Deps: deps}
}

// walk visits what is statically reachable from the module and not seen yet, imports before importers. The stack is its
// own, since import chains are as deep as a project makes them. The caller holds mu.
func (g *Graph) walk(id string, seen map[*Module]bool, visit func(*Module, *Version)) {
	type frame struct {
		m    *Module
		v    *Version
		next int
	}
	enter := func(id string) *frame {
		m := g.modules[id]
		if m == nil || seen[m] || m.version == nil {
			return nil
		}
		seen[m] = true
		return &frame{m: m, v: m.running()}
	}
	first := enter(id)
	if first == nil {
		return
	}
	stack := []*frame{first}
	for len(stack) > 0 {
		f := stack[len(stack)-1]
		if f.next == len(f.v.Edges) {
			if visit != nil {
				visit(f.m, f.v)
			}
			stack = stack[:len(stack)-1]
			continue
		}
		e := f.v.Edges[f.next]
		f.next++
		if e.Kind != Static {
			continue
		}
		if child := enter(g.target(f.m, e)); child != nil {
			stack = append(stack, child)
		}
	}
}

// running returns what pages run of a loaded module: its last version, or the last good one when that is broken. The caller
// holds Graph.mu.
func (m *Module) running() *Version {
	if m.version.Err != nil && m.good != nil {
		return m.good
	}
	return m.version
}
