package resolve

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// TSConfig holds what the tsconfig.json around a file says about the file. Without a tsconfig.json it holds what
// package.json says.
type TSConfig struct {
	// File is the tsconfig that applies, "" when there is none. It may be a file that the nearest tsconfig.json
	// references.
	File string
	// Files are all files that the TSConfig was read from, extended files included. A change of one may change the
	// rest.
	Files []string
	// Raw is the text of a tsconfig.json with the options for compiling single files, for esbuild's TsconfigRaw. It
	// includes JSX, so that Raw alone is enough.
	Raw string
	JSX JSX
	// Mistakes are what is wrong in Files. The rest is from the options that could be read: a tsconfig that an editor or
	// another tool can live with must not keep the app from being served.
	Mistakes []*Error
	// DecoratorMetadata means that decorators get the types of the decorated parts ("emitDecoratorMetadata").
	DecoratorMetadata bool

	paths   []pathRule
	baseURL string
}

// pathRule is an entry of "paths".
type pathRule struct {
	key            string
	prefix, suffix string
	star           bool
	targets        []string
}

// TSConfig returns the configuration that applies to the file.
func (r *Resolver) TSConfig(file string) *TSConfig { return r.cache.Load().tsConfig(file) }

func (c *cache) tsConfig(file string) *TSConfig {
	dir := filepath.Dir(file)
	if inModules(dir) {
		return &TSConfig{Raw: "{}", JSX: JSX{Runtime: "automatic"}} // packages are published compiled
	}
	p := c.tsProject(dir)
	if len(p.configs) == 1 {
		return p.config(c, p.configs[0], dir)
	}
	if was, ok := c.picked.Load(file); ok {
		return was.(*TSConfig)
	}
	ts := p.config(c, p.pick(file), dir)
	c.picked.Store(file, ts)
	return ts
}

// config returns the TSConfig that the files of a config in a package share.
func (p *tsProject) config(c *cache, f *tsFile, dir string) *TSConfig {
	key := builtKey{config: f, scope: c.folder(dir).scope()}
	if was, ok := p.built.Load(key); ok {
		return was.(*TSConfig)
	}
	was, _ := p.built.LoadOrStore(key, p.build(c, f, key.scope))
	return was.(*TSConfig)
}

// paths returns the tsconfig whose "paths" and "baseUrl" apply to imports of the file, or nil when it has neither.
func (q *query) paths(importer string) *TSConfig {
	ts := q.tsConfig(importer)
	if len(ts.paths) == 0 && ts.baseURL == "" {
		return nil
	}
	return ts
}

// tsProject is a tsconfig.json with the configs that it references.
type tsProject struct {
	configs []*tsFile // the nearest tsconfig.json first; one empty tsFile when there is no tsconfig.json
	built   sync.Map  // builtKey -> *TSConfig
}

type builtKey struct {
	config *tsFile
	scope  *folder // its package.json decides about JSX when the config does not
}

// tsProject finds the tsconfig.json for the files of a folder.
func (c *cache) tsProject(dir string) *tsProject {
	if p, ok := c.projects.Load(dir); ok {
		return p.(*tsProject)
	}
	p := c.readProject(dir)
	was, _ := c.projects.LoadOrStore(dir, p)
	return was.(*tsProject)
}

func (c *cache) readProject(dir string) *tsProject {
	f := c.folder(dir)
	for _, name := range []string{"tsconfig.json", "jsconfig.json"} {
		if c.folder(dir).kind(name) == entryFile {
			return c.loadProject(filepath.Join(dir, name))
		}
	}
	if f.parent != nil {
		return c.tsProject(f.parent.path)
	}
	return &tsProject{configs: []*tsFile{{}}}
}

func (c *cache) loadProject(file string) *tsProject {
	l := tsLoader{c: c}
	p := &tsProject{configs: []*tsFile{l.load(file, filepath.Dir(file), nil)}}
	l.references(p, p.configs[0])
	return p
}

// pick finds the config that covers the file.
func (p *tsProject) pick(file string) *tsFile {
	for _, f := range p.configs {
		if f.covers(file) {
			return f
		}
	}
	if main := p.configs[0]; !main.solution() || len(p.configs) == 1 {
		return main
	}
	// No config includes the file, such as a page or a virtual module: use the app's config, not the one of its tools.
	for _, f := range p.configs[1:] {
		if f.options["jsx"] != nil || strings.Contains(strings.ToLower(string(f.options["lib"])), `"dom"`) {
			return f
		}
	}
	return p.configs[1]
}

// compilerFields are the options that change the compiled code of a file.
var compilerFields = []string{
	"alwaysStrict", "experimentalDecorators", "importsNotUsedAsValues", "preserveValueImports", "strict", "strictNullChecks", "target",
	"useDefineForClassFields", "verbatimModuleSyntax",
}

// build makes the TSConfig for the files that a config covers.
func (p *tsProject) build(c *cache, f *tsFile, scope *folder) *TSConfig {
	ts := &TSConfig{File: f.path, Files: f.files, Mistakes: f.mistakes, paths: f.absolutePaths(), baseURL: f.baseURL}
	if main := p.configs[0]; main != f {
		ts.Files = append(slices.Clone(f.files), main.files...)
		ts.Mistakes = append(slices.Clone(f.mistakes), main.mistakes...)
	}
	raw := map[string]any{}
	for _, field := range compilerFields {
		if v, ok := f.options[field]; ok && string(v) != "null" {
			raw[field] = v
		}
	}
	if f.path != "" && raw["useDefineForClassFields"] == nil && raw["target"] == nil {
		// Without a target TypeScript assumes an old one, and esbuild the newest.
		raw["useDefineForClassFields"] = false
	}
	ts.DecoratorMetadata = string(f.options["emitDecoratorMetadata"]) == "true"
	ts.JSX = f.jsx(c, scope)
	raw["jsx"] = "react-jsx"
	if ts.JSX.Runtime == "classic" {
		raw["jsx"] = "react"
	}
	jsx := map[string]string{
		"jsxImportSource": ts.JSX.ImportSource, "jsxFactory": ts.JSX.Factory, "jsxFragmentFactory": ts.JSX.Fragment,
	}
	for field, value := range jsx {
		if value != "" {
			raw[field] = value
		}
	}
	text, _ := json.Marshal(map[string]any{"compilerOptions": raw}) // cannot fail: all values are from JSON
	ts.Raw = string(text)
	return ts
}

// jsx returns how JSX is compiled: by the config's options, or else by package.json.
func (f *tsFile) jsx(c *cache, scope *folder) JSX {
	source, factory := f.option("jsxImportSource"), f.option("jsxFactory")
	switch f.option("jsx") {
	case "react-jsx", "react-jsxdev":
		return JSX{Runtime: "automatic", ImportSource: source}
	case "react":
		return JSX{Runtime: "classic", Factory: factory, Fragment: f.option("jsxFragmentFactory")}
	}
	switch { // "preserve" or no value: the bundler decides
	case source != "":
		return JSX{Runtime: "automatic", ImportSource: source}
	case factory != "":
		return JSX{Runtime: "classic", Factory: factory, Fragment: f.option("jsxFragmentFactory")}
	}
	return c.jsxOf(scope)
}

// option returns an option that is a string.
func (f *tsFile) option(name string) string {
	var s string
	_ = json.Unmarshal(f.options[name], &s) // a value of another type counts as missing
	return s
}

// mapped finds the file of a bare specifier by "paths" and "baseUrl".
func (q *query) mapped(ts *TSConfig, name string) (hit, bool) {
	if h, ok := q.tsPaths(ts, name); ok || ts.baseURL == "" {
		return h, ok
	}
	return q.fileOrFolder(filepath.Join(ts.baseURL, filepath.FromSlash(name)), false)
}

// tsPaths finds the file of a specifier by "paths".
func (q *query) tsPaths(ts *TSConfig, name string) (hit, bool) {
	for _, path := range ts.candidates(name) {
		if h, ok := q.fileOrFolder(path, false); ok {
			return h, true
		}
	}
	return hit{}, false
}

// candidates returns the paths that "paths" gives for a specifier: an exact key wins, then the longest prefix.
func (ts *TSConfig) candidates(name string) []string {
	var best *pathRule
	for i := range ts.paths {
		rule := &ts.paths[i]
		if !rule.star {
			if rule.key == name {
				return rule.targets
			}
			continue
		}
		if len(name) < len(rule.prefix)+len(rule.suffix) ||
			!strings.HasPrefix(name, rule.prefix) || !strings.HasSuffix(name, rule.suffix) {
			continue
		}
		if best == nil || len(rule.prefix) > len(best.prefix) ||
			len(rule.prefix) == len(best.prefix) && len(rule.suffix) > len(best.suffix) {
			best = rule
		}
	}
	if best == nil {
		return nil
	}
	middle := filepath.FromSlash(name[len(best.prefix) : len(name)-len(best.suffix)])
	list := make([]string, 0, len(best.targets))
	for _, t := range best.targets {
		list = append(list, filepath.Clean(strings.Replace(t, "*", middle, 1)))
	}
	return list
}

// sortedKeys returns a map's keys in order, so that equal configs give equal answers.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
