package compile

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// The files whose URLs modules make by `new URL("./x.png", import.meta.url)`. They are found as those of imports are:
// by path, alias, tsconfig, "#x" or the name of a package, and without an extension.

// address returns the file that a URL means, see transform.Input. written has no fragment. missing is set when the URL
// is the specifier of a file that does not exist.
func (c *Compiler) address(ctx context.Context, src source, written string) (a transform.Addressed, missing *resolve.NotFound) {
	name, query, _ := strings.Cut(written, "?")
	if !c.mayBeFile(src, name) || moduleid.HasAny(query, "raw", "worker", "sharedworker", "init") { // the server is asked for these
		return a, nil
	}
	id, err := c.ResolveID(ctx, name, src.id, resolve.URL)
	if err != nil {
		errors.As(err, &missing)
		a.Named = name[0] == '#' || c.o.Resolver.IsAliased(name)
		return a, missing
	}
	file := c.File(id)
	if file == "" || c.o.Gate.Allowed(file) != nil {
		return a, nil
	}
	if query != "" {
		query = "?" + query
	}
	address := c.o.Gate.Address(file)
	a.Elsewhere = !c.leadsTo(src, name, address)
	a.Program = moduleid.IsScript(file) && !c.IsAsset(file) && address == c.o.Gate.FileToID(file)
	switch {
	case a.Program:
		a.Specifier = name + query
		return a, nil
	case moduleid.IsStyle(file) && !c.o.Layout.Outside(file) && !a.Elsewhere: // it is linked or fetched, which the page knows
		return transform.Addressed{}, nil
	case query != "":
		query += "&url"
	case !c.IsAsset(file) || moduleid.IsWasm(file):
		query = "?url"
	}
	if isBare(name) {
		if as, err := c.ResolveID(ctx, name, src.id, resolve.Import); err != nil || as != id {
			name = "./" + name
		}
	}
	a.Specifier = name + query
	return a, nil
}

// mayBeFile reports whether a URL may mean a file. It may also mean a folder, another site, or a route of the app.
func (c *Compiler) mayBeFile(src source, name string) bool {
	switch {
	case name == "", strings.HasSuffix(name, "/"), resolve.IsExternal(name):
		return false
	case path.Base(name) == ".", path.Base(name) == "..":
		return false
	case strings.HasPrefix(name, "."):
		return src.file != ""
	case isBare(name) && name[0] != '#':
		return strings.Contains(name, "/") || path.Ext(name) != "" // a single word is a route rather than a package
	}
	return true
}

func isBare(name string) bool { return !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "/") }

// leadsTo reports whether a browser finds a file's address where the module writes the URL.
func (c *Compiler) leadsTo(src source, name, address string) bool {
	if src.file == "" {
		return false
	}
	to, err := url.Parse(name)
	if err != nil {
		return false
	}
	base := &url.URL{Path: c.o.Layout.Base + strings.TrimPrefix(moduleid.Path(src.id), "/")}
	return base.ResolveReference(to).EscapedPath() == c.o.Layout.URL(address)
}

// addressFolder returns the folder that the beginning of a URL means, see transform.Input.
func (c *Compiler) addressFolder(src source, beginning string) (specifier, url string) {
	if src.file == "" || !strings.HasSuffix(beginning, "/") || beginning == "/" {
		return "", ""
	}
	dir, ok := c.o.Resolver.Folder(beginning, src.file)
	if !ok {
		if public := filepath.Join(c.o.Layout.Public, filepath.FromSlash(beginning)); c.o.Layout.Public == "" || beginning[0] != '/' || !isFolder(public) {
			return "", ""
		}
		return "", c.o.Layout.Base + moduleid.EscapePath(beginning[1:])
	}
	url = c.o.Layout.URL(c.o.Gate.FileToID(dir)) + "/"
	if rest, err := filepath.Rel(c.o.Layout.Root, dir); err == nil && !c.o.Layout.Outside(dir) {
		return path.Join("/", filepath.ToSlash(rest)) + "/", url
	}
	rest, err := filepath.Rel(filepath.Dir(src.file), dir)
	if err != nil { // another drive
		return "", url
	}
	return filepath.ToSlash(rest) + "/", url
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// noteAddresses has the files watched that the module's URLs miss. The terminal names those that are meant as files.
func (c *Compiler) noteAddresses(ctx context.Context, src source, out *transform.Output, v *graph.Version) {
	for _, written := range out.Addresses {
		_, missing := c.address(ctx, src, written)
		if missing == nil || written[0] == '/' || hasScheme(written) { // a path from the root may be a backend's
			continue
		}
		name, _, _ := strings.Cut(written, "?")
		file := missing.Target()
		if file == "" && src.file != "" { // not even a package: a file beside the module
			file = filepath.Join(filepath.Dir(src.file), filepath.FromSlash(name))
		}
		if file != "" {
			v.Inputs = append(v.Inputs, file) // it may be created
		}
		if slices.ContainsFunc(out.Imports, func(i transform.Import) bool { // the error of the worker's import tells it
			return edgeKind(i.Kind) == graph.Worker && strings.TrimPrefix(i.Specifier, "./") == strings.TrimPrefix(written, "./")
		}) {
			continue
		}
		if _, told := c.missed.LoadOrStore(src.id+" "+written, true); told || path.Ext(name) == "" {
			continue
		}
		text := "new URL(" + transform.Quote(written) + ", import.meta.url): there is no such file, so the URL stays as it is written"
		c.o.Logger.Warn(c.placed(&transform.Error{Text: text}, src, written).Error())
	}
}
