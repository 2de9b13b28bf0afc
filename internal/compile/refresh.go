package server

import (
	"path/filepath"
	"sync"

	"github.com/seed-b8174343/devserver/internal/resolve"
)

// refreshRuntime is the runtime of fast refresh.
type refreshRuntime struct {
	framework string    // "", "react" or "preact"
	find      sync.Once // finds module
	module    string    // its ID, "" when it is not installed
}

// detectRefresh tells which framework's components keep their state over edits: the one that the project depends on.
func (p *project) detectRefresh() string {
	deps := p.resolver.Dependencies()
	switch {
	case deps["preact"] && !deps["react"]:
		return "preact"
	case deps["react"]:
		return "react"
	}
	return ""
}

// prelude lists the modules that must run before anything of the project: the refresh runtime, which has to see
// React start.
func (p *project) prelude() []string {
	if p.refresh.framework == "" {
		return nil
	}
	p.refresh.find.Do(p.findRefresh)
	if p.refresh.module == "" {
		return nil
	}
	return []string{p.refresh.module}
}

// findRefresh finds the module that keeps components' state: react-refresh of the project, or the copy inside its
// @vitejs/plugin-react; for Preact @prefresh/core.
func (p *project) findRefresh() {
	root := filepath.Join(p.layout.Root, "package.json")
	ways := [][]string{{"react-refresh/runtime"}, {"@vitejs/plugin-react", "react-refresh/runtime"}, {"@vitejs/plugin-react", "./refresh-runtime.js"}}
	hint := "npm install -D react-refresh"
	if p.refresh.framework == "preact" {
		ways = [][]string{{"@prefresh/core"}, {"@preact/preset-vite", "@prefresh/vite", "@prefresh/core"}}
		hint = "npm install -D @prefresh/core @prefresh/utils"
	}
	for _, way := range ways {
		if id, ok := p.through(root, way); ok {
			p.refresh.module = id
			return
		}
	}
	p.log.Warn("components lose their state when they are edited: the refresh runtime of "+p.refresh.framework+" is not installed", "hint", hint)
}

// through resolves step by step: each package from inside the one before, as package managers nest them.
func (p *project) through(from string, way []string) (id string, ok bool) {
	for _, spec := range way {
		r, err := p.resolver.ResolveKind(resolve.Require, spec, from)
		if err != nil {
			if r, err = p.resolver.Resolve(spec, from); err != nil {
				return "", false
			}
		}
		from, id = r.File, p.idOf(r)
	}
	return id, true
}
