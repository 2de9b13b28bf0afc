package edit

import (
	"context"
	"slices"

	"github.com/seed-b8174343/devserver/internal/compile"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
)

// CatchUp returns when all edits of known files that were made before the call are applied, whether or not the system
// has reported them: modules, pages, and files of the configuration. It does nothing while updates are held.
func (u *Updater) CatchUp() {
	if paused, _ := u.o.Paused(); paused {
		return
	}
	u.applying.Lock() // an edit that is being applied is over when this returns
	changed := u.outOfDate()
	u.applying.Unlock()
	if len(changed) > 0 {
		u.apply(written(changed))
	}
}

// Built returns once no Go plugins are being built, or ctx ends.
func (u *Updater) Built(ctx context.Context) { _ = u.builds.Idle(ctx) } // the caller looks at its context

// outOfDate returns the files that differ from what was read of them last.
func (u *Updater) outOfDate() (files []string) {
	u.o.Graph.Stale(func(file string, v *graph.Version) bool {
		if file != "" && !moduleid.IsDependency(file) && compile.Stale(file, v) {
			files = append(files, file)
		}
		return false
	})
	u.pages.Range(func(file, _ any) bool {
		if u.o.Watched.differs(file.(string)) {
			files = append(files, file.(string))
		}
		return true
	})
	for _, file := range u.o.Watched.ConfigFiles() {
		if u.o.Watched.differs(file) {
			files = append(files, file)
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}
