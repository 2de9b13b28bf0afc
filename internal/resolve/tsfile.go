package resolve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tailscale/hujson"

	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/glob"
)

// tsFile is one tsconfig.json, merged with all files that it extends.
type tsFile struct {
	path  string
	files []string // all files that it was read from, and those that it names and that do not exist
	// mistakes are those of all files; what they concern is left out.
	mistakes []*Error

	options map[string]json.RawMessage
	baseURL string
	// paths are relative to baseURL. Without baseURL they are relative to pathsDir, the folder of the config with
	// "paths".
	paths    []pathRule
	pathsDir string

	// only, include and exclude are absolute, with slashes. nil means that no config has the field.
	only, include, exclude []string
	refs                   []string
}

// tsText holds the fields of a tsconfig.json that are used.
type tsText struct {
	Extends         json.RawMessage            `json:"extends"`
	CompilerOptions map[string]json.RawMessage `json:"compilerOptions"`
	Files           []string                   `json:"files"`
	Include         []string                   `json:"include"`
	Exclude         []string                   `json:"exclude"`
	References      []struct {
		Path string `json:"path"`
	} `json:"references"`
}

// tsLoader reads tsconfigs.
type tsLoader struct{ c *cache }

// load reads a tsconfig and the files that it extends. configDir is the folder of the outermost tsconfig.
// above lists the files that extend this one, so that a circle ends.
func (l tsLoader) load(file, configDir string, above []string) *tsFile {
	f := &tsFile{path: file, files: []string{file}, options: map[string]json.RawMessage{}}
	l.c.configs.Store(file, true)
	source, err := disk.ReadFile(file)
	if err != nil {
		f.mistakes = append(f.mistakes, &Error{File: file, Text: "could not be read: " + plainError(err)})
		return f
	}
	source = bytes.TrimPrefix(source, []byte("\ufeff"))
	text, mistake := parseTSText(file, source)
	if mistake != nil {
		f.mistakes = append(f.mistakes, mistake)
	}
	f.leaveOut(source, text)
	for _, name := range extendsList(text.Extends) {
		l.extend(f, source, name, configDir, append(above, file))
	}
	f.apply(text, filepath.Dir(file), configDir)
	return f
}

// parseTSText returns the fields of a tsconfig.json that can be read, and the first mistake, nil when there is none.
func parseTSText(file string, source []byte) (*tsText, *Error) {
	text := &tsText{}
	if len(bytes.TrimSpace(source)) == 0 {
		return text, nil // `touch tsconfig.json` makes an empty file, and TypeScript accepts it
	}
	standard, err := hujson.Standardize(source)
	if err != nil {
		mistake := jsonError(file, source, err)
		if standard, err = hujson.Standardize(whole(source[:offset(source, mistake)])); err == nil {
			_ = json.Unmarshal(standard, text) // the first mistake counts
		}
		return text, mistake
	}
	if err := json.Unmarshal(standard, text); err != nil {
		return text, jsonError(file, source, err) // the fields of the right type are set
	}
	return text, nil
}

// offset returns where a mistake is.
func offset(source []byte, e *Error) int {
	at := 0
	for range e.Line - 1 {
		at += bytes.IndexByte(source[at:], '\n') + 1
	}
	return min(at+max(e.Column-1, 0), len(source))
}

// whole returns the beginning of a JSON text, with comments, as a whole text: up to the last member before its end,
// with what was opened closed.
func whole(begun []byte) []byte {
	var open, closers []byte // closers are those of the text up to cut
	cut := 0
	for i := 0; i < len(begun); i++ {
		switch c := begun[i]; c {
		case '"':
			for i++; i < len(begun) && begun[i] != '"'; i++ {
				if begun[i] == '\\' {
					i++
				}
			}
		case '/':
			end, more := "\n", begun[i+1:]
			if bytes.HasPrefix(more, []byte("*")) {
				end, more = "*/", more[1:]
			}
			at := bytes.Index(more, []byte(end))
			if at < 0 {
				i = len(begun)
				break
			}
			i = len(begun) - len(more) + at + len(end) - 1
		case '{', '[':
			open = append(open, c+2) // the closing bracket, in ASCII
			cut, closers = i+1, slices.Clone(open)
		case '}', ']':
			open = open[:max(len(open)-1, 0)]
			cut, closers = i+1, slices.Clone(open)
		case ',':
			cut, closers = i, slices.Clone(open)
		}
	}
	slices.Reverse(closers)
	return append(slices.Clone(begun[:cut]), closers...)
}

// leaveOut drops the values that are of the wrong type or that the compiler refuses, each with a mistake at its place.
// What a base config says then stands.
func (f *tsFile) leaveOut(source []byte, text *tsText) {
	if !isNull(text.Extends) {
		var many []string
		if err := json.Unmarshal(text.Extends, &many); err != nil && !isString(text.Extends) {
			f.mistakenAt(source, "extends", `"extends" must be a text or a list of texts`)
		}
	}
	options := text.CompilerOptions
	for _, name := range []string{"baseUrl", "jsx", "jsxImportSource", "jsxFactory", "jsxFragmentFactory"} {
		value, why := options[name], ""
		switch {
		case isNull(value):
		case !isString(value):
			why = "must be a text"
		case name == "jsxFactory" && !callable.Match(value), name == "jsxFragmentFactory" && !callable.Match(value) && !isConstant(value):
			why = "must be a name such as h or React.createElement"
		}
		if why != "" {
			delete(options, name)
			f.mistakenAt(source, name, fmt.Sprintf("%q %s, not %s", name, why, value))
		}
	}
	if isNull(options["paths"]) {
		return
	}
	var paths map[string]json.RawMessage
	if json.Unmarshal(options["paths"], &paths) != nil {
		delete(options, "paths")
		f.mistakenAt(source, "paths", `"paths" must be an object`)
		return
	}
	for _, key := range sortedKeys(paths) {
		var targets []string
		if json.Unmarshal(paths[key], &targets) != nil || targets == nil {
			delete(paths, key)
			f.mistakenAt(source, key, fmt.Sprintf("%q in \"paths\" must be a list of texts", key))
		}
	}
	options["paths"], _ = json.Marshal(paths) // cannot fail: all values are from JSON
}

// callable matches what JSX can be compiled to calls of: a name, or members of what it names.
var callable = regexp.MustCompile(`^"[\p{L}_$][\p{L}\p{N}_$]*(\.[\p{L}_$][\p{L}\p{N}_$]*)*"$`)

// isConstant reports whether a text holds a text, a number, a boolean or null. A fragment may be such a value.
func isConstant(raw json.RawMessage) bool {
	var s string
	return json.Unmarshal(raw, &s) == nil && json.Valid([]byte(s)) && !strings.ContainsAny(s[:1], "[{")
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

func isString(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '"' }

func extendsList(raw json.RawMessage) []string {
	var one string
	var many []string
	if isString(raw) && json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	if json.Unmarshal(raw, &many) != nil { // what is no text is empty here, and leaveOut has told it
		many = slices.DeleteFunc(many, func(name string) bool { return name == "" })
	}
	return many
}

// inherit puts the values of a base config over the values of earlier bases.
func (f *tsFile) inherit(base *tsFile) {
	f.mistakes = append(f.mistakes, base.mistakes...)
	for _, file := range base.files {
		if !slices.Contains(f.files, file) {
			f.files = append(f.files, file)
		}
	}
	for name, value := range base.options {
		f.options[name] = value
	}
	if base.baseURL != "" {
		f.baseURL = base.baseURL
	}
	if base.paths != nil {
		f.paths, f.pathsDir = base.paths, base.pathsDir
	}
	if base.only != nil {
		f.only = base.only
	}
	if base.include != nil {
		f.include = base.include
	}
	if base.exclude != nil {
		f.exclude = base.exclude
	}
}

// apply puts the config's own values over the inherited values. Paths in the config are relative to dir, its folder.
func (f *tsFile) apply(text *tsText, dir, configDir string) {
	absolute := func(p string) string {
		p = strings.ReplaceAll(p, "${configDir}", configDir)
		if p = filepath.FromSlash(p); !filepath.IsAbs(p) {
			p = filepath.Join(dir, p)
		}
		return p
	}
	for name, value := range text.CompilerOptions {
		f.options[name] = value
	}
	var base string
	if json.Unmarshal(text.CompilerOptions["baseUrl"], &base) == nil && base != "" {
		f.baseURL = absolute(base)
	}
	var paths map[string][]string
	if json.Unmarshal(text.CompilerOptions["paths"], &paths) == nil && paths != nil {
		f.paths, f.pathsDir = []pathRule{}, dir
		for _, key := range sortedKeys(paths) {
			f.paths = append(f.paths, newPathRule(key, paths[key], configDir))
		}
	}
	list := func(patterns []string, into *[]string) {
		if patterns == nil {
			return
		}
		*into = []string{}
		for _, p := range patterns {
			*into = append(*into, filepath.ToSlash(absolute(p)))
		}
	}
	list(text.Files, &f.only)
	list(text.Include, &f.include)
	list(text.Exclude, &f.exclude)
	f.refs = nil
	for _, r := range text.References {
		f.refs = append(f.refs, absolute(r.Path))
	}
}

func newPathRule(key string, targets []string, configDir string) pathRule {
	rule := pathRule{key: key}
	rule.prefix, rule.suffix, rule.star = strings.Cut(key, "*")
	for _, t := range targets {
		if strings.HasSuffix(strings.ToLower(t), ".d.ts") {
			continue // types only
		}
		rule.targets = append(rule.targets, filepath.FromSlash(strings.ReplaceAll(t, "${configDir}", configDir)))
	}
	return rule
}

// absolutePaths returns the rules with absolute targets.
func (f *tsFile) absolutePaths() []pathRule {
	from := f.pathsDir
	if f.baseURL != "" {
		from = f.baseURL
	}
	rules := slices.Clone(f.paths)
	for i := range rules {
		rules[i].targets = slices.Clone(rules[i].targets)
		for j, t := range rules[i].targets {
			if !filepath.IsAbs(t) {
				rules[i].targets[j] = filepath.Join(from, t)
			}
		}
	}
	return rules
}

// extend reads the config that `"extends": name` in f names. above ends with f.
func (l tsLoader) extend(f *tsFile, source []byte, name, configDir string, above []string) {
	candidates := l.extendsFiles(filepath.Dir(f.path), strings.ReplaceAll(name, "${configDir}", configDir))
	for _, candidate := range candidates {
		info, err := os.Stat(candidate)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if slices.Contains(above, candidate) {
			f.mistaken(source, name, "which extends this file", "")
		} else {
			f.inherit(l.load(candidate, configDir, above))
		}
		return
	}
	hint := ""
	if isBare(name) {
		hint = "install its package"
	}
	f.mistaken(source, name, "which does not exist", hint)
	for _, candidate := range candidates { // any of them may be created
		l.c.configs.Store(candidate, true)
		f.files = append(f.files, candidate)
	}
}

// mistaken notes a mistake about a base config, at the place of its name.
func (f *tsFile) mistaken(source []byte, name, text, hint string) {
	f.mistakenAt(source, name, fmt.Sprintf("extends %q, %s", name, text)).Hint = hint
}

// mistakenAt notes a mistake at the place of a text in quotes.
func (f *tsFile) mistakenAt(source []byte, quoted, text string) *Error {
	e := &Error{File: f.path, Text: text}
	found, _ := json.Marshal(quoted)
	e.Line, e.Column = position(source, bytes.Index(source, found))
	f.mistakes = append(f.mistakes, e)
	return e
}

// extendsFiles lists the files that a base config may be.
func (l tsLoader) extendsFiles(dir, name string) []string {
	if name == "" {
		return nil
	}
	path := filepath.FromSlash(name)
	if isRelative(name) || filepath.IsAbs(path) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if strings.HasSuffix(path, ".json") {
			return []string{path}
		}
		return []string{path, path + ".json", filepath.Join(path, "tsconfig.json")}
	}
	pkg, subpath, ok := splitPackage(name)
	if !ok {
		return nil
	}
	var list []string
	for f := l.c.folder(dir); f != nil; f = f.parent {
		if !f.hasModules() {
			continue
		}
		at := filepath.Join(f.path, "node_modules", filepath.FromSlash(pkg))
		m := l.c.folder(at).manifest()
		if m != nil && m.exports != nil {
			if t, why := m.exports.exported(subpath, map[string]bool{"require": true, "node": true}); why == found {
				list = append(list, filepath.Join(at, t.path))
			}
		}
		full := filepath.Join(at, subpath)
		if subpath == "." && m != nil && m.string("tsconfig") != "" {
			list = append(list, filepath.Join(at, m.string("tsconfig")))
		}
		list = append(list, full, full+".json", filepath.Join(full, "tsconfig.json"))
	}
	return list
}

// references reads all configs that from references, directly and through others.
func (l tsLoader) references(p *tsProject, from *tsFile) {
	for _, ref := range from.refs {
		if info, err := os.Stat(ref); err == nil && info.IsDir() {
			ref = filepath.Join(ref, "tsconfig.json")
		}
		if slices.ContainsFunc(p.configs, func(f *tsFile) bool { return f.path == ref }) {
			continue
		}
		if _, err := os.Stat(ref); err != nil {
			continue // tsc complains about it; no served file depends on it
		}
		f := l.load(ref, filepath.Dir(ref), nil)
		p.configs = append(p.configs, f)
		l.references(p, f)
	}
}

// solution reports whether the config has no files of its own and only references other configs.
func (f *tsFile) solution() bool {
	return len(f.refs) > 0 && len(f.only) == 0 && (f.only != nil || f.include != nil) && len(f.include) == 0
}

// covers reports whether the config includes the file. Extensions don't matter: a requested file is compiled anyway.
func (f *tsFile) covers(file string) bool {
	name := filepath.ToSlash(file)
	if slices.Contains(f.only, name) {
		return true
	}
	include := f.include
	if include == nil {
		if f.only != nil || f.path == "" {
			return false
		}
		include = []string{filepath.ToSlash(filepath.Dir(f.path)) + "/**/*"}
	}
	if !slices.ContainsFunc(include, func(p string) bool { return covered(p, name, true) }) {
		return false
	}
	return !slices.ContainsFunc(f.exclude, func(p string) bool { return covered(p, name, false) })
}

// covered reports whether a pattern of "include" or "exclude" matches a file. A pattern without wildcards names a file
// or a folder; in "exclude" any pattern may name a folder.
func covered(pattern, name string, include bool) bool {
	if !strings.ContainsAny(pattern, "*?") {
		return name == pattern || strings.HasPrefix(name, strings.TrimSuffix(pattern, "/")+"/")
	}
	pattern = onlyStars.Replace(pattern)
	if matches(pattern, name) {
		return true
	}
	if include && path.Ext(pattern) != "" {
		// "src/**/*.ts" and "src/**/*.tsx" mean "src"
		return path.Base(pattern) == "*"+path.Ext(pattern) && sourceExt[path.Ext(pattern)] && sourceExt[path.Ext(name)] &&
			matches(path.Dir(pattern), path.Dir(name))
	}
	return !include && matches(pattern+"/**", name)
}

func matches(pattern, name string) bool {
	p, err := glob.Compile(pattern, glob.Options{Dot: true})
	return err == nil && p.Match(name)
}

var sourceExt = map[string]bool{".ts": true, ".tsx": true, ".js": true, ".jsx": true, ".mts": true, ".mjs": true, ".vue": true, ".svelte": true}

// onlyStars escapes the characters that are special in globs and not in TypeScript's patterns.
var onlyStars = strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, "{", `\{`, "}", `\}`, "(", `\(`, ")", `\)`)
