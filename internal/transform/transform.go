package transform

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// Lang is the language of a source. The zero value is JavaScript.
type Lang uint8

// The languages that Compile knows.
const (
	LangJS Lang = iota
	LangJSX
	LangTS
	LangTSX
	LangJSON
	LangText
)

// LangOf returns the language of an ID or file by its extension; an ID may have a query. Other extensions count as
// JavaScript: a plugin has compiled them to it.
func LangOf(id string) Lang {
	name, query, _ := strings.Cut(id, "?")
	if l, ok := langOfExt(path.Ext(name)); ok {
		return l
	}
	// `App.vue?vue&type=script&lang.ts`: the end of the query names the language of a block.
	l, _ := langOfExt(path.Ext(query))
	return l
}

func langOfExt(ext string) (Lang, bool) {
	switch strings.ToLower(ext) {
	case ".js", ".mjs", ".cjs":
		return LangJS, true
	case ".jsx":
		return LangJSX, true
	case ".ts", ".mts", ".cts":
		return LangTS, true
	case ".tsx":
		return LangTSX, true
	case ".json", ".webmanifest":
		return LangJSON, true
	case ".txt":
		return LangText, true
	}
	return LangJS, false
}

// JSX tells how JSX is compiled.
type JSX struct {
	// Wins lays it over what a tsconfig (Input.TSConfigRaw) says otherwise; without it the tsconfig wins.
	Wins bool
	// Runtime is "automatic" (also when empty) or "classic".
	Runtime string
	// ImportSource is the package of the automatic runtime, "react" when empty.
	ImportSource string
	// Factory and Fragment are the functions of the classic runtime, React's when empty.
	Factory, Fragment string
	// Dev adds source positions to elements, for developer tools.
	Dev bool
}

// Input is a module to compile. Equal inputs give equal outputs.
type Input struct {
	// ID is the module's ID, File its path on disk ("" when it has none).
	ID, File string
	Code     string
	Lang     Lang
	// Written is the source as its author wrote it when a tool has made Code of it, with a source map at the end.
	Written string
	// Dependency marks code of an npm package. Such code gets no refresh, and no warnings.
	Dependency bool
	// SideEffectFree tells that the package says so of this file: its re-exports are then compiled lazy.
	SideEffectFree bool
	// NodeESM tells that Node would take the file for an ES module (.mjs, or "type": "module"): a default import of a
	// CommonJS module is then its module.exports, whatever __esModule says.
	NodeESM bool
	// Refresh is "react" or "preact" when components of the module are to be registered for fast refresh.
	Refresh string
	JSX     JSX
	// TSConfigRaw is the text of a tsconfig.json (`{"compilerOptions": {...}}`) with everything it extends merged.
	TSConfigRaw string
	// Define replaces identifiers and member expressions by JSON values or names, as esbuild's option of that name.
	Define map[string]string
	// DefaultOnly makes a JSON module export its value by default only, not its members by name.
	DefaultOnly bool
	// Glob lists the specifiers that import.meta.glob patterns match, sorted. A specifier is what the pattern would
	// match: relative to the module ("./a/x.ts") for a relative pattern, else root-relative ("/src/a/x.ts").
	// Patterns that begin with "!" take away. Nil matches nothing.
	Glob func(patterns []string) []string
	// StarExports tells the names that a module exports (ScanExports, followed through its own stars), for the
	// `export * from` of a module that is compiled lazy. Not ok, or nil: the star is evaluated with its module.
	StarExports func(specifier string) (names []string, ok bool)
}

// ImportKind tells how a module asks for another one.
type ImportKind uint8

// The kinds of imports.
const (
	// Static is an import that is evaluated with its importer: `import`, `export from`, `require`.
	Static ImportKind = iota
	// Dynamic is `import("./x")`.
	Dynamic
	// Worker and SharedWorker are `new Worker(new URL("./x", import.meta.url))`.
	Worker
	SharedWorker
)

// String gives the kind's name in lower case.
func (k ImportKind) String() string {
	return [...]string{"static", "dynamic", "worker", "sharedworker"}[k]
}

// Import is all imports of one kind that a module has of one specifier.
type Import struct {
	Specifier string
	Kind      ImportKind
	// Names are the exports that the module uses, in the order of first use. All means that it may use any.
	Names []string
	All   bool
	// Lazy maps names that the module exports to the names they have in the imported module ("*" for its namespace),
	// when the import is evaluated at the first use of one of them. Nil for other imports.
	Lazy map[string]string
	// Line and Column are where Output.Code has the specifier, 1-based, Column in bytes.
	Line, Column int
}

// Glob is one import.meta.glob of a module, or an import() of a template literal.
type Glob struct {
	// Patterns are as written: relative to the module, or from the root when they begin with "/".
	Patterns []string
}

// Output is a compiled module.
type Output struct {
	// Code is the body of the module's factory. It ends with a line feed.
	Code    string
	Imports []Import
	// Exports are the names that an ES module exports itself, sorted. Nil for CommonJS.
	Exports []string
	// Stars are the specifiers of `export * from`. LazyStars are those that became lazy imports: the names that they
	// export are part of the code.
	Stars, LazyStars []string
	// Async tells that Code awaits at top level: its factory must be an async function.
	Async bool
	// AcceptsExports tells that the module calls import.meta.hot.acceptExports.
	AcceptsExports bool
	// Refreshes tells that the module registers components or hooks for fast refresh.
	Refreshes bool
	Globs     []Glob
	Warnings  []Error
}

// Compile turns a module into the body of its factory. On errors the output is nil.
func Compile(in Input) (*Output, []Error) {
	switch in.Lang {
	case LangJSON:
		return compileJSON(&in)
	case LangText:
		return &Output{Code: "module.exports = " + Quote(in.Code) + ";\n"}, nil
	}
	p, errs := print(&in, false)
	if errs != nil {
		return nil, errs
	}
	why := sloppyOnly(&in, p)
	if why != "" && !in.Dependency {
		return nil, strictErrors(&in, why)
	}
	out := &Output{Async: p.async, Warnings: p.warnings}
	if errs := read(&in, p, out); errs != nil {
		return nil, errs
	}
	if why != "" {
		out.Code = runSloppy(&in, out.Code, why)
	}
	return out, nil
}

// printed is what esbuild made of a module, without the lines that the runtime has in common for all.
type printed struct {
	code []byte
	// exports is the block of getters that esbuild prints for an ES module with exports.
	exports exportBlock
	async   bool
	// sourceMap is esbuild's map, for the code before any line was left out, and dropped are those lines.
	sourceMap []byte
	dropped   []lineRange
	warnings  []Error
}

// print runs esbuild.
func print(in *Input, sourceMap bool) (*printed, []Error) {
	// esbuild 0.28 quotes text that ends inside a UTF-8 sequence for ever.
	in.Code = strings.ToValidUTF8(in.Code, "\ufffd")
	options := transformOptions(in)
	if sourceMap {
		options.Sourcemap = api.SourceMapExternal
		options.SourcesContent = api.SourcesContentExclude // encodeMap has it
	}
	result := api.Transform(in.Code, options)
	if len(result.Errors) > 0 {
		if isTopLevelAwait(result.Errors) {
			return printAsync(in, options)
		}
		errs := slices.DeleteFunc(result.Errors, isAwaitMessage) // that one goes away with the others
		return nil, withLangHint(in, fromMessages(errs, in.ID, in.File, in.Code))
	}
	p := &printed{sourceMap: result.Map}
	if !in.Dependency {
		p.warnings = fromMessages(result.Warnings, in.ID, in.File, in.Code)
	}
	p.code, p.dropped = stripPreamble(result.Code, in.Code)
	p.exports = readExportBlock(p.code)
	return p, nil
}

func transformOptions(in *Input) api.TransformOptions {
	options := api.TransformOptions{
		Sourcefile:      sourcefile(in),
		Loader:          loaderOf(in),
		Format:          api.FormatCommonJS,
		Target:          api.ESNext,
		Charset:         api.CharsetUTF8,
		LegalComments:   api.LegalCommentsNone,
		JSX:             api.JSXAutomatic,
		JSXDev:          in.JSX.Dev,
		JSXImportSource: in.JSX.ImportSource,
		JSXFactory:      in.JSX.Factory,
		JSXFragment:     in.JSX.Fragment,
		TsconfigRaw:     tsconfigRaw(in),
		Define:          defines(in),
	}
	if in.JSX.Runtime == "classic" {
		options.JSX = api.JSXTransform
	}
	return options
}

// jsxCompiled finds the settings that leave JSX as it is, for another tool to compile. There is none behind this one.
var jsxCompiled = regexp.MustCompile(`"jsx"\s*:\s*"(?:preserve|react-native)"`)

// jsxSettings finds what a tsconfig says about JSX.
var jsxSettings = regexp.MustCompile(`"(?:jsx|jsxImportSource|jsxFactory|jsxFragmentFactory)"\s*:\s*"[^"]*"\s*,?`)

func tsconfigRaw(in *Input) string {
	if in.JSX.Wins {
		raw := jsxSettings.ReplaceAllString(in.TSConfigRaw, "")
		return trailingComma.ReplaceAllString(raw, "$1")
	}
	return jsxCompiled.ReplaceAllString(in.TSConfigRaw, `"jsx":"react-jsx"`)
}

var trailingComma = regexp.MustCompile(`,(\s*})`)

// sourcefile is the name by which esbuild knows the module. It shows in errors and in the positions of JSX elements.
func sourcefile(in *Input) string {
	name := in.File
	if name == "" {
		name = in.ID
	}
	if in.NodeESM && !strings.HasSuffix(name, ".mjs") && !strings.HasSuffix(name, ".mts") {
		// esbuild tells by the name alone that Node's rules for default imports hold.
		name += ".mjs"
	}
	return name
}

func loaderOf(in *Input) api.Loader {
	switch in.Lang {
	case LangJSX:
		return api.LoaderJSX
	case LangTS:
		return api.LoaderTS
	case LangTSX:
		return api.LoaderTSX
	}
	if !in.Dependency {
		return api.LoaderJSX // JSX in .js files is common in projects that come from other tools
	}
	return api.LoaderJS
}

// defines returns those replacements whose key can be in the code: esbuild copies its tables when there are any.
func defines(in *Input) map[string]string {
	var used map[string]string
	use := func(key, value string) {
		if used == nil {
			used = make(map[string]string, len(in.Define)+2)
		}
		used[key] = value
	}
	if strings.Contains(in.Code, "import.meta") {
		use("import.meta", "$meta$")
	}
	if strings.Contains(in.Code, "NODE_ENV") {
		use("process.env.NODE_ENV", `"development"`)
	}
	for key, value := range in.Define {
		if strings.Contains(in.Code, key[strings.LastIndexByte(key, '.')+1:]) {
			use(key, value)
		}
	}
	return used
}

// withLangHint tells what to do about a syntax error in a language that nobody here compiles.
func withLangHint(in *Input, errs []Error) []Error {
	name, _, _ := strings.Cut(in.ID, "?")
	ext := path.Ext(name)
	if _, known := langOfExt(ext); known || ext == "" || ext == ".html" || in.Dependency { // a page's scripts are JavaScript
		return errs
	}
	for i := range errs {
		if errs[i].Hint == "" {
			errs[i].Hint = "no plugin compiles " + ext + " files; they are taken for JavaScript"
		}
	}
	return errs
}

// read finds in the printed code what Output tells, and makes the small changes that the runtime needs.
func read(in *Input, p *printed, out *Output) []Error {
	out.Exports = p.exports.names()
	refresh := in.Refresh != "" && !in.Dependency
	if !refresh && !needsReading(p.code) {
		out.Code = string(p.code)
		return nil
	}
	r := newReader(in, p, out)
	defer r.close()
	r.imports()
	if r.errs != nil {
		return r.errs
	}
	if refresh {
		r.refresh()
	}
	out.Code = r.edited()
	return nil
}

// needsReading tells whether the code may hold anything that the reader looks for.
func needsReading(code []byte) bool {
	return bytes.Contains(code, []byte("require(")) || bytes.Contains(code, []byte("import(")) ||
		bytes.Contains(code, []byte("$load$(")) || bytes.Contains(code, []byte("$meta$"))
}
