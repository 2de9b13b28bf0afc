package compile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/transform"
	"github.com/seed-b8174343/devserver/internal/vite"
	"github.com/seed-b8174343/devserver/plugin"
)

// Resolve implements graph.Loader: it follows a lazy re-export of a barrel.
func (c *Compiler) Resolve(ctx context.Context, specifier, importer string) (string, error) {
	return c.ResolveID(ctx, specifier, importer, resolve.Import) // only ES modules have lazy re-exports
}

// ResolveID turns the specifier in importer's source into a module ID: plugins first, then the resolver.
func (c *Compiler) ResolveID(ctx context.Context, specifier, importer string, kind resolve.Kind) (string, error) {
	if specifier == path.Join(c.o.Layout.Base, moduleid.Client) { // so Vite names its client in what it makes of a style
		return moduleid.Client, nil
	}
	answer, err := c.o.Plugins.ResolveID(ctx, plugin.ResolveArgs{Specifier: specifier, Importer: importer})
	if err != nil {
		return "", err
	}
	if answer != nil {
		if to := c.File(answer.ID); to != "" {
			c.o.Gate.Permit(importer, "", to)
		}
		return answer.ID, nil
	}
	if id, err := c.foreignImport(ctx, specifier, importer, kind, false); id != "" || err != nil {
		return id, err
	}
	file := cmp.Or(c.File(importer), vite.Place(importer))
	if file == "" {
		file = filepath.Join(c.o.Layout.Root, "index.html") // virtual modules import like the root's own files
	}
	r, err := c.o.Resolver.ResolveKind(kind, specifier, file)
	if err != nil {
		if id, failed := c.foreignImport(ctx, specifier, importer, kind, true); id != "" || failed != nil {
			return id, failed
		}
	}
	if err != nil && (specifier == "devserver/client" || specifier == "devserver/react") {
		return libraryPrefix + strings.TrimPrefix(specifier, "devserver/"), nil
	}
	if err != nil {
		return "", err
	}
	if r.Public && (kind == resolve.Import || kind == resolve.Require) && !c.isWhole(r) {
		return "", &transform.Error{
			Text: fmt.Sprintf("%q is in the public folder, whose files are served as they are and are no modules", specifier),
			Hint: fmt.Sprintf("import %q for its URL, or move the file out of the public folder", r.URL+"?url"),
		}
	}
	return c.idOf(r, importer, file), nil
}

// isWhole reports whether an import takes the file as it is.
func (c *Compiler) isWhole(r resolve.Resolved) bool {
	return c.IsAsset(r.File) || moduleid.HasAny(r.Query, "url", "raw", "inline", "worker", "sharedworker")
}

// Meaning returns what an import of specifier in the module importer means, nil when it leads nowhere.
func (c *Compiler) Meaning(ctx context.Context, specifier, importer string) (*plugin.Resolved, error) {
	id, err := c.ResolveID(ctx, specifier, importer, resolve.Import)
	if _, missing := errors.AsType[*resolve.NotFound](err); missing {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &plugin.Resolved{ID: id, File: c.File(id), External: resolve.IsExternal(id)}, nil
}

// idOf returns the ID of what the module imports, and permits reading it. from is the file with the import.
func (c *Compiler) idOf(r resolve.Resolved, module, from string) string {
	switch {
	case r.Builtin != "":
		return nodeBuiltinPrefix + r.Builtin + "?importer=" + module
	case r.Empty:
		return emptyID
	case r.External && !r.Public:
		return r.URL
	}
	c.permit(r, module, from) // loading the module reports a refusal
	return moduleid.WithQuery(c.o.Gate.FileToID(r.File), r.Query)
}

// permit allows reading the file that an import in from, a part of the module, leads to.
func (c *Compiler) permit(r resolve.Resolved, module, from string) {
	file := r.File
	if config.IsOn(c.o.Config.Resolve.PreserveSymlinks) { // the file has the link's path, and the gate asks for the real path
		if real, err := filepath.EvalSymlinks(file); err == nil {
			file = real
		}
	}
	if !r.Path || file != r.File && moduleid.IsDependency(r.File) { // a linked package may lie anywhere
		from = ""
	}
	if r.Strays != "" { // nobody has chosen where that leads but the code of the packages
		from = filepath.Join(r.Strays, "package.json")
	}
	c.o.Gate.Permit(module, from, file)
}

// File returns the path on disk of a module, "" for a virtual one. It implements graph.Loader.
func (c *Compiler) File(id string) string {
	file, _ := c.o.Gate.IDToFile(id)
	return file
}
