package server

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/watch"
)

// What an edit of some files means for the modules.

// forget drops what the resolver remembers of folders whose entries came or went.
func (p *project) forget(e *edit) {
	var paths []string
	for _, c := range e.changes {
		if c.Kind != watch.Written || p.isManifest(c.Path) || p.isLink(c) {
			paths = append(paths, c.Path)
		}
	}
	if len(paths) > 0 {
		p.resolver.Invalidate(paths...)
	}
}

// isManifest tells whether the file rules how modules resolve or compile.
func (p *project) isManifest(file string) bool {
	base := filepath.Base(file)
	if _, known := p.tsconfigs.Load(file); known {
		return true
	}
	return base == "package.json" || base == "tsconfig.json" || base == "jsconfig.json" || base == "node_modules"
}

// stampAssets gives changed assets another URL, see assetURL.
func (p *project) stampAssets(e *edit) {
	for _, c := range e.changes {
		if moduleid.IsAsset(c.Path) {
			p.stamps.Store(c.Path, p.now().UnixMilli())
		}
	}
}

// affected finds the modules that may differ: those of the files themselves, those made from them, those that missed
// a file which is there now, and those that list files by pattern.
func (p *project) affected(e *edit) {
	came, manifest := false, false
	for _, c := range e.changes {
		e.ids = append(e.ids, p.graph.ByFile(c.Path)...)
		came = came || c.Kind == watch.Created || c.Kind == watch.Replaced
		manifest = manifest || p.isManifest(c.Path)
		if c.Kind != watch.Written {
			e.ids = append(e.ids, p.graph.Globbing(func(pattern string) bool { return matchGlob(pattern, filepath.ToSlash(c.Path)) })...)
		}
		if c.Kind == watch.Removed {
			e.ids = append(e.ids, p.graph.ByDir(c.Path)...)
		}
	}
	if slices.ContainsFunc(e.changes, p.isLink) {
		e.ids = append(e.ids, p.rerouted()...)
	}
	if came || manifest {
		e.ids = append(e.ids, p.graph.Unresolved()...)
	}
	if manifest { // compiler options may differ
		e.ids = append(e.ids, p.graph.Broken()...)
		e.ids = append(e.ids, p.underManifest(e)...)
	}
	e.ids = unique(e.ids)
}

// isLink tells whether the change is one of a symbolic link: modules go by the real path of their file, so that none
// has the link's. A file in the place of a link counts as written.
func (p *project) isLink(c watch.Change) bool {
	if p.resolver.Linked(c.Path) {
		return true
	}
	info, err := os.Lstat(c.Path)
	return err == nil && info.Mode()&os.ModeSymlink != 0
}

// rerouted returns the app's modules of which an import leads elsewhere now.
func (p *project) rerouted() []string {
	var ids []string
	for _, id := range p.graph.IDs() {
		v := p.graph.Version(id)
		if v == nil || moduleid.IsDependency(p.File(id)) {
			continue
		}
		if len(v.Inputs) > 0 || slices.ContainsFunc(v.Edges, func(e graph.Edge) bool { return p.leadsElsewhere(id, e) }) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (p *project) leadsElsewhere(importer string, e graph.Edge) bool {
	kind := resolve.Import
	if e.Kind == graph.Worker {
		kind = resolve.URL
	}
	to, err := p.resolveID(p.ctx, e.Specifier, importer, kind)
	return err != nil || to != e.To
}

// underManifest returns the app's modules below changed tsconfig and package.json files.
func (p *project) underManifest(e *edit) []string {
	var ids []string
	for _, c := range e.changes {
		if p.isManifest(c.Path) && p.contentChanged(c.Path) {
			for _, id := range p.graph.ByDir(filepath.Dir(c.Path)) {
				if !moduleid.IsDependency(p.File(id)) {
					ids = append(ids, id)
				}
			}
		}
	}
	return ids
}
