package edit

import (
	"errors"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/compile"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/journal"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/parallel"
	"github.com/seed-b8174343/devserver/internal/watch"
	"github.com/seed-b8174343/devserver/plugin"
)

// This file is the life of one edit on the server. apply and update list its steps, which stand below them in that
// order, here or in the file that the step's comment names.

// apply brings the graph up to date with the changed files and updates the pages. Batches are applied one at a time.
func (u *Updater) apply(batch watch.Batch) {
	u.applying.Lock()
	defer u.applying.Unlock()
	if u.o.Context.Err() != nil || u.handOver(batch) {
		return
	}
	e := newEdit(batch)
	u.compileAffected(e, batch)
	u.update(e)
	u.reloadPages(e)
}

// Reload updates pages with modules whose content changed without a file.
func (u *Updater) Reload(ids ...string) { u.reloadModules(ids, false) }

// Rerun is Reload for modules that pages run again, also if their code is the same.
func (u *Updater) Rerun(ids ...string) { u.reloadModules(ids, true) }

func (u *Updater) reloadModules(ids []string, again bool) {
	u.applying.Lock()
	defer u.applying.Unlock()
	ids = unique(ids)
	e := newEdit(nil)
	e.modules.merge(u.reload(e, nil, ids, false))
	for _, id := range ids {
		e.modules[id].again = again
	}
	u.update(e)
}

// update is the part of an edit that follows once the modules that may have changed are compiled.
func (u *Updater) update(e *edit) {
	e.stages.end("compile")
	u.awaitRest(e) // unfinished.go
	e.stages.end("rest")
	u.crawlNew(e)
	u.awaitNew(e) // unfinished.go
	u.dropParts(e)
	e.stages.end("crawl")
	u.askPlugins(e)
	e.stages.end("plugins")
	u.publish(e)
	u.revoke(e) // permit.go
}

// handOver reports whether the edit was handed to someone else: a change of the configuration, or a new folder
// of plugins, restarts the project; a change of the plugins' Go code rebuilds them (goedit.go).
func (u *Updater) handOver(changes watch.Batch) bool {
	return u.restartIfConfigured(changes) || u.restartForPlugins(changes) || u.goChanged(changes)
}

// restartIfConfigured starts the project over when one of its configuration files changed.
func (u *Updater) restartIfConfigured(changes watch.Batch) bool {
	for _, c := range changes {
		if u.o.Watched.configChanged(c.Path) {
			u.o.Restart(u.o.Layout.Shown(c.Path) + " changed")
			u.recordOther(changes, journal.Restart) // record.go
			return true
		}
	}
	return false
}

// CheckConfig starts the project over when its configuration was edited while it was read.
func (u *Updater) CheckConfig() { u.restartIfConfigured(written(u.o.Watched.ConfigFiles())) }

// compileAffected brings resolver, assets and graph up to date with changed files. It adds to the edit what became of the
// modules that follow from them.
func (u *Updater) compileAffected(e *edit, changes watch.Batch) {
	u.forget(changes)                // affected.go
	u.stampAssets(changes)           // affected.go
	ids := u.affected(changes)       // affected.go
	ids = u.askVite(e, changes, ids) // foreign.go
	e.modules.merge(u.reload(e, changes, ids, false))
}

// reload compiles modules that may have changed, and returns what became of them. A file that became empty is left for
// later unless this is final: taking it for what the user wrote would empty the page.
func (u *Updater) reload(e *edit, changes watch.Batch, ids []string, final bool) modules {
	all := make(modules, len(ids))
	for _, ids := range u.steps(ids) { // foreign.go
		loaded := make([]*module, len(ids))
		parallel.Do(len(ids), func(i int) { loaded[i] = u.reloadModule(e, changes, ids[i], final) })
		for i, m := range loaded {
			all[ids[i]] = m
			switch m.outcome {
			case broken:
				if !errors.Is(m.now.Err, compile.ErrNoScript) { // the page reloads, and does not ask for the script any more
					u.o.Problems.Add(ids[i], u.o.Problems.Convert(m.now.Err))
				}
			case compiled:
				m.differs = u.o.Problems.Clear(ids[i]) || m.differs
			}
		}
	}
	u.unlink(e, all)
	return all
}

// reloadModule compiles one module of reload.
func (u *Updater) reloadModule(e *edit, changes watch.Batch, id string, final bool) *module {
	good := u.o.Graph.Good(id)
	m := &module{file: u.o.Compiler.File(id), was: u.o.Graph.Version(id)}
	if m.file != "" && m.was != nil && disk.Stat(m.file) == nil {
		m.outcome = deleted
		return m
	}
	ctx := u.inEdit()
	if !final {
		if inputEmptied(m.was, changes) || e.foreign.isUnheard(m.file, m.was) {
			m.outcome = emptied
			return m
		}
		if wasFilled(m.was, good) {
			ctx = compile.HoldEmpty(ctx)
		}
	}
	m.now, m.was = u.o.Graph.Reload(ctx, id)
	if m.was != nil && errors.Is(m.was.Err, compile.ErrEmptied) {
		m.was = good // no page has seen the module empty
	}
	switch {
	case errors.Is(m.now.Err, compile.ErrEmptied):
		m.outcome = emptied
	case m.now.Err != nil:
		m.outcome = broken
	default:
		m.differs = u.differs(id, m.was, m.now)
	}
	u.outdated.take(id)
	return m
}

// differs reports whether pages may run other code than that of the version now.
func (u *Updater) differs(id string, was, now *graph.Version) bool {
	return was == nil || was.Rev != now.Rev || u.outdated.isUnseen(id)
}

// unlink removes deleted modules from the graph. It compiles their importers again, whose imports now lead elsewhere or
// nowhere, and adds what became of them.
func (u *Updater) unlink(e *edit, all modules) {
	var importers []string
	for _, id := range all.with(deleted) {
		if e.foreign.isUnheard(all[id].file, nil) {
			continue // plugins may change the importers when they hear of it
		}
		importers = append(importers, u.o.Graph.Importers(id)...)
		u.o.Graph.Remove(id)
		u.outdated.hide([]string{id}) // a page that loads may bring it back
		u.o.Problems.Clear(id)
	}
	for _, id := range unique(importers) {
		if m := all[id]; m != nil && (m.outcome == deleted || m.outcome == emptied || m.isChanged()) {
			continue // it is compiled already, or will be
		}
		if e.foreign.isUnheard(u.o.Compiler.File(id), u.o.Graph.Version(id)) {
			continue
		}
		all[id] = u.reloadImporter(id)
	}
}

func (u *Updater) reloadImporter(id string) *module {
	now, was := u.o.Graph.Reload(u.inEdit(), id)
	m := &module{file: u.o.Compiler.File(id), was: was, now: now}
	if now.Err != nil {
		m.outcome = broken
		u.o.Problems.Add(id, u.o.Problems.Convert(now.Err))
	} else {
		m.differs = u.differs(id, was, now)
	}
	return m
}

// crawlNew loads the modules that the changed modules import now and did not before.
func (u *Updater) crawlNew(e *edit) {
	changed := e.modules.changed()
	if len(changed) == 0 {
		return
	}
	defer u.awaitNewlyLacking()() // install.go
	for _, id := range u.o.Graph.Crawl(uninterrupted(u.inEdit()), changed...) {
		m := &module{file: u.o.Compiler.File(id), now: u.o.Graph.Version(id), outcome: fresh}
		if m.now != nil && m.now.Err != nil {
			m.outcome = broken
			u.o.Problems.Add(id, u.o.Problems.Convert(m.now.Err))
		}
		switch before := e.modules[id]; {
		case before == nil:
			e.modules[id] = m
		case before.outcome == deleted && m.outcome == fresh: // its file is back: pages run what was deleted
			m.outcome, m.differs, m.was = compiled, true, before.was
			e.modules[id] = m
		}
	}
}

// dropParts forgets broken parts of files that nothing imports any more, such as a <style> of a component that is gone.
func (u *Updater) dropParts(e *edit) {
	for _, id := range e.modules.with(broken) {
		if moduleid.Query(id) != "" && u.IsOrphan(id) {
			delete(e.modules, id)
			u.o.Graph.Remove(id)
			u.o.Problems.Clear(id)
		}
	}
}

// askPlugins lets plugins narrow the changed modules, or handle the change themselves.
func (u *Updater) askPlugins(e *edit) {
	u.narrow(e) // foreign.go
	if !u.o.Plugins.WantsHotUpdate() {
		return
	}
	for _, c := range e.changes {
		ids := append([]string{}, u.o.Graph.ByFile(c.Path)...) // an empty list, and not nil, for a file without a module
		mine := slices.DeleteFunc(ids, func(id string) bool {
			m := e.modules[id]
			return m == nil || !m.isChanged() || isLinked(id)
		})
		slices.Sort(mine)
		answer, err := u.o.Plugins.HotUpdate(u.o.Context, plugin.HotUpdateArgs{
			Kind: c.Kind.String(), File: c.Path, Modules: mine, Timestamp: u.o.Now().UnixMilli(),
		})
		if err != nil {
			u.o.Problems.Report(u.o.Problems.Convert(err))
		} else if answer != nil {
			u.replace(e, mine, answer.Modules)
		}
	}
}

// replace updates the modules that plugins chose, and not the other modules of one file.
func (u *Updater) replace(e *edit, mine, chosen []string) {
	for _, id := range mine {
		if !slices.Contains(chosen, id) {
			e.modules[id].outcome = handled
		}
	}
	for _, id := range chosen {
		if m := e.modules[id]; m == nil || !m.isChanged() {
			now, was := u.o.Graph.Reload(u.inEdit(), id)
			e.modules[id] = &module{file: u.o.Compiler.File(id), was: was, now: now, again: true}
		}
	}
	u.crawlNew(e) // what the modules import that were added
}

// publish sends one update with the code of all modules that changed, and the errors that stay.
func (u *Updater) publish(e *edit) {
	u.showHookErrors(e) // foreign.go
	u.passOn(e)         // foreign.go
	u.outdated.hide(e.modules.with(handled))
	changed, gone := e.modules.changed(), e.modules.gone()
	styles, files := u.publicPaths(e.changes) // public.go
	for _, id := range e.modules.styles() {
		styles = append(styles, strings.TrimSuffix(strings.TrimSuffix(id, "direct"), "?"))
	}
	if len(changed)+len(styles)+len(files)+len(gone) > 0 {
		update := u.o.Packer.Update(changed, e.modules.with(fresh))
		update.Again = e.modules.where(func(m *module) bool { return m.isChanged() && m.again })
		update.Deleted, update.CSS, update.Files = gone, unique(styles), files
		if u.publishChange(update) {
			u.outdated.seen(changed)
		}
		e.stages.end("send")
		u.recordUpdate(e, update)                                  // record.go
		u.printUnseen(slices.Concat(changed, styles, files, gone)) // report.go
	}
	u.passOnReloads(e)       // foreign.go
	u.recordBroken(e)        // record.go
	u.recordSame(e)          // record.go
	if len(e.modules) == 0 { // editors save by files that are no module's
		u.o.Problems.Publish()
		return
	}
	u.o.Problems.PublishEdit()
	u.o.Vite.Failed(u.inEdit(), e.modules.with(broken)...)
}

// publishChange sends a payload that changes pages, and reports whether it did: `hmr: false` leaves pages as they are.
func (u *Updater) publishChange(payload hmr.Payload) bool {
	if u.o.HMR.Off {
		return false
	}
	if err := u.o.Hub.Publish(payload); err != nil {
		u.o.Logger.Error("send update", "error", err)
		return false
	}
	return true
}

// reloadPages reloads the pages whose HTML changed: an HTML file is never hot.
func (u *Updater) reloadPages(e *edit) {
	for _, c := range e.changes {
		u.missingArrived(c) // missing.go
		u.reloadMadeFrom(c)
		if c.Kind == watch.Removed {
			u.tellDeleted(c.Path)
			continue
		}
		if !moduleid.IsPage(c.Path) || c.Kind == watch.Written && !u.isServed(c.Path) || !u.o.Watched.contentChanged(c.Path) {
			continue
		}
		id := u.o.Gate.FileToID(c.Path)
		u.forgetScripts(id)
		if u.publishChange(u.pageReload(c.Path)) {
			u.recordOther(watch.Batch{c}, journal.PageEdit)
			u.PrintReload(id + " was edited")
		}
	}
}

// reloadMadeFrom reloads the pages whose HTML was made from a changed file: a <style> imports it, or has its URL.
func (u *Updater) reloadMadeFrom(c watch.Change) {
	u.pages.Range(func(page, sums any) bool {
		was, used := sums.(map[string]Sum)[c.Path]
		if !used || was == sumOf(c.Path) {
			return true
		}
		reload := u.pageReload(page.(string))
		reload.Reason = u.o.Layout.Shown(c.Path) + " was edited, which a <style> of the page uses"
		if u.publishChange(reload) {
			u.recordOther(watch.Batch{c}, journal.PageEdit)
			u.PrintReload(u.o.Gate.FileToID(c.Path) + " was edited, which a <style> of " + u.o.Gate.FileToID(page.(string)) + " uses")
		}
		return true
	})
}

// pageReload returns what reloads the pages that were made from an HTML file, and those that wait at its address.
func (u *Updater) pageReload(file string) *hmr.FullReload {
	return &hmr.FullReload{
		Path: u.o.Gate.Address(file), TriggeredBy: u.o.Gate.FileToID(file), Reason: u.o.Layout.Shown(file) + " was edited",
	}
}

// tellDeleted prints which pages were deleted, with a page's file or with a folder. Browsers keep what they show: a page
// that is made again reloads, whatever its content.
func (u *Updater) tellDeleted(path string) {
	for _, file := range u.o.Watched.forgetDeletedPages(path) {
		if u.isServed(file) {
			u.o.Logger.Warn(u.o.Layout.Shown(file) + " was deleted; open pages stay as they are, and reload when it exists again")
		}
	}
}

// forgetScripts drops the errors of an edited page and of its scripts: the reloaded page reports the errors that
// remain.
func (u *Updater) forgetScripts(page string) {
	u.o.Problems.ClearAll(func(id string) bool { return id == page || compile.IsInlineOf(page, id) })
	u.forgetMissing()
}

// written returns a batch of files that are known to differ.
func written(files []string) watch.Batch {
	var b watch.Batch
	for _, f := range files {
		b = append(b, watch.Change{Kind: watch.Written, Path: f})
	}
	return b
}

// wasFilled reports whether the module's file had content when it was read last, broken content included.
func wasFilled(last, good *graph.Version) bool {
	return good != nil && compile.Filled(good) || last != nil && (compile.Filled(last) || errors.Is(last.Err, compile.ErrEmptied))
}
