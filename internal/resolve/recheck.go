package resolve

import (
	"io/fs"
	"os"
	"path/filepath"
)

// marks are the files in which package managers record what they installed.
var marks = []string{".", ".package-lock.json", ".modules.yaml", ".yarn-state.yml", ".yarn-integrity"}

// note remembers the state of a file that answers depend on, nil when the file does not exist. Call it before the file
// is read.
func (c *cache) note(file string) { c.noteInfo(file, stateOf(file)) }

// noteInfo keeps the state that is known already: what has changed since then, Recheck has not seen yet.
func (c *cache) noteInfo(file string, info fs.FileInfo) { c.r.noted.LoadOrStore(file, info) }

func stateOf(file string) fs.FileInfo {
	info, err := os.Stat(file)
	if err != nil {
		return nil
	}
	return info
}

// noteModules remembers the state of a node_modules folder.
func (c *cache) noteModules(dir string) {
	for _, name := range marks {
		c.note(filepath.Join(dir, name))
	}
}

// Recheck reports whether packages were installed, upgraded or removed since the last Recheck, and forgets everything if
// so. It costs a stat of each package.json in use. Call it where nobody watches node_modules.
func (r *Resolver) Recheck() (changed bool) {
	r.noted.Range(func(file, value any) bool {
		was, _ := value.(fs.FileInfo)
		if now := stateOf(file.(string)); isOther(was, now) {
			changed = true
			r.noted.Store(file, now)
		}
		return true
	})
	if changed {
		r.Reset()
	}
	return changed
}

// isOther reports whether a file differs. All files from npm's archives have the same time: a new file shows by its
// inode.
func isOther(was, now fs.FileInfo) bool {
	if was == nil || now == nil {
		return was != nil || now != nil
	}
	return !os.SameFile(was, now) || was.Size() != now.Size() || !was.ModTime().Equal(now.ModTime())
}

// Afresh returns a func that resolves as Glance does, by what is on disk at its first use. Use it for a few questions.
func (r *Resolver) Afresh() func(kind Kind, specifier, importer string) (Resolved, error) {
	fresh := r.newCache()
	return func(kind Kind, specifier, importer string) (Resolved, error) {
		q := query{cache: fresh, kind: kind}
		return q.resolve(specifier, importer)
	}
}
