package server

import (
	"iter"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/graph"
)

// payload makes the update that carries the modules' code.
func (p *project) payload(changed, fresh []string) *hmr.Update {
	w := &writer{}
	for _, id := range fresh {
		if entry, ok := p.graph.Entry(id); ok {
			w.define(entry)
		}
	}
	for _, id := range changed {
		if entry, ok := p.graph.Entry(id); ok {
			w.define(entry)
		}
	}
	for id, deps := range sortedBarrels(p.grownBarrels(changed, fresh)) {
		w.deps(id, deps)
	}
	u := &hmr.Update{Changed: changed, Workers: p.graph.Workers(changed), Timestamp: p.now().UnixMilli()}
	if w.Len() == 0 {
		return u
	}
	key := p.updates.add(w.String(), w.sections)
	at := path.Join(p.layout.Base, updatePath, key+".js")
	w.text("//# sourceURL=" + at + "\n//# sourceMappingURL=" + path.Join(p.layout.Base, mapPath) + "?of=" + key + "\n")
	u.Code, u.URL = w.String(), at
	return u
}

// grownBarrels returns the lazy barrels that the changed modules import, with all their imports in use: the page may
// lack those that came with this edit.
func (p *project) grownBarrels(changed, fresh []string) map[string]map[string]string {
	grown := map[string]map[string]string{}
	seen := map[string]bool{}
	var visit func(id string)
	visit = func(id string) {
		if seen[id] {
			return
		}
		seen[id] = true
		if v := p.graph.Good(id); v != nil && v.Lazy {
			if deps := p.graph.LazyDeps(id); deps != nil {
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
		if v := p.graph.Good(id); v != nil {
			for _, e := range v.Edges {
				if e.Kind == graph.Static && e.To != "" {
					visit(e.To)
				}
			}
		}
	}
	return grown
}

// sortedBarrels gives them in one order, so that equal packs have equal tags.
func sortedBarrels(grown map[string]map[string]string) iter.Seq2[string, map[string]string] {
	return func(yield func(string, map[string]string) bool) {
		for _, id := range slices.Sorted(maps.Keys(grown)) {
			if !yield(id, grown[id]) {
				return
			}
		}
	}
}

// serveUpdate sends an update's code as a module, for pages whose Content-Security-Policy forbids evaluating it.
func (p *project) serveUpdate(w http.ResponseWriter, r *http.Request, name string) {
	code, ok := p.updates.code(strings.TrimSuffix(name, ".js"))
	if !ok {
		http.Error(w, "404 not found: that update is too old", http.StatusNotFound)
		return
	}
	pk := &writer{}
	preamble := &writer{}
	p.preamble(preamble)
	pk.text(strings.ReplaceAll(preamble.String(), "\n", "")) // lines are counted as when it is evaluated
	pk.text(code)
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	p.serveText(w, r, pk.Bytes())
}
