package vite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-b8174343/devserver/internal/cache"
	"github.com/seed-b8174343/devserver/internal/moduleid"
)

// Page is a page that plugins may change.
type Page struct {
	// Path is the page's path below the base, and File its file. URL is what the browser asked for.
	Path string `json:"path"`
	File string `json:"file"`
	URL  string `json:"originalUrl"`
	HTML string `json:"html"`
}

// HTML returns the page with what plugins make of it. Those that ask for it come first, before the server's own work on
// the page, and the rest comes after.
func (h *Host) HTML(ctx context.Context, first bool, page Page) (string, error) {
	if h == nil || first && !h.o.Info.HTML.Pre || !first && !h.o.Info.HTML.Rest {
		return page.HTML, nil
	}
	stage := "rest"
	if first {
		stage = "pre"
	}
	if made, ok := h.pageKept(stage, page); ok {
		return made, nil
	}
	return h.page(ctx, stage, page)
}

// page has plugins change a page.
func (h *Host) page(ctx context.Context, stage string, page Page) (string, error) {
	var made struct {
		HTML string `json:"html"`
	}
	params := struct {
		Stage string `json:"stage"`
		Page
	}{stage, page}
	if err := h.callAbout(ctx, page.Path, "viteHTML", params, &made); err != nil {
		return "", err
	}
	h.o.Cache.Put(h.keyOfPage(stage, page), []byte(made.HTML))
	return made.HTML, nil
}

// pageKept is page by what was answered in an earlier run.
func (h *Host) pageKept(stage string, page Page) (string, bool) {
	if h.o.Cache == nil || h.again.isOver() {
		return "", false
	}
	made, ok := h.o.Cache.Get(h.keyOfPage(stage, page))
	if !ok {
		return "", false
	}
	h.again.note(h, "page "+stage+" "+page.URL, func(it *item) {
		it.page = func(ctx context.Context) (bool, error) {
			now, err := h.page(ctx, stage, page)
			if errors.Is(err, ErrDown) || err == nil && now == string(made) {
				return false, err
			}
			if h.o.RedoPage != nil {
				h.o.RedoPage(page.File)
			}
			return false, nil
		}
	})
	return string(made), true
}

func (h *Host) keyOfPage(stage string, page Page) cache.Key {
	return h.keyOf("page", strings.Join([]string{stage, page.Path, page.File, page.URL, page.HTML}, "\n"))
}

// Claims returns the module that plugins have at a URL, as an import of the URL would mean it.
func (h *Host) Claims(ctx context.Context, url string) (id string, ok bool) {
	if h == nil {
		return "", false
	}
	for _, late := range []bool{false, true} {
		if found, err := h.Import(ctx, url, "", late); err == nil && found != nil && !found.External {
			h.permitInstalled(found.ID)
			return found.ID, true
		}
	}
	id = url
	if strings.HasPrefix(url, "/") {
		id = opaque + url // it is no path of a file
	}
	made, err := h.Transform(ctx, id)
	return id, made != nil || err != nil // loading the module reports the error
}

// permitInstalled allows reading the file that a URL means, when it is installed with the plugins: they bring code for
// pages, which may be linked from anywhere. Who asks may have put the URL together, so no other file is allowed.
func (h *Host) permitInstalled(id string) {
	file, err := filepath.EvalSymlinks(h.fileOf(id))
	if err != nil || !moduleid.IsDependency(file) {
		return
	}
	for _, from := range h.installed() {
		h.o.Gate.Permit(opaque+id, from, file)
	}
}

// findInstalled returns a file of each installed package that the vite.config imports.
func (h *Host) findInstalled() (files []string) {
	for name := range h.o.Info.Packages {
		for dir := filepath.FromSlash(h.o.Info.Root); ; dir = filepath.Dir(dir) {
			file, err := filepath.EvalSymlinks(filepath.Join(dir, "node_modules", filepath.FromSlash(name), "package.json"))
			if err == nil && moduleid.IsDependency(file) {
				files = append(files, file)
			}
			if !os.IsNotExist(err) || dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return files
}
