package resolve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/tailscale/hujson"
)

// tsFile is one tsconfig.json, merged with all files that it extends.
type tsFile struct {
	path  string
	files []string // all files that it was read from

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
	Extends         json.RawMessage
	CompilerOptions map[string]json.RawMessage
	Files           []string
	Include         []string
	Exclude         []string
	References      []struct{ Path string }
}

// tsLoader reads tsconfigs.
type tsLoader struct{ c *cache }

// load reads a tsconfig and the files that it extends. configDir is the folder of the outermost tsconfig.
// above lists the files that extend this one, so that a circle ends.
func (l tsLoader) load(file, configDir string, above []string) (*tsFile, error) {
	l.c.configs.Store(file, true)
	source, err := disk.ReadFile(file)
	if err != nil {
		return nil, &Error{File: file, Text: "could not be read: " + plainError(err)}
	}
	text, err := parseTSText(file, source)
	if err != nil {
		return nil, err
	}
	f := &tsFile{path: file, files: []string{file}, options: map[string]json.RawMessage{}}
	for _, name := range extendsList(text.Extends) {
		base, err := l.extend(file, name, configDir, append(above, file))
		if err != nil {
			return nil, located(err, file, source, name)
		}
		f.inherit(base)
	}
	f.apply(text, filepath.Dir(file), configDir)
	return f, nil
}

func parseTSText(file string, source []byte) (*tsText, error) {
	text := &tsText{}
	source = bytes.TrimPrefix(source, []byte("\ufeff"))
	if len(bytes.TrimSpace(source)) == 0 {
		return text, nil // `touch tsconfig.json` makes an empty file, and TypeScript accepts it
	}
	standard, err := hujson.Standardize(source)
	if err != nil {
		return nil, jsonError(file, source, err)
	}
	if err := json.Unmarshal(standard, text); err != nil {
		return nil, jsonError(file, source, err)
	}
	return text, nil
}

func extendsList(raw json.RawMessage) []string {
	var one string
	var many []string
	if json.Unmarshal(raw, &one) == nil && one != "" {
		return []string{one}
	}
	_ = json.Unmarshal(raw, &many) // of another type: it extends nothing
	return many
}

// inherit puts the values of a base config over the values of earlier bases.
func (f *tsFile) inherit(base *tsFile) {
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

var errCircle = errors.New("extends itself")

// extend reads the config that `"extends": name` in file names.
func (l tsLoader) extend(file, name, configDir string, above []string) (*tsFile, error) {
	dir := filepath.Dir(file)
	for _, candidate := range l.extendsFiles(dir, strings.ReplaceAll(name, "${configDir}", configDir)) {
		info, err := os.Stat(candidate)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if slices.Contains(above, candidate) {
			return nil, errCircle
		}
		return l.load(candidate, configDir, above)
	}
	return nil, fs.ErrNotExist
}

// extendsFiles lists the files that a base config may be.
func (l tsLoader) extendsFiles(dir, name string) []string {
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

// located returns the error about a base config that could not be read, with the place of the base's name in the
// tsconfig. An error in the base itself keeps its own place.
func located(err error, file string, source []byte, name string) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	e := &Error{File: file, Text: fmt.Sprintf("extends %q, which does not exist", name)}
	if errors.Is(err, errCircle) {
		e.Text = fmt.Sprintf("extends %q, which extends this file", name)
	} else if isBare(name) {
		e.Hint = "install its package"
	}
	quoted, _ := json.Marshal(name)
	e.Line, e.Column = position(source, bytes.Index(source, quoted))
	return e
}

// references reads all configs that from references, directly and through others.
func (l tsLoader) references(p *tsProject, from *tsFile) error {
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
		f, err := l.load(ref, filepath.Dir(ref), nil)
		if err != nil {
			return err
		}
		p.configs = append(p.configs, f)
		if err := l.references(p, f); err != nil {
			return err
		}
	}
	return nil
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
	if ok, err := doublestar.Match(pattern, name); ok && err == nil {
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
	ok, err := doublestar.Match(pattern, name)
	return ok && err == nil
}

var sourceExt = map[string]bool{".ts": true, ".tsx": true, ".js": true, ".jsx": true, ".mts": true, ".mjs": true, ".vue": true, ".svelte": true}

// onlyStars escapes the characters that are special in doublestar and not in TypeScript's patterns.
var onlyStars = strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, "{", `\{`, "}", `\}`)
