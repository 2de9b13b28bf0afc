package edit

import (
	"path/filepath"
	"slices"

	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/watch"
)

// Files of the public folder. They are served as they are and have no module, and only the page knows which of them it
// has loaded. So an update names all that changed.

// publicPaths returns the paths of the stylesheets and of the other files of the public folder that changed, as pages
// have them. A folder that was removed stands for all that it held.
func (u *Updater) publicPaths(changes watch.Batch) (styles, files []string) {
	for _, c := range changes {
		path, ok := u.publicPath(c)
		if !ok || moduleid.IsPage(path) { // reloadPages knows the pages
			continue
		}
		differs := u.o.Watched.contentChanged(c.Path)
		switch {
		case !differs && (c.Kind == watch.Written || c.Kind == watch.Replaced):
		case moduleid.IsStyle(path):
			styles = append(styles, path)
		default:
			files = append(files, path)
		}
	}
	return styles, files
}

// publicPath returns the path at which a changed file of the public folder is served, "/" for the folder itself.
func (u *Updater) publicPath(c watch.Change) (path string, ok bool) {
	public := u.o.Layout.Public
	if public == "" || public == u.o.Layout.Root || !isOrBelow(c.Path, public) {
		return "", false
	}
	return moduleid.OfPath("/" + filepath.ToSlash(c.Path[min(len(public)+1, len(c.Path)):])), true
}

// publicEmptied reports whether the edit emptied a file of the public folder.
func (u *Updater) publicEmptied(e *edit) bool {
	return slices.ContainsFunc(e.changes, func(c watch.Change) bool {
		_, ok := u.publicPath(c)
		return ok && becameEmpty(c)
	})
}

// publicDeleted reports whether the edit deleted a file of the public folder.
func (u *Updater) publicDeleted(e *edit) bool {
	return slices.ContainsFunc(e.changes, func(c watch.Change) bool {
		_, ok := u.publicPath(c)
		return ok && c.Kind == watch.Removed && disk.Stat(c.Path) == nil
	})
}
