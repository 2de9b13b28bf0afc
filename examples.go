package devserver

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed all:examples/chat all:examples/console-log all:examples/devtool all:examples/playground
//go:embed all:testdata/apps/hello
//go:embed examples/hello-vite/src examples/hello-vite/*.* examples/hello-vite/.gitignore
var examples embed.FS

// exampleFolders holds the folders of the examples, the simplest first.
var exampleFolders = []string{
	"testdata/apps/hello", "examples/hello-vite", "examples/console-log", "examples/playground", "examples/devtool", "examples/chat",
}

// Example is a project of `devserver init --example`. Its README.md begins with a heading of Name and About.
type Example struct {
	Name, About string
	// Files holds the texts of the files by their paths, which have slashes.
	Files map[string]string
}

// Examples returns the examples, the simplest first.
func Examples() ([]Example, error) {
	var list []Example
	for _, folder := range exampleFolders {
		e := Example{Name: path.Base(folder)}
		var err error
		if e.Files, err = exampleFiles(folder); err != nil {
			return nil, fmt.Errorf("read the example %s: %w", e.Name, err)
		}
		title, _, _ := strings.Cut(e.Files["README.md"], "\n")
		_, e.About, _ = strings.Cut(title, ": ")
		list = append(list, e)
	}
	return list, nil
}

// exampleFiles reads the files of an example. In a checkout a folder may also have files of a run, which its .gitignore
// names.
func exampleFiles(folder string) (map[string]string, error) {
	ignore, err := fs.ReadFile(examples, folder+"/.gitignore")
	if err != nil {
		return nil, err
	}
	ignored := func(name string) bool {
		return slices.ContainsFunc(strings.Fields(string(ignore)), func(pattern string) bool {
			ok, err := path.Match(pattern, path.Base(name))
			return ok && err == nil
		})
	}
	files := map[string]string{}
	err = fs.WalkDir(examples, folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || ignored(name) {
			return err
		}
		text, err := fs.ReadFile(examples, name)
		files[strings.TrimPrefix(name, folder+"/")] = string(text)
		return err
	})
	return files, err
}
