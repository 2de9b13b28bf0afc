package compile

import (
	"cmp"
	"context"
	"encoding/json"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/transform"
)

func (c *Compiler) compileCSS(ctx context.Context, src source, v *graph.Version) error {
	name := moduleid.Name(src.id)
	code, inputs, globs, err := c.preprocess(ctx, src, false)
	v.Inputs, v.InputGlobs = inputs, globs
	if err != nil {
		// Tools do not tell a missing file from other errors, and name the files that they read only when all goes well.
		v.Missing = true
		v.InputGlobs = append(v.InputGlobs, globIn(c.o.Layout.Root, "**/*.{css,scss,sass,less,styl,stylus,pcss,postcss}"))
		return err
	}
	if code, err = c.postStyle(ctx, src, code, v, false); err != nil {
		return err
	}
	out, errs := c.compiledCSS(c.styleInput(ctx, src, code))
	if out != nil {
		v.Inputs = append(v.Inputs, out.Deps...)
		for _, w := range out.Warnings {
			c.o.Logger.Warn(w.Text, "file", c.o.Layout.Shown(w.File), "line", w.Line)
		}
	}
	if len(errs) > 0 {
		own := errs[0].File == src.file && code == src.code
		errs[0].File = c.o.Layout.Shown(errs[0].File)
		if own {
			c.atSource(&errs[0], src.made)
		}
		return &errs[0] // a reader can act on one error; the next shows after the fix
	}
	slices.Sort(v.Inputs)
	v.Inputs = slices.Compact(v.Inputs)
	v.Side = &stylesheet{out.CSS}
	switch {
	case moduleid.Has(src.query, "inline"):
		v.Code = transform.InlineCSSModule(out)
	case moduleid.Has(src.query, "direct"):
		v.Code = transform.RawModule(out.CSS) // the server sends CSS as text; this gives the revision
	default:
		v.Code = transform.CSSModule(src.id, out, c.o.StyleMapURL(name))
	}
	return nil
}

// stylesheet is the Side of a CSS module's version.
type stylesheet struct{ css string }

// CSS returns the text of a stylesheet that compiled; "" for other modules.
func CSS(v *graph.Version) string {
	if s, ok := v.Side.(*stylesheet); ok {
		return s.css
	}
	return ""
}

// styleInput returns what transform needs to know about a stylesheet, which is plain CSS by now.
func (c *Compiler) styleInput(ctx context.Context, src source, code string) transform.CSSInput {
	name := moduleid.Name(src.id)
	in := transform.CSSInput{
		ID: name, File: src.file, Code: code,
		Modules: !c.o.Config.CSS.Modules.Off && strings.Contains(path.Base(name), ".module."),
		Read:    c.readStyle,
		Resolve: func(spec, from string) (string, error) { return c.resolveStyle(src.id, spec, from) },
		URL:     func(file string) string { return c.assetURL(source{id: c.o.Gate.FileToID(file), file: file}) },
	}
	if in.Modules {
		c.moduleNames(ctx, &in)
	}
	return in
}

// resolveStyle finds the file of an @import or url() in the file from, which is a part of the module.
func (c *Compiler) resolveStyle(module, spec, from string) (string, error) {
	r, err := c.o.Resolver.ResolveStyle(spec, from)
	if err != nil {
		return "", err
	}
	c.permit(r, module, from)
	if err := c.o.Gate.Allowed(r.File); err != nil {
		return r.File, c.mayNotBeRead(module, r.File, err)
	}
	return r.File, nil
}

// importedStyles are the stylesheets that a stylesheet imports, at any depth. Vite hands PostCSS one stylesheet with
// all imports in it: a layer or a mixin of one file is used in another.
type importedStyles struct {
	// Texts are the stylesheets by their files.
	Texts map[string]string `json:"texts"`
	// Paths are the files that the specifiers of each file lead to.
	Paths map[string]map[string]string `json:"paths"`
}

var importedStyle = regexp.MustCompile(`(?i)@import\s+(?:url\(\s*)?(?:"([^"]+)"|'([^']+)'|([^\s"'();]+))`)

// importedStyles follows the imports of a stylesheet. It returns nil when there are none. An import that leads nowhere,
// or to another language, stays as it is written.
func (c *Compiler) importedStyles(module, file, code string) *importedStyles {
	found := &importedStyles{Texts: map[string]string{}, Paths: map[string]map[string]string{}}
	type sheet struct{ file, code string }
	for todo := []sheet{{file, code}}; len(todo) > 0; todo = todo[1:] {
		paths := map[string]string{}
		for _, m := range importedStyle.FindAllStringSubmatch(todo[0].code, -1) {
			spec := m[1] + m[2] + m[3]
			to, err := c.resolveStyle(module, spec, todo[0].file)
			if err != nil && strings.HasPrefix(spec, ".") {
				return nil // compiling the imports one by one reports the place
			}
			if err != nil || strings.ToLower(filepath.Ext(to)) != ".css" {
				continue
			}
			if _, known := found.Texts[to]; !known && to != file {
				text, err := c.readStyle(to)
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

// readStyle reads a stylesheet that another stylesheet imports.
func (c *Compiler) readStyle(file string) (string, error) {
	text, err := c.o.Gate.ReadFile(file)
	return strings.ToValidUTF8(string(text), "\uFFFD"), err
}

// preprocess turns a stylesheet into plain CSS: first the language (Sass, Less, Stylus), then Tailwind, then PostCSS.
// inputs are the further files that the CSS was made from, globs the patterns of such files. With withMap, the
// code ends with its source map.
func (c *Compiler) preprocess(ctx context.Context, src source, withMap bool) (code string, inputs, globs []string, err error) {
	code = src.code
	name := moduleid.Name(src.id)
	for _, step := range c.styleSteps(strings.ToLower(path.Ext(name)), src) {
		call := toolCall{File: src.file, Code: code, Options: step.options, Map: withMap}
		if step.method == "postcss" && !strings.Contains(path.Base(name), ".module.") {
			call.Imports = c.importedStyles(src.id, src.file, code)
		}
		r, toolErr := c.runTool(ctx, step.method, call)
		if toolErr != nil {
			e := c.o.Problems.Convert(toolErr)
			own := e.File == "" || e.File == src.file
			if filepath.IsAbs(e.File) {
				inputs = append(inputs, e.File) // the error may be in a file that this one imports
			}
			e.File = c.o.Layout.Shown(cmp.Or(e.File, src.file))
			if own && code == src.code {
				c.atSource(e, src.made)
			}
			if e.ID == "" {
				e.ID = src.id
			}
			return code, inputs, globs, e
		}
		code = r.Code
		inputs = append(inputs, r.Deps...)
		for _, d := range r.Dirs {
			globs = append(globs, globIn(d.Dir, d.Glob))
		}
		for _, w := range r.Warnings {
			c.o.Logger.Warn(w.Message, "file", c.o.Layout.Shown(w.File), "line", w.Line)
		}
	}
	inputs = slices.DeleteFunc(inputs, moduleid.IsDependency) // packages change by installing
	return code, inputs, globs, nil
}

type styleStep struct {
	method  string
	options json.RawMessage
}

func (c *Compiler) styleSteps(ext string, src source) []styleStep {
	var steps []styleStep
	option := func(name string) json.RawMessage { return json.RawMessage(c.o.Config.CSS.PreprocessorOptions[name]) }
	switch ext {
	case ".scss", ".sass":
		steps = append(steps, styleStep{"sass", option(ext[1:])})
	case ".less":
		steps = append(steps, styleStep{"less", option("less")})
	case ".styl", ".stylus":
		options := option("stylus")
		if own := option("styl"); ext == ".styl" && len(own) > 0 {
			options = own
		}
		steps = append(steps, styleStep{"stylus", options})
	}
	if c.styles.tailwind && mentionsTailwind(src.code) {
		steps = append(steps, styleStep{method: "tailwind"})
	}
	if c.styles.postcss != nil && !moduleid.IsDependency(src.file) {
		steps = append(steps, styleStep{"postcss", c.styles.postcss})
	}
	return steps
}

// mentionsTailwind reports whether a stylesheet has anything for Tailwind to do.
func mentionsTailwind(code string) bool {
	for _, word := range []string{"tailwindcss", "@tailwind", "@apply", "@theme", "@utility", "@reference", "@source", "--spacing(", "@variant"} {
		if strings.Contains(code, word) {
			return true
		}
	}
	return false
}
