package vite

import (
	"errors"
	"maps"
	"slices"
	"sync"
)

// Questions and edits fail while Vite is down: it starts, it has died, or a plugin does not answer. What plugins were to
// be asked follows once Vite runs.

// owed is what plugins have not been asked. Use newOwed.
type owed struct {
	mu      sync.Mutex
	modules map[string]bool // by ID
	pages   map[string]bool // by file
	missed  []Change        // edits that plugins have not heard of
	times   map[string]int  // how often modules, pages and edits of files were tried again
	tried   map[string]bool // files whose edit is being tried again
}

func newOwed() *owed {
	return &owed{
		modules: map[string]bool{}, pages: map[string]bool{}, times: map[string]int{}, tried: map[string]bool{},
	}
}

// mayOwe is how often a module may be made again after it was asked about and Node ended: it may be what ends Node.
const mayOwe = 3

// owe notes a module that could not be made since Vite is down. It returns the error.
func (h *Host) owe(id string, err error) error {
	if errors.Is(err, ErrDown) {
		h.owed.mu.Lock()
		h.owed.modules[id] = true
		h.owed.mu.Unlock()
		h.redoOwed()
	}
	return err
}

// owePage is owe for a page, by its file.
func (h *Host) owePage(file string, err error) error {
	switch {
	case err == nil:
		h.paid(pageOf + file)
	case errors.Is(err, ErrDown):
		h.owed.mu.Lock()
		h.owed.pages[file] = true
		h.owed.mu.Unlock()
		h.redoOwed()
	}
	return err
}

// pageOf begins the name of a page, beside the names of files.
const pageOf = "page of "

// miss notes edits that plugins have not heard of since Vite is down. An edit of the user's gives the file a new chance.
func (h *Host) miss(changes []Change) {
	o := h.owed
	o.mu.Lock()
	for _, c := range changes {
		if !o.tried[c.File] {
			maps.DeleteFunc(o.times, func(name string, _ int) bool { return name == c.File || h.fileOf(name) == c.File })
		}
		delete(o.tried, c.File)
		if !slices.Contains(o.missed, c) {
			o.missed = append(o.missed, c)
		}
	}
	o.mu.Unlock()
	h.redoOwed()
}

// paid forgets that questions about a module or a file have failed.
func (h *Host) paid(name string) {
	h.owed.mu.Lock()
	delete(h.owed.times, name)
	delete(h.owed.tried, name)
	h.owed.mu.Unlock()
}

// redoOwed catches up with what could not be done, once Vite runs.
func (h *Host) redoOwed() {
	h.life.mu.Lock()
	runs := h.life.now != nil
	h.life.mu.Unlock()
	if !runs || h.late.is() {
		return
	}
	o := h.owed
	o.mu.Lock()
	mayNot := func(name string) bool { o.times[name]++; return o.times[name] > mayOwe }
	missed := slices.DeleteFunc(o.missed, func(c Change) bool { return mayNot(c.File) })
	modules := slices.DeleteFunc(slices.Sorted(maps.Keys(o.modules)), mayNot)
	pages := slices.DeleteFunc(slices.Sorted(maps.Keys(o.pages)), func(file string) bool { return mayNot(pageOf + file) })
	o.missed, o.modules, o.pages = nil, map[string]bool{}, map[string]bool{}
	for _, c := range missed {
		o.tried[c.File] = true
	}
	o.mu.Unlock()
	h.redo(missed, modules)
	if h.o.RedoPage != nil && h.o.Context.Err() == nil {
		for _, file := range pages {
			h.o.RedoPage(file)
		}
	}
}

// redo has edits applied and modules made again.
func (h *Host) redo(missed []Change, ids []string) {
	if h.o.Redo != nil && len(missed)+len(ids) > 0 && h.o.Context.Err() == nil {
		h.o.Redo(missed, ids)
	}
}
