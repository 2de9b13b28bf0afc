package moduleid

import (
	"path"
	"path/filepath"
	"strings"
)

// Layout says where a project lies and at which URLs it is served. The paths are absolute.
type Layout struct {
	// Dir is the project's folder: the configuration, package.json and devserver/ lie there.
	Dir string
	// Root is the served folder. In most projects it is Dir.
	Root string
	// Workspace is the root of the workspace that the project belongs to, "" when it stands alone.
	Workspace string
	// Public is the folder of files that are served unchanged, "" when there is none.
	Public string
	// Base is the beginning of all URLs of the project. It begins and ends with a slash.
	Base string
}

// Shown returns a file's name for messages, with forward slashes. The name is relative to Dir for files in Dir and in
// the workspace, and absolute for other files.
func (l Layout) Shown(file string) string {
	rel, err := filepath.Rel(l.Dir, file)
	if err != nil {
		return filepath.ToSlash(file)
	}
	if strings.HasPrefix(rel, "..") && (l.Workspace == "" || !strings.HasPrefix(file, l.Workspace+string(filepath.Separator))) {
		return filepath.ToSlash(file)
	}
	return filepath.ToSlash(rel)
}

// Outside reports whether a file lies outside the root. The watcher watches only the root by itself.
func (l Layout) Outside(file string) bool {
	return file != l.Root && !strings.HasPrefix(file, l.Root+string(filepath.Separator))
}

// URL returns the URL of a module's file in the browser.
func (l Layout) URL(id string) string { return path.Join(l.Base, EscapePath(Path(id))) }

// Below returns the path of a URL below the base, with a slash in front. ok is false for a URL that is not below the
// base.
func (l Layout) Below(urlPath string) (name string, ok bool) {
	return strings.CutPrefix(urlPath, strings.TrimSuffix(l.Base, "/"))
}
