package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/seed-b8174343/devserver/internal/sourcemap"
)

// CSSInput is a stylesheet to compile.
type CSSInput struct {
	// ID is the module's ID without query, File its path on disk, Code its text.
	ID, File, Code string
	// Modules makes class names local (CSS Modules).
	Modules bool
	// Resolve finds the file of an @import, a url() or a `composes … from`.
	Resolve func(specifier, importer string) (file string, err error)
	// URL returns the URL of a file in the browser.
	URL func(file string) string
	// Read returns the text of an imported file as plain CSS, whatever its language. Nil reads it from disk.
	Read func(file string) (string, error)
	// Names sets how a CSS module names its classes. The zero value is the default.
	Names CSSNames
}

// CSSOutput is a compiled stylesheet.
type CSSOutput struct {
	CSS string
	// Exports maps the class names of a CSS module, as written, to the class names in CSS. Nil for other stylesheets.
	Exports map[string]string
	// Names is a short hash of Exports. While it stays the same, importers of the module need not run again.
	Names string
	// Deps are the other files that CSS was made from, including missing files.
	Deps []string
	// Alone means that CSS depends on no other file and no URL. Equal inputs then give equal outputs.
	Alone bool

	sourceMap *sourcemap.Map // nil unless compileCSS made one
}

// reaching matches the parts of a stylesheet that refer to other files. A text without a match is served unchanged.
var reaching = regexp.MustCompile(`(?i)@import|url\(|image-set\(|@charset`)

var imageSet = regexp.MustCompile(`(?i)image-set\(`)

// CompileCSS follows @import and url() and makes class names of CSS Modules local. Everything else, including nesting,
// stays as the author wrote it.
func CompileCSS(in CSSInput) (*CSSOutput, []Error) {
	if in.asWritten() {
		return &CSSOutput{CSS: in.Code, Alone: true}, nil
	}
	out, errs := compileCSS(in, nil)
	if out != nil {
		out.Alone = len(out.Deps) == 0 && !reaching.MatchString(in.Code)
	}
	return out, errs
}

// asWritten reports whether the stylesheet is served unchanged.
func (in *CSSInput) asWritten() bool { return !in.Modules && !reaching.MatchString(in.Code) }

// compileCSS compiles the stylesheet. Unless mapName is nil, it makes a source map too; mapName returns a file's name
// in the map. The map follows the maps at the end of the stylesheet and of the stylesheets that it imports.
func compileCSS(in CSSInput, mapName func(file string) string) (*CSSOutput, []Error) {
	in.Code = strings.ToValidUTF8(in.Code, "\uFFFD") // esbuild 0.28 may loop forever on invalid UTF-8
	b := &cssBuild{in: in, deps: map[string]bool{}, failed: map[string]error{}, files: map[string]string{}}
	options := api.BuildOptions{
		Bundle: true, Write: false, LogLevel: api.LogLevelSilent, Target: api.ESNext, Outdir: "/", Charset: api.CharsetUTF8,
		LegalComments: api.LegalCommentsInline,
		Plugins:       []api.Plugin{{Name: "css", Setup: b.setup}},
	}
	if in.Modules { // the names come from a script that imports the stylesheet
		options.Stdin = &api.StdinOptions{
			Contents: "import names from \"entry:css\"; export default names", Sourcefile: "names.js", ResolveDir: "/",
		}
		options.Format = api.FormatESModule
	} else {
		options.EntryPoints = []string{"entry:css"}
	}
	if mapName != nil {
		options.Sourcemap = api.SourceMapExternal
	}
	result := api.Build(options)
	deps := slices.Sorted(maps.Keys(b.deps))
	if len(result.Errors) > 0 {
		return &CSSOutput{Deps: deps}, b.errors(result.Errors)
	}
	out := &CSSOutput{Deps: deps}
	text, made := "", []byte(nil)
	for _, f := range result.OutputFiles {
		switch {
		case strings.HasSuffix(f.Path, ".css"):
			text = string(f.Contents)
			out.CSS = pathComment.ReplaceAllString(text, "")
		case strings.HasSuffix(f.Path, ".css.map"):
			made = f.Contents
		case strings.HasSuffix(f.Path, ".js"):
			out.Exports = exportedNames(string(f.Contents))
		}
	}
	if made != nil {
		out.sourceMap = b.styleMap(made, text, mapName)
	}
	if in.Modules {
		if out.Exports == nil {
			out.Exports = map[string]string{}
		}
		b.rename(out)
		text, _ := json.Marshal(out.Exports) // sorted by key
		sum := sha256.Sum256(text)
		out.Names = hex.EncodeToString(sum[:6])
	}
	return out, nil
}

// pathComment matches the comment that esbuild writes before the content of each file.
var pathComment = regexp.MustCompile(`(?m)^/\* css:.* \*/\n`)

// cssBuild is one run of esbuild. It gives files names of its own instead of paths. esbuild derives the names of local
// classes from them, and the classes of two btn.module.css in different folders must not clash.
type cssBuild struct {
	in CSSInput

	mu     sync.Mutex
	deps   map[string]bool
	failed map[string]error
	files  map[string]string // name -> file
}

// name returns a file's name for esbuild. The name is readable, unique, and the same in each run.
func (b *cssBuild) name(file string) string {
	base := filepath.Base(file)
	base, _, _ = strings.Cut(base, ".")
	key := file
	if rel, err := filepath.Rel(filepath.Dir(b.in.File), file); err == nil {
		key = path.Join(path.Dir(b.in.ID), filepath.ToSlash(rel)) // independent of the machine
	}
	sum := sha256.Sum256([]byte(key))
	name := "/" + base + "_" + hex.EncodeToString(sum[:3]) + ".css"
	b.mu.Lock()
	b.files[name] = file
	b.mu.Unlock()
	return name
}

func (b *cssBuild) file(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.files[name]
}

func (b *cssBuild) setup(build api.PluginBuild) {
	build.OnResolve(api.OnResolveOptions{Filter: "^entry:css$"}, func(api.OnResolveArgs) (api.OnResolveResult, error) {
		return api.OnResolveResult{Path: b.name(b.in.File), Namespace: "css"}, nil
	})
	build.OnResolve(api.OnResolveOptions{Filter: ".*", Namespace: "css"}, b.resolve)
	build.OnLoad(api.OnLoadOptions{Filter: ".*", Namespace: "css"}, b.load)
}

// resolve finds the file of an @import, which becomes part of the output, or the URL of a url().
func (b *cssBuild) resolve(args api.OnResolveArgs) (api.OnResolveResult, error) {
	spec := args.Path
	external := api.OnResolveResult{Path: spec, External: true}
	if spec == "" || strings.HasPrefix(spec, "#") && args.Kind == api.ResolveCSSURLToken || strings.HasPrefix(spec, "data:") ||
		strings.HasPrefix(spec, "//") || strings.Contains(spec, "://") {
		return external, nil
	}
	name, suffix := spec, ""
	if at := strings.IndexAny(spec, "?#"); at > 0 {
		name, suffix = spec[:at], spec[at:]
	}
	importer := b.file(args.Importer)
	file, err := b.in.Resolve(name, importer)
	if args.Kind == api.ResolveCSSURLToken {
		if err != nil {
			return external, nil // as in the browser: the request fails, and the rest of the stylesheet works
		}
		b.note(file)
		url := b.in.URL(file)
		if strings.Contains(url, "?") && strings.HasPrefix(suffix, "?") {
			suffix = "&" + suffix[1:]
		}
		return api.OnResolveResult{Path: url + suffix, External: true}, nil
	}
	if err != nil {
		if !filepath.IsAbs(name) { // the file may be created later
			b.note(filepath.Join(filepath.Dir(importer), filepath.FromSlash(name)))
		}
		b.fails(err)
		return api.OnResolveResult{}, err
	}
	b.note(file)
	return api.OnResolveResult{Path: b.name(file), Namespace: "css"}, nil
}

// fails keeps an error of the input's functions, which esbuild reports by its text.
func (b *cssBuild) fails(err error) {
	b.mu.Lock()
	b.failed[err.Error()] = err
	b.mu.Unlock()
}

func (b *cssBuild) note(file string) {
	if file == b.in.File {
		return
	}
	b.mu.Lock()
	b.deps[file] = true
	b.mu.Unlock()
}

func (b *cssBuild) load(args api.OnLoadArgs) (api.OnLoadResult, error) {
	file, code := b.file(args.Path), b.in.Code
	if file != b.in.File {
		var err error
		if code, err = b.read(file); err != nil {
			b.fails(err)
			return api.OnLoadResult{}, err
		}
	}
	if imageSet.MatchString(code) { // esbuild does not know that its strings are addresses
		code = RewriteAddresses(code, false, func(a StyleAddress) (string, bool) { return a.Text, a.String })
	}
	r := api.OnLoadResult{Contents: &code, Loader: api.LoaderCSS}
	if b.in.Modules && (file == b.in.File || strings.Contains(filepath.Base(file), ".module.")) {
		r.Loader = api.LoaderLocalCSS
		if b.in.Names.Global {
			r.Loader = api.LoaderGlobalCSS
		}
	}
	return r, nil
}

func (b *cssBuild) read(file string) (string, error) {
	if b.in.Read != nil {
		return b.in.Read(file)
	}
	text, err := os.ReadFile(file)
	return strings.ToValidUTF8(string(text), "\uFFFD"), err
}

// errors turns esbuild's messages into errors. An error of Resolve keeps its own text and hint.
func (b *cssBuild) errors(messages []api.Message) []Error {
	list := make([]Error, 0, len(messages))
	for _, m := range messages {
		e := Error{ID: b.in.ID, File: b.in.File, Text: m.Text}
		if own, ok := b.failed[m.Text]; ok {
			if placed, ok := errors.AsType[*Error](own); ok {
				if placed.Line > 0 { // in an imported file
					list = append(list, *placed)
					continue
				}
				e.Text, e.Hint = placed.Text, placed.Hint
			}
		}
		if l := m.Location; l != nil {
			e.Line, e.Column = l.Line, l.Column+1
			code := b.in.Code
			if file := b.file(strings.TrimPrefix(l.File, "css:")); file != "" && file != b.in.File {
				e.File = file
				code, _ = b.read(file) // without the code there is no frame
			}
			e.Frame = CodeFrame(code, e.Line, e.Column)
		}
		list = append(list, e)
	}
	return list
}

var namePattern = regexp.MustCompile(`(?m)^\s*(?:"((?:[^"\\]|\\.)*)"|([\w$-]+)): "((?:[^"\\]|\\.)*)",?$`)

// exportedNames reads the table of names in esbuild's output, which has one name on each line.
func exportedNames(script string) map[string]string {
	names := map[string]string{}
	for _, m := range namePattern.FindAllStringSubmatch(script, -1) {
		names[unquoted(m[1])+m[2]] = unquoted(m[3])
	}
	return names
}

func unquoted(s string) string {
	var text string
	if json.Unmarshal([]byte(`"`+s+`"`), &text) != nil {
		return s
	}
	return text
}
