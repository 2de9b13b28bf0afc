package watch

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// ignore decides which paths are not part of the project's source.
type ignore struct {
	root     string
	patterns []string
}

func newIgnore(root string, patterns []string) (*ignore, error) {
	for _, p := range patterns {
		if !doublestar.ValidatePattern(p) {
			return nil, fmt.Errorf("server.watch.ignored: malformed pattern %q", p)
		}
	}
	return &ignore{root, patterns}, nil
}

// dir reports whether a directory is ignored with everything below it.
func (ig *ignore) dir(path string) bool {
	switch name := filepath.Base(path); name {
	case "node_modules", ".git", ".hg", ".svn", ".jj", ".cache", ".turbo", ".next", ".nuxt", ".svelte-kit",
		".parcel-cache", ".vite", ".idea", ".vscode", ".DS_Store":
		return true
	}
	return ig.configured(path)
}

// path reports whether a change of the file is ignored. The file lies in an ignored directory, or an editor wrote it
// beside the file that it saves.
func (ig *ignore) path(path string) bool {
	name := filepath.Base(path)
	if temporary(name) {
		return true
	}
	rel, err := filepath.Rel(ig.root, path)
	if err == nil && !strings.HasPrefix(rel, "..") {
		for dir := filepath.Dir(rel); dir != "."; dir = filepath.Dir(dir) {
			if ig.dir(filepath.Join(ig.root, dir)) {
				return true
			}
		}
	}
	return ig.dir(path)
}

// temporary reports whether the name is that of an editor's swap, backup or probe file.
func temporary(name string) bool {
	return strings.HasSuffix(name, "~") || strings.HasPrefix(name, ".#") || strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#") ||
		name == "4913" || // vim creates a file of this name to find out whether it may write
		strings.HasSuffix(name, ".swp") || strings.HasSuffix(name, ".swx") || strings.HasSuffix(name, ".swo") ||
		strings.HasSuffix(name, "___jb_tmp___") || strings.HasSuffix(name, "___jb_old___") ||
		strings.HasPrefix(name, ".goutputstream-") || name == ".DS_Store"
}

func (ig *ignore) configured(path string) bool {
	if len(ig.patterns) == 0 {
		return false
	}
	rel, err := filepath.Rel(ig.root, path)
	if err != nil {
		rel = path
	}
	rel = filepath.ToSlash(rel)
	for _, p := range ig.patterns {
		if ok, _ := doublestar.Match(p, rel); ok {
			return true
		}
		if ok, _ := doublestar.Match(p, filepath.ToSlash(path)); ok {
			return true
		}
		if !strings.Contains(p, "/") {
			if ok, _ := doublestar.Match(p, filepath.Base(path)); ok {
				return true
			}
		}
	}
	return false
}
