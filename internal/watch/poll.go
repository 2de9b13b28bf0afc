package watch

import (
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/seed-b8174343/devserver/internal/disk"
)

// poller finds changes by comparing the entries of its directories, with their sizes and times.
type poller struct {
	mu   sync.Mutex
	dirs map[string]map[string]seen
}

// seen is an entry at a check.
type seen struct {
	state disk.State
	mode  os.FileMode
	link  bool
}

// replaced reports whether the entry is another directory now, or no directory any more, or has become one.
func (s seen) replaced(now seen) bool {
	return s.mode.IsDir() != now.mode.IsDir() || s.mode.IsDir() && s.state.ID() != now.state.ID()
}

// written reports whether the file differs. The times of a directory change with its entries, which are reported
// themselves.
func (s seen) written(now seen) bool {
	return !now.mode.IsDir() && (s.mode != now.mode || s.state.Size != now.state.Size || !s.state.ModTime.Equal(now.state.ModTime) ||
		s.state.ID() != now.state.ID())
}

func newPoller() *poller { return &poller{dirs: map[string]map[string]seen{}} }

func (p *poller) add(dir string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dirs[dir] == nil {
		p.dirs[dir] = list(dir)
	}
}

// drop forgets a directory and those below it. It reports whether the directory was polled.
func (p *poller) drop(dir string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dirs[dir] == nil {
		return false
	}
	below := dir + string(filepath.Separator)
	for polled := range p.dirs {
		if polled == dir || strings.HasPrefix(polled, below) {
			delete(p.dirs, polled)
		}
	}
	return true
}

// has reports whether the directory is polled.
func (p *poller) has(dir string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dirs[dir] != nil
}

// any reports whether some directory is polled.
func (p *poller) any() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.dirs) > 0
}

// list returns the entries of a directory. A directory that cannot be read, or is gone, has none: it may be back before
// the directory above it is checked.
func list(dir string) map[string]seen {
	entries, _ := os.ReadDir(dir)
	files := make(map[string]seen, len(entries))
	for _, e := range entries {
		if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil {
			files[e.Name()] = seen{disk.StateOf(info), info.Mode(), e.Type()&os.ModeSymlink != 0}
		}
	}
	return files
}

// check compares the directories with the last check, and reports the changes. What was removed comes first: something
// else may have taken its place. A directory that is wanted and not polled counts as created.
func (p *poller) check(report func(Change), wanted func(dir string) bool) {
	var removed, others []Change
	var left []string // directories that are not polled
	p.mu.Lock()
	for dir, was := range p.dirs {
		now := list(dir)
		p.dirs[dir] = now
		for name, s := range now {
			old, known := was[name]
			path := filepath.Join(dir, name)
			switch {
			case !known:
				others = append(others, Change{Created, path})
			case old.replaced(s):
				removed, others = append(removed, Change{Removed, path}), append(others, Change{Created, path})
			case s.mode.IsDir() && !s.link && p.dirs[path] == nil:
				left = append(left, path)
			case old.written(s):
				others = append(others, Change{Written, path})
			}
		}
		for name := range was {
			if _, still := now[name]; !still {
				removed = append(removed, Change{Removed, filepath.Join(dir, name)})
			}
		}
	}
	p.mu.Unlock()
	for _, c := range removed {
		report(c)
	}
	for _, c := range others {
		report(c)
	}
	for _, dir := range left {
		if wanted(dir) {
			report(Change{Created, dir})
		}
	}
}
