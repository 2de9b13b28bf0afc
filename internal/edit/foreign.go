package edit

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/compile"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/vite"
	"github.com/seed-b8174343/devserver/internal/watch"
)

// The plugins of the vite.config hear of an edit before anything is compiled again. What they make of a module may depend
// on what they know of the edit.

// foreign is what plugins of the vite.config say to an edit.
type foreign struct {
	// chosen holds the modules that plugins chose for a file, by the file. A file that is held back is asked about
	// several times, and plugins answer only what is new to them: the answers add up.
	chosen map[string][]string
	// updated holds the modules of updates that plugins sent meanwhile: they are part of this one.
	updated []string
	sends   []vite.Send
	errs    map[string]error // of hooks, by the file
	unheard watch.Batch      // changes of which plugins have not heard yet, see whole
	news    bool             // plugins have heard of a change
}

// choose notes that plugins chose modules for a file.
func (f *foreign) choose(file string, ids []string) {
	if f.chosen == nil {
		f.chosen = map[string][]string{}
	}
	f.chosen[file] = append(f.chosen[file], ids...)
}

// isUnheard reports whether plugins have not heard of an edit of the module's file, or of a file that its last version
// was built from. The module waits, as its file may be filled by now: plugins that make the new text first find nothing
// to compare when they hear of it.
func (f *foreign) isUnheard(file string, last *graph.Version) bool {
	return slices.ContainsFunc(f.unheard, func(c watch.Change) bool {
		return c.Path == file || c.Kind == watch.Removed && isOrBelow(file, c.Path) || last != nil && isInput(last, c)
	})
}

// fail notes that a hook failed for a file.
func (f *foreign) fail(file string, err error) {
	if f.errs == nil {
		f.errs = map[string]error{}
	}
	f.errs[file] = err
}

// askVite tells the plugins of the vite.config about changed files, and about the modules that are built from them. It
// returns the modules that have to be compiled again, by the changes and by what the plugins say.
func (u *Updater) askVite(e *edit, changes watch.Batch, built []string) (ids []string) {
	if u.o.Vite == nil {
		return built
	}
	list := u.viteChanges(u.whole(e, changes))
	if len(list) == 0 {
		return slices.DeleteFunc(built, u.isOld)
	}
	e.foreign.news = true
	u.o.Vite.Failed(u.inEdit(), e.modules.with(broken)...) // so far: the rest of a save may have arrived
	return unique(append(built, u.loaded(u.tellVite(e, list, built))...))
}

// isOld reports whether there is nothing to do about a module of which nothing is new: plugins left it out of the update,
// or it failed. A plugin that has failed need not do so twice. Tailwind's answers with what it made before.
func (u *Updater) isOld(id string) bool {
	v := u.o.Graph.Version(id)
	return v != nil && (v.Err != nil || u.outdated.isUnseen(id)) && compile.State(v) != nil && !compile.Stale(u.o.Compiler.File(id), v)
}

// loaded returns the modules that pages have asked for, in the place of the list: plugins may name others.
func (u *Updater) loaded(ids []string) []string {
	return slices.DeleteFunc(ids, func(id string) bool { return u.o.Graph.Version(id) == nil })
}

// tellVite is askVite for changes of which plugins hear.
func (u *Updater) tellVite(e *edit, list []vite.Change, built []string) (touched []string) {
	for _, c := range list {
		if c.Kind != "update" {
			u.o.Vite.ForgetImports()
			break
		}
	}
	hot, err := u.o.Vite.Hot(u.inEdit(), list, built)
	if errors.Is(err, vite.ErrDown) { // the terminal shows it, and Redo comes later
		return nil
	}
	if err != nil {
		e.foreign.fail(list[0].File, err)
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
			e.foreign.choose(file, f.Modules)
		}
		if f.Err != nil {
			e.foreign.fail(file, f.Err)
		}
	}
	return touched
}

// steps splits modules into lists that are compiled in turn: modules come before the modules that they import. Pages of
// Vite ask for modules in this order, and plugins learn from a module what the modules are that it imports. Of modules
// that import each other, each is a list. Parts of one file need no turns: Node makes a file's own module first.
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
			if _, listed := importers[by]; listed && u.o.Compiler.File(by) != u.o.Compiler.File(id) {
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

// whole returns the changes that look whole. Plugins hear of the others when the rest is there, or with tellRest: of files
// that have become empty, or were created and are still empty, and of modules' files that are gone. The rest of a save is
// about to come. Plugins would compare it with the empty file, or not at all with the file that was there before.
func (u *Updater) whole(e *edit, changes watch.Batch) (list watch.Batch) {
	f := &e.foreign
	for _, c := range changes {
		at := slices.IndexFunc(f.unheard, func(held watch.Change) bool { return held.Path == c.Path })
		ids := u.o.Graph.ByFile(c.Path)
		filled := slices.ContainsFunc(ids, func(id string) bool {
			return wasFilled(u.o.Graph.Version(id), u.o.Graph.Good(id))
		})
		part := c.Kind == watch.Removed && len(ids)+len(u.o.Graph.ByDir(c.Path)) > 0 ||
			becameEmpty(c) && (filled || c.Kind == watch.Created)
		switch {
		case at < 0 && part:
			f.unheard = append(f.unheard, c)
		case at < 0:
			list = append(list, c)
		case part:
			if c.Kind == watch.Removed || f.unheard[at].Kind == watch.Removed {
				f.unheard[at].Kind = c.Kind
			}
		default:
			switch held := f.unheard[at]; {
			case held.Kind != watch.Removed:
				c.Kind = held.Kind
			case isFolder(c.Path): // it need not hold the files again that it held
				list = append(list, held)
			}
			list = append(list, c)
			f.unheard = slices.Delete(f.unheard, at, at+1)
		}
	}
	return list
}

// tellRest tells the plugins of the vite.config about files that are empty on purpose, and files that are gone. It returns
// the further modules that have to be compiled again. A file may be filled or back by now, and its modules are made next.
func (u *Updater) tellRest(e *edit) (touched []string) {
	list := e.foreign.unheard
	e.foreign.unheard = nil
	for i, c := range list {
		if s := disk.Stat(c.Path); s == nil {
			list[i].Kind = watch.Removed
		} else if c.Kind == watch.Removed && !isFolder(c.Path) {
			list[i].Kind = watch.Written
		}
	}
	if told := u.viteChanges(list); len(told) > 0 {
		return u.loaded(u.tellVite(e, told, nil))
	}
	return nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
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
	if ids = u.loaded(ids); len(ids) > 0 && u.o.Context.Err() == nil {
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

// narrow takes the modules of a file out of the update that plugins of the vite.config did not choose. Pages run the
// modules of other files again that plugins chose, and those of updates that plugins sent.
func (u *Updater) narrow(e *edit) {
	for id, m := range e.modules {
		if m.isChanged() && u.leftOut(e, id, e.changes) {
			m.outcome = handled
		}
	}
	again := func(id, chosenFor string) {
		if m := e.modules[id]; m != nil && m.file != chosenFor {
			m.again = true
		}
	}
	for file, chosen := range e.foreign.chosen {
		for _, id := range chosen {
			again(id, file)
		}
	}
	for _, id := range e.foreign.updated {
		again(id, "")
	}
}

// showHookErrors shows the errors of hooks that ran for the edit, and ends those that plugins have sent before.
func (u *Updater) showHookErrors(e *edit) {
	if e.foreign.news && !e.modules.any(func(m *module) bool { return brokeIn(e, m) }) {
		u.o.Problems.ClearAll(func(id string) bool { return strings.HasPrefix(id, errorOf) })
	}
	for file, err := range e.foreign.errs {
		if !e.modules.any(func(m *module) bool { return m.file == file && m.outcome == broken }) {
			shown := u.o.Problems.Convert(err) // else the module has the same error
			u.o.Problems.AddForAll(u.ErrorOf(shown.Plugin), shown)
		}
	}
}

// passOn sends what plugins of the vite.config sent to pages during the edit, before the update. Their reloads go out
// after it, see passOnReloads, and their updates are part of it.
func (u *Updater) passOn(e *edit) {
	for _, s := range e.foreign.sends {
		if t := typeOf(s); t != "update" && t != "full-reload" {
			u.send(s)
		}
	}
}

// brokeIn reports whether a module cannot be made since the edit. An edit also makes the modules again that were broken
// before.
func brokeIn(e *edit, m *module) bool {
	return m.outcome == broken && (m.was == nil || m.was.Err == nil ||
		slices.ContainsFunc(e.changes, func(c watch.Change) bool { return c.Path == m.file }))
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
