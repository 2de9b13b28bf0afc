package resolve

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options say how a Resolver works. The zero value of each field but Root is a good default.
type Options struct {
	// Root is the project's folder.
	Root string
	// Workspace is the folder whose package.json has dependencies for all projects below it. Empty: there is none.
	Workspace string
	// Public is the folder of files that are served unchanged at "/". Empty: there is no such folder.
	Public string
	// Alias is tried in order; the first alias that matches is applied.
	Alias []Alias
	// Conditions are added to the conditions that always hold: module, browser, development, and import or require.
	Conditions []string
	// NoDefaultConditions leaves out module, browser and development, for scripts.
	NoDefaultConditions bool
	// MainFields are the fields of package.json that name a package's entry, used when it has no "exports". "main" comes
	// last when they lack it. Nil means browser, module, jsnext:main, jsnext, main.
	MainFields []string
	// Dedupe lists packages whose root copy every importer gets.
	Dedupe []string
	// Extensions may be left out in imports. Nil means .mjs .js .mts .ts .jsx .tsx .json.
	Extensions []string
	// PreserveSymlinks keeps the path that led to a file, and resolves no symbolic link in it.
	PreserveSymlinks bool
	// Production takes the condition "production" of exports in place of "development".
	Production bool
}

// Kind is the kind of import that a specifier is in.
type Kind uint8

// The kinds.
const (
	// Import is an import statement or an import().
	Import Kind = iota
	// Require is a require() in a CommonJS module.
	Require
	// Style is an @import or url() in a stylesheet: "x.css" is relative there.
	Style
	// URL is `new URL("x", import.meta.url)`, where "x" is relative too.
	URL
	// Sass is an @use, @forward or @import of Sass: "x" may be "_x.scss" and the index of a folder, and "pkg:x" is a
	// package.
	Sass
	// Less is an @import of Less.
	Less
	// Stylus is an @import or @require of Stylus.
	Stylus
)

// isStyle reports whether the import is in a stylesheet.
func (k Kind) isStyle() bool { return k == Style || k >= Sass }

// Resolved is the meaning of a specifier. Exactly one of File, URL (with External), Builtin and Empty is set.
type Resolved struct {
	// File is the path on disk, with symbolic links resolved.
	File string
	// Query is the part of the specifier after "?".
	Query string
	// External means that the browser itself loads the module from URL.
	External bool
	// URL is the address of an external module, or of a file in the public folder.
	URL string
	// Public means that File is in the public folder and served at URL.
	Public bool
	// Empty means that the package replaces the module by nothing in browsers ("browser": {"x": false}).
	Empty bool
	// Builtin is the name of a module of Node.js ("fs", never "node:fs"), which browsers don't have.
	Builtin string
	// Path means that the specifier is a path, and not the name of a package. What an alias has changed is a path only
	// if it has ".." in it, which may lead out of the alias's folder.
	Path bool
	// Strays is the folder of the package that the specifier names, if ".." in the specifier or in the package.json
	// leads out of the folder. Otherwise it is "".
	Strays string
	// Package is the package that File belongs to, or nil.
	Package *Package
}

// Resolver resolves specifiers. Use New.
type Resolver struct {
	root       string // with symbolic links resolved
	workspace  string // "" when there is none
	public     string
	alias      []alias
	conditions [7]map[string]bool // by Kind
	mainFields []string
	// browserField means that mainFields has "browser", whose value may be an object of replacements.
	browserField bool
	dedupe       map[string]bool
	extensions   []string
	// required is extensions in the order for require(): Node's require does not try .mjs first.
	required []string
	keepLink bool
	// foldsCase means that the file system may find "button.tsx" under the name "Button.tsx".
	foldsCase bool

	cache atomic.Pointer[cache]
	// links are the symbolic links on the way to answers, see Linked.
	links sync.Map // path -> true
	// noted holds the files that answers depend on, as they were at the last Recheck, or when an answer first needed them.
	noted sync.Map // file -> fs.FileInfo
	// misses are bare specifiers that were not found a moment ago. When thousands of modules import a missing package,
	// it is not searched thousands of times.
	misses sync.Map // bareKey -> miss
}

type miss struct {
	err error
	at  time.Time
}

// missLife is how long a package counts as missing. It is short, since nobody watches node_modules.
const missLife = time.Second

var (
	defaultExtensions = []string{".mjs", ".js", ".mts", ".ts", ".jsx", ".tsx", ".json"}
	// A require() follows them like an import, as in Vite: a package that both import and require has one copy.
	defaultMainFields = []string{"browser", "module", "jsnext:main", "jsnext", "main"}
	// oneCopy are packages that break when a page holds two copies. The framework's Vite plugin dedupes them, too.
	oneCopy = []string{"react", "react-dom", "preact", "vue", "svelte", "solid-js"}
)

// New returns a Resolver for the project in Root.
func New(o Options) (*Resolver, error) {
	root, err := filepath.Abs(o.Root)
	if err != nil {
		return nil, fmt.Errorf("resolve: root %q: %w", o.Root, err)
	}
	if real, err := filepath.EvalSymlinks(root); err == nil && !o.PreserveSymlinks {
		root = real
	}
	r := &Resolver{
		root:       root,
		workspace:  o.Workspace,
		public:     o.Public,
		mainFields: o.MainFields,
		extensions: o.Extensions,
		dedupe:     map[string]bool{},
		keepLink:   o.PreserveSymlinks,
		foldsCase:  runtime.GOOS == "darwin" || runtime.GOOS == "windows",
	}
	if r.mainFields == nil {
		r.mainFields = defaultMainFields
	} else if !slices.Contains(r.mainFields, "main") { // every package may have it, as in Vite
		r.mainFields = append(slices.Clone(r.mainFields), "main")
	}
	r.browserField = slices.Contains(r.mainFields, "browser")
	if r.extensions == nil {
		r.extensions = defaultExtensions
	}
	r.required = commonJSFirst(r.extensions)
	for _, name := range o.Dedupe {
		r.dedupe[name] = true
	}
	r.setConditions(o.Conditions, o.Production, !o.NoDefaultConditions)
	r.setAliases(o.Alias)
	r.Reset()
	return r, nil
}

func (r *Resolver) setConditions(more []string, production, byDefault bool) {
	mode := "development"
	if production {
		mode = "production"
	}
	for kind, own := range [...]string{Import: "import", Require: "require", Style: "style", URL: "import", Sass: "sass", Less: "less", Stylus: "stylus"} {
		set := map[string]bool{own: true}
		switch {
		case Kind(kind).isStyle(): // the other conditions stand for scripts
			set["style"], set[mode] = true, true
		case byDefault:
			set["module"], set["browser"], set[mode] = true, true, true
		}
		for _, c := range more {
			if c == "development|production" { // how Vite's config writes "the one of the mode"
				c = mode
			}
			set[c] = true
		}
		r.conditions[kind] = set
	}
}

// commonJSFirst puts the extensions that Node's require tries before the other extensions.
func commonJSFirst(extensions []string) []string {
	first := []string{".js", ".json"}
	list := append([]string{}, first...)
	for _, e := range extensions {
		if e != ".js" && e != ".json" {
			list = append(list, e)
		}
	}
	return list
}

// Resolve returns the meaning of an import's specifier in the file importer. The error is a *NotFound when there is no
// such file or package, and an *Error when a package.json on the way is broken.
func (r *Resolver) Resolve(specifier, importer string) (Resolved, error) {
	return r.ResolveKind(Import, specifier, importer)
}

// ResolveStyle resolves the specifier of an @import or url() in the stylesheet importer.
func (r *Resolver) ResolveStyle(specifier, importer string) (Resolved, error) {
	return r.ResolveKind(Style, specifier, importer)
}

// ResolveKind is Resolve for the given kind of import.
func (r *Resolver) ResolveKind(kind Kind, specifier, importer string) (Resolved, error) {
	c := r.cache.Load()
	q := query{cache: c, kind: kind}
	res, err := q.resolve(specifier, importer)
	if _, missing := errors.AsType[*NotFound](err); !missing {
		return res, err
	}
	// The cache may be out of date and lack a file that was made a moment ago: try again with an empty cache.
	key := bareKey{dir: filepath.Dir(importer), name: specifier, kind: kind}
	if was, ok := r.misses.Load(key); ok && time.Since(was.(miss).at) < missLife {
		return res, was.(miss).err
	}
	fresh := r.newCache()
	q = query{cache: fresh, kind: kind, explain: true}
	res, err = q.resolve(specifier, importer)
	if err == nil {
		r.cache.CompareAndSwap(c, fresh)
	} else if isBare(specifier) {
		r.misses.Store(key, miss{err, time.Now()})
	}
	return res, err
}

// Glance is ResolveKind by what is remembered: it may miss a file that was made a moment ago, and its error does not say
// why there is no answer. It is for questions whose usual answer is that there is no such file.
func (r *Resolver) Glance(kind Kind, specifier, importer string) (Resolved, error) {
	q := query{cache: r.cache.Load(), kind: kind}
	return q.resolve(specifier, importer)
}

// IsAliased reports whether an alias matches the specifier.
func (r *Resolver) IsAliased(specifier string) bool {
	_, is := r.applyAlias(specifier)
	return is
}

// query is one resolution, with the cache that it reads.
type query struct {
	*cache
	kind Kind
	// explain makes an error say what the user may have meant, which takes longer.
	explain bool
}

func (q *query) resolve(specifier, importer string) (Resolved, error) {
	if specifier == "" {
		return Resolved{}, &NotFound{Importer: importer, Text: "the import specifier is empty"}
	}
	if IsExternal(specifier) {
		return Resolved{External: true, URL: specifier}, nil
	}
	if strings.ContainsAny(specifier, "?#") { // they may be characters of the name
		if res, ok := q.literal(specifier, importer); ok {
			return res, nil
		}
	}
	name, search, _ := strings.Cut(specifier, "?")
	if q.kind.isStyle() || q.kind == URL {
		if at := strings.LastIndexByte(name, '#'); at > 0 { // sprite.svg#icon
			name = name[:at]
		}
	} else {
		search, _, _ = strings.Cut(search, "#") // a module is what the fragment is in, as in Vite
	}
	written, packaged := name, false
	to, aliased := q.r.applyAlias(name)
	if aliased {
		if IsExternal(to) {
			return Resolved{External: true, URL: to}, nil
		}
		name = to
	} else if q.kind.isStyle() && len(name) > 1 && name[0] == '~' && name[1] != '/' {
		name, packaged = name[1:], true                  // webpack's sign for "a package"
		if to, aliased = q.r.applyAlias(name); aliased { // "~@/x"
			name, packaged = to, false
		}
	} else if rest, ok := strings.CutPrefix(name, "pkg:"); ok && q.kind == Sass {
		name, packaged = rest, true
	}
	if name == "" { // "?raw", or an alias to nothing
		return Resolved{}, &NotFound{Specifier: specifier, Importer: importer, Text: fmt.Sprintf("no file %q", specifier)}
	}
	res, err := q.named(name, importer, packaged)
	if err != nil && strings.Contains(name, "%") {
		// "./a%20b.js", as a browser reads it
		if plain, bad := url.PathUnescape(name); bad == nil && plain != name && !strings.Contains(plain, "\x00") {
			if again, err := q.named(plain, importer, packaged); err == nil {
				again.Query, again.Path = search, again.Path && (!aliased || climbs(written))
				return again, nil
			}
		}
	}
	if at := strings.LastIndexByte(name, '#'); err != nil && at > 0 { // "./sprite.svg#icon", and not "./c#" for c#.js
		if again, err := q.named(name[:at], importer, packaged); err == nil {
			again.Query, again.Path = search, again.Path && (!aliased || climbs(written))
			return again, nil
		}
	}
	if missing, ok := errors.AsType[*NotFound](err); ok {
		missing.Specifier, missing.Importer = specifier, importer
		missing.Optional = missing.target == "" && missing.pkg == nil && q.optionalPeer(name, importer)
		if q.explain {
			q.explainMissing(missing, written, name, importer)
		}
	}
	res.Query, res.Path = search, res.Path && (!aliased || climbs(written))
	return res, err
}

// climbs reports whether a specifier has a "..", also an escaped one, behind the beginning that an alias may stand for.
func climbs(name string) bool {
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	below := false
	for segment := range strings.SplitSeq(name, "/") {
		if segment == ".." && below {
			return true
		}
		below = below || segment != "." && segment != ".."
	}
	return false
}

// literal finds the file whose name is the whole of a path, or the key in "imports" that is the whole of a specifier.
func (q *query) literal(path, importer string) (Resolved, bool) {
	target := filepath.FromSlash(path)
	switch {
	case path[0] == '#':
		scope := q.folder(filepath.Dir(importer)).scope()
		if !strings.ContainsAny(path[1:], "?#") || scope == nil || !scope.manifest().imports.has(path) {
			return Resolved{}, false
		}
		res, err := q.bare(path, importer)
		return res, err == nil
	case isRelative(path):
		target = filepath.Join(filepath.Dir(importer), target)
	case path[0] != '/':
		return Resolved{}, false
	case !inside(target, q.r.root):
		target = filepath.Join(q.r.root, target)
	}
	if q.folder(filepath.Dir(target)).kind(filepath.Base(target)) != entryFile {
		return Resolved{}, false
	}
	res, err := q.found(hit{file: target})
	res.Path = true
	return res, err == nil
}

// named resolves a specifier without its query and with its alias applied. packaged means that a style's specifier is
// not relative.
func (q *query) named(name, importer string, packaged bool) (Resolved, error) {
	byPath := func(res Resolved, err error) (Resolved, error) {
		res.Path = true
		return res, err
	}
	switch {
	case strings.HasPrefix(name, "/@fs/"):
		return byPath(q.path(fsPath(name[len("/@fs"):])))
	case strings.HasPrefix(name, "file://"):
		u, err := url.Parse(name)
		if err != nil {
			return Resolved{}, &NotFound{}
		}
		return byPath(q.path(fsPath(u.Path)))
	case name[0] == '/' || filepath.IsAbs(name):
		return byPath(q.absolute(name, importer))
	case isRelative(name):
		return byPath(q.relative(name, importer))
	case (q.kind.isStyle() || q.kind == URL) && !packaged:
		if res, err := q.relative("./"+name, importer); err == nil {
			return byPath(res, nil)
		}
	}
	return q.bare(name, importer)
}

// relative resolves "./x" and "../x".
func (q *query) relative(name, importer string) (Resolved, error) {
	target := filepath.Join(filepath.Dir(importer), name)
	f := q.folder(filepath.Dir(target))
	if h, ok := q.browserPath(f, target); ok {
		return q.found(h)
	}
	if h, ok := q.fileOrFolder(target, endsAsFolder(name)); ok {
		return q.found(h)
	}
	return Resolved{}, &NotFound{target: target}
}

// absolute resolves "/src/x": from the root, then from the public folder. Paths on disk work too, since aliases may
// hold them.
func (q *query) absolute(name, importer string) (Resolved, error) {
	path := filepath.FromSlash(name)
	if inside(path, q.r.root) {
		return q.path(path)
	}
	target := filepath.Join(q.r.root, path)
	if h, ok := q.fileOrFolder(target, endsAsFolder(name)); ok && name != "/" {
		return q.found(h)
	}
	if q.r.public != "" {
		file := filepath.Join(q.r.public, path)
		if q.folder(filepath.Dir(file)).kind(filepath.Base(file)) == entryFile {
			return Resolved{File: file, Public: true, URL: name}, nil
		}
	}
	if strings.HasPrefix(name, "/@") { // the server's own modules, /@vite/client
		return Resolved{External: true, URL: name}, nil
	}
	if h, ok := q.fileOrFolder(path, endsAsFolder(name)); ok {
		return q.found(h)
	}
	if h, ok := q.tsPaths(q.tsConfig(importer), name); ok {
		return q.found(h)
	}
	return Resolved{}, &NotFound{target: target}
}

// path resolves a path on disk.
func (q *query) path(file string) (Resolved, error) {
	file = filepath.Clean(file)
	if h, ok := q.fileOrFolder(file, false); ok {
		return q.found(h)
	}
	return Resolved{}, &NotFound{target: file}
}

// found returns the answer for a file that exists.
func (q *query) found(h hit) (Resolved, error) {
	if h.empty {
		return Resolved{Empty: true}, nil
	}
	f := q.folder(filepath.Dir(h.file))
	file := f.realFile(filepath.Base(h.file))
	if dir := filepath.Dir(file); dir != f.path {
		f = q.folder(dir)
	}
	res := Resolved{File: file, Package: f.packageInfo()}
	if h.pkg != nil && !inside(h.file, h.pkg.path) {
		res.Strays = h.pkg.path
	}
	return res, nil
}

// IsExternal reports whether the specifier is an address that only the browser can load.
func IsExternal(spec string) bool {
	return strings.HasPrefix(spec, "https://") || strings.HasPrefix(spec, "http://") || strings.HasPrefix(spec, "//") ||
		strings.HasPrefix(spec, "data:") || strings.HasPrefix(spec, "blob:")
}

func isRelative(name string) bool {
	return name[0] == '.' && (name == "." || name == ".." || strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../"))
}

func isBare(name string) bool { return name != "" && name[0] != '/' && !isRelative(name) }

// endsAsFolder reports whether the specifier means a folder even when a file of that name lies beside the folder.
func endsAsFolder(name string) bool {
	return name == "." || name == ".." ||
		strings.HasSuffix(name, "/") || strings.HasSuffix(name, "/.") || strings.HasSuffix(name, "/..")
}

// fsPath turns the path of an /@fs/ URL into a path of the system: "/C:/x" is "C:\x" on Windows.
func fsPath(p string) string {
	if len(p) > 2 && p[2] == ':' && runtime.GOOS == "windows" {
		p = p[1:]
	}
	return filepath.FromSlash(p)
}

// inside reports whether path is dir or below it.
func inside(path, dir string) bool {
	return strings.HasPrefix(path, dir) &&
		(len(path) == len(dir) || path[len(dir)] == filepath.Separator || dir[len(dir)-1] == filepath.Separator)
}

// inModules reports whether path lies in a node_modules folder.
func inModules(path string) bool {
	return strings.Contains(filepath.ToSlash(path)+"/", "/node_modules/")
}
