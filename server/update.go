package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/transform"
	"github.com/seed-b8174343/devserver/internal/watch"
	"github.com/seed-b8174343/devserver/plugin"
)

// This file is the life of one edit on the server. apply and update list its steps, which stand below them in that order.
// What holds back half-written files is in unfinished.go, the code that an update carries in updatecode.go, and what a
// page gets that has missed updates in compare.go.

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
		case <-p.errors.noted:
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

// installLook is how often it is looked whether packages were installed, while one is missing or broken. Nobody watches
// node_modules, and a page that waits for a package has no reason to load again by itself.
const installLook = 500 * time.Millisecond

// waitsForInstall tells whether an error stands that an install may mend.
func (p *project) waitsForInstall() bool {
	list := p.errors.list()
	return len(list) > 0 && (len(p.graph.Unresolved()) > 0 || slices.ContainsFunc(list, func(e *transform.Error) bool {
		return e.ID != "" && isDependency(p.File(e.ID))
	}))
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
		reason := p.shown(c.Path) + " changed"
		p.server.background.Go(func() { // not a task of the project: the restart waits for those
			if err := p.server.Restart(reason); err != nil {
				p.report(p.asError(err))
			}
		})
		return true
	}
	return false
}

// forget drops what the resolver remembers of folders whose entries came or went.
func (p *project) forget(e *edit) {
	var paths []string
	for _, c := range e.changes {
		if c.Kind != watch.Written || p.isManifest(c.Path) || p.isLink(c) {
			paths = append(paths, c.Path)
		}
	}
	if len(paths) > 0 {
		p.resolver.Invalidate(paths...)
	}
}

// isManifest tells whether the file rules how modules resolve or compile.
func (p *project) isManifest(file string) bool {
	base := filepath.Base(file)
	if _, known := p.tsconfigs.Load(file); known {
		return true
	}
	return base == "package.json" || base == "tsconfig.json" || base == "jsconfig.json" || base == "node_modules"
}

// affected finds the modules that may differ: those of the files themselves, those made from them, those that missed
// a file which is there now, and those that list files by pattern.
func (p *project) affected(e *edit) {
	came, manifest := false, false
	for _, c := range e.changes {
		e.ids = append(e.ids, p.graph.ByFile(c.Path)...)
		came = came || c.Kind == watch.Created || c.Kind == watch.Replaced
		manifest = manifest || p.isManifest(c.Path)
		if c.Kind != watch.Written {
			e.ids = append(e.ids, p.graph.Globbing(func(pattern string) bool { return matchGlob(pattern, filepath.ToSlash(c.Path)) })...)
		}
		if c.Kind == watch.Removed {
			e.ids = append(e.ids, p.graph.ByDir(c.Path)...)
		}
		if isAsset(c.Path) {
			p.stamps.Store(c.Path, p.now().UnixMilli())
		}
	}
	if slices.ContainsFunc(e.changes, p.isLink) {
		e.ids = append(e.ids, p.rerouted()...)
	}
	if came || manifest {
		e.ids = append(e.ids, p.graph.Unresolved()...)
	}
	if manifest { // compiler options may differ
		e.ids = append(e.ids, p.graph.Broken()...)
		e.ids = append(e.ids, p.underManifest(e)...)
	}
	e.ids = unique(e.ids)
}

// isLink tells whether the change is one of a symbolic link: modules go by the real path of their file, so that none
// has the link's. A file in the place of a link counts as written.
func (p *project) isLink(c watch.Change) bool {
	if p.resolver.Linked(c.Path) {
		return true
	}
	info, err := os.Lstat(c.Path)
	return err == nil && info.Mode()&os.ModeSymlink != 0
}

// rerouted returns the app's modules of which an import leads elsewhere now.
func (p *project) rerouted() []string {
	var ids []string
	for _, id := range p.graph.IDs() {
		v := p.graph.Version(id)
		if v == nil || isDependency(p.File(id)) {
			continue
		}
		if len(v.Inputs) > 0 || slices.ContainsFunc(v.Edges, func(e graph.Edge) bool { return p.leadsElsewhere(id, e) }) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (p *project) leadsElsewhere(importer string, e graph.Edge) bool {
	kind := resolve.Import
	if e.Kind == graph.Worker {
		kind = resolve.URL
	}
	to, err := p.resolveID(p.ctx, e.Specifier, importer, kind)
	return err != nil || to != e.To
}

// underManifest returns the app's modules below changed tsconfig and package.json files.
func (p *project) underManifest(e *edit) []string {
	var ids []string
	for _, c := range e.changes {
		if p.isManifest(c.Path) && p.contentChanged(c.Path) {
			for _, id := range p.graph.ByDir(filepath.Dir(c.Path)) {
				if !isDependency(p.File(id)) {
					ids = append(ids, id)
				}
			}
		}
	}
	return ids
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
			p.errors.set(r.id, p.asError(r.now.Err))
		case p.errors.clear(r.id), r.before == nil, r.before.Rev != r.now.Rev:
			if has(queryOf(r.id), "direct") {
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
	if file := p.File(id); file != "" && statFile(file) == nil && p.graph.Version(id) != nil {
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
		p.errors.clear(id)
	}
	for _, id := range unique(importers) {
		if slices.Contains(e.changed, id) || slices.Contains(e.deleted, id) {
			continue
		}
		now, before := p.graph.Reload(p.ctx, id)
		switch {
		case now.Err != nil:
			p.errors.set(id, p.asError(now.Err))
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
			p.errors.set(id, p.asError(v.Err))
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
		var mine []string
		for _, id := range e.changed {
			if p.File(id) == c.Path || slices.Contains(p.graph.ByFile(c.Path), id) {
				mine = append(mine, id)
			}
		}
		answer, err := p.plugins.HotUpdate(p.ctx, plugin.HotUpdateArgs{Kind: c.Kind.String(), File: c.Path, Modules: mine, Timestamp: p.now().UnixMilli()})
		if err != nil {
			p.report(p.asError(err))
			continue
		}
		if answer == nil {
			continue
		}
		e.changed = slices.DeleteFunc(e.changed, func(id string) bool { return slices.Contains(mine, id) && !slices.Contains(answer.Modules, id) })
		for _, id := range answer.Modules {
			if !slices.Contains(e.changed, id) {
				p.graph.Reload(p.ctx, id)
				e.changed = append(e.changed, id)
			}
		}
		p.crawlNew(e) // what the modules import that the plugin has added
	}
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
	p.publishErrors()
}

// tell prints the change when no page will report what it made of it.
func (p *project) tell(e *edit) {
	why := "no page is open"
	if p.cfg.Server.HMR.Off {
		why = "hot updates are off"
	} else if len(p.server.hub.Clients()) > 0 {
		return
	}
	for _, id := range slices.Concat(e.changed, e.styles, e.deleted) {
		p.log.Info("changed " + id + " (" + why + ")")
	}
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
		if id, absent := p.absent.Load(c.Path); absent && c.Kind != watch.Removed {
			p.absent.Delete(c.Path)
			p.errors.clear(id.(string))
			p.publishChange(&hmr.FullReload{Path: "*", TriggeredBy: id.(string), Reason: p.shown(c.Path) + " is there now"})
		}
		if !isPage(c.Path) {
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
		if p.publishChange(&hmr.FullReload{Path: id, TriggeredBy: id, Reason: p.shown(c.Path) + " was edited"}) {
			p.log.Info(p.reloadLine(id + " was edited"))
		}
	}
}

// forgetScripts drops the errors of an edited page and of its scripts: the reloaded page tells those that still hold.
func (p *project) forgetScripts(page string) {
	for _, e := range p.errors.list() {
		if e.ID == page || strings.HasPrefix(e.ID, page+"?html-proxy") {
			p.errors.clear(e.ID)
		}
	}
	p.absent.Range(func(file, id any) bool {
		p.absent.Delete(file)
		p.errors.clear(id.(string))
		return true
	})
}

// written makes a batch of files that are known to differ.
func written(files []string) watch.Batch {
	var b watch.Batch
	for _, f := range files {
		b = append(b, watch.Change{Kind: watch.Written, Path: f})
	}
	return b
}

func queryOf(id string) string {
	_, query, _ := strings.Cut(id, "?")
	return query
}

func unique(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// reloadLine is what the terminal says when pages must reload.
func (p *project) reloadLine(why string) string {
	if p.cfg.Server.HMR.Reload == "ask" {
		return "page asks to reload (" + why + ")"
	}
	return "page reload (" + why + ")"
}

// reported prints what a page made of an update, once for all pages that made the same of it.
func (p *project) reported(c *hmr.Client, r hmr.Report) {
	line := ""
	switch r.Kind {
	case "updated":
		line = "hmr update " + strings.Join(r.Paths, ", ")
	case "reloaded":
		line = p.reloadLine(r.Reason)
	case "failed":
		line = "hmr failed " + strings.Join(r.Paths, ", ") + ": " + r.Reason
	default:
		return
	}
	if p.lastReport.Swap(fmt.Sprint(r.Seq, line)) != fmt.Sprint(r.Seq, line) {
		p.log.Info(line)
	}
}
