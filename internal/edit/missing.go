package edit

import (
	"net/http"
	"net/url"
	"path"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/journal"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/transform"
	"github.com/seed-b8174343/devserver/internal/watch"
)

// Scripts that pages name and that do not exist. The browser reports no more than 404, and only in its console.

// NoteMissing shows the error of a page's module script that does not exist, until the file exists or the page is
// edited. nameless means that the script's URL can be no file's, also when a file has that name.
func (u *Updater) NoteMissing(r *http.Request, nameless bool) {
	if r.Header.Get("Sec-Fetch-Dest") != "script" || r.Header.Get("Sec-Fetch-Mode") != "cors" || r.Header.Get("Sec-Fetch-Site") != "same-origin" {
		return // not a module of a page of ours
	}
	if by, err := url.Parse(r.Referer()); err == nil && by.Path == path.Join(u.o.Layout.Base, moduleid.Client) {
		return // an import() of an address that was put together: the caller gets the error, and may have expected it
	}
	below, _ := u.o.Layout.Below(r.URL.Path)
	id := moduleid.OfPath(path.Clean("/" + below))
	file := u.o.Compiler.File(id)
	if file == "" || u.o.Gate.Allowed(file) != nil {
		return
	}
	switch path.Ext(id) {
	case ".js", ".mjs", ".ts", ".mts", ".jsx", ".tsx":
	default:
		return
	}
	u.missing.Store(file, id)
	u.entered.Store(id, true)
	text, hint := "the page has a script that does not exist", "create the file, or fix the src attribute"
	if nameless && disk.Stat(file) != nil {
		text = "the page has a script with a URL that is refused for every file"
		hint = "remove backslashes, control characters, double slashes and escaped slashes from the src attribute, and from the file's name"
	}
	u.o.Problems.Add(id, &transform.Error{ID: id, File: u.o.Layout.Shown(file), Text: text, Hint: hint})
	u.o.Problems.Publish()
}

// missingArrived reloads the pages that asked for the changed file in vain.
func (u *Updater) missingArrived(c watch.Change) {
	if c.Kind == watch.Removed {
		return
	}
	if id, was := u.missing.LoadAndDelete(c.Path); was {
		u.o.Problems.Clear(id.(string))
		u.recordOther(watch.Batch{c}, journal.PageEdit)
		u.publishChange(&hmr.FullReload{Module: id.(string), TriggeredBy: id.(string), Reason: u.o.Layout.Shown(c.Path) + " exists now"})
	}
}

// forgetMissing drops all missing scripts: an edited page may name others.
func (u *Updater) forgetMissing() {
	u.missing.Range(func(file, id any) bool {
		u.missing.Delete(file)
		u.o.Problems.Clear(id.(string))
		return true
	})
}
