package resolve

import (
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/seed-b8174343/devserver/internal/glob"
)

// Target is what a pattern of files means: a folder by its path, and the pattern's own rest below it.
type Target struct {
	// Folder is the beginning of a path, without wildcards. Rest is the end of the pattern as it is written.
	Folder, Rest string
}

// Pattern returns the absolute pattern of the target's files, with slashes.
func (t Target) Pattern() string { return glob.Escape(t.Folder) + t.Rest }

// TargetOf splits the absolute path that a pattern has become. What both end with is the pattern's own.
func TargetOf(pattern, absolute string) Target {
	at := len(absolute)
	for n := len(pattern); at > 0 && n > 0 && absolute[at-1] == pattern[n-1]; n-- {
		at--
	}
	return Target{absolute[:at], absolute[at:]}
}

// Targets returns what a pattern of files in importer means that begins with an alias, or with a name that "paths" or
// "baseUrl" of a tsconfig or "imports" of a package.json know: "@/pages/*.ts", "#data/*.json". It returns none when the
// pattern leads nowhere.
func (r *Resolver) Targets(pattern, importer string) []Target {
	q := query{cache: r.cache.Load(), kind: Import}
	name, aliased := r.applyAlias(pattern)
	var paths []string
	switch {
	case name == "" || isExternal(name) || isRelative(name):
	case name[0] == '/' || filepath.IsAbs(name):
		if aliased {
			paths = []string{r.onDisk(name)}
		}
	default:
		paths = q.mappedPatterns(name, importer)
	}
	var list []Target
	for _, p := range paths {
		list = append(list, TargetOf(pattern, path.Clean(filepath.ToSlash(p))))
	}
	return list
}

// onDisk returns the path of a pattern that an alias has made: a path on disk, or a path from the root.
func (r *Resolver) onDisk(name string) string {
	if full := filepath.FromSlash(name); inside(full, r.root) || !exists(r.root+full) && exists(full) {
		return full
	}
	return filepath.Join(r.root, name)
}

// exists reports whether the folder exists that a pattern begins with.
func exists(pattern string) bool {
	p, err := glob.Compile(filepath.ToSlash(pattern), glob.Options{})
	if err != nil || p.Base() == "/" {
		return false
	}
	info, err := os.Stat(filepath.FromSlash(p.Base()))
	return err == nil && info.IsDir()
}

// mappedPatterns returns the paths of a pattern by the tsconfig and the package.json of importer.
func (q *query) mappedPatterns(name, importer string) (paths []string) {
	if !inModules(filepath.Dir(importer)) {
		if ts := q.paths(importer); ts != nil {
			if paths = ts.candidates(name); len(paths) > 0 {
				return paths
			}
			first, _, isPath := strings.Cut(name, "/")
			based := filepath.Join(ts.baseURL, filepath.FromSlash(name))
			if ts.baseURL != "" && isPath && glob.IsPlain(first) && exists(based) {
				return []string{based}
			}
		}
	}
	scope := q.folder(filepath.Dir(importer)).scope()
	if name[0] != '#' || scope == nil || scope.manifest().err != nil {
		return nil
	}
	if t, why := scope.manifest().imports.imported(name, q.r.conditions[q.kind]); why == found && !t.other {
		return []string{filepath.Join(scope.path, filepath.FromSlash(t.path))}
	}
	return nil
}
