package server

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/seed-b8174343/devserver/internal/config"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
)

// Which files are watched beside those below the root, and what was in them when they were read last.

// filesRead is what is known of files that were read, of modules and others.
type filesRead struct {
	// configFiles are the files whose edit makes a new project; contents tells edits from mere touches.
	configFiles map[string]bool
	contents    sync.Map // file -> hash, see contentChanged
	tsconfigs   sync.Map // files that tsconfigs were read from
	watched     sync.Map // folders watched on behalf of modules outside the root
}

// outside tells whether a file lies where the watcher does not look by itself.
func (p *project) outside(file string) bool {
	return file != p.layout.Root && !strings.HasPrefix(file, p.layout.Root+string(filepath.Separator))
}

// watchModule makes sure that edits of a module's file are seen wherever it lies, linked packages included. Packages
// in node_modules are not watched: they change by installing, which page loads notice.
func (p *project) watchModule(id string) {
	file := p.File(id)
	if file == "" || moduleid.IsDependency(file) || !p.layout.Outside(file) {
		return
	}
	if dir := filepath.Dir(file); strings.HasPrefix(p.layout.Root, dir+string(filepath.Separator)) {
		p.watchFolder(dir) // it holds the root, and perhaps much else
	} else {
		p.watchDir(dir)
	}
}

// watchNew watches the folders of modules that lie outside the root.
func (p *project) watchNew(ids []string) {
	for _, id := range ids {
		p.watchModule(id)
	}
}

// watchMade makes sure that edits outside the root are seen of the files that a module was made from, and that files are
// seen to come and go where it lists them by pattern.
func (p *project) watchMade(v *graph.Version) {
	for _, file := range v.Inputs {
		if p.layout.Outside(file) && !moduleid.IsDependency(file) {
			p.watchFolder(filepath.Dir(file))
		}
	}
	for _, pattern := range v.Globs {
		base, _ := doublestar.SplitPattern(pattern)
		if dir := filepath.FromSlash(base); p.layout.Outside(dir) && !moduleid.IsDependency(dir) {
			p.watchDir(dir)
		}
	}
}

// watchInputs makes sure that edits of files that plugins named are seen, and returns them as absolute paths.
func (p *project) watchInputs(files []string) []string {
	inputs := make([]string, len(files))
	for i, file := range files {
		if !filepath.IsAbs(file) {
			file = filepath.Join(p.layout.Root, filepath.FromSlash(file))
		}
		inputs[i] = filepath.Clean(file)
		if !p.layout.Outside(inputs[i]) {
			continue
		}
		dir := inputs[i]
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			dir = filepath.Dir(dir)
		}
		p.watchDir(dir)
	}
	return inputs
}

func (p *project) watchDir(dir string) {
	if _, done := p.watched.LoadOrStore(dir, true); done {
		return
	}
	if err := p.watcher.Add(dir); err != nil {
		p.log.Warn("watch "+dir, "error", err)
	}
}

// watchFolder is watchDir without what lies below: what is read from there is known by name.
func (p *project) watchFolder(dir string) {
	if _, done := p.watched.LoadOrStore(dir+string(filepath.Separator), true); done {
		return
	}
	if err := p.watcher.AddFolder(dir); err != nil {
		p.log.Warn("watch "+dir, "error", err)
	}
}

// noteConfigFiles remembers what the project was read from; files that don't exist yet count too.
func (p *project) noteConfigFiles() {
	files := append([]string{}, p.env.Files()...)
	files = append(files, p.vite.Files...)
	files = append(files, p.tools.files...)
	if p.cfg.Path != "" {
		files = append(files, p.cfg.Path)
	} else {
		files = append(files, filepath.Join(p.layout.Dir, config.FileName))
	}
	if p.goPlugins == nil && !p.server.opts.NoPlugins {
		files = append(files, filepath.Join(p.layout.Dir, pluginhost.Folder, "go.mod")) // `devserver init` may make it
	}
	for _, f := range files {
		p.configFiles[f] = true
		if sum, read := p.server.before[f]; read {
			p.contents.Store(f, sum)
		} else {
			p.contentChanged(f)
		}
		if p.layout.Outside(f) {
			_ = p.watcher.AddFolder(filepath.Dir(f)) // an env folder that does not exist has nothing to watch
		}
	}
}

// noteTSConfig remembers a file whose edit may change what modules compile to, wherever it lies.
func (p *project) noteTSConfig(file string) {
	if _, known := p.tsconfigs.LoadOrStore(file, true); known {
		return
	}
	p.contentChanged(file)
	if p.layout.Outside(file) && !moduleid.IsDependency(file) {
		p.watchFolder(filepath.Dir(file))
	}
}

// contentChanged tells whether the file's content differs from the last time it was asked.
func (p *project) contentChanged(file string) bool {
	now := contentSum(file)
	was, known := p.contents.Swap(file, now)
	return !known || was != now
}

// contentSum stands for a file's content; a file that is not there counts as empty.
func contentSum(file string) [sha256.Size]byte {
	text, err := disk.ReadFile(file)
	if err != nil {
		text = nil
	}
	return sha256.Sum256(text)
}
