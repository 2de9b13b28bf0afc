package devtest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// Files is a project in a temporary folder.
type Files struct {
	t testing.TB
	// Root is the folder's real path.
	Root string
}

// Source writes a project's files into a folder. Text and Dir return one.
type Source func(root string) error

// Text returns the source of a project in txtar form: `-- index.html --` and the file's text.
func Text(archive string) Source {
	return func(root string) error {
		for _, f := range txtar.Parse([]byte(archive)).Files {
			file := filepath.Join(root, filepath.FromSlash(f.Name))
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(file, f.Data, 0o644); err != nil {
				return err
			}
		}
		return nil
	}
}

// Dir returns the source of a copy of a folder, without node_modules.
func Dir(dir string) Source {
	return func(root string) error { return copyFolder(dir, root) }
}

// App makes a project from its sources; files of later sources win. The project is removed after the test.
func App(t testing.TB, sources ...Source) *Files {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	root = filepath.Join(root, "app") // a test may put files beside the project
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, source := range sources {
		if err := source(root); err != nil {
			t.Fatalf("make the app: %v", err)
		}
	}
	return &Files{t: t, Root: root}
}

func copyFolder(from, to string) error {
	return filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case entry.IsDir() && entry.Name() == "node_modules":
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(target, 0o755)
		case entry.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(name)
			if err != nil {
				return err
			}
			return os.Symlink(link, target)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o644)
	})
}

// Path returns the absolute path of a file of the project.
func (f *Files) Path(name string) string { return filepath.Join(f.Root, filepath.FromSlash(name)) }

// Read returns a file's text.
func (f *Files) Read(name string) string {
	f.t.Helper()
	text, err := os.ReadFile(f.Path(name))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(text)
}

// Write writes a file and the folders above it.
func (f *Files) Write(name, text string) {
	f.t.Helper()
	file := f.Path(name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

// Edit replaces every old by new in a file. The file must hold old. Edit writes in place, as some editors do; Save
// swaps files, as others do.
func (f *Files) Edit(name, old, new string) {
	f.t.Helper()
	f.Write(name, f.replaced(name, old, new))
}

// Save is Edit by an editor that writes a new file and renames it over the old file.
func (f *Files) Save(name, old, new string) {
	f.t.Helper()
	text := f.replaced(name, old, new)
	temp := f.Path(name) + ".tmp~"
	if err := os.WriteFile(temp, []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(temp, f.Path(name)); err != nil {
		f.t.Fatal(err)
	}
}

func (f *Files) replaced(name, old, new string) string {
	f.t.Helper()
	text := f.Read(name)
	if !strings.Contains(text, old) {
		f.t.Fatalf("edit %s: %q is not in it:\n%s", name, old, text)
	}
	return strings.ReplaceAll(text, old, new)
}

// Remove removes a file or folder.
func (f *Files) Remove(name string) {
	f.t.Helper()
	if err := os.RemoveAll(f.Path(name)); err != nil {
		f.t.Fatal(err)
	}
}

// Rename moves a file or folder and creates the folders above its new place.
func (f *Files) Rename(from, to string) {
	f.t.Helper()
	if err := os.MkdirAll(filepath.Dir(f.Path(to)), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(f.Path(from), f.Path(to)); err != nil {
		f.t.Fatal(err)
	}
}

// Link makes a symbolic link at name. A relative target starts from the link's folder.
func (f *Files) Link(target, name string) {
	f.t.Helper()
	if err := os.MkdirAll(filepath.Dir(f.Path(name)), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Symlink(target, f.Path(name)); err != nil {
		f.t.Fatal(err)
	}
}

// Package writes an npm package into node_modules, with files by name. If packageJSON is empty, package.json gets the
// name and version 1.0.0.
func (f *Files) Package(name, packageJSON string, files map[string]string) {
	f.t.Helper()
	dir := "node_modules/" + name + "/"
	if packageJSON == "" {
		packageJSON = fmt.Sprintf(`{"name": %q, "version": "1.0.0"}`, name)
	}
	f.Write(dir+"package.json", packageJSON)
	for file, text := range files {
		f.Write(dir+file, text)
	}
}
