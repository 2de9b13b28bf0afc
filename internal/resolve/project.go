package resolve

import (
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// rootInfo holds what the package.json files of the root and of its workspace say about the whole project.
type rootInfo struct {
	deps map[string]bool
	// oneCopy are the frameworks that may be in the page only once.
	oneCopy map[string]bool
	// preact means that the project uses Preact and not React, so that Preact replaces React in packages.
	preact bool
	// classic means that the project's React is older than the automatic runtime.
	classic bool
}

// project reads the package.json of the root, and of its workspace.
func (c *cache) project() *rootInfo {
	c.rootOnce.Do(func() {
		info := &c.rootInfo
		info.deps, info.oneCopy = map[string]bool{}, map[string]bool{}
		root := c.folder(c.r.root)
		if s := root.scope(); s != nil && s.manifest().err == nil {
			maps.Copy(info.deps, s.manifest().dependencies())
		}
		if c.r.workspace != "" {
			info.share(c.folder(c.r.workspace))
		}
		for _, name := range oneCopy {
			info.oneCopy[name] = info.deps[name]
		}
		info.preact = info.deps["preact"] && !info.deps["react"]
		info.classic = info.deps["react"] && c.oldReact(root)
	})
	return &c.rootInfo
}

// share adds the dependencies that the workspace has for all its projects. A project that names a framework gets no
// other from there: that one is for its neighbors.
func (p *rootInfo) share(workspace *folder) {
	m := workspace.manifest()
	if m == nil || m.err != nil {
		return
	}
	named := slices.ContainsFunc(oneCopy, func(framework string) bool { return p.deps[framework] })
	for dep := range m.dependencies() {
		if !named || !slices.Contains(oneCopy, dep) {
			p.deps[dep] = true
		}
	}
}

// oldReact reports whether the project's React has no jsx-runtime.
func (c *cache) oldReact(root *folder) bool {
	for f := root; f != nil; f = f.parent {
		dir := c.folder(filepath.Join(f.path, "node_modules", "react"))
		m := dir.manifest()
		if m == nil {
			continue
		}
		major, _, _ := strings.Cut(m.version, ".")
		n, err := strconv.Atoi(major)
		return err == nil && n < 17 && dir.kind("jsx-runtime.js") != entryFile
	}
	return false
}

// standIn returns the module of Preact that replaces a module of React, as Preact's preset for Vite does.
func (p *rootInfo) standIn(name string) (string, bool) {
	if !p.preact || !strings.HasPrefix(name, "react") {
		return "", false
	}
	switch name {
	case "react", "react-dom":
		return "preact/compat", true
	case "react/jsx-runtime":
		return "preact/jsx-runtime", true
	case "react/jsx-dev-runtime":
		return "preact/jsx-dev-runtime", true
	case "react-dom/test-utils":
		return "preact/test-utils", true
	}
	if rest, ok := strings.CutPrefix(name, "react-dom/"); ok {
		return "preact/compat/" + rest, true
	}
	return "", false
}

// JSX says how the JSX of a file is compiled.
type JSX struct {
	// Runtime is "automatic" or "classic".
	Runtime string
	// ImportSource is the package of the automatic runtime, "react" when empty.
	ImportSource string
	// Factory and Fragment are the functions of the classic runtime, React's when empty.
	Factory, Fragment string
}

// jsxOf finds out from package.json how JSX is compiled: first from the package's own, then from the root's.
func (c *cache) jsxOf(scope *folder) JSX {
	sets := []map[string]bool{c.project().deps}
	if scope != nil && scope.manifest().err == nil && scope != c.folder(c.r.root).scope() {
		sets = []map[string]bool{scope.manifest().dependencies(), sets[0]}
	}
	for _, deps := range sets {
		switch {
		case deps["react"]:
			if c.project().classic {
				return JSX{Runtime: "classic"}
			}
			return JSX{Runtime: "automatic"}
		case deps["preact"]:
			return JSX{Runtime: "automatic", ImportSource: "preact"}
		case deps["solid-js"]:
			return JSX{Runtime: "automatic", ImportSource: "solid-js"}
		}
	}
	return JSX{Runtime: "automatic"}
}
