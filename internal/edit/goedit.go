package server

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
)

// goEdits are files of the plugins' Go code whose edits are not built yet, since they look unfinished. A build of half a save
// is a second at least, and thrown away.
type goEdits struct {
	since   map[string]time.Time // files, and when they were first seen so
	changed bool                 // another file has changed, too
	waits   int                  // counts, so that only the last wait acts
}

// goChanged tells whether the edit is one of the plugins' Go code, and builds it anew if so.
func (p *project) goChanged(e *edit) bool {
	if p.goPlugins == nil {
		return false
	}
	files, others := []string{}, false
	for _, c := range e.changes {
		inside, matters := p.isGo(c.Path)
		if matters {
			files = append(files, c.Path)
		}
		others = others || !inside
	}
	if len(files) > 0 {
		p.goEdited(files...)
	}
	return !others
}

// isGo tells whether a file is of the plugins' folder and nobody else's, and whether what is built depends on it.
func (p *project) isGo(file string) (inside, matters bool) {
	dir := filepath.Join(p.layout.Dir, pluginhost.Folder)
	if !strings.HasPrefix(file, dir+string(filepath.Separator)) {
		return false, false
	}
	switch filepath.Ext(file) {
	case ".go":
		return true, !strings.HasSuffix(file, "_test.go")
	case ".mod", ".work":
		return true, true
	case ".sum": // `go build` writes it
		return true, false
	}
	return false, embeds(dir)
}

// goEdited builds the plugins, unless what was written looks unfinished: then it waits for the rest, for a while. The caller
// holds applying.
func (p *project) goEdited(files ...string) {
	w := &p.goWaits
	if w.since == nil {
		w.since = map[string]time.Time{}
	}
	for _, f := range files {
		if _, known := w.since[f]; !known {
			w.since[f] = time.Now()
		}
	}
	var longest time.Duration
	for f, since := range w.since {
		left := goPatience(f) - time.Since(since)
		if longest = max(longest, left); left > 0 {
			continue
		}
		delete(w.since, f)
		w.changed = p.contentChanged(f) || w.changed
	}
	w.waits++
	switch {
	case longest > 0:
		p.awaitGo(longest)
	case w.changed:
		w.changed = false
		p.log.Info("plugins changed, building")
		p.tasks.Go(p.goPlugins.Reload)
	}
}

// awaitGo looks again after a while, unless an edit has come by then. The caller holds applying.
func (p *project) awaitGo(d time.Duration) {
	wait := p.goWaits.waits
	p.tasks.Go(func() {
		select {
		case <-time.After(d):
		case <-p.ctx.Done():
			return
		}
		p.applying.Lock()
		defer p.applying.Unlock()
		if p.goWaits.waits == wait {
			p.goEdited()
		}
	})
}

// goPatience is how long an edit of the file may be held back, 0 when it looks whole.
func goPatience(file string) time.Duration {
	info, err := os.Stat(file)
	switch {
	case err != nil: // editors delete and make anew
		return unfinished
	case info.Size() == 0:
		return emptied
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

// embeds tells whether the Go code of the folder has other files of it compiled in.
func embeds(dir string) bool {
	found := false
	_ = filepath.WalkDir(dir, func(file string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".go" {
			return nil // what cannot be read cannot be compiled
		}
		if text, err := disk.ReadFile(file); err == nil && embedDirective.Match(text) {
			found = true
			return filepath.SkipAll
		}
		return nil
	})
	return found
}
