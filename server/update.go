package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/watch"
	"github.com/seed-b8174343/devserver/plugin"
)

// This file is the life of one edit on the server. apply lists its steps; everything it calls stands below it, in
// that order.

// unfinished is how long an edit that does not compile may wait for the next event: editors truncate, then write.
const unfinished = 60 * time.Millisecond

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
	for {
		select {
		case <-p.ctx.Done():
			return
		case batch, ok := <-p.watcher.Changes():
			if !ok {
				return
			}
			p.apply(batch)
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
	if p.restartIfConfigured(e.changes) {
		return
	}
	if p.goChanged(e) {
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
	p.askPlugins(e)
	p.crawlNew(e)
	p.awaitNew(e)
	p.publish(e)
}

// written makes a batch of files that are known to differ.
func written(files []string) watch.Batch {
	var b watch.Batch
	for _, f := range files {
		b = append(b, watch.Change{Kind: watch.Written, Path: f})
	}
	return b
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
	type result struct {
		id            string
		now, before   *graph.Version
		gone, emptied bool
	}
	ctx := p.ctx
	if !final {
		ctx = context.WithValue(ctx, holdEmpty{}, true)
	}
	results := make([]result, len(e.ids))
	p.each(len(e.ids), func(i int) {
		id := e.ids[i]
		if file := p.File(id); file != "" && statFile(file) == nil && p.graph.Version(id) != nil {
			results[i] = result{id: id, gone: true}
			return
		}
		if !final && p.inputEmptied(e, id) {
			results[i] = result{id: id, emptied: true}
			return
		}
		good := p.graph.Good(id)
		now, before := p.graph.Reload(ctx, id)
		if before != nil && errors.Is(before.Err, errEmptied) {
			before = good // no page has seen it empty
		}
		results[i] = result{id: id, now: now, before: before, emptied: errors.Is(now.Err, errEmptied)}
	})
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

// inputEmptied tells whether the edit wrote a file that the module is made from, such as a stylesheet that it imports,
// and that file is empty.
func (p *project) inputEmptied(e *edit, id string) bool {
	v := p.graph.Version(id)
	return v != nil && slices.ContainsFunc(e.changes, func(c watch.Change) bool {
		if c.Kind == watch.Removed || !slices.Contains(v.Inputs, c.Path) {
			return false
		}
		s := statFile(c.Path)
		return s != nil && s.size == 0
	})
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

// awaitRest holds back an edit that does not compile until the next event or a short while: what was read may be
// half of what the editor is writing.
func (p *project) awaitRest(e *edit) {
	deadline := time.NewTimer(unfinished)
	defer deadline.Stop()
	for p.brokenBy(e) {
		select {
		case more, ok := <-p.watcher.Changes():
			if !ok {
				return
			}
			p.join(e, more)
		case <-deadline.C:
			p.settle(e)
			return
		case <-p.ctx.Done():
			return
		}
	}
	p.settle(e)
}

// join makes what came while an edit was held back a part of it.
func (p *project) join(e *edit, more watch.Batch) {
	next := &edit{changes: more}
	p.forget(next)
	p.affected(next)
	p.reload(next, false)
	e.emptied = slices.DeleteFunc(e.emptied, func(id string) bool { return slices.Contains(next.ids, id) })
	e.emptied = append(e.emptied, next.emptied...)
	e.changes = append(e.changes, more...)
	e.ids = unique(append(e.ids, next.ids...))
	e.changed = unique(append(e.changed, next.changed...))
	e.styles = unique(append(e.styles, next.styles...))
	e.deleted = unique(append(e.deleted, next.deleted...))
}

// awaitNew holds back an edit that brought in a file which was made a moment ago and is still empty: who made it is about
// to write it, and a page that ran the empty one may never run it again.
func (p *project) awaitNew(e *edit) {
	deadline := time.NewTimer(unfinished)
	defer deadline.Stop()
	for slices.ContainsFunc(e.fresh, p.justMade) {
		select {
		case more, ok := <-p.watcher.Changes():
			if !ok {
				return
			}
			p.join(e, more)
			p.settle(e)
			p.crawlNew(e)
		case <-deadline.C:
			return
		case <-p.ctx.Done():
			return
		}
	}
}

// justMade tells whether the module was read from an empty file that is newer than an edit may be held back.
func (p *project) justMade(id string) bool {
	v := p.graph.Version(id)
	if v == nil {
		return false
	}
	s, ok := v.State.(*fileState)
	return ok && s != nil && s.size == 0 && p.now().Sub(s.mtime) < unfinished
}

// settle takes what was read last for what the user wrote.
func (p *project) settle(e *edit) {
	if len(e.emptied) > 0 { // it is empty on purpose
		last := &edit{ids: e.emptied}
		p.reload(last, true)
		e.changed = unique(append(e.changed, last.changed...))
		e.styles = unique(append(e.styles, last.styles...))
	}
	broken := func(id string) bool { v := p.graph.Version(id); return v != nil && v.Err != nil }
	e.changed = slices.DeleteFunc(e.changed, broken) // it compiled, and was saved again with a mistake
	e.styles = slices.DeleteFunc(e.styles, broken)
	// A file that was gone for a moment (delete, then create) is no deleted module.
	e.deleted = slices.DeleteFunc(e.deleted, func(id string) bool { return p.graph.Version(id) != nil })
}

// brokenBy tells whether a module of the edit has an error, is gone or became empty.
func (p *project) brokenBy(e *edit) bool {
	if len(e.deleted)+len(e.emptied) > 0 {
		return true
	}
	return slices.ContainsFunc(e.ids, func(id string) bool { v := p.graph.Version(id); return v != nil && v.Err != nil })
}

// filled tells whether the version came from a file that was not empty.
func filled(v *graph.Version) bool {
	s, ok := v.State.(*fileState)
	return ok && s != nil && s.size > 0
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
	}
}

// crawlNew loads what the changed modules import now and did not before.
func (p *project) crawlNew(e *edit) {
	if len(e.changed) == 0 {
		return
	}
	e.fresh = unique(append(e.fresh, p.graph.Crawl(p.ctx, e.changed...)...))
	e.fresh = slices.DeleteFunc(e.fresh, func(id string) bool { return slices.Contains(e.changed, id) })
	for _, id := range e.fresh {
		if v := p.graph.Version(id); v != nil && v.Err != nil {
			p.errors.set(id, p.asError(v.Err))
		}
		p.watchModule(id)
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
		if err := p.server.hub.Publish(u); err != nil {
			p.log.Error("send update", "error", err)
		}
		p.tell(e)
	}
	p.publishErrors()
}

// payload makes the update that carries the modules' code.
func (p *project) payload(changed, fresh []string) *hmr.Update {
	w := &writer{}
	for _, id := range fresh {
		if entry, ok := p.graph.Entry(id); ok {
			w.define(entry)
		}
	}
	for _, id := range changed {
		if entry, ok := p.graph.Entry(id); ok {
			w.define(entry)
		}
	}
	for id, deps := range p.grownBarrels(changed, fresh) {
		w.deps(id, deps)
	}
	u := &hmr.Update{Changed: changed, Workers: p.graph.Workers(changed), Timestamp: p.now().UnixMilli()}
	if w.Len() == 0 {
		return u
	}
	key := p.updates.add(w.String(), w.sections)
	at := path.Join(p.base, updatePath, key+".js")
	w.text("//# sourceURL=" + at + "\n//# sourceMappingURL=" + path.Join(p.base, mapPath) + "?of=" + key + "\n")
	u.Code, u.URL = w.String(), at
	return u
}

// grownBarrels returns the lazy barrels that the changed modules import, with all their imports in use: the page may
// lack those that came with this edit.
func (p *project) grownBarrels(changed, fresh []string) map[string]map[string]string {
	grown := map[string]map[string]string{}
	seen := map[string]bool{}
	var visit func(id string)
	visit = func(id string) {
		if seen[id] {
			return
		}
		seen[id] = true
		if v := p.graph.Good(id); v != nil && v.Lazy {
			if deps := p.graph.LazyDeps(id); deps != nil {
				grown[id] = deps
			}
			for _, e := range v.Edges { // a barrel of barrels
				if e.Star {
					visit(e.To)
				}
			}
			for _, to := range grown[id] {
				visit(to)
			}
		}
	}
	for _, id := range slices.Concat(changed, fresh) {
		if v := p.graph.Good(id); v != nil {
			for _, e := range v.Edges {
				if e.Kind == graph.Static && e.To != "" {
					visit(e.To)
				}
			}
		}
	}
	return grown
}

// tell prints the change when no page is open to report what it made of it.
func (p *project) tell(e *edit) {
	if len(p.server.hub.Clients()) > 0 {
		return
	}
	for _, id := range slices.Concat(e.changed, e.styles, e.deleted) {
		p.log.Info("changed " + id + " (no page is open)")
	}
}

// reloadPages reloads the pages whose HTML changed; an HTML file is never hot.
func (p *project) reloadPages(e *edit) {
	for _, c := range e.changes {
		if id, absent := p.absent.Load(c.Path); absent && c.Kind != watch.Removed {
			p.absent.Delete(c.Path)
			p.errors.clear(id.(string))
			_ = p.server.hub.Publish(&hmr.FullReload{Path: "*", TriggeredBy: id.(string), Reason: p.shown(c.Path) + " is there now"}) // strings encode
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
		_ = p.server.hub.Publish(&hmr.FullReload{Path: id, TriggeredBy: id, Reason: p.shown(c.Path) + " was edited"})
		p.log.Info("page reload " + id + " (the page was edited)")
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

// serveUpdate sends an update's code as a module, for pages whose Content-Security-Policy forbids evaluating it.
func (p *project) serveUpdate(w http.ResponseWriter, r *http.Request, name string) {
	code, ok := p.updates.code(strings.TrimSuffix(name, ".js"))
	if !ok {
		http.Error(w, "404 not found: that update is too old", http.StatusNotFound)
		return
	}
	pk := &writer{}
	preamble := &writer{}
	p.preamble(preamble)
	pk.text(strings.ReplaceAll(preamble.String(), "\n", "")) // lines are counted as when it is evaluated
	pk.text(code)
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	p.serveText(w, r, pk.Bytes())
}

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
	p.graph.Crawl(p.ctx, ids...)
	u := &edit{}
	for _, id := range ids {
		v := p.graph.Version(id)
		switch {
		case v == nil || v.Err != nil && statFile(p.File(id)) == nil && p.File(id) != "":
			u.deleted = append(u.deleted, id)
		case v.Err != nil:
			p.errors.set(id, p.asError(v.Err))
		case v.Rev != page.Modules[id]:
			u.changed = append(u.changed, id)
		}
	}
	u.styles = p.linked(page)
	if len(u.changed)+len(u.deleted)+len(u.styles) > 0 {
		payload := p.payload(u.changed, p.unknownTo(page, u.changed))
		payload.Deleted, payload.CSS = u.deleted, u.styles
		if err := c.Publish(payload); err != nil {
			p.log.Debug("send comparison", "pkg", "server", "error", err)
		}
	}
	for _, err := range p.errors.list() {
		_ = c.Publish(p.errorPayload(err))
		return
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

func queryOf(id string) string {
	_, query, _ := strings.Cut(id, "?")
	return query
}

func unique(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// reported prints what a page made of an update, once for all pages that made the same of it.
func (p *project) reported(c *hmr.Client, r hmr.Report) {
	line := ""
	switch r.Kind {
	case "updated":
		line = "hmr update " + strings.Join(r.Paths, ", ")
	case "reloaded":
		line = "page reload (" + r.Reason + ")"
	case "failed":
		line = "hmr failed " + strings.Join(r.Paths, ", ") + ": " + r.Reason
	default:
		return
	}
	if p.lastReport.Swap(fmt.Sprint(r.Seq, line)) != fmt.Sprint(r.Seq, line) {
		p.log.Info(line)
	}
}
