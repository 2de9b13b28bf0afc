package vite

import (
	"path/filepath"
	"strings"

	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/moduleid"
)

// Vite names a module by the path of its file, with a query if the import had one. The server names it by its URL
// (package moduleid). Both name a module without a file as its plugin does.

// opaque begins our ID of a module whose plugin chose a name that looks like a path, such as "/@solid-refresh".
const opaque = "vite:"

// Name returns the name by which plugins know a module.
func (h *Host) Name(id string) string { return h.toVite(id) }

// toVite returns Vite's name of a module.
func (h *Host) toVite(id string) string {
	if name, ok := strings.CutPrefix(id, opaque); ok {
		return name
	}
	file, ok := h.o.Gate.IDToFile(id)
	if !ok {
		return id
	}
	file = filepath.ToSlash(file)
	if _, query, has := strings.Cut(id, "?"); has {
		return file + "?" + query
	}
	return file
}

// fromVite returns our name of a module.
func (h *Host) fromVite(name string) string {
	if !filepath.IsAbs(filepath.FromSlash(name)) {
		return name
	}
	path, query, has := strings.Cut(name, "?")
	if disk.Stat(filepath.FromSlash(path)) == nil {
		return opaque + name
	}
	id := h.o.Gate.FileToID(filepath.FromSlash(path))
	if has {
		id += "?" + query
	}
	return id
}

func (h *Host) allToVite(ids []string) []string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = h.toVite(id)
	}
	return names
}

func (h *Host) allFromVite(names []string) []string {
	ids := make([]string, len(names))
	for i, name := range names {
		ids[i] = h.fromVite(name)
	}
	return ids
}

// Place returns the path from which a module without a file imports, "" for none. Some plugins name such a module by a path
// beside the file that it belongs to.
func Place(id string) string {
	name, ok := strings.CutPrefix(id, opaque)
	if !ok || disk.Stat(filepath.Dir(filepath.FromSlash(name))) == nil {
		return ""
	}
	path, _, _ := strings.Cut(name, "?")
	return filepath.FromSlash(path)
}

// fileOf returns the file of a module, "" for none.
func (h *Host) fileOf(id string) string {
	if strings.HasPrefix(id, opaque) {
		return ""
	}
	file, _ := h.o.Gate.IDToFile(id)
	return file
}

// isInline reports whether the module is an inline script of a page.
func isInline(id string) bool { return moduleid.Has(moduleid.Query(id), "html-proxy") }

// isPart reports whether the module is a part of its file, such as a stylesheet of a component.
func isPart(id string) bool { return moduleid.Query(id) != "" }
