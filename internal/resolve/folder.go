package resolve

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// cache holds everything that was read from disk. A change that may affect many answers replaces the whole cache. A
// resolution in progress then continues with the old cache, so that no stale answer gets into the new one.
type cache struct {
	r       *Resolver
	folders sync.Map // path -> *folder
	// memo holds the answers for bare specifiers. It is replaced and not cleared, for the same reason.
	memo     atomic.Pointer[sync.Map] // bareKey -> Resolved
	projects sync.Map                 // folder -> *tsProject
	picked   sync.Map                 // file -> *TSConfig, where several configs make the search slow
	// configs are the files that tsconfigs were read from.
	configs sync.Map

	rootOnce sync.Once
	rootInfo rootInfo
}

func (r *Resolver) newCache() *cache {
	c := &cache{r: r}
	c.memo.Store(&sync.Map{})
	return c
}

// Reset forgets everything that was read.
func (r *Resolver) Reset() {
	r.misses.Clear()
	r.cache.Store(r.newCache())
}

// Invalidate forgets what depends on the given files and folders. Call it for files and folders that were created or
// removed. Call it, too, for a changed package.json and for a changed file that a TSConfig was read from.
func (r *Resolver) Invalidate(paths ...string) {
	r.misses.Clear()
	c := r.cache.Load()
	for _, p := range paths {
		base := filepath.Base(p)
		_, config := c.configs.Load(p)
		if config || base == "package.json" || base == "node_modules" || base == "tsconfig.json" || base == "jsconfig.json" {
			r.Reset()
			return
		}
	}
	c.memo.Store(&sync.Map{})
	for _, p := range paths {
		c.folders.Delete(filepath.Dir(p))
		if _, known := c.folders.LoadAndDelete(p); known { // a folder: its contents were created or removed too
			below := p + string(filepath.Separator)
			c.folders.Range(func(key, _ any) bool {
				if strings.HasPrefix(key.(string), below) {
					c.folders.Delete(key)
				}
				return true
			})
		}
	}
}

// Linked reports whether the path is, or was, a symbolic link on the way to an answer. When such a link gets another
// target, the answers differ although none of their files has changed.
func (r *Resolver) Linked(path string) bool {
	_, known := r.links.Load(path)
	return known
}

// entry is the type of a name in a folder.
type entry uint8

const (
	entryNone entry = iota
	entryFile
	entryFolder
	entryLink
)

// folder is a folder on disk, which may not exist. Each part of it is read at its first use.
type folder struct {
	c      *cache
	path   string
	parent *folder // nil above the volume's root

	listOnce sync.Once
	exists   bool
	entries  map[string]entry

	realOnce sync.Once
	realPath string

	manifestOnce sync.Once
	manifest_    *manifest

	modulesOnce sync.Once
	modules     bool

	infoOnce sync.Once
	info     *Package

	answers sync.Map // exportKey -> answer, when the folder is a package
}

// folder returns the folder with the given clean path.
func (c *cache) folder(path string) *folder {
	if f, ok := c.folders.Load(path); ok {
		return f.(*folder)
	}
	f := &folder{c: c, path: path}
	if dir := filepath.Dir(path); dir != path {
		f.parent = c.folder(dir)
	}
	was, _ := c.folders.LoadOrStore(path, f)
	return was.(*folder)
}

// list returns the names in the folder, or nil when the folder does not exist.
func (f *folder) list() map[string]entry {
	f.listOnce.Do(func() {
		if !f.spelled() {
			return
		}
		dir, err := os.Open(f.path)
		if err != nil {
			return
		}
		defer dir.Close()
		entries, _ := dir.ReadDir(-1) // on an error it returns the entries before the error
		if info, err := dir.Stat(); err != nil || !info.IsDir() {
			return
		}
		f.exists = true
		f.entries = make(map[string]entry, len(entries))
		for _, e := range entries {
			switch t := e.Type(); {
			case t.IsRegular():
				f.entries[e.Name()] = entryFile
			case t.IsDir():
				f.entries[e.Name()] = entryFolder
			case t&(fs.ModeSymlink|fs.ModeIrregular) != 0: // Windows calls junctions irregular
				f.entries[e.Name()] = entryLink
			}
		}
	})
	return f.entries
}

// spelled reports whether the folder's name has the same case as on disk. It checks that where the system ignores case.
func (f *folder) spelled() bool {
	if !f.c.r.foldsCase || f.parent == nil || !inside(f.path, f.c.r.root) || f.path == f.c.r.root {
		return true
	}
	_, ok := f.parent.list()[filepath.Base(f.path)]
	return ok
}

// kind returns the type of a name in the folder. A link has the type of its target.
func (f *folder) kind(name string) entry {
	e := f.list()[name]
	if e != entryLink {
		return e
	}
	info, err := os.Stat(filepath.Join(f.path, name))
	switch {
	case err != nil:
		return entryNone
	case info.IsDir():
		return entryFolder
	case info.Mode().IsRegular():
		return entryFile
	}
	return entryNone
}

// real returns the folder's path with symbolic links resolved.
func (f *folder) real() string {
	f.realOnce.Do(func() {
		f.realPath = f.path
		if f.parent == nil || f.c.r.keepLink {
			return
		}
		info, err := os.Lstat(f.path)
		if err != nil {
			return
		}
		if info.Mode()&(fs.ModeSymlink|fs.ModeIrregular) != 0 {
			f.c.r.links.Store(f.path, true)
			if p, err := filepath.EvalSymlinks(f.path); err == nil {
				f.realPath = p
			}
			return
		}
		if up := f.parent.real(); up != f.parent.path {
			f.realPath = filepath.Join(up, filepath.Base(f.path))
		}
	})
	return f.realPath
}

// realFile returns the real path of a file in the folder.
func (f *folder) realFile(name string) string {
	file := filepath.Join(f.path, name)
	if f.c.r.keepLink {
		return file
	}
	if f.list()[name] == entryLink {
		f.c.r.links.Store(file, true)
		if p, err := filepath.EvalSymlinks(file); err == nil {
			return p
		}
	}
	if dir := f.real(); dir != f.path {
		return filepath.Join(dir, name)
	}
	return file
}

// hasModules reports whether there is a node_modules in the folder.
func (f *folder) hasModules() bool {
	f.modulesOnce.Do(func() {
		if filepath.Base(f.path) == "node_modules" {
			return // packages are not searched in node_modules/node_modules
		}
		dir := filepath.Join(f.path, "node_modules")
		info, err := os.Stat(dir)
		f.modules = err == nil && info.IsDir()
		switch {
		case inModules(f.path):
		case f.modules:
			f.c.noteModules(dir)
		default:
			f.c.note(dir) // it may be created later
		}
	})
	return f.modules
}

// manifest returns the package.json in the folder, or nil.
func (f *folder) manifest() *manifest {
	f.manifestOnce.Do(func() {
		f.manifest_ = f.c.readManifest(f.path)
	})
	return f.manifest_
}

// scope returns the nearest folder with a package.json in the same package: this folder or one above it.
func (f *folder) scope() *folder {
	for ; f != nil; f = f.parent {
		if f.manifest() != nil {
			return f
		}
		if filepath.Base(f.path) == "node_modules" {
			return nil
		}
	}
	return nil
}

// hit is a file that was found, or the empty module that replaces it.
type hit struct {
	file  string
	empty bool
	pkg   *folder // the package whose name or package.json led to the file; nil for a path
}

// of returns the hit as a file of the package, unless the package names another.
func (h hit) of(pkg *folder) hit {
	if h.pkg == nil {
		h.pkg = pkg
	}
	return h
}

// fileOrFolder finds the file that path means: path itself, path with an extension, or the entry of a folder.
func (q *query) fileOrFolder(path string, folderOnly bool) (hit, bool) {
	if !folderOnly {
		if file, ok := q.file(path); ok {
			return hit{file: file}, true
		}
	}
	f := q.folder(filepath.Dir(path))
	if f.parent == nil || f.kind(filepath.Base(path)) == entryFolder {
		return q.entry(q.folder(path))
	}
	return hit{}, false
}

// file finds a file, or adds the extension that was left out.
func (q *query) file(path string) (string, bool) {
	f := q.folder(filepath.Dir(path))
	names := f.list()
	if len(names) == 0 {
		return "", false
	}
	base := filepath.Base(path)
	if e := names[base]; e != entryNone && f.kind(base) == entryFile {
		return path, true
	}
	for _, ext := range q.extensions() {
		if e := names[base+ext]; e != entryNone && f.kind(base+ext) == entryFile {
			return path + ext, true
		}
	}
	// TypeScript sources import the names of the compiled files.
	for _, ext := range sources(base) {
		name := base[:strings.LastIndexByte(base, '.')] + ext
		if names[name] != entryNone && f.kind(name) == entryFile {
			return filepath.Join(f.path, name), true
		}
	}
	if q.kind == Sass && base[0] != '_' { // a partial
		return q.file(filepath.Join(f.path, "_"+base))
	}
	return "", false
}

// sources returns the extensions of the files that a JavaScript file may be compiled from.
func sources(name string) []string {
	switch filepath.Ext(name) {
	case ".js":
		return []string{".ts", ".tsx", ".jsx"}
	case ".jsx":
		return []string{".tsx", ".ts"}
	case ".mjs":
		return []string{".mts"}
	case ".cjs":
		return []string{".cts"}
	}
	return nil
}

func (q *query) extensions() []string {
	switch q.kind {
	case Style:
		return styleExtensions
	case Sass:
		return sassExtensions
	case Less:
		return lessExtensions
	case Stylus:
		return stylusExtensions
	case Require:
		return q.r.required
	}
	return q.r.extensions
}

var (
	styleExtensions  = []string{".css"}
	sassExtensions   = []string{".scss", ".sass", ".css"}
	lessExtensions   = []string{".less", ".css"}
	stylusExtensions = []string{".styl", ".stylus", ".css"}
)

// hasExtension reports whether the file has an extension that may be left out in this kind of import.
func (q *query) hasExtension(file string) bool {
	return slices.Contains(q.extensions(), filepath.Ext(file))
}

// entry finds the file that a folder stands for: the file that its package.json names, or else its index.
func (q *query) entry(f *folder) (hit, bool) {
	if m := f.manifest(); m != nil {
		if h, ok := q.mainFile(f, m); ok {
			return h, true
		}
	}
	return q.index(f)
}

func (q *query) index(f *folder) (hit, bool) {
	index := filepath.Join(f.path, "index")
	if h, ok := q.browserPath(f, index); ok {
		return h, true
	}
	if q.kind == Sass {
		file, ok := q.file(index)
		return hit{file: file}, ok
	}
	names := f.list()
	for _, ext := range q.extensions() {
		if names["index"+ext] != entryNone && f.kind("index"+ext) == entryFile {
			return hit{file: index + ext}, true
		}
	}
	return hit{}, false
}
