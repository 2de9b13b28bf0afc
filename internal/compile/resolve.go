package server

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/plugin"
)

// Resolve implements graph.Loader: it follows a lazy re-export of a barrel.
func (p *project) Resolve(ctx context.Context, specifier, importer string) (string, error) {
	return p.resolveID(ctx, specifier, importer, resolve.Import) // only ES modules have lazy re-exports
}

// resolveID turns the specifier in importer's source into a module ID: plugins first, then the resolver.
func (p *project) resolveID(ctx context.Context, specifier, importer string, kind resolve.Kind) (string, error) {
	answer, err := p.plugins.ResolveID(ctx, plugin.ResolveArgs{Specifier: specifier, Importer: importer})
	if err != nil {
		return "", err
	}
	if answer != nil {
		return answer.ID, nil
	}
	file := p.File(importer)
	if file == "" {
		file = filepath.Join(p.layout.Root, "index.html") // virtual modules import as the root does
	}
	r, err := p.resolver.ResolveKind(kind, specifier, file)
	if err != nil && (specifier == "devserver/client" || specifier == "devserver/react") {
		return libraryPrefix + strings.TrimPrefix(specifier, "devserver/"), nil
	}
	if err != nil {
		return "", err
	}
	return p.idOf(r), nil
}

func (p *project) idOf(r resolve.Resolved) string {
	switch {
	case r.Builtin != "":
		return nodeBuiltinPrefix + r.Builtin
	case r.Empty:
		return emptyID
	case r.External && !r.Public:
		return r.URL
	}
	id := p.gate.FileToID(r.File)
	if r.Query != "" {
		id += "?" + r.Query
	}
	p.gate.Permit(r.File)
	return id
}

// libraryPrefix begins the IDs of the library for app code, which comes with devserver where the project has not
// installed it.
const libraryPrefix = "/@devserver/library/"

const (
	emptyID           = "/@devserver/empty"
	nodeBuiltinPrefix = "/@devserver/node/"
)

// File returns the path on disk of a module, "" for a virtual one. It implements graph.Loader.
func (p *project) File(id string) string {
	file, _ := p.gate.IDToFile(moduleid.Name(id))
	return file
}
