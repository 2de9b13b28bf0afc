package compile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// resolveImports turns the imports of the compiled code into edges. An import that leads nowhere fails the module, with
// its place in the source.
func (c *Compiler) resolveImports(ctx context.Context, src source, out *transform.Output, v *graph.Version) error {
	v.Edges = make([]graph.Edge, 0, len(out.Imports))
	if err := c.askForeign(ctx, src, out); err != nil {
		return c.placed(c.o.Problems.Convert(err), src, "")
	}
	for _, imp := range out.Imports {
		edge := graph.Edge{
			Specifier: imp.Specifier, Names: imp.Names, All: imp.All, Lazy: imp.Lazy, Kind: edgeKind(imp.Kind),
			Star: slices.Contains(out.Stars, imp.Specifier),
		}
		if imp.Lazy != nil {
			v.Lazy = true
			v.Edges = append(v.Edges, edge)
			continue
		}
		kind := importKind(src, out, edge.Kind)
		to, err := c.ResolveID(ctx, imp.Specifier, src.id, kind)
		var missing *resolve.NotFound
		switch {
		case err == nil:
			edge.To = to
		case errors.As(err, &missing) && missing.Optional && edge.Kind == graph.Static && out.Exports != nil:
			// What an ES module imports it needs from its start, so that the package would not run without the peer. A
			// require() throws, and its caller may expect that.
			edge.To = optionalPeerPrefix + imp.Specifier + "?importer=" + src.id
			v.Missing = true
		case errors.As(err, &missing) && (moduleid.IsDependency(src.file) || edge.Kind == graph.Dynamic):
			// A package may name optional peers that it does not need here, and a dynamic import may never run: such an
			// import fails where it is evaluated, not the module around it.
			c.o.Logger.Debug("unresolved import", "pkg", "compile", "specifier", imp.Specifier, "importer", src.id)
			if moduleid.IsDependency(src.file) {
				v.Lacks = append(v.Lacks, graph.Lack{Specifier: imp.Specifier, Kind: uint8(kind)})
			} else {
				v.Missing = true
				c.watchMissing(missing, v)
			}
		case errors.As(err, &missing):
			v.Missing = true
			c.watchMissing(missing, v)
			return c.placed(&transform.Error{ID: src.id, Text: missing.Error(), Hint: missing.Hint}, src, imp.Specifier)
		default:
			return c.placed(c.o.Problems.Convert(err), src, imp.Specifier)
		}
		v.Edges = append(v.Edges, edge)
	}
	return nil
}

// Arrived returns the modules that lacked something which is on disk now.
func (c *Compiler) Arrived(ctx context.Context, lacking map[string][]graph.Lack) (ids []string) {
	find := c.o.Resolver.Afresh()
	reset := false
	for id, lacks := range lacking {
		for _, l := range lacks {
			kind := resolve.Kind(l.Kind)
			if l.Lazy {
				kind = resolve.Import // as Resolve asks
			}
			if _, err := find(kind, l.Specifier, c.File(id)); err != nil {
				continue
			}
			if !reset {
				c.o.Resolver.Reset() // it remembers folders without what has arrived
				reset = true
			}
			if _, err := c.ResolveID(ctx, l.Specifier, id, kind); err == nil { // plugins have a say, too
				ids = append(ids, id)
				break
			}
		}
	}
	return ids
}

// watchMissing has the folder of a missing file outside the root watched, so that the creation of the file is seen.
func (c *Compiler) watchMissing(missing *resolve.NotFound, v *graph.Version) {
	file := missing.Target()
	if file == "" || !c.o.Layout.Outside(file) {
		return
	}
	if _, err := os.Stat(filepath.Dir(file)); err == nil {
		v.Inputs = append(v.Inputs, file)
	}
}

// importKind returns what kind of import the resolver is asked for: packages may have other files for require() in
// CommonJS than for import.
func importKind(src source, out *transform.Output, kind graph.Kind) resolve.Kind {
	switch {
	case kind == graph.Worker, kind == graph.Address:
		return resolve.URL
	case kind == graph.Static && out.Exports == nil && moduleid.IsDependency(src.file):
		return resolve.Require
	default:
		return resolve.Import
	}
}

func edgeKind(k transform.ImportKind) graph.Kind {
	switch k {
	case transform.Dynamic:
		return graph.Dynamic
	case transform.Worker, transform.SharedWorker:
		return graph.Worker
	case transform.Address:
		return graph.Address
	default:
		return graph.Static
	}
}

// placed adds the specifier's place in the source to an error that has none.
func (c *Compiler) placed(e *transform.Error, src source, spec string) *transform.Error {
	if e.File != "" && e.Line > 0 {
		return e
	}
	e.ID, e.File = src.id, c.o.Layout.Shown(src.file)
	for _, q := range []string{`"`, `'`, "`"} {
		at := strings.Index(src.code, q+spec+q)
		if at < 0 { // "worker.js" in a new URL() is "./worker.js"
			at = strings.Index(src.code, q+strings.TrimPrefix(spec, "./")+q)
		}
		if at >= 0 {
			before := src.code[:at]
			e.Line = strings.Count(before, "\n") + 1
			e.Column = at - strings.LastIndexByte(before, '\n') // 1-based
			e.Frame = transform.CodeFrame(src.code, e.Line, e.Column)
			break
		}
	}
	return c.atSource(e, c.madeFrom(context.Background(), src, src.made))
}
