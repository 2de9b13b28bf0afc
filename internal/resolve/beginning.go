package resolve

import "path/filepath"

// Folder returns the folder that the beginning of a URL or pattern means in the file importer: "@/img/" by an alias or
// a tsconfig, "#img/" by package.json, "./img/", "/src/". The beginning ends with a slash. ok is false when there is no
// such folder.
func (r *Resolver) Folder(beginning, importer string) (dir string, ok bool) {
	q := query{cache: r.cache.Load(), kind: URL}
	name, _ := r.applyAlias(beginning)
	if name == "" || isExternal(name) {
		return "", false
	}
	for _, dir := range q.folders(name, importer) {
		if dir = filepath.Clean(dir); q.folder(dir).list() != nil {
			return q.folder(dir).real(), true
		}
	}
	return "", false
}

// folders returns the paths that the beginning of a specifier may mean, in order.
func (q *query) folders(name, importer string) []string {
	from, path := filepath.Dir(importer), filepath.FromSlash(name)
	switch {
	case isRelative(name):
		return []string{filepath.Join(from, path)}
	case name[0] == '/' || filepath.IsAbs(path):
		return []string{filepath.Join(q.r.root, path), path}
	case name[0] == '#':
		scope := q.folder(from).scope()
		if scope == nil {
			return nil
		}
		if t, why := scope.manifest().imports.imported(name, q.r.conditions[q.kind]); why == found && !t.other {
			return []string{filepath.Join(scope.path, filepath.FromSlash(t.path))}
		}
		return nil
	}
	list := []string{filepath.Join(from, path)}
	if ts := q.paths(importer); ts != nil {
		list = append(list, ts.candidates(name)...)
		if ts.baseURL != "" {
			list = append(list, filepath.Join(ts.baseURL, path))
		}
	}
	return list
}
