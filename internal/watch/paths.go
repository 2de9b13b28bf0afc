package watch

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/seed-b8174343/devserver/internal/disk"
)

// A watch of the system belongs to a directory, and moves with it: a directory that was renamed sends events under its
// old name, and the directory that took its place sends none. So a watch is put again whenever its path, or a path above
// it, is removed, created or replaced. The watches of a path are always dropped together with those below it: a
// directory has one watch, so that a stale watch would stand in the way of the right one.

// baseLook is how often the bases are checked. No system reports that a directory above a watched directory was renamed.
const baseLook = 500 * time.Millisecond

// base is a path that was asked for. It is watched whenever there is a directory at the path.
type base struct {
	deep bool        // with everything below
	was  *disk.State // of the directory that is watched, nil while there is none
}

// addBase watches a directory that was asked for.
func (w *Watcher) addBase(dir string, deep bool) {
	w.placing.Lock()
	defer w.placing.Unlock()
	w.mu.Lock()
	b, known := w.bases[dir]
	if !known {
		b = &base{}
		w.bases[dir] = b
	}
	b.deep = b.deep || deep
	w.mu.Unlock()
	if known { // it may have gone and be back, and then its files are reported
		w.followBase(dir)
	}
	if deep {
		w.addTree(dir+string(filepath.Separator), false)
	} else {
		w.addDir(dir)
	}
}

// deep reports whether directories in dir are watched too: dir is, or lies below, a base that is watched with everything
// below.
func (w *Watcher) deep(dir string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if b := w.bases[dir]; b != nil && b.deep {
			return true
		}
		up := filepath.Dir(dir)
		if up == dir || w.ignore.dir(dir) {
			return false
		}
		dir = up
	}
}

// created handles a path that was created, or has got another directory.
func (w *Watcher) created(path string) {
	info, err := os.Stat(path)
	switch {
	case err != nil || !info.IsDir():
		w.emit(Change{Created, path})
	case w.deep(filepath.Dir(path)):
		w.placing.Lock()
		defer w.placing.Unlock()
		w.drop(path)
		w.addTree(path, true)
	default:
		w.follow() // a base may lie there, or below
	}
}

// removed handles a path that was removed, with everything below it when it was a directory. The event may be late, and
// the path have a directory again that is watched already.
func (w *Watcher) removed(path string) {
	w.placing.Lock()
	known := w.drop(path)
	w.placing.Unlock()
	w.mu.Lock()
	isBase := w.bases[path] != nil
	w.mu.Unlock()
	switch {
	case isBase:
		w.follow()
	case known && directory(path) != nil:
		w.emit(Change{Removed, path})
		w.created(path)
	default:
		w.emit(Change{Removed, path})
	}
}

// follow puts the watches of bases again whose path has got another directory, and those of directories that went away
// and are back.
func (w *Watcher) follow() {
	w.placing.Lock()
	defer w.placing.Unlock()
	w.mu.Lock()
	dirs := slices.Sorted(maps.Keys(w.bases)) // what lies below a base comes after it
	w.mu.Unlock()
	for _, dir := range dirs {
		w.followBase(dir)
	}
}

func (w *Watcher) followBase(dir string) {
	now := directory(dir)
	w.mu.Lock()
	b := w.bases[dir]
	_, watched := w.dirs[dir]
	was, watched := b.was, watched || w.poller.has(dir)
	b.was = now
	w.mu.Unlock()
	switch {
	case now == nil && was == nil:
	case now == nil:
		w.drop(dir)
		if dir == w.o.Root { // its files are not gone, but elsewhere: pages stay as they are
			w.o.Logger.Warn("the folder " + dir + " is gone; edits are seen again when it is back")
			return
		}
		w.emit(Change{Removed, dir})
	case was == nil || was.ID() != now.ID() || !watched:
		w.place(dir, b.deep)
		if dir == w.o.Root && was == nil {
			w.o.Logger.Info("the folder " + dir + " is back")
		}
	}
}

// place puts the watches of a base again, and reports its files: any of them may differ.
func (w *Watcher) place(dir string, deep bool) {
	w.drop(dir)
	w.emit(Change{Removed, dir})
	if deep {
		w.addTree(dir+string(filepath.Separator), true)
		return
	}
	w.addDir(dir)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if path := filepath.Join(dir, e.Name()); !e.IsDir() && !w.ignore.path(path) {
			w.emit(Change{Created, path})
		}
	}
}

// directory returns the state of the directory at a path, nil when there is none.
func directory(path string) *disk.State {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return nil
	}
	s := disk.StateOf(info)
	return &s
}

// drop ends the watches of a directory and of all directories below it. It reports whether there were any.
func (w *Watcher) drop(dir string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	dropped := w.poller.drop(dir)
	if _, known := w.dirs[dir]; !dropped && !known {
		return false // a file, as a rule: a checkout removes thousands
	}
	below := dir + string(filepath.Separator)
	for watched := range w.dirs {
		if watched == dir || strings.HasPrefix(watched, below) {
			w.end(watched)
			dropped = true
		}
	}
	return dropped
}

// end ends the watch of one directory. w.mu is held.
func (w *Watcher) end(dir string) {
	if id := w.dirs[dir]; w.paths[id] == dir {
		delete(w.paths, id)
	}
	delete(w.dirs, dir)
	if w.source != nil {
		_ = w.source.Remove(dir) // the system may have ended the watch by itself
	}
}

// endStale ends the watch that the directory at a path has under an earlier name: the events that say so may be still to
// come, or were never sent, since the directory above was not watched at that moment. w.mu is held.
func (w *Watcher) endStale(dir string, id uint64) {
	stale, known := w.paths[id]
	if !known || id == 0 || stale == dir {
		return
	}
	if there := directory(stale); there == nil || there.ID() != id {
		w.end(stale)
	}
}

// addTree watches a directory and all directories below it. With report it reports their files as created: files in a
// new directory may have been written before the directory was watched. A dir that is a link is such a file, unless it
// ends with a separator.
func (w *Watcher) addTree(dir string, report bool) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // gone or unreadable: nothing to watch
		}
		top := path == dir
		path = filepath.Clean(path)
		if !d.IsDir() {
			if report && !w.ignore.path(path) {
				w.emit(Change{Created, path})
			}
			return nil
		}
		if !top && w.ignore.dir(path) {
			return filepath.SkipDir
		}
		w.addDir(path)
		return nil
	})
}

func (w *Watcher) addDir(dir string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, watched := w.dirs[dir]
	watched = watched || w.poller.has(dir)
	b := w.bases[dir]
	if watched && (b == nil || b.was != nil) {
		return
	}
	now := directory(dir) // before the watch: a directory that takes its place afterwards differs
	if b != nil {
		b.was = now
	}
	if watched {
		return
	}
	if w.source != nil && now != nil {
		w.endStale(dir, now.ID())
		err := w.o.add(dir)
		if err == nil {
			w.dirs[dir], w.paths[now.ID()] = now.ID(), dir
			return
		}
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		w.limitReached(err)
	}
	if w.source == nil || now != nil {
		w.poller.add(dir)
	}
}

// wanted reports whether a directory that is not polled should be: it was away for the moment in which the directory
// above was looked through.
func (w *Watcher) wanted(dir string) bool {
	w.mu.Lock()
	_, watched := w.dirs[dir]
	w.mu.Unlock()
	return !watched && !w.poller.has(dir) && !w.ignore.path(dir) && w.deep(filepath.Dir(dir))
}

// polled handles a change that the poller found. New directories are polled too.
func (w *Watcher) polled(c Change) {
	switch {
	case w.ignore.path(c.Path):
	case c.Kind == Created:
		w.created(c.Path)
	case c.Kind == Removed:
		w.removed(c.Path)
	default:
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

// rescan puts all watches again and reports every file: events of any of them may be lost.
func (w *Watcher) rescan() {
	w.placing.Lock()
	defer w.placing.Unlock()
	w.mu.Lock()
	dirs := slices.Sorted(maps.Keys(w.bases))
	w.mu.Unlock()
	for _, dir := range dirs {
		if directory(dir) != nil {
			w.place(dir, w.bases[dir].deep)
		}
	}
}
