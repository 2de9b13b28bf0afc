// Package watch reports which files of a project change.
//
// Changes come in batches. A single save is reported at once, without a quiet period. Changes during the receiver's
// work are gathered, one for each file. A burst of many files (a checkout) is held until it is quiet, so that it
// becomes one batch. The watcher watches directories and not files, so that it sees each way in which editors save:
// files that are replaced, swapped or made again.
package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
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

// Change is one file that changed, or a directory that was removed with its contents.
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

	mu     sync.Mutex
	dirs   map[string]bool // watched by events
	trees  map[string]bool // watched with everything below
	poller *poller         // non-nil once something is polled
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
	ig, err := newIgnore(o.Root, o.Ignore)
	if err != nil {
		return nil, err
	}
	w := &Watcher{
		o: o, ignore: ig,
		events: make(chan Change, 256), batches: make(chan Batch), done: make(chan struct{}),
		dirs: map[string]bool{}, trees: map[string]bool{},
	}
	if !o.Poll {
		// The buffer holds the events of a checkout. On Windows Add blocks while the channel is full, and read, which
		// empties the channel, calls Add (https://github.com/fsnotify/fsnotify/issues/502).
		if w.source, err = fsnotify.NewBufferedWatcher(4096); err != nil {
			w.limitReached(err)
		} else {
			w.running.Go(w.read)
		}
		if w.source != nil && w.o.add == nil {
			w.o.add = w.source.Add
		}
	}
	if o.Root != "" {
		w.addTree(o.Root, false)
	}
	w.running.Go(func() { gather(w.events, w.batches, w.done) })
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
		w.addDir(filepath.Dir(path), false)
		return nil
	}
	w.addTree(path, false)
	return nil
}

// AddFolder watches the files of a directory, and nothing in its subdirectories.
func (w *Watcher) AddFolder(dir string) error {
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("watch %s: %w", dir, err)
	}
	w.addDir(dir, false)
	return nil
}

// deep reports whether new directories in dir are watched too.
func (w *Watcher) deep(dir string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.trees[dir]
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
		case err, ok := <-w.source.Errors:
			if !ok {
				return
			}
			if errors.Is(err, fsnotify.ErrEventOverflow) {
				// Events are lost: check everything once.
				w.o.Logger.Warn("too many files changed at once, checking all files")
				w.rescan()
				continue
			}
			w.o.Logger.Warn("watch", "error", err)
		}
	}
}

func (w *Watcher) event(e fsnotify.Event) {
	if w.ignore.path(e.Name) || e.Op == fsnotify.Chmod {
		return // a touch or chmod changes no content
	}
	switch {
	case e.Has(fsnotify.Create):
		if info, err := os.Stat(e.Name); err == nil && info.IsDir() {
			if w.deep(filepath.Dir(e.Name)) {
				w.addTree(e.Name, true)
			}
			return
		}
		w.emit(Change{Created, e.Name})
	case e.Has(fsnotify.Remove), e.Has(fsnotify.Rename):
		w.mu.Lock()
		delete(w.dirs, e.Name)
		w.mu.Unlock()
		w.emit(Change{Removed, e.Name})
	case e.Has(fsnotify.Write):
		w.emit(Change{Written, e.Name})
	}
}

func (w *Watcher) emit(c Change) {
	select {
	case w.events <- c:
	case <-w.done:
	}
}

// addTree watches a directory and all directories below it. With report it reports their files as created: files in a
// new directory may have been written before the directory was watched.
func (w *Watcher) addTree(dir string, report bool) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // gone or unreadable: nothing to watch
		}
		if !d.IsDir() {
			if report && !w.ignore.path(path) {
				w.emit(Change{Created, path})
			}
			return nil
		}
		if path != dir && w.ignore.dir(path) {
			return filepath.SkipDir
		}
		w.addDir(path, true)
		return nil
	})
}

func (w *Watcher) addDir(dir string, tree bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trees[dir] = w.trees[dir] || tree
	if w.dirs[dir] {
		return
	}
	if w.source != nil {
		err := w.o.add(dir)
		if err == nil {
			w.dirs[dir] = true
			return
		}
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		w.limitReached(err)
	}
	if w.poller == nil {
		w.poller = newPoller()
		w.running.Go(func() { w.poller.run(w.o.Interval, w.done, w.polled) })
	}
	w.poller.add(dir)
}

// polled handles a change that the poller found. New directories are polled too.
func (w *Watcher) polled(c Change, isDir bool) {
	if isDir && c.Kind == Created {
		if !w.ignore.dir(c.Path) && w.deep(filepath.Dir(c.Path)) {
			w.addTree(c.Path, true)
		}
		return
	}
	if !w.ignore.path(c.Path) {
		w.emit(c)
	}
}

// limitReached warns once that some folders are polled, and says how to raise the system's limit.
func (w *Watcher) limitReached(err error) {
	if w.warned {
		return
	}
	w.warned = true
	hint := ""
	switch {
	case errors.Is(err, syscall.ENOSPC):
		hint = "raise it with `sudo sysctl fs.inotify.max_user_watches=524288`"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		hint = "raise it with `sudo sysctl fs.inotify.max_user_instances=1024` and `ulimit -n 65536`"
	}
	w.o.Logger.Warn("the system's limit for watched files is reached; polling the remaining folders, which is slower",
		"hint", hint, "error", err)
}

// rescan reports every file as written. The receiver compares contents and finds the changed files.
func (w *Watcher) rescan() {
	w.mu.Lock()
	dirs := make([]string, 0, len(w.dirs))
	for dir := range w.dirs {
		dirs = append(dirs, dir)
	}
	w.mu.Unlock()
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			w.emit(Change{Removed, dir})
			continue
		}
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			if e.IsDir() {
				if !w.ignore.dir(path) && w.deep(dir) {
					w.addTree(path, true)
				}
			} else if !w.ignore.path(path) {
				w.emit(Change{Written, path})
			}
		}
	}
}
