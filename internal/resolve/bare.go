package resolve

import (
	"path/filepath"
	"strings"
)

// bareKey is a bare specifier in the modules of a folder.
type bareKey struct {
	dir  string
	name string
	kind Kind
	// ts is the tsconfig whose "paths" apply. It may differ between the files of a folder.
	ts *TSConfig
}

// bare resolves a specifier that names a package, or that a tsconfig or package.json maps to a file.
func (q *query) bare(name, importer string) (Resolved, error) {
	key := bareKey{dir: filepath.Dir(importer), name: name, kind: q.kind}
	if !inModules(key.dir) {
		key.ts = q.paths(importer)
	}
	memo := q.memo.Load()
	if was, ok := memo.Load(key); ok {
		return was.(Resolved), nil
	}
	res, err := q.findBare(key)
	if err == nil {
		memo.Store(key, res)
	}
	return res, err
}

// findBare is bare without its memory.
func (q *query) findBare(key bareKey) (Resolved, error) {
	name := key.name
	if builtin, ok := strings.CutPrefix(name, "node:"); ok && builtin != "" {
		return Resolved{Builtin: builtin}, nil
	}
	if key.ts != nil {
		if h, ok := q.mapped(key.ts, name); ok {
			res, err := q.found(h)
			res.Path = climbs(name)
			return res, err
		}
	}
	f := q.folder(key.dir)
	if h, ok := q.browserPackage(f, name); ok {
		return q.found(h)
	}
	h, err := q.modules(f, name, true)
	if err == nil {
		return q.found(h)
	}
	missing, ok := err.(*NotFound)
	if !ok {
		return Resolved{}, err
	}
	if to, ok := q.project().standIn(name); ok { // preact for react
		if h, err := q.modules(q.folder(q.r.root), to, true); err == nil {
			return q.found(h)
		}
	}
	if missing.pkg == nil && name[0] != '#' {
		if isBuiltin(name) {
			return Resolved{Builtin: name}, nil
		}
		// A linked package finds its peers in the project that links it.
		if h, err := q.modules(q.folder(q.r.root), name, false); err == nil {
			return q.found(h)
		}
	}
	return Resolved{}, err
}

// modules finds a package for the modules of folder f, as Node does. imports allows "#x" in name.
func (q *query) modules(f *folder, name string, imports bool) (hit, error) {
	scope := f.scope()
	if scope != nil && scope.manifest().err != nil && !inModules(scope.path) {
		return hit{}, scope.manifest().err // the project's own package.json is broken: report it before other errors
	}
	if name[0] == '#' && imports && scope != nil {
		return q.imports(scope, name)
	}
	pkg, subpath, ok := splitPackage(name)
	if !ok {
		return hit{}, &NotFound{}
	}
	if scope != nil && scope.manifest().name == pkg && scope.manifest().exports != nil {
		h, _, err := q.inPackage(scope, pkg, subpath) // a package may import itself by name
		return h.of(scope), err
	}
	if q.r.dedupe[pkg] || q.project().oneCopy[pkg] {
		if h, err := q.walk(q.folder(q.r.root), pkg, subpath); err == nil {
			return h, nil
		}
	}
	return q.walk(f, pkg, subpath)
}

// walk searches a package in the node_modules of f and of the folders above.
func (q *query) walk(f *folder, pkg, subpath string) (hit, error) {
	var seen *folder
	for ; f != nil; f = f.parent {
		if !f.hasModules() {
			continue
		}
		dir := q.folder(filepath.Join(f.path, "node_modules", filepath.FromSlash(pkg)))
		h, ok, err := q.inPackage(dir, pkg, subpath)
		switch {
		case ok || err != nil:
			return h.of(dir), err
		case seen == nil && (dir.manifest() != nil || dir.list() != nil):
			seen = dir
		}
	}
	return hit{}, &NotFound{pkg: seen, name: pkg, subpath: subpath}
}

// imports finds the file of a "#x" by the package's "imports".
func (q *query) imports(scope *folder, name string) (hit, error) {
	t, why := scope.manifest().imports.imported(name, q.r.conditions[q.kind])
	if why != found {
		return hit{}, &NotFound{pkg: scope, name: name, why: why}
	}
	if t.other {
		return q.modules(scope, t.path, false)
	}
	if h, ok := q.exportFile(scope, t); ok {
		return h.of(scope), nil
	}
	return hit{}, &NotFound{pkg: scope, name: name, to: t.path}
}

// splitPackage splits "@scope/name/sub" into "@scope/name" and "./sub". The subpath of a package's name alone is ".".
func splitPackage(name string) (pkg, subpath string, ok bool) {
	end := strings.IndexByte(name, '/')
	if name[0] == '@' {
		if end < 0 {
			return "", "", false
		}
		if next := strings.IndexByte(name[end+1:], '/'); next >= 0 {
			end += 1 + next
		} else {
			end = -1
		}
	}
	pkg, subpath = name, "."
	if end >= 0 {
		pkg, subpath = name[:end], "."+name[end:]
	}
	if pkg == "" || pkg[0] == '.' || strings.ContainsAny(pkg, `\%`) || strings.HasSuffix(pkg, "/") {
		return "", "", false
	}
	return pkg, subpath, true
}

// isBuiltin reports whether Node.js has a module of that name.
func isBuiltin(name string) bool { return builtins[name] }

var builtins = func() map[string]bool {
	set := map[string]bool{}
	for name := range strings.FieldsSeq(`
		assert assert/strict async_hooks buffer child_process cluster console constants crypto dgram diagnostics_channel
		dns dns/promises domain events fs fs/promises http http2 https inspector inspector/promises module net os path
		path/posix path/win32 perf_hooks process punycode querystring readline readline/promises repl stream
		stream/consumers stream/promises stream/web string_decoder sys timers timers/promises tls trace_events tty url util
		util/types v8 vm wasi worker_threads zlib _http_agent _http_client _http_common _http_incoming _http_outgoing
		_http_server _stream_duplex _stream_passthrough _stream_readable _stream_transform _stream_wrap _stream_writable
		_tls_common _tls_wrap`) {
		set[name] = true
	}
	return set
}()
