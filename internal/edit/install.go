package edit

import (
	"slices"
	"time"

	"github.com/seed-b8174343/devserver/internal/compile"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// installLook is how often the server looks for installed packages while one is missing or broken. node_modules is not
// watched, and a page that waits for a package has no reason to load again by itself.
const installLook = 500 * time.Millisecond

// waitsForInstall reports whether there is an error that an install may fix.
func (u *Updater) waitsForInstall() bool {
	if u.o.Compiler.AwaitsConfigPackage() {
		return true
	}
	list := u.o.Problems.List()
	return len(list) > 0 && (len(u.o.Graph.Unresolved()) > 0 || slices.ContainsFunc(list, func(e *transform.Error) bool {
		return e.ID != "" && moduleid.IsDependency(u.o.Compiler.File(e.ID))
	}))
}

// noticeInstalls updates pages with packages that were installed, upgraded or removed since they were read.
func (u *Updater) noticeInstalls() {
	locks := slices.DeleteFunc(u.o.Watched.ConfigFiles(), func(f string) bool { return !moduleid.IsDependency(f) })
	if u.restartIfConfigured(written(locks)) {
		return // Vite, or plugins of a vite.config, may be others
	}
	if !u.o.Resolver.Recheck() {
		return
	}
	u.o.Compiler.ForgetExports()
	if u.o.Compiler.AwaitsConfigPackage() { // it is a part of how the app's own modules compile
		u.Reload(slices.DeleteFunc(u.o.Graph.IDs(), func(id string) bool { return moduleid.IsDependency(u.o.Compiler.File(id)) })...)
	}
	stale := u.o.Graph.Stale(func(file string, v *graph.Version) bool { return moduleid.IsDependency(file) && compile.Stale(file, v) })
	u.Reload(slices.Concat(u.o.Graph.Unresolved(), stale)...)
}
