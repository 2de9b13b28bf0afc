package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver"
	"github.com/seed-b8174343/devserver/internal/nearest"
	"github.com/seed-b8174343/devserver/internal/terminal"
)

// unnamed is the value of --example when the name is the next argument.
const unnamed = "\x00"

// initExample copies an example into a new folder, or into an empty folder. Without a name it lists the examples.
func (c *command) initExample(name string, args []string) int {
	if name == unnamed {
		name = first(args)
		args = args[min(len(args), 1):]
	}
	list, err := devserver.Examples()
	if err != nil {
		return c.fail(err)
	}
	if name == "" {
		c.listExamples(c.stdout, list)
		return exitStopped
	}
	if len(args) > 1 {
		return c.usage("init --example takes the example's name and a folder")
	}
	find := func(name string) int {
		return slices.IndexFunc(list, func(e devserver.Example) bool { return e.Name == name })
	}
	at := find(name)
	if at < 0 && find(first(args)) >= 0 {
		return c.usage("the example's name comes before the folder: devserver init --example %s %s", first(args), quoted(name))
	}
	if at < 0 {
		fmt.Fprintf(c.stderr, "devserver: there is no example %q; nothing was changed\n", name)
		c.listExamples(c.stderr, nearestFirst(name, list))
		return exitUsage
	}
	dir := cmp.Or(first(args), name)
	if err := copyExample(list[at], dir); err != nil {
		return c.fail(err)
	}
	fmt.Fprintf(c.stdout, "created %s. %s says what to try.\n\n", filepath.Clean(dir), filepath.Join(dir, "README.md"))
	if filepath.Clean(dir) != "." {
		fmt.Fprintf(c.stdout, "  cd %s\n", quoted(dir))
	}
	if needsPackages(list[at]) {
		fmt.Fprintln(c.stdout, "  npm install")
	}
	fmt.Fprintln(c.stdout, "  devserver")
	return exitStopped
}

func (c *command) listExamples(w io.Writer, list []devserver.Example) {
	paint := terminal.Paint{On: terminal.ColorWanted(w, c.getenv)}
	for _, e := range list {
		fmt.Fprintf(w, "%s  %s\n", paint.Cyan(fmt.Sprintf("%-12s", e.Name)), e.About)
	}
	fmt.Fprintln(w, "`devserver init --example <name> [folder]` copies an example.")
}

func nearestFirst(name string, list []devserver.Example) []devserver.Example {
	names := make([]string, len(list))
	for i, e := range list {
		names[i] = e.Name
	}
	names = nearest.Order(name, names)
	return slices.SortedFunc(slices.Values(list), func(a, b devserver.Example) int {
		return slices.Index(names, a.Name) - slices.Index(names, b.Name)
	})
}

// copyExample writes the files of an example. Its Go code becomes a module of its own, as `devserver init` makes it.
func copyExample(e devserver.Example, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; nothing was changed", err)
	}
	if slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() != ".git" }) {
		return fmt.Errorf("the folder %s is not empty; nothing was changed. Name another folder: devserver init --example %s <folder>", dir, e.Name)
	}
	files := maps.Clone(e.Files)
	if _, hasGo := files["devserver/main.go"]; hasGo {
		files["devserver/go.mod"], files["devserver/go.sum"] = initModule(), initSums()
	}
	for _, name := range slices.Sorted(maps.Keys(files)) { // go.mod comes before main.go: a server that runs sees a whole module
		if files[name] == "" {
			continue
		}
		if what, err := writeNew(filepath.Join(dir, filepath.FromSlash(name)), files[name]); err != nil {
			return fmt.Errorf("copy the example: %w; the folder %s has a part of it", err, dir)
		} else if what != "created" {
			return fmt.Errorf("copy the example: %s %s", name, what)
		}
	}
	return nil
}

// needsPackages reports whether the project has packages of npm.
func needsPackages(e devserver.Example) bool {
	var manifest struct{ Dependencies, DevDependencies map[string]string }
	err := json.NewDecoder(strings.NewReader(e.Files["package.json"])).Decode(&manifest) // no file, no packages
	return err == nil && len(manifest.Dependencies)+len(manifest.DevDependencies) > 0
}
