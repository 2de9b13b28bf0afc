package graph

import (
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// This file holds the queries that do not change the graph. closure.go holds the queries for packs and updates.

// Version returns the module's last version, or nil when the module was never loaded.
func (g *Graph) Version(id string) *Version {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.loaded(id)
}

// Good returns the module's last version without an error, or nil.
func (g *Graph) Good(id string) *Version {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if m := g.modules[id]; m != nil {
		return m.good
	}
	return nil
}

// Changes returns a number that changes whenever the result of Closure may change.
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

// Orphan reports whether the module is known and no module imports it.
func (g *Graph) Orphan(id string) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	m := g.modules[id]
	return m != nil && len(m.importers) == 0
}

// ByFile returns the IDs of the file's own modules and of the modules that were made from it, sorted.
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

// ByDir returns the IDs of the modules whose file or inputs lie below dir, sorted. A removed or moved folder changes
// all of them.
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
	return g.pick(g.broken, func(*Version) bool { return true })
}

// Unresolved returns the IDs of the modules with an import that did not resolve, sorted.
func (g *Graph) Unresolved() []string {
	return g.pick(g.missing, func(*Version) bool { return true })
}

// CountLacking returns the number of modules that Lacking names.
func (g *Graph) CountLacking() int {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return len(g.lacking)
}

// Lacking returns the imports of packages that led nowhere, by the IDs of their modules.
func (g *Graph) Lacking() map[string][]Lack {
	g.mu.RLock()
	defer g.mu.RUnlock()
	all := make(map[string][]Lack, len(g.lacking))
	for m := range g.lacking {
		list := slices.Clone(m.version.Lacks)
		for specifier := range m.lazyLacks {
			list = append(list, Lack{Specifier: specifier, Lazy: true})
		}
		all[m.ID] = list
	}
	return all
}

// Globbing returns the IDs of the modules with a pattern that match accepts, sorted. A file that was only written
// concerns those alone that were made from its content.
func (g *Graph) Globbing(match func(pattern string) bool, written bool) []string {
	return g.pick(g.globs, func(v *Version) bool {
		return !written && slices.ContainsFunc(v.Globs, match) || slices.ContainsFunc(v.InputGlobs, match)
	})
}

// pick returns the IDs of the modules in the set whose version keep accepts, sorted. mu guards the set.
func (g *Graph) pick(set map[*Module]struct{}, keep func(*Version) bool) []string {
	g.mu.RLock()
	defer g.mu.RUnlock()
	var ids []string
	for m := range set {
		if keep(m.version) {
			ids = append(ids, m.ID)
		}
	}
	sort.Strings(ids)
	return ids
}

// Stale returns the IDs of the loaded modules for which check returns true, sorted. check runs under the graph's lock.
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

// IsProgram reports whether a page has run the module as a worker or a worklet, or a module starts it as a worker.
func (g *Graph) IsProgram(id string) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	m := g.modules[id]
	return g.programs > 0 && m != nil && (m.program || m.startedBy(func(*Module) {}))
}

// startedBy calls visit for each importer of the module, and reports whether one of them starts it as a worker.
func (m *Module) startedBy(visit func(importer *Module)) (started bool) {
	for importer := range m.importers {
		byWorker := func(e Edge) bool { return e.Kind == Worker && e.To == m.ID }
		started = started || importer.good != nil && slices.ContainsFunc(importer.good.Edges, byWorker)
		visit(importer)
	}
	return started
}

// Workers returns the entries of the workers and worklets that run one of the modules, or that start such a worker. Each
// entry has the first of these modules as its value. Workers costs nothing in projects without workers.
func (g *Graph) Workers(ids []string) map[string]string {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.programs == 0 {
		return nil
	}
	entries := map[string]string{}
	seen := map[*Module]bool{}
	var up func(m *Module, id string)
	up = func(m *Module, id string) {
		if m == nil || seen[m] {
			return
		}
		seen[m] = true
		if m.startedBy(func(importer *Module) { up(importer, id) }) || m.program { // the importer may run in a worker, too
			entries[m.ID] = id
		}
	}
	for _, id := range ids {
		up(g.modules[id], id)
	}
	return entries
}
