package server

import (
	"slices"
	"time"

	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// installLook is how often it is looked whether packages were installed, while one is missing or broken. Nobody watches
// node_modules, and a page that waits for a package has no reason to load again by itself.
const installLook = 500 * time.Millisecond

// waitsForInstall tells whether an error stands that an install may mend.
func (p *project) waitsForInstall() bool {
	list := p.problems.List()
	return len(list) > 0 && (len(p.graph.Unresolved()) > 0 || slices.ContainsFunc(list, func(e *transform.Error) bool {
		return e.ID != "" && moduleid.IsDependency(p.File(e.ID))
	}))
}

// noticeInstalls sees packages that were installed, upgraded or removed since they were read; nobody watches node_modules.
func (p *project) noticeInstalls() {
	if !p.resolver.Recheck() {
		return
	}
	p.exported.Clear()
	p.applyModules(append(p.graph.Unresolved(), p.graph.Stale(func(file string, v *graph.Version) bool { return moduleid.IsDependency(file) && stale(file, v) })...)...)
}
