package graph

import (
	"context"
	"slices"
	"sync"

	"github.com/seed-b8174343/devserver/internal/parallel"
)

// Loader compiles modules for the graph. Its methods are called concurrently. Load may load further modules by
// Graph.LoadFor.
type Loader interface {
	// Load compiles the module. It returns an error in Version.Err, and never a nil Version.
	Load(ctx context.Context, id string) *Version
	// Resolve follows a lazy edge of the module with the given ID.
	Resolve(ctx context.Context, specifier, importer string) (id string, err error)
	// File returns the path on disk of a module, or "".
	File(id string) string
}

// Graph is the module graph. Use New.
type Graph struct {
	loader  Loader
	workers int

	// crawling lets one Crawl run at a time, so that a second Crawl never finds the first one's work half done.
	// It is locked before mu.
	crawling sync.Mutex

	mu      sync.RWMutex
	modules map[string]*Module
	// byFile finds the modules of a file; a file can be several modules, such as x.css and x.css?raw.
	byFile map[string][]*Module
	// byInput finds the modules that were made from a file besides their own.
	byInput map[string]map[*Module]struct{}
	// loading holds a channel for each module that is compiled for the first time; it is closed after that.
	loading map[string]chan struct{}
	// waits holds the modules whose first compilation waits for other modules, and those.
	waits   map[string]map[string]int
	busy    parallel.Busy        // Crawl, Load and Reload that compile
	globs   map[*Module]struct{} // modules that list files by pattern
	broken  map[*Module]struct{} // modules whose last version has an error
	missing map[*Module]struct{} // modules with an import that did not resolve
	lacking map[*Module]struct{} // modules with Lacks, or with a lazy edge that led nowhere
	// changes counts the changes that may change a closure.
	changes uint64
	// programs counts the imports of kind Worker, and the modules that ran as programs.
	programs int
}

// New returns an empty graph. It compiles with loader, at most workers modules at once.
func New(loader Loader, workers int) *Graph {
	return &Graph{
		loader:  loader,
		workers: max(1, workers),
		modules: map[string]*Module{},
		byFile:  map[string][]*Module{},
		byInput: map[string]map[*Module]struct{}{},
		loading: map[string]chan struct{}{},
		waits:   map[string]map[string]int{},
		globs:   map[*Module]struct{}{},
		broken:  map[*Module]struct{}{},
		missing: map[*Module]struct{}{},
		lacking: map[*Module]struct{}{},
	}
}

// Load returns the module's version, and compiles the module when it has none. Concurrent calls for one module compile
// it once.
func (g *Graph) Load(ctx context.Context, id string) *Version {
	for {
		g.mu.Lock()
		if v := g.loaded(id); v != nil {
			g.mu.Unlock()
			return v
		}
		wait, busy := g.loading[id]
		if !busy {
			g.loading[id] = make(chan struct{})
		}
		g.mu.Unlock()
		if !busy {
			return g.loadFirst(ctx, id)
		}
		<-wait
	}
}

// loaded returns the module's version, nil when the module was never loaded. The caller holds mu.
func (g *Graph) loaded(id string) *Version {
	if m := g.modules[id]; m != nil {
		return m.version
	}
	return nil
}

// loadFirst compiles a module that has no version, and wakes the calls of Load that wait for it.
func (g *Graph) loadFirst(ctx context.Context, id string) *Version {
	defer g.busy.Begin()()
	v := g.loader.Load(ctx, id)
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.loading[id])
	delete(g.loading, id)
	if m := g.modules[id]; m != nil && m.version != nil {
		return m.version // Reload has stored the version of an edit meanwhile
	}
	g.put(id, v)
	return v
}

// Reload compiles the module again. It returns the new version and the version before, which is nil for a new module.
func (g *Graph) Reload(ctx context.Context, id string) (now, before *Version) {
	defer g.busy.Begin()()
	now = g.loader.Load(ctx, id)
	g.mu.Lock()
	defer g.mu.Unlock()
	if m := g.modules[id]; m != nil {
		before = m.version
	}
	if before != nil && before.Rev == now.Rev && before.Err == nil && now.Err == nil {
		// The code is the same. Store the rest, which may differ (the file's state, its inputs), but keep the lazy
		// edges and wanted names.
		g.changes++
		m := g.modules[id]
		m.version, m.good = now, now
		g.index(m, before, now)
		if len(m.lazyLacks) > 0 { // the next Crawl looks for them again
			m.lazyLacks, m.crawled = nil, false
		}
		return now, before
	}
	g.put(id, now)
	return now, before
}

// Remove forgets the version of a module whose file is gone. Importers keep their edge, so that a file that comes back
// is found.
func (g *Graph) Remove(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.modules[id]
	if m == nil || m.version == nil {
		return
	}
	g.changes++
	g.index(m, m.version, nil)
	g.link(m, m.good, nil) // a broken module has the edges of its last good version
	m.version, m.good = nil, nil
}

// NoteProgram notes that a page runs the module as a program of its own: a worker or a worklet.
func (g *Graph) NoteProgram(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if m := g.node(id); !m.program {
		m.program = true
		g.programs++
	}
}

// put stores a version. The caller holds mu.
func (g *Graph) put(id string, v *Version) {
	g.changes++
	m := g.node(id)
	before := m.version
	if v.Err != nil && m.good != nil { // what failed may not know all that it follows from, and one of these may fix it
		v.Inputs = slices.Concat(v.Inputs, m.good.Inputs)
		v.Globs = slices.Concat(v.Globs, m.good.Globs)
		v.InputGlobs = slices.Concat(v.InputGlobs, m.good.InputGlobs)
	}
	g.index(m, before, v)
	// A broken module keeps the edges of its last good version, which pages keep running.
	if v.Err == nil {
		g.link(m, m.good, v)
		m.good = v
	}
	m.version = v
	m.crawled = false
}

// node returns the module with the ID, and creates it when needed. The caller holds mu.
func (g *Graph) node(id string) *Module {
	m := g.modules[id]
	if m == nil {
		m = &Module{ID: id, File: g.loader.File(id), importers: map[*Module]int{}}
		g.modules[id] = m
		if m.File != "" {
			g.byFile[m.File] = append(g.byFile[m.File], m)
		}
	}
	return m
}

// index updates byInput, globs, broken, missing and lacking when the module's version changes from before to now. The
// caller holds mu.
func (g *Graph) index(m *Module, before, now *Version) {
	if before != nil {
		for _, in := range before.Inputs {
			delete(g.byInput[in], m)
			if len(g.byInput[in]) == 0 {
				delete(g.byInput, in)
			}
		}
	}
	delete(g.globs, m)
	delete(g.broken, m)
	delete(g.missing, m)
	delete(g.lacking, m)
	if now == nil {
		return
	}
	for _, in := range now.Inputs {
		if g.byInput[in] == nil {
			g.byInput[in] = map[*Module]struct{}{}
		}
		g.byInput[in][m] = struct{}{}
	}
	if len(now.Globs)+len(now.InputGlobs) > 0 {
		g.globs[m] = struct{}{}
	}
	if now.Err != nil {
		g.broken[m] = struct{}{}
	}
	if now.Missing {
		g.missing[m] = struct{}{}
	}
	if len(now.Lacks) > 0 {
		g.lacking[m] = struct{}{}
	}
}

// link replaces the module's outgoing edges of before by the edges of now. The caller holds mu.
func (g *Graph) link(m *Module, before, now *Version) {
	if before != nil {
		for _, e := range before.Edges {
			if e.Kind == Worker {
				g.programs--
			}
			if to := g.modules[g.target(m, e)]; to != nil {
				if to.importers[m]--; to.importers[m] <= 0 {
					delete(to.importers, m)
				}
			}
		}
	}
	m.lazyTo, m.lazyLacks = nil, nil
	if now == nil {
		return
	}
	for _, e := range now.Edges {
		if e.Kind == Worker {
			g.programs++
		}
		if e.To != "" {
			g.node(e.To).importers[m]++
		}
	}
}

// target returns the ID that the edge of m leads to. It returns "" for an unresolved import, and for a lazy edge that
// is not in use. The caller holds mu.
func (g *Graph) target(m *Module, e Edge) string {
	if e.Lazy != nil {
		return m.lazyTo[e.Specifier]
	}
	return e.To
}
