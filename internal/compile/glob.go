package server

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// glob lists what import.meta.glob patterns match, as specifiers in the form of the pattern: relative to the module
// for a relative pattern, else from the root.
func (p *project) glob(src source, patterns []string) []string {
	var drop []string
	for _, pattern := range patterns {
		if rest, ok := strings.CutPrefix(pattern, "!"); ok {
			drop = append(drop, p.globPath(src, rest))
		}
	}
	var specs []string
	for _, pattern := range patterns {
		if strings.HasPrefix(pattern, "!") {
			continue
		}
		base, rest := doublestar.SplitPattern(p.globPath(src, pattern))
		matches, err := doublestar.Glob(os.DirFS(base), rest, doublestar.WithFilesOnly(), doublestar.WithNoFollow())
		if err != nil {
			continue // a malformed pattern matches nothing, as in a shell
		}
		for _, m := range matches {
			file := path.Join(base, m)
			dropped := slices.ContainsFunc(drop, func(d string) bool { return matchGlob(d, file) })
			if dropped || file == filepath.ToSlash(src.file) || globIgnores(pattern, file) || p.gate.Allowed(file) != nil {
				continue
			}
			specs = append(specs, p.globSpecifier(src, pattern, file))
		}
	}
	slices.Sort(specs)
	return slices.Compact(specs)
}

func (p *project) globSpecifier(src source, pattern, file string) string {
	if !strings.HasPrefix(pattern, ".") {
		return "/" + strings.TrimPrefix(strings.TrimPrefix(file, filepath.ToSlash(p.layout.Root)), "/")
	}
	rel, err := filepath.Rel(filepath.Dir(src.file), filepath.FromSlash(file))
	if err != nil {
		return file
	}
	if rel = filepath.ToSlash(rel); !strings.HasPrefix(rel, ".") {
		rel = "./" + rel
	}
	return rel
}

func (p *project) globPath(src source, pattern string) string {
	if strings.HasPrefix(pattern, "/") {
		return path.Join(filepath.ToSlash(p.layout.Root), pattern)
	}
	return path.Join(filepath.ToSlash(filepath.Dir(src.file)), pattern)
}

func matchGlob(pattern, file string) bool {
	ok, err := doublestar.Match(pattern, file)
	return err == nil && ok
}

// globIgnores leaves out what a wildcard is not meant to reach: packages and hidden files.
func globIgnores(pattern, file string) bool {
	return strings.Contains(file, "/node_modules/") && !strings.Contains(pattern, "/node_modules/") ||
		strings.HasPrefix(path.Base(file), ".") && !strings.Contains(pattern, "/.")
}
