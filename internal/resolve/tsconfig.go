package resolve

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// TSConfig is what the tsconfig.json around a file says about it. Where there is none it holds what package.json tells.
type TSConfig struct {
	// File is the tsconfig that rules, "" when there is none. It may be one that the nearest tsconfig.json references.
	File string
	// Files are all files that it was read from, those it extends included. A change of one may change the rest.
	Files []string
	// Raw is the text of a tsconfig.json with what matters to a compiler of single files, for esbuild's TsconfigRaw.
	// JSX is part of it, so that Raw alone suffices.
	Raw string
	JSX JSX
	// DecoratorMetadata tells that decorators get the types of what they decorate ("emitDecoratorMetadata").
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

// TSConfig returns what rules the file. The error is an *Error that tells where a tsconfig is broken.
func (r *Resolver) TSConfig(file string) (*TSConfig, error) {
	return r.cache.Load().tsConfig(file)
}

func (c *cache) tsConfig(file string) (*TSConfig, error) {
	dir := filepath.Dir(file)
	if inModules(dir) {
		return &TSConfig{Raw: "{}", JSX: JSX{Runtime: "automatic"}}, nil // packages are published compiled
	}
	p := c.tsProject(dir)
	if p.err != nil {
		return nil, p.err
	}
	if len(p.configs) == 1 {
		return p.config(c, p.configs[0], dir), nil
	}
	if was, ok := c.picked.Load(file); ok {
		return was.(*TSConfig), nil
	}
	ts := p.config(c, p.pick(file), dir)
	c.picked.Store(file, ts)
	return ts, nil
}

// config returns the one answer for the files of a config in a package.
func (p *tsProject) config(c *cache, f *tsFile, dir string) *TSConfig {
	key := builtKey{config: f, scope: c.folder(dir).scope()}
	if was, ok := p.built.Load(key); ok {
		return was.(*TSConfig)
	}
	was, _ := p.built.LoadOrStore(key, p.build(c, f, key.scope))
	return was.(*TSConfig)
}

// paths returns the tsconfig whose "paths" and "baseUrl" apply to imports of the file, nil when there are none.
func (q *query) paths(importer string) *TSConfig {
	ts, err := q.tsConfig(importer)
	if err != nil || len(ts.paths) == 0 && ts.baseURL == "" {
		return nil // a broken one is told when the file is compiled
	}
	return ts
}

// tsProject is a tsconfig.json and those it references.
type tsProject struct {
	configs []*tsFile // the nearest one first; a file of none when there is no tsconfig
	err     error
	built   sync.Map // builtKey -> *TSConfig
}

type builtKey struct {
	config *tsFile
	scope  *folder // whose package.json tells about JSX when the config does not
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
	p := &tsProject{}
	main, err := l.load(file, filepath.Dir(file), nil)
	if err == nil {
		p.configs = []*tsFile{main}
		err = l.references(p, main)
	}
	p.err = err
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
	// A file that none includes, such as a page or a virtual module: the config of the app, not that of its tools.
	for _, f := range p.configs[1:] {
		if f.options["jsx"] != nil || strings.Contains(strings.ToLower(string(f.options["lib"])), `"dom"`) {
			return f
		}
	}
	return p.configs[1]
}

// compilerFields are the options that change what a file compiles to.
var compilerFields = []string{
	"alwaysStrict", "experimentalDecorators", "importsNotUsedAsValues", "preserveValueImports", "strict", "target",
	"useDefineForClassFields", "verbatimModuleSyntax",
}

// build makes the answer for the files that a config covers.
func (p *tsProject) build(c *cache, f *tsFile, scope *folder) *TSConfig {
	ts := &TSConfig{File: f.path, Files: f.files, paths: f.absolutePaths(), baseURL: f.baseURL}
	if main := p.configs[0]; main != f {
		ts.Files = append(slices.Clone(f.files), main.files...)
	}
	raw := map[string]any{}
	for _, field := range compilerFields {
		if v, ok := f.options[field]; ok && string(v) != "null" {
			raw[field] = v
		}
	}
	if f.path != "" && raw["useDefineForClassFields"] == nil && raw["target"] == nil {
		// TypeScript takes the target for an old one then; esbuild for the newest.
		raw["useDefineForClassFields"] = false
	}
	ts.DecoratorMetadata = string(f.options["emitDecoratorMetadata"]) == "true"
	ts.JSX = f.jsx(c, scope)
	raw["jsx"] = "react-jsx"
	if ts.JSX.Runtime == "classic" {
		raw["jsx"] = "react"
	}
	for field, value := range map[string]string{"jsxImportSource": ts.JSX.ImportSource, "jsxFactory": ts.JSX.Factory, "jsxFragmentFactory": ts.JSX.Fragment} {
		if value != "" {
			raw[field] = value
		}
	}
	text, _ := json.Marshal(map[string]any{"compilerOptions": raw}) // made of what was JSON
	ts.Raw = string(text)
	return ts
}

// jsx tells how JSX is compiled: as the options say, else as package.json does.
func (f *tsFile) jsx(c *cache, scope *folder) JSX {
	source, factory := f.option("jsxImportSource"), f.option("jsxFactory")
	switch f.option("jsx") {
	case "react-jsx", "react-jsxdev":
		return JSX{Runtime: "automatic", ImportSource: source}
	case "react":
		return JSX{Runtime: "classic", Factory: factory, Fragment: f.option("jsxFragmentFactory")}
	}
	switch { // "preserve" leaves it to the bundler, and so does saying nothing
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
	_ = json.Unmarshal(f.options[name], &s) // of another type: as if not there
	return s
}

// mapped finds what "paths" and "baseUrl" make of a bare specifier.
func (q *query) mapped(ts *TSConfig, name string) (hit, bool) {
	for _, path := range ts.candidates(name) {
		if h, ok := q.fileOrFolder(path, false); ok {
			return h, true
		}
	}
	if ts.baseURL != "" {
		return q.fileOrFolder(filepath.Join(ts.baseURL, filepath.FromSlash(name)), false)
	}
	return hit{}, false
}

// tsPaths is mapped for a specifier that begins with "/".
func (q *query) tsPaths(name, importer string) (hit, bool) {
	ts := q.paths(importer)
	if ts == nil {
		return hit{}, false
	}
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
		if len(name) < len(rule.prefix)+len(rule.suffix) || !strings.HasPrefix(name, rule.prefix) || !strings.HasSuffix(name, rule.suffix) {
			continue
		}
		if best == nil || len(rule.prefix) > len(best.prefix) || len(rule.prefix) == len(best.prefix) && len(rule.suffix) > len(best.suffix) {
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

// sortedKeys gives maps an order, so that equal configs give equal answers.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
