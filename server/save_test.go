package server_test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// savedApp shows the text of ./text.js. Tests edit fence.js and wait for that edit: then everything before has arrived.
const savedApp = page + `
-- main.js --
import { text } from "./text.js";
import "./fence.js";
document.querySelector("#text").textContent = text;
import.meta.hot.accept();
-- text.js --
export const text = "before";
-- fence.js --
export {};
import.meta.hot.accept();
`

// saves are the ways in which programs write a file. After each, text.js holds the text. Pauses are part of the tests:
// a program may stop in the middle of a save.
var saves = []struct {
	name string
	save func(t *testing.T, s *devtest.Server, text string)
}{
	{"in place", func(t *testing.T, s *devtest.Server, text string) { s.Write("text.js", says(text)) }},
	{"truncated, written after 5 ms", truncated(5 * time.Millisecond)},
	{"truncated, written after 50 ms", truncated(50 * time.Millisecond)},
	{"truncated, written after 300 ms", truncated(300 * time.Millisecond)},
	{"half, then whole after 100 ms", func(t *testing.T, s *devtest.Server, text string) {
		f := must(os.OpenFile(s.Path("text.js"), os.O_WRONLY|os.O_TRUNC, 0))
		defer f.Close()
		must(f.WriteString(says(text)[:15]))
		time.Sleep(100 * time.Millisecond)
		must(f.WriteString(says(text)[15:]))
	}},
	{"renamed over", func(t *testing.T, s *devtest.Server, text string) {
		s.Write("text.js.tmp", says(text))
		s.Rename("text.js.tmp", "text.js")
	}},
	{"backup, then a new file (vim)", func(t *testing.T, s *devtest.Server, text string) {
		s.Write("4913", "")
		s.Remove("4913")
		s.Rename("text.js", "text.js~")
		s.Write("text.js", says(text))
		s.Remove("text.js~")
	}},
	{"written beside and swapped (JetBrains)", func(t *testing.T, s *devtest.Server, text string) {
		s.Write("text.js___jb_tmp___", says(text))
		s.Rename("text.js", "text.js___jb_old___")
		s.Rename("text.js___jb_tmp___", "text.js")
		s.Remove("text.js___jb_old___")
	}},
	{"deleted, created again at once", recreated(0)},
	{"deleted, created again after 100 ms", recreated(100 * time.Millisecond)},
	{"deleted, created again after 300 ms", recreated(300 * time.Millisecond)},
	{"a mistake first, fixed after 100 ms", func(t *testing.T, s *devtest.Server, text string) {
		s.Write("text.js", "export const text = = 1;")
		time.Sleep(100 * time.Millisecond)
		s.Write("text.js", says(text))
	}},
	{"20 saves in 200 ms", func(t *testing.T, s *devtest.Server, text string) {
		for i := range 19 {
			s.Write("text.js", says(fmt.Sprint("not yet ", i)))
			time.Sleep(10 * time.Millisecond)
		}
		s.Write("text.js", says(text))
	}},
	{"two files that need each other, 100 ms apart", func(t *testing.T, s *devtest.Server, text string) {
		s.Write("text.js", `export { part as text } from "./part.js";`)
		time.Sleep(100 * time.Millisecond)
		s.Write("part.js", strings.Replace(says(text), "text", "part", 1))
	}},
	{"replaced by a folder and back", func(t *testing.T, s *devtest.Server, text string) {
		s.Remove("text.js")
		s.Write("text.js/index.js", says("a folder"))
		time.Sleep(100 * time.Millisecond)
		s.Remove("text.js")
		s.Write("text.js", says(text))
	}},
	{"a link, retargeted", func(t *testing.T, s *devtest.Server, text string) {
		s.Write("real/a.js", says("first target"))
		s.Write("real/b.js", says(text))
		s.Remove("text.js")
		s.Link("real/a.js", "text.js")
		serves(t, s, "first target")
		s.Link("real/b.js", "text.js.new")
		s.Rename("text.js.new", "text.js")
	}},
	{"a link replaced by a file", func(t *testing.T, s *devtest.Server, text string) {
		s.Remove("text.js")
		s.Write("text.js", says(text))
	}},
	{"a folder moved away and replaced by another", func(t *testing.T, s *devtest.Server, text string) {
		s.Write("text.js", `export { text } from "./lib/deep/text.js";`)
		s.Write("lib/deep/text.js", says("before the move"))
		serves(t, s, "before the move")
		s.Write("next/deep/text.js", says(text))
		s.Rename("lib", "old")
		s.Rename("next", "lib")
	}},
	{"a linked folder, retargeted", func(t *testing.T, s *devtest.Server, text string) {
		s.Write("v1/text.js", says("version 1"))
		s.Write("v2/text.js", says(text))
		s.Link("v1", "current")
		s.Write("text.js", `export { text } from "./current/text.js";`)
		serves(t, s, "version 1")
		s.Link("v2", "current.new")
		s.Rename("current.new", "current")
	}},
	{"a folder moved, its importer after 100 ms", func(t *testing.T, s *devtest.Server, text string) {
		s.Write("from/text.js", says(text))
		s.Write("text.js", `export { text as text } from "./from/text.js"; export const n = 1`)
		s.Rename("from", "to")
		time.Sleep(100 * time.Millisecond)
		s.Write("text.js", `export { text } from "./to/text.js";`)
	}},
	{"its case renamed", func(t *testing.T, s *devtest.Server, text string) {
		s.Write("text.js", `export { text } from "./Part/Text.js";`)
		s.Write("part/text.js", says(text))
		s.Rename("part", "Part")
		s.Rename("Part/text.js", "Part/Text.js")
	}},
	{"dated to the past, as after a jump of the clock", func(t *testing.T, s *devtest.Server, text string) {
		s.Write("text.js", says(text))
		_ = os.Chtimes(s.Path("text.js"), time.Unix(1, 0), time.Unix(1, 0))
	}},
	{"dated to the future", func(t *testing.T, s *devtest.Server, text string) {
		s.Write("text.js", says(text))
		_ = os.Chtimes(s.Path("text.js"), time.Now(), time.Now().AddDate(30, 0, 0))
	}},
	{"written by appending", func(t *testing.T, s *devtest.Server, text string) {
		f := must(os.OpenFile(s.Path("text.js"), os.O_WRONLY|os.O_TRUNC, 0))
		defer f.Close()
		for _, c := range says(text) {
			must(f.WriteString(string(c)))
		}
	}},
	{"CRLF", func(t *testing.T, s *devtest.Server, text string) {
		s.Write("text.js", "// lines\r\n\r\n"+says(text)+"\r\n")
	}},
	{"with a byte order mark", func(t *testing.T, s *devtest.Server, text string) { s.Write("text.js", "\ufeff"+says(text)) }},
	{"invalid UTF-8", func(t *testing.T, s *devtest.Server, text string) {
		s.Write("text.js", "const odd = \"\xff\xc3\"; // \xf0\x28\n"+says(text))
	}},
	{"U+2028 and NUL in a text", func(t *testing.T, s *devtest.Server, text string) {
		s.Write("text.js", "const odd = \"\u2028\x00\";\n"+says(text))
	}},
	{"megabytes of generated code", func(t *testing.T, s *devtest.Server, text string) {
		s.Write("text.js", "export const data = [\n"+strings.Repeat("  \"some generated line of sixty-four bytes, as tables have them\",\n", generated/66)+"];\n"+says(text))
	}},
	{"small again", func(t *testing.T, s *devtest.Server, text string) { s.Write("text.js", says(text)) }},
}

// says returns the source of a module that exports the text.
func says(text string) string { return fmt.Sprintf("export const text = %q;\n", text) }

func truncated(pause time.Duration) func(*testing.T, *devtest.Server, string) {
	return func(t *testing.T, s *devtest.Server, text string) {
		f := must(os.OpenFile(s.Path("text.js"), os.O_WRONLY|os.O_TRUNC, 0))
		defer f.Close()
		time.Sleep(pause)
		must(f.WriteString(says(text)))
	}
}

func recreated(pause time.Duration) func(*testing.T, *devtest.Server, string) {
	return func(t *testing.T, s *devtest.Server, text string) {
		s.Remove("text.js")
		time.Sleep(pause)
		s.Write("text.js", says(text))
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// serves waits until the pack that a reload gets has the text.
func serves(t *testing.T, s *devtest.Server, text string) {
	t.Helper()
	devtest.Eventually(t, fmt.Sprintf("a pack with %q", text), func() bool { return strings.Contains(pack(s), quoted(text)) }, func() string { return pack(s) })
}

func pack(s *devtest.Server) string {
	return s.Get("/main.js", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors").Body
}

func quoted(text string) string { return fmt.Sprintf("%q", text) }

// told holds the content of a page's frames.
type told struct {
	code    map[string]string // of the last update of each module
	deleted []string          // modules
	overlay string            // the error that the overlay shows
	reloads int
}

func listen(t *testing.T, sock *devtest.Socket) told {
	t.Helper()
	have := told{code: map[string]string{}}
	for _, f := range sock.Frames() {
		switch f.Type {
		case "update":
			var u struct {
				Code             string
				Changed, Deleted []string
			}
			f.Decode(t, &u)
			for _, id := range u.Changed {
				have.code[id] = u.Code
			}
			have.deleted = append(have.deleted, u.Deleted...)
		case "error":
			have.overlay = f.Text
		case "fixed":
			have.overlay = ""
		case "full-reload":
			have.reloads++
		}
	}
	return have
}

// fenced waits until the frames of all earlier saves have arrived, and returns the content of all frames.
func fenced(t *testing.T, s *devtest.Server, sock *devtest.Socket, n int) told {
	t.Helper()
	for i := range 2 { // the server sends a remaining error after an update, and so before the next update
		fence := fmt.Sprintf("fence %d.%d %d", n, i, time.Now().UnixNano())
		s.Write("fence.js", "console.debug("+quoted(fence)+");\nimport.meta.hot.accept();\n")
		sock.WaitFor(devtest.Is("update", fence))
	}
	return listen(t, sock)
}

// TestSaves: however a file is saved, the last content reaches the page, also in a reload, and no error remains.
func TestSaves(t *testing.T) {
	t.Parallel()
	for i, c := range saves {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := devtest.Start(t, devtest.App(t, devtest.Text(savedApp)))
			serves(t, s, "before")
			sock := s.Socket(t)
			text := fmt.Sprint("after ", i)
			c.save(t, s, text)
			sock.WaitFor(func(f devtest.Frame) bool { return f.Type == "update" && strings.Contains(f.Text, text) })
			have := fenced(t, s, sock, i)
			if have.overlay != "" {
				t.Errorf("an error remains: %s", have.overlay)
			}
			if last := have.code["/text.js"]; last != "" && !strings.Contains(last, quoted(text)) && !strings.Contains(last, "./") {
				t.Errorf("the last update of text.js is not its last content: %s", last)
			}
			if got := pack(s); !strings.Contains(got, quoted(text)) || strings.Contains(got, `"before"`) {
				t.Errorf("a reload does not get the last content: %.2000s", got)
			}
		})
	}
}

// TestDeletedWhilePagesLoad deletes a module that is imported, while pages load. The loads look for the file in vain.
func TestDeletedWhilePagesLoad(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text(savedApp)))
	serves(t, s, "before")
	sock := s.Socket(t)
	var loads sync.WaitGroup
	s.Remove("text.js")
	for range 20 {
		loads.Go(func() { pack(s) })
		time.Sleep(3 * time.Millisecond) // within the time for which the edit is held back
	}
	sock.WaitFor(devtest.Is("update"))
	loads.Wait()
	have := listen(t, sock)
	if _, changed := have.code["/text.js"]; changed || !slices.Contains(have.deleted, "/text.js") {
		t.Errorf("text.js changed: %v, deleted: %q", changed, have.deleted)
	}
}

// TestLoadBringsADeletedModuleBack: a page that loads while updates are held brings a module back that was deleted. The
// pages that run the deleted module get the new code, too.
func TestLoadBringsADeletedModuleBack(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text(savedApp)))
	serves(t, s, "before")
	sock := s.Socket(t)
	s.Remove("text.js")
	sock.WaitFor(devtest.Is("error", "text.js"))
	resume := s.Server().Pause("test")
	s.Write("text.js", `export const text = "after";`)
	pack(s)
	resume()
	sock.WaitFor(devtest.Is("fixed"))
	if code := fenced(t, s, sock, 0).code["/text.js"]; !strings.Contains(code, quoted("after")) {
		t.Errorf("the update has not the module that is back: %q", code)
	}
}

// TestSavesInAPage makes all of the saves in one open page, one after the other, without a reload by hand.
func TestSavesInAPage(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(savedApp)))
	p := s.Page(t, "/")
	p.WaitText("#text", "before")
	for i, c := range saves {
		text := fmt.Sprintf("%s %d", c.name, i)
		c.save(t, s, text)
		p.WaitText("#text", text)
		p.WaitNoOverlay()
	}
}

// TestSavesThatChangeNothing: such saves send no frame. So no page loses its state to a touch.
func TestSavesThatChangeNothing(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text(savedApp)))
	serves(t, s, "before")
	sock := s.Socket(t)
	for i, c := range []struct {
		name string
		save func()
	}{
		{"chmod", func() { _ = os.Chmod(s.Path("text.js"), 0o600) }},
		{"touch", func() { _ = os.Chtimes(s.Path("text.js"), time.Now(), time.Now().Add(time.Hour)) }},
		{"touch of the page", func() { _ = os.Chtimes(s.Path("index.html"), time.Now(), time.Now().Add(time.Hour)) }},
		{"same content", func() { s.Write("text.js", says("before")) }},
		{"same content, another file", func() { s.Save("text.js", "before", "before") }},
		{"same page", func() { s.Save("index.html", "doctype", "doctype") }},
		{"swap files of editors", func() { s.Write(".text.js.swp", "x"); s.Write("#text.js#", "x"); s.Write("text.js~", "x") }},
		{"a file that no module imports", func() { s.Write("notes.txt", "x") }},
		{"version control", func() { s.Write(".git/index", "x"); s.Write("node_modules/.cache/x.js", "x") }},
	} {
		c.save()
		have := fenced(t, s, sock, i)
		if len(have.code) > 1 || have.reloads > 0 || have.overlay != "" {
			t.Fatalf("%s: updates of %d modules, %d reloads, overlay %q", c.name, len(have.code), have.reloads, have.overlay)
		}
	}
}

// TestAssetsAreNeverStale: a browser that checks its copy gets the edited file. This is so even for an edit within the
// second, with the same length, and with its time set back.
func TestAssetsAreNeverStale(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text(savedApp)))
	for _, name := range []string{"notes.txt", "public/notes.txt", "image.svg"} {
		path := "/" + strings.TrimPrefix(name, "public/")
		s.Write(name, "one")
		info := must(os.Stat(s.Path(name)))
		first := s.Get(path)
		again := s.Get(path, "If-None-Match", first.Header.Get("ETag"), "If-Modified-Since", first.Header.Get("Last-Modified"))
		if first.Status != 200 || first.Body != "one" || again.Status != 304 {
			t.Errorf("%s: status %d %q, then %d; want 200, then 304", name, first.Status, first.Body, again.Status)
		}
		s.Write(name, "two")
		_ = os.Chtimes(s.Path(name), info.ModTime(), info.ModTime())
		if res := s.Get(path, "If-None-Match", first.Header.Get("ETag"), "If-Modified-Since", first.Header.Get("Last-Modified")); res.Status != 200 || res.Body != "two" {
			t.Errorf("%s after an edit: status %d %q, want 200 and the new content", name, res.Status, res.Body)
		}
		s.Remove(name)
	}
}

// TestCheckout checks out another branch and back with git. The branches have hundreds of files each, in folders of different
// names.
func TestCheckout(t *testing.T) {
	t.Parallel()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	n := devtest.Soak(300, 1000)
	app := devtest.App(t, devtest.Text(savedApp))
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(git, append([]string{"-C", app.Root, "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	branch := func(name, folder string) {
		var entry strings.Builder
		for i := range n {
			file := fmt.Sprintf("%s/d%d/m%d.js", folder, i%20, i)
			app.Write(file, fmt.Sprintf("export default %q;\n", fmt.Sprint(name, i)))
			fmt.Fprintf(&entry, "import \"./%s\";\n", file)
		}
		app.Write("text.js", entry.String()+says(name))
		run("add", "-A")
		run("commit", "-qm", name)
	}
	run("init", "-q", "-b", "main")
	branch("main", "src")
	run("checkout", "-qb", "other")
	for i := range 20 { // the other branch does not have these folders
		app.Remove(fmt.Sprintf("src/d%d", i))
	}
	branch("other", "lib")
	run("checkout", "-q", "main")

	s := devtest.Start(t, app)
	serves(t, s, "main")
	sock := s.Socket(t)
	want := func(name string) {
		t.Helper()
		sock.WaitFor(devtest.Is("update", fmt.Sprintf(`const text = \"%s\"`, name)))
		whole := func() bool {
			got := pack(s)
			return strings.Contains(got, quoted(name)) && strings.Contains(got, quoted(fmt.Sprint(name, n-1))) && strings.Count(got, `"`+name) == n+1
		}
		devtest.Eventually(t, "all files of "+name, whole, nil)
		if have := fenced(t, s, sock, 0); have.overlay != "" {
			t.Errorf("an error remains after the checkout of %s: %.500s", name, have.overlay)
		}
	}
	for _, name := range []string{"other", "main", "other"} {
		run("checkout", "-qf", name)
		want(name)
	}
	app.Write("text.js", says("work"))
	sock.WaitFor(devtest.Is("update", "work"))
	run("checkout", "--", "fence.js")
	run("stash", "-q")
	want("other")
	run("stash", "pop", "-q")
	serves(t, s, "work")
}

// TestSavesOfParts: assets, and files that a module is built from, are never read as empty in the middle of a save
// either.
func TestSavesOfParts(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text(page+`
-- main.js --
import "./style.css";
import picture from "./picture.svg";
window.seen = [];
const text = document.querySelector("#text");
import.meta.hot.on("vite:afterUpdate", () => seen.push(getComputedStyle(text).color));
import.meta.hot.accept("./picture.svg", () => seen.push("picture"));
-- style.css --
@import "./part.css";
-- part.css --
#text { color: rgb(1, 1, 1) }
-- picture.svg --
<svg xmlns="http://www.w3.org/2000/svg"></svg>
`)))
	p := s.Page(t, "/")
	p.WaitStyle("#text", "color", "rgb(1, 1, 1)")
	s.WaitPages(1)
	for round := 2; round < 8; round++ { // a save in place truncates the file first
		color := fmt.Sprintf("rgb(%d, 2, 2)", round)
		s.Write("part.css", "#text { color: "+color+" }")
		p.WaitStyle("#text", "color", color)
		s.Write("picture.svg", fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d"/>`, round))
		p.Wait(fmt.Sprintf(`seen.filter((s) => s === "picture").length === %d`, round-1))
	}
	p.Wait(`!seen.includes("rgb(0, 0, 0)")`)
	p.NoReload()
}

// TestPageSavedInPlace: a page whose file is empty for a moment does not reload for the empty file, and again for the
// content.
func TestPageSavedInPlace(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text(savedApp)))
	s.Get("/")
	s.Get("/main.js", "Sec-Fetch-Dest", "script")
	sock := s.Socket(t)
	html, late := s.Read("index.html"), 0
	for n := range 4 {
		began := time.Now()
		f := must(os.OpenFile(s.Path("index.html"), os.O_WRONLY|os.O_TRUNC, 0))
		time.Sleep(100 * time.Millisecond)
		must(f.WriteString(html + fmt.Sprintf("<p>%d</p>\n", n)))
		_ = f.Close()
		if time.Since(began) > 300*time.Millisecond { // a busy machine: the server may have stopped waiting
			late++
		}
		sock.WaitFor(devtest.Is("full-reload", "index.html was edited"))
	}
	if have := fenced(t, s, sock, 0); have.reloads > 4+late {
		t.Errorf("4 saves reloaded the page %d times", have.reloads)
	}
}

// TestConfigurationSavedBesideAMistake: an edit that does not compile is held back. An edit of the configuration in the
// meantime is not a part of that edit.
func TestConfigurationSavedBesideAMistake(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text(savedApp+"-- devserver.config.json --\n{}\n")))
	s.Get("/main.js", "Sec-Fetch-Dest", "script") // now the server follows edits of the module
	s.Write("main.js", "this does not compile")
	s.Write("devserver.config.json", `{ "define": { "it": "1" } }`)
	s.Log.Wait(t, "devserver.config.json changed")
}

// TestEnvironmentSavedInPlace: a save of .env in place truncates the file first. Values that are missing for that
// moment reload no page.
func TestEnvironmentSavedInPlace(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text(savedApp+"-- .env --\nVITE_KEPT=kept\nVITE_N=0\n")))
	s.Get("/main.js", "Sec-Fetch-Dest", "script")
	sock := s.Socket(t)
	for n := 1; n < 5; n++ {
		s.Write(".env", fmt.Sprintf("VITE_KEPT=kept\nVITE_N=%d\n", n))
		sock.WaitFor(devtest.Is("full-reload", "import.meta.env.VITE_N changed"))
	}
	if n := sock.Count(devtest.Is("full-reload", "VITE_KEPT")); n != 0 {
		t.Errorf("an unchanged value reloaded the page %d times", n)
	}
}

// TestHalfAnEnvironment: an invalid line of an .env file stops nothing. The terminal names only its place, since the
// line may be half a secret.
func TestHalfAnEnvironment(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text(savedApp+"-- .env --\nVITE_N=0\nTOKEN "+canary+"\n")))
	s.Log.Wait(t, ".env:2: the line is left out: it is not NAME=value")
	sock := s.Socket(t)
	s.Write(".env", "\nOTHER=\""+canary+"\nVITE_N=1\n=\n")
	sock.WaitFor(devtest.Is("full-reload", "import.meta.env.VITE_N changed"))
	s.Log.Wait(t, ".env:4: the line is left out")
	if text := s.Log.String(); strings.Contains(text, canary) {
		t.Errorf("the terminal shows the content of .env:\n%s", text)
	}
}
