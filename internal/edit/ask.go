package edit

import (
	"context"
	"slices"

	"github.com/seed-b8174343/devserver/internal/compile"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/plugin"
)

// What plugins ask about modules.

// Resolve returns what an import of specifier in the module importer means, nil when it leads nowhere.
func (u *Updater) Resolve(ctx context.Context, specifier, importer string) (*plugin.Resolved, error) {
	return u.o.Compiler.Meaning(ctx, specifier, importer)
}

// Load loads a module, unless it is loaded, and describes it. waiting is the module whose loading waits for it, "" for
// none.
func (u *Updater) Load(ctx context.Context, waiting, id string) (*plugin.ModuleInfo, error) {
	v, err := u.o.Graph.LoadFor(ctx, waiting, id)
	if err != nil {
		return nil, err
	}
	u.WatchModule(id) // a crawl watches only what it has loaded itself
	if v.Err != nil {
		return nil, v.Err
	}
	return u.Info(id), nil
}

// Info describes a module, nil when the module is not loaded.
func (u *Updater) Info(id string) *plugin.ModuleInfo {
	e, ok := u.o.Graph.Entry(id)
	if !ok {
		return nil
	}
	info := &plugin.ModuleInfo{
		ID: id, File: u.o.Compiler.File(id), Importers: u.o.Graph.Importers(id), Exports: compile.Exports(e.Version),
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
