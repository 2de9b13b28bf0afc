package vite

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/seed-b8174343/devserver/internal/cache"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/glob"
	"github.com/seed-b8174343/devserver/internal/moduleid"
)

// What plugins answered is kept in the project's cache, so that the next start shows its page before Node runs. An
// answer is good for as long as the vite.config, its plugins' versions and the files that it was made from are the same.
// What else a plugin looks at is not known, so Node is asked again soon, see again.go.

// keyOf returns the key of an answer in the cache.
func (h *Host) keyOf(kind, name string) cache.Key {
	h.saltOnce.Do(func() {
		i := h.o.Info
		parts := []string{"vite", cache.Program(), h.o.State, h.o.Mode, i.Version, i.Root}
		for _, name := range slices.Sorted(maps.Keys(i.Packages)) {
			parts = append(parts, name, i.Packages[name])
		}
		salt := cache.KeyOf(parts...)
		h.salt = string(salt[:])
	})
	return cache.KeyOf(h.salt, kind, name)
}

// keptModule is the head of a kept answer about a module. The code follows it.
type keptModule struct {
	// Inputs are the stamps of what the answer follows from, by files and patterns. The module's own file is "".
	Inputs map[string]string
	// Owned reports whether plugins made the module.
	Owned        bool
	CSS          bool
	Files, Globs []string
	By           []string
}

// keep keeps an answer about a module. own is the stamp of its file before the plugins saw it.
func (h *Host) keep(id, own string, m *Module) {
	if h.o.Cache == nil {
		return
	}
	k := keptModule{Inputs: map[string]string{"": own}}
	var code string
	if m != nil {
		k.Owned, k.CSS, k.Files, k.Globs, k.By, code = true, m.CSS, m.Files, m.Globs, m.By, m.Code
		for _, name := range slices.Concat(m.Files, m.Globs) {
			k.Inputs[name] = h.stampOf(name)
		}
	}
	head, err := json.Marshal(k)
	if err != nil {
		return
	}
	h.o.Cache.Put(h.keyOf("module", id), slices.Concat(head, []byte("\n"), []byte(code)))
}

// kept returns what plugins answered about a module in an earlier run, if that is still good. own is the stamp of its
// file.
func (h *Host) kept(id, own string) (m *Module, ok bool) {
	data, ok := h.o.Cache.Get(h.keyOf("module", id))
	if !ok {
		return nil, false
	}
	head, code, ok := bytes.Cut(data, []byte("\n"))
	var k keptModule
	if !ok || json.Unmarshal(head, &k) != nil || k.Inputs[""] != own {
		return nil, false
	}
	for name, was := range k.Inputs {
		if name != "" && h.stampOf(name) != was {
			return nil, false
		}
	}
	if !k.Owned {
		return nil, true
	}
	return &Module{Code: string(code), CSS: k.CSS, Files: k.Files, Globs: k.Globs, By: k.By}, true
}

// keepImports keeps all that plugins have said about imports of a module.
func (h *Host) keepImports(importer string) {
	if h.o.Cache == nil {
		return
	}
	var list []keptImport
	for q, found := range h.imports.about(importer) {
		list = append(list, keptImport{q.specifier, q.late, found})
	}
	if data, err := json.Marshal(list); err == nil {
		h.o.Cache.Put(h.keyOf("imports", importer), data)
	}
}

type keptImport struct {
	Specifier string
	Late      bool
	Found     *Import
}

// keptImports returns what plugins said about imports of a module in an earlier run. An import of a file that is gone
// is asked about again.
func (h *Host) keptImports(importer string) []keptImport {
	data, ok := h.o.Cache.Get(h.keyOf("imports", importer))
	var list []keptImport
	if !ok || json.Unmarshal(data, &list) != nil {
		return nil
	}
	return slices.DeleteFunc(list, func(k keptImport) bool {
		if k.Found == nil || k.Found.External {
			return false
		}
		file := h.fileOf(k.Found.ID)
		return file != "" && disk.Stat(file) == nil
	})
}

// largest is the size from which a file's stamp does not follow from its content.
const largest = 1 << 20

// stampOf returns a text that changes with the content of a file, with the files of a folder, or with the files that a
// pattern matches.
func (h *Host) stampOf(name string) string {
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return h.listings.of(name, func() string { return listing(name, nil) })
	case err == nil && info.Size() > largest:
		return fmt.Sprint(info.Size(), info.ModTime().UnixNano())
	case err == nil:
		text, err := disk.ReadFile(name)
		if err != nil {
			return "unreadable"
		}
		return stampOfText(text)
	}
	pattern, err := glob.Compile(filepath.ToSlash(name), glob.Options{})
	if err != nil || glob.IsPlain(name) {
		return "gone"
	}
	return h.listings.of(name, func() string { return listing(filepath.FromSlash(pattern.Base()), pattern.Match) })
}

// listings remembers listings for a moment: many modules of a page may follow from the same files.
type listings struct {
	mu    sync.Mutex
	known map[string]string
	since time.Time
}

func (l *listings) of(name string, list func() string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.since) > time.Second {
		l.known, l.since = map[string]string{}, time.Now()
	}
	stamp, ok := l.known[name]
	if !ok {
		stamp = list()
		l.known[name] = stamp
	}
	return stamp
}

func stampOfText(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12])
}

// listing returns a sum of the names, sizes and times of the files below a folder that match. Packages do not count.
func listing(dir string, match func(string) bool) string {
	h := sha256.New()
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // what cannot be read has no files
		case d.IsDir() && (moduleid.IsDependency(path+"/") || d.Name() == ".git"):
			return filepath.SkipDir
		case d.IsDir() || match != nil && !match(filepath.ToSlash(path)):
			return nil
		}
		if info, err := d.Info(); err == nil {
			fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
		}
		return nil
	})
	return hex.EncodeToString(h.Sum(nil)[:12])
}
