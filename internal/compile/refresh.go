package compile

import (
	"path/filepath"
	"sync"

	"github.com/seed-b8174343/devserver/internal/resolve"
)

// refreshRuntime is the module that keeps the state of components over edits.
type refreshRuntime struct {
	framework string    // "", "react" or "preact"
	find      sync.Once // finds module
	module    string    // its ID, "" when it is not installed
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
	c.refresh.find.Do(c.findRefresh)
	if c.refresh.module == "" {
		return c.ProgramPrelude()
	}
	return append([]string{c.refresh.module}, c.ProgramPrelude()...)
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

// findRefresh finds the module that keeps components' state: react-refresh of the project, or the copy inside its
// @vitejs/plugin-react; for Preact @prefresh/core.
func (c *Compiler) findRefresh() {
	root := filepath.Join(c.o.Layout.Root, "package.json")
	ways := [][]string{{"react-refresh/runtime"}, {"@vitejs/plugin-react", "react-refresh/runtime"}, {"@vitejs/plugin-react", "./refresh-runtime.js"}}
	hint := "npm install -D react-refresh"
	if c.refresh.framework == "preact" {
		ways = [][]string{{"@prefresh/core"}, {"@preact/preset-vite", "@prefresh/vite", "@prefresh/core"}}
		hint = "npm install -D @prefresh/core @prefresh/utils"
	}
	for _, way := range ways {
		if id, ok := c.through(root, way); ok {
			c.refresh.module = id
			return
		}
	}
	c.o.Logger.Warn("components lose their state when they are edited: the refresh runtime of "+c.refresh.framework+" is not installed", "hint", hint)
}

// through resolves step by step: each package from inside the package before, as package managers nest them.
func (c *Compiler) through(from string, way []string) (id string, ok bool) {
	for _, spec := range way {
		r, err := c.o.Resolver.ResolveKind(resolve.Require, spec, from)
		if err != nil {
			if r, err = c.o.Resolver.Resolve(spec, from); err != nil {
				return "", false
			}
		}
		from, id = r.File, c.idOf(r, "", "")
	}
	return id, true
}
