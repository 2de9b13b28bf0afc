package graph

// Entry is a module in a pack or an update, with its version and its dependencies.
type Entry struct {
	ID      string
	Version *Version
	// Deps are the imports in the order of the source, dynamic imports too: the page looks up all of them here.
	Deps []Dep
}

// Dep is an import in the form for pages.
type Dep struct {
	Specifier, ID string
	Kind          Kind
	// Uses lists the names that the importer uses of a target that calls acceptExports. It is nil for other targets,
	// and when the names are unknown.
	Uses []string
}

// Closure lists the modules that are statically reachable from roots and not from have, in evaluation order (imports
// before importers). A module that never compiled is listed with its broken version.
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

// Walk visits the modules that are statically reachable from roots with their last versions, in the order of Closure.
// visit runs under the graph's lock.
func (g *Graph) Walk(roots []string, visit func(*Module, *Version)) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	seen := make(map[*Module]bool, len(g.modules))
	for _, id := range roots {
		g.walk(id, seen, func(m *Module, _ *Version) { visit(m, m.version) })
	}
}

// Entry returns the module's entry for a pack or an update. ok is false when the module never compiled.
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
		if t := g.modules[to]; t != nil && t.good != nil && t.good.AcceptsExports && !e.All && !e.Star && e.Lazy == nil && e.Kind == Static {
			d.Uses = append([]string{}, e.Names...)
		}
		deps = append(deps, d)
	}
	return Entry{ID: m.ID, Version: v, Deps: deps}
}

// walk visits the modules that are statically reachable from the module and not seen yet, imports before importers. It
// keeps a stack of its own, since an import chain may be thousands of modules deep. The caller holds mu.
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

// running returns the version of a loaded module that pages run: the last version, or if it is broken the last good
// one. The caller holds Graph.mu.
func (m *Module) running() *Version {
	if m.version.Err != nil && m.good != nil {
		return m.good
	}
	return m.version
}
