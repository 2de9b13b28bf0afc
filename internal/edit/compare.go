package edit

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
)

// Compare answers a page that begins a session, or could not resume its session. The page says which revisions it runs,
// and gets what differs.
func (u *Updater) Compare(c *hmr.Client, page hmr.Revisions) {
	u.applying.Lock()
	defer u.applying.Unlock()
	u.comparePage(c, page)
	if len(page.Modules)+len(page.CSS) == 0 {
		return
	}
	ids := u.Known(slices.Collect(maps.Keys(page.Modules)))
	slices.Sort(ids)
	u.crawlWorkers(ids)
	if u.o.Context.Err() != nil {
		return // what failed may have failed because the project ends; the next project compares again
	}
	var changed, gone []string
	for _, id := range ids {
		v, file := u.o.Graph.Version(id), u.o.Compiler.File(id)
		switch {
		case v == nil || v.Err != nil && file != "" && disk.Stat(file) == nil:
			gone = append(gone, id)
		case v.Err != nil:
			u.o.Problems.Add(id, u.o.Problems.Convert(v.Err))
		case v.Rev != page.Modules[id]:
			changed = append(changed, id)
		}
	}
	linked := u.linked(page)
	if len(changed)+len(gone)+len(linked) > 0 && !u.o.HMR.Off {
		update := u.o.Packer.Update(changed, u.unknownTo(page, changed))
		update.Deleted, update.CSS = gone, linked
		if err := c.Publish(update); err != nil {
			u.o.Logger.Debug("send comparison", "pkg", "edit", "error", err)
		}
	}
	for _, payload := range u.o.Problems.First() {
		_ = c.Publish(payload) // an error always encodes
	}
}

// comparePage reloads a page whose HTML file differs: the file was edited before the page had its client, or while no
// server ran.
func (u *Updater) comparePage(c *hmr.Client, page hmr.Revisions) {
	file, hasFile := u.o.Gate.IDToFile(page.Page)
	if target, denied := u.o.Gate.Resolve(u.o.Layout.URL(page.Page)); page.PageRev == "" && denied == nil {
		file = target.File // the page waits for any file at the address
	}
	if !hasFile || !moduleid.IsPage(file) || u.o.HMR.Off {
		return
	}
	text, err := u.o.Gate.ReadFile(file)
	if err != nil {
		return
	}
	u.o.Watched.NoteContent(file, text)
	told := u.isServed(file) // by reloadPages, or soon
	u.notePage(file)         // perhaps by an earlier run of the server
	if PageRev(text) == page.PageRev {
		return
	}
	reload := u.pageReload(file)
	reload.Path = "" // the page has said where it comes from
	if err := c.Publish(reload); err != nil {
		u.o.Logger.Debug("send comparison", "pkg", "edit", "error", err)
		return
	}
	if !told {
		u.PrintReload(reload.TriggeredBy + " was edited")
	}
}

// PageRev returns the revision of an HTML file with a text.
func PageRev(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

// Known loads the modules that a page has, and returns the IDs that it may ask for. Some of them are permitted only by
// an import in others, which a server that has just started knows once it has loaded the others.
func (u *Updater) Known(ids []string) (known []string) {
	for rest := ids; ; {
		found := len(known)
		rest = slices.DeleteFunc(slices.Clone(rest), func(id string) bool {
			ok := u.o.MayServe(id)
			if ok {
				known = append(known, id)
			}
			return ok
		})
		if len(known) == found {
			return known
		}
		u.o.Graph.Crawl(uninterrupted(u.inEdit()), known[found:]...)
	}
}

// crawlWorkers loads the workers that the modules start, and those that these workers start: an edit of what they run
// concerns the page.
func (u *Updater) crawlWorkers(ids []string) {
	seen := map[string]bool{"": true}
	for len(ids) > 0 {
		var started []string
		u.o.Graph.Walk(ids, func(_ *graph.Module, v *graph.Version) {
			for _, e := range v.Edges {
				if e.Kind == graph.Worker && !seen[e.To] {
					seen[e.To] = true
					started = append(started, e.To)
				}
			}
		})
		u.o.Graph.Crawl(uninterrupted(u.inEdit()), started...)
		ids = started
	}
}

// linked returns the stylesheets that the page links and the server has. Nobody knows which revision the page has of
// them: an unchanged stylesheet costs a 304 and shows nothing.
func (u *Updater) linked(page hmr.Revisions) []string {
	var paths []string
	for _, path := range page.CSS {
		if id := path + "?direct"; u.o.MayServe(id) && u.o.Compiler.File(id) != "" {
			paths = append(paths, path)
		}
	}
	return paths
}

// unknownTo returns the modules that the changed modules reach and the page does not have.
func (u *Updater) unknownTo(page hmr.Revisions, changed []string) []string {
	var ids []string
	for _, e := range u.o.Graph.Closure(changed, nil) {
		if _, known := page.Modules[e.ID]; !known {
			ids = append(ids, e.ID)
		}
	}
	return ids
}
