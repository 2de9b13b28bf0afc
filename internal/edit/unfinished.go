package edit

import (
	"slices"
	"time"

	"github.com/seed-b8174343/devserver/internal/compile"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/watch"
)

// Edits are acted on at the first event, with no quiet period. So the file that was read may be half of what the editor
// writes: editors truncate, then write, or delete a file and create it again. An edit that looks like that is held
// back, and changes that arrive meanwhile become a part of it.

const (
	// unfinished is how long an edit that does not compile is held back for the next event: editors truncate, then write.
	unfinished = 60 * time.Millisecond
	// emptiedWait is how long an edit that emptied a file is held back. Hardly anybody empties a file on purpose, and the
	// program that truncated it may be slow to write, or the machine busy.
	emptiedWait = 500 * time.Millisecond
)

// awaitRest holds back an edit that looks unfinished, until it looks whole or its time is over.
func (u *Updater) awaitRest(e *edit) {
	began := time.Now()
	for {
		left := u.holdFor(e) - time.Since(began)
		if left <= 0 {
			heard := len(e.foreign.unheard) == 0
			u.acceptAsIs(e)
			if heard {
				return
			}
			began = time.Now() // plugins may write files, since they know what is empty or gone
			continue
		}
		deadline := time.NewTimer(left)
		select {
		case more := <-u.o.Watched.watcher.Changes():
			deadline.Stop()
			u.join(e, more)
		case <-deadline.C:
		case <-u.o.Context.Done():
			deadline.Stop()
			return
		}
	}
}

// holdFor returns how long the edit may be held back, 0 when it looks whole.
func (u *Updater) holdFor(e *edit) time.Duration {
	switch {
	case slices.ContainsFunc(e.foreign.unheard, becameEmpty) || e.modules.any(func(m *module) bool { return m.outcome == emptied }) || u.pageEmptied(e) || u.publicEmptied(e):
		return emptiedWait
	case len(e.foreign.unheard) > 0 || e.modules.any(func(m *module) bool { return m.outcome == broken || m.outcome == deleted }) || u.pageDeleted(e) || u.publicDeleted(e):
		return unfinished
	}
	return 0
}

// join makes changes that arrived while an edit was held back a part of it.
func (u *Updater) join(e *edit, more watch.Batch) {
	if u.handOver(more) {
		return
	}
	u.compileAffected(e, more)
	e.changes = e.changes.Join(more)
}

// acceptAsIs takes what was read last for what the user wrote.
func (u *Updater) acceptAsIs(e *edit) {
	touched := u.tellRest(e) // foreign.go
	// What is empty or gone is so on purpose.
	left := slices.DeleteFunc(e.modules.with(deleted), func(id string) bool { return u.o.Graph.Version(id) == nil })
	if ids := unique(slices.Concat(e.modules.with(emptied), left, touched)); len(ids) > 0 {
		e.modules.merge(u.reload(e, nil, ids, true))
	}
	for id, m := range e.modules {
		// A page that loaded meanwhile brought the module back: its file was gone for a moment (delete, then create). A page
		// that loaded before the file was back got an error for it.
		if v := u.o.Graph.Version(id); m.outcome == deleted && v != nil && v.Err == nil {
			m.outcome, m.now, m.differs = compiled, v, true
		}
	}
}

// awaitNew holds back an edit that brought in a file which was created a moment ago, or is back, and is still empty:
// its editor is about to write it, and a page that ran the empty file may never run it again.
func (u *Updater) awaitNew(e *edit) {
	deadline := time.NewTimer(emptiedWait)
	defer deadline.Stop()
	for e.modules.any(func(m *module) bool { return m.isLoaded() && u.justCreated(m.now) }) {
		select {
		case more := <-u.o.Watched.watcher.Changes():
			u.join(e, more)
			u.awaitRest(e)
			u.crawlNew(e)
		case <-deadline.C:
			return
		case <-u.o.Context.Done():
			return
		}
	}
}

// justCreated reports whether the version was read from an empty file that is so new that an edit may be held back for
// it.
func (u *Updater) justCreated(v *graph.Version) bool {
	if v == nil {
		return false
	}
	s := compile.State(v)
	return s != nil && s.Size == 0 && u.o.Now().Sub(s.ModTime) < emptiedWait
}

// pageEmptied reports whether the edit emptied a page that browsers have.
func (u *Updater) pageEmptied(e *edit) bool {
	return slices.ContainsFunc(e.changes, func(c watch.Change) bool {
		return moduleid.IsPage(c.Path) && u.isServed(c.Path) && becameEmpty(c)
	})
}

// pageDeleted reports whether the edit deleted a page that browsers have, by its file or with a folder.
func (u *Updater) pageDeleted(e *edit) (deleted bool) {
	u.pages.Range(func(key, _ any) bool {
		file := key.(string)
		deleted = slices.ContainsFunc(e.changes, func(c watch.Change) bool {
			return c.Kind == watch.Removed && isOrBelow(file, c.Path)
		}) && disk.Stat(file) == nil
		return !deleted
	})
	return deleted
}

// inputEmptied reports whether the changes emptied a file that the module was built from, such as a stylesheet that it
// imports. last is the module's version.
func inputEmptied(last *graph.Version, changes watch.Batch) bool {
	return last != nil && len(last.Inputs)+len(last.InputGlobs) > 0 && slices.ContainsFunc(changes, func(c watch.Change) bool {
		return isInput(last, c) && becameEmpty(c)
	})
}

// isInput reports whether the version was built from a changed file.
func isInput(v *graph.Version, c watch.Change) bool {
	return slices.Contains(v.Inputs, c.Path) ||
		slices.ContainsFunc(v.InputGlobs, func(pattern string) bool { return concerns(c, pattern) })
}

// becameEmpty reports whether a changed file exists and is empty.
func becameEmpty(c watch.Change) bool {
	if c.Kind == watch.Removed {
		return false
	}
	s := disk.Stat(c.Path)
	return s != nil && s.Size == 0
}
