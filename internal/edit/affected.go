package edit

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-b8174343/devserver/internal/compile"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/watch"
)

// What changed files mean for the modules.

// forget drops what the resolver remembers of folders whose entries were created or removed.
func (u *Updater) forget(changes watch.Batch) {
	var paths []string
	for _, c := range changes {
		if c.Kind != watch.Written || u.isManifest(c.Path) || u.isLink(c) {
			paths = append(paths, c.Path)
		}
	}
	if len(paths) > 0 {
		u.o.Resolver.Invalidate(paths...)
	}
}

// isManifest reports whether the file rules how modules resolve or compile.
func (u *Updater) isManifest(file string) bool {
	switch filepath.Base(file) {
	case "package.json", "tsconfig.json", "jsconfig.json", "node_modules":
		return true
	}
	return u.o.Watched.isTSConfig(file)
}

// stampAssets gives changed files another URL whose URL modules have.
func (u *Updater) stampAssets(changes watch.Batch) {
	hasURL := func(id string) bool { return moduleid.Has(moduleid.Query(id), "url") }
	for _, c := range changes {
		if u.o.Compiler.IsAsset(c.Path) || compile.FollowsURL(c.Path) && slices.ContainsFunc(u.o.Graph.ByFile(c.Path), hasURL) {
			u.o.Compiler.Stamp(c.Path, u.o.Now().UnixMilli())
		}
	}
}

// affected returns the modules that may have changed: the modules of the files, the modules built from them, the
// modules that missed a file which exists now, and the modules that list or read files by pattern.
func (u *Updater) affected(changes watch.Batch) []string {
	var ids []string
	arrived, manifest, links := false, false, false
	for _, c := range changes {
		ids = append(ids, u.o.Graph.ByFile(c.Path)...)
		arrived = arrived || c.Kind == watch.Created || c.Kind == watch.Replaced
		manifest = manifest || u.isManifest(c.Path)
		link := u.isLink(c)
		links = links || link
		ids = append(ids, u.o.Graph.Globbing(func(pattern string) bool {
			return concerns(c, pattern) || link && compile.MayMatchBelow(pattern, filepath.ToSlash(c.Path))
		}, c.Kind == watch.Written)...)
		if link || c.Kind == watch.Removed { // with resolve.preserveSymlinks, files have paths through links
			ids = append(ids, u.o.Graph.ByDir(c.Path)...)
		}
	}
	if links {
		ids = append(ids, u.rerouted()...)
	}
	if arrived || manifest {
		ids = append(ids, u.o.Graph.Unresolved()...)
	}
	if manifest { // compiler options may differ
		ids = append(ids, u.o.Graph.Broken()...)
		ids = append(ids, u.underManifest(changes)...)
	}
	return unique(ids)
}

// concerns reports whether a pattern matches the changed file. A folder is removed with its contents, and nobody knows
// any more what it held.
func concerns(c watch.Change, pattern string) bool {
	file := filepath.ToSlash(c.Path)
	return compile.MatchGlob(pattern, file) || c.Kind == watch.Removed && compile.MayMatchBelow(pattern, file)
}

// isLink reports whether the change is a symbolic link's. A file in the place of a link counts as written.
func (u *Updater) isLink(c watch.Change) bool {
	if u.o.Resolver.Linked(c.Path) {
		return true
	}
	info, err := os.Lstat(c.Path)
	return err == nil && info.Mode()&os.ModeSymlink != 0
}

// rerouted returns the app's modules that have an import which leads elsewhere now.
func (u *Updater) rerouted() []string {
	var ids []string
	for _, id := range u.o.Graph.IDs() {
		v := u.o.Graph.Version(id)
		if v == nil || moduleid.IsDependency(u.o.Compiler.File(id)) {
			continue
		}
		if len(v.Inputs) > 0 || slices.ContainsFunc(v.Edges, func(e graph.Edge) bool { return u.leadsElsewhere(id, e) }) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (u *Updater) leadsElsewhere(importer string, e graph.Edge) bool {
	kind := resolve.Import
	if e.Kind == graph.Worker || e.Kind == graph.Address {
		kind = resolve.URL
	}
	to, err := u.o.Compiler.ResolveID(u.inEdit(), e.Specifier, importer, kind)
	return err != nil || to != e.To
}

// underManifest returns the app's modules below changed tsconfig and package.json files.
func (u *Updater) underManifest(changes watch.Batch) []string {
	var ids []string
	for _, c := range changes {
		if !u.isManifest(c.Path) || !u.o.Watched.contentChanged(c.Path) {
			continue
		}
		for _, id := range u.o.Graph.ByDir(filepath.Dir(c.Path)) {
			if !moduleid.IsDependency(u.o.Compiler.File(id)) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}
