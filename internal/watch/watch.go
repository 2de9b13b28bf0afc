// Package watch reports which files of a project change.
//
// Changes come in batches. A single save is reported at once, without a quiet period. Changes during the receiver's
// work are gathered, one for each file. A burst of many files (a checkout) is held until it is quiet, so that it
// becomes one batch. The watcher watches directories and not files, so that it sees each way in which editors save:
// files that are replaced, swapped or made again.
//
// A watch follows its path, see paths.go: whichever directory has the path now is watched.
package watch

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Kind is what happened to a file.
type Kind uint8

// The kinds of changes.
const (
	Written Kind = iota
	Created
	Removed
	// Replaced is a file that was gone for a moment. A cache of the folder's entries may lack it.
	Replaced
)

// String returns the kind in the words of plugins: "update", "create" or "delete".
func (k Kind) String() string { return [...]string{"update", "create", "delete", "update"}[k] }

// Change is one file that changed, or a directory that was removed with its contents. When another directory has taken
// its place, the changes of the files in that directory come with it.
type Change struct {
	Kind Kind
	Path string
}

// Batch holds the changes that belong together, each path once, sorted by path.
type Batch []Change

// Options say what to watch.
type Options struct {
	// Root is watched with everything below it. It must be a real path.
	Root string
	// Ignore are patterns of paths relative to Root, or names, in addition to the built-in ones.
	Ignore []string
	// Poll checks the files at each Interval (default 200 ms) and asks the system for no events. It is for network and
	// container file systems that send no events.
	Poll     bool
	Interval time.Duration
	// Logger gets warnings. Nil discards.
	Logger *slog.Logger

	// add replaces the system's call in tests of its limits.
	add func(dir string) error
	// look is how often the bases are checked, shorter in tests.
	look time.Duration
}

// Watcher watches until Close. Its methods are safe for concurrent use.
type Watcher struct {
	o       Options
	ignore  *ignore
	events  chan Change
	batches chan Batch
	done    chan struct{}
	closing sync.Once
	running sync.WaitGroup
	source  *fsnotify.Watcher
	lost    chan struct{} // the system has lost events

	// placing is held while the watches of a path are put again, so that each state of the disk is looked at as a whole.
	placing sync.Mutex

	mu     sync.Mutex
	bases  map[string]*base  // what Root, Add and AddFolder named
	dirs   map[string]uint64 // watched by events -> the directory's disk.State.ID
	paths  map[uint64]string // the other way round
	links  map[string]string // see Link
	poller *poller           // directories that are polled
	warned bool
}

// New starts watching. The Watcher sees all changes after New has returned.
func New(o Options) (*Watcher, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Interval <= 0 {
		o.Interval = 200 * time.Millisecond
	}
	if o.look <= 0 {
		o.look = baseLook
	}
	ig, err := newIgnore(o.Root, o.Ignore)
	if err != nil {
		return nil, err
	}
	w := &Watcher{
		o: o, ignore: ig,
		events: make(chan Change, 256), batches: make(chan Batch), done: make(chan struct{}), lost: make(chan struct{}, 1),
		bases: map[string]*base{}, dirs: map[string]uint64{}, paths: map[uint64]string{}, links: map[string]string{}, poller: newPoller(),
	}
	if !o.Poll {
		// The buffer holds the events of a checkout. On Windows Add blocks while the channel is full, and read, which
		// empties the channel, calls Add (https://github.com/fsnotify/fsnotify/issues/502).
		if w.source, err = fsnotify.NewBufferedWatcher(4096); err != nil {
			w.limitReached(err)
		} else {
			w.running.Go(w.read)
			w.running.Go(w.readErrors)
		}
		if w.source != nil && w.o.add == nil {
			w.o.add = w.source.Add
		}
	}
	if o.Root != "" {
		w.addBase(o.Root, true)
	}
	w.running.Go(func() { gather(w.events, w.batches, w.done) })
	w.running.Go(w.look)
	return w, nil
}

// Changes returns the channel of batches. Close does not close it; no batch comes after Close.
func (w *Watcher) Changes() <-chan Batch { return w.batches }

// Add watches a further directory with everything below it, or the directory of a file. It is safe to add a directory
// again.
func (w *Watcher) Add(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("watch %s: %w", path, err)
	}
	if !info.IsDir() {
		w.addBase(filepath.Dir(path), false)
		return nil
	}
	w.addBase(path, true)
	return nil
}

// AddFolder watches the files of a directory, and nothing in its subdirectories. The directory may be created later.
func (w *Watcher) AddFolder(dir string) { w.addBase(dir, false) }

// Link reports the changes of a file, or of a directory with everything below it, also by the path of a link that leads
// there. It watches nothing by itself.
func (w *Watcher) Link(link, target string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.links[link] = target
}

// Close ends watching and waits for the watcher's goroutines.
func (w *Watcher) Close() error {
	var err error
	w.closing.Do(func() {
		close(w.done)
		if w.source != nil {
			err = w.source.Close()
		}
		w.running.Wait()
	})
	return err
}

// read turns the system's events into changes.
func (w *Watcher) read() {
	for {
		select {
		case <-w.done:
			return
		case e, ok := <-w.source.Events:
			if !ok {
				return
			}
			w.event(e)
		case <-w.lost:
			w.o.Logger.Warn("too many files changed at once, checking all files")
			w.rescan()
		}
	}
}

// readErrors takes the system's errors, and waits for nothing. fsnotify holds its lock until an error is taken, and Add,
// Remove and Close wait for that lock.
func (w *Watcher) readErrors() {
	for err := range w.source.Errors {
		switch {
		case errors.Is(err, fsnotify.ErrEventOverflow):
			select {
			case w.lost <- struct{}{}:
			default: // everything is still to be checked
			}
		case errors.Is(err, syscall.EINVAL): // the end of a watch that has ended: its folder was moved and then deleted
		default:
			w.o.Logger.Warn("watching files failed, and an edit may be missed; save the file again", "error", err)
		}
	}
}

// look checks what the system sends no events of, until done: bases that were replaced, and polled directories.
func (w *Watcher) look() {
	for {
		wait := w.o.look
		if w.poller.any() {
			wait = w.o.Interval
		}
		select {
		case <-w.done:
			return
		case <-time.After(wait):
			w.follow()
			w.poller.check(w.polled, w.wanted)
		}
	}
}

func (w *Watcher) event(e fsnotify.Event) {
	if w.ignore.path(e.Name) || e.Op == fsnotify.Chmod {
		return // a touch or chmod changes no content
	}
	switch {
	case e.Has(fsnotify.Create):
		w.created(e.Name)
	case e.Has(fsnotify.Remove), e.Has(fsnotify.Rename):
		w.removed(e.Name)
	case e.Has(fsnotify.Write):
		w.emit(Change{Written, e.Name})
	}
}

// emit reports a change, by its path and by the links that lead to it.
func (w *Watcher) emit(c Change) {
	changes := []Change{c}
	w.mu.Lock()
	for link, target := range w.links {
		if rest, ok := strings.CutPrefix(c.Path, target); ok && (rest == "" || rest[0] == filepath.Separator) {
			changes = append(changes, Change{c.Kind, link + rest})
		}
	}
	w.mu.Unlock()
	for _, c := range changes {
		select {
		case w.events <- c:
		case <-w.done:
		}
	}
}
