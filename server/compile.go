package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// compile fills the version with what the source becomes, by query first and by extension then.
func (p *project) compile(ctx context.Context, src source, v *graph.Version) error {
	name, _, _ := strings.Cut(src.id, "?")
	switch ext := strings.ToLower(path.Ext(name)); {
	case has(src.query, "raw"):
		v.Code = transform.RawModule(src.code)
	case has(src.query, "worker"), has(src.query, "sharedworker"):
		return p.compileWorker(src, v)
	case has(src.query, "url"):
		p.compileAsset(src, v)
	case ext == ".css" || isPreprocessed(ext):
		return p.compileCSS(ctx, src, v)
	case ext == ".wasm" && has(src.query, "init"):
		v.Code = transform.WasmModule(p.assetURL(src))
	case has(src.query, "inline"):
		return p.compileInline(src, v)
	case src.file != "" && isAsset(name):
		p.compileAsset(src, v)
	default:
		return p.compileScript(ctx, src, v)
	}
	return nil
}

// assetURL is the URL of a file as modules get it. A file that changed since the server started gets a stamp, so that
// the browser asks for the new content; before that the URL is the plain one that projects expect.
func (p *project) assetURL(src source) string {
	u := p.url(src.id)
	if stamp, ok := p.stamps.Load(src.file); ok {
		u += fmt.Sprint("?t=", stamp)
	}
	return u
}

// compileAsset makes the module that exports a file's URL. Its revision is the file's and not the URL's, whose stamp
// another server would not give it.
func (p *project) compileAsset(src source, v *graph.Version) {
	v.Code = transform.AssetModule(p.assetURL(src))
	if state := statFile(src.file); state != nil && isAsset(src.file) { // others keep their URL
		v.Rev = fmt.Sprintf("%x-%x", state.size, state.mtime.UnixNano())
	}
}

func (p *project) compileWorker(src source, v *graph.Version) error {
	kind := "Worker"
	if has(src.query, "sharedworker") {
		kind = "SharedWorker"
	}
	name, _, _ := strings.Cut(src.id, "?")
	u := p.url(name) + "?worker_file"
	if has(src.query, "url") {
		v.Code = transform.AssetModule(u)
	} else {
		v.Code = "Object.defineProperty(exports, \"__esModule\", { value: true });\n" +
			"exports.default = function(options) { return new " + kind + "(" + quote(u) + ", { type: \"module\", name: options?.name }); };"
	}
	v.Edges = []graph.Edge{{Specifier: name, To: name, Kind: graph.Worker}}
	return nil
}

func (p *project) compileInline(src source, v *graph.Version) error {
	data, err := p.gate.ReadFile(src.file)
	if err != nil {
		return p.readError(src, err)
	}
	kind := mime.TypeByExtension(strings.ToLower(filepath.Ext(src.file)))
	if kind == "" {
		kind = "application/octet-stream"
	}
	v.Code = transform.AssetModule("data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(data))
	return nil
}

// stylesheet is the Side of a CSS module's version.
type stylesheet struct {
	css string
	// names tells the class names that a CSS module exports: while they stay, its importers need not run again.
	names string
}

func (p *project) compileCSS(ctx context.Context, src source, v *graph.Version) error {
	name, _, _ := strings.Cut(src.id, "?")
	code, inputs, globs, err := p.preprocess(ctx, src, false)
	v.Inputs, v.Globs = inputs, globs
	if err != nil {
		return err
	}
	out, errs := p.compiledCSS(p.styleInput(src, code))
	if out != nil {
		v.Inputs = append(v.Inputs, out.Deps...)
	}
	if len(errs) > 0 {
		return joined(errs)
	}
	slices.Sort(v.Inputs)
	v.Inputs = slices.Compact(v.Inputs)
	v.Side = &stylesheet{css: out.CSS, names: out.Names}
	switch {
	case has(src.query, "inline"):
		v.Code = transform.InlineCSSModule(out)
	case has(src.query, "direct"):
		v.Code = transform.RawModule(out.CSS) // served as text, see asset.go; this gives the revision
	default:
		v.Code = transform.CSSModule(src.id, out, p.styleMapURL(name))
	}
	return nil
}

// styleInput is what the compiler is told about a stylesheet that is plain CSS by now.
func (p *project) styleInput(src source, code string) transform.CSSInput {
	name, _, _ := strings.Cut(src.id, "?")
	m := p.cfg.CSS.Modules
	return transform.CSSInput{
		ID: name, File: src.file, Code: code, Modules: strings.Contains(path.Base(name), ".module."),
		Names: transform.CSSNames{Convention: m.LocalsConvention, Pattern: m.GenerateScopedName, Global: m.ScopeBehaviour == "global"},
		Read:  p.readStyle,
		Resolve: func(spec, importer string) (string, error) {
			r, err := p.resolver.ResolveStyle(spec, importer)
			if err != nil {
				return "", err
			}
			p.gate.Permit(r.File)
			return r.File, p.gate.Allowed(r.File)
		},
		URL: func(file string) string {
			p.gate.Permit(file)
			return p.assetURL(source{id: p.gate.FileToID(file), file: file})
		},
	}
}

// readStyle reads a stylesheet that another one imports.
func (p *project) readStyle(file string) (string, error) {
	text, err := p.gate.ReadFile(file)
	return strings.ToValidUTF8(string(text), "\uFFFD"), err
}

// compileScript compiles JavaScript, TypeScript, JSX and JSON, and whatever plugins turn into them.
func (p *project) compileScript(ctx context.Context, src source, v *graph.Version) error {
	in, err := p.scriptInput(ctx, src)
	if err != nil {
		return err
	}
	out, errs := p.compiled(in)
	if len(errs) > 0 {
		for i := range errs {
			errs[i].File = p.shown(src.file)
		}
		return joined(errs)
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
	name, _, _ := strings.Cut(src.id, "?")
	in := transform.Input{
		ID: src.id, File: src.file, Code: src.code, Loader: transform.LoaderFor(name),
		Dependency: isDependency(src.file), DefaultOnly: !p.cfg.JSON.NamedExportsOrDefault(),
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
	in.Refresh = p.refresh
	in.Glob = func(patterns []string) []string { return p.glob(src, patterns) }
	ts, err := p.resolver.TSConfig(placeOf(src.file, p.root))
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
	if ts.DecoratorMetadata && (in.Loader == transform.LoaderTS || in.Loader == transform.LoaderTSX) && decorated.MatchString(in.Code) {
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
	r, err := p.resolver.Resolve("react", placeOf(src.file, p.root))
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
		e := p.asError(err)
		e.ID, e.File = in.ID, p.shown(in.File)
		return in, e
	}
	in.Written, in.Code = in.Code, made.Code
	in.Loader = transform.LoaderJSX
	return in, nil
}

// starExports lists what `export * from spec` in importer brings, so that a barrel of stars can be lazy too. It is not ok
// when a module on the way cannot be told without compiling it, may have side effects, or imports itself.
func (p *project) starExports(spec, importer string, seen []string) (names []string, ok bool) {
	r, err := p.resolver.Resolve(spec, importer)
	if err != nil || r.File == "" || slices.Contains(seen, r.File) || !isDependency(r.File) {
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

// resolveImports turns the imports that the compiler found into edges. One that leads nowhere fails the module, with
// the place where it is written.
func (p *project) resolveImports(ctx context.Context, src source, out *transform.Output, v *graph.Version) error {
	v.Edges = make([]graph.Edge, 0, len(out.Imports))
	for _, imp := range out.Imports {
		edge := graph.Edge{Specifier: imp.Specifier, Names: imp.Names, All: imp.All, Lazy: imp.Lazy, Kind: edgeKind(imp.Kind), Star: slices.Contains(out.Stars, imp.Specifier)}
		if imp.Lazy != nil {
			v.Lazy = true
			v.Edges = append(v.Edges, edge)
			continue
		}
		to, err := p.resolveID(ctx, imp.Specifier, src.id, importKind(src, out, edge.Kind))
		var missing *resolve.NotFound
		switch {
		case err == nil:
			edge.To = to
		case errors.As(err, &missing) && (isDependency(src.file) || edge.Kind == graph.Dynamic):
			// A package may name what it does not need here (optional peers), and a dynamic import may never run:
			// such an import fails where it is evaluated, not the module around it.
			p.log.Debug("unresolved import", "pkg", "server", "specifier", imp.Specifier, "importer", src.id)
			v.Missing = true
		case errors.As(err, &missing):
			v.Missing = true
			return p.missingError(src, imp.Specifier, missing)
		default:
			return placed(p.asError(err), src, imp.Specifier, p)
		}
		v.Edges = append(v.Edges, edge)
	}
	return nil
}

// importKind tells the resolver who asks: packages answer require() in CommonJS with other files than import.
func importKind(src source, out *transform.Output, kind graph.Kind) resolve.Kind {
	switch {
	case kind == graph.Worker:
		return resolve.URL
	case kind == graph.Static && out.Exports == nil && isDependency(src.file):
		return resolve.Require
	default:
		return resolve.Import
	}
}

func edgeKind(k transform.ImportKind) graph.Kind {
	switch k {
	case transform.Dynamic:
		return graph.Dynamic
	case transform.Worker, transform.SharedWorker:
		return graph.Worker
	default:
		return graph.Static
	}
}

func (p *project) missingError(src source, spec string, missing *resolve.NotFound) error {
	e := &transform.Error{ID: src.id, Text: missing.Error(), Hint: missing.Hint}
	return placed(e, src, spec, p)
}

// placed adds to an error where in the source its specifier is written.
func placed(e *transform.Error, src source, spec string, p *project) *transform.Error {
	if e.File != "" && e.Line > 0 {
		return e
	}
	e.ID, e.File = src.id, p.shown(src.file)
	for _, q := range []string{`"`, `'`, "`"} {
		if at := strings.Index(src.code, q+spec+q); at >= 0 {
			before := src.code[:at]
			e.Line = strings.Count(before, "\n") + 1
			e.Column = at - strings.LastIndexByte(before, '\n') // 1-based
			e.Frame = transform.CodeFrame(src.code, e.Line, e.Column)
			break
		}
	}
	return e
}

// glob lists what import.meta.glob patterns match, as specifiers in the form of the pattern: relative to the module
// for a relative pattern, else from the root.
func (p *project) glob(src source, patterns []string) []string {
	var drop []string
	for _, pattern := range patterns {
		if rest, ok := strings.CutPrefix(pattern, "!"); ok {
			drop = append(drop, p.globPath(src, rest))
		}
	}
	var specs []string
	for _, pattern := range patterns {
		if strings.HasPrefix(pattern, "!") {
			continue
		}
		base, rest := doublestar.SplitPattern(p.globPath(src, pattern))
		matches, err := doublestar.Glob(os.DirFS(base), rest, doublestar.WithFilesOnly(), doublestar.WithNoFollow())
		if err != nil {
			continue // a malformed pattern matches nothing, as in a shell
		}
		for _, m := range matches {
			file := path.Join(base, m)
			dropped := slices.ContainsFunc(drop, func(d string) bool { return matchGlob(d, file) })
			if dropped || file == filepath.ToSlash(src.file) || globIgnores(pattern, file) || p.gate.Allowed(file) != nil {
				continue
			}
			specs = append(specs, p.globSpecifier(src, pattern, file))
		}
	}
	slices.Sort(specs)
	return slices.Compact(specs)
}

func (p *project) globSpecifier(src source, pattern, file string) string {
	if !strings.HasPrefix(pattern, ".") {
		return "/" + strings.TrimPrefix(strings.TrimPrefix(file, filepath.ToSlash(p.root)), "/")
	}
	rel, err := filepath.Rel(filepath.Dir(src.file), filepath.FromSlash(file))
	if err != nil {
		return file
	}
	if rel = filepath.ToSlash(rel); !strings.HasPrefix(rel, ".") {
		rel = "./" + rel
	}
	return rel
}

func matchGlob(pattern, file string) bool {
	ok, err := doublestar.Match(pattern, file)
	return err == nil && ok
}

// globIgnores leaves out what a wildcard is not meant to reach: packages and hidden files.
func globIgnores(pattern, file string) bool {
	return strings.Contains(file, "/node_modules/") && !strings.Contains(pattern, "/node_modules/") ||
		strings.HasPrefix(path.Base(file), ".") && !strings.Contains(pattern, "/.")
}

func (p *project) globPath(src source, pattern string) string {
	if strings.HasPrefix(pattern, "/") {
		return path.Join(filepath.ToSlash(p.root), pattern)
	}
	return path.Join(filepath.ToSlash(filepath.Dir(src.file)), pattern)
}

func isDependency(file string) bool {
	return strings.Contains(filepath.ToSlash(file), "/node_modules/")
}

func isPreprocessed(ext string) bool {
	switch ext {
	case ".scss", ".sass", ".less", ".styl", ".stylus", ".pcss", ".postcss":
		return true
	}
	return false
}

// isAsset tells whether importing the file gives its URL.
func isAsset(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".png", ".jpg", ".jpeg", ".jfif", ".pjpeg", ".pjp", ".gif", ".svg", ".ico", ".webp", ".avif", ".cur", ".jxl", ".bmp", ".apng",
		".mp4", ".webm", ".ogg", ".mp3", ".wav", ".flac", ".aac", ".opus", ".mov", ".m4a", ".vtt",
		".woff", ".woff2", ".eot", ".ttf", ".otf", ".webmanifest", ".pdf", ".txt", ".glb", ".gltf", ".hdr", ".wasm":
		return true
	}
	return false
}
