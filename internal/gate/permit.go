package gate

import (
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// What a module of the project imports may be read: the file itself, and not its folder. The files that are not
// readable anyway, hidden files and files outside the allowed folders, are kept here with the modules that import them.
// Only the compiler adds to them, once the resolver has found a file, and package vite, for files that are installed with
// the plugins of a vite.config. No request can choose another file.

// imports holds the files that are readable by an import alone.
type imports struct {
	mu sync.RWMutex
	// by holds the IDs of the modules that import a file.
	by map[string]map[string]bool
	// of holds the files that a module imports.
	of map[string]map[string]bool
}

// Permit allows reading a file, since a module with the given ID imports it. Allowed reports whether the file is
// readable then: secrets stay denied. from is the file
// whose code names the imported file by its path, and "" when the code names a package, an alias or what a plugin
// resolves.
//
// A path permits no file outside the repository that it is written in, and in an installed package none outside the
// installed packages. The user has chosen what packages and aliases lead to, but not what a path in a package's code
// leads to.
func (g *Gate) Permit(module, from, file string) {
	if g.inside(file) && !g.hidden(file) || from != "" && !below(file, territory(from)) {
		return // most imports need no permission
	}
	g.imports.mu.Lock()
	defer g.imports.mu.Unlock()
	add(g.imports.by, file, module)
	add(g.imports.of, module, file)
}

func add(sets map[string]map[string]bool, key, value string) {
	if sets[key] == nil {
		sets[key] = map[string]bool{}
	}
	sets[key][value] = true
}

// Retain ends the permissions that the module gave to files which it does not import any more.
func (g *Gate) Retain(module string, imports func(file string) bool) {
	g.imports.mu.Lock()
	defer g.imports.mu.Unlock()
	for file := range g.imports.of[module] {
		if imports(file) {
			continue
		}
		delete(g.imports.of[module], file)
		if delete(g.imports.by[file], module); len(g.imports.by[file]) == 0 {
			delete(g.imports.by, file)
		}
	}
}

// imported reports whether a module imports the file, and is itself readable, by an import or anyway. Modules outside
// that only import each other give no permission.
func (g *Gate) imported(file string) bool {
	g.imports.mu.RLock()
	defer g.imports.mu.RUnlock()
	seen := map[string]bool{file: true}
	for todo := []string{file}; len(todo) > 0; {
		last := len(todo) - 1
		by := g.imports.by[todo[last]]
		todo = todo[:last]
		for module := range by {
			importer, isFile := g.IDToFile(module)
			if !isFile || g.open(importer) {
				return true // a plugin of the project makes modules without a file
			}
			if !seen[importer] {
				seen[importer] = true
				todo = append(todo, importer)
			}
		}
	}
	return false
}

// territory returns the folder that the paths in a file's code do not leave: the installed packages around it, or else
// the outermost repository that holds it. Without a repository it is the whole disk.
func territory(file string) string {
	const modules = string(filepath.Separator) + "node_modules"
	if at := strings.Index(file, modules+string(filepath.Separator)); at >= 0 {
		return file[:at+len(modules)]
	}
	dir := filepath.Dir(file)
	top := filepath.VolumeName(dir) + string(filepath.Separator)
	for ; ; dir = filepath.Dir(dir) {
		if slices.ContainsFunc([]string{".git", ".hg", ".svn"}, func(name string) bool { return exists(filepath.Join(dir, name)) }) {
			top = dir // a submodule lies in another repository
		}
		if filepath.Dir(dir) == dir {
			return top
		}
	}
}
