package vite

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// A process of Node that has just started knows nothing of the modules that pages run. They came from the cache, or from
// a process that has died. Plugins need to have made them. Vue compares an edited component with the text that it saw
// before. Svelte makes styles of what it knows of their component, and UnoCSS collects the classes of all modules.
// So Vite makes all these modules again, in the background. What differs is an update, as after an edit.
//
// Vite gets the text that the module was made from, which a file may not have any more. Before plugins hear of the edit
// of a file, the modules of that file are made from the text before the edit.

// quiet is how long nothing may have come from the cache until modules are made again, so that the first page comes
// first.
const quiet = time.Second

// again is the work of making modules again.
type again struct {
	mu    sync.Mutex
	items map[string]*item // by ID
	next  int              // number of the next item
	timer *time.Timer      // runs until it is quiet
	over  bool             // the modules that came from the cache were made again: Node knows better now
	hot   map[string]int   // files whose edit plugins are hearing of
}

// item is a module or a page that Vite has to make again. note fills it until it is started, and no field changes then.
type item struct {
	id, file string
	number   int
	once     sync.Once
	started  bool // guarded by again.mu, like the fields below

	module  bool    // the module itself, or its imports only
	text    *string // of its file, nil for a module without one
	was     made
	imports map[question]*Import
	page    func(context.Context) (differs bool, err error) // nil for a module
}

// made is an answer about a module.
type made struct {
	sum  [16]byte
	code string // of a module that may have been made in an edit
}

func madeOf(m *Module, inEdit bool) made {
	text, _ := json.Marshal(m) // has nothing that could fail
	s := sha256.Sum256(text)
	was := made{sum: [16]byte(s[:16])}
	if m != nil && inEdit {
		was.code = m.Code
	}
	return was
}

// is reports whether m, which was made anew, is what was made before. In an edit, plugins may have added lines about how
// pages take the edit: Vue does when only the template differs. Pages that run them need no update to be without them.
func (was made) is(m *Module) bool {
	if was.sum == madeOf(m, false).sum {
		return true
	}
	if m == nil || was.code == "" {
		return false
	}
	left := strings.Split(m.Code, "\n")
	added := 0
	for line := range strings.SplitSeq(was.code, "\n") {
		switch {
		case len(left) > 0 && line == left[0]:
			left = left[1:]
		case strings.HasPrefix(line, "import "): // what a module imports is no matter of edits
			return false
		default:
			added++
		}
	}
	return len(left) == 0 && added == 1
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
		a.timer = time.AfterFunc(quiet, func() { h.tasks.Go(h.makeAgain) })
	} else {
		a.timer.Reset(quiet)
	}
}

// take returns the items that a filter picks, in the order in which they have to be made. Modules come before the parts of
// their files. Modules without a file and pages come last, since they may follow from all others.
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

// textOf returns the text that an item has to be made from. note may fill the item meanwhile.
func (a *again) textOf(it *item) *string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return it.text
}

// rank returns when an item has to be made: 0 is first.
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
		if now, was := h.textOf(file), h.again.textOf(it); was != nil && !isInline(it.id) && (now == nil || *now != *was) {
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

// make makes a module again, once, and reports whether the answers differ. Its error says that nobody could be asked:
// Vite is down, or the caller has gone.
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
		if err != nil { // the next process makes it, or the next caller, from the same text
			h.again.items[it.id] = &item{
				id: it.id, file: it.file, number: it.number, module: it.module, text: it.text, was: it.was, imports: it.imports, page: it.page,
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
		m, _, err := h.transform(ctx, it.id, it.text)
		switch {
		case errors.Is(err, ErrDown) || ctx.Err() != nil:
			return false, err
		case err != nil || !it.was.is(m):
			differs = true
		}
		if err == nil {
			h.texts.made(h, it.id, it.text)
		}
		if err == nil && !differs {
			h.made.Store(it.id, madeOf(m, false))
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
		switch {
		case errors.Is(err, ErrDown) || ctx.Err() != nil:
			return differs, err
		case err != nil: // making the module again shows it
			differs = true
			continue
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
		id, was := key.(string), value.(made)
		file := h.fileOf(id)
		a.mu.Lock()
		hearing := a.hot[file] > 0
		a.mu.Unlock()
		text := h.texts.last(file) // the file may have another by now
		switch {
		case isInline(id): // pages load it anew with each edit
			text = nil
		case text != nil:
		case hearing: // the text before the edit is gone, and plugins must not take the new text for it
			return true
		default:
			text = h.textOf(file)
		}
		a.note(h, id, func(it *item) {
			if !it.module {
				it.module, it.was, it.text = true, was, text
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
