package watch

import (
	"os"
	"path/filepath"
	"sync"
	"time"
)

// poller finds changes by comparing the entries of its directories, with their sizes and times.
type poller struct {
	mu   sync.Mutex
	dirs map[string]map[string]seen
}

// seen is the state of a file at a check. Two states of a changed file differ.
type seen struct {
	size  int64
	mtime time.Time
	mode  os.FileMode
}

func newPoller() *poller { return &poller{dirs: map[string]map[string]seen{}} }

func (p *poller) add(dir string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dirs[dir] == nil {
		p.dirs[dir] = list(dir)
	}
}

func list(dir string) map[string]seen {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	files := make(map[string]seen, len(entries))
	for _, e := range entries {
		if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil {
			files[e.Name()] = seen{info.Size(), info.ModTime(), info.Mode()}
			if info.IsDir() {
				files[e.Name()] = seen{mode: info.Mode()} // its time changes with its entries, which are reported themselves
			}
		}
	}
	return files
}

// run checks the directories at each interval and reports changes, until done.
func (p *poller) run(interval time.Duration, done <-chan struct{}, report func(c Change, isDir bool)) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			p.check(report)
		}
	}
}

func (p *poller) check(report func(c Change, isDir bool)) {
	type found struct {
		c     Change
		isDir bool
	}
	var all []found
	p.mu.Lock()
	for dir, was := range p.dirs {
		now := list(dir)
		for name, s := range now {
			old, known := was[name]
			switch {
			case !known:
				all = append(all, found{Change{Created, filepath.Join(dir, name)}, s.mode.IsDir()})
			case old != s && !s.mode.IsDir():
				all = append(all, found{Change{Written, filepath.Join(dir, name)}, false})
			}
		}
		for name, s := range was {
			if _, still := now[name]; !still {
				all = append(all, found{Change{Removed, filepath.Join(dir, name)}, s.mode.IsDir()})
			}
		}
		if now == nil {
			delete(p.dirs, dir)
		} else {
			p.dirs[dir] = now
		}
	}
	p.mu.Unlock()
	for _, f := range all {
		report(f.c, f.isDir)
	}
}
