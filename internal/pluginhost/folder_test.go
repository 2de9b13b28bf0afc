package pluginhost_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/seed-b8174343/devserver/internal/pluginhost"
)

// unpack writes the files of an archive into a new folder.
func unpack(t testing.TB, archive string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := txtar.Write(txtar.Parse([]byte(archive)), dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

const pluginImport = "\n\nimport \"github.com/seed-b8174343/devserver/plugin\"\n"

func TestFind(t *testing.T) {
	const mod, main = "-- go.mod --\nmodule app\n", "-- web/devserver/main.go --\npackage main" + pluginImport
	for name, c := range map[string]struct {
		files string
		found bool
		why   string // a part of it
	}{
		"no folder":                 {files: mod},
		"no Go code":                {files: mod + "-- web/devserver/notes.txt --\n"},
		"a module of its own":       {files: "-- web/devserver/go.mod --\nmodule x\n\nrequire (\n\tgithub.com/seed-b8174343/devserver v1.0.0\n)\n", found: true},
		"a module without requires": {files: "-- web/devserver/go.mod --\nmodule x\n" + main, found: true},
		"a module without code":     {files: "-- web/devserver/go.mod --\nmodule x\n"},
		"another module":            {files: "-- web/devserver/go.mod --\nmodule x\n-- web/devserver/main.go --\npackage main\n", why: "no file of package main imports"},
		"a clone of devserver":      {files: "-- web/devserver/go.mod --\nmodule github.com/seed-b8174343/devserver\n-- web/devserver/guides.go --\npackage devserver\n", why: "no file of package main imports"},
		"its module is above":       {files: mod + main, found: true},
		"its module is the project": {files: "-- web/go.mod --\n" + main, found: true},
		"half saved":                {files: mod + main + "\nfunc main() {", found: true},
		"no module":                 {files: main, why: "go mod init"},
		"another program":           {files: mod + "-- web/devserver/main.go --\npackage main\n\nimport \"fmt\"\n", why: "no file of package main imports"},
		"another package":           {files: mod + "-- web/devserver/a.go --\npackage devserver" + pluginImport, why: "no file of package main imports"},
		"a mistake in the imports":  {files: mod + "-- web/devserver/main.go --\npackage main\n\nimport fmt\n", why: "no file of package main imports"},
		"in a test only":            {files: mod + "-- web/devserver/main_test.go --\npackage main" + pluginImport},
		"not built":                 {files: mod + "-- web/devserver/main.go --\n//go:build ignore\n\npackage main" + pluginImport, why: "build constraints"},
		"below the folder":          {files: mod + "-- web/devserver/x/main.go --\npackage main" + pluginImport},
	} {
		t.Run(name, func(t *testing.T) {
			root := filepath.Join(unpack(t, c.files), "web")
			dir, why := pluginhost.Find(root)
			if c.found != (dir == filepath.Join(root, "devserver")) || !c.found && dir != "" {
				t.Errorf("found %q", dir)
			}
			if (c.why == "") != (why == "") || !strings.Contains(why, c.why) {
				t.Errorf("not run, because: %q", why)
			}
		})
	}
}

// TestFindInTemp: everybody can put a go.mod into the folder for temporary files.
func TestFindInTemp(t *testing.T) {
	root := unpack(t, "-- go.mod --\nmodule app\n-- devserver/main.go --\npackage main"+pluginImport)
	t.Setenv("TMPDIR", root)
	if dir, why := pluginhost.Find(root); dir != "" || !strings.Contains(why, "go mod init") {
		t.Errorf("found %q, %q", dir, why)
	}
}

func TestSources(t *testing.T) {
	root := unpack(t, `
-- go.mod --
module example.com/app
-- api/api.go --
package api

import "example.com/app/api/deep"
-- api/deep/deep.go --
package deep

import "example.com/apple"
-- backend/main.go --
package main

import "example.com/app/db"
-- web/devserver/main.go --
package main

import (
	"fmt"

	"example.com/app/api"
	"example.com/app/web/devserver/own"
)
-- own/devserver/go.mod --
module own
-- own/devserver/main.go --
package main

import "own/x"
`)
	in := func(names ...string) (list []string) {
		for _, name := range names {
			list = append(list, filepath.Join(root, name))
		}
		return list
	}
	files, folders := pluginhost.Sources(filepath.Join(root, "web/devserver"))
	if want := in("go.mod", "go.sum"); !slices.Equal(files, want) {
		t.Errorf("files %q, want %q", files, want)
	}
	if want := in("api", "web/devserver/own", "api/deep"); !slices.Equal(folders, want) {
		t.Errorf("folders %q, want %q", folders, want)
	}
	if files, folders := pluginhost.Sources(filepath.Join(root, "own/devserver")); files != nil || folders != nil {
		t.Errorf("a module of its own has %q, %q", files, folders)
	}
}

// TestProjectInAModule: a folder without go.mod is a package of the module above, which is built as it is.
func TestProjectInAModule(t *testing.T) {
	f := newFolder(t)
	root := filepath.Dir(f.dir)
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(filepath.Join(root, from), filepath.Join(root, to)); err != nil {
			t.Fatal(err)
		}
	}
	move("devserver/go.mod", "go.mod")
	move("devserver/go.sum", "go.sum")
	f.write("../api/api.go", "package api\n\nconst Answer = \"one\"\n")
	f.answer(`return api.Answer, nil`)
	main, err := os.ReadFile(filepath.Join(f.dir, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	f.write("main.go", strings.Replace(string(main), "import (", "import (\n\t\"plugins/api\"", 1))

	p := newProject(t, f, t.TempDir())
	p.Reload()
	_, now := p.change()
	answers(t, now, "one")

	failure := func(file, text string) {
		t.Helper()
		p.Reload()
		build, ok := errors.AsType[*pluginhost.BuildError](p.failure())
		if !ok || build.File != filepath.Join(root, file) || !strings.Contains(build.Text, text) {
			t.Errorf("got %+v, want %s: %s", build, file, text)
		}
	}
	f.write("../api/api.go", "package api\n\nconst Answer = one\n")
	failure("api/api.go", "undefined: one")
	// The user's go.mod is not completed. The message says what to do.
	f.write("../go.mod", "module plugins\n\ngo 1.26.0\n")
	failure("devserver/main.go", "go get github.com/seed-b8174343/devserver/plugin")
	if text, err := os.ReadFile(filepath.Join(root, "go.mod")); err != nil || string(text) != "module plugins\n\ngo 1.26.0\n" {
		t.Errorf("go.mod was changed: %s, %v", text, err)
	}
	f.write("../other/go.mod", "module other\n\ngo 1.26.0\n")
	f.write("../go.work", "go 1.26.0\n\nuse ./other\n")
	failure("go.mod", "go work use")
}
