package compile

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime/debug"
	"strings"

	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// compile fills the version with what the source becomes: the query decides first, then the extension. A mistake of ours
// with one module must not end the process: a panic becomes the error of the module.
func (c *Compiler) compile(ctx context.Context, src source, v *graph.Version) (err error) {
	defer func() {
		if p := recover(); p != nil {
			c.o.Logger.Error("panic while compiling "+src.id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = &transform.Error{
				ID: src.id, File: c.o.Layout.Shown(src.file), Text: fmt.Sprintf("devserver failed to compile this module: %v", p),
				Hint: "this is a mistake of devserver: please report it with the module and the stack in the terminal",
			}
		}
	}()
	name := moduleid.Name(src.id)
	switch ext := strings.ToLower(path.Ext(name)); {
	case src.css:
		v.Side, v.Code = &stylesheet{src.code}, transform.RawModule(src.code)
	case src.plain:
		return c.compileScript(ctx, src, v)
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
	case moduleid.Has(src.query, "inline") && !moduleid.Has(src.query, "init"):
		return c.compileInline(src, v)
	case moduleid.IsWasm(name) && src.state != nil: // else a plugin has made JavaScript of it
		return c.compileWasm(ctx, src, v)
	case moduleid.Has(src.query, transform.SourcePhase):
		return &transform.Error{ID: src.id, File: c.o.Layout.Shown(src.file), Text: "is not WebAssembly, and only WebAssembly has a source phase", Hint: `import it without "source"`}
	case src.file != "" && c.IsAsset(src.file):
		c.compileAsset(src, v)
	default:
		return c.compileScript(ctx, src, v)
	}
	return nil
}

func fileRevision(s *disk.State) string { return fmt.Sprintf("%x-%x", s.Size, s.ModTime.UnixNano()) }

// compileWasm makes a module of WebAssembly: a function that instantiates it, its source, or its exports. Its revision
// follows from the file, as that of an asset.
func (c *Compiler) compileWasm(ctx context.Context, src source, v *graph.Version) error {
	name := moduleid.Name(src.id)
	switch u := c.assetURL(src); {
	case moduleid.Has(src.query, "init"):
		v.Code = transform.WasmInitModule(u)
	case moduleid.Has(src.query, transform.SourcePhase):
		v.Code, v.Async = transform.WasmSourceModule(u), true
	default:
		imports, err := transform.WasmImports([]byte(src.code))
		if err != nil {
			return &transform.Error{ID: src.id, File: c.o.Layout.Shown(src.file), Text: err.Error()}
		}
		v.Code, v.Async = transform.WasmModule(u, imports), true
		out := &transform.Output{Exports: []string{}}
		for _, spec := range imports {
			out.Imports = append(out.Imports, transform.Import{Specifier: spec, All: true})
		}
		if err := c.resolveImports(ctx, src, out, v); err != nil {
			if e, ok := errors.AsType[*transform.Error](err); ok && v.Missing {
				e.Hint = "the file imports it: write an alias for it (resolve.alias), or import " + path.Base(name) + "?init and pass what it imports"
			}
			return err
		}
	}
	v.Rev = revision(&graph.Version{Async: v.Async, Edges: v.Edges, Code: fileRevision(src.state)})
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
