package transform

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
	"github.com/tdewolff/parse/v2/js"
)

// isTopLevelAwait reports whether all errors of esbuild are about an await outside of functions.
func isTopLevelAwait(messages []api.Message) bool {
	return !slices.ContainsFunc(messages, func(m api.Message) bool { return !isAwaitMessage(m) })
}

func isAwaitMessage(m api.Message) bool {
	return strings.HasPrefix(m.Text, "Top-level await is currently not supported")
}

// printAsync compiles a module with top-level await, which esbuild does not compile to CommonJS. It takes two steps: a
// transform to plain JavaScript, and a bundle of that file. In the bundle every import is a CommonJS stub. A bundle
// links imports of CommonJS as `import_x.name`, which a factory needs, and keeps the await.
func printAsync(in *Input, options api.TransformOptions) (*printed, []Error) {
	wantMap := options.Sourcemap != api.SourceMapNone
	options.Format = api.FormatESModule
	// A factory has a require.
	options.LogOverride = map[string]api.LogLevel{"unsupported-require-call": api.LogLevelSilent}
	if wantMap {
		options.Sourcemap = api.SourceMapInline // esbuild follows this map in the second step
	}
	plain := api.Transform(in.Code, options)
	if len(plain.Errors) > 0 {
		return nil, fromMessages(plain.Errors, in.ID, in.File, in.Code)
	}
	fixAddInitializer(plain.Code)
	a := asyncModule{in: in, source: string(hideDynamicImports(plain.Code))}
	bundle := api.Build(a.options(wantMap))
	if len(bundle.Errors) > 0 {
		errs := fromMessages(bundle.Errors, in.ID, in.File, "")
		for i := range errs {
			errs[i].Line, errs[i].Column, errs[i].Frame = 0, 0, "" // the place is in the first step's output
		}
		return nil, errs
	}
	p := &printed{esm: true, async: true}
	for _, f := range bundle.OutputFiles {
		if strings.HasSuffix(f.Path, ".map") {
			p.sourceMap = f.Contents
		} else {
			p.code = f.Contents
		}
	}
	if !in.Dependency {
		p.warnings = fromMessages(plain.Warnings, in.ID, in.File, in.Code)
	}
	p.code, p.dropped = a.body(p.code)
	p.exports = readExportBlock(p.code)
	return p, nil
}

// hideDynamicImports renames `import(` to its name in a factory. Otherwise the bundle would look for files.
func hideDynamicImports(code []byte) []byte {
	if bytes.HasPrefix(code, []byte("#!")) {
		copy(code, "//")
	}
	if !bytes.Contains(code, []byte("import(")) && !bytes.Contains(code, []byte("import.source(")) {
		return code
	}
	var out Output
	r := newReader(&Input{}, &printed{code: code}, &out)
	defer r.close()
	for i, t := range r.tokens {
		switch {
		case t.kind == js.ImportToken && r.is(i+1, js.OpenParenToken):
			r.dynamicImport(i)
		case t.kind == js.ImportToken && r.is(i+1, js.DotToken) && string(r.text(i+2)) == "source":
			copy(code[t.start:t.end], "$load$")
		}
	}
	return code
}

// asyncModule is the second step of printAsync for one module.
type asyncModule struct {
	in     *Input
	source string
	specs  []string // specifiers by the number of their stub
}

// The namespaces of the bundle's modules appear in esbuild's comments, where body looks for them.
const (
	entryNamespace  = "devserver-entry"
	selfNamespace   = "devserver-self"
	stubNamespace   = "devserver-stub"
	stubRequire     = "$require$"
	exportNamespace = "$exports$"
)

func (a *asyncModule) options(sourceMap bool) api.BuildOptions {
	options := api.BuildOptions{
		EntryPoints:   []string{"entry"},
		Outfile:       "/out.js",
		AbsWorkingDir: "/",
		Bundle:        true,
		Format:        api.FormatESModule,
		Target:        api.ESNext,
		Charset:       api.CharsetUTF8,
		LegalComments: api.LegalCommentsNone,
		TreeShaking:   api.TreeShakingFalse,
		TsconfigRaw:   "{}",
		Plugins:       []api.Plugin{{Name: "devserver", Setup: a.setup}},
	}
	if sourceMap {
		options.Sourcemap = api.SourceMapExternal
	}
	return options
}

func (a *asyncModule) setup(build api.PluginBuild) {
	load := func(namespace string, contents func(path string) string) {
		build.OnLoad(api.OnLoadOptions{Filter: ".", Namespace: namespace}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			text := contents(args.Path)
			return api.OnLoadResult{Contents: &text, Loader: api.LoaderJS}, nil
		})
	}
	build.OnResolve(api.OnResolveOptions{Filter: "."}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
		switch {
		case args.Kind == api.ResolveEntryPoint:
			return api.OnResolveResult{Path: "entry", Namespace: entryNamespace}, nil
		case args.Namespace == entryNamespace:
			return api.OnResolveResult{Path: filename(a.in), Namespace: selfNamespace}, nil
		}
		return api.OnResolveResult{Path: args.Path, Namespace: stubNamespace}, nil
	})
	// A use of the namespace makes esbuild create it as one object with getters at the beginning of the module.
	load(entryNamespace, func(string) string { return `import * as self from "self"; ` + exportNamespace + `(self)` })
	load(selfNamespace, func(string) string { return a.source })
	numbers := make(chan []string, 1) // esbuild loads in parallel
	numbers <- nil
	load(stubNamespace, func(path string) string {
		specs := append(<-numbers, path)
		a.specs = specs
		numbers <- specs
		return fmt.Sprintf("module.exports = %s(%d)", stubRequire, len(specs)-1)
	})
}

// body cuts the module out of the bundle and replaces the stubs by `require`.
func (a *asyncModule) body(bundle []byte) (code []byte, dropped []lineRange) {
	start := lineWith(bundle, "// "+selfNamespace+":")
	end := len(bundle)
	if i := bytes.LastIndex(bundle, []byte("\n// "+entryNamespace+":")); i >= 0 {
		end = i
	}
	helpers, line := 0, 0
	for pos := 0; pos < start; {
		name, ok := helperName(bundle[pos:])
		if !ok {
			break
		}
		size := statementEnd(bundle[pos:start])
		lines := bytes.Count(bundle[pos:pos+size], []byte{'\n'})
		if slices.Contains(sharedHelpers, name) || name == "__commonJS" {
			dropped = append(dropped, lineRange{line, line + lines})
		} else {
			code = append(code, bundle[pos:pos+size]...)
		}
		pos, line = pos+size, line+lines
		helpers = pos
	}
	first := nextLine(bundle, start)
	dropped = append(dropped, lineRange{line, line + bytes.Count(bundle[helpers:first], []byte{'\n'})})
	code = append(code, bundle[first:end]...)
	_, namespace, _ := bytes.Cut(bundle[end:], []byte("\n"+exportNamespace+"("))
	namespace, _, _ = bytes.Cut(namespace, []byte(")"))
	return a.link(code, string(namespace), a.stubs(bundle[helpers:start])), dropped
}

// lineWith returns the start of the line that begins with the text.
func lineWith(code []byte, text string) int {
	if bytes.HasPrefix(code, []byte(text)) {
		return 0
	}
	return bytes.Index(code, []byte("\n"+text)) + 1
}

// stubs returns the specifiers by the variables of their stubs: `var require_x = __commonJS({ ... $require$(3) ... });`
func (a *asyncModule) stubs(code []byte) map[string]string {
	specs := map[string]string{}
	for {
		_, rest, ok := bytes.Cut(code, []byte("\nvar "))
		if !ok {
			return specs
		}
		name, rest, _ := bytes.Cut(rest, []byte(" = __commonJS("))
		_, rest, _ = bytes.Cut(rest, []byte(stubRequire+"("))
		number, rest, _ := bytes.Cut(rest, []byte(")"))
		if n, err := strconv.Atoi(string(number)); err == nil && n < len(a.specs) {
			specs[string(name)] = a.specs[n]
		}
		code = rest
	}
}

// link brings the module into the form of esbuild's CommonJS output. namespace is the variable of its exports.
func (a *asyncModule) link(code []byte, namespace string, stubs map[string]string) []byte {
	var out Output
	r := newReader(a.in, &printed{code: code}, &out)
	defer r.close()
	// Set the exports before the first await, for modules in a circle with this module.
	at := readExportBlock(code).end
	if declared := "var " + namespace + " = {};\n"; at == 0 {
		if i := bytes.Index(code, []byte(declared)); i >= 0 {
			at = i + len(declared)
		}
	}
	if at > 0 {
		r.replace(at-1, at-1, " module.exports = __toCommonJS("+namespace+");")
	}
	for i, t := range r.tokens {
		if t.kind != js.IdentifierToken {
			continue
		}
		spec, ok := stubs[string(r.text(i))]
		if !ok || !r.is(i+1, js.OpenParenToken) || !r.is(i+2, js.CloseParenToken) {
			continue
		}
		start, end, text := int(t.start), int(r.tokens[i+2].end), "require("+Quote(spec)+")"
		if string(r.text(i-6)) == "__reExport" {
			// `__reExport(x_exports, __toESM(require_star()))`
			start, end = int(r.tokens[i-2].start), r.lineEnd(i)-len(");")
			text += ", module.exports"
		}
		r.replace(start, end, text)
	}
	return []byte(r.edited())
}

// lineEnd returns the end of the token's line.
func (r *reader) lineEnd(i int) int {
	start := int(r.tokens[i].start)
	if n := bytes.IndexByte(r.code[start:], '\n'); n >= 0 {
		return start + n
	}
	return len(r.code)
}
