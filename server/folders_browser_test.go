package server_test

import (
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/server"
)

// TestFoldersThatAreRenamed renames and swaps folders of an app that is open. The page shows the change, and each edit
// afterwards.
func TestFoldersThatAreRenamed(t *testing.T) {
	t.Parallel()
	const app = `
-- app/index.html --
<!doctype html><link rel="icon" href="data:,"><p id="text"></p><script type="module" src="/src/main.js"></script>
-- app/src/main.js --
import { text } from "./new/deep/text.js";
import { lib } from "../../lib/dist/lib.js";
document.querySelector("#text").textContent = text + " " + lib;
import.meta.hot.accept();
-- app/src/new/deep/text.js --
export const text = "old";
-- app/src/new_b/deep/text.js --
export const text = "new";
-- app/src/new_b/deep/more.js --
export const more = "more";
-- lib/dist/lib.js --
export const lib = "lib";
-- app/devserver.config.json --
{"server": {"fs": {"allow": [".."]}}}
`
	for _, c := range []struct {
		name string
		do   func(all *devtest.Files)
		text string // of the page after the change
		file string // that is edited then
	}{
		{"swap", func(all *devtest.Files) {
			all.Rename("app/src/new", "app/src/new_old")
			all.Rename("app/src/new_b", "app/src/new")
		}, "new lib", "app/src/new/deep/text.js"},
		{"rename with the importer", func(all *devtest.Files) {
			all.Rename("app/src/new", "app/src/renamed")
			all.Edit("app/src/main.js", "./new/", "./renamed/")
		}, "old lib", "app/src/renamed/deep/text.js"},
		{"rename of the folder above", func(all *devtest.Files) {
			all.Rename("app/src", "app/source")
			all.Edit("app/index.html", "/src/", "/source/")
		}, "old lib", "app/source/new/deep/text.js"},
		{"replaced by a link", func(all *devtest.Files) {
			all.Rename("app/src/new", "app/src/real")
			all.Link("real", "app/src/new")
		}, "old lib", "app/src/real/deep/text.js"},
		{"link to another folder", func(all *devtest.Files) {
			all.Remove("app/src/new")
			all.Link("new_b", "app/src/new")
		}, "new lib", "app/src/new_b/deep/text.js"},
		{"link to a folder outside", func(all *devtest.Files) {
			all.Rename("app/src/new", "away")
			all.Link("../../away", "app/src/new")
		}, "old lib", "away/deep/text.js"},
		{"out and back", func(all *devtest.Files) {
			all.Rename("app/src/new", "stash")
			all.Rename("stash", "app/src/new")
		}, "old lib", "app/src/new/deep/text.js"},
		{"the root out and back", func(all *devtest.Files) {
			all.Rename("app", "elsewhere")
			all.Rename("elsewhere", "app")
		}, "old lib", "app/src/new/deep/text.js"},
		{"a package beside the app built again", func(all *devtest.Files) {
			all.Remove("lib/dist")
			all.Write("lib/dist/lib.js", `export const lib = "old";`)
		}, "old old", "lib/dist/lib.js"},
	} {
		for _, poll := range []bool{false, true} {
			t.Run(c.name+map[bool]string{true: ", polled"}[poll], func(t *testing.T) {
				t.Parallel()
				all := devtest.App(t, devtest.Text(app))
				files := *all
				files.Root = all.Path("app")
				s := devtest.Start(t, &files, func(o *server.Options) {
					o.Config.Server.Watch = config.Watch{UsePolling: new(poll), Interval: 20}
				})
				page := s.Page(t, "/")
				page.WaitText("#text", "old lib")
				s.WaitPages(1)
				c.do(all)
				page.WaitText("#text", c.text)
				was, _, _ := strings.Cut(c.text, " ")
				for _, text := range []string{"edited once", "edited again"} {
					all.Edit(c.file, was, text)
					page.WaitContains("#text", text)
					was = text
				}
			})
		}
	}
}

// TestLinksThatAreKept: with resolve.preserveSymlinks modules have the paths of links. Edits of what a link leads to
// show, in the project and outside, and so does another target of the link.
func TestLinksThatAreKept(t *testing.T) {
	t.Parallel()
	all := devtest.App(t, devtest.Text(`
-- beside/a.js --
export const a = "beside";
-- app/src/real/a.js --
export const a = "real";
-- file.js --
export const file = "file";
-- app/devserver.config.json --
{ "resolve": { "preserveSymlinks": true }, "server": { "fs": { "allow": [".."] } } }
-- app/index.html --
<!doctype html><link rel="icon" href="data:,"><p id="text"></p><script type="module" src="/src/main.js"></script>
-- app/src/main.js --
import { a } from "./lib/a.js";
import { file } from "./file.js";
document.querySelector("#text").textContent = a + " " + file;
import.meta.hot.accept();
`))
	all.Link("real", "app/src/lib")
	all.Link("../../file.js", "app/src/file.js")
	files := *all
	files.Root = all.Path("app")
	s := devtest.Start(t, &files)
	p := s.Page(t, "/")
	p.WaitText("#text", "real file")
	s.WaitPages(1)
	all.Edit("app/src/real/a.js", "real", "real, edited")
	p.WaitText("#text", "real, edited file")
	all.Edit("file.js", `"file"`, `"edited"`)
	p.WaitText("#text", "real, edited edited")
	all.Link("../../beside", "app/src/next")
	all.Rename("app/src/next", "app/src/lib") // as `ln -sfn` does
	p.WaitText("#text", "beside edited")
	all.Edit("beside/a.js", "beside", "beside, edited")
	p.WaitText("#text", "beside, edited edited")
	p.NoReload()
}
