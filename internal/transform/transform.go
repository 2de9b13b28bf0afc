package transform

import (
	"bytes"
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/seed-b8174343/devserver/internal/sourcemap"
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

// LangOf returns the language of an ID or file by its extension. An ID may have a query. Files with other extensions
// count as JavaScript: a plugin has compiled them to JavaScript.
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

// JSX says how JSX is compiled.
type JSX struct {
	// Wins makes these settings win over the tsconfig (Input.TSConfigRaw). Without it the tsconfig wins.
	Wins bool
	// Runtime is "automatic" (also when empty) or "classic".
	Runtime string
	// ImportSource is the package of the automatic runtime, "react" when empty.
	ImportSource string
	// Factory and Fragment are the functions of the classic runtime, React's when empty.
	Factory, Fragment string
	// Dev adds source positions to elements, for developer tools. In the classic runtime only elements that
	// React.createElement makes get positions.
	Dev bool
}

// Input is a module to compile. Equal inputs give equal outputs.
type Input struct {
	// ID is the module's ID, File its path on disk ("" when it has none).
	ID, File string
	Code     string
	Lang     Lang
	// Written is the author's source when a tool has made Code from it. Code then ends with a source map.
	Written string
	// Map leads from Code to the sources that a plugin has made it from, nil when no plugin has a map. It changes the
	// source map only, not the output.
	Map *sourcemap.Map
	// Dependency marks code of an npm package. Such code gets no refresh and no warnings.
	Dependency bool
	// SideEffectFree means that the package declares the file to have no side effects. Its re-exports are compiled
	// lazy.
	SideEffectFree bool
	// NodeESM means that Node reads the file as an ES module (.mjs, or "type": "module"). A default import of a
	// CommonJS module is then its module.exports, whatever __esModule says. Vite does so for app code, too.
	NodeESM bool
	// Refresh is "react" or "preact" when components of the module are registered for fast refresh, "" otherwise.
	Refresh string
	// RefreshID is the name by which code of Vite plugins knows a module that they made, see
	// client/src/update/refresh.ts; "" for other modules.
	RefreshID string
	JSX       JSX
	// TSConfigRaw is the text of a tsconfig.json (`{"compilerOptions": {...}}`), merged with all files that it extends.
	TSConfigRaw string
	// Define replaces identifiers and member expressions by JSON values or names, like esbuild's option of that name.
	Define map[string]string
	// DefaultOnly makes a JSON module export only its value by default, and not its members by name.
	DefaultOnly bool
	// Glob finds the files that a Glob stands for. The error says what is wrong with its patterns. Nil finds nothing.
	Glob func(Glob) (Globbed, error)
	// Address returns the file that a URL means in `new URL("x", import.meta.url)`. The zero value leaves the URL as it
	// is, as a nil func does.
	Address func(written string) Addressed
	// Folder returns the folder that the beginning of a URL means, such as "@/img/", as a specifier and as the beginning
	// of its files' URLs. The specifier is "" for a folder whose files are not followed, and both for what is no folder. A
	// nil Address needs no Folder.
	Folder func(written string) (specifier, url string)
	// StarExports returns the names that a module exports (ScanExports, followed through its own stars). It serves the
	// `export * from` of a module that is compiled lazy. When ok is false, or StarExports is nil, the star is evaluated
	// with its module.
	StarExports func(specifier string) (names []string, ok bool)
}

// Addressed is a file whose URL a module makes.
type Addressed struct {
	// Specifier is the file's in an import, "" for none.
	Specifier string
	// Program marks a script: it may become a worker, and it does not run where its URL is made. The default export of
	// other modules is the URL.
	Program bool
	// Elsewhere means that a browser would find another file at the URL, so that the page looks the specifier up.
	Elsewhere bool
	// Named is set without Specifier: an alias or "#x" names a file that does not exist.
	Named bool
}

// ImportKind is the form of an import.
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
	// Address is `new URL("./x.js", import.meta.url)` of a script.
	Address
)

// String returns the kind's name in lower case.
func (k ImportKind) String() string {
	return [...]string{"static", "dynamic", "worker", "sharedworker", "address"}[k]
}

// Import stands for all imports of one kind with one specifier in a module.
type Import struct {
	Specifier string
	Kind      ImportKind
	// Names are the exports that the module uses, in the order of first use. All means that it may use any export.
	Names []string
	All   bool
	// Lazy maps names that the module exports to their names in the imported module ("*" for its namespace). It is set
	// for an import that is evaluated at the first use of such a name, and nil for other imports.
	Lazy map[string]string
	// Line and Column are the place of the specifier in Output.Code, 1-based, Column in bytes.
	Line, Column int
}

// Glob is an import.meta.glob, or an address with variables in an import() or a `new URL()`.
type Glob struct {
	// Patterns are as written: relative to the module, to the root when they begin with "/", or behind an alias. A
	// pattern that begins with "!" takes its matches out.
	Patterns []string
	// Base is the folder that relative patterns and keys start from, instead of the module's folder.
	Base string
	// Exhaustive takes hidden files and node_modules, too. FoldCase takes upper and lower case for the same.
	Exhaustive, FoldCase bool
	// Address means that the pattern is an address: the keys are what the address becomes when the code runs.
	Address bool
}

// Globbed is what a Glob stands for.
type Globbed struct {
	Files []GlobFile
	// Watch are absolute patterns of the files whose creation and removal may change Files.
	Watch []string
	// Notes say what the author should know: a pattern that matches nothing, a file that may not be read.
	Notes []GlobNote
}

// GlobFile is a file that a Glob stands for.
type GlobFile struct {
	// Key is the property of the file, and Specifier imports the file.
	Key, Specifier string
}

// GlobNote is something that the author of a Glob should know.
type GlobNote struct {
	Text, Hint string
	// Line and Column are the place in the source, as in an Error.
	Line, Column int
}

// Output is a compiled module.
type Output struct {
	// Code is the body of the module's factory. It ends with a line feed.
	Code    string
	Imports []Import
	// Exports are the names that an ES module exports itself, sorted. Nil for CommonJS.
	Exports []string
	// Stars are the specifiers of `export * from`.
	Stars []string
	// LazyStars are the specifiers of stars that became lazy imports. The code holds the names that they export.
	LazyStars []string
	// Async means that Code awaits at top level: its factory must be an async function.
	Async bool
	// AcceptsExports means that the module calls import.meta.hot.acceptExports.
	AcceptsExports bool
	// Script means that the code may run as a classic script, too; see Script.
	Script bool
	// Refreshes means that the module registers components or hooks for fast refresh.
	Refreshes bool
	// Globs are the answers of Input.Glob.
	Globs []Globbed
	// Addresses are the specifiers that Input.Address was asked for.
	Addresses []string
	Warnings  []Error
}

// Compile turns a module into the body of its factory. With errors the output is nil.
func Compile(in Input) (*Output, []Error) {
	switch in.Lang {
	case LangJSON:
		return compileJSON(&in)
	case LangText:
		return &Output{Code: "module.exports = " + Quote(in.Code) + ";\n"}, nil
	}
	p, errs := print(&in, in.wantsPositions())
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
	if p.esm {
		out.Code = inBlock(out.Code)
	}
	if p.script {
		out.Code += scriptMark
	}
	if why != "" {
		out.Code = runSloppy(&in, out.Code, why)
	}
	out.Script = out.Exports == nil && (in.isScript() || !strings.Contains(out.Code, "exports"))
	return out, nil
}

// printed is esbuild's output for a module, without the helpers that the runtime provides for all modules.
type printed struct {
	code []byte
	// exports is the block of getters that esbuild prints for an ES module with exports.
	exports exportBlock
	// esm is set for ES modules, also those without exports.
	esm, async bool
	// script is set for an ES module that may run as a script, too, since it has no imports and no exports.
	script bool
	// sourceMap is esbuild's map, for the code with all lines.
	sourceMap []byte
	// dropped are the lines that were left out of code.
	dropped  []lineRange
	warnings []Error
}

// print runs esbuild.
func print(in *Input, sourceMap bool) (*printed, []Error) {
	// esbuild 0.28 loops forever on a text that ends inside a UTF-8 sequence.
	in.Code = nameSources(strings.ToValidUTF8(in.Code, "\ufffd"))
	options := transformOptions(in)
	if sourceMap {
		options.Sourcemap = api.SourceMapExternal
		options.SourcesContent = api.SourcesContentExclude // sourceMap adds the source
	}
	result := api.Transform(in.Code, options)
	if len(result.Errors) > 0 {
		if isTopLevelAwait(result.Errors) {
			return printAsync(in, options)
		}
		errs := slices.DeleteFunc(result.Errors, isAwaitMessage) // fixing the other errors clears this one
		return nil, withLangHint(in, fromMessages(errs, in.ID, in.File, in.Code))
	}
	p := &printed{}
	if !marked(in, result.Code) && mayBeModule(in) {
		module := api.Transform(in.Code+moduleMark, options)
		if len(module.Errors) == 0 && !usesCommonJS(in.Code, module.Code) {
			result, p.script = module, in.isScript()
		}
	}
	p.sourceMap, p.esm = result.Map, marked(in, result.Code)
	if !in.Dependency {
		p.warnings = fromMessages(result.Warnings, in.ID, in.File, in.Code)
	}
	code, mark := result.Code, lineRange{}
	if p.script {
		code, mark = cutMark(code)
	}
	p.code, p.dropped = stripPreamble(code, in.Code)
	if p.script {
		p.dropped = append(p.dropped, mark)
	}
	restoreNames(p.code, in.Code)
	p.exports = readExportBlock(p.code)
	return p, nil
}

// supported is the syntax that esbuild knows and that not all current browsers have. esbuild lowers decorators, accessor
// and using. A deferred import, which it cannot lower, is an error.
var supported = map[string]bool{"decorators": false, "using": false, "import-defer": false}

// usesNewSyntax reports whether a source may have that syntax. esbuild works more for each module when it is to lower.
func usesNewSyntax(code string) bool {
	return strings.Contains(code, "@") || strings.Contains(code, "accessor") ||
		strings.Contains(code, "using") || strings.Contains(code, "defer")
}

func transformOptions(in *Input) api.TransformOptions {
	options := api.TransformOptions{
		Sourcefile:      filename(in),
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
	if usesNewSyntax(in.Code) {
		options.Supported = supported
	}
	return options
}

// jsxPreserved matches the settings that leave JSX for a later tool. No tool comes after this package.
var jsxPreserved = regexp.MustCompile(`"jsx"\s*:\s*"(?:preserve|react-native)"`)

// jsxSettings matches a tsconfig's settings for JSX.
var jsxSettings = regexp.MustCompile(`"(?:jsx|jsxImportSource|jsxFactory|jsxFragmentFactory)"\s*:\s*"[^"]*"\s*,?`)

func tsconfigRaw(in *Input) string {
	if in.JSX.Wins {
		raw := jsxSettings.ReplaceAllString(in.TSConfigRaw, "")
		return trailingComma.ReplaceAllString(raw, "$1")
	}
	return jsxPreserved.ReplaceAllString(in.TSConfigRaw, `"jsx":"react-jsx"`)
}

var trailingComma = regexp.MustCompile(`,(\s*})`)

// filename returns the module's file, or its ID when it has none.
func filename(in *Input) string {
	if in.File == "" {
		return in.ID
	}
	return in.File
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
		return api.LoaderJSX // projects from other tools often have JSX in .js files
	}
	return api.LoaderJS
}

// defines returns the replacements whose key may be in the code. esbuild copies its tables when there is any
// replacement.
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
	if strings.Contains(in.Code, "this") && in.isScript() {
		use("this", thisMark)
	}
	if strings.Contains(in.Code, "NODE_ENV") {
		use("process.env.NODE_ENV", `"development"`)
	}
	for key, value := range in.Define {
		first, _, _ := strings.Cut(key, ".")
		if strings.Contains(in.Code, key[strings.LastIndexByte(key, '.')+1:]) && strings.Contains(in.Code, first) {
			use(key, value)
		}
	}
	return used
}

// thisMark stands for the `this` of a script. esbuild would write `exports` or undefined, but a worker may run the script
// as it is. In a factory the mark is a variable without a value. In CommonJS the reader puts `this` back.
const thisMark = "$ths"

// isScript reports whether the source is a script of the app, or CommonJS: at its top level, `this` stays as it is.
func (in *Input) isScript() bool { return !in.Dependency && !moduleWord.MatchString(in.Code) }

// moduleWord matches what makes a file an ES module: `this` is undefined there.
var moduleWord = regexp.MustCompile(`(?m)(?:^\x{FEFF}?|[;}/])\s*(?:import|export)\b\s*["'{*\w$]|\bimport\.meta\b`)

// CanDefine reports whether a value may stand for a name in Input.Define without a copy of it in each module: a JSON
// value that is no object or array, or a name.
func CanDefine(value string) bool {
	if value = strings.TrimSpace(value); value == "" {
		return false
	}
	return json.Valid([]byte(value)) && value[0] != '{' && value[0] != '[' || entityName.MatchString(value)
}

var entityName = regexp.MustCompile(`^[\p{L}_$][\p{L}\p{N}_$]*(\.[\p{L}_$][\p{L}\p{N}_$]*)*$`)

// withLangHint adds a hint to syntax errors in a file whose language no plugin compiles.
func withLangHint(in *Input, errs []Error) []Error {
	name, _, _ := strings.Cut(in.ID, "?")
	ext := path.Ext(name)
	if _, known := langOfExt(ext); known || ext == "" || ext == ".html" || in.Dependency { // a page's scripts are JavaScript
		return errs
	}
	for i := range errs {
		if errs[i].Hint == "" {
			errs[i].Hint = "no plugin compiles " + ext + " files, so they are read as JavaScript"
		}
	}
	return errs
}

// read fills the output from the printed code, and makes the small changes that the runtime needs.
func read(in *Input, p *printed, out *Output) []Error {
	out.Exports = p.exports.names()
	refresh := in.Refresh != "" && !in.Dependency
	positions := in.wantsPositions()
	if !refresh && !positions && !needsReading(p.code) {
		out.Code = appendName(string(p.code), p, in.Code)
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
	if positions {
		r.positions()
	}
	out.Code = r.edited()
	if !out.Refreshes { // for components, tools show the name that esbuild made of the file's name
		out.Code = appendName(out.Code, p, in.Code)
	}
	return nil
}

// needsReading reports whether the code may hold anything that the reader looks for.
func needsReading(code []byte) bool {
	return bytes.Contains(code, []byte("require(")) || bytes.Contains(code, []byte("import(")) || bytes.Contains(code, []byte("import.source(")) ||
		bytes.Contains(code, []byte("$load$(")) || bytes.Contains(code, []byte("$meta$")) ||
		bytes.Contains(code, []byte(thisMark))
}
