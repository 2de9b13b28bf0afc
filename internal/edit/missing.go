package server

import (
	"net/http"
	"net/url"
	"path"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/transform"
	"github.com/seed-b8174343/devserver/internal/watch"
)

// Scripts that pages name and that do not exist. The browser says no more of them than 404, and only in its console.

// noteAbsent shows the error of a page's module script that does not exist, until the file is there or the page is edited.
func (p *project) noteAbsent(r *http.Request) {
	if r.Header.Get("Sec-Fetch-Dest") != "script" || r.Header.Get("Sec-Fetch-Mode") != "cors" || r.Header.Get("Sec-Fetch-Site") != "same-origin" {
		return // no module of a page of ours
	}
	if by, err := url.Parse(r.Referer()); err == nil && by.Path == path.Join(p.layout.Base, clientPath) {
		return // an import() of an address that was put together: who asked is told, and may have expected it
	}
	below, _ := p.layout.Below(r.URL.Path)
	id := path.Clean("/" + below)
	file := p.File(id)
	if file == "" || p.gate.Allowed(file) != nil {
		return
	}
	switch path.Ext(id) {
	case ".js", ".mjs", ".ts", ".mts", ".jsx", ".tsx":
	default:
		return
	}
	p.absent.Store(file, id)
	p.entered.Store(id, true)
	p.problems.Add(id, &transform.Error{ID: id, File: p.layout.Shown(file), Text: "the page has a script that does not exist", Hint: "create the file, or mend the src in the page"})
	p.problems.Publish()
}

// cameAtLast reloads the pages that asked for the changed file in vain.
func (p *project) cameAtLast(c watch.Change) {
	if c.Kind == watch.Removed {
		return
	}
	if id, absent := p.absent.LoadAndDelete(c.Path); absent {
		p.problems.Clear(id.(string))
		p.publishChange(&hmr.FullReload{Path: "*", TriggeredBy: id.(string), Reason: p.layout.Shown(c.Path) + " is there now"})
	}
}

// forgetAbsent drops all of them: an edited page may name others.
func (p *project) forgetAbsent() {
	p.absent.Range(func(file, id any) bool {
		p.absent.Delete(file)
		p.problems.Clear(id.(string))
		return true
	})
}
