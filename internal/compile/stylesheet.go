package server

import (
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

func (p *project) compileCSS(ctx context.Context, src source, v *graph.Version) error {
	name := moduleid.Name(src.id)
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
		for i := range errs {
			errs[i].File = p.layout.Shown(errs[i].File)
		}
		return &errs[0] // a reader can act on one; the next shows after the fix
	}
	slices.Sort(v.Inputs)
	v.Inputs = slices.Compact(v.Inputs)
	v.Side = &stylesheet{css: out.CSS, names: out.Names}
	switch {
	case moduleid.Has(src.query, "inline"):
		v.Code = transform.InlineCSSModule(out)
	case moduleid.Has(src.query, "direct"):
		v.Code = transform.RawModule(out.CSS) // served as text, see asset.go; this gives the revision
	default:
		v.Code = transform.CSSModule(src.id, out, p.styleMapURL(name))
	}
	return nil
}

// stylesheet is the Side of a CSS module's version.
type stylesheet struct {
	css string
	// names tells the class names that a CSS module exports: while they stay, its importers need not run again.
	names string
}

// styleInput is what the compiler is told about a stylesheet that is plain CSS by now.
func (p *project) styleInput(src source, code string) transform.CSSInput {
	name := moduleid.Name(src.id)
	m := p.cfg.CSS.Modules
	return transform.CSSInput{
		ID: name, File: src.file, Code: code, Modules: strings.Contains(path.Base(name), ".module."),
		Names:   transform.CSSNames{Convention: m.LocalsConvention, Pattern: m.GenerateScopedName, Global: m.ScopeBehaviour == "global"},
		Read:    p.readStyle,
		Resolve: p.resolveStyle,
		URL: func(file string) string {
			p.gate.Permit(file)
			return p.assetURL(source{id: p.gate.FileToID(file), file: file})
		},
	}
}

// resolveStyle finds the file of an @import or url().
func (p *project) resolveStyle(spec, importer string) (string, error) {
	r, err := p.resolver.ResolveStyle(spec, importer)
	if err != nil {
		return "", err
	}
	p.gate.Permit(r.File)
	return r.File, p.gate.Allowed(r.File)
}

// importedStyles are the stylesheets that one imports, and those that they import. What Vite hands to PostCSS is one
// stylesheet: a layer or a mixin of one file is used in another.
type importedStyles struct {
	// Texts are the stylesheets by their files.
	Texts map[string]string `json:"texts"`
	// Paths tell for each file what its specifiers lead to.
	Paths map[string]map[string]string `json:"paths"`
}

var importedStyle = regexp.MustCompile(`(?i)@import\s+(?:url\(\s*)?(?:"([^"]+)"|'([^']+)'|([^\s"'();]+))`)

// importedStyles follows the imports of a stylesheet; nil when there are none. What leads nowhere, or to another language,
// stays as it is written.
func (p *project) importedStyles(file, code string) *importedStyles {
	found := &importedStyles{Texts: map[string]string{}, Paths: map[string]map[string]string{}}
	type sheet struct{ file, code string }
	for todo := []sheet{{file, code}}; len(todo) > 0; todo = todo[1:] {
		paths := map[string]string{}
		for _, m := range importedStyle.FindAllStringSubmatch(todo[0].code, -1) {
			spec := m[1] + m[2] + m[3]
			to, err := p.resolveStyle(spec, todo[0].file)
			if err != nil && strings.HasPrefix(spec, ".") {
				return nil // who compiles the imports one by one tells where it is written
			}
			if err != nil || strings.ToLower(filepath.Ext(to)) != ".css" {
				continue
			}
			if _, known := found.Texts[to]; !known && to != file {
				text, err := p.readStyle(to)
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

// readStyle reads a stylesheet that another one imports.
func (p *project) readStyle(file string) (string, error) {
	text, err := p.gate.ReadFile(file)
	return strings.ToValidUTF8(string(text), "\uFFFD"), err
}

// preprocess turns a stylesheet into plain CSS: first the language (Sass, Less, Stylus), then Tailwind, then PostCSS.
// inputs are the files that it was made from beside the source, globs the patterns whose matches count. With a map, the
// code ends with its source map.
func (p *project) preprocess(ctx context.Context, src source, withMap bool) (code string, inputs, globs []string, err error) {
	code = src.code
	name := moduleid.Name(src.id)
	for _, step := range p.styleSteps(strings.ToLower(path.Ext(name)), src) {
		call := toolCall{File: src.file, Code: code, Options: step.options, Map: withMap}
		if step.method == "postcss" && !strings.Contains(path.Base(name), ".module.") {
			call.Imports = p.importedStyles(src.file, code)
		}
		r, toolErr := p.runTool(ctx, step.method, call)
		if toolErr != nil {
			e := p.problems.Convert(toolErr)
			if e.File == "" {
				e.File = p.layout.Shown(src.file)
			} else {
				e.File = p.layout.Shown(e.File)
			}
			if e.ID == "" {
				e.ID = src.id
			}
			return code, inputs, globs, e
		}
		code = r.Code
		inputs = append(inputs, r.Deps...)
		for _, d := range r.Dirs {
			globs = append(globs, path.Join(filepath.ToSlash(d.Dir), d.Glob))
		}
		for _, w := range r.Warnings {
			p.log.Warn(w.Message, "file", p.layout.Shown(w.File), "line", w.Line)
		}
	}
	inputs = slices.DeleteFunc(inputs, moduleid.IsDependency) // packages change by installing
	return code, inputs, globs, nil
}

type styleStep struct {
	method  string
	options json.RawMessage
}

func (p *project) styleSteps(ext string, src source) []styleStep {
	var steps []styleStep
	option := func(name string) json.RawMessage { return json.RawMessage(p.cfg.CSS.PreprocessorOptions[name]) }
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
	if p.tools.tailwind && mentionsTailwind(src.code) {
		steps = append(steps, styleStep{method: "tailwind"})
	}
	if p.tools.postcss != nil && !moduleid.IsDependency(src.file) {
		steps = append(steps, styleStep{"postcss", p.tools.postcss})
	}
	return steps
}

// mentionsTailwind tells whether a stylesheet has anything for Tailwind to do.
func mentionsTailwind(code string) bool {
	for _, word := range []string{"tailwindcss", "@tailwind", "@apply", "@theme", "@utility", "@reference", "@source", "--spacing(", "@variant"} {
		if strings.Contains(code, word) {
			return true
		}
	}
	return false
}
