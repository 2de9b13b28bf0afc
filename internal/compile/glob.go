package compile

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// glob lists the files that import.meta.glob patterns match, as specifiers in the form of the pattern: relative to the
// module for a relative pattern, else from the root.
func (c *Compiler) glob(src source, patterns []string) []string {
	var drop []string
	for _, pattern := range patterns {
		if rest, ok := strings.CutPrefix(pattern, "!"); ok {
			drop = append(drop, c.globPath(src, rest))
		}
	}
	var specs []string
	for _, pattern := range patterns {
		if strings.HasPrefix(pattern, "!") {
			continue
		}
		base, rest := doublestar.SplitPattern(c.globPath(src, pattern))
		matches, err := doublestar.Glob(os.DirFS(base), rest, doublestar.WithFilesOnly(), doublestar.WithNoFollow())
		if err != nil {
			continue // a malformed pattern matches nothing, as in a shell
		}
		for _, m := range matches {
			file := path.Join(base, m)
			dropped := slices.ContainsFunc(drop, func(d string) bool { return MatchGlob(d, file) })
			if dropped || file == filepath.ToSlash(src.file) || globIgnores(pattern, m) {
				continue
			}
			if c.o.Gate.Permit(src.id, src.file, filepath.FromSlash(file)); c.o.Gate.Allowed(filepath.FromSlash(file)) != nil {
				continue
			}
			specs = append(specs, c.globSpecifier(src, pattern, file))
		}
	}
	slices.Sort(specs)
	return slices.Compact(specs)
}

func (c *Compiler) globSpecifier(src source, pattern, file string) string {
	if !strings.HasPrefix(pattern, ".") {
		return "/" + strings.TrimPrefix(strings.TrimPrefix(file, filepath.ToSlash(c.o.Layout.Root)), "/")
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

func (c *Compiler) globPath(src source, pattern string) string {
	dir := c.o.Layout.Root
	if !strings.HasPrefix(pattern, "/") {
		dir = filepath.Dir(src.file)
	}
	return globIn(dir, pattern)
}

// globIn returns the pattern in a folder, whose name may hold what is special in patterns.
func globIn(dir, pattern string) string {
	return path.Join(globEscape.Replace(filepath.ToSlash(dir)), pattern)
}

var globEscape = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `{`, `\{`, `}`, `\}`)

// MayMatchBelow reports whether a pattern may match something in a folder, or the folder is in that of the pattern.
func MayMatchBelow(pattern, dir string) bool {
	base, _ := doublestar.SplitPattern(pattern)
	return strings.HasPrefix(base+"/", dir+"/") || strings.HasPrefix(dir, base+"/")
}

// MatchGlob reports whether a slash-separated path matches a pattern. A malformed pattern matches nothing.
func MatchGlob(pattern, file string) bool {
	ok, err := doublestar.Match(pattern, file)
	return err == nil && ok
}

// globIgnores reports whether a wildcard is not meant to reach a match: packages, hidden files and hidden folders. The
// match is relative to the folder that the pattern names.
func globIgnores(pattern, match string) bool {
	return strings.Contains("/"+match, "/node_modules/") && !strings.Contains(pattern, "/node_modules/") ||
		strings.Contains("/"+match, "/.") && !strings.Contains(pattern, "/.")
}
