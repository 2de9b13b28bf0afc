package compile

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/transform"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// styleRun makes one stylesheet plain CSS, and the stylesheets that it imports. It notes what they are made from. Its
// methods are safe for concurrent use.
type styleRun struct {
	c       *Compiler
	ctx     context.Context
	src     source
	withMap bool

	mu            sync.Mutex
	inputs, globs []string
	failed        bool // a tool failed for an imported stylesheet
	texts         map[string]string
}

func (c *Compiler) newStyleRun(ctx context.Context, src source, withMap bool) *styleRun {
	return &styleRun{c: c, ctx: ctx, src: src, withMap: withMap, texts: map[string]string{}}
}

// isCSSModule reports whether the stylesheet's names are local.
func (s *styleRun) isCSSModule() bool {
	return !s.c.o.Config.CSS.Modules.Off && strings.Contains(path.Base(moduleid.Name(s.src.id)), ".module.")
}

// made returns the further files that the CSS was made from so far, and the patterns of such files.
func (s *styleRun) made() (inputs, globs []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// packages change by installing
	return slices.DeleteFunc(slices.Clone(s.inputs), moduleid.IsDependency), slices.Clone(s.globs)
}

// input returns what transform needs to know about the stylesheet, whose code is plain CSS by now.
func (s *styleRun) input(code string) transform.CSSInput {
	c, name := s.c, moduleid.Name(s.src.id)
	read := s.read
	if s.withMap {
		code = withAbsoluteSources(code, s.src.file)
		read = func(file string) (string, error) {
			text, err := s.read(file)
			return withAbsoluteSources(text, file), err
		}
	}
	in := transform.CSSInput{
		ID: name, File: s.src.file, Code: code, Read: read, Resolve: s.resolve,
		Modules: s.isCSSModule(),
		URL:     func(file string) string { return c.assetURL(source{id: c.o.Gate.FileToID(file), file: file}) },
	}
	if in.Modules {
		c.moduleNames(s.ctx, &in)
	}
	return in
}

// resolve finds the file of an @import or url() in the file from. Code of packages may have put an address into a result
// for a file of the project: such an address permits no file.
func (s *styleRun) resolve(spec, from string) (string, error) {
	if !moduleid.IsDependency(from) && s.hasForeignCode() {
		code := s.src.code
		if from != s.src.file {
			code, _ = s.c.styleText(from)
		}
		if !strings.Contains(code, spec) {
			r, err := s.c.o.Resolver.ResolveStyle(spec, from)
			if err != nil {
				return "", err
			}
			return s.c.allowedStyle(s.src.id, r)
		}
	}
	return s.c.resolveStyle(s.src.id, spec, from)
}

// hasForeignCode reports whether a tool has used code of packages.
func (s *styleRun) hasForeignCode() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.inputs, moduleid.IsDependency)
}

// read returns the text of a stylesheet that another stylesheet imports, as plain CSS.
func (s *styleRun) read(file string) (string, error) {
	s.mu.Lock()
	text, known := s.texts[file]
	s.mu.Unlock()
	if known {
		return text, nil
	}
	if isOther(file) {
		return "", &transform.Error{
			Text: s.c.o.Layout.Shown(file) + " is not a stylesheet",
			Hint: "import it in a script, or show an image by url(); a package may have its stylesheet at another path",
		}
	}
	text, err := s.c.styleText(file)
	if err != nil {
		return "", err
	}
	for _, step := range s.readSteps(file) {
		made, err := s.tool(step, toolCall{File: file, Code: text, Options: step.options, Map: s.withMap})
		if err != nil {
			e, _ := s.toolError(err, file)
			s.mu.Lock()
			s.failed = true
			s.mu.Unlock()
			return "", e
		}
		text = made
	}
	s.mu.Lock()
	s.texts[file] = text
	s.mu.Unlock()
	return text, nil
}

// isOther reports whether the file's name says that it is no stylesheet. Files with unknown extensions may be CSS.
func isOther(file string) bool {
	ext := strings.ToLower(path.Ext(file))
	return moduleid.IsScript(file) || moduleid.IsAsset(file) || moduleid.IsPage(file) || ext == ".json" || ext == ".json5"
}

// readSteps returns the steps that make an imported stylesheet plain CSS. PostCSS gets the stylesheets of a CSS module
// separately, since the names of each are its own, and all others as a part of the stylesheet that imports them.
func (s *styleRun) readSteps(file string) (steps []styleStep) {
	if step, ok := s.c.language(file); ok {
		steps = append(steps, step)
	}
	if s.c.styles.postcss != nil && s.isCSSModule() && !moduleid.IsDependency(file) {
		steps = append(steps, styleStep{method: "postcss", options: s.c.styles.postcss})
	}
	return steps
}

// importedStyles are the stylesheets that a stylesheet imports, at any depth. Vite hands PostCSS one stylesheet with
// all imports in it: a layer or a mixin of one file is used in another.
type importedStyles struct {
	// Texts are the stylesheets by their files, as plain CSS.
	Texts map[string]string `json:"texts"`
	// Paths are the files that the specifiers of each file lead to.
	Paths map[string]map[string]string `json:"paths"`
}

// imports follows the imports of the stylesheet. It returns nil when there are none. An import that leads nowhere stays
// as it is written.
func (s *styleRun) imports(file, code string) *importedStyles {
	found := &importedStyles{Texts: map[string]string{}, Paths: map[string]map[string]string{}}
	type sheet struct{ file, code string }
	for todo := []sheet{{file, code}}; len(todo) > 0; todo = todo[1:] {
		paths := map[string]string{}
		for _, spec := range importsOf(todo[0].code) {
			to, err := s.c.resolveStyle(s.src.id, spec, todo[0].file)
			if err != nil && strings.HasPrefix(spec, ".") {
				return nil // compiling the imports one by one reports the place
			}
			if err != nil || !moduleid.IsStyle(to) {
				continue
			}
			if _, known := found.Texts[to]; !known && to != file {
				text, err := s.read(to)
				if err != nil {
					return nil
				}
				found.Texts[to] = text
				todo = append(todo, sheet{to, text})
			}
			paths[spec] = to
		}
		found.Paths[todo[0].file] = paths
	}
	if len(found.Texts) == 0 {
		return nil
	}
	return found
}

// importsOf returns the specifiers of a stylesheet's @imports.
func importsOf(code string) (specs []string) {
	transform.RewriteAddresses(code, false, func(a transform.StyleAddress) (string, bool) {
		if a.Import {
			specs = append(specs, a.Text)
		}
		return "", false
	})
	return specs
}

// plain turns the stylesheet into plain CSS: first the language (Sass, Less, Stylus), then Tailwind, then PostCSS. With
// withMap, the code ends with its source map.
func (s *styleRun) plain() (code string, err error) {
	c, src := s.c, s.src
	code = src.code
	name := moduleid.Name(src.id)
	for _, step := range s.steps(name) {
		call := toolCall{File: src.file, Code: code, Options: step.options, Map: s.withMap}
		if step.method == "postcss" && !s.isCSSModule() {
			call.Imports = s.imports(src.file, code)
		}
		made, toolErr := s.tool(step, call)
		if toolErr != nil {
			e, own := s.toolError(toolErr, src.file)
			if own && code == src.code {
				c.atSource(e, src.made)
			}
			return code, e
		}
		code = made
	}
	return code, nil
}

// tool runs one step, and notes what the result was made from.
func (s *styleRun) tool(step styleStep, call toolCall) (code string, err error) {
	call.Module = s.src.id
	r, err := s.c.runTool(s.ctx, step.method, call)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	s.inputs = append(s.inputs, r.Deps...)
	for _, d := range r.Dirs {
		s.globs = append(s.globs, globIn(d.Dir, d.Glob))
	}
	for _, l := range r.Lookups {
		if pattern := s.c.preferred(l); pattern != "" {
			s.globs = append(s.globs, pattern)
		}
	}
	s.mu.Unlock()
	for _, w := range r.Warnings {
		s.c.warn(call.File, w)
	}
	if step.isLanguage {
		if err := s.mayRead(step, r.Deps); err != nil {
			return "", err
		}
	}
	return r.Code, nil
}

// mayRead returns an error when a language has read a file that may not be read. A language finds most files by
// findStyle, and some by itself: in its load paths, and for functions such as data-uri() and json(). What nobody but
// code of packages may have named has no permission.
func (s *styleRun) mayRead(step styleStep, files []string) error {
	foreign := s.hasForeignCode()
	for _, file := range files {
		real, err := filepath.EvalSymlinks(file)
		if err != nil {
			continue // it is gone
		}
		if !foreign {
			s.c.o.Gate.Permit(s.src.id, s.src.file, real)
		}
		err = s.c.o.Gate.Allowed(real)
		if err != nil && step.searches(s.c.o.Layout.Dir, real) {
			s.c.o.Gate.Permit(s.src.id, "", real) // the user has chosen the folder
			err = s.c.o.Gate.Allowed(real)
		}
		if err != nil {
			return s.c.mayNotBeRead(s.src.id, real, err)
		}
	}
	return nil
}

// warn tells what a tool says about a stylesheet. What it says about an imported file is told once, and not for each
// stylesheet that imports the file.
func (c *Compiler) warn(file string, w toolWarning) {
	if w.Once == "" && w.File != file {
		w.Once = fmt.Sprint(w.File, w.Line, w.Message)
	}
	if w.Once != "" {
		if _, told := c.warned.LoadOrStore(w.Once, true); told {
			return
		}
	}
	level := slog.LevelWarn
	if w.Debug {
		level = slog.LevelInfo
	}
	c.o.Logger.Log(context.Background(), level, w.Message, "file", c.o.Layout.Shown(w.File), "line", w.Line)
}

// toolError returns the error of a tool that worked on file, and whether its place is in that file. It may be in a file
// that file imports, whose edit counts.
func (s *styleRun) toolError(err error, file string) (e *transform.Error, own bool) {
	at := file
	if told, ok := errors.AsType[*wire.Error](err); ok && told.File != "" {
		at = told.File
	}
	if filepath.IsAbs(at) && at != file {
		s.mu.Lock()
		s.inputs = append(s.inputs, at)
		s.mu.Unlock()
	}
	e = s.c.o.Problems.Convert(err)
	e.File = cmp.Or(e.File, s.c.o.Layout.Shown(file))
	e.ID = cmp.Or(e.ID, s.src.id)
	return e, at == file
}

type styleStep struct {
	method  string
	options json.RawMessage
	// isLanguage means that stylesheets, also those of packages, say which files the step reads. The plugins of other
	// steps are code of the user's choice.
	isLanguage bool
}

// searches reports whether the file is in a folder that the options name. Their paths start from dir.
func (s styleStep) searches(dir, file string) bool {
	var options struct{ LoadPaths, IncludePaths, Paths []string }
	_ = json.Unmarshal(s.options, &options) // the tool reports wrong types
	for _, path := range slices.Concat(options.LoadPaths, options.IncludePaths, options.Paths) {
		if path = filepath.FromSlash(path); !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if real, err := filepath.EvalSymlinks(path); err == nil && strings.HasPrefix(file, real+string(filepath.Separator)) {
			return true
		}
	}
	return false
}

// language returns the step that turns a file into CSS. It is not ok when the file is CSS, or becomes CSS by PostCSS.
func (c *Compiler) language(file string) (step styleStep, ok bool) {
	option := func(name string) json.RawMessage { return json.RawMessage(c.o.Config.CSS.PreprocessorOptions[name]) }
	switch ext := strings.ToLower(path.Ext(file)); ext {
	case ".scss", ".sass":
		return styleStep{"sass", option(ext[1:]), true}, true
	case ".less":
		return styleStep{"less", option("less"), true}, true
	case ".styl", ".stylus":
		options := option("stylus")
		if own := option("styl"); ext == ".styl" && len(own) > 0 {
			options = own
		}
		return styleStep{"stylus", options, true}, true
	case ".sss":
		return styleStep{method: "sugarss"}, true
	}
	return styleStep{}, false
}

// steps returns the steps that make the stylesheet plain CSS.
func (s *styleRun) steps(name string) []styleStep {
	c, src := s.c, s.src
	var steps []styleStep
	step, isLanguage := c.language(name)
	if isLanguage {
		steps = append(steps, step)
	}
	if c.styles.tailwind && (mentionsTailwind(src.code) ||
		!isLanguage && s.importsTailwind(src.file, src.code, map[string]bool{})) {
		steps = append(steps, styleStep{method: "tailwind"})
	}
	if c.styles.postcss != nil {
		steps = append(steps, styleStep{method: "postcss", options: c.styles.postcss})
	}
	return steps
}

// importsTailwind reports whether a stylesheet imports another, at any depth, that has something for Tailwind to do.
func (s *styleRun) importsTailwind(file, code string, seen map[string]bool) bool {
	return slices.ContainsFunc(importsOf(code), func(spec string) bool {
		to, err := s.c.resolveStyle(s.src.id, spec, file)
		if err != nil || seen[to] || !strings.EqualFold(path.Ext(to), ".css") {
			return false
		}
		seen[to] = true
		text, err := s.c.styleText(to)
		return err == nil && (mentionsTailwind(text) || s.importsTailwind(to, text, seen))
	})
}
