package edit

import (
	"maps"
	"slices"

	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/watch"
)

// edit is a batch of changed files on its way to the pages, and what became of the modules that it may have changed.
type edit struct {
	changes watch.Batch
	modules modules
	foreign foreign

	stages   stages // record.go
	recorded bool   // the journal has the edit
}

// modules are the modules of an edit by their IDs.
type modules map[string]*module

// module is what became of a module in an edit.
type module struct {
	file     string         // its path on disk, "" for a virtual module
	was, now *graph.Version // before the edit, and as compiled last; nil when there is none
	outcome  outcome
	// differs is set when pages may run other code than now. It stays set when a later save brings the old content back: a
	// page may have loaded in between.
	differs bool
	// again is set when a plugin says that pages run the module again, also if its code is the same.
	again bool
}

type outcome uint8

const (
	compiled outcome = iota
	fresh            // compiled, and never loaded before
	broken           // it has an error
	emptied          // its file, or a file that it was built from, is empty: perhaps half a save
	deleted          // its file does not exist any more
	handled          // a plugin took it out of the update
)

// isChanged reports whether pages get the module's new code.
func (m *module) isChanged() bool { return m.outcome == compiled && (m.differs || m.again) }

// isLoaded reports whether pages get the module's code: it changed, or it is fresh.
func (m *module) isLoaded() bool { return m.isChanged() || m.outcome == fresh }

// merge adds what became of modules later in the edit.
func (all modules) merge(later modules) {
	for id, m := range later {
		if before := all[id]; before != nil {
			m.was = before.was
			m.differs = m.differs || before.differs
			m.again = m.again || before.again
			if m.outcome == compiled && !m.isChanged() && before.outcome == fresh {
				m.outcome = fresh
			}
		}
		all[id] = m
	}
}

// where returns the IDs of the modules for which is holds, sorted.
func (all modules) where(is func(m *module) bool) []string {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if is(all[id]) {
			ids = append(ids, id)
		}
	}
	return ids
}

// with returns the IDs of the modules with the outcome, sorted.
func (all modules) with(o outcome) []string {
	return all.where(func(m *module) bool { return m.outcome == o })
}

// any reports whether is holds for some module.
func (all modules) any(is func(m *module) bool) bool {
	for _, m := range all {
		if is(m) {
			return true
		}
	}
	return false
}

// changed returns the modules whose new code pages get. Stylesheets that pages link have no code: styles returns them.
func (all modules) changed() []string {
	return slices.DeleteFunc(all.where((*module).isChanged), isLinked)
}

// gone returns the modules that pages run and whose file was deleted.
func (all modules) gone() []string { return slices.DeleteFunc(all.with(deleted), isLinked) }

// styles returns the linked stylesheets that changed, or that were deleted: the browser then finds none.
func (all modules) styles() []string {
	changes := func(m *module) bool { return m.isChanged() || m.outcome == deleted }
	return slices.DeleteFunc(all.where(changes), func(id string) bool { return !isLinked(id) })
}

// isLinked reports whether the module is a stylesheet that pages link.
func isLinked(id string) bool { return moduleid.Has(moduleid.Query(id), "direct") }

func unique(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}
