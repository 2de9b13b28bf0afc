package server

import (
	"slices"
	"time"

	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/watch"
)

// Edits are acted on at the first event, with no quiet period. So what was read may be half of what the editor is
// writing: it truncates, then writes, or deletes and makes anew. An edit that looks like that is held back, and what comes
// meanwhile becomes a part of it.

// unfinished is how long an edit that does not compile may wait for the next event: editors truncate, then write.
const unfinished = 60 * time.Millisecond

// emptied is how long an edit may wait that left a file empty which was not. Hardly anybody empties a file on purpose, and
// the program that truncated it may be slow to write, or the machine busy.
const emptied = 500 * time.Millisecond

// awaitRest holds back an edit that does not compile until the next event or a short while: what was read may be
// half of what the editor is writing.
func (p *project) awaitRest(e *edit) {
	began := time.Now()
	for {
		left := p.patience(e) - time.Since(began)
		if left <= 0 {
			p.settle(e)
			return
		}
		deadline := time.NewTimer(left)
		select {
		case more, ok := <-p.watcher.Changes():
			deadline.Stop()
			if !ok {
				return
			}
			p.join(e, more)
		case <-deadline.C:
		case <-p.ctx.Done():
			deadline.Stop()
			return
		}
	}
}

// patience is how long the edit may be held back, 0 when it looks whole.
func (p *project) patience(e *edit) time.Duration {
	switch {
	case len(e.emptied) > 0 || p.pageEmptied(e):
		return emptied
	case p.brokenBy(e):
		return unfinished
	}
	return 0
}

// join makes what came while an edit was held back a part of it.
func (p *project) join(e *edit, more watch.Batch) {
	next := &edit{changes: more}
	if p.elsewhere(next) {
		return
	}
	p.forget(next)
	p.stampAssets(next)
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

// awaitNew holds back an edit that brought in a file which was made a moment ago, or is back, and is still empty: who made it
// is about to write it, and a page that ran the empty one may never run it again.
func (p *project) awaitNew(e *edit) {
	deadline := time.NewTimer(emptied)
	defer deadline.Stop()
	for slices.ContainsFunc(e.fresh, p.justMade) || slices.ContainsFunc(e.changed, p.justMade) {
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

// justMade tells whether the module was read from an empty file that is newer than an edit may be held back for it.
func (p *project) justMade(id string) bool {
	v := p.graph.Version(id)
	if v == nil {
		return false
	}
	s, ok := v.State.(*disk.State)
	return ok && s != nil && s.Size == 0 && p.now().Sub(s.ModTime) < emptied
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

// brokenBy tells whether a module of the edit has an error or is gone.
func (p *project) brokenBy(e *edit) bool {
	if len(e.deleted) > 0 {
		return true
	}
	return slices.ContainsFunc(e.ids, func(id string) bool { v := p.graph.Version(id); return v != nil && v.Err != nil })
}

// pageEmptied tells whether the edit is one of a page that browsers have, and that page is empty now.
func (p *project) pageEmptied(e *edit) bool {
	return slices.ContainsFunc(e.changes, func(c watch.Change) bool {
		if c.Kind == watch.Removed || !moduleid.IsPage(c.Path) {
			return false
		}
		if _, served := p.pages.Load(c.Path); !served {
			return false
		}
		s := disk.Stat(c.Path)
		return s != nil && s.Size == 0
	})
}

// inputEmptied tells whether the edit wrote a file that the module is made from, such as a stylesheet that it imports,
// and that file is empty.
func (p *project) inputEmptied(e *edit, id string) bool {
	v := p.graph.Version(id)
	return v != nil && slices.ContainsFunc(e.changes, func(c watch.Change) bool {
		if c.Kind == watch.Removed || !slices.Contains(v.Inputs, c.Path) {
			return false
		}
		s := disk.Stat(c.Path)
		return s != nil && s.Size == 0
	})
}
