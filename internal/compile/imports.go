package server

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// resolveImports turns the imports that the compiler found into edges. One that leads nowhere fails the module, with
// the place where it is written.
func (p *project) resolveImports(ctx context.Context, src source, out *transform.Output, v *graph.Version) error {
	v.Edges = make([]graph.Edge, 0, len(out.Imports))
	for _, imp := range out.Imports {
		edge := graph.Edge{Specifier: imp.Specifier, Names: imp.Names, All: imp.All, Lazy: imp.Lazy, Kind: edgeKind(imp.Kind), Star: slices.Contains(out.Stars, imp.Specifier)}
		if imp.Lazy != nil {
			v.Lazy = true
			v.Edges = append(v.Edges, edge)
			continue
		}
		to, err := p.resolveID(ctx, imp.Specifier, src.id, importKind(src, out, edge.Kind))
		var missing *resolve.NotFound
		switch {
		case err == nil:
			edge.To = to
		case errors.As(err, &missing) && (moduleid.IsDependency(src.file) || edge.Kind == graph.Dynamic):
			// A package may name what it does not need here (optional peers), and a dynamic import may never run:
			// such an import fails where it is evaluated, not the module around it.
			p.log.Debug("unresolved import", "pkg", "server", "specifier", imp.Specifier, "importer", src.id)
			v.Missing = true
		case errors.As(err, &missing):
			v.Missing = true
			return p.missingError(src, imp.Specifier, missing)
		default:
			return placed(p.problems.Convert(err), src, imp.Specifier, p)
		}
		v.Edges = append(v.Edges, edge)
	}
	return nil
}

// importKind tells the resolver who asks: packages answer require() in CommonJS with other files than import.
func importKind(src source, out *transform.Output, kind graph.Kind) resolve.Kind {
	switch {
	case kind == graph.Worker:
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
	default:
		return graph.Static
	}
}

func (p *project) missingError(src source, spec string, missing *resolve.NotFound) error {
	e := &transform.Error{ID: src.id, Text: missing.Error(), Hint: missing.Hint}
	return placed(e, src, spec, p)
}

// placed adds to an error where in the source its specifier is written.
func placed(e *transform.Error, src source, spec string, p *project) *transform.Error {
	if e.File != "" && e.Line > 0 {
		return e
	}
	e.ID, e.File = src.id, p.layout.Shown(src.file)
	for _, q := range []string{`"`, `'`, "`"} {
		if at := strings.Index(src.code, q+spec+q); at >= 0 {
			before := src.code[:at]
			e.Line = strings.Count(before, "\n") + 1
			e.Column = at - strings.LastIndexByte(before, '\n') // 1-based
			e.Frame = transform.CodeFrame(src.code, e.Line, e.Column)
			break
		}
	}
	return e
}
