package resolve

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/glob"
)

// Target is what a pattern of files means: a folder by its path, and the pattern's own rest below it.
type Target struct {
	// Folder is the beginning of a path, without wildcards. Rest is the end of the pattern as it is written.
	Folder, Rest string
	// Suffix ends the names of all files, when "paths" or "imports" add it: "#p/*" may mean "./src/pages/*.js".
	Suffix string
}

// Pattern returns the absolute pattern of the target's files, with slashes.
func (t Target) Pattern() string { return glob.Escape(t.Folder) + t.Rest + glob.Escape(t.Suffix) }

// TargetOf splits the absolute path that a pattern has become. What both end with is the pattern's own.
func TargetOf(pattern, absolute string) Target {
	at := len(absolute)
	for n := len(pattern); at > 0 && n > 0 && absolute[at-1] == pattern[n-1]; n-- {
		at--
	}
	if at == len(absolute) { // something follows what the pattern ends with
		for n := range len(pattern) {
			rest := pattern[n:]
			if at := strings.LastIndex(absolute, rest); at >= 0 && !glob.IsPlain(rest) {
				return Target{absolute[:at], rest, absolute[at+len(rest):]}
			}
		}
	}
	return Target{Folder: absolute[:at], Rest: absolute[at:]}
}

// Targets returns what a pattern of files in importer means that begins with an alias, or with a name that "paths" or
// "baseUrl" of a tsconfig or "imports" of a package.json know: "@/pages/*.ts", "#data/*.json". It returns none when the
// pattern leads nowhere.
func (r *Resolver) Targets(pattern, importer string) []Target {
	q := query{cache: r.cache.Load(), kind: Import}
	name, aliased := r.applyAlias(pattern)
	var paths []string
	switch {
	case name == "" || IsExternal(name) || isRelative(name):
	case name[0] == '/' || filepath.IsAbs(name):
		if aliased {
			paths = []string{r.onDisk(name)}
		}
	default:
		based := ""
		paths, based = q.mappedPaths(name, importer)
		first, _, isPath := strings.Cut(name, "/")
		if len(paths) == 0 && based != "" && isPath && glob.IsPlain(first) && exists(based) {
			paths = []string{based}
		}
	}
	var list []Target
	for _, p := range paths {
		list = append(list, TargetOf(pattern, path.Clean(filepath.ToSlash(p))))
	}
	return list
}

// PackagePattern returns the pattern in a package, such as "pack/parts/*.js", that "imports" of a package.json makes of a
// pattern in importer. It returns "" when they make something else of it.
func (r *Resolver) PackagePattern(pattern, importer string) string {
	q := query{cache: r.cache.Load(), kind: Import}
	if name, _ := r.applyAlias(pattern); strings.HasPrefix(name, "#") {
		if t, _ := q.imported(name, importer); t.other {
			return t.path
		}
	}
	return ""
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

// Folder returns the folder that the beginning of a URL means in the file importer: "@/img/" by an alias or a tsconfig,
// "#img/" by package.json, "./img/", "/src/". The beginning ends with a slash. ok is false when there is no such folder.
func (r *Resolver) Folder(beginning, importer string) (dir string, ok bool) {
	q := query{cache: r.cache.Load(), kind: URL}
	name, _ := r.applyAlias(beginning)
	if name == "" || IsExternal(name) {
		return "", false
	}
	for _, dir := range q.folders(name, importer) {
		if f := q.folder(filepath.Clean(dir)); f.list() != nil {
			return f.real(), true
		}
	}
	return "", false
}

// folders returns the paths that the beginning of a URL may mean, in order.
func (q *query) folders(name, importer string) []string {
	path := filepath.FromSlash(name)
	beside := filepath.Join(filepath.Dir(importer), path)
	if isRelative(name) {
		return []string{beside}
	}
	if name[0] == '/' || filepath.IsAbs(path) {
		return []string{filepath.Join(q.r.root, path), path}
	}
	list, based := q.mappedPaths(name, importer)
	if name[0] != '#' {
		list = append([]string{beside}, list...)
	}
	if based != "" {
		list = append(list, based)
	}
	return list
}

// mappedPaths returns the paths that a name may have, by "paths" of the tsconfig of importer or else by "imports" of its
// package.json. based is the path by "baseUrl", "" for none.
func (q *query) mappedPaths(name, importer string) (paths []string, based string) {
	ts := q.tsConfig(importer)
	paths = slices.Clip(ts.candidates(name))
	if ts.baseURL != "" {
		based = filepath.Join(ts.baseURL, filepath.FromSlash(name))
	}
	if name[0] == '#' && len(paths) == 0 {
		t, dir := q.imported(name, importer)
		if to := filepath.Join(dir, filepath.FromSlash(t.path)); t.path != "" && !t.other && inside(to, dir) {
			paths = []string{to}
		}
	}
	return paths, based
}

// imported returns what "imports" of importer's package.json, which lies in dir, make of a name. Its path is "" when
// they do not know the name.
func (q *query) imported(name, importer string) (t target, dir string) {
	scope := q.folder(filepath.Dir(importer)).scope()
	if scope == nil || scope.manifest().err != nil {
		return target{}, ""
	}
	t, why := scope.manifest().imports.imported(name, q.r.conditions[q.kind])
	if why != found {
		return target{}, ""
	}
	return t, scope.path
}
