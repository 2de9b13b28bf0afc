package edit

import (
	"slices"

	"github.com/seed-b8174343/devserver/internal/compile"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/parallel"
)

// Fresh loads everything that the modules reach, and catches up with files that changed without an event: what a page
// gets never rests on an event having arrived. A page asked for the modules by their IDs, and waits for slow plugins.
func (u *Updater) Fresh(ids ...string) {
	for _, id := range ids {
		u.entered.Store(id, true)
	}
	u.noticeInstalls()
	u.o.Graph.Crawl(uninterrupted(u.o.Context), u.entries(ids)...)
	u.o.Compiler.NotePage()
	if !u.installs() {
		u.o.Compiler.WarnOfRefresh()
	}
	u.awaitLacking() // install.go
	u.renewReached(ids)
	type loaded struct {
		file    string
		version *graph.Version
	}
	var own []loaded
	u.o.Graph.Walk(ids, func(m *graph.Module, v *graph.Version) {
		if !moduleid.IsDependency(m.File) {
			own = append(own, loaded{m.File, v})
		}
	})
	differs := make([]bool, len(own))
	parallel.Do(len(own), func(i int) { differs[i] = compile.Stale(own[i].file, own[i].version) })
	var changed []string
	for i := range own {
		if differs[i] {
			changed = append(changed, own[i].file)
		}
	}
	if len(changed) > 0 {
		u.apply(written(changed))
	}
}

// Warm starts to compile what a page will ask for.
func (u *Updater) Warm(ids []string) {
	if len(ids) == 0 {
		return
	}
	u.tasks.Go(func() {
		defer u.o.Compiler.RelaxGC()()
		u.o.Graph.Crawl(u.o.Context, u.entries(ids)...)
	})
}

// entries returns what a page's scripts start from: the scripts, and what must run before them.
func (u *Updater) entries(ids []string) []string { return slices.Concat(u.o.Compiler.Prelude(), ids) }
