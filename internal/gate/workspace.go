package gate

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-b8174343/devserver/internal/disk"
)

// Workspace returns the root of the workspace that dir is part of, or "" when there is none. The root is the nearest
// folder above dir with a pnpm-workspace.yaml, a lerna.json, or a package.json with "workspaces".
func Workspace(dir string) string {
	for {
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		if dir = parent; isWorkspace(dir) {
			return dir
		}
	}
}

func isWorkspace(dir string) bool {
	if exists(filepath.Join(dir, "pnpm-workspace.yaml")) || exists(filepath.Join(dir, "lerna.json")) {
		return true
	}
	text, err := disk.ReadFile(filepath.Join(dir, "package.json"))
	return err == nil && strings.Contains(string(text), `"workspaces"`)
}

// packageAbove returns the nearest folder with a package.json. It is root itself, or a folder above when root is a part
// of the package (`src/` with the index.html). Root may use only the node_modules of that folder, since the folder may
// hold much more than the package.
func packageAbove(root string) string {
	for dir := root; ; {
		parent := filepath.Dir(dir)
		if exists(filepath.Join(dir, "package.json")) || parent == dir {
			return dir
		}
		dir = parent
	}
}

// Top returns the outermost folder where the tools of dir look for their configuration, as with Vite. It is the root of
// the workspace, which may be dir itself, or else the folder of the package, or else dir.
func Top(dir string) string {
	if isWorkspace(dir) {
		return dir
	}
	if w := Workspace(dir); w != "" {
		return w
	}
	if pkg := packageAbove(dir); exists(filepath.Join(pkg, "package.json")) {
		return pkg
	}
	return dir
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
