package server

import (
	"slices"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/disk"
)

// compare answers a page that could not resume: it tells what it runs, and gets what differs.
func (p *project) compare(c *hmr.Client, page hmr.Revisions) {
	if p.cfg.Err() != nil {
		return // nothing is served before the configuration is mended
	}
	p.applying.Lock()
	defer p.applying.Unlock()
	ids := make([]string, 0, len(page.Modules))
	for id := range page.Modules {
		if p.mayServe(id) == nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	p.graph.Crawl(p.whole(), ids...)
	u := &edit{}
	for _, id := range ids {
		v := p.graph.Version(id)
		switch {
		case v == nil || v.Err != nil && disk.Stat(p.File(id)) == nil && p.File(id) != "":
			u.deleted = append(u.deleted, id)
		case v.Err != nil:
			p.problems.Add(id, p.problems.Convert(v.Err))
		case v.Rev != page.Modules[id]:
			u.changed = append(u.changed, id)
		}
	}
	u.styles = p.linked(page)
	if len(u.changed)+len(u.deleted)+len(u.styles) > 0 && !p.cfg.Server.HMR.Off {
		payload := p.payload(u.changed, p.unknownTo(page, u.changed))
		payload.Deleted, payload.CSS = u.deleted, u.styles
		if err := c.Publish(payload); err != nil {
			p.log.Debug("send comparison", "pkg", "server", "error", err)
		}
	}
	for _, payload := range p.problems.First() {
		_ = c.Publish(payload) // an error always encodes
	}
}

// linked returns the stylesheets that the page links and we serve. What it has of them nobody knows: an unchanged one
// costs a 304 and shows nothing.
func (p *project) linked(page hmr.Revisions) []string {
	var paths []string
	for _, path := range page.CSS {
		if id := path + "?direct"; p.mayServe(id) == nil && p.File(id) != "" {
			paths = append(paths, path)
		}
	}
	return paths
}

// unknownTo returns what the changed modules reach and the page does not have.
func (p *project) unknownTo(page hmr.Revisions, changed []string) []string {
	var ids []string
	for _, e := range p.graph.Closure(changed, nil) {
		if _, known := page.Modules[e.ID]; !known {
			ids = append(ids, e.ID)
		}
	}
	return ids
}
