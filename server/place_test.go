package server_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/server"
)

// oddNames are names that need care in URLs, in HTML, in patterns or in arguments of a tool.
var oddNames = []string{"a b", "100%", "50%25", "a#b", "a?b", "a&b=c;d", "ünïcödé", "名前", "😀", "e\u0301-decomposed", "[x](y)", "{a,b}", "it's", `a"b`, "$HOME", "`x`", "a+b", "~tilde", "*star*", "<tag>", "-dash", "@scope", "a|b", "a,b", "!x", strings.Repeat("long", 60)}

// TestOddPlaces serves projects whose folder and files have odd names. The page gets the files and their edits.
func TestOddPlaces(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not allow most of these names")
	}
	for _, name := range oddNames {
		t.Run(name[:min(len(name), 20)], func(t *testing.T) {
			t.Parallel()
			app := devtest.App(t)
			placeApp(app, name, name)
			s := devtest.Start(t, app, in(t, app, name))
			checkPlace(t, s, name, name)
		})
	}
	t.Run("200 levels", func(t *testing.T) {
		t.Parallel()
		app := devtest.App(t)
		deep := strings.Repeat("d/", 200) + "x"
		placeApp(app, "p", deep)
		s := devtest.Start(t, app, in(t, app, "p"))
		checkPlace(t, s, "p", deep)
	})
	t.Run("a root that is a link", func(t *testing.T) {
		t.Parallel()
		app := devtest.App(t)
		placeApp(app, "real", "x")
		app.Link("real", "link")
		s := devtest.Start(t, app, in(t, app, "link"))
		checkPlace(t, s, "real", "x")
		s.Write("link/src/x.ts", `export const text = "through the link";`)
		devtest.Eventually(t, "an edit through the link", func() bool { return strings.Contains(pack(s), "through the link") }, func() string { return pack(s) })
	})
}

// in returns an option: the server serves a folder of the app instead of the app.
func in(t *testing.T, app *devtest.Files, folder string) func(*server.Options) {
	return func(o *server.Options) {
		o.Root = app.Path(folder)
	}
}

// placeApp writes an app into the folder, with a module and a text file of the name.
func placeApp(app *devtest.Files, folder, name string) {
	app.Write(folder+"/index.html", `<!doctype html><script type="module" src="/main.js"></script>`)
	app.Write(folder+"/main.js", fmt.Sprintf("import { text } from %q;\nconsole.log(text);\nimport.meta.hot?.accept();\n", "./src/"+moduleName(name)+".ts"))
	app.Write(folder+"/src/"+name+".ts", `export const text = "one";`)
	app.Write(folder+"/src/plain.ts", `export const text = "one";`)
	app.Write(folder+"/src/"+name+".txt", "a file")
}

// moduleName returns the name, or "plain" when a part of the name in a specifier would be a query or fragment.
func moduleName(name string) string {
	if strings.ContainsAny(name, "?#") {
		return "plain"
	}
	return name
}

// checkPlace checks that the page gets the module and its edit, and that the server sends the text file at its URL.
func checkPlace(t *testing.T, s *devtest.Server, folder, name string) {
	t.Helper()
	serves(t, s, "one")
	sock := s.Socket(t)
	s.Write(folder+"/src/"+moduleName(name)+".ts", `export const text = "two";`)
	sock.WaitFor(devtest.Is("update", "two"))
	serves(t, s, "two")
	path := (&url.URL{Path: "/src/" + name + ".txt"}).EscapedPath()
	if res := s.Get(path); res.Status != 200 || res.Body != "a file" {
		t.Errorf("%s: %d %q", path, res.Status, res.Body)
	}
}

// TestTwoServersOnOneProject: two servers share the cache of a project, and both serve each edit.
func TestTwoServersOnOneProject(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(savedApp))
	dir := t.TempDir()
	shared := func(o *server.Options) { o.CacheDir = dir }
	a, b := devtest.Start(t, app, shared), devtest.Start(t, app, shared)
	sa, sb := a.Socket(t), b.Socket(t)
	for i := range 5 {
		text := fmt.Sprint("text ", i) + strings.Repeat(".", 300) // long enough for the cache
		app.Write("text.js", says(text))
		serves(t, a, text)
		serves(t, b, text)
		if i > 0 {
			sa.WaitFor(devtest.Is("update", text))
			sb.WaitFor(devtest.Is("update", text))
		}
	}
	a.Stop()
	app.Write("text.js", says("the other continues"))
	serves(t, b, "the other continues")
	a.Again()
	serves(t, a, "the other continues")
	b.Stop()
	app.Write("text.js", says("and the first"))
	serves(t, a, "and the first")
	left, _ := filepath.Glob(filepath.Join(dir, "*", "*lock*"))
	if tmp, _ := filepath.Glob(filepath.Join(dir, "*", ".tmp-*")); len(left)+len(tmp) > 0 {
		t.Errorf("stopped servers left %v %v", left, tmp)
	}
}

// TestReadOnlyProject serves a project that may be read but not written, as in a container.
func TestReadOnlyProject(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	app := devtest.App(t, devtest.Text(savedApp))
	if err := os.Chmod(app.Root, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(app.Root, 0o755) })
	s := devtest.Start(t, app)
	serves(t, s, "before")
	s.Socket(t)
}
