package edit

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/seed-b8174343/devserver/internal/vite"
	"github.com/seed-b8174343/devserver/internal/watch"
)

// Plugins of a vite.config hear of files that are created, changed and deleted, as Vite's watcher reports them. Our
// watcher reports what the system does. Many editors save by renaming a new file over the old file, and the files of a
// removed folder have no events. So the files that exist are remembered.

// existing knows the files that exist. The zero value knows none.
type existing struct {
	files sync.Map // path -> Sum of what plugins have heard of; the zero Sum when they have not heard of the file yet
}

// add notes a file.
func (x *existing) add(file string) { x.files.LoadOrStore(file, Sum{}) }

// hear notes what plugins hear of a file. It reports whether the file was known, and whether they heard of this content.
func (x *existing) hear(file string) (known, same bool) {
	now := sumOf(file)
	was, known := x.files.Swap(file, now)
	return known, known && was == now
}

// addFolder notes the files in a folder. Packages and hidden folders do not count.
func (x *existing) addFolder(dir string) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil: // gone meanwhile
		case !d.IsDir():
			x.add(path)
		case path != dir && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		}
		return nil
	})
}

// remove forgets a file, or the files of a folder, and returns them.
func (x *existing) remove(path string) (files []string) {
	if _, known := x.files.LoadAndDelete(path); known {
		return []string{path}
	}
	x.files.Range(func(key, _ any) bool {
		if file := key.(string); isOrBelow(file, path) {
			x.files.Delete(file)
			files = append(files, file)
		}
		return true
	})
	slices.Sort(files)
	return files
}

// viteChanges returns the changes that plugins of the vite.config hear of. The system may report a save twice.
func (u *Updater) viteChanges(changes watch.Batch) (list []vite.Change) {
	for _, c := range changes {
		if c.Kind == watch.Removed {
			for _, file := range u.existing.remove(c.Path) {
				list = append(list, vite.Change{File: file, Kind: c.Kind.String()})
			}
			continue
		}
		if info, err := os.Stat(c.Path); err != nil || info.IsDir() {
			continue
		}
		kind := c.Kind
		known, same := u.existing.hear(c.Path)
		switch {
		case same:
			continue
		case known:
			kind = watch.Written
		}
		list = append(list, vite.Change{File: c.Path, Kind: kind.String()})
	}
	return list
}

// asTold returns a change that viteChanges passes on as it is, whatever is known of the file.
func (u *Updater) asTold(c vite.Change) watch.Change {
	file, kind := filepath.Clean(c.File), watch.Written
	switch c.Kind {
	case "create":
		kind = watch.Created
		u.existing.remove(file)
	case "delete":
		kind = watch.Removed
		u.existing.add(file)
	default:
		u.existing.files.Store(file, Sum{})
	}
	return watch.Change{Kind: kind, Path: file}
}

// WatchFor watches files, folders and patterns for plugins of the vite.config.
func (u *Updater) WatchFor(paths []string) {
	for _, path := range u.o.Watched.Paths(paths) {
		u.existing.addFolder(path)
	}
}
