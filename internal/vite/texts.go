package vite

import (
	"context"
	"sync"
)

// Plugins compare a component with the text that they saw last, to find out what an edit has changed. After a text that
// failed, that is a text which pages never ran: the fix of a template would hide what the same save has changed in the
// script. So after a failure they make the component from the text that pages run. It is done at once, and not before the
// next edit: by then plugins with a watcher of their own may know of that edit, and would take the old text for the new.

// texts holds the texts of files whose own module plugins make. The zero value is empty.
type texts struct {
	mu sync.Mutex
	of map[string]*fileText
}

// fileText is what the module of a file was made from.
type fileText struct {
	latest *string // what was made last without an error
	good   *string // what pages ran before the last edit
	// compares is set when a plugin had something to say to the last edit, and failed when the module could not be made
	// since, for another reason than that Vite is down.
	compares, failed bool
}

// made notes the text that a module was made from.
func (t *texts) made(h *Host, id string, text *string) {
	file := h.fileOf(id)
	if file == "" || isPart(id) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = map[string]*fileText{}
	}
	if t.of[file] == nil {
		t.of[file] = &fileText{}
	}
	t.of[file].latest = text
}

// last returns the text that the module of a file was made from, nil for a file that was not noted.
func (t *texts) last(file string) *string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := t.of[file]; f != nil {
		return f.latest
	}
	return nil
}

// hear notes that plugins hear of an edit of a file: pages run what was made last.
func (t *texts) hear(file string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := t.of[file]; f != nil {
		f.good, f.compares, f.failed = f.latest, false, false
	}
}

// compared notes that plugins may have compared the last edit of a file with what they knew before.
func (t *texts) compared(file string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := t.of[file]; f != nil {
		f.compares = true
	}
}

// broke notes that a module could not be made.
func (t *texts) broke(h *Host, id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := t.of[h.fileOf(id)]; f != nil && !isPart(id) {
		f.failed = true
	}
}

// back returns the text that pages run of a module which plugins failed to make in an edit that they compared with it;
// nil for others.
func (t *texts) back(file string) *string {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.of[file]
	if f == nil || !f.compares || !f.failed {
		return nil
	}
	return f.good
}

// Failed takes the modules that have an error after an edit. Plugins make them from the text that pages run.
func (h *Host) Failed(ctx context.Context, ids ...string) {
	if h == nil {
		return
	}
	for _, id := range ids {
		if isPart(id) {
			continue
		}
		if text := h.texts.back(h.fileOf(id)); text != nil {
			_, _, _ = h.transform(ctx, id, text) // it went well before
		}
	}
}
