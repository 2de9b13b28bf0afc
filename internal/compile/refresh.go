package compile

import (
	"path/filepath"
	"sync"

	"github.com/seed-b8174343/devserver/internal/resolve"
)

// refreshRuntime is the module that keeps the state of components over edits.
type refreshRuntime struct {
	framework string // "", "react" or "preact"

	mu     sync.Mutex
	module string // its ID, "" while it is not installed; guarded by mu
	lacked bool   // a page runs without it; guarded by mu
	warned bool   // the terminal names what to install; guarded by mu
}

// detectRefresh returns the framework that the project depends on, if its components can keep their state over edits.
func (c *Compiler) detectRefresh() string {
	deps := c.o.Resolver.Dependencies()
	switch {
	case deps["preact"] && !deps["react"]:
		return "preact"
	case deps["react"]:
		return "react"
	}
	return ""
}

// Prelude lists the modules that must run before any module of a page: the refresh runtime, which has to see React
// start, and ProgramPrelude.
func (c *Compiler) Prelude() []string {
	if c.refresh.framework == "" {
		return c.ProgramPrelude()
	}
	c.refresh.mu.Lock()
	defer c.refresh.mu.Unlock()
	if !c.findRefresh(c.o.Resolver.Glance) {
		return c.ProgramPrelude()
	}
	return append([]string{c.refresh.module}, c.ProgramPrelude()...)
}

// NotePage notes that a page loads now, with the refresh runtime or without.
func (c *Compiler) NotePage() {
	c.refresh.mu.Lock()
	defer c.refresh.mu.Unlock()
	c.refresh.lacked = c.refresh.framework != "" && c.refresh.module == ""
}

// RefreshArrived reports whether a page runs without the refresh runtime, and the runtime is installed now. It reports so
// once: the page has to load again, since the runtime must run before the framework.
func (c *Compiler) RefreshArrived() bool {
	c.refresh.mu.Lock()
	defer c.refresh.mu.Unlock()
	if !c.refresh.lacked || !c.findRefresh(c.o.Resolver.Afresh()) {
		return false
	}
	c.refresh.lacked = false
	return true
}

// WarnOfRefresh names the refresh runtime in the terminal, once, if it is not installed and its framework is. Do not call
// it during an install, which may be about to write it.
func (c *Compiler) WarnOfRefresh() {
	c.refresh.mu.Lock()
	defer c.refresh.mu.Unlock()
	if c.refresh.warned || !c.refresh.lacked || c.refresh.module != "" {
		return
	}
	if _, installed := c.through(c.o.Resolver.Glance, []string{c.refresh.framework}); !installed {
		return // the overlay names the framework
	}
	c.refresh.warned = true
	hint := "npm install -D react-refresh"
	if c.refresh.framework == "preact" {
		hint = "npm install -D @prefresh/core @prefresh/utils"
	}
	c.o.Logger.Warn("components lose their state when they are edited: the refresh runtime of "+c.refresh.framework+" is not installed", "hint", hint)
}

// ProgramPrelude lists the modules that must run before any module of a worker: what packages rely on by the vite.config.
func (c *Compiler) ProgramPrelude() []string {
	if c.o.Bundled.Prelude == "" {
		return nil
	}
	return []string{packagePrelude}
}

// packagePrelude is the ID of the module with the text that Vite puts before packages.
const packagePrelude = "/@devserver/packages.js"

// findRefresh finds the module that keeps components' state, and reports whether it is installed: react-refresh of the
// project, or the copy inside its @vitejs/plugin-react; for Preact @prefresh/core. The caller holds refresh.mu.
func (c *Compiler) findRefresh(find finder) bool {
	if c.refresh.module != "" {
		return true
	}
	ways := [][]string{{"react-refresh/runtime"}, {"@vitejs/plugin-react", "react-refresh/runtime"}, {"@vitejs/plugin-react", "./refresh-runtime.js"}}
	if c.refresh.framework == "preact" {
		ways = [][]string{{"@prefresh/core"}, {"@preact/preset-vite", "@prefresh/vite", "@prefresh/core"}}
	}
	for _, way := range ways {
		if id, ok := c.through(find, way); ok {
			c.refresh.module = id
			return true
		}
	}
	return false
}

// finder is Glance of a resolver, or what Afresh returns.
type finder func(kind resolve.Kind, specifier, importer string) (resolve.Resolved, error)

// through resolves from the root step by step: each package from inside the package before, as package managers nest
// them.
func (c *Compiler) through(find finder, way []string) (id string, ok bool) {
	from := filepath.Join(c.o.Layout.Root, "package.json")
	for _, spec := range way {
		r, err := find(resolve.Require, spec, from)
		if err != nil {
			if r, err = find(resolve.Import, spec, from); err != nil {
				return "", false
			}
		}
		from, id = r.File, c.idOf(r, "", "")
	}
	return id, true
}
