package resolve

import (
	"io/fs"
	"os"
	"path/filepath"
)

// marks are the files in which package managers record what they installed.
var marks = []string{".", ".package-lock.json", ".modules.yaml", ".yarn-state.yml", ".yarn-integrity"}

// note remembers the state of a file that answers depend on, nil when the file does not exist.
func (c *cache) note(file string) {
	info, err := os.Stat(file)
	if err != nil {
		info = nil
	}
	c.noteInfo(file, info)
}

func (c *cache) noteInfo(file string, info fs.FileInfo) { c.noted.Store(file, info) }

// noteModules remembers the state of a node_modules folder.
func (c *cache) noteModules(dir string) {
	for _, name := range marks {
		c.note(filepath.Join(dir, name))
	}
}

// Recheck reports whether packages were installed, upgraded or removed since they were read, and forgets everything if
// so. It costs a stat of each package.json in use. Call it where nobody watches node_modules.
func (r *Resolver) Recheck() (changed bool) {
	c := r.cache.Load()
	c.noted.Range(func(key, value any) bool {
		was, _ := value.(fs.FileInfo)
		now, err := os.Stat(key.(string))
		// All files from npm's archives have the same time: a new file shows by its inode.
		changed = (err == nil) != (was != nil) ||
			was != nil && (!os.SameFile(was, now) || was.Size() != now.Size() || !was.ModTime().Equal(now.ModTime()))
		return !changed
	})
	if changed {
		r.Reset()
	}
	return changed
}
