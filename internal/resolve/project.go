package resolve

import (
	"path/filepath"
	"strconv"
	"strings"
)

// rootInfo is what the root's package.json says about the project as a whole.
type rootInfo struct {
	deps map[string]bool
	// oneCopy are the frameworks of which the page may hold one copy only.
	oneCopy map[string]bool
	// preact tells that Preact stands in for React, which is not there.
	preact bool
	// classic tells that the project's React is from before the automatic runtime.
	classic bool
}

// project reads the root's package.json.
func (c *cache) project() *rootInfo {
	c.rootOnce.Do(func() {
		info := &c.rootInfo
		info.deps, info.oneCopy = map[string]bool{}, map[string]bool{}
		root := c.folder(c.r.root)
		if s := root.scope(); s != nil && s.manifest().err == nil {
			info.deps = s.manifest().dependencies()
		}
		for _, name := range oneCopy {
			info.oneCopy[name] = info.deps[name]
		}
		info.preact = info.deps["preact"] && !info.deps["react"]
		info.classic = info.deps["react"] && c.oldReact(root)
	})
	return &c.rootInfo
}

// oldReact tells whether the project's React has no jsx-runtime.
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

// standIn returns the module of Preact that takes the place of one of React's, as its preset for Vite does.
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

// JSX tells how the JSX of a file is to be compiled.
type JSX struct {
	// Runtime is "automatic" or "classic".
	Runtime string
	// ImportSource is the package of the automatic runtime, "react" when empty.
	ImportSource string
	// Factory and Fragment are the functions of the classic runtime, React's when empty.
	Factory, Fragment string
}

// jsxOf tells how JSX is meant from package.json: of the package's folder first, then of the root's.
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
