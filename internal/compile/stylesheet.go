package compile

import (
	"context"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/transform"
)

func (c *Compiler) compileCSS(ctx context.Context, src source, v *graph.Version) error {
	name := moduleid.Name(src.id)
	run := c.newStyleRun(ctx, src, false)
	code, err := run.plain()
	v.Inputs, v.InputGlobs = run.made()
	if err != nil {
		c.missesStyle(v)
		return err
	}
	if code, err = c.postStyle(ctx, src, code, v, false); err != nil {
		return err
	}
	out, errs := c.compiledCSS(run.input(code))
	inputs, globs := run.made() // reading the imports has added more
	v.Inputs, v.InputGlobs = append(v.Inputs, inputs...), globs
	if out != nil {
		v.Inputs = append(v.Inputs, out.Deps...)
		for _, w := range out.Warnings {
			c.o.Logger.Warn(w.Text, "file", c.o.Layout.Shown(w.File), "line", w.Line)
		}
	}
	if len(errs) > 0 {
		if run.failed {
			c.missesStyle(v)
		}
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

// missesStyle has a version of which a tool failed made again when any stylesheet arrives. Tools do not tell a missing
// file from other errors, and name the files that they read only when all goes well.
func (c *Compiler) missesStyle(v *graph.Version) {
	v.Missing = true
	v.InputGlobs = append(v.InputGlobs, globIn(c.o.Layout.Root, "**/*.{css,scss,sass,less,styl,stylus,pcss,postcss,sss}"))
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

// resolveStyle finds the file of an @import or url() in the file from, which is a part of the module.
func (c *Compiler) resolveStyle(module, spec, from string) (string, error) {
	r, err := c.o.Resolver.ResolveStyle(spec, from)
	if err != nil {
		return "", err
	}
	return c.permitStyle(module, from, r)
}

// permitStyle permits reading what a specifier in the file from, a part of the module, leads to.
func (c *Compiler) permitStyle(module, from string, r resolve.Resolved) (string, error) {
	if r.File != "" {
		c.permit(r, module, from)
	}
	return c.allowedStyle(module, r)
}

// allowedStyle returns the file that a specifier leads to, and an error when there is none or it may not be read.
func (c *Compiler) allowedStyle(module string, r resolve.Resolved) (string, error) {
	switch {
	case r.External: // an alias for another host
		return "", &transform.ElsewhereError{URL: r.URL}
	case r.File == "": // "browser" of a package.json has false for it
		return "", &resolve.NotFound{Text: "a package.json says that browsers have no such file"}
	}
	if err := c.o.Gate.Allowed(r.File); err != nil {
		return r.File, c.mayNotBeRead(module, r.File, err)
	}
	return r.File, nil
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
