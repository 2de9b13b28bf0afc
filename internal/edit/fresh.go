package server

import (
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
)

// fresh loads what the modules reach and catches up with files that changed behind the watcher's back: what a page
// gets never rests on an event having arrived.
func (p *project) fresh(ids ...string) {
	for _, id := range ids {
		p.entered.Store(id, true)
	}
	p.noticeInstalls()
	p.watchNew(p.graph.Crawl(p.whole(), p.entries(ids...)...))
	type loaded struct {
		file    string
		version *graph.Version
	}
	var own []loaded
	p.graph.Walk(ids, func(m *graph.Module, v *graph.Version) {
		if !moduleid.IsDependency(m.File) {
			own = append(own, loaded{m.File, v})
		}
	})
	differs := make([]bool, len(own))
	parallel(len(own), func(i int) { differs[i] = stale(own[i].file, own[i].version) })
	var changed []string
	for i := range own {
		if differs[i] {
			changed = append(changed, own[i].file)
		}
	}
	if len(changed) > 0 {
		p.apply(written(changed))
	}
}

// warm starts compiling before the browser asks.
func (p *project) warm(ids []string) {
	if len(ids) == 0 {
		return
	}
	p.tasks.Go(func() {
		defer p.relaxGC()()
		p.watchNew(p.graph.Crawl(p.ctx, p.entries(ids...)...))
	})
}
