package compile

import (
	"context"
	"path"
	"strings"

	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// compile fills the version with what the source becomes: the query decides first, then the extension.
func (c *Compiler) compile(ctx context.Context, src source, v *graph.Version) error {
	name := moduleid.Name(src.id)
	switch ext := strings.ToLower(path.Ext(name)); {
	case moduleid.Has(src.query, "raw"):
		v.Code = transform.RawModule(src.code)
	case moduleid.Has(src.query, "worker"), moduleid.Has(src.query, "sharedworker"):
		return c.compileWorker(src, v)
	case moduleid.Has(src.query, "url") && moduleid.Has(src.query, "inline"):
		return c.compileInline(src, v)
	case moduleid.Has(src.query, "url"):
		c.compileAsset(src, v)
	case ext == ".css" || moduleid.IsPreprocessed(ext):
		return c.compileCSS(ctx, src, v)
	case ext == ".wasm" && moduleid.Has(src.query, "init"):
		v.Code = transform.WasmModule(c.assetURL(src))
	case moduleid.Has(src.query, "inline"):
		return c.compileInline(src, v)
	case src.file != "" && c.IsAsset(src.file):
		c.compileAsset(src, v)
	default:
		return c.compileScript(ctx, src, v)
	}
	return nil
}

func (c *Compiler) compileWorker(src source, v *graph.Version) error {
	kind := "Worker"
	if moduleid.Has(src.query, "sharedworker") {
		kind = "SharedWorker"
	}
	name := moduleid.Name(src.id)
	u := c.o.Layout.URL(name) + "?worker_file"
	if moduleid.Has(src.query, "url") {
		v.Code = transform.AssetModule(u)
	} else {
		v.Code = transform.WorkerModule(kind, u)
	}
	v.Edges = []graph.Edge{{Specifier: name, To: name, Kind: graph.Worker}}
	return nil
}
