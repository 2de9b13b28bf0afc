package server_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// TestModulesReadFolders: a module that a plugin makes of the files in a folder follows these files, in the project and
// beside it. The folder may come later.
func TestModulesReadFolders(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"content", "../beside"} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			app := devtest.App(t, devtest.Text(page+"-- main.js --\nimport words from 'virtual:words'; console.log(words);\n"))
			s := devtest.Start(t, app, func(o *server.Options) {
				o.Plugins = []plugin.Plugin{{
					Name: "words",
					ResolveID: func(_ context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error) {
						if a.Specifier != "virtual:words" {
							return nil, nil
						}
						return &plugin.ResolveResult{ID: "virtual:words"}, nil
					},
					Load: func(_ context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
						if a.ID != "virtual:words" {
							return nil, nil
						}
						var words []string
						_ = filepath.WalkDir(app.Path(folder), func(file string, entry os.DirEntry, err error) error {
							if err == nil && !entry.IsDir() {
								text, _ := os.ReadFile(file)
								words = append(words, string(text))
							}
							return nil
						})
						slices.Sort(words)
						return &plugin.LoadResult{Code: fmt.Sprintf("export default %q", "words:"+strings.Join(words, "-")), Watch: []string{folder}}, nil
					},
				}}
			})
			if folder != "content" { // what lies beside the project is watched from the first load on
				app.Write(folder+"/zero.txt", "zero")
				defer app.Remove(folder)
			}
			s.Get("/main.js", "Sec-Fetch-Dest", "script")
			sock := s.Socket(t)
			if folder != "content" {
				app.Remove(folder + "/zero.txt")
				sock.WaitFor(devtest.Is("update", `words:\"`))
			}
			for _, step := range []struct {
				edit func()
				want string
			}{
				{func() { app.Write(folder+"/deep/one.txt", "one") }, "words:one"},
				{func() { app.Edit(folder+"/deep/one.txt", "one", "first") }, "words:first"},
				{func() { app.Write(folder+"/two.txt", "two") }, "words:first-two"},
				{func() { app.Remove(folder + "/deep") }, "words:two"},
			} {
				step.edit()
				sock.WaitFor(devtest.Is("update", step.want+`\"`))
			}
		})
	}
}

// TestGlobInFolderWithBrackets: routers give folders names that are special in patterns.
func TestGlobInFolderWithBrackets(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(page+`
-- main.js --
import "./[id]/all.js";
-- [id]/all.js --
console.log(Object.keys(import.meta.glob(["./*.txt", "../[[]id]/*.md"], { query: "?raw" })).join());
-- [id]/a.txt --
-- [id]/b.md --
`))
	s := devtest.Start(t, app)
	if pack := s.Get("/main.js", "Sec-Fetch-Dest", "script").Body; !strings.Contains(pack, `"./a.txt"`) || !strings.Contains(pack, "b.md") {
		t.Errorf("the pack is\n%s", pack)
	}
	sock := s.Socket(t)
	app.Write("[id]/c.txt", "c")
	sock.WaitFor(devtest.Is("update", "./c.txt"))
}
