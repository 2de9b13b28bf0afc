package plugin

import (
	"context"

	"github.com/seed-b8174343/devserver/internal/wire"
)

// Resolved is what an import means.
type Resolved struct {
	// ID is the module's ID. File is its path on disk, "" for a module without a file.
	ID   string `json:"id"`
	File string `json:"file,omitempty"`
	// External says that the browser itself loads the module: its ID is the URL of another server, or a data: URL.
	External bool `json:"external,omitempty"`
}

// ModuleInfo describes a loaded module.
type ModuleInfo struct {
	// ID is the module's ID. File is its path on disk, "" for a module without a file.
	ID   string `json:"id"`
	File string `json:"file,omitempty"`
	// Importers are the IDs of the modules that import the module.
	Importers []string `json:"importers,omitempty"`
	// Imports are the IDs of the modules that the module imports and requires, DynamicImports those of its import()
	// calls. An import that leads nowhere is missing here.
	Imports        []string `json:"imports,omitempty"`
	DynamicImports []string `json:"dynamicImports,omitempty"`
	// Exports are the names that the module itself exports, without those of "export *". It is empty for CommonJS and
	// for stylesheets.
	Exports []string `json:"exports,omitempty"`
}

// ask calls a method of the server for a hook or a handler.
func (c *child) ask(ctx context.Context, method string, params, result any) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	return ofServer(c.conn.Call(ctx, method, params, result))
}

func (c *child) ModuleInfo(id string) (info *ModuleInfo, err error) {
	err = c.call("moduleInfo", id, &info)
	return info, err
}

func (c *child) Resolve(ctx context.Context, specifier, importer string) (r *Resolved, err error) {
	err = c.ask(ctx, "resolve", wire.ResolveCall{Specifier: specifier, Importer: importer}, &r)
	return r, err
}

func (c *child) Load(ctx context.Context, id string) (info *ModuleInfo, err error) {
	err = c.ask(ctx, "load", id, &info)
	return info, err
}

func (c *child) WaitForModules(ctx context.Context) error {
	return c.ask(ctx, "waitForModules", nil, nil)
}
