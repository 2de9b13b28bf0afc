package resolve

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/nearest"
)

// explainMissing adds to e what the user may have meant. name is the specifier as written, aliased is name with its
// alias applied.
func (q *query) explainMissing(e *NotFound, name, aliased, importer string) {
	e.Text = fmt.Sprintf("no file %q", name)
	switch {
	case e.target != "":
		q.explainFile(e, name, e.target)
	case e.pkg != nil && name[0] == '#':
		e.Text = fmt.Sprintf("%q is not in \"imports\" of %s", name, q.shown(e.pkg.manifest().file))
		if e.to != "" {
			e.Text = fmt.Sprintf("%q leads to %q, which does not exist in %s", name, e.to, q.shown(e.pkg.path))
		}
	case name[0] == '#':
		e.Text = fmt.Sprintf("%q needs an entry in \"imports\" of a package.json", name)
	case e.pkg != nil:
		q.explainPackage(e)
	default:
		q.explainUninstalled(e, name, aliased, importer)
	}
}

// shown returns a file's name for messages: with forward slashes, and relative to the root if the file is below it.
func (c *cache) shown(file string) string {
	if inside(file, c.r.root) {
		if rel, err := filepath.Rel(c.r.root, file); err == nil {
			return filepath.ToSlash(rel)
		}
	}
	return filepath.ToSlash(file)
}

// explainFile suggests names that are similar to the missing file's.
func (q *query) explainFile(e *NotFound, name, target string) {
	dir, base := q.folder(filepath.Dir(target)), filepath.Base(target)
	if dir.list() == nil {
		q.explainFolder(e, name, target)
		return
	}
	if dir.kind(base) == entryFolder {
		e.Text = fmt.Sprintf("no file %q: it is a folder without an index file", name)
		return
	}
	for _, ext := range append([]string{""}, q.extensions()...) {
		if n := base + ext; dir.list()[n] == entryLink && dir.kind(n) == entryNone {
			e.Text = fmt.Sprintf("no file %q: the link %q does not lead to a file", name, q.shown(filepath.Join(dir.path, n)))
			return
		}
	}
	meant := q.similar(dir, base)
	if meant == "" {
		return
	}
	e.Suggestion = strings.TrimSuffix(name, path.Base(name)) + meant
	if strings.EqualFold(stem(meant), stem(base)) && stem(meant) != stem(base) {
		e.Text = fmt.Sprintf("no file %q: the file's name is %q, and case matters", name, q.entryName(dir, meant))
	}
}

// explainFolder names the missing folder on the way to target.
func (q *query) explainFolder(e *NotFound, name, target string) {
	missing := filepath.Dir(target)
	for q.folder(filepath.Dir(missing)).list() == nil && filepath.Dir(missing) != missing {
		missing = filepath.Dir(missing)
	}
	e.Text = fmt.Sprintf("no file %q: there is no folder %q", name, q.shown(missing))
	parent, base := q.folder(filepath.Dir(missing)), filepath.Base(missing)
	var names []string
	for n := range parent.list() {
		if parent.kind(n) == entryFolder {
			names = append(names, n)
		}
	}
	meant := closest(base, names)
	if at := strings.LastIndex("/"+name, "/"+base+"/"); meant != "" && at >= 0 {
		e.Suggestion = name[:at] + meant + name[at+len(base):]
	}
}

// similar returns the name in the folder that is most similar to base, without its extension when base has none.
func (q *query) similar(dir *folder, base string) string {
	written := path.Ext(base)
	known := written != "" && (slices.Contains(q.r.extensions, written) || len(written) <= 5)
	var names []string
	for name := range dir.list() {
		if strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".d.ts") {
			continue
		}
		if !known && slices.Contains(q.extensions(), path.Ext(name)) {
			name = stem(name)
		}
		if q.kind == Sass {
			name = strings.TrimPrefix(name, "_")
		}
		names = append(names, name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for _, name := range names { // another extension of the same name, such as .vue
		if stem(name) == stem(base) {
			return name
		}
	}
	return closest(base, names)
}

// entryName returns the name on disk of the suggested file, with its extension.
func (q *query) entryName(dir *folder, meant string) string {
	names := dir.list()
	if names[meant] != entryNone {
		return meant
	}
	for _, ext := range q.extensions() {
		if names[meant+ext] != entryNone {
			return meant + ext
		}
	}
	return meant
}

func stem(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }

// explainPackage says why an installed package has no file for the specifier.
func (q *query) explainPackage(e *NotFound) {
	m := e.pkg.manifest()
	full := path.Join(e.name, e.subpath)
	switch {
	case e.to != "":
		e.Text = fmt.Sprintf("package %q names the file %q for %q, but has no such file", e.name, e.to, full)
		if m != nil && m.exports.onlyByPattern(e.subpath) { // the package did not name this very file
			q.suggestExport(e, m.exports, full)
			return
		}
		e.Hint = unbuilt(e)
	case e.why == forbidden:
		e.Text = fmt.Sprintf("package %q forbids imports of %q", e.name, e.subpath)
		q.suggestExport(e, m.exports, full)
	case (m == nil || m.exports == nil) && e.subpath == ".":
		e.Text = fmt.Sprintf("package %q has no entry: the file that its package.json names does not exist", e.name)
		e.Hint = unbuilt(e)
	case m == nil || m.exports == nil:
		e.Text = fmt.Sprintf("package %q has no file %q", e.name, e.subpath)
		target := filepath.Join(e.pkg.path, filepath.FromSlash(e.subpath))
		if dir := q.folder(filepath.Dir(target)); dir.list() != nil {
			if meant := q.similar(dir, filepath.Base(target)); meant != "" {
				e.Suggestion = path.Join(path.Dir(full), meant)
			}
		}
	default:
		q.explainExports(e, m.exports, full)
	}
}

func unbuilt(e *NotFound) string {
	if inModules(e.pkg.real()) {
		return "the installed package may be incomplete: install it again"
	}
	return "it is linked from this workspace: build it, or name its source in its package.json"
}

func (q *query) explainExports(e *NotFound, exports *node, full string) {
	e.Text = fmt.Sprintf("package %q does not export %q", e.name, e.subpath)
	if e.subpath == "." {
		e.Text = fmt.Sprintf("package %q exports nothing for browsers", e.name)
	}
	if _, ok := exports.member(e.subpath); ok || e.subpath == "." {
		if e.subpath != "." {
			e.Text += " under the conditions of a browser"
		}
		return
	}
	q.suggestExport(e, exports, full)
}

// export is a specifier that a package exports. file is its path in the package, "" for a pattern without files.
type export struct{ name, file string }

// suggestExport names the exports that were perhaps meant, the nearest first.
func (q *query) suggestExport(e *NotFound, exports *node, full string) {
	list := q.exportsOf(e.pkg, e.name, exports)
	names := make([]string, len(list))
	for i, x := range list {
		names[i] = x.name
	}
	meant := slices.DeleteFunc(slices.Clone(list), func(x export) bool { return x.name == e.name || strings.Contains(x.name, "*") })
	for _, same := range []func(x export) bool{
		func(x export) bool { return path.Clean(x.file) == path.Clean(e.subpath) }, // the file, in spite of "exports"
		func(x export) bool { return stem(path.Clean(x.file)) == path.Clean(e.subpath) },
		func(x export) bool { return stem(x.name) == stem(full) },
		func(x export) bool {
			ext := path.Ext(x.name)
			return stem(path.Base(x.name)) == stem(path.Base(full)) && (ext == "" || ext == path.Ext(full) || slices.Contains(q.extensions(), ext))
		},
		func(x export) bool { return x.name == closest(full, []string{x.name}) },
	} {
		if i := slices.IndexFunc(meant, same); i >= 0 {
			e.Suggestion = meant[i].name
			break
		}
	}
	names = slices.DeleteFunc(nearest.Order(full, names), func(name string) bool { return name == e.Suggestion })
	if e.Suggestion != "" {
		names = slices.Insert(names, 0, e.Suggestion)
	}
	if len(names) == 0 {
		return
	}
	const most = 5
	e.Hint = `it exports "` + strings.Join(names[:min(most, len(names))], `", "`) + `"`
	if more := len(names) - most; more > 0 {
		e.Hint += fmt.Sprintf(" and %d more", more)
	}
}

// exportsOf lists what a package exports. A pattern stands for the files of its folder.
func (q *query) exportsOf(pkg *folder, name string, exports *node) []export {
	conditions := q.r.conditions[q.kind]
	if !exports.subpaths() {
		return []export{{name: name}}
	}
	var list []export
	for _, m := range exports.members {
		if m.key == "./package.json" {
			continue
		}
		key, star := m.key, ""
		if strings.HasSuffix(key, "/") { // a folder, in the form of old packages
			key += "*"
		}
		if strings.Contains(key, "*") {
			star = "*"
		}
		t, why := m.value.resolve(star, star != "", false, conditions)
		if why != found {
			continue
		}
		if star == "" {
			if _, ok := q.exportFile(pkg, t); ok {
				list = append(list, export{path.Join(name, key), t.path})
			}
			continue
		}
		before, after, _ := strings.Cut(t.path, "*")
		files := q.matching(pkg, exports, key, before, after)
		for _, x := range files {
			list = append(list, export{path.Join(name, x.name), x.file})
		}
		if len(files) == 0 && q.folder(filepath.Join(pkg.path, filepath.FromSlash(path.Dir(before+"x")))).list() != nil {
			list = append(list, export{name: path.Join(name, key)}) // the files are in folders below
		}
	}
	return list
}

// matching lists the subpaths of a pattern's key that lead to a file in the folder of the pattern's target. The target
// is before, what the star stands for, and after.
func (q *query) matching(pkg *folder, exports *node, key, before, after string) []export {
	dir := q.folder(filepath.Join(pkg.path, filepath.FromSlash(path.Dir(before+"x"))))
	var list []export
	for _, file := range sortedKeys(dir.list()) {
		full := path.Dir(before+"x") + "/" + file
		star, ok := strings.CutPrefix("./"+path.Clean(full), before)
		star, okAfter := strings.CutSuffix(star, after)
		if !ok || !okAfter || star == "" || dir.kind(file) != entryFile || strings.Contains(file, ".d.") {
			continue
		}
		subpath := strings.Replace(key, "*", star, 1)
		if t, why := exports.exported(subpath, q.r.conditions[q.kind]); why == found && path.Clean(t.path) == path.Clean(full) {
			list = append(list, export{subpath, full})
		}
	}
	return list
}

// explainUninstalled explains a package that is in no node_modules.
func (q *query) explainUninstalled(e *NotFound, name, aliased, importer string) {
	if ts := q.paths(importer); ts != nil {
		if list := ts.candidates(name); len(list) > 0 {
			q.explainFile(e, name, list[0])
			return
		}
	}
	if strings.HasPrefix(name, "@/") || strings.HasPrefix(name, "~/") || strings.HasPrefix(name, "~") && aliased == name {
		first := name[:strings.IndexByte(name+"/", '/')]
		e.Text = fmt.Sprintf("no alias for %q", name)
		e.Hint = fmt.Sprintf("add %q to \"resolve.alias\" of the config, or to \"paths\" of tsconfig.json; or install the plugin that resolves it", first)
		return
	}
	pkg, _, ok := splitPackage(aliased)
	if !ok {
		e.Text = fmt.Sprintf("%q is not the name of a package", name)
		return
	}
	if strings.Contains(pkg, ":") { // such as virtual:pages: no name of a package has a colon
		e.Text = fmt.Sprintf("no plugin resolves %q", name)
		e.Hint = "install the plugin that makes the module, and list it in the vite.config; or write its ResolveID in devserver/"
		return
	}
	e.Text, e.Package = fmt.Sprintf("no package %q", pkg), pkg
	if h, ok := q.fileOrFolder(filepath.Join(filepath.Dir(importer), filepath.FromSlash(name)), false); ok && !h.empty {
		e.Package, e.Suggestion = "", "./"+name
		return
	}
	if h, ok := q.fileOrFolder(filepath.Join(q.r.root, filepath.FromSlash(name)), false); ok && !h.empty {
		e.Package, e.Suggestion = "", "/"+name
		return
	}
	if q.kind.isStyle() { // "x" is relative, too
		e.Text = fmt.Sprintf("no file and no package %q", name)
		dir := q.folder(filepath.Join(filepath.Dir(importer), filepath.FromSlash(path.Dir(name))))
		if meant := q.similar(dir, path.Base(name)); meant != "" {
			e.Package, e.Suggestion = "", path.Join(path.Dir(name), meant)
			return
		}
	}
	if q.project().deps[pkg] {
		e.Text = fmt.Sprintf("package %q is not installed", pkg)
		e.Hint = q.installAll()
		return
	}
	e.Hint = "run: " + q.manager().add + " " + pkg
	if q.plugAndPlay() {
		e.Hint = "Yarn's Plug'n'Play is not supported: set nodeLinker: node-modules in .yarnrc.yml and run: yarn install"
		return
	}
	if meant := closest(pkg, q.installed()); meant != "" {
		e.Suggestion = meant + strings.TrimPrefix(aliased, pkg)
	}
}

// installed lists the packages that the root depends on.
func (q *query) installed() []string { return sortedKeys(q.project().deps) }

func (q *query) installAll() string {
	if q.plugAndPlay() {
		return "Yarn's Plug'n'Play is not supported: set nodeLinker: node-modules in .yarnrc.yml and run: yarn install"
	}
	return "run: " + q.manager().install
}

// manager is a package manager: its lock file and its commands.
type manager struct{ lock, add, install string }

var managers = []manager{
	{"package-lock.json", "npm install", "npm install"},
	{"pnpm-lock.yaml", "pnpm add", "pnpm install"},
	{"yarn.lock", "yarn add", "yarn install"},
	{"bun.lock", "bun add", "bun install"},
	{"bun.lockb", "bun add", "bun install"},
}

// manager returns the project's package manager, found by its lock file.
func (c *cache) manager() manager {
	for f := c.folder(c.r.root); f != nil; f = f.parent {
		for _, m := range managers {
			if f.kind(m.lock) == entryFile {
				return m
			}
		}
	}
	return managers[0]
}

// plugAndPlay reports whether the packages are in Yarn's archives and not in node_modules.
func (c *cache) plugAndPlay() bool {
	for f := c.folder(c.r.root); f != nil; f = f.parent {
		if f.hasModules() {
			return false
		}
		if f.kind(".pnp.cjs") == entryFile {
			return true
		}
	}
	return false
}

// closest returns the name that is nearest to the written name, or "" when no name is near.
func closest(written string, names []string) string {
	return nearest.Name(written, names, min(len(written)-1, max(1, len(written)/3)))
}
