package pack

import (
	"iter"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/graph"
)

// Update returns the update that carries the code of the changed modules, and of the fresh ones that no page has yet.
func (p *Packer) Update(changed, fresh []string) *hmr.Update {
	w := &writer{}
	for _, id := range slices.Concat(fresh, changed) {
		if entry, ok := p.o.Graph.Entry(id); ok {
			w.define(entry)
		}
	}
	for id, deps := range sortedBarrels(p.grownBarrels(changed, fresh)) {
		w.deps(id, deps)
	}
	u := &hmr.Update{Changed: changed, Workers: p.o.Graph.Workers(changed), Timestamp: p.o.Now().UnixMilli()}
	if w.Len() == 0 {
		return u
	}
	key := p.sent.addUpdate(p.o.Run, w.String(), w.sections)
	at := path.Join(p.o.Layout.Base, UpdatePath, key+".js")
	w.text("//# sourceURL=" + at + "\n//# sourceMappingURL=" + path.Join(p.o.Layout.Base, MapPath) + "?of=" + key + "\n")
	u.Code, u.URL = w.String(), at
	return u
}

// grownBarrels returns the lazy barrels that the changed modules import, with all their imports in use: the page may
// lack the imports that came with this edit.
func (p *Packer) grownBarrels(changed, fresh []string) map[string]map[string]string {
	grown := map[string]map[string]string{}
	seen := map[string]bool{}
	var visit func(id string)
	visit = func(id string) {
		if seen[id] {
			return
		}
		seen[id] = true
		if v := p.o.Graph.Good(id); v != nil && v.Lazy {
			if deps := p.o.Graph.LazyDeps(id); deps != nil {
				grown[id] = deps
			}
			for _, e := range v.Edges { // a barrel of barrels
				if e.Star {
					visit(e.To)
				}
			}
			for _, to := range grown[id] {
				visit(to)
			}
		}
	}
	for _, id := range slices.Concat(changed, fresh) {
		if v := p.o.Graph.Good(id); v != nil {
			for _, e := range v.Edges {
				if e.Kind == graph.Static && e.To != "" {
					visit(e.To)
				}
			}
		}
	}
	return grown
}

// sortedBarrels iterates over barrels by their IDs, so that equal packs have equal tags.
func sortedBarrels(grown map[string]map[string]string) iter.Seq2[string, map[string]string] {
	return func(yield func(string, map[string]string) bool) {
		for _, id := range slices.Sorted(maps.Keys(grown)) {
			if !yield(id, grown[id]) {
				return
			}
		}
	}
}

// UpdateModule returns the code of an update as a module, for pages whose Content-Security-Policy forbids evaluating
// it. It is not ok when the update is too old.
func (p *Packer) UpdateModule(key string) (text []byte, ok bool) {
	update, ok := p.sent.updates.get(key)
	if !ok || update.code == "" {
		return nil, false
	}
	preamble := &writer{}
	preamble.preamble(p.o.Layout)
	return []byte(strings.ReplaceAll(preamble.String(), "\n", "") + update.code), true // lines count as when it is evaluated
}
