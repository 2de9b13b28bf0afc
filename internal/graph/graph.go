package graph

import (
	"context"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
)

// Loader compiles modules for the graph. Its methods are called concurrently and must not call back into the graph.
type Loader interface {
	// Load compiles the module. What goes wrong is told by Version.Err, never by a nil Version.
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

	// crawling lets one Crawl run at a time, so that a second one never finds the first one's work half done.
	// Taken before mu.
	crawling sync.Mutex

	mu      sync.RWMutex
	modules map[string]*Module
	// byFile finds the modules of a file (a file can be several: x.css and x.css?raw); byInput those made from it too.
	byFile  map[string][]*Module
	byInput map[string]map[*Module]struct{}
	loading map[string]chan struct{}
	globs   map[*Module]struct{}
	broken  map[*Module]struct{}
	// changes counts what may change a closure.
	changes uint64
	// workerEdges counts the imports of kind Worker.
	workerEdges int
}

// New returns an empty graph that compiles with loader, at most workers modules at once.
func New(loader Loader, workers int) *Graph {
	return &Graph{
		loader:  loader,
		workers: max(1, workers),
		modules: map[string]*Module{},
		byFile:  map[string][]*Module{},
		byInput: map[string]map[*Module]struct{}{},
		loading: map[string]chan struct{}{},
		globs:   map[*Module]struct{}{},
		broken:  map[*Module]struct{}{},
	}
}

// Module returns the node with the given ID, or nil.
func (g *Graph) Module(id string) *Module {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.modules[id]
}

// Version returns what the module compiled to last, or nil when it was never loaded.
func (g *Graph) Version(id string) *Version {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if m := g.modules[id]; m != nil {
		return m.version
	}
	return nil
}

// Good returns the last version of the module that compiled, or nil.
func (g *Graph) Good(id string) *Version {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if m := g.modules[id]; m != nil {
		return m.good
	}
	return nil
}

// Changes returns a number that is another one whenever Closure may return something else.
func (g *Graph) Changes() uint64 {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.changes
}

// IDs returns the IDs of all modules, sorted.
func (g *Graph) IDs() []string {
	g.mu.RLock()
	defer g.mu.RUnlock()
	ids := make([]string, 0, len(g.modules))
	for id, m := range g.modules {
		if m.version != nil {
			ids = append(ids, id)
		}
	}
	sort.Strings(ids)
	return ids
}

// Importers returns the IDs of the modules that import id, sorted.
func (g *Graph) Importers(id string) []string {
	g.mu.RLock()
	defer g.mu.RUnlock()
	m := g.modules[id]
	if m == nil {
		return nil
	}
	ids := make([]string, 0, len(m.importers))
	for importer := range m.importers {
		ids = append(ids, importer.ID)
	}
	sort.Strings(ids)
	return ids
}

// ByFile returns the IDs of the modules that the file is, or that were made from it, sorted.
func (g *Graph) ByFile(file string) []string {
	g.mu.RLock()
	defer g.mu.RUnlock()
	var ids []string
	for _, m := range g.byFile[file] {
		ids = append(ids, m.ID)
	}
	for m := range g.byInput[file] {
		ids = append(ids, m.ID)
	}
	sort.Strings(ids)
	return slices.Compact(ids)
}

// ByDir returns the IDs of the modules whose file or inputs lie below dir, sorted: what a removed or moved folder takes along.
func (g *Graph) ByDir(dir string) []string {
	prefix := strings.TrimSuffix(dir, string(filepath.Separator)) + string(filepath.Separator)
	g.mu.RLock()
	defer g.mu.RUnlock()
	var ids []string
	for file, modules := range g.byFile {
		if strings.HasPrefix(file, prefix) {
			for _, m := range modules {
				ids = append(ids, m.ID)
			}
		}
	}
	for file, modules := range g.byInput {
		if strings.HasPrefix(file, prefix) {
			for m := range modules {
				ids = append(ids, m.ID)
			}
		}
	}
	sort.Strings(ids)
	return slices.Compact(ids)
}

// Broken returns the IDs of the modules whose last version has an error, sorted.
func (g *Graph) Broken() []string {
	return g.pick(func() map[*Module]struct{} { return g.broken }, nil)
}

// Unresolved returns the IDs of the modules with an import that did not resolve, sorted.
func (g *Graph) Unresolved() []string {
	return g.pick(func() map[*Module]struct{} { return g.broken }, func(v *Version) bool { return v.Missing })
}

// Globbing returns the IDs of the modules that list files by pattern where match accepts the pattern, sorted.
func (g *Graph) Globbing(match func(pattern string) bool) []string {
	return g.pick(func() map[*Module]struct{} { return g.globs }, func(v *Version) bool { return slices.ContainsFunc(v.Globs, match) })
}

// Workers returns the entries of workers that run one of the modules, sorted. Projects without workers pay nothing.
func (g *Graph) Workers(ids []string) []string {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.workerEdges == 0 {
		return nil
	}
	var entries []string
	seen := map[*Module]bool{}
	var up func(m *Module)
	up = func(m *Module) {
		if m == nil || seen[m] {
			return
		}
		seen[m] = true
		for importer := range m.importers {
			byWorker := importer.good != nil && slices.ContainsFunc(importer.good.Edges, func(e Edge) bool { return e.Kind == Worker && e.To == m.ID })
			if byWorker {
				entries = append(entries, m.ID)
			} else {
				up(importer)
			}
		}
	}
	for _, id := range ids {
		up(g.modules[id])
	}
	sort.Strings(entries)
	return slices.Compact(entries)
}

// Stale returns the IDs of the loaded modules that the check calls stale, sorted. The check runs under the graph's lock.
func (g *Graph) Stale(check func(file string, v *Version) bool) []string {
	g.mu.RLock()
	defer g.mu.RUnlock()
	var ids []string
	for id, m := range g.modules {
		if m.version != nil && check(m.File, m.version) {
			ids = append(ids, id)
		}
	}
	sort.Strings(ids)
	return ids
}

func (g *Graph) pick(from func() map[*Module]struct{}, keep func(*Version) bool) []string {
	g.mu.RLock()
	defer g.mu.RUnlock()
	var ids []string
	for m := range from() {
		if keep == nil || keep(m.version) {
			ids = append(ids, m.ID)
		}
	}
	sort.Strings(ids)
	return ids
}

// Load returns the module's version, compiling it when there is none. Concurrent calls for one module compile once.
func (g *Graph) Load(ctx context.Context, id string) *Version {
	for {
		g.mu.Lock()
		if m := g.modules[id]; m != nil && m.version != nil {
			g.mu.Unlock()
			return m.version
		}
		wait, busy := g.loading[id]
		if !busy {
			done := make(chan struct{})
			g.loading[id] = done
			g.mu.Unlock()
			v := g.loader.Load(ctx, id)
			g.mu.Lock()
			delete(g.loading, id)
			if m := g.modules[id]; m != nil && m.version != nil {
				v = m.version // an edit came meanwhile, and Reload has read it
			} else {
				g.put(id, v)
			}
			g.mu.Unlock()
			close(done)
			return v
		}
		g.mu.Unlock()
		<-wait
	}
}

// Reload compiles the module again and returns its new version and the one before, which is nil for a new module.
func (g *Graph) Reload(ctx context.Context, id string) (now, before *Version) {
	now = g.loader.Load(ctx, id)
	g.mu.Lock()
	defer g.mu.Unlock()
	if m := g.modules[id]; m != nil {
		before = m.version
	}
	if before != nil && before.Rev == now.Rev && before.Err == nil && now.Err == nil {
		// Same code. Take over what may still differ (the file's state, its inputs), but keep what was learnt of its use.
		g.changes++
		g.modules[id].version, g.modules[id].good = now, now
		g.index(g.modules[id], before, now)
		return now, before
	}
	g.put(id, now)
	return now, before
}

// Remove forgets the module: its file is gone. Importers keep their edge, so that a file that comes back is found.
func (g *Graph) Remove(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.modules[id]
	if m == nil || m.version == nil {
		return
	}
	g.changes++
	g.index(m, m.version, nil)
	g.link(m, m.good, nil) // the edges of a broken version are those of the last good one
	m.version, m.good = nil, nil
}

// put stores a version. The caller holds mu.
func (g *Graph) put(id string, v *Version) {
	g.changes++
	m := g.node(id)
	before := m.version
	g.index(m, before, v)
	// A module that fails keeps the edges of its last good version, since that is what goes on running.
	if v.Err == nil {
		g.link(m, m.good, v)
		m.good = v
	}
	m.version = v
	m.crawled = false
}

// node returns the module with the ID, making it when needed. The caller holds mu.
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

// index moves the module from what before says of inputs, globs and errors to what now says. The caller holds mu.
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
	if now == nil {
		return
	}
	for _, in := range now.Inputs {
		if g.byInput[in] == nil {
			g.byInput[in] = map[*Module]struct{}{}
		}
		g.byInput[in][m] = struct{}{}
	}
	if len(now.Globs) > 0 {
		g.globs[m] = struct{}{}
	}
	if now.Err != nil {
		g.broken[m] = struct{}{}
	}
}

// link moves the module's outgoing edges from before to now. The caller holds mu.
func (g *Graph) link(m *Module, before, now *Version) {
	if before != nil {
		for _, e := range before.Edges {
			if e.Kind == Worker {
				g.workerEdges--
			}
			if to := g.modules[g.target(m, e)]; to != nil {
				if to.importers[m]--; to.importers[m] <= 0 {
					delete(to.importers, m)
				}
			}
		}
	}
	m.lazyTo = nil
	if now == nil {
		return
	}
	for _, e := range now.Edges {
		if e.Kind == Worker {
			g.workerEdges++
		}
		if e.To != "" {
			g.node(e.To).importers[m]++
		}
	}
}

func (g *Graph) target(m *Module, e Edge) string {
	if e.Lazy != nil {
		return m.lazyTo[e.Specifier]
	}
	return e.To
}

// demand is a module to visit and the names asked of it.
type demand struct {
	id    string
	names []string
	all   bool
}

// Crawl loads everything that is statically reachable from the given modules and returns the IDs that were loaded
// for the first time, sorted. Modules that fail are part of the result; Broken tells them. What was crawled before is
// not walked again, so that the cost is that of what is new. When ctx ends, what has not been loaded is left.
func (g *Graph) Crawl(ctx context.Context, ids ...string) []string {
	g.crawling.Lock()
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

// LazyDeps returns the lazy edges of a module that came into use: specifier -> ID. A page that has the module already is
// told these, see `$deps` in the client.
func (g *Graph) LazyDeps(id string) map[string]string {
	g.mu.RLock()
	defer g.mu.RUnlock()
	m := g.modules[id]
	if m == nil || len(m.lazyTo) == 0 {
		return nil
	}
	deps := make(map[string]string, len(m.lazyTo))
	for spec, to := range m.lazyTo {
		deps[spec] = to
	}
	return deps
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
	g := c.g
	g.mu.Lock()
	m := g.modules[d.id]
	if m == nil || m.good == nil || m.crawled && !(m.good.Lazy && m.grows(d)) {
		g.mu.Unlock()
		return nil
	}
	first := !m.crawled
	m.crawled = true
	v := m.good
	var next []demand
	if !v.Lazy {
		for _, e := range v.Edges {
			if e.Kind == Static && e.To != "" {
				next = append(next, demand{id: e.To, names: e.Names, all: e.All || e.Star})
			}
		}
		g.mu.Unlock()
		return next
	}
	names, all := m.ask(d, first)
	var resolve []Edge
	for _, i := range m.following(names, all, first) {
		e := v.Edges[i]
		switch {
		case e.Lazy == nil && e.Star:
			next = append(next, demand{id: e.To, names: names, all: all})
		case e.Lazy == nil:
			if e.To != "" {
				next = append(next, demand{id: e.To, names: e.Names, all: e.All})
			}
		case m.lazyTo[e.Specifier] == "":
			resolve = append(resolve, e)
		default:
			next = append(next, e.demand(m.lazyTo[e.Specifier], names, all))
		}
	}
	g.mu.Unlock()

	for _, e := range resolve {
		to, err := g.loader.Resolve(c.ctx, e.Specifier, d.id)
		if err != nil {
			continue // the getter throws when the page asks for it, with the name of the specifier
		}
		g.mu.Lock()
		if m.lazyTo == nil {
			m.lazyTo = map[string]string{}
		}
		if m.lazyTo[e.Specifier] == "" {
			g.changes++
			m.lazyTo[e.Specifier] = to
			g.node(to).importers[m]++
		}
		g.mu.Unlock()
		next = append(next, e.demand(to, names, all))
	}
	return next
}

// grows tells whether the demand asks more of a lazy module than was asked before. The caller holds Graph.mu.
func (m *Module) grows(d demand) bool {
	if m.askedAll {
		return false
	}
	return d.all || slices.ContainsFunc(d.names, func(n string) bool { _, ok := m.asked[n]; return !ok })
}

// ask adds names to those asked of a lazy module and returns those that are new, or all of them when the module's version
// is followed for the first time. The caller holds Graph.mu.
func (m *Module) ask(d demand, first bool) (names []string, all bool) {
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
	if !first {
		return names, d.all
	}
	names = names[:0]
	for n := range m.asked {
		names = append(names, n)
	}
	return names, m.askedAll
}

// lazyIndex finds the edges of a lazy module by what is asked of it: a barrel has thousands, and hundreds of importers
// that each take a few.
type lazyIndex struct {
	of     *Version
	byName map[string][]int // lazy edges by the names that they export
	stars  []int            // what every new name concerns
}

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
func (m *Module) following(names []string, all, first bool) []int {
	index := m.index()
	edges := slices.Clone(index.stars)
	for _, n := range names {
		edges = append(edges, index.byName[n]...)
	}
	if first || all {
		for i, e := range m.good.Edges {
			if e.Kind == Static && (all && e.Lazy != nil || first && e.Lazy == nil) {
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

// walk visits in post-order with a stack of its own: import chains are as deep as a project makes them.
func (g *Graph) walk(id string, seen map[*Module]bool, visit func(*Module, *Version)) {
	type frame struct {
		m    *Module
		v    *Version
		next int
	}
	enter := func(id string) *frame {
		m := g.modules[id]
		if m == nil || seen[m] {
			return nil
		}
		v := m.version
		if m.good != nil && (v == nil || v.Err != nil) {
			v = m.good
		}
		if v == nil {
			return nil
		}
		seen[m] = true
		return &frame{m: m, v: v}
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

// Orphan tells whether nobody imports the module. Used to drop errors of modules that went out of use.
func (g *Graph) Orphan(id string) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	m := g.modules[id]
	return m == nil || len(m.importers) == 0
}
