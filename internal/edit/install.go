package edit

import (
	"slices"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/compile"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// installLook is how often the server looks for installed packages while one is missing or broken. node_modules is not
// watched, and a page that waits for a package has no reason to load again by itself.
const installLook = 500 * time.Millisecond

// installRest is how long the server goes on looking after an install was noticed, or a package lacked a file. An
// install may still be writing: what was read of a package may be half of it, and a page may be blank without an error.
const installRest = time.Minute

// waitsForInstall reports whether there is an error that an install may fix, or an install that may go on.
func (u *Updater) waitsForInstall() bool {
	if u.installs() || u.o.Compiler.AwaitsConfigPackage() {
		return true
	}
	list := u.o.Problems.List()
	return len(list) > 0 && (len(u.o.Graph.Unresolved()) > 0 || slices.ContainsFunc(list, func(e *transform.Error) bool {
		return e.ID != "" && moduleid.IsDependency(u.o.Compiler.File(e.ID))
	}))
}

// installs reports whether an install may go on.
func (u *Updater) installs() bool { return time.Now().UnixNano() < u.installing.Load() }

// awaitInstall has the server look for the rest of an install.
func (u *Updater) awaitInstall() {
	u.installing.Store(time.Now().Add(installRest).UnixNano())
	select {
	case u.look <- struct{}{}:
	default: // Follow is about to look
	}
}

// awaitLacking has the server look for the files that packages lack. Most of them will never come: packages try what is
// optional.
func (u *Updater) awaitLacking() {
	if u.o.Graph.CountLacking() > 0 {
		u.awaitInstall()
	}
}

// awaitNewlyLacking is awaitLacking for an edit: only what packages lack since the edit may be about to come. Call the
// returned func after the edit's new modules are loaded.
func (u *Updater) awaitNewlyLacking() func() {
	before := u.o.Graph.CountLacking()
	return func() {
		if u.o.Graph.CountLacking() > before {
			u.awaitInstall()
		}
	}
}

// noticeInstalls updates pages with packages that were installed, upgraded or removed since they were read, and with
// modules of packages that lacked a file which is there now.
func (u *Updater) noticeInstalls() {
	locks := slices.DeleteFunc(u.o.Watched.ConfigFiles(), func(f string) bool { return !moduleid.IsDependency(f) })
	if u.restartIfConfigured(written(locks)) {
		return // Vite, or plugins of a vite.config, may be others
	}
	changed := u.o.Resolver.Recheck()
	defer u.noticeRefresh()
	arrived := u.o.Compiler.Arrived(u.inEdit(), u.o.Graph.Lacking())
	if !changed && len(arrived) == 0 {
		return
	}
	u.awaitInstall()
	u.o.Compiler.ForgetExports()
	if u.o.Compiler.AwaitsConfigPackage() { // it is a part of how the app's own modules compile
		u.Reload(slices.DeleteFunc(u.o.Graph.IDs(), func(id string) bool { return moduleid.IsDependency(u.o.Compiler.File(id)) })...)
	}
	if len(arrived) > 0 {
		u.Rerun(arrived...) // the code of a barrel is the same when the file behind a lazy edge arrives
	}
	u.Reload(slices.Concat(u.o.Graph.Unresolved(), u.o.Graph.Broken(), u.outOfPackages(len(arrived) > 0))...)
}

// noticeRefresh reloads pages that run without the refresh runtime, when it is installed.
func (u *Updater) noticeRefresh() {
	if !u.o.Compiler.RefreshArrived() {
		return
	}
	const why = "the refresh runtime is installed now: components keep their state when they are edited"
	if u.publishChange(&hmr.FullReload{Path: "*", Reason: why}) {
		u.PrintReload(why)
	}
}

// outOfPackages returns the modules whose code may be another because files of packages are: the files' own modules,
// barrels, whose code follows from the exports of other files, and stylesheets that were made from such files.
func (u *Updater) outOfPackages(arrived bool) (ids []string) {
	ids = u.o.Graph.Stale(func(file string, v *graph.Version) bool {
		return moduleid.IsDependency(file) && compile.Stale(file, v) || slices.ContainsFunc(v.Inputs, moduleid.IsDependency)
	})
	if len(ids) == 0 && !arrived {
		return nil
	}
	return slices.Concat(ids, u.o.Graph.Stale(func(file string, v *graph.Version) bool { return v.Lazy && moduleid.IsDependency(file) }))
}
