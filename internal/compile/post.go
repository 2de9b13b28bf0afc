package compile

import (
	"cmp"
	"context"
	"encoding/base64"
	"path/filepath"

	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/sourcemap"
	"github.com/seed-b8174343/devserver/internal/transform"
	"github.com/seed-b8174343/devserver/plugin"
)

// A module that a PostTransform wants is compiled in two steps: from its language to JavaScript, and, behind the hook,
// from JavaScript to the body of a factory. Both steps together do what the one step does for all other modules.

// postScript has plugins change a script that was compiled to JavaScript. Without an answer the source stays.
func (c *Compiler) postScript(ctx context.Context, src source, v *graph.Version) (source, error) {
	lang := c.langOf(src)
	if lang == transform.LangJSON || lang == transform.LangText || !c.o.Plugins.WantsPostTransform(src.id) {
		return src, nil
	}
	in, err := c.scriptInput(ctx, src)
	if err != nil {
		return src, err
	}
	code, m, errs := transform.JavaScript(in)
	if len(errs) > 0 {
		errs[0].File = c.o.Layout.Shown(src.file)
		return src, c.atSource(&errs[0], c.madeFrom(ctx, src, in.Map))
	}
	r, err := c.askPost(ctx, src, code, v)
	if r == nil || err != nil {
		return src, err
	}
	src.plain = true
	c.transformed(&src, r, m)
	return src, nil
}

// postStyle has plugins change a stylesheet that is plain CSS by now. withMap keeps the source map at the end of the
// CSS, and adds the plugins' map to it.
func (c *Compiler) postStyle(ctx context.Context, src source, css string, v *graph.Version, withMap bool) (string, error) {
	if !c.o.Plugins.WantsPostTransform(src.id) {
		return css, nil
	}
	plain, before := transform.CutMap(css)
	r, err := c.askPost(ctx, src, plain, v)
	if r == nil || err != nil {
		return css, err
	}
	made, inline := transform.CutMap(r.Code)
	if !withMap {
		return made, nil
	}
	after := cmp.Or(r.Map, inline)
	if m, err := sourcemap.Parse([]byte(after)); err == nil {
		if own := m.Input(moduleid.Name(src.id), src.file); own >= 0 { // the only source may have any name
			m.Sources[own] = filepath.ToSlash(src.file)
			after = string(m.Encode())
		}
	}
	all := sourcemap.Chain(after, before, moduleid.Name(src.id), src.file)
	if all == "" {
		return made, nil
	}
	return made + "\n/*# sourceMappingURL=data:application/json;base64," + base64.StdEncoding.EncodeToString([]byte(all)) + " */", nil
}

// askPost asks PostTransform. The files that the answer was made from become inputs of the version.
func (c *Compiler) askPost(ctx context.Context, src source, code string, v *graph.Version) (*plugin.TransformResult, error) {
	r, err := c.o.Plugins.PostTransform(ctx, plugin.TransformArgs{ID: src.id, File: src.file, Code: code})
	if r != nil {
		v.Inputs = append(v.Inputs, c.o.Watch.Inputs(r.Watch)...)
		v.By = append(v.By, r.By...)
	}
	return r, err
}
