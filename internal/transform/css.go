package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"os"
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
	// Resolve finds the file of an @import, a url(), or the file that `composes`, `@value` or `:import` name. The error
	// may be an ElsewhereError.
	Resolve func(specifier, importer string) (file string, err error)
	// URL returns the URL of a file in the browser.
	URL func(file string) string
	// Read returns the text of an imported file as plain CSS, whatever its language. Nil reads it from disk.
	Read func(file string) (string, error)
	// NamePath returns the path of a file that the names of a CSS module are made of. Nil derives it from ID.
	NamePath func(file string) string
	// Names sets how a CSS module names its classes. The zero value is the default.
	Names CSSNames
	// Global reports whether names in the file are global unless they are marked :local. Nil is Names.Global.
	Global func(file string) bool
	// NameAll returns the page's names for local names of a file, which the file writes so. Nil follows Names.
	NameAll func(file, css string, names []string) ([]string, error)
	// ExportAll returns the exports under the names that scripts see. Nil follows Names.Convention.
	ExportAll func(exports []CSSExport) ([]CSSExport, error)
}

func (in *CSSInput) global(file string) bool {
	return in.Names.Global || in.Global != nil && in.Global(file)
}

// CSSOutput is a compiled stylesheet.
type CSSOutput struct {
	CSS string
	// Exports are the values that a CSS module gives to scripts: what a name of the stylesheet is in CSS, and the values
	// of @value and :export. Nil for other stylesheets.
	Exports []CSSExport
	// Names is a short hash of Exports. While it stays the same, importers of the module need not run again.
	Names string
	// Deps are the other files that CSS was made from, including missing files.
	Deps []string
	// Alone means that CSS depends on no other file and no URL. Equal inputs then give equal outputs.
	Alone bool

	// Warnings are mistakes that leave the rest of the stylesheet working.
	Warnings []Error

	sourceMap *sourcemap.Map // nil unless compileCSS made one
}

// CSSExport is a value of a CSS module for scripts.
type CSSExport struct{ Name, Value string }

// reaches reports whether a stylesheet may refer to other files. A text that does not is served unchanged.
func reaches(text string) bool {
	if hasWord(text, "@import") || hasWord(text, "@charset") {
		return true
	}
	for at := 0; ; at++ {
		next := strings.IndexByte(text[at:], '(')
		if next < 0 {
			return false
		}
		at += next
		for _, name := range []string{"url", "image-set"} {
			if strings.EqualFold(text[max(at-len(name), 0):at], name) {
				return true
			}
		}
	}
}

// hasWord reports whether a text has a word, in letters of any case. The word begins with a sign.
func hasWord(text, word string) bool {
	for {
		at := strings.IndexByte(text, word[0])
		if at < 0 || len(text)-at < len(word) {
			return false
		}
		if text = text[at:]; strings.EqualFold(text[:len(word)], word) {
			return true
		}
		text = text[1:]
	}
}

// CompileCSS follows @import and url(), and makes the names of CSS Modules local. Everything else, including nesting,
// stays as the author wrote it.
func CompileCSS(in CSSInput) (*CSSOutput, []Error) {
	if in.asWritten() {
		return &CSSOutput{CSS: in.Code, Alone: true}, nil
	}
	out, errs := compileCSS(in, nil)
	if out != nil {
		out.Alone = len(out.Deps) == 0 && !reaches(in.Code)
	}
	return out, errs
}

// asWritten reports whether the stylesheet is served unchanged.
func (in *CSSInput) asWritten() bool { return !in.Modules && !reaches(in.Code) }

// compileCSS compiles the stylesheet. Unless mapName is nil, it makes a source map too; mapName returns a file's name
// in the map. The map follows the maps at the end of the stylesheet and of the stylesheets that it imports.
func compileCSS(in CSSInput, mapName func(file string) string) (*CSSOutput, []Error) {
	if in.Modules {
		return compileModule(in, mapName)
	}
	b := newCSSBuild(in)
	s, errs := b.sheet(mapName)
	return &CSSOutput{CSS: s.text, Deps: slices.Sorted(maps.Keys(b.deps)), sourceMap: s.sourceMap}, errs
}

// sheet is a stylesheet with the stylesheets that it imports.
type sheet struct {
	text      string
	parts     []sheetPart
	sourceMap *sourcemap.Map // nil unless asked for
}

// sheetPart is a part of a stylesheet that comes from one file. Its end is the next part's begin.
type sheetPart struct {
	at   int
	file string
}

// sheet puts the stylesheets together, and puts the files' URLs into them.
func (b *cssBuild) sheet(mapName func(file string) string) (sheet, []Error) {
	if !reaches(b.in.Code) {
		text, _ := CutMap(b.cutICSS(b.in.File, b.in.Code))
		s := sheet{text: text, parts: []sheetPart{{0, b.in.File}}}
		if mapName != nil {
			s.sourceMap = b.ownMap(mapName)
		}
		return s, nil
	}
	options := api.BuildOptions{
		Bundle: true, Write: false, LogLevel: api.LogLevelSilent, Target: api.ESNext, Outdir: "/", Charset: api.CharsetUTF8,
		LegalComments: api.LegalCommentsInline,
		Plugins:       []api.Plugin{{Name: "css", Setup: b.setup}},
		EntryPoints:   []string{"entry:css"},
	}
	if mapName != nil {
		options.Sourcemap = api.SourceMapExternal
	}
	result := api.Build(options)
	if len(result.Errors) > 0 {
		return sheet{}, b.errors(result.Errors)
	}
	s, text, made := sheet{}, "", []byte(nil)
	for _, f := range result.OutputFiles {
		switch {
		case strings.HasSuffix(f.Path, ".css"):
			text = string(f.Contents)
			s.text, s.parts = b.cutPaths(text)
		case strings.HasSuffix(f.Path, ".css.map"):
			made = f.Contents
		}
	}
	if made != nil {
		s.sourceMap = b.styleMap(made, text, mapName)
	}
	return s, nil
}

// pathComment matches the comment that esbuild writes before the content of each file.
var pathComment = regexp.MustCompile(`(?m)^/\* css:(.*) \*/\n`)

// cutPaths cuts esbuild's comments out of a stylesheet. They say where the text of each file begins.
func (b *cssBuild) cutPaths(text string) (cut string, parts []sheetPart) {
	var out strings.Builder
	at := 0
	for _, m := range pathComment.FindAllStringSubmatchIndex(text, -1) {
		out.WriteString(text[at:m[0]])
		at = m[1]
		parts = append(parts, sheetPart{out.Len(), b.file(text[m[2]:m[3]])})
	}
	out.WriteString(text[at:])
	return out.String(), parts
}

func newCSSBuild(in CSSInput) *cssBuild {
	in.Code = strings.ToValidUTF8(in.Code, "\uFFFD") // esbuild 0.28 may loop forever on invalid UTF-8
	return &cssBuild{
		in: in, deps: map[string]bool{}, failed: map[string]error{}, files: map[string]string{},
		icss: map[string][]icss{}, texts: map[string]string{},
	}
}

// cssBuild puts one stylesheet together. It gives files names of its own instead of paths, so that equal projects give
// equal texts.
type cssBuild struct {
	in CSSInput

	mu     sync.Mutex
	deps   map[string]bool
	failed map[string]error
	files  map[string]string // name -> file
	icss   map[string][]icss // what cutICSS cut out of files
	texts  map[string]string // the texts of these files, unless a tool made them
}

// name returns a file's name for esbuild. The name is readable, unique, and the same in each run.
func (b *cssBuild) name(file string) string {
	base := filepath.Base(file)
	base, _, _ = strings.Cut(base, ".")
	key := file
	if rel, err := filepath.Rel(filepath.Dir(b.in.File), file); err == nil {
		key = filepath.ToSlash(rel) // independent of the machine
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

// ElsewhereError is the error for a specifier that leads to another host: the browser loads it.
type ElsewhereError struct{ URL string }

func (e *ElsewhereError) Error() string { return e.URL + " is no file of the project" }

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
	if to, ok := errors.AsType[*ElsewhereError](err); ok {
		return api.OnResolveResult{Path: to.URL + suffix, External: true}, nil
	}
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
	if hasWord(code, "-set(") { // esbuild does not know that the strings of image-set() are addresses
		code = RewriteAddresses(code, false, func(a StyleAddress) (string, bool) { return a.Text, a.String })
	}
	if b.in.Modules {
		code = b.cutICSS(file, code)
		if b.hasICSS(file) {
			code += "\n" + icssMark + " \"" + args.Path + "\";"
		}
	}
	return api.OnLoadResult{Contents: &code, Loader: api.LoaderCSS}, nil
}

// icssMark is a statement that esbuild keeps. It stands where a file with ICSS is in the stylesheet, which says in what
// order the files' values are known.
const icssMark = "@-devserver-icss"

func (b *cssBuild) cutICSS(file, code string) string {
	rest, list := cutICSS(code)
	if len(list) > 0 {
		b.mu.Lock()
		b.icss[file] = list
		if _, made := CutMap(code); made == "" {
			b.texts[file] = code
		}
		b.mu.Unlock()
	}
	return rest
}

func (b *cssBuild) hasICSS(file string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.icss[file]) > 0
}

func (b *cssBuild) read(file string) (string, error) {
	if b.in.Read != nil {
		return b.in.Read(file)
	}
	text, err := os.ReadFile(file)
	return strings.ToValidUTF8(string(text), "\uFFFD"), err
}

// textOf returns the text of a file of the build, "" when it cannot be read.
func (b *cssBuild) textOf(file string) string {
	if file == b.in.File {
		return b.in.Code
	}
	text, _ := b.read(file)
	return text
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
