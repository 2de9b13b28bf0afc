package vite

import (
	"context"
	"strings"
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
	var made struct {
		HTML string `json:"html"`
	}
	params := struct {
		Stage string `json:"stage"`
		Page
	}{stage, page}
	err := h.call(ctx, "viteHTML", params, &made)
	return made.HTML, err
}

// Claims returns the module that plugins have at a URL, as an import of the URL would mean it.
func (h *Host) Claims(ctx context.Context, url string) (id string, ok bool) {
	if h == nil {
		return "", false
	}
	for _, late := range []bool{false, true} {
		if found, err := h.Import(ctx, url, "", late); err == nil && found != nil && !found.External {
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
