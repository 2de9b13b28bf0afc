package edit

import (
	"path/filepath"
	"sync"

	"github.com/seed-b8174343/devserver/internal/graph"
)

// revoke ends the permissions to read files that followed from imports which the edit removed. A broken module keeps
// the permissions of the version that pages run.
func (u *Updater) revoke(e *edit) {
	for id, m := range e.modules {
		if m.outcome == handled || m.outcome == fresh {
			continue
		}
		v := u.o.Graph.Good(id)
		files := sync.OnceValue(func() map[string]bool { return u.filesOf(v) }) // few modules have such imports
		u.o.Gate.Retain(id, func(file string) bool {
			return v != nil && (v.Lazy || files()[file]) // a lazy import is resolved when it comes into use
		})
	}
}

// filesOf returns the real paths of the files that the version imports, or was made from.
func (u *Updater) filesOf(v *graph.Version) map[string]bool {
	files := map[string]bool{}
	note := func(file string) {
		files[file] = true
		if real, err := filepath.EvalSymlinks(file); err == nil {
			files[real] = true
		}
	}
	for _, e := range v.Edges {
		note(u.o.Compiler.File(e.To))
	}
	for _, file := range v.Inputs {
		note(file)
	}
	return files
}
