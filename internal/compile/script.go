package server

import (
	"context"
	"encoding/json"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// compileScript compiles JavaScript, TypeScript, JSX and JSON, and whatever plugins turn into them.
func (p *project) compileScript(ctx context.Context, src source, v *graph.Version) error {
	in, err := p.scriptInput(ctx, src)
	if err != nil {
		return err
	}
	out, errs := p.compiled(in)
	if len(errs) > 0 {
		for i := range errs {
			errs[i].File = p.layout.Shown(src.file)
		}
		return &errs[0] // a reader can act on one; the next shows after the fix
	}
	v.Code, v.Async, v.AcceptsExports = out.Code, out.Async, out.AcceptsExports
	for _, g := range out.Globs {
		for _, pattern := range g.Patterns {
			if !strings.HasPrefix(pattern, "!") {
				v.Globs = append(v.Globs, p.globPath(src, pattern))
			}
		}
	}
	v.Side = &script{exports: out.Exports}
	return p.resolveImports(ctx, src, out, v)
}

// script is the Side of a JavaScript module's version.
type script struct {
	// exports are the names it exports, as far as they can be told.
	exports []string
}

// scriptInput is what the compiler is told about a module; equal inputs give equal code and source maps.
func (p *project) scriptInput(ctx context.Context, src source) (transform.Input, error) {
	name := moduleid.Name(src.id)
	in := transform.Input{
		ID: src.id, File: src.file, Code: src.code, Lang: transform.LangOf(name),
		Dependency: moduleid.IsDependency(src.file), DefaultOnly: !p.cfg.JSON.NamedExportsOrDefault(),
		Define: p.define,
	}
	if in.Dependency {
		if pkg := p.resolver.PackageOf(src.file); pkg != nil {
			in.SideEffectFree = pkg.SideEffectFree(src.file)
			in.StarExports = func(spec string) ([]string, bool) { return p.starExports(spec, src.file, nil) }
			in.NodeESM = pkg.ESM(src.file)
		}
		return in, nil
	}
	in.Refresh = p.refresh.framework
	in.Glob = func(patterns []string) []string { return p.glob(src, patterns) }
	ts, err := p.resolver.TSConfig(placeOf(src.file, p.layout.Root))
	if err != nil {
		return in, err
	}
	for _, file := range ts.Files {
		p.noteTSConfig(file)
	}
	in.TSConfigRaw = ts.Raw
	in.JSX = p.jsx(ts.JSX, src)
	if ext := path.Ext(name); p.cfg.Esbuild.JSXInject != "" && (ext == ".jsx" || ext == ".tsx") {
		in.Code = p.cfg.Esbuild.JSXInject + ";" + in.Code // on the first line, so that the others keep their numbers
	}
	if ts.DecoratorMetadata && (in.Lang == transform.LangTS || in.Lang == transform.LangTSX) && decorated.MatchString(in.Code) {
		return p.withMetadata(ctx, in)
	}
	return in, nil
}

// jsx lays what the configuration says about JSX over what the project's files tell.
func (p *project) jsx(told resolve.JSX, src source) transform.JSX {
	c := p.cfg.Esbuild
	jsx := transform.JSX{Runtime: told.Runtime, ImportSource: told.ImportSource, Factory: told.Factory, Fragment: told.Fragment}
	for to, from := range map[*string]string{&jsx.ImportSource: c.JSXImportSource, &jsx.Factory: c.JSXFactory, &jsx.Fragment: c.JSXFragment} {
		if from != "" {
			*to, jsx.Wins = from, true
		}
	}
	switch {
	case c.JSX == "transform" || c.JSX == "classic" || c.JSX == "" && (c.JSXFactory != "" || c.JSXFragment != ""):
		jsx.Runtime, jsx.Wins = "classic", true
	case c.JSX != "": // "preserve" too: nothing behind this server compiles JSX
		jsx.Runtime, jsx.Wins = "automatic", true
	}
	if c.JSXDev != nil {
		jsx.Dev = *c.JSXDev
	} else {
		jsx.Dev = !p.positionsUnused(jsx, src)
	}
	return jsx
}

// positionsUnused tells whether nobody would read the source positions of the module's elements, which are a quarter of
// what a page of components loads. React shows since version 19 where an element was made by the stack of the call, and
// does the same checks without them.
func (p *project) positionsUnused(jsx transform.JSX, src source) bool {
	if jsx.Runtime == "classic" || jsx.ImportSource != "" && jsx.ImportSource != "react" || strings.Contains(src.code, "@jsx") {
		return false
	}
	r, err := p.resolver.Resolve("react", placeOf(src.file, p.layout.Root))
	if err != nil || r.File == "" {
		return false
	}
	pkg := p.resolver.PackageOf(r.File)
	if pkg == nil || pkg.Name != "react" {
		return false // Preact under React's name
	}
	major, _, _ := strings.Cut(pkg.Version, ".")
	n, err := strconv.Atoi(major)
	return err == nil && n >= 19
}

// decorated finds code that may have decorators: only they need types at run time.
var decorated = regexp.MustCompile(`(?m)(?:^|[\s(,;{}])@[\p{L}_$(]`)

// withMetadata lets the project's own TypeScript compile decorators, with the types of what they decorate: esbuild knows
// no types. JSX stays for esbuild.
func (p *project) withMetadata(ctx context.Context, in transform.Input) (transform.Input, error) {
	made, err := p.runTool(ctx, "typescript", toolCall{File: in.File, Code: in.Code, Options: json.RawMessage(in.TSConfigRaw)})
	if err != nil {
		e := p.problems.Convert(err)
		e.ID, e.File = in.ID, p.layout.Shown(in.File)
		return in, e
	}
	in.Written, in.Code = in.Code, made.Code
	in.Lang = transform.LangJSX
	return in, nil
}

// starExports lists what `export * from spec` in importer brings, so that a barrel of stars can be lazy too. It is not ok
// when a module on the way cannot be told without compiling it, may have side effects, or imports itself.
func (p *project) starExports(spec, importer string, seen []string) (names []string, ok bool) {
	r, err := p.resolver.Resolve(spec, importer)
	if err != nil || r.File == "" || slices.Contains(seen, r.File) || !moduleid.IsDependency(r.File) {
		return nil, false
	}
	if pkg := p.resolver.PackageOf(r.File); pkg == nil || !pkg.SideEffectFree(r.File) {
		return nil, false
	}
	if known, done := p.exported.Load(r.File); done {
		list, _ := known.([]string)
		return list, list != nil
	}
	text, err := p.gate.ReadFile(r.File)
	if err != nil {
		return nil, false
	}
	names, stars, ok := transform.ScanExports(string(text))
	for _, star := range stars {
		if !ok {
			break
		}
		var more []string
		more, ok = p.starExports(star, r.File, append(seen, r.File))
		names = append(names, more...)
	}
	if !ok {
		names = nil
	} else if names == nil {
		names = []string{}
	}
	p.exported.Store(r.File, names)
	return names, ok
}

// placeOf gives virtual modules a place in the project, so that the root's tsconfig rules them.
func placeOf(file, root string) string {
	if file == "" {
		return filepath.Join(root, "virtual.ts")
	}
	return file
}
