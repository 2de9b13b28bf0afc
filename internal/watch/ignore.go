package watch

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/glob"
)

// ignore decides which paths are not part of the project's source.
type ignore struct {
	root     string
	patterns []*glob.Pattern
	// names are the patterns without a slash, which match a name in any folder.
	names []*glob.Pattern
}

func newIgnore(root string, patterns []string) (*ignore, error) {
	ig := &ignore{root: root}
	for _, text := range patterns {
		p, err := glob.Compile(text, glob.Options{Dot: true, Closed: true})
		if err != nil {
			return nil, fmt.Errorf("server.watch.ignored: malformed pattern %q: %w", text, err)
		}
		ig.patterns = append(ig.patterns, p)
		if !strings.Contains(text, "/") {
			ig.names = append(ig.names, p)
		}
	}
	return ig, nil
}

// dir reports whether a directory is ignored with everything below it.
func (ig *ignore) dir(path string) bool {
	switch name := filepath.Base(path); name {
	case "node_modules", ".git", ".hg", ".svn", ".jj", ".cache", ".turbo", ".next", ".nuxt", ".parcel-cache",
		".vite", ".idea", ".vscode", ".DS_Store":
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
	matches := func(path string) func(*glob.Pattern) bool {
		return func(p *glob.Pattern) bool { return p.Match(filepath.ToSlash(path)) }
	}
	return slices.ContainsFunc(ig.patterns, matches(rel)) || slices.ContainsFunc(ig.patterns, matches(path)) ||
		slices.ContainsFunc(ig.names, matches(filepath.Base(path)))
}
