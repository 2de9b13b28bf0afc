package resolve

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/seed-b8174343/devserver/internal/glob"

	"github.com/seed-b8174343/devserver/internal/disk"
)

// manifest is a package.json.
type manifest struct {
	dir     string
	file    string
	err     error // it can't be read as JSON
	fields  map[string]json.RawMessage
	name    string
	version string
	module  bool // "type": "module"
	// browser maps modules to their replacements in browsers, "" for an empty module.
	browser map[string]string
	exports *node
	imports *node

	sideOnce sync.Once
	side     sideEffects
}

// readManifest reads the package.json in dir. It returns nil when there is none.
func (c *cache) readManifest(dir string) *manifest {
	file := filepath.Join(dir, "package.json")
	state := stateOf(file)
	text, err := disk.ReadFile(file)
	if err == nil || mayBePackage(dir) {
		c.noteInfo(file, state) // the state of what was read, or of something older
	}
	if err != nil {
		return nil
	}
	m := &manifest{dir: dir, file: file}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if err := json.Unmarshal(text, &m.fields); err != nil {
		m.err = jsonError(file, text, err)
		return m
	}
	m.name, m.version = m.string("name"), m.string("version")
	m.module = m.string("type") == "module"
	m.exports, m.imports = parseNode(m.fields["exports"]), parseNode(m.fields["imports"])
	m.browser = browserMap(m.fields["browser"])
	return m
}

// mayBePackage reports whether an install would put a package into the folder.
func mayBePackage(dir string) bool {
	up := filepath.Dir(dir)
	if strings.HasPrefix(filepath.Base(up), "@") {
		up = filepath.Dir(up)
	}
	return filepath.Base(up) == "node_modules"
}

// string returns a field's string, or "" when the field is no string.
func (m *manifest) string(field string) string {
	raw := m.fields[field]
	if len(raw) == 0 || raw[0] != '"' {
		return ""
	}
	var s string
	_ = json.Unmarshal(raw, &s)
	return s
}

func browserMap(raw json.RawMessage) map[string]string {
	if len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	var entries map[string]any
	_ = json.Unmarshal(raw, &entries)
	to := make(map[string]string, len(entries))
	for from, value := range entries {
		switch v := value.(type) {
		case string:
			to[from] = v
		case bool:
			if !v {
				to[from] = ""
			}
		}
	}
	return to
}

// dependencies returns the names of all packages that package.json lists, under any heading.
func (m *manifest) dependencies() map[string]bool {
	all := map[string]bool{}
	for _, field := range []string{"dependencies", "devDependencies", "peerDependencies", "optionalDependencies"} {
		var list map[string]json.RawMessage
		_ = json.Unmarshal(m.fields[field], &list) // a value of another type names no package
		for name := range list {
			all[name] = true
		}
	}
	return all
}

// styleFields are the fields of package.json that name a package's stylesheet.
var styleFields = map[Kind][]string{
	Style: {"style", "main"}, Sass: {"sass", "style", "main"}, Less: {"less", "style", "main"},
	Stylus: {"stylus", "style", "main"},
}

// mainFile finds the entry that package.json names.
func (q *query) mainFile(f *folder, m *manifest) (hit, bool) {
	if m.err != nil {
		return hit{}, false
	}
	if q.kind.isStyle() {
		for _, field := range styleFields[q.kind] {
			to := m.string(field)
			if to == "" || field == "main" && !q.hasExtension(to) {
				continue
			}
			if h, ok := q.field(f, to); ok {
				return h, true
			}
		}
		return hit{}, false
	}
	for _, field := range q.r.mainFields {
		to := m.string(field)
		if field == "browser" && to == "" {
			to = m.browser["."]
		}
		if to == "" {
			continue
		}
		h, ok := q.field(f, to)
		if !ok {
			continue
		}
		if module := m.string("module"); field == "browser" && module != "" && !h.empty && !isESModule(h.file) {
			// "browser" may be a file for <script> tags, while "module" is the file for bundlers.
			if other, ok := q.field(f, module); ok {
				return other, true
			}
		}
		return h, true
	}
	return hit{}, false
}

// field finds the file that a field of package.json names.
func (q *query) field(f *folder, to string) (hit, bool) {
	path := filepath.Join(f.path, filepath.FromSlash(to))
	if h, ok := q.browserPath(f, path); ok {
		return h, true
	}
	if file, ok := q.file(path); ok {
		return hit{file: file}, true
	}
	if path == f.path {
		return q.index(f)
	}
	if q.folder(filepath.Dir(path)).kind(filepath.Base(path)) == entryFolder {
		return q.index(q.folder(path))
	}
	return hit{}, false
}

// esmSyntax matches statements that only ES modules have.
var esmSyntax = regexp.MustCompile(`(?m)(?:^|[\s;}])(?:import[\s\w*,{}$]*from\s*["']|import\s*["']` +
	`|export\s*(?:[*{]|default\b|class\b|function\b|const\b|var\b|let\b|async\b))`)

func isESModule(file string) bool {
	text, err := disk.ReadFile(file)
	return err == nil && esmSyntax.Match(text)
}

// browserPath finds the replacement of a path in the "browser" field of the package around f.
func (q *query) browserPath(f *folder, path string) (hit, bool) {
	s := f.scope()
	if s == nil || !q.r.browserField || len(s.manifest().browser) == 0 || q.kind.isStyle() {
		return hit{}, false
	}
	rel, err := filepath.Rel(s.path, path)
	if err != nil || rel == "." {
		return hit{}, false
	}
	key := filepath.ToSlash(rel)
	m := s.manifest()
	to, ok := q.browserKey(m, key, true)
	if !ok && !isRelative(key) {
		to, ok = q.browserKey(m, "./"+key, true)
	}
	if !ok {
		return hit{}, false
	}
	return q.browserTarget(s, to)
}

// browserPackage is browserPath for a bare specifier in a module of folder f.
func (q *query) browserPackage(f *folder, name string) (hit, bool) {
	s := f.scope()
	if s == nil || !q.r.browserField || len(s.manifest().browser) == 0 || q.kind.isStyle() {
		return hit{}, false
	}
	to, ok := q.browserKey(s.manifest(), name, true)
	if !ok {
		// Browserify lets "./pkg" stand for "pkg", and packages rely on it.
		prefix := "./"
		if rel, err := filepath.Rel(s.path, f.path); err == nil && rel != "." {
			prefix += filepath.ToSlash(rel) + "/"
		}
		to, ok = q.browserKey(s.manifest(), prefix+name, false)
	}
	if !ok || to == name {
		return hit{}, false
	}
	h, ok := q.browserTarget(s, to)
	return h.of(s), ok
}

func (q *query) browserKey(m *manifest, key string, implicit bool) (string, bool) {
	for _, k := range [...]string{key, key + "/index"} {
		if to, ok := m.browser[k]; ok {
			return to, true
		}
		if !implicit {
			continue
		}
		for _, ext := range q.extensions() {
			if to, ok := m.browser[k+ext]; ok {
				return to, true
			}
		}
	}
	return "", false
}

func (q *query) browserTarget(s *folder, to string) (hit, bool) {
	if to == "" {
		return hit{empty: true}, true
	}
	if isBare(to) {
		h, err := q.modules(s, to, false)
		return h, err == nil
	}
	return q.fileOrFolder(filepath.Join(s.path, filepath.FromSlash(to)), false)
}

// optionalPeer reports whether the package around importer names the package of a specifier as an optional peer.
func (q *query) optionalPeer(name, importer string) bool {
	pkg, _, ok := splitPackage(name)
	s := q.folder(filepath.Dir(importer)).scope()
	for s != nil && s.manifest().name == "" { // a sub-folder's package.json, which only says what its files are
		s = s.parent.scope()
	}
	if !ok || s == nil || s.path == q.r.root {
		return false
	}
	var peers map[string]struct{ Optional bool }
	_ = json.Unmarshal(s.manifest().fields["peerDependenciesMeta"], &peers) // a value of another type names no package
	return peers[pkg].Optional
}

// Package is the package that a file belongs to.
type Package struct {
	// Dir is the package's folder. Name and Version are from package.json and may be empty.
	Dir, Name, Version string
	// Linked means that the package is source of this project's workspace: it lies outside of node_modules, and is not
	// the project itself.
	Linked bool

	scope *manifest // the nearest package.json: sub-folders of a package may have their own
	side  *manifest // the package.json with "sideEffects"
}

// packageInfo returns the package that the folder's files belong to.
func (f *folder) packageInfo() *Package {
	f.infoOnce.Do(func() {
		s := f.scope()
		if s == nil {
			return
		}
		if s != f {
			f.info = s.packageInfo()
			return
		}
		p := &Package{Dir: s.path, scope: s.manifest(), side: s.manifest()}
		own := s
		for own != nil && own.manifest().name == "" && own.parent != nil {
			own = own.parent.scope()
		}
		if own != nil {
			m := own.manifest()
			p.Dir, p.Name, p.Version = own.path, m.name, m.version
			if p.scope.name == "" && p.scope.fields["sideEffects"] == nil {
				p.side = m
			}
		}
		root := f.c.folder(f.c.r.root).scope()
		p.Linked = !inModules(p.Dir) && (root == nil || p.Dir != root.path)
		f.info = p
	})
	return f.info
}

// PackageOf returns the package that a file belongs to, or nil when there is none.
func (r *Resolver) PackageOf(file string) *Package {
	return r.cache.Load().folder(filepath.Dir(file)).packageInfo()
}

// Dependencies returns the names of the packages that the root's package.json lists, under any heading.
func (r *Resolver) Dependencies() map[string]bool {
	return r.cache.Load().project().deps
}

// ESM reports whether Node would read the file as an ES module.
func (p *Package) ESM(file string) bool {
	switch filepath.Ext(file) {
	case ".mjs", ".mts":
		return true
	case ".cjs", ".cts", ".json":
		return false
	}
	return p != nil && p.scope.module
}

// sideEffects is the field "sideEffects" of package.json.
type sideEffects struct {
	none     bool            // the field is false: no file has side effects
	patterns []*glob.Pattern // only files that match a pattern have side effects
}

// SideEffectFree reports whether package.json allows leaving out the file when no export of it is used.
func (p *Package) SideEffectFree(file string) bool {
	if p == nil {
		return false
	}
	m := p.side
	m.sideOnce.Do(func() { m.side = parseSideEffects(m.fields["sideEffects"]) })
	if m.side.none {
		return true
	}
	if m.side.patterns == nil {
		return false
	}
	rel, err := filepath.Rel(m.dir, file)
	if err != nil {
		return false
	}
	rel = filepath.ToSlash(rel)
	return !slices.ContainsFunc(m.side.patterns, func(p *glob.Pattern) bool { return p.Match(rel) })
}

func parseSideEffects(raw json.RawMessage) sideEffects {
	var value any
	if json.Unmarshal(raw, &value) != nil {
		return sideEffects{}
	}
	var texts []string
	switch v := value.(type) {
	case bool:
		return sideEffects{none: !v}
	case string:
		texts = []string{v}
	case []any:
		for _, item := range v {
			if text, ok := item.(string); ok {
				texts = append(texts, text)
			}
		}
	default:
		return sideEffects{}
	}
	s := sideEffects{patterns: []*glob.Pattern{}}
	for _, text := range texts {
		p, err := glob.Compile(sidePattern(text), glob.Options{Dot: true})
		if err != nil {
			return sideEffects{} // any file may have side effects
		}
		s.patterns = append(s.patterns, p)
	}
	return s
}

// sidePattern makes a pattern relative to the package. A pattern without a slash applies to every folder.
func sidePattern(text string) string {
	text = strings.TrimPrefix(strings.TrimPrefix(text, "./"), "/")
	if !strings.Contains(text, "/") {
		return "**/" + text
	}
	return text
}
