package edit

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/journal"
	"github.com/seed-b8174343/devserver/internal/watch"
)

// goEdits are files of the plugins' Go code whose edits look unfinished and are not built yet. A build of half a save
// takes a second at least, and is thrown away.
type goEdits struct {
	since  map[string]time.Time // files, and when they were first seen so
	edited []string             // the files that have changed
	sums   map[string]Sum       // of the files that were built, apart from Watched's, which the rest of an edit changes
	waits  int                  // counts, so that only the last wait acts

	following sync.Mutex // held by followGoSources, so that what was found last stays
	sources   atomic.Pointer[goSources]
}

// goSources is what the plugins are built from beside their folder: files, and folders whose Go files count.
type goSources struct{ files, folders []string }

// restartForPlugins starts the project over when a folder of plugins has appeared.
func (u *Updater) restartForPlugins(changes watch.Batch) bool {
	for _, c := range changes {
		if u.o.PluginDir != "" || !u.o.NewPlugins(c.Path) {
			continue
		}
		// Editors create a file and then write it. An empty file says nothing yet.
		if state := disk.Stat(c.Path); state == nil || state.Size > 0 {
			u.o.Restart(u.o.Layout.Shown(c.Path) + " changed")
			u.recordOther(changes, journal.Restart) // record.go
			return true
		}
	}
	return false
}

// followGoSources finds again what the plugins are built from beside their folder, and watches it. That takes time in a
// large module, so that no edit waits for it.
func (u *Updater) followGoSources() {
	if u.o.PluginDir == "" {
		return
	}
	u.goWaits.following.Lock()
	defer u.goWaits.following.Unlock()
	files, folders := u.o.PluginSources()
	for _, f := range files {
		u.o.Watched.Folders(filepath.Dir(f))
	}
	u.o.Watched.Folders(folders...)
	u.goWaits.sources.Store(&goSources{files, folders})
}

// goChanged reports whether all changes are in the plugins' Go code. It builds the plugins if some are.
func (u *Updater) goChanged(changes watch.Batch) bool {
	if u.o.PluginDir == "" {
		return false
	}
	files, others := []string{}, false
	for _, c := range changes {
		inside, matters := u.isGo(c.Path)
		if matters {
			files = append(files, c.Path)
		}
		others = others || !inside
	}
	if len(files) > 0 {
		u.goEdited(files...)
	}
	return !others
}

// isGo reports whether a file concerns the plugins alone, and whether their program is built from it.
func (u *Updater) isGo(file string) (inside, matters bool) {
	if u.o.PluginDir == "" {
		return false, false
	}
	isSource := filepath.Ext(file) == ".go" && !strings.HasSuffix(file, "_test.go")
	if !strings.HasPrefix(file, u.o.PluginDir+string(filepath.Separator)) {
		beside := u.goWaits.sources.Load()
		return false, beside != nil && (slices.Contains(beside.files, file) || isSource && slices.Contains(beside.folders, filepath.Dir(file)))
	}
	switch filepath.Ext(file) {
	case ".go":
		return true, isSource
	case ".mod", ".work":
		return true, true
	case ".sum": // `go build` writes it
		return true, false
	}
	return false, embeds(u.o.PluginDir)
}

// isEmbedded reports whether the plugins' program may embed the file.
func (u *Updater) isEmbedded(file string) bool {
	_, matters := u.isGo(file)
	return matters
}

// goEdited builds the plugins, unless a changed file looks unfinished: then it waits a while for the rest. The caller
// holds applying.
func (u *Updater) goEdited(files ...string) {
	w := &u.goWaits
	if w.since == nil {
		w.since, w.sums = map[string]time.Time{}, map[string]Sum{}
	}
	for _, f := range files {
		if _, known := w.since[f]; !known {
			w.since[f] = time.Now()
		}
	}
	var longest time.Duration
	for f, since := range w.since {
		left := goHoldFor(f) - time.Since(since)
		if longest = max(longest, left); left > 0 {
			continue
		}
		delete(w.since, f)
		now := sumOf(f)
		if was, known := w.sums[f]; !known || was != now {
			w.edited = append(w.edited, f)
		}
		w.sums[f] = now
	}
	w.waits++
	switch {
	case longest > 0:
		u.awaitGo(longest)
	case len(w.edited) > 0:
		u.o.Logger.Info("plugins changed, building")
		built := u.builds.Begin()
		u.tasks.Go(u.followGoSources)
		u.tasks.Go(func() { defer built(); u.o.BuildPlugins() })
		u.recordOther(written(w.edited), journal.PluginEdit) // record.go
		w.edited = nil
	}
}

// awaitGo looks again after a while, unless an edit has arrived by then. The caller holds applying.
func (u *Updater) awaitGo(d time.Duration) {
	wait := u.goWaits.waits
	u.tasks.Go(func() {
		select {
		case <-time.After(d):
		case <-u.o.Context.Done():
			return
		}
		u.applying.Lock()
		defer u.applying.Unlock()
		if u.goWaits.waits == wait {
			u.goEdited()
		}
	})
}

// goHoldFor returns how long an edit of the file may be held back, 0 when it looks whole.
func goHoldFor(file string) time.Duration {
	info, err := os.Stat(file)
	switch {
	case err != nil: // editors delete a file and create it again
		return unfinished
	case info.Size() == 0:
		return emptiedWait
	case filepath.Ext(file) != ".go":
		return 0
	}
	text, err := disk.ReadFile(file)
	if err == nil {
		_, err = parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
	}
	if err != nil {
		return unfinished
	}
	return 0
}

var embedDirective = regexp.MustCompile(`(?m)^\s*//go:embed\s`)

// embeds reports whether the Go code of a folder embeds other files of it.
func embeds(dir string) bool {
	found := false
	_ = filepath.WalkDir(dir, func(file string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".go" {
			return nil // a file that cannot be read cannot be compiled
		}
		if text, err := disk.ReadFile(file); err == nil && embedDirective.Match(text) {
			found = true
			return filepath.SkipAll
		}
		return nil
	})
	return found
}
