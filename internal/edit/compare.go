package edit

import (
	"slices"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/graph"
)

// Compare answers a page that could not resume. The page says which revisions it runs, and gets what differs.
func (u *Updater) Compare(c *hmr.Client, page hmr.Revisions) {
	u.applying.Lock()
	defer u.applying.Unlock()
	ids := make([]string, 0, len(page.Modules))
	for id := range page.Modules {
		if u.o.MayServe(id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	u.o.Graph.Crawl(u.uninterrupted(), ids...)
	u.crawlWorkers(ids)
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
		u.watchModules(u.o.Graph.Crawl(u.uninterrupted(), started...))
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
