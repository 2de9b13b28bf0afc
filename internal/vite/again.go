package vite

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

// A process of Node that has just started knows nothing of the modules that pages run: they came from the cache, or
// from a process that has died. Plugins need to have made them. Vue compares an edited component with the text that it
// saw before, Svelte makes styles of what it knows of their component, and UnoCSS collects the classes of all modules.
// So Vite makes all these modules again, in the background. What differs is an update, as after an edit.
//
// Vite gets the text that the module was made from, which a file may not have any more. Before plugins hear of the edit
// of a file, the modules of that file are made from the text before the edit.

// quiet is how long nothing may have come from the cache until modules are made again, so that the first page comes
// first.
const quiet = time.Second

// again is the work of making modules again.
type again struct {
	mu     sync.Mutex
	items  map[string]*item // by ID
	next   int              // number of the next item
	timer  *time.Timer      // runs until it is quiet
	over   bool             // the modules that came from the cache were made again: Node knows better now
	owed   map[string]bool  // modules that failed because Vite was down
	times  map[string]int   // how often modules were owed, and edits of files missed
	missed []Change         // edits that plugins have not heard of for the same reason
	hot    map[string]int   // files whose edit plugins are hearing of
}

// item is a module that Vite has to make again.
type item struct {
	id, file string
	number   int
	once     sync.Once
	started  bool // guarded by again.mu

	module  bool    // the module itself, or its imports only
	text    *string // of its file, nil for a module without one
	sum     sum
	imports map[question]*Import
	page    func(context.Context) (differs bool, err error) // nil for a module
}

// sum stands for an answer about a module.
type sum [16]byte

func sumOf(m *Module) sum {
	text, _ := json.Marshal(m) // has nothing that could fail
	s := sha256.Sum256(text)
	return sum(s[:16])
}

// stop ends the timer.
func (a *again) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.timer != nil {
		a.timer.Stop()
	}
}

// isOver reports whether the modules that came from the cache were made again.
func (a *again) isOver() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.over
}

// hearing notes that plugins hear of changes, until done.
func (a *again) hearing(changes []Change) (done func()) {
	count := func(n int) {
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, c := range changes {
			if a.hot[c.File] += n; a.hot[c.File] == 0 {
				delete(a.hot, c.File)
			}
		}
	}
	count(1)
	return func() { count(-1) }
}

// note returns the open item of a module, for change to fill. The caller must not hold mu.
func (a *again) note(h *Host, id string, change func(*item)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	it := a.items[id]
	if it == nil || it.started {
		it = &item{id: id, file: h.fileOf(id), number: a.next}
		a.next++
		a.items[id] = it
	}
	change(it)
	if a.timer == nil {
		a.timer = time.AfterFunc(quiet, func() { h.makeAgain() })
	} else {
		a.timer.Reset(quiet)
	}
}

// take returns the items that a filter picks, in the order in which they have to be made: modules before the parts of
// their files, and modules without a file and pages last, which may follow from all others.
func (a *again) take(picks func(*item) bool) []*item {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.items) == 0 {
		return nil
	}
	list := slices.DeleteFunc(slices.Collect(maps.Values(a.items)), func(it *item) bool { return !picks(it) })
	slices.SortFunc(list, func(x, y *item) int {
		if rx, ry := x.rank(), y.rank(); rx != ry {
			return rx - ry
		}
		return x.number - y.number
	})
	return list
}

func (it *item) rank() int {
	switch {
	case it.file == "":
		return 2
	case isPart(it.id):
		return 1
	}
	return 0
}

// makeAgain makes all modules again that wait for it.
func (h *Host) makeAgain() {
	a := &h.again
	var differs []string
	for h.o.Context.Err() == nil {
		list := a.take(func(*item) bool { return true })
		if len(list) == 0 {
			break
		}
		for _, it := range list {
			changed, err := h.make(h.o.Context, it)
			if changed {
				differs = append(differs, it.id)
			}
			if errors.Is(err, ErrDown) { // the next process begins again
				h.redo(nil, differs)
				return
			}
		}
	}
	a.mu.Lock()
	a.over = a.over || len(a.items) == 0
	a.mu.Unlock()
	h.redo(nil, differs)
	if h.o.Rested != nil {
		h.o.Rested()
	}
}

// settle makes the modules of a file again that wait for it, so that plugins know what they made of it before. late means
// that the file has another text by now.
func (h *Host) settle(ctx context.Context, file string) (late bool, err error) {
	if file == "" {
		return false, nil
	}
	var differs []string
	for _, it := range h.again.take(func(it *item) bool { return it.file == file }) {
		if now := h.textOf(file); it.text != nil && (now == nil || *now != *it.text) {
			late = true
		}
		changed, err := h.make(ctx, it)
		if changed {
			differs = append(differs, it.id)
		}
		if err != nil {
			return late, err
		}
	}
	h.redo(nil, differs)
	return late, nil
}

// make makes a module again, once, and reports whether the answers differ. The error is that of a Vite which is down.
func (h *Host) make(ctx context.Context, it *item) (differs bool, err error) {
	it.once.Do(func() {
		h.again.mu.Lock()
		it.started = true
		h.again.mu.Unlock()
		differs, err = h.remake(ctx, it)
		h.again.mu.Lock()
		defer h.again.mu.Unlock()
		if h.again.items[it.id] != it {
			return
		}
		delete(h.again.items, it.id)
		if errors.Is(err, ErrDown) { // the next process makes it, from the same text
			h.again.items[it.id] = &item{
				id: it.id, file: it.file, number: it.number, module: it.module, text: it.text, sum: it.sum, imports: it.imports, page: it.page,
			}
		}
	})
	return differs, err
}

func (h *Host) remake(ctx context.Context, it *item) (differs bool, err error) {
	if it.page != nil {
		return it.page(ctx)
	}
	if it.module {
		m, err := h.transform(ctx, it.id, it.text)
		switch {
		case errors.Is(err, ErrDown) || ctx.Err() != nil:
			return false, err
		case err != nil || sumOf(m) != it.sum:
			differs = true
		}
	}
	for _, late := range []bool{false, true} {
		var specifiers []string
		for q := range it.imports {
			if q.late == late {
				specifiers = append(specifiers, q.specifier)
			}
		}
		slices.Sort(specifiers)
		answers, err := h.askImports(ctx, it.id, late, specifiers)
		if err != nil {
			return differs, err
		}
		for i, s := range specifiers {
			was := it.imports[question{s, late}]
			if now := answers[i]; (now == nil) != (was == nil) || now != nil && *now != *was {
				differs = true
			}
		}
	}
	return differs, nil
}

// started has a process that has just started make again what pages run, and hear of what it missed.
func (h *Host) started() {
	if h.o.Began != nil {
		h.o.Began()
	}
	a := &h.again
	a.mu.Lock()
	if a.over && len(a.items) > 0 {
		a.timer.Reset(0) // it is not the first process, and no first page is waiting
	}
	a.mu.Unlock()
	h.redoOwed()
}

// lost notes what pages run for the next process, since a process has died.
func (h *Host) lost() {
	a := &h.again
	h.made.Range(func(key, value any) bool {
		id, was := key.(string), value.(sum)
		file := h.fileOf(id)
		a.mu.Lock()
		hearing := a.hot[file] > 0
		a.mu.Unlock()
		if hearing { // the text before the edit is gone, and plugins must not take the new text for it
			return true
		}
		text := h.textOf(file)
		a.note(h, id, func(it *item) {
			if !it.module {
				it.module, it.sum, it.text = true, was, text
			}
		})
		return true
	})
	for importer, answers := range h.imports.all() {
		a.note(h, importer, func(it *item) { it.imports = answers })
	}
	a.mu.Lock()
	a.over = true
	a.mu.Unlock()
}

// mayOwe is how often a module may be made again after it was asked about and Node ended: it may be what ends Node.
const mayOwe = 3

// owe notes a module that could not be made since Vite is down. It returns the error.
func (h *Host) owe(id string, err error) error {
	if errors.Is(err, ErrDown) {
		h.again.mu.Lock()
		if h.again.times[id]++; h.again.times[id] <= mayOwe {
			h.again.owed[id] = true
		}
		h.again.mu.Unlock()
		h.redoOwed()
	}
	return err
}

// miss notes edits that plugins have not heard of since Vite is down.
func (h *Host) miss(changes []Change) {
	h.again.mu.Lock()
	for _, c := range changes {
		if h.again.times[c.File]++; h.again.times[c.File] <= mayOwe {
			h.again.missed = append(h.again.missed, c)
		}
	}
	h.again.mu.Unlock()
	h.redoOwed()
}

// paid forgets that questions about a module or a file have failed.
func (h *Host) paid(name string) {
	h.again.mu.Lock()
	delete(h.again.times, name)
	h.again.mu.Unlock()
}

// redoOwed catches up with what could not be done, once Vite runs.
func (h *Host) redoOwed() {
	h.life.mu.Lock()
	runs := h.life.now != nil
	h.life.mu.Unlock()
	if !runs {
		return
	}
	a := &h.again
	a.mu.Lock()
	missed, owed := a.missed, slices.Sorted(maps.Keys(a.owed))
	a.missed, a.owed = nil, map[string]bool{}
	a.mu.Unlock()
	h.redo(missed, owed)
}

// redo has edits applied and modules made again.
func (h *Host) redo(missed []Change, ids []string) {
	if h.o.Redo != nil && len(missed)+len(ids) > 0 && h.o.Context.Err() == nil {
		h.o.Redo(missed, ids)
	}
}

// textOf returns the text of a file for Vite, nil when the file may not be read or is large.
func (h *Host) textOf(file string) *string {
	if file == "" {
		return nil
	}
	data, err := h.o.Gate.ReadFile(file)
	if err != nil || len(data) > largest {
		return nil
	}
	text := string(data)
	return &text
}
