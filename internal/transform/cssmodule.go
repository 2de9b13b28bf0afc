package transform

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/sourcemap"
)

// moduleBuild compiles a CSS module, and the stylesheets that it takes names and values from. Their text comes first.
type moduleBuild struct {
	in      CSSInput
	mapName func(file string) string
	deps    map[string]bool
	known   map[string]*cssModule // by file
	open    []string              // the files that are being made
	names   nameMaker
	warned  []Error
}

// cssModule is one stylesheet of a moduleBuild with the stylesheets that it imports by @import.
type cssModule struct {
	in        CSSInput
	build     *cssBuild
	sheet     sheet
	text      string // the text with the page's names
	sourceMap *sourcemap.Map
	exports   exportTable

	// values are the names that the file's @value defines, symbols what other files give for a name.
	values, symbols map[string]string
	// locals are the local names in the order of the text, with the names that they stand for.
	locals    map[string]*cssLocal
	localList []*cssLocal
	needs     importOrder
	all       map[string]*cssModule // the needs by file
}

// cssLocal is a local name.
type cssLocal struct {
	name, scoped string
	composed     []composed
}

// composed is a name that a class is composed with: a name in CSS, or another local name.
type composed struct {
	css   string
	local string
	at    int
}

// exportTable is a list of values whose names are unique.
type exportTable struct {
	list []CSSExport
	at   map[string]int
}

func (e *exportTable) set(name, value string) {
	if at, ok := e.at[name]; ok {
		e.list[at].Value = value
		return
	}
	if e.at == nil {
		e.at = map[string]int{}
	}
	e.at[name] = len(e.list)
	e.list = append(e.list, CSSExport{name, value})
}

func (e *exportTable) get(name string) (value string, ok bool) {
	at, ok := e.at[name]
	if !ok {
		return "", false
	}
	return e.list[at].Value, true
}

func compileModule(in CSSInput, mapName func(file string) string) (*CSSOutput, []Error) {
	b := &moduleBuild{in: in, mapName: mapName, deps: map[string]bool{}, known: map[string]*cssModule{}, names: nameMaker{in.Names, map[string]string{}}}
	main, errs := b.module(in)
	delete(b.deps, in.File)
	out := &CSSOutput{Deps: slices.Sorted(maps.Keys(b.deps)), Warnings: b.warned}
	if len(errs) > 0 {
		return out, errs
	}
	var text strings.Builder
	var sourceMaps []*sourcemap.Map
	var lines []int
	line := 0
	for _, m := range main.place(nil) {
		if m != main && strings.TrimSpace(m.text) == "" {
			continue // it has values only
		}
		if before := text.String(); before != "" && !strings.HasSuffix(before, "\n") {
			text.WriteByte('\n')
			line++
		}
		lines, sourceMaps = append(lines, line), append(sourceMaps, m.sourceMap)
		text.WriteString(m.text)
		line += strings.Count(m.text, "\n")
	}
	out.CSS = text.String()
	if mapName != nil {
		out.sourceMap = sourcemap.Join(sourceMaps, lines)
	}
	out.Exports = in.Names.renamed(main.exports.list)
	if in.ExportAll != nil {
		made, err := in.ExportAll(out.Exports)
		if err != nil {
			return out, []Error{b.placedError(main, err, "", in.File, 0)}
		}
		out.Exports = append([]CSSExport{}, made...)
	}
	sum, _ := json.Marshal(out.Exports) // names and values always encode
	hash := sha256.Sum256(sum)
	out.Names = hex.EncodeToString(hash[:6])
	return out, nil
}

// module compiles one stylesheet.
func (b *moduleBuild) module(in CSSInput) (*cssModule, []Error) {
	b.open = append(b.open, in.File)
	defer func() { b.open = b.open[:len(b.open)-1] }()
	m := &cssModule{
		in: in, build: newCSSBuild(in), values: map[string]string{}, symbols: map[string]string{},
		locals: map[string]*cssLocal{}, all: map[string]*cssModule{},
	}
	var errs []Error
	m.sheet, errs = m.build.sheet(b.mapName)
	maps.Copy(b.deps, m.build.deps)
	if len(errs) > 0 {
		return nil, errs
	}
	if errs = b.statements(m); len(errs) > 0 {
		return nil, errs
	}
	if errs = b.localize(m); len(errs) > 0 {
		return nil, errs
	}
	return m, nil
}

// place appends a module, after the modules that it needs, to a list that does not have it yet.
func (m *cssModule) place(list []*cssModule) []*cssModule {
	if slices.Contains(list, m) {
		return list
	}
	for _, file := range m.needs.sorted() {
		list = m.all[file].place(list)
	}
	return append(list, m)
}

// importOrder sorts the files that a module takes names from. Files that one rule names keep their order.
type importOrder struct {
	files  []string
	before map[string][]string // file -> files that a rule names before it
}

// add adds a file that comes after the files of siblings.
func (o *importOrder) add(file string, siblings []string) {
	if o.before == nil {
		o.before = map[string][]string{}
	}
	if _, known := o.before[file]; !known {
		o.files = append(o.files, file)
	}
	o.before[file] = append(o.before[file], siblings...)
}

func (o *importOrder) sorted() []string {
	var list []string
	seen := map[string]bool{}
	var visit func(file string)
	visit = func(file string) {
		if seen[file] {
			return
		}
		seen[file] = true
		for _, f := range o.before[file] {
			visit(f)
		}
		list = append(list, file)
	}
	for _, file := range o.files {
		visit(file)
	}
	return list
}

// from returns the module that a stylesheet names by its path. file is the file that has the path.
func (b *moduleBuild) from(m *cssModule, spec, file string, siblings *[]string) (*cssModule, error) {
	to, err := b.in.Resolve(spec, file)
	if err != nil {
		if !filepath.IsAbs(spec) { // the file may be created later
			b.deps[filepath.Join(filepath.Dir(file), filepath.FromSlash(spec))] = true
		}
		return nil, err
	}
	b.deps[to] = true
	if slices.Contains(b.open, to) {
		var chain []string
		for _, f := range append(slices.Clone(b.open[slices.Index(b.open, to):]), to) {
			chain = append(chain, filepath.Base(f))
		}
		return nil, &Error{
			Text: "these stylesheets take names from each other: " + strings.Join(chain, " → "),
			Hint: "move the names that both need into a third file",
		}
	}
	found := b.known[to]
	if found == nil {
		in := b.in
		in.File = to
		if in.Code, err = m.build.read(to); err != nil {
			return nil, err
		}
		var errs []Error
		if found, errs = b.module(in); len(errs) > 0 {
			return nil, &errs[0]
		}
		b.known[to] = found
	}
	m.needs.add(to, *siblings)
	*siblings = append(*siblings, to)
	m.all[to] = found
	return found, nil
}

// namePath returns the path that a file's names are made of. It is the same on each machine.
func (b *moduleBuild) namePath(file string) string {
	if b.in.NamePath != nil {
		return b.in.NamePath(file)
	}
	rel, err := filepath.Rel(filepath.Dir(b.in.File), file)
	if err != nil {
		return filepath.Base(file)
	}
	return strings.TrimPrefix(path.Join(path.Dir(b.in.ID), filepath.ToSlash(rel)), "/")
}

// placedICSS is a statement with the file that has it.
type placedICSS struct {
	icss
	file string
}

// icssReader follows the ICSS of a stylesheet.
type icssReader struct {
	b        *moduleBuild
	m        *cssModule
	order    []string // the names of values
	siblings []string
	brought  int
}

// statements follows the ICSS of a stylesheet: it loads the files that values come from, and exports values.
func (b *moduleBuild) statements(m *cssModule) []Error {
	var list []placedICSS
	for _, file := range m.icssFiles() {
		for _, s := range m.build.icss[file] {
			list = append(list, placedICSS{s, file})
		}
	}
	r := &icssReader{b: b, m: m}
	for _, s := range list {
		var err error
		switch s.kind {
		case icssImport:
			err = r.imports(s)
		case icssValue:
			err = r.value(s)
		}
		if err != nil {
			return []Error{b.placedError(m, err, m.build.textOf(s.file), s.file, s.at)}
		}
		for _, odd := range s.odd {
			b.warn(m, fmt.Sprintf("%q is left out: it is not a declaration, as in { name: value; }", odd), s.file, s.at)
		}
	}
	for _, name := range r.order {
		m.exports.set(name, replaceNames(m.values[name], m.symbols))
	}
	for _, s := range list {
		if s.kind != icssExport {
			continue
		}
		for _, d := range s.list {
			m.exports.set(d.name, replaceNames(replaceNames(d.value, m.values), m.symbols))
		}
	}
	return nil
}

// imports handles `:import("./x.css") { ours: theirs }`.
func (r *icssReader) imports(s placedICSS) error {
	for _, d := range s.list {
		if err := r.bring(s, s.text, d.value, d.name, false); err != nil {
			return err
		}
	}
	if len(s.list) > 0 {
		return nil
	}
	_, err := r.b.from(r.m, s.text, s.file, &r.siblings)
	return err
}

// value handles `@value name: value` and `@value a, b as c from "./x.css"`.
func (r *icssReader) value(s placedICSS) error {
	m := r.m
	from := valueImport.FindStringSubmatch(s.text)
	if from == nil {
		definition := valueDefinition.FindStringSubmatch(s.text)
		if definition == nil {
			r.b.warn(m, fmt.Sprintf("@value %q has no value", s.text), s.file, s.at)
			return nil
		}
		value := replaceNames(definition[2], m.values)
		if len(value) > maxValue {
			return fmt.Errorf("@value %s is longer than %d bytes, with the values that it names", definition[1], maxValue)
		}
		m.values[definition[1]] = value
		r.order = append(r.order, definition[1])
		return nil
	}
	spec := from[2]
	if named, ok := m.values[spec]; ok {
		spec = named
	}
	for alias := range strings.SplitSeq(strings.Trim(from[1], "()"), ",") {
		names := valueImportName.FindStringSubmatch(strings.TrimSpace(alias))
		if names == nil {
			return fmt.Errorf("@value has %q where a name belongs", strings.TrimSpace(alias))
		}
		if err := r.bring(s, unquotedPath(spec), names[1], cmp.Or(names[2], names[1]), true); err != nil {
			return err
		}
	}
	return nil
}

// bring takes a value of another file under the name ours. defines means that the file exports the value, too.
func (r *icssReader) bring(s placedICSS, spec, theirs, ours string, defines bool) error {
	m := r.m
	found, err := r.b.from(m, spec, s.file, &r.siblings)
	if err != nil {
		return err
	}
	value, ok := found.exports.get(theirs)
	if !ok {
		r.b.warn(m, fmt.Sprintf("%s has no %q", spec, theirs), s.file, s.at)
		return nil
	}
	symbol := ours
	if defines { // a local value may have the same name
		r.brought++
		symbol = fmt.Sprintf("i__const_%s_%d", notWord.ReplaceAllString(ours, "_"), r.brought)
		m.values[ours] = symbol
		r.order = append(r.order, ours)
	}
	m.symbols[symbol] = value
	return nil
}

var (
	notWord  = regexp.MustCompile(`\W`)
	icssPart = regexp.MustCompile(icssMark + ` "([^"]*)";`)
)

// icssFiles returns the files with ICSS in the order of their texts. It removes the marks of the order.
func (m *cssModule) icssFiles() (files []string) {
	if !strings.Contains(m.sheet.text, icssMark) {
		return []string{m.in.File}
	}
	m.sheet.text = icssPart.ReplaceAllStringFunc(m.sheet.text, func(mark string) string {
		files = append(files, m.build.file(icssPart.FindStringSubmatch(mark)[1]))
		return strings.Repeat(" ", len(mark))
	})
	return files
}

// localize makes the names of the module local, and exports them.
func (b *moduleBuild) localize(m *cssModule) []Error {
	l := &localizer{
		text: m.sheet.text, global: b.in.global(m.in.File), values: m.values, symbols: m.symbols,
		scoped: func(name, raw string) string {
			return m.local(name, func() string { return b.names.scoped(b.namePath(m.in.File), name, raw) }).scoped
		},
		globalName: func(name string) {
			if b.in.Names.ExportGlobals {
				m.local(name, func() string { return name })
			}
		},
	}
	if b.in.NameAll != nil {
		made, err := b.nameAll(m, *l)
		if err != nil {
			return []Error{b.placedError(m, err, "", m.in.File, 0)}
		}
		l.scoped = func(name, raw string) string { return m.local(name, func() string { return made[raw] }).scoped }
	}
	l.composes = func(r *cssRule, value string, at int) error { return b.compose(m, r, value, at) }
	text, fault := l.run()
	if fault == nil {
		fault = m.exportLocals()
	}
	if fault != nil {
		return []Error{b.fault(m, fault)}
	}
	m.text, m.sourceMap = text, l.edits.moved(m.sheet.sourceMap, m.sheet.text, text)
	return nil
}

// nameAll asks for the page's names of all local names. It reads the stylesheet once before for that.
func (b *moduleBuild) nameAll(m *cssModule, l localizer) (map[string]string, error) {
	var names []string
	known := map[string]bool{}
	l.scoped = func(name, raw string) string {
		if !known[name] {
			known[name] = true
			names = append(names, raw)
		}
		return raw
	}
	l.composes = func(*cssRule, string, int) error { return nil }
	l.run()
	if len(names) == 0 {
		return nil, nil
	}
	made, err := b.in.NameAll(m.in.File, m.in.Code, names)
	if err != nil {
		return nil, err
	}
	table := map[string]string{}
	for i, name := range made[:min(len(made), len(names))] {
		table[names[i]] = unescapeName(name)
	}
	return table, nil
}

// local returns the local name. scoped makes the page's name for it.
func (m *cssModule) local(name string, scoped func() string) *cssLocal {
	if l := m.locals[name]; l != nil {
		return l
	}
	l := &cssLocal{name: name, scoped: scoped()}
	m.locals[name] = l
	m.localList = append(m.localList, l)
	return l
}

var composesFrom = regexp.MustCompile(`(?s)^(.+?)\s+from\s+("[^"]*"|'[^']*'|[^\s"']+)$`)

// compose adds the names of a `composes` to classes: `a b`, `a from global`, `a from "./x.css"`.
func (b *moduleBuild) compose(m *cssModule, r *cssRule, value string, at int) error {
	add := func(c composed) {
		c.at = at
		for _, class := range r.classes {
			m.locals[class].composed = append(m.locals[class].composed, c)
		}
	}
	for part := range strings.SplitSeq(value, ",") {
		part = strings.TrimSpace(part)
		from := composesFrom.FindStringSubmatch(part)
		if from == nil {
			for name := range strings.FieldsSeq(part) {
				if global, ok := strings.CutPrefix(name, "global("); ok {
					add(composed{css: unescapeName(strings.TrimSuffix(global, ")"))})
				} else if css, ok := m.symbols[name]; ok {
					add(composed{css: css})
				} else {
					add(composed{local: unescapeName(name)})
				}
			}
			continue
		}
		spec := unquotedPath(from[2])
		if from[2] == "global" {
			for name := range strings.FieldsSeq(from[1]) {
				add(composed{css: unescapeName(name)})
			}
			continue
		}
		found, err := b.from(m, spec, m.fileAt(at), &r.composes)
		if err != nil {
			return err
		}
		for name := range strings.FieldsSeq(from[1]) {
			if css, ok := found.exports.get(unescapeName(name)); ok {
				add(composed{css: css})
			} else {
				f := b.fault(m, &cssFault{at: at, text: fmt.Sprintf("%s has no %q, which is composed here", spec, unescapeName(name))})
				b.warned = append(b.warned, f)
			}
		}
	}
	return nil
}

// fileAt returns the file that a byte of the sheet's text comes from.
func (m *cssModule) fileAt(at int) string {
	file := m.in.File
	for _, p := range m.sheet.parts {
		if p.at > at {
			break
		}
		if p.file != "" {
			file = p.file
		}
	}
	return file
}

// exportLocals exports the local names, each with the names that it is composed with.
func (m *cssModule) exportLocals() *cssFault {
	for _, l := range m.localList {
		var names []string
		add := func(name string) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		seen := map[*cssLocal]bool{}
		var visit func(l *cssLocal) *cssFault
		visit = func(l *cssLocal) *cssFault {
			if seen[l] {
				return nil
			}
			seen[l] = true
			add(l.scoped)
			for _, c := range l.composed {
				other := m.locals[c.local]
				switch {
				case c.css != "":
					for name := range strings.FieldsSeq(c.css) {
						add(name)
					}
				case other == nil:
					return &cssFault{
						at: c.at, text: fmt.Sprintf("the class %q, which is composed here, is not in this file", c.local),
						hint: `name its file, as in: composes: name from "./other.css"; or write "from global"`,
					}
				default:
					if fault := visit(other); fault != nil {
						return fault
					}
				}
			}
			return nil
		}
		if fault := visit(l); fault != nil {
			return fault
		}
		m.exports.set(l.name, strings.Join(names, " "))
	}
	return nil
}

// fault places a mistake in the file that the author wrote.
func (b *moduleBuild) fault(m *cssModule, f *cssFault) Error {
	file := m.fileAt(f.at)
	err := &Error{Text: f.text, Hint: f.hint}
	if own, ok := errors.AsType[*Error](f.cause); ok {
		if own.Line > 0 {
			return b.placedError(m, own, "", file, 0)
		}
		err.Text, err.Hint = own.Text, own.Hint
	}
	if !reaches(m.in.Code) {
		err.Line, err.Column = lineColumn(m.sheet.text, f.at) // cutICSS keeps columns, but not bytes
		err.File, err.Frame = file, CodeFrame(m.in.Code, err.Line, err.Column)
		return b.placedError(m, err, "", file, 0)
	}
	// esbuild has written the text anew, and its map leads back.
	again := newCSSBuild(m.in)
	s, errs := again.sheet(func(file string) string { return file })
	if len(errs) == 0 && s.sourceMap != nil {
		line, column := lineColumn(m.sheet.text, f.at)
		if p, ok := s.sourceMap.Original(line, column); ok {
			err.File, err.Line, err.Column = s.sourceMap.Sources[p.Source], p.Line, p.Column
			if text := s.sourceMap.Content(p.Source); text != nil {
				err.Frame = CodeFrame(*text, p.Line, p.Column)
			}
		}
	}
	return b.placedError(m, err, "", file, 0)
}

// placedError returns an error with its place. An error that has a place keeps it, since it comes from another file.
func (b *moduleBuild) placedError(m *cssModule, err error, text, file string, at int) Error {
	e := Error{ID: b.in.ID, File: file, Text: err.Error()}
	if own, ok := errors.AsType[*Error](err); ok {
		e.Text, e.Hint = own.Text, own.Hint
		if own.Line > 0 {
			e.File, e.Line, e.Column, e.Frame = own.File, own.Line, own.Column, own.Frame
			return e
		}
	}
	if text != "" {
		e.Line, e.Column = lineColumn(text, at)
		e.Frame = CodeFrame(text, e.Line, e.Column)
	}
	return e
}

func (b *moduleBuild) warn(m *cssModule, text, file string, at int) {
	b.warned = append(b.warned, b.placedError(m, errors.New(text), m.build.textOf(file), file, at))
}
