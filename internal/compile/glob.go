package compile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/glob"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/transform"
	"github.com/seed-b8174343/devserver/plugin"
)

// globPattern is a pattern of a Glob.
type globPattern struct {
	written string
	target  resolve.Target
	pattern *glob.Pattern
}

// glob finds the files that a Glob in a module stands for.
func (c *Compiler) glob(ctx context.Context, src source, g transform.Glob) (transform.Globbed, error) {
	take, drop, err := c.globPatterns(ctx, src, g)
	if err != nil {
		return transform.Globbed{}, err
	}
	var found transform.Globbed
	keys := c.globKeys(src, g)
	files := map[string]transform.GlobFile{} // by path
	matched := map[string]bool{}             // by pattern as written, which may mean several folders
	if len(take) == 0 && len(drop) > 0 {
		found.Notes = append(found.Notes, transform.GlobNote{
			Text: "import.meta.glob has only patterns that begin with !, which exclude", Hint: "add a pattern of the files to take",
		})
	}
	for _, p := range take {
		w := &globWalk{pattern: p.pattern, modules: g.Exhaustive || strings.Contains(p.target.Rest, "node_modules")}
		if err := w.walk(p.pattern.Base()); err != nil {
			return transform.Globbed{}, fmt.Errorf("%s: %w", transform.Quote(p.written), err)
		}
		found.Watch = append(append(found.Watch, p.target.Pattern()), w.linked...)
		var refused []string
		for _, file := range w.files {
			matched[p.written] = true // also when the file is left out on purpose
			if own := filepath.ToSlash(src.file); file.real == own || file.path == own ||
				slices.ContainsFunc(drop, func(d *globPattern) bool { return d.pattern.Match(file.path) }) {
				continue
			}
			if _, seen := files[file.path]; seen {
				continue
			}
			real := filepath.FromSlash(file.real)
			if c.o.Gate.Permit(src.id, p.chosenBy(src), real); c.o.Gate.Allowed(real) != nil {
				refused = append(refused, c.o.Layout.Shown(real))
				continue
			}
			key := keys.of(file.path)
			if g.Address {
				key = strings.TrimSuffix(p.written, p.target.Rest) + strings.TrimSuffix(file.path[len(p.target.Folder):], p.target.Suffix)
			}
			files[file.path] = transform.GlobFile{Key: key, Specifier: keys.relative(keys.module, file.path)}
		}
		if len(refused) > 0 {
			found.Notes = append(found.Notes, refusedNote(p, refused))
		}
	}
	found.Notes = append(found.Notes, c.inPackages(src, g)...)
	for _, p := range take {
		if !matched[p.written] && c.tellsUnmatched(src, len(g.Patterns)) {
			matched[p.written] = true
			found.Notes = append(found.Notes, c.unmatched(p, g.Address))
		}
	}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		found.Files = append(found.Files, files[file])
	}
	return found, nil
}

// inPackages says which patterns lead into a package by "imports" of package.json, where nothing is looked for.
func (c *Compiler) inPackages(src source, g transform.Glob) (notes []transform.GlobNote) {
	if g.Address {
		return nil
	}
	for _, written := range g.Patterns {
		to := c.o.Resolver.PackagePattern(strings.TrimPrefix(written, "!"), placeOf(src.file, c.o.Layout.Root))
		if to != "" {
			notes = append(notes, transform.GlobNote{
				Text: fmt.Sprintf("import.meta.glob(%s) matches no file: it means %s, which is in a package", transform.Quote(written), transform.Quote(to)),
				Hint: `"imports" of package.json may lead a pattern to a folder ("./…") only; import the files of a package by name`,
			})
		}
	}
	return notes
}

// chosenBy returns the file whose code leads to the matches of the pattern, and "" when the user's configuration does.
func (p *globPattern) chosenBy(src source) string {
	if strings.HasPrefix(p.written, ".") || strings.HasPrefix(p.written, "/") || strings.Contains(p.written, "..") {
		return src.file
	}
	return ""
}

// refusedNote says that a pattern matches files that may not be read.
func refusedNote(p *globPattern, files []string) transform.GlobNote {
	more := ""
	if len(files) > 1 {
		more = fmt.Sprintf(" and %d more", len(files)-1)
	}
	return transform.GlobNote{
		Text: fmt.Sprintf("import.meta.glob(%s) leaves out %s%s, which may not be read", transform.Quote(p.written), files[0], more),
		Hint: "exclude them by a pattern that begins with !, or see server.fs in the configuration",
	}
}

// tellsUnmatched reports whether a pattern without files is worth a line. What a package looks for in the project may
// have several places.
func (c *Compiler) tellsUnmatched(src source, patterns int) bool {
	return !moduleid.IsDependency(src.file) || patterns == 1
}

// unmatched says that a pattern matches no file.
func (c *Compiler) unmatched(p *globPattern, address bool) transform.GlobNote {
	base := filepath.FromSlash(p.pattern.Base())
	note := transform.GlobNote{
		Text: "import.meta.glob(" + transform.Quote(p.written) + ") matches no file", Hint: "it looked in " + c.o.Layout.Shown(base),
	}
	if address {
		note.Text = "there is no file at an address like " + transform.Quote(p.written)
	}
	if info, err := os.Stat(base); err != nil || !info.IsDir() {
		note.Hint += ", which does not exist"
	}
	if path := p.target.Folder + p.target.Rest; glob.IsPlain(p.target.Rest) {
		if info, err := os.Stat(filepath.FromSlash(path)); err == nil && info.IsDir() {
			note.Hint = "it names a folder: add /* for the files in it, or /** for all below it"
		}
	}
	if at := strings.LastIndexByte(p.written, '?'); at >= 0 && !address && strings.Trim(p.written[at:], "?abcdefghijklmnopqrstuvwxyz") == "" {
		note.Hint = "write the query as an option: { query: " + transform.Quote(p.written[at:]) + " }"
	}
	return note
}

// globPatterns compiles the patterns of a Glob: those that take files, and those that drop files.
func (c *Compiler) globPatterns(ctx context.Context, src source, g transform.Glob) (take, drop []*globPattern, err error) {
	o := glob.Options{Dot: g.Exhaustive, FoldCase: g.FoldCase}
	var anywhere []string // patterns that drop files wherever the others find them
	add := func(list *[]*globPattern, written string, targets []resolve.Target) error {
		for _, t := range targets {
			p, err := glob.Compile(t.Pattern(), o)
			if err != nil {
				return fmt.Errorf("%s: %w", transform.Quote(written), err)
			}
			*list = append(*list, &globPattern{written, t, p})
		}
		return nil
	}
	for _, written := range g.Patterns {
		text, negative := strings.CutPrefix(written, "!")
		if negative && strings.HasPrefix(text, "**") {
			anywhere = append(anywhere, text)
			continue
		}
		targets, err := c.globTargets(ctx, src, g, text)
		if err != nil {
			return nil, nil, err
		}
		list := &take
		if negative {
			list = &drop
		}
		if err := add(list, text, targets); err != nil {
			return nil, nil, err
		}
	}
	base := ""
	for i, p := range take {
		if base = glob.Common(base, p.pattern.Base()); i == 0 {
			base = p.pattern.Base()
		}
	}
	for _, text := range anywhere {
		if err := add(&drop, text, []resolve.Target{{Folder: strings.TrimSuffix(base, "/") + "/", Rest: text}}); err != nil {
			return nil, nil, err
		}
	}
	return take, drop, nil
}

// globTargets returns what a pattern of a Glob means.
func (c *Compiler) globTargets(ctx context.Context, src source, g transform.Glob, pattern string) ([]resolve.Target, error) {
	below := func(dir, pattern string) []resolve.Target {
		return []resolve.Target{resolve.TargetOf(pattern, path.Join(filepath.ToSlash(dir), pattern))}
	}
	switch {
	case pattern == "":
		return nil, errors.New("a pattern is empty")
	case strings.HasPrefix(pattern, "/"), strings.HasPrefix(pattern, "**"):
		return below(c.o.Layout.Root, pattern), nil
	case strings.HasPrefix(pattern, "./"), strings.HasPrefix(pattern, "../"):
		return below(c.globBase(src, g), pattern), nil
	}
	importer := placeOf(src.file, c.o.Layout.Root)
	answer, err := c.o.Plugins.ResolveID(ctx, plugin.ResolveArgs{Specifier: pattern, Importer: src.id})
	if err != nil {
		return nil, err
	}
	if answer != nil {
		if file := c.File(answer.ID); file != "" {
			return []resolve.Target{resolve.TargetOf(pattern, filepath.ToSlash(file))}, nil
		}
	}
	targets := c.o.Resolver.Targets(pattern, importer)
	if len(targets) == 0 && !g.Address && c.o.Resolver.PackagePattern(pattern, importer) == "" {
		return nil, fmt.Errorf("%s leads nowhere: a pattern begins with \"./\", \"../\", \"/\", or an alias "+
			"(resolve.alias, \"paths\" of tsconfig.json, \"imports\" of package.json)", transform.Quote(pattern))
	}
	return targets, nil
}

// globBase returns the folder that relative patterns start from. The patterns of virtual modules start from the root,
// as their imports do.
func (c *Compiler) globBase(src source, g transform.Glob) string {
	dir := filepath.Dir(placeOf(src.file, c.o.Layout.Root))
	switch {
	case strings.HasPrefix(g.Base, "/"):
		return filepath.Join(c.o.Layout.Root, filepath.FromSlash(g.Base))
	case g.Base != "":
		return filepath.Join(dir, filepath.FromSlash(g.Base))
	}
	return dir
}

// globKeys makes the keys of a Glob and the specifiers of its files.
type globKeys struct {
	module string // the folder of the module
	base   string // the folder that keys start from
	prefix string // of keys in that folder
}

// globKeys: keys are relative to the module, or to the base, or else to the root when a pattern is not relative.
func (c *Compiler) globKeys(src source, g transform.Glob) globKeys {
	k := globKeys{module: filepath.Dir(placeOf(src.file, c.o.Layout.Root)), base: c.globBase(src, g), prefix: "./"}
	relative := !slices.ContainsFunc(g.Patterns, func(p string) bool { return p != "" && p[0] != '.' && p[0] != '!' })
	if g.Base == "" && !relative {
		k.base, k.prefix = c.o.Layout.Root, "/"
	}
	return k
}

func (k *globKeys) of(file string) string {
	key := k.relative(k.base, file)
	if rest, ok := strings.CutPrefix(key, "./"); ok {
		return k.prefix + rest
	}
	return key
}

// relative returns the path of a file as a relative specifier.
func (k *globKeys) relative(dir, file string) string {
	rel, err := filepath.Rel(dir, filepath.FromSlash(file))
	if err != nil {
		return file // on another disk
	}
	if rel = filepath.ToSlash(rel); strings.HasPrefix(rel, "../") {
		return rel
	}
	return "./" + rel
}

// maxLinked bounds the folders that a pattern reaches through links. Links may lead to each other in very many ways.
const maxLinked = 10_000

// globWalk walks the folders in which a pattern may match.
type globWalk struct {
	pattern *glob.Pattern
	modules bool // walks node_modules, too
	files   []globFile
	// linked are patterns of the files that links lead to.
	linked []string
	above  []string // the real paths of the folders on the way
	count  int      // folders reached through links
}

// globFile is a file by the path that a pattern matched, and by its real path.
type globFile struct{ path, real string }

// walk walks a folder with all below it.
func (w *globWalk) walk(dir string) error {
	real, err := filepath.EvalSymlinks(filepath.FromSlash(dir))
	if err != nil {
		return nil // there is no such folder
	}
	real = filepath.ToSlash(real)
	if real != dir {
		w.linked = append(w.linked, glob.Escape(real)+"/**")
	}
	return w.folder(dir, real)
}

func (w *globWalk) folder(dir, real string) error {
	if slices.Contains(w.above, real) {
		return nil // a link led back
	}
	if strings.TrimSuffix(dir, "/") != real {
		if w.count++; w.count > maxLinked {
			return fmt.Errorf("links lead to more than %d folders", maxLinked)
		}
	}
	entries, err := os.ReadDir(filepath.FromSlash(real))
	if err != nil {
		return nil // it is no folder, or not readable
	}
	w.above = append(w.above, real)
	defer func() { w.above = w.above[:len(w.above)-1] }()
	for _, e := range entries {
		file := globFile{path.Join(dir, e.Name()), path.Join(real, e.Name())}
		isDir, isFile := e.IsDir(), e.Type().IsRegular()
		if e.Type()&fs.ModeSymlink != 0 {
			if !w.pattern.Match(file.path) && !w.enters(file.path, e.Name()) {
				continue
			}
			target, err := filepath.EvalSymlinks(filepath.FromSlash(file.real))
			if err != nil {
				continue // it leads nowhere
			}
			info, err := os.Stat(target)
			if err != nil {
				continue
			}
			file.real, isDir, isFile = filepath.ToSlash(target), info.IsDir(), info.Mode().IsRegular()
			if isDir && w.enters(file.path, e.Name()) {
				w.linked = append(w.linked, glob.Escape(file.real)+"/**")
			}
		}
		switch {
		case isDir && w.enters(file.path, e.Name()):
			if err := w.folder(file.path, file.real); err != nil {
				return err
			}
		case isFile && w.pattern.Match(file.path):
			w.files = append(w.files, file)
		}
	}
	return nil
}

// enters reports whether the pattern may match something in a folder.
func (w *globWalk) enters(dir, name string) bool {
	return (w.modules || name != "node_modules") && w.pattern.MayMatchBelow(dir)
}

// globIn returns the pattern in a folder, whose name may hold what is special in patterns.
func globIn(dir, pattern string) string {
	return path.Join(glob.Escape(filepath.ToSlash(dir)), pattern)
}

// watchedFiles makes patterns match all that a module may be made from. What a module leaves out makes no new revision.
var watchedFiles = glob.Options{Dot: true, FoldCase: true}

// MayMatchBelow reports whether a pattern may match something in a folder, or the folder is in that of the pattern.
func MayMatchBelow(pattern, dir string) bool {
	p, err := glob.Compile(pattern, watchedFiles)
	return err == nil && p.MayMatchBelow(dir)
}

// MatchGlob reports whether a slash-separated path matches a pattern. A malformed pattern matches nothing.
func MatchGlob(pattern, file string) bool {
	p, err := glob.Compile(pattern, watchedFiles)
	return err == nil && p.Match(file)
}

// tellGlobs shows what the globs of a module have to say, once for as long as it stays true.
func (c *Compiler) tellGlobs(src source, globs []transform.Globbed) {
	var now []string
	was, _ := c.globNotes.Load(src.id)
	before, _ := was.([]string)
	for _, g := range globs {
		for _, n := range g.Notes {
			now = append(now, n.Text)
			if slices.Contains(before, n.Text) {
				continue
			}
			e := c.atSource(&transform.Error{ID: src.id, File: c.o.Layout.Shown(src.file), Line: n.Line, Column: n.Column, Text: n.Text}, src.made)
			c.o.Logger.Warn(e.Error(), "hint", n.Hint)
		}
	}
	if len(now) > 0 {
		c.globNotes.Store(src.id, now)
	} else if before != nil {
		c.globNotes.Delete(src.id)
	}
}
