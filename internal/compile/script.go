package compile

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
func (c *Compiler) compileScript(ctx context.Context, src source, v *graph.Version) error {
	src, err := c.postScript(ctx, src, v)
	if err != nil {
		return err
	}
	if foreignStyle(src, v) {
		return nil
	}
	in, err := c.scriptInput(ctx, src)
	if err != nil {
		return err
	}
	out, errs := c.compiled(in)
	if len(errs) > 0 {
		errs[0].File = c.o.Layout.Shown(src.file)
		return c.atSource(&errs[0], c.madeFrom(ctx, src, in.Map)) // a reader can act on one error; the next shows after the fix
	}
	v.Code, v.Async, v.NodeESM, v.AcceptsExports = out.Code, out.Async, in.NodeESM, out.AcceptsExports
	for _, g := range out.Globs {
		v.Globs = append(v.Globs, g.Watch...)
	}
	c.tellGlobs(src, out.Globs)
	c.noteAddresses(ctx, src, out, v)
	side := &script{exports: out.Exports, classic: out.Script, foreign: src.foreign}
	if in.Map != nil {
		kept := in // only then it is on the heap
		side.in = &kept
	}
	v.Side = side
	return c.resolveImports(ctx, src, out, v)
}

// script is the Side of a JavaScript module's version.
type script struct {
	// exports are the names that it exports, as far as they are known.
	exports []string
	// classic means that the code may run outside of a factory, too.
	classic bool
	// in is what the code was compiled from when a plugin has a source map, else nil.
	in *transform.Input
	// foreign is as in source.
	foreign string
}

// Exports returns the names that a script exports, as far as they are known; nil for other modules.
func Exports(v *graph.Version) []string {
	if s, ok := v.Side.(*script); ok {
		return s.exports
	}
	return nil
}

// IsScript reports whether a version is a script that may run as it is, rather than an ES module or CommonJS.
func IsScript(v *graph.Version) bool {
	s, ok := v.Side.(*script)
	return ok && s.classic
}

// scriptInput returns what transform needs to know about a module. Equal inputs give equal code and source maps.
func (c *Compiler) scriptInput(ctx context.Context, src source) (transform.Input, error) {
	in := transform.Input{
		ID: src.id, File: src.file, Code: src.code, Map: src.made, Lang: c.langOf(src),
		Dependency: moduleid.IsDependency(src.file), DefaultOnly: !c.o.Config.JSON.NamedExportsOrDefault(),
		Define: c.define,
	}
	if src.plain {
		in.Lang = transform.LangJS
	}
	late := context.WithoutCancel(ctx) // a source map is made later
	in.Glob = func(g transform.Glob) (transform.Globbed, error) { return c.glob(late, src, g) }
	var pkg *resolve.Package
	if src.file != "" {
		pkg = c.o.Resolver.PackageOf(src.file)
	}
	in.NodeESM = pkg.ESM(src.file) || strings.HasPrefix(src.id, "\x00") // virtual modules are ES modules
	if in.Dependency {
		in.Define = c.packaged
		jsx := c.o.Bundled.JSX
		in.JSX = transform.JSX{Runtime: jsx.Runtime, ImportSource: jsx.ImportSource, Factory: jsx.Factory, Fragment: jsx.Fragment}
		if pkg != nil {
			in.SideEffectFree = pkg.SideEffectFree(src.file)
			in.StarExports = func(spec string) ([]string, bool) { return c.starExports(spec, src.file, nil) }
		}
		if c.o.Layout.Outside(src.file) {
			in.Folder = func(string) (specifier, url string) { return "", "" }
			in.Address = func(written string) transform.Addressed {
				c.address(ctx, src, written) // permits the file
				return transform.Addressed{}
			}
		}
		return in, nil
	}
	in.Refresh = c.refresh.framework
	if src.foreign != "" {
		in.RefreshID = c.o.Vite.Name(src.id)
	}
	in.Folder = func(beginning string) (specifier, url string) { return c.addressFolder(src, beginning) }
	in.Address = func(written string) transform.Addressed {
		a, _ := c.address(late, src, written)
		return a
	}
	ts := c.o.Resolver.TSConfig(placeOf(src.file, c.o.Layout.Root))
	c.warnOf(ts)
	for _, file := range ts.Files {
		c.o.Watch.TSConfig(file)
	}
	var metadata bool
	in.TSConfigRaw, metadata = c.compilerOptions(ts)
	in.JSX = c.jsx(ts.JSX, src)
	if src.plain {
		return in, nil
	}
	if ext := path.Ext(moduleid.Name(src.id)); c.o.Config.Esbuild.JSXInject != "" && (ext == ".jsx" || ext == ".tsx") {
		inject := c.o.Config.Esbuild.JSXInject + ";"
		in.Code = inject + in.Code // on the first line, so that the others keep their numbers
		if in.Map != nil {
			in.Map = in.Map.After(inject)
		}
	}
	if metadata && (in.Lang == transform.LangTS || in.Lang == transform.LangTSX) && decorated.MatchString(in.Code) {
		return c.withMetadata(ctx, in)
	}
	return in, nil
}

// langOf returns the language of a module by its name. A vite.config may say that files of packages are written in
// another.
func (c *Compiler) langOf(src source) transform.Lang {
	name := moduleid.Name(src.id)
	if language, ok := c.o.Bundled.Languages[path.Ext(name)]; ok && moduleid.IsDependency(src.file) {
		name = "." + language
	}
	return transform.LangOf(name)
}

// jsx lays the JSX options of the configuration over those of the project's tsconfig.
func (c *Compiler) jsx(ts resolve.JSX, src source) transform.JSX {
	own := c.o.Config.Esbuild
	jsx := transform.JSX{Runtime: ts.Runtime, ImportSource: ts.ImportSource, Factory: ts.Factory, Fragment: ts.Fragment}
	if own.JSXImportSource != "" {
		jsx.ImportSource, jsx.Wins = own.JSXImportSource, true
	}
	if own.JSXFactory != "" {
		jsx.Factory, jsx.Wins = own.JSXFactory, true
	}
	if own.JSXFragment != "" {
		jsx.Fragment, jsx.Wins = own.JSXFragment, true
	}
	switch {
	case own.JSX == "transform" || own.JSX == "classic" || own.JSX == "" && (own.JSXFactory != "" || own.JSXFragment != ""):
		jsx.Runtime, jsx.Wins = "classic", true
	case own.JSX != "": // "preserve" too: nothing behind this server compiles JSX
		jsx.Runtime, jsx.Wins = "automatic", true
	}
	if own.JSXDev != nil {
		jsx.Dev = *own.JSXDev
	} else {
		jsx.Dev = !c.production() && !c.positionsUnused(jsx, src)
	}
	return jsx
}

// positionsUnused reports whether nothing reads the source positions of the module's elements, which are a quarter of
// the code of a page of components. Since version 19, React shows where an element was made by the stack of the call,
// and does the same checks without positions.
func (c *Compiler) positionsUnused(jsx transform.JSX, src source) bool {
	classic := jsx.Runtime == "classic"
	if !classic && (jsx.ImportSource != "" && jsx.ImportSource != "react" || strings.Contains(src.code, "@jsx")) {
		return false
	}
	r, err := c.o.Resolver.Resolve("react", placeOf(src.file, c.o.Layout.Root))
	if err != nil || r.File == "" {
		return classic
	}
	pkg := c.o.Resolver.PackageOf(r.File)
	if pkg == nil || pkg.Name != "react" {
		return classic // Preact under React's name: it would make attributes of the positions
	}
	major, _, _ := strings.Cut(pkg.Version, ".")
	n, err := strconv.Atoi(major)
	return err == nil && n >= 19
}

// decorated finds code that may have decorators: only decorators need types at run time.
var decorated = regexp.MustCompile(`(?m)(?:^|[\s(,;{}])@[\p{L}_$(]`)

// withMetadata has the project's own TypeScript compile decorators, with the types of what they decorate: esbuild knows
// no types. JSX is left to esbuild.
func (c *Compiler) withMetadata(ctx context.Context, in transform.Input) (transform.Input, error) {
	made, err := c.runTool(ctx, "typescript", toolCall{File: in.File, Code: in.Code, Options: json.RawMessage(in.TSConfigRaw)})
	if err != nil {
		e := c.o.Problems.Convert(err)
		e.ID, e.File = in.ID, c.o.Layout.Shown(in.File)
		return in, e
	}
	in.Written, in.Code = in.Code, made.Code
	in.Lang = transform.LangJSX
	return in, nil
}

// starExports lists the names that `export * from spec` in importer brings, so that a barrel of stars can be lazy too.
// It is not ok when a module on the way may have side effects, imports itself, or shows its exports only when compiled.
func (c *Compiler) starExports(spec, importer string, seen []string) (names []string, ok bool) {
	r, err := c.o.Resolver.Resolve(spec, importer)
	if err != nil || r.File == "" || slices.Contains(seen, r.File) || !moduleid.IsDependency(r.File) {
		return nil, false
	}
	if pkg := c.o.Resolver.PackageOf(r.File); pkg == nil || !pkg.SideEffectFree(r.File) {
		return nil, false
	}
	if known, done := c.exported.Load(r.File); done {
		list, _ := known.([]string)
		return list, list != nil
	}
	c.permit(r, c.o.Gate.FileToID(importer), importer)
	text, err := c.o.Gate.ReadFile(r.File)
	if err != nil {
		return nil, false
	}
	names, stars, ok := transform.ScanExports(string(text))
	for _, star := range stars {
		if !ok {
			break
		}
		var more []string
		more, ok = c.starExports(star, r.File, append(seen, r.File))
		names = append(names, more...)
	}
	if !ok {
		names = nil
	} else if names == nil {
		names = []string{}
	}
	c.exported.Store(r.File, names)
	return names, ok
}

// ForgetExports drops what starExports knows of packages: other versions were installed.
func (c *Compiler) ForgetExports() { c.exported.Clear() }

// placeOf returns a module's file. Virtual modules get a place in the root, so that the root's tsconfig rules them.
func placeOf(file, root string) string {
	if file == "" {
		return filepath.Join(root, "virtual.ts")
	}
	return file
}
