package edit

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-b8174343/devserver/internal/compile"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/glob"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/watch"
)

// Watched knows which files are watched beside the root, and the content of files when it was read last. Use
// NewWatched. Its methods are safe for concurrent use, once Config has returned.
type Watched struct {
	watcher *watch.Watcher
	layout  moduleid.Layout
	links   bool // files of modules have the paths of links
	log     *slog.Logger

	config    map[string]bool // files whose edit makes a new project
	contents  sync.Map        // file -> Sum of its content; sets edits apart from mere touches
	tsconfigs sync.Map        // files that tsconfigs were read from
	folders   sync.Map        // folders that are watched -> *sync.Once; a slash at the end: without what lies below
}

var _ compile.Watch = (*Watched)(nil)

// NewWatched returns a Watched that watches by the watcher, and owns it. The watcher sees the root by itself. links means
// that modules keep the paths of symbolic links (resolve.preserveSymlinks).
func NewWatched(w *watch.Watcher, l moduleid.Layout, links bool, log *slog.Logger) *Watched {
	return &Watched{watcher: w, layout: l, links: links, log: log, config: map[string]bool{}}
}

// Close ends the watcher.
func (w *Watched) Close() error { return w.watcher.Close() }

// Module watches the file of a module wherever it lies, linked packages included. Packages in node_modules are not
// watched: they change by installing, which page loads notice. "" is a module without a file.
func (w *Watched) Module(file string) {
	if file == "" || moduleid.IsDependency(file) {
		return
	}
	if w.links {
		file = w.linked(file)
	}
	if !w.layout.Outside(file) {
		return
	}
	if dir := filepath.Dir(file); strings.HasPrefix(w.layout.Root, dir+string(filepath.Separator)) {
		w.folder(dir) // it holds the root, and perhaps much else
	} else {
		w.Tree(dir)
	}
}

// linked returns the real path of a file. Its changes are reported by the file's own path, too.
func (w *Watched) linked(file string) string {
	real, err := filepath.EvalSymlinks(file)
	if err != nil || real == file {
		return file
	}
	w.watcher.Link(file, real)
	return real
}

// Public watches the public folder, if it lies outside the root or is a link to there.
func (w *Watched) Public() {
	if !isFolder(w.layout.Public) {
		return
	}
	if dir := w.linked(w.layout.Public); w.layout.Outside(dir) {
		w.Tree(dir)
	}
}

// Version watches the files outside the root that a module was built from, and the folders of its patterns.
func (w *Watched) Version(v *graph.Version) {
	for _, file := range v.Inputs {
		if w.layout.Outside(file) && !moduleid.IsDependency(file) {
			w.folder(filepath.Dir(file))
		}
	}
	for _, pattern := range slices.Concat(v.Globs, v.InputGlobs) {
		p, err := glob.Compile(pattern, glob.Options{})
		if err != nil {
			continue
		}
		if dir := filepath.FromSlash(p.Base()); w.layout.Outside(dir) && !moduleid.IsDependency(dir) {
			w.Tree(dir)
		}
	}
}

// Inputs watches the files that plugins named and returns them as absolute paths.
func (w *Watched) Inputs(files []string) []string {
	inputs := make([]string, len(files))
	for i, file := range files {
		if !filepath.IsAbs(file) {
			file = filepath.Join(w.layout.Root, filepath.FromSlash(file))
		}
		inputs[i] = filepath.Clean(file)
		if !w.layout.Outside(inputs[i]) {
			continue
		}
		dir := inputs[i]
		if !isFolder(dir) {
			dir = filepath.Dir(dir)
		}
		w.Tree(dir)
	}
	return inputs
}

// Paths watches files, folders with all below them, and what patterns match, wherever they lie. It returns what lies
// outside the root.
func (w *Watched) Paths(paths []string) (outside []string) {
	for _, path := range paths {
		if strings.HasPrefix(path, "!") {
			continue // a pattern of what its plugin does not want to hear of
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(w.layout.Root, filepath.FromSlash(path))
		}
		path = filepath.Clean(path)
		dir, tree := path, false
		if info, err := os.Stat(path); err == nil {
			tree = info.IsDir()
		} else if p, err := glob.Compile(filepath.ToSlash(path), glob.Options{}); err == nil && strings.ContainsAny(path, "*?[{(") {
			dir, tree = filepath.FromSlash(p.Base()), true
		}
		if !w.layout.Outside(dir) {
			continue
		}
		outside = append(outside, dir)
		if tree {
			w.Tree(dir)
		} else {
			w.folder(filepath.Dir(path))
		}
	}
	return outside
}

// TSConfig watches a file whose edit may change what modules compile to, wherever it lies.
func (w *Watched) TSConfig(file string) {
	if _, known := w.tsconfigs.LoadOrStore(file, true); known {
		return
	}
	w.contentChanged(file)
	if w.layout.Outside(file) && !moduleid.IsDependency(file) {
		w.folder(filepath.Dir(file))
	}
}

func (w *Watched) isTSConfig(file string) bool {
	_, known := w.tsconfigs.Load(file)
	return known
}

// Folders watches folders outside the root, without what lies below.
func (w *Watched) Folders(dirs ...string) {
	for _, dir := range dirs {
		if w.layout.Outside(dir) {
			w.folder(dir)
		}
	}
}

// Tree watches a folder and all below it.
func (w *Watched) Tree(dir string) {
	w.once(dir, func() {
		if err := w.watcher.Add(dir); err != nil {
			w.log.Warn("the folder "+dir+" cannot be watched, so its edits are not seen", "hint", "--poll needs no help of the system", "error", err)
		}
	})
}

// folder watches a folder without what lies below: files that are read from there are known by name.
func (w *Watched) folder(dir string) {
	w.once(dir+string(filepath.Separator), func() { w.watcher.AddFolder(dir) })
}

// once calls watch for the first of the callers that name a folder. The others wait for it.
func (w *Watched) once(folder string, watch func()) {
	once, _ := w.folders.LoadOrStore(folder, new(sync.Once))
	once.(*sync.Once).Do(watch)
}

// Config watches the files that the project was configured from, existing or not: editing one of them makes a new
// project. before holds the Sums that files had when the configuration was read; an edit since then counts.
func (w *Watched) Config(files []string, before map[string]Sum) {
	for _, f := range files {
		w.config[f] = true
		if sum, read := before[f]; read {
			w.contents.Store(f, sum)
		} else {
			w.contentChanged(f)
		}
		if w.layout.Outside(f) {
			w.watcher.AddFolder(filepath.Dir(f))
		}
	}
}

// ConfigFiles returns the files that the project was configured from.
func (w *Watched) ConfigFiles() []string { return slices.Collect(maps.Keys(w.config)) }

// ConfigSums returns the content of the configuration files as it is now, for the Config of the next project.
func (w *Watched) ConfigSums() map[string]Sum {
	sums := map[string]Sum{}
	for f := range w.config {
		sums[f] = sumOf(f)
	}
	return sums
}

// configChanged reports whether the file is one of the configuration and its content differs.
func (w *Watched) configChanged(file string) bool { return w.config[file] && w.contentChanged(file) }

// AwaitConfig waits a short while when a configuration file, .env among them, has just become empty: it is being saved,
// and an empty file would be valid, without its denials and values.
func (w *Watched) AwaitConfig(ctx context.Context) {
	justEmptied := func(file string) bool {
		info, err := os.Stat(file)
		return err == nil && info.Size() == 0 && time.Since(info.ModTime()) < emptiedWait
	}
	files := w.ConfigFiles()
	for range emptiedWait / unfinished { // not for ever: a file may be dated to the future
		if !slices.ContainsFunc(files, justEmptied) {
			return
		}
		select {
		case <-time.After(unfinished):
		case <-ctx.Done():
			return
		}
	}
}

// Sum stands for the content of a file.
type Sum [sha256.Size]byte

// NoteContent remembers the content of a file that was read for the first time, so that a mere touch changes nothing.
func (w *Watched) NoteContent(file string, content []byte) {
	if _, known := w.contents.Load(file); !known {
		w.contents.LoadOrStore(file, Sum(sha256.Sum256(content)))
	}
}

// contentChanged reports whether the file's content differs from the last time that it was asked.
func (w *Watched) contentChanged(file string) bool {
	now := sumOf(file)
	was, known := w.contents.Swap(file, now)
	return !known || was != now
}

// differs reports whether the content of a file differs from the last time that it was read. The next contentChanged
// says so, too.
func (w *Watched) differs(file string) bool {
	was, known := w.contents.Load(file)
	return known && was != sumOf(file)
}

// forgetDeletedPages forgets the content of pages that do not exist any more, and returns their files: path, or those
// below it.
func (w *Watched) forgetDeletedPages(path string) (gone []string) {
	w.contents.Range(func(key, _ any) bool {
		if file := key.(string); moduleid.IsPage(file) && isOrBelow(file, path) && disk.Stat(file) == nil {
			w.contents.Delete(file)
			gone = append(gone, file)
		}
		return true
	})
	slices.Sort(gone)
	return gone
}

// isOrBelow reports whether the file is at the path, or in the folder at the path.
func isOrBelow(file, path string) bool {
	return file == path || strings.HasPrefix(file, path+string(filepath.Separator))
}

// sumOf reads the file. A file that does not exist counts as empty.
func sumOf(file string) Sum {
	text, err := disk.ReadFile(file)
	if err != nil {
		text = nil
	}
	return sha256.Sum256(text)
}
