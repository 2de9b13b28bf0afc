package compile

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// Source maps are made when a debugger asks for one: compiling with a map costs up to a third more, and most loads
// never need it. Equal input compiles to equal code, so a map that is made later fits.

// SourceMap returns the source map of a version's code, nil when there is none or the source has changed since.
func (c *Compiler) SourceMap(ctx context.Context, id string, v *graph.Version) json.RawMessage {
	if _, isScript := v.Side.(*script); !isScript || strings.HasSuffix(moduleid.Name(id), ".json") {
		return nil
	}
	src, err := c.read(ctx, id)
	if err != nil {
		return nil
	}
	in, err := c.scriptInput(ctx, src)
	if err != nil {
		return nil
	}
	m, errs := transform.SourceMap(in)
	if len(errs) > 0 {
		return nil
	}
	return m
}

// StyleMap returns the source map of a stylesheet. It is not ok when the stylesheet has an error.
func (c *Compiler) StyleMap(ctx context.Context, id string) (text []byte, ok bool) {
	src, err := c.read(ctx, id)
	if err != nil {
		return nil, false
	}
	code, _, _, err := c.preprocess(ctx, src, true)
	if err != nil {
		return nil, false
	}
	text, errs := transform.StyleMap(c.styleInput(src, code), func(file string) string { return c.o.Layout.URL(c.o.Gate.FileToID(file)) })
	return text, len(errs) == 0 && text != nil
}
