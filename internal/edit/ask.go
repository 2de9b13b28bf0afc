package edit

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed-b8174343/devserver/internal/compile"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// What plugins ask about modules.

// Resolve returns what an import of specifier in the module importer means, nil when it leads nowhere.
func (u *Updater) Resolve(ctx context.Context, specifier, importer string) (*plugin.Resolved, error) {
	return u.o.Compiler.Meaning(ctx, specifier, importer)
}

// Load loads a module, unless it is loaded, and describes it. waiting is the module whose loading waits for it, "" for
// none; ctx has the steps of that.
func (u *Updater) Load(ctx context.Context, waiting, id string) (*plugin.ModuleInfo, error) {
	v, err := u.o.Graph.LoadFor(ctx, waiting, id)
	if err != nil {
		return nil, err
	}
	fresh := v
	if compile.Stale(u.o.Compiler.File(id), v) {
		// An edit compiles the module, now or in a moment. It must find the old version in the graph, so that pages get
		// the difference.
		if slices.Contains(wire.Steps(ctx), wire.Step{ID: id}) {
			return nil, fmt.Errorf("load %q: it is being loaded, and would wait for itself", id)
		}
		fresh = u.o.Compiler.Load(ctx, id)
	}
	if fresh.Err != nil {
		return nil, fresh.Err
	}
	if fresh == v {
		return u.Info(id), nil
	}
	e := graph.Entry{ID: id, Version: fresh}
	for _, edge := range fresh.Edges {
		if edge.To != "" {
			e.Deps = append(e.Deps, graph.Dep{ID: edge.To, Kind: edge.Kind})
		}
	}
	return u.describe(e), nil
}

// Info describes a module, nil when the module is not loaded.
func (u *Updater) Info(id string) *plugin.ModuleInfo {
	e, ok := u.o.Graph.Entry(id)
	if !ok {
		return nil
	}
	return u.describe(e)
}

func (u *Updater) describe(e graph.Entry) *plugin.ModuleInfo {
	info := &plugin.ModuleInfo{
		ID: e.ID, File: u.o.Compiler.File(e.ID), Importers: u.o.Graph.Importers(e.ID), Exports: compile.Exports(e.Version),
	}
	for _, d := range e.Deps {
		switch to := &info.Imports; d.Kind {
		case graph.Dynamic:
			to = &info.DynamicImports
			fallthrough
		case graph.Static:
			if !slices.Contains(*to, d.ID) {
				*to = append(*to, d.ID)
			}
		}
	}
	return info
}
