package compile

import (
	"context"
	"path"
	"regexp"
	"strings"

	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// What pages have in their HTML is found, and compiled, as what modules have. The page's ID stands for the module.

// PageURL returns the URL of the file that a URL in a page names by an alias, or that a script's URL names without an
// extension, "" for other URLs. from is the page's file.
func (c *Compiler) PageURL(ctx context.Context, page, from, written string, script bool) string {
	name, rest := written, ""
	if at := strings.IndexAny(written[min(1, len(written)):], "?#"); at >= 0 { // "#x" is a specifier of the package's own
		name, rest = written[:at+1], written[at+1:]
	}
	if !script && (strings.HasPrefix(name, ".") || path.Ext(name) == "") {
		return "" // a route of the app, which a file may happen to be named after
	}
	if !c.mayBeFile(source{id: page, file: from}, name) || hasScheme(name) {
		return ""
	}
	if _, denied := c.o.Gate.Resolve(c.beside(page, name)); denied == nil {
		return "" // the browser finds it
	}
	id, err := c.ResolveID(ctx, name, page, resolve.URL)
	if err != nil {
		return ""
	}
	file := c.File(id)
	if file == "" || c.o.Gate.Allowed(file) != nil {
		return ""
	}
	return c.o.Layout.URL(c.o.Gate.Address(file)) + rest
}

// beside returns the path at which a browser finds a URL of the page.
func (c *Compiler) beside(page, name string) string {
	if !strings.HasPrefix(name, "/") {
		name = path.Join(path.Dir(moduleid.Path(page)), name)
	}
	return strings.TrimSuffix(c.o.Layout.Base, "/") + moduleid.EscapePath(name)
}

// PageStyle compiles the text of a page's <style>, or of an attribute style, that begins in a line of the page. inputs
// are the files that it was made from, or that its URLs name.
func (c *Compiler) PageStyle(ctx context.Context, page, from, css string, line int, attribute bool) (made string, inputs []string, err error) {
	run := c.newStyleRun(ctx, source{id: page, file: from, code: strings.Repeat("\n", line-1) + css}, false)
	var code string
	if attribute {
		code = strings.Repeat("\n", line-1) + "a{" + css + "}"
	} else if code, err = run.plain(); err != nil {
		inputs, _ = run.made()
		return css, inputs, err
	}
	in := run.input(code)
	in.Modules = false
	in.Resolve = func(spec, importer string) (string, error) {
		found, err := run.resolve(spec, importer)
		if err != nil && importer == from { // beside the page's URL there may be a file of the public folder
			if t, denied := c.o.Gate.Resolve(c.beside(page, spec)); denied == nil {
				return t.File, nil
			}
		}
		return found, err
	}
	out, errs := transform.CompileCSS(in)
	inputs, _ = run.made()
	if out != nil {
		inputs = append(inputs, out.Deps...)
	}
	if len(errs) > 0 {
		errs[0].File = c.o.Layout.Shown(errs[0].File)
		return css, inputs, &errs[0]
	}
	made = strings.TrimLeft(out.CSS, "\n")
	if attribute {
		made = made[strings.IndexByte(made, '{')+1 : strings.LastIndexByte(made, '}')]
		made = strings.TrimSpace(lineBreaks.ReplaceAllString(made, " "))
		if !strings.HasSuffix(strings.TrimSpace(css), ";") {
			made = strings.TrimSuffix(made, ";")
		}
		return made, inputs, nil
	}
	if strings.TrimSpace(made) == strings.TrimSpace(css) {
		return css, inputs, nil
	}
	return made, inputs, nil
}

// lineBreaks matches the ends of lines in a block.
var lineBreaks = regexp.MustCompile(`\s*\n\s*`)
