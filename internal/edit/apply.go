package server

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/watch"
	"github.com/seed-b8174343/devserver/plugin"
)

// This file is the life of one edit on the server. apply and update list its steps, which stand below them in that order.
// Which modules may differ is told by affected.go. What holds back half-written files is in unfinished.go, the code that an
// update carries in updatecode.go, what the terminal prints of it in report.go, and what a page gets that has missed
// updates in compare.go.

// edit is what became of a batch of changed files on its way to the pages.
type edit struct {
	changes watch.Batch
	ids     []string // modules that may differ
	emptied []string // modules whose file, or one that they are made from, is empty now: perhaps half of a save
	changed []string // modules that do differ
	deleted []string // modules whose file is gone
	styles  []string // linked stylesheets that differ
	fresh   []string // modules that were never loaded before
}

// follow takes the watcher's batches until the project closes.
func (p *project) follow() {
	var look <-chan time.Time // nil while no page waits for a package: an idle server has no timer
	for {
		changes := p.watcher.Changes()
		paused, pauseChanged := p.server.pauses.state()
		if paused {
			changes = nil // the watcher gathers them
		}
		select {
		case <-p.ctx.Done():
			return
		case <-pauseChanged:
		case <-p.problems.Added():
		case <-look:
			look = nil
			if p.waitsForInstall() {
				p.noticeInstalls()
			}
		case batch, ok := <-changes:
			if !ok {
				return
			}
			p.apply(batch)
		}
		if look == nil && p.waitsForInstall() {
			look = time.After(installLook)
		}
	}
}

// apply brings the graph up to date with the changed files and tells the pages. Batches are applied one at a time.
func (p *project) apply(batch watch.Batch) {
	p.applying.Lock()
	defer p.applying.Unlock()
	if p.ctx.Err() != nil {
		return
	}
	e := &edit{changes: batch}
	if p.elsewhere(e) {
		return
	}
	p.forget(e)
	p.stampAssets(e)
	p.affected(e)
	p.update(e)
	p.reloadPages(e)
}

// applyModules is apply for modules whose content changed without a file.
func (p *project) applyModules(ids ...string) {
	p.applying.Lock()
	defer p.applying.Unlock()
	p.update(&edit{ids: ids})
}

// update is the part of apply that follows once it is known which modules may differ.
func (p *project) update(e *edit) {
	p.reload(e, false)
	p.awaitRest(e)
	p.crawlNew(e)
	p.awaitNew(e)
	p.askPlugins(e)
	p.publish(e)
}

// elsewhere tells whether others follow the edit, and starts them: it is one of the configuration, or of the plugins' Go
// code alone.
func (p *project) elsewhere(e *edit) bool {
	return p.restartIfConfigured(e.changes) || p.goChanged(e)
}

// restartIfConfigured starts over when one of the changed files is one that the project was configured from.
func (p *project) restartIfConfigured(changes watch.Batch) bool {
	for _, c := range changes {
		if !p.configFiles[c.Path] || !p.contentChanged(c.Path) {
			continue
		}
		reason := p.layout.Shown(c.Path) + " changed"
		p.server.background.Go(func() { // not a task of the project: the restart waits for those
			if err := p.server.Restart(reason); err != nil {
				p.problems.Report(p.problems.Convert(err))
			}
		})
		return true
	}
	return false
}

// reload compiles the modules that may differ and keeps those that do. A file that became empty is left for later unless
// this is final: taking it for what the user wrote would empty the page.
func (p *project) reload(e *edit, final bool) {
	results := make([]reloaded, len(e.ids))
	parallel(len(e.ids), func(i int) { results[i] = p.reloadModule(e, e.ids[i], final) })
	for _, r := range results {
		switch {
		case r.gone:
			e.deleted = append(e.deleted, r.id)
		case r.emptied:
			e.emptied = append(e.emptied, r.id)
		case r.now.Err != nil:
			p.problems.Add(r.id, p.problems.Convert(r.now.Err))
		case p.problems.Clear(r.id), r.before == nil, r.before.Rev != r.now.Rev:
			if moduleid.Has(moduleid.Query(r.id), "direct") {
				e.styles = append(e.styles, r.id)
			} else {
				e.changed = append(e.changed, r.id)
			}
		}
	}
	p.unlink(e)
}

// reloaded is what came of compiling a module again: its versions now and before, unless its file is gone or empty.
type reloaded struct {
	id            string
	now, before   *graph.Version
	gone, emptied bool
}

func (p *project) reloadModule(e *edit, id string, final bool) reloaded {
	if file := p.File(id); file != "" && disk.Stat(file) == nil && p.graph.Version(id) != nil {
		return reloaded{id: id, gone: true}
	}
	ctx := p.ctx
	if !final {
		if p.inputEmptied(e, id) {
			return reloaded{id: id, emptied: true}
		}
		ctx = context.WithValue(ctx, holdEmpty{}, true)
	}
	good := p.graph.Good(id)
	now, before := p.graph.Reload(ctx, id)
	if before != nil && errors.Is(before.Err, errEmptied) {
		before = good // no page has seen it empty
	}
	return reloaded{id: id, now: now, before: before, emptied: errors.Is(now.Err, errEmptied)}
}

// unlink forgets deleted modules and compiles their importers again, whose imports now lead elsewhere or nowhere.
func (p *project) unlink(e *edit) {
	var importers []string
	for _, id := range e.deleted {
		importers = append(importers, p.graph.Importers(id)...)
		p.graph.Remove(id)
		p.problems.Clear(id)
	}
	for _, id := range unique(importers) {
		if slices.Contains(e.changed, id) || slices.Contains(e.deleted, id) {
			continue
		}
		now, before := p.graph.Reload(p.ctx, id)
		switch {
		case now.Err != nil:
			p.problems.Add(id, p.problems.Convert(now.Err))
		case before == nil || before.Rev != now.Rev:
			e.changed = append(e.changed, id)
		}
	}
}

// crawlNew loads what the changed modules import now and did not before.
func (p *project) crawlNew(e *edit) {
	if len(e.changed) == 0 {
		return
	}
	e.fresh = unique(append(e.fresh, p.graph.Crawl(p.whole(), e.changed...)...))
	e.fresh = slices.DeleteFunc(e.fresh, func(id string) bool { return slices.Contains(e.changed, id) })
	for _, id := range e.fresh {
		if v := p.graph.Version(id); v != nil && v.Err != nil {
			p.problems.Add(id, p.problems.Convert(v.Err))
		}
		p.watchModule(id)
	}
}

// askPlugins lets plugins narrow the changed modules, or handle the change themselves.
func (p *project) askPlugins(e *edit) {
	if !p.plugins.WantsHotUpdate() {
		return
	}
	for _, c := range e.changes {
		of := p.graph.ByFile(c.Path)
		mine := slices.DeleteFunc(slices.Clone(e.changed), func(id string) bool { return p.File(id) != c.Path && !slices.Contains(of, id) })
		answer, err := p.plugins.HotUpdate(p.ctx, plugin.HotUpdateArgs{Kind: c.Kind.String(), File: c.Path, Modules: mine, Timestamp: p.now().UnixMilli()})
		if err != nil {
			p.problems.Report(p.problems.Convert(err))
		} else if answer != nil {
			p.replace(e, mine, answer.Modules)
		}
	}
}

// replace puts the modules that plugins chose in the place of those of one file.
func (p *project) replace(e *edit, mine, chosen []string) {
	e.changed = slices.DeleteFunc(e.changed, func(id string) bool { return slices.Contains(mine, id) && !slices.Contains(chosen, id) })
	for _, id := range chosen {
		if !slices.Contains(e.changed, id) {
			p.graph.Reload(p.ctx, id)
			e.changed = append(e.changed, id)
		}
	}
	p.crawlNew(e) // what the modules import that were added
}

// publish sends one update with the code of all that changed, and the errors that stand.
func (p *project) publish(e *edit) {
	if len(e.changed)+len(e.deleted)+len(e.styles) > 0 {
		u := p.payload(e.changed, e.fresh)
		u.Deleted = e.deleted
		for _, id := range e.styles {
			u.CSS = append(u.CSS, strings.TrimSuffix(strings.TrimSuffix(id, "direct"), "?"))
		}
		p.publishChange(u)
		p.tell(e)
	}
	p.problems.Publish()
}

// publishChange sends what changes pages, and tells whether it did: with `hmr: false` they are left as they are.
func (p *project) publishChange(payload hmr.Payload) bool {
	if p.cfg.Server.HMR.Off {
		return false
	}
	if err := p.server.hub.Publish(payload); err != nil {
		p.log.Error("send update", "error", err)
		return false
	}
	return true
}

// reloadPages reloads the pages whose HTML changed; an HTML file is never hot.
func (p *project) reloadPages(e *edit) {
	for _, c := range e.changes {
		p.cameAtLast(c)
		if !moduleid.IsPage(c.Path) {
			continue
		}
		if _, served := p.pages.Load(c.Path); !served && c.Kind == watch.Written {
			continue
		}
		if !p.contentChanged(c.Path) {
			continue
		}
		id := p.gate.FileToID(c.Path)
		p.forgetScripts(id)
		if p.publishChange(&hmr.FullReload{Path: id, TriggeredBy: id, Reason: p.layout.Shown(c.Path) + " was edited"}) {
			p.log.Info(p.reloadLine(id + " was edited"))
		}
	}
}

// forgetScripts drops the errors of an edited page and of its scripts: the reloaded page tells those that still hold.
func (p *project) forgetScripts(page string) {
	for _, e := range p.problems.List() {
		if e.ID == page || strings.HasPrefix(e.ID, page+"?html-proxy") {
			p.problems.Clear(e.ID)
		}
	}
	p.forgetAbsent()
}

// written makes a batch of files that are known to differ.
func written(files []string) watch.Batch {
	var b watch.Batch
	for _, f := range files {
		b = append(b, watch.Change{Kind: watch.Written, Path: f})
	}
	return b
}

func unique(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}
