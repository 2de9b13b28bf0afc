package vite

import "sync"

// Plugins compare a component with the text that they saw last, to find out what an edit has changed. After a text that
// failed, that is a text which pages never ran: the fix of a template would hide what the same save has changed in the
// script. So before plugins hear of the next edit, they make the component from the text that pages run.

// texts holds the texts of files whose own module plugins make. The zero value is empty.
type texts struct {
	mu sync.Mutex
	of map[string]*fileText
}

// fileText is what the module of a file was made from.
type fileText struct {
	id     string
	latest *string // what was made last without an error
	good   *string // what pages run
	failed bool    // the last edit of the file failed
}

// read notes the text that a module was made from.
func (t *texts) read(h *Host, id string) {
	file := h.fileOf(id)
	if file == "" || isPart(id) {
		return
	}
	text := h.textOf(file)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = map[string]*fileText{}
	}
	if t.of[file] == nil {
		t.of[file] = &fileText{id: id}
	}
	t.of[file].latest = text
}

// beforeFailure returns the module of a file and the text that pages run of it, when the last edit of the file has
// failed. The text is nil otherwise.
func (t *texts) beforeFailure(file string) (id string, text *string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.of[file]
	if f == nil {
		return "", nil
	}
	if f.failed {
		return f.id, f.good
	}
	f.good = f.latest
	return "", nil
}

// Failed notes files of which a module has an error after an edit. Mended notes that a file has none any more.
func (h *Host) Failed(files ...string) { h.texts.note(files, true) }

// Mended is the opposite of Failed.
func (h *Host) Mended(files ...string) { h.texts.note(files, false) }

func (t *texts) note(files []string, failed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, file := range files {
		if f := t.of[file]; f != nil {
			f.failed = failed
		}
	}
}
