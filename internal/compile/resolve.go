package compile

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/plugin"
)

// Resolve implements graph.Loader: it follows a lazy re-export of a barrel.
func (c *Compiler) Resolve(ctx context.Context, specifier, importer string) (string, error) {
	return c.ResolveID(ctx, specifier, importer, resolve.Import) // only ES modules have lazy re-exports
}

// ResolveID turns the specifier in importer's source into a module ID: plugins first, then the resolver.
func (c *Compiler) ResolveID(ctx context.Context, specifier, importer string, kind resolve.Kind) (string, error) {
	answer, err := c.o.Plugins.ResolveID(ctx, plugin.ResolveArgs{Specifier: specifier, Importer: importer})
	if err != nil {
		return "", err
	}
	if answer != nil {
		return answer.ID, nil
	}
	file := c.File(importer)
	if file == "" {
		file = filepath.Join(c.o.Layout.Root, "index.html") // virtual modules import like the root's own files
	}
	r, err := c.o.Resolver.ResolveKind(kind, specifier, file)
	if err != nil && (specifier == "devserver/client" || specifier == "devserver/react") {
		return libraryPrefix + strings.TrimPrefix(specifier, "devserver/"), nil
	}
	if err != nil {
		return "", err
	}
	return c.idOf(r), nil
}

func (c *Compiler) idOf(r resolve.Resolved) string {
	switch {
	case r.Builtin != "":
		return nodeBuiltinPrefix + r.Builtin
	case r.Empty:
		return emptyID
	case r.External && !r.Public:
		return r.URL
	}
	id := c.o.Gate.FileToID(r.File)
	if r.Query != "" {
		id += "?" + r.Query
	}
	c.o.Gate.Permit(r.File)
	return id
}

// File returns the path on disk of a module, "" for a virtual one. It implements graph.Loader.
func (c *Compiler) File(id string) string {
	file, _ := c.o.Gate.IDToFile(id)
	return file
}
