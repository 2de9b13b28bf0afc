package edit

import (
	"slices"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/compile"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/journal"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/watch"
)

// What the journal says of edits. What each page did with them is in its reports, see Reported.

// stages are the steps of an edit with their times.
type stages struct {
	began, last time.Time
	list        []journal.Stage
}

func newEdit(changes watch.Batch) *edit {
	now := time.Now()
	return &edit{changes: changes, modules: modules{}, stages: stages{began: now, last: now}}
}

// end notes that a step is over. A step that took no time to speak of is left out.
func (s *stages) end(name string) {
	now := time.Now()
	if took := now.Sub(s.last); took >= 50*time.Microsecond {
		s.list = append(s.list, journal.Stage{Name: name, Took: milliseconds(took)})
	}
	s.last = now
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}

// mostNamed is how many names each list of a recorded edit has. A branch that is checked out may bring thousands.
const mostNamed = 200

// recordUpdate records an edit that pages get as an update.
func (u *Updater) recordUpdate(e *edit, update *hmr.Update) {
	r := &journal.Edit{
		Seq: update.Seq, Modules: update.Changed, Added: e.modules.with(fresh), Deleted: update.Deleted,
		Styles: update.CSS, Assets: update.Files,
	}
	u.record(e, r)
}

// recordBroken records an edit that pages get nothing of, since what it brought does not compile. An error that was
// there before, of a module that nobody edited, is no news.
func (u *Updater) recordBroken(e *edit) {
	if !e.recorded && e.modules.any((*module).breaks) {
		u.record(e, &journal.Edit{})
	}
}

// recordSame records an edit that needs no update: its files compile to the same code, or are source code that nothing
// imports. Who waits for the edit learns at once that nothing comes of it.
func (u *Updater) recordSame(e *edit) {
	switch {
	case e.recorded:
	case e.modules.any((*module).isSame):
		u.record(e, &journal.Edit{Why: journal.Same})
	case len(e.modules) == 0:
		unused := slices.DeleteFunc(slices.Clone(e.changes), func(c watch.Change) bool { return !u.isUnused(c.Path) })
		if len(unused) > 0 {
			u.recordOther(unused, journal.Unused)
		}
	}
}

// isSame reports whether the module's file was saved, and compiles to the same code as before.
func (m *module) isSame() bool {
	return m.outcome == compiled && !m.isChanged() && m.isSaved()
}

// isSaved reports whether the module's file was written between the versions.
func (m *module) isSaved() bool {
	if m.was == nil || m.now == nil {
		return false
	}
	was, now := compile.State(m.was), compile.State(m.now)
	return was != nil && now != nil && *was != *now
}

// isUnused reports whether a file of no module is source code whose content is new. Programs write other files all the
// time. The system may report a save several times, and an empty file may be half a save.
func (u *Updater) isUnused(file string) bool {
	if state := disk.Stat(file); state != nil && state.Size == 0 {
		return false
	}
	return (moduleid.IsScript(file) || moduleid.IsStyle(file)) && !strings.HasSuffix(file, ".d.ts") &&
		!moduleid.IsDependency(file) && !u.o.Layout.Outside(file) && !u.isEmbedded(file) && u.o.Watched.contentChanged(file)
}

// breaks reports whether the edit led to the module's error, or left the error in a file that it changed.
func (m *module) breaks() bool {
	if m.outcome != broken {
		return false
	}
	known := m.was != nil && m.was.Err != nil && m.now != nil && m.now.Err != nil && m.was.Err.Error() == m.now.Err.Error()
	return !known || m.isSaved()
}

func (u *Updater) record(e *edit, r *journal.Edit) {
	e.recorded = true
	r.Broken = e.modules.with(broken)
	r.Files = u.shownFiles(e.changes)
	for _, list := range []*[]string{&r.Modules, &r.Added, &r.Deleted, &r.Styles, &r.Assets, &r.Broken} {
		if n := len(*list) - mostNamed; n > 0 {
			r.More += n
			*list = (*list)[:mostNamed]
		}
		*list = slices.Clone(*list)
	}
	if n := len(r.Files) - mostNamed; n > 0 {
		r.More += n
		r.Files = r.Files[:mostNamed]
	}
	r.Stages, r.Took = e.stages.list, milliseconds(time.Since(e.stages.began))
	u.o.Journal.Add(journal.Record{Kind: journal.KindEdit, Edit: r})
}

// recordOther records an edit that leads to something else than an update.
func (u *Updater) recordOther(changes watch.Batch, why string) {
	u.o.Journal.Add(journal.Record{Kind: journal.KindEdit, Edit: &journal.Edit{Files: u.shownFiles(changes), Why: why}})
}

// shownFiles returns the files of an edit, without those of packages: to install a package writes thousands. When there
// are no others, node_modules stands for them.
func (u *Updater) shownFiles(changes watch.Batch) []journal.File {
	files := []journal.File{}
	for _, c := range changes {
		if !moduleid.IsDependency(c.Path) {
			files = append(files, journal.File{Kind: c.Kind.String(), Path: u.o.Layout.Shown(c.Path)})
		}
	}
	if len(files) == 0 && len(changes) > 0 {
		files = append(files, journal.File{Kind: watch.Written.String(), Path: "node_modules"})
	}
	return files
}

// recordReport records what a page did with an update.
func (u *Updater) recordReport(c *hmr.Client, r hmr.Report) {
	u.o.Journal.Add(journal.Record{Kind: journal.KindReport, Report: &journal.Report{
		Page: c.ID(), Seq: r.Seq, Kind: r.Kind, Paths: bounded(r.Paths), Reason: cut(r.Reason), Chain: bounded(r.Chain), Took: r.Took,
	}})
}

// bounded returns a list that a page has sent, with as many names as the journal keeps.
func bounded(list []string) []string { return list[:min(len(list), mostNamed)] }

// longestReason is how much is kept of a reason that a page has sent, in bytes.
const longestReason = 4 << 10

func cut(text string) string { return text[:min(len(text), longestReason)] }
