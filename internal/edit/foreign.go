package edit

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/vite"
	"github.com/seed-b8174343/devserver/internal/watch"
)

// The plugins of the vite.config hear of an edit before anything is compiled again: what they make of a module may
// depend on what they know of the edit.

// foreign is what plugins of the vite.config say to an edit.
type foreign struct {
	// chosen holds the modules that plugins chose for a file, by the file. A file that is held back is asked about
	// several times, and plugins answer only what is new to them: the answers add up.
	chosen map[string][]string
	// later holds modules that plugins did not choose: they are compiled behind the update.
	later []string
	// updated holds the modules of updates that plugins sent meanwhile: they are part of this one.
	updated []string
	sends   []vite.Send
	errs    map[string]error // of hooks, by the file
	emptied watch.Batch      // files of which plugins have not heard, see whole
}

// askVite tells the plugins of the vite.config about changed files and the modules that are built from them, and returns
// the further modules that have to be compiled again by what they say.
func (u *Updater) askVite(e *edit, changes watch.Batch, built []string) (touched []string) {
	if u.o.Vite == nil {
		return nil
	}
	list := u.viteChanges(u.whole(e, changes))
	if len(list) == 0 {
		return nil
	}
	u.o.Vite.Failed(e.modules.failed()...) // so far: the rest of a save may have arrived
	touched = u.tellVite(e, list, built)
	// Plugins may name modules that no page has asked for.
	return slices.DeleteFunc(touched, func(id string) bool { return u.o.Graph.Version(id) == nil })
}

// tellVite is askVite for changes of which plugins hear.
func (u *Updater) tellVite(e *edit, list []vite.Change, built []string) (touched []string) {
	for _, c := range list {
		if c.Kind != "update" {
			u.o.Vite.ForgetImports()
			break
		}
	}
	hot, err := u.o.Vite.Hot(u.o.Context, list, built)
	if errors.Is(err, vite.ErrDown) { // the terminal shows it, and Redo comes later
		return nil
	}
	if err != nil {
		u.o.Problems.Report(u.o.Problems.Convert(err))
		return nil
	}
	e.foreign.sends = append(e.foreign.sends, hot.Sends...)
	for _, s := range hot.Sends {
		e.foreign.updated = append(e.foreign.updated, u.Served(s.IDs)...)
	}
	touched = append(touched, e.foreign.updated...)
	touched = append(touched, u.o.Graph.Broken()...) // nobody knows what a plugin that failed has looked at
	for i, f := range hot.Files {
		touched = append(touched, f.Touched...)
		touched = append(touched, f.Modules...)
		file := list[i].File
		if f.Narrowed {
			if e.foreign.chosen == nil {
				e.foreign.chosen = map[string][]string{}
			}
			e.foreign.chosen[file] = append(e.foreign.chosen[file], f.Modules...)
		}
		if f.Err != nil {
			if e.foreign.errs == nil {
				e.foreign.errs = map[string]error{}
			}
			e.foreign.errs[file] = f.Err
		}
	}
	return touched
}

// postpone takes the modules out of the list that plugins of the vite.config did not choose. The update need not wait for
// their code, which is for pages that load from now on. Those with an error stay, since the edit may mend it.
func (u *Updater) postpone(e *edit, changes watch.Batch, touched, ids []string) []string {
	return slices.DeleteFunc(ids, func(id string) bool {
		if !u.leftOut(e, id, changes) || slices.Contains(touched, id) {
			return false
		}
		if v := u.o.Graph.Version(id); v == nil || v.Err != nil {
			return false
		}
		e.foreign.later = append(e.foreign.later, id)
		return true
	})
}

// catchUp compiles the modules that were postponed.
func (u *Updater) catchUp(e *edit) {
	later := slices.DeleteFunc(unique(e.foreign.later), func(id string) bool { return e.modules[id] != nil })
	if len(later) == 0 {
		return
	}
	rest := &edit{modules: u.reload(nil, later, false)}
	u.crawlNew(rest)
	for _, id := range later {
		if m := rest.modules[id]; m.isChanged() {
			m.outcome = handled
		}
	}
	u.outdated.hide(rest.modules.with(handled))
	if len(rest.modules.with(broken))+len(rest.modules.with(emptied))+len(rest.modules.with(deleted)) > 0 {
		u.update(rest)
	}
}

// steps splits modules into lists that are compiled one after the other: those that import others come first. Pages of
// Vite ask for modules in this order, and plugins learn from a module what the modules are that it imports. Modules that
// import each other come one by one.
func (u *Updater) steps(ids []string) (lists [][]string) {
	if u.o.Vite == nil || len(ids) < 2 {
		return [][]string{ids}
	}
	importers := map[string]int{} // how many come before
	for _, id := range ids {
		importers[id] = 0
	}
	imports := map[string][]string{}
	for _, id := range ids {
		for _, by := range u.o.Graph.Importers(id) {
			if _, listed := importers[by]; listed && by != id {
				imports[by] = append(imports[by], id)
				importers[id]++
			}
		}
	}
	for left := ids; len(left) > 0; {
		var now, later []string
		for _, id := range left {
			if importers[id] == 0 {
				now = append(now, id)
			} else {
				later = append(later, id)
			}
		}
		if now == nil {
			now, later = later[:1], later[1:]
		}
		for _, id := range now {
			for _, to := range imports[id] {
				importers[to]--
			}
		}
		lists, left = append(lists, now), later
	}
	return lists
}

// whole returns the changes without files that are empty and were not. Plugins would compare the rest of the save with
// the empty file. They hear of these files when the rest is there, or with tellEmptied.
func (u *Updater) whole(e *edit, changes watch.Batch) watch.Batch {
	return slices.DeleteFunc(slices.Clone(changes), func(c watch.Change) bool {
		held := becameEmpty(c) && slices.ContainsFunc(u.o.Graph.ByFile(c.Path), func(id string) bool {
			return wasFilled(u.o.Graph.Version(id), u.o.Graph.Good(id))
		})
		if held {
			e.foreign.emptied = append(e.foreign.emptied, c)
		}
		return held
	})
}

// tellEmptied tells the plugins of the vite.config about files that are empty on purpose.
func (u *Updater) tellEmptied(e *edit) {
	list := slices.DeleteFunc(e.foreign.emptied, func(c watch.Change) bool { return !becameEmpty(c) })
	e.foreign.emptied = nil
	if u.o.Vite != nil && len(list) > 0 {
		u.tellVite(e, u.viteChanges(list), nil)
	}
}

// Redo applies edits that plugins of the vite.config had not heard of, and compiles modules again of which plugins have
// another answer than pages run.
func (u *Updater) Redo(missed []vite.Change, ids []string) {
	var batch watch.Batch
	for _, c := range missed {
		batch = append(batch, u.asTold(c))
	}
	if len(batch) > 0 {
		u.apply(batch)
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return u.o.Graph.Version(id) == nil })
	if len(ids) > 0 && u.o.Context.Err() == nil {
		u.Reload(ids...)
	}
}

// ReloadPage reloads the pages that were made from an HTML file.
func (u *Updater) ReloadPage(file, reason string) {
	reload := u.pageReload(file)
	reload.Reason = reason
	if u.publishChange(reload) {
		u.PrintReload(reason)
	}
}

// viteChanges returns the changes that plugins hear of: those of files. Many editors save by renaming a new file, so a
// file that was there before is not created. A removed folder stands for its files.
func (u *Updater) viteChanges(changes watch.Batch) (list []vite.Change) {
	for _, c := range changes {
		if c.Kind == watch.Removed {
			for _, file := range u.noteGone(c.Path) {
				list = append(list, vite.Change{File: file, Kind: c.Kind.String()})
			}
			continue
		}
		if info, err := os.Stat(c.Path); err != nil || info.IsDir() {
			continue
		}
		kind := c.Kind
		if _, was := u.there.LoadOrStore(c.Path, true); was {
			kind = watch.Written
		}
		list = append(list, vite.Change{File: c.Path, Kind: kind.String()})
	}
	return list
}

// noteGone forgets a file, or the files of a folder, and returns them.
func (u *Updater) noteGone(path string) (files []string) {
	if _, was := u.there.LoadAndDelete(path); was {
		return []string{path}
	}
	u.there.Range(func(file, _ any) bool {
		if isOrBelow(file.(string), path) {
			u.there.Delete(file)
			files = append(files, file.(string))
		}
		return true
	})
	slices.Sort(files)
	return files
}

// WatchFor watches files, folders and patterns for plugins of the vite.config.
func (u *Updater) WatchFor(paths []string) {
	for _, dir := range u.o.Watched.Paths(paths) {
		u.noteThere(dir)
	}
}

// noteThere notes the files in a folder.
func (u *Updater) noteThere(dir string) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil: // gone meanwhile
		case !d.IsDir():
			u.there.Store(path, true)
		case path != dir && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		}
		return nil
	})
}

// leftOut reports whether plugins of the vite.config did not choose the module when they heard of its file. It stays in
// the update when it is built from another changed file: the choice is not about that.
func (u *Updater) leftOut(e *edit, id string, changes watch.Batch) bool {
	file := u.o.Compiler.File(id)
	chosen, narrowed := e.foreign.chosen[file]
	if !narrowed || slices.Contains(chosen, id) || slices.Contains(e.foreign.updated, id) {
		return false
	}
	return !slices.ContainsFunc(changes, func(c watch.Change) bool {
		return c.Path != file && slices.Contains(u.o.Graph.ByFile(c.Path), id)
	})
}

// narrow takes the modules of a file out of the update that plugins of the vite.config did not choose, and has pages
// run the modules of other files again that they chose.
func (u *Updater) narrow(e *edit) {
	for id, m := range e.modules {
		if m.isChanged() && u.leftOut(e, id, e.changes) {
			m.outcome = handled
		}
	}
	for file, chosen := range e.foreign.chosen {
		for _, id := range chosen {
			if m := e.modules[id]; m != nil && m.outcome == compiled && m.file != file {
				m.differs = true
			}
		}
	}
	for file, err := range e.foreign.errs {
		if !e.modules.any(func(m *module) bool { return m.file == file && m.outcome == broken }) {
			u.o.Problems.Report(u.o.Problems.Convert(err)) // else the module has the same error
		}
	}
}

// passOn sends what plugins of the vite.config sent to pages during the edit, before the update. Their reloads go out
// after it, see passOnReloads, and their updates are part of it.
func (u *Updater) passOn(e *edit) {
	if len(e.changes) > 0 && !e.modules.any(func(m *module) bool { return m.outcome == broken }) {
		u.o.Problems.ClearAll(func(id string) bool { return strings.HasPrefix(id, errorOf) })
	}
	for _, s := range e.foreign.sends {
		if t := typeOf(s); t != "update" && t != "full-reload" {
			u.send(s)
		}
	}
	if u.o.Vite == nil {
		return
	}
	for _, m := range e.modules {
		u.o.Vite.Mended(m.file)
	}
	u.o.Vite.Failed(e.modules.failed()...)
}

// failed returns the files of the modules that have an error.
func (all modules) failed() (files []string) {
	for _, id := range all.with(broken) {
		files = append(files, all[id].file)
	}
	return files
}

// passOnReloads sends the reloads that plugins of the vite.config sent during the edit, after its update.
func (u *Updater) passOnReloads(e *edit) {
	for _, s := range e.foreign.sends {
		if typeOf(s) == "full-reload" {
			u.send(s)
		}
	}
}

func (u *Updater) send(s vite.Send) {
	if err := u.o.Send(s); err != nil {
		u.o.Logger.Error("send what "+vite.By(s.By)+" sent", "error", err)
	}
}

// typeOf returns the type of a message, "" for one that cannot be read: sending it says why.
func typeOf(s vite.Send) string {
	m, _ := s.Message()
	return m.Type
}

// errorOf begins the IDs of errors that plugins of the vite.config have sent to pages.
const errorOf = "/@vite/error/"

// ErrorOf returns the ID of the error that a plugin of the vite.config has sent to pages. The error ends with the next
// save that compiles, as in Vite: a plugin that still has it sends it again.
func (u *Updater) ErrorOf(plugin string) string { return errorOf + plugin }

// Served returns the modules that pages have asked for, with the stylesheets that pages link under the same name.
// Plugins may name others.
func (u *Updater) Served(ids []string) (served []string) {
	for _, id := range ids {
		for _, id := range []string{id, id + "?direct"} {
			if u.o.Graph.Version(id) != nil {
				served = append(served, id)
			}
		}
	}
	return served
}

// Edited takes a change that a plugin of the vite.config reports: it knows what the file is made from.
func (u *Updater) Edited(c vite.Change) {
	for {
		paused, changed := u.o.Paused()
		if !paused {
			u.apply(watch.Batch{u.asTold(c)})
			return
		}
		select {
		case <-changed:
		case <-u.o.Context.Done():
			return
		}
	}
}

// asTold returns a change of which plugins are to hear as it is, whatever they know of the file.
func (u *Updater) asTold(c vite.Change) watch.Change {
	file, kind := filepath.Clean(c.File), watch.Written
	switch c.Kind {
	case "create":
		kind = watch.Created
		u.there.Delete(file)
	case "delete":
		kind = watch.Removed
		u.there.Store(file, true)
	}
	return watch.Change{Kind: kind, Path: file}
}
