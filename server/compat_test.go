package server_test

import (
	"cmp"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/internal/terminal"
	"github.com/seed-b8174343/devserver/server"
)

var (
	counts   = flag.Bool("counts", false, "print how many values of testdata/compat are right, by area")
	withVite = flag.Bool("vite", false, "let Vite serve the projects of testdata/compat and testdata/plugins")
)

// TestCompat opens the projects of testdata/compat/AREA/*.txtar in a browser, and compares what the page computes with
// the section "want". Each line of the section is a value.
//
//	./compat.sh                                   counts the right values of each area
//	go test ./server -run Compat/glob -update     writes the sections again: read the diff
//	go test ./server -run Compat/glob -vite       serves them by the Vite of testdata/tools
//
// The text above the first file says what the project is about. It may have these lines:
//
//	page: /other.html        opens another page than "/"
//	packages: sass less      links these packages of testdata/tools into node_modules
//	vite: no, the reason     Vite gives other values, or none
//
// Most files are the project's. The project gets compatPage when it has no index.html. Some names mean something else:
//
//	-- config.json --        becomes devserver.config.json, or for Vite a vite.config
//	-- a.wasm.base64 --      is the text of a.wasm in base64
//	-- data.link --          is the target of the symbolic link "data"
//	-- ../shared/x.js --     lies beside the project's folder
//
// A page tells values with show(name, value), before its first top-level await. The value may be a promise or a func,
// and is told as JSON. style(selector, property) is a promise of a computed style, which waits for late stylesheets.
// The rest of the section is told by itself: "error:" for an uncaught error, "warning:" for the server's warnings in the
// terminal, and "failed:" for a request that failed.
func TestCompat(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	files, err := filepath.Glob("../testdata/compat/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("found no projects in testdata/compat", err)
	}
	total := compatTotal{}
	t.Cleanup(func() { total.print(t) })
	for _, file := range files {
		area := filepath.Base(filepath.Dir(file))
		t.Run(area+"/"+strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c := readCompat(archive)
			if *withVite && c.notVite {
				t.Skip("Vite gives other values")
			}
			got := c.run(t)
			total.add(area, c.want, got)
			switch {
			case *update && !*withVite:
				c.told(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			case *withVite && withoutWarnings(got) != withoutWarnings(c.want), !*withVite && got != c.want:
				t.Errorf("the page shows\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// compatPage is the index.html of projects without an index.html.
const compatPage = `<!doctype html><link rel="icon" href="data:,"><body><script type="module" src="/main.js"></script></body>
`

// compatScript runs first in each page.
const compatScript = `<script>
(() => {
  const lines = [], pending = new Set();
  const first = (text) => String(text).split("\n")[0].replaceAll(location.origin, "").replace(/[?&][tv]=\w+/g, "");
  const json = (value) => {
    if (value === undefined) return "undefined";
    return JSON.stringify(value, (_, v) =>
      v === undefined ? "undefined" : typeof v === "function" ? "function " + v.name :
      typeof v === "symbol" || typeof v === "bigint" ? String(v) :
      typeof v === "string" ? v.replaceAll(location.origin, "").replace(/[?&][tv]=\w+/g, "") : v);
  };
  globalThis.show = (name, value) => {
    const at = lines.push(name + ": (no answer)") - 1;
    const told = (async () => {
      try {
        lines[at] = name + ": " + json(await (typeof value === "function" && !/^class\b/.test(value) ? value() : value));
      } catch (e) {
        lines[at] = name + ": throws " + first(e);
      }
    })();
    pending.add(told);
    void told.then(() => pending.delete(told));
  };
  globalThis.style = async (selector, property, wanted = (v) => v !== "") => {
    for (let n = 0; ; n++) {
      const [at, pseudo] = selector.split("::");
      const element = document.querySelector(at);
      const value = element ? getComputedStyle(element, pseudo && "::" + pseudo).getPropertyValue(property) : "no element";
      if (wanted(value) || n > 200) return value;
      await new Promise((again) => setTimeout(again, 10));
    }
  };
  addEventListener("error", (e) => {
    if (e.error || e.message) lines.push("error: " + first(e.message));
    else if (e.target !== window) lines.push("failed: " + first(e.target.src || e.target.href));
  }, true);
  addEventListener("unhandledrejection", (e) => lines.push("error: " + first(e.reason)));
  globalThis.compat = () => document.readyState === "complete" && pending.size === 0 ? lines : null;
})();
</script>`

func withCompatScript(page string) string {
	return strings.Replace(page, "<script", compatScript+"<script", 1)
}

// compatCase is a project of testdata/compat.
type compatCase struct {
	archive  *txtar.Archive
	page     string
	packages []string
	notVite  bool
	want     string
}

func readCompat(archive *txtar.Archive) *compatCase {
	c := &compatCase{archive: archive, page: "/"}
	for line := range strings.Lines(string(archive.Comment)) {
		if page, ok := strings.CutPrefix(line, "page: "); ok {
			c.page = strings.TrimSpace(page)
		}
		if names, ok := strings.CutPrefix(line, "packages: "); ok {
			c.packages = strings.Fields(names)
		}
		c.notVite = c.notVite || strings.HasPrefix(line, "vite: no")
	}
	for _, f := range archive.Files {
		if f.Name == "want" {
			c.want = string(f.Data)
		}
	}
	return c
}

// told stores the values in the archive.
func (c *compatCase) told(got string) {
	c.archive.Files = slices.DeleteFunc(c.archive.Files, func(f txtar.File) bool { return f.Name == "want" })
	c.archive.Files = append(c.archive.Files, txtar.File{Name: "want", Data: []byte(got)})
}

// write writes the project.
func (c *compatCase) write(t *testing.T) *devtest.Files {
	app := devtest.App(t)
	app.Write("index.html", withCompatScript(compatPage))
	packages := c.packages
	for _, f := range c.archive.Files {
		f = decoded(t, f)
		name, text := f.Name, string(f.Data)
		switch {
		case name == "want":
			continue
		case strings.HasSuffix(name, ".link"):
			app.Link(strings.TrimSpace(text), strings.TrimSuffix(name, ".link"))
			continue
		case name == "config.json" && *withVite:
			name, text = "vite.config.mjs", "export default "+text
		case name == "config.json":
			name = "devserver.config.json"
		case strings.HasSuffix(name, ".html") && !strings.Contains(name, "public/") && strings.Contains(text, "<script"):
			text = withCompatScript(text)
		case strings.HasPrefix(name, "vite.config"):
			packages = append(packages, "vite")
		}
		app.Write(name, text)
	}
	linkTools(t, app, packages)
	return app
}

// linkTools links packages of testdata/tools into a project.
func linkTools(t *testing.T, app *devtest.Files, packages []string) {
	t.Helper()
	for _, name := range packages {
		to, err := filepath.Abs("../testdata/tools/node_modules/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(to); err != nil {
			t.Skipf("%s is not installed: run npm install --no-save in testdata/tools/", name)
		}
		if _, err := os.Lstat(app.Path("node_modules/" + name)); err != nil {
			app.Link(to, "node_modules/"+name)
		}
	}
}

// run serves the project and returns what its page tells, one line a value.
func (c *compatCase) run(t *testing.T) string {
	app, warnings := c.write(t), &devtest.Log{}
	var page *devtest.Page
	if *withVite {
		s := &devtest.Server{Log: &devtest.Log{}, URL: startVite(t, app.Root)}
		page = s.Page(t, c.page)
	} else {
		s := devtest.Start(t, app, func(o *server.Options) {
			o.Logger = slog.New(terminal.NewHandler(terminal.Options{Out: warnings, Err: warnings, Level: slog.LevelWarn}))
		})
		page = s.Page(t, c.page)
	}
	var lines []string
	complete := func() bool {
		for want := range strings.Lines(c.want) {
			name, _, _ := strings.Cut(want, ": ")
			if name != "warning" && !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, name+": ") }) {
				return false
			}
		}
		return true
	}
	for limit := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		page.Wait("globalThis.compat?.() !== null")
		if lines = devtest.Eval[[]string](page, "globalThis.compat?.() ?? []"); complete() || time.Now().After(limit) {
			break
		}
	}
	var told []string
	for line := range strings.Lines(warnings.String()) {
		line = strings.ReplaceAll(strings.TrimRight(line, "\n"), app.Root+string(filepath.Separator), "")
		if line != "" && line[0] != ' ' {
			told = append(told, "warning: "+clock.ReplaceAllString(line, ""))
		}
	}
	slices.Sort(told) // modules are compiled at the same time
	return strings.Join(append(lines, told...), "\n") + "\n"
}

// clock matches the time before a line of the terminal.
var clock = regexp.MustCompile(`^\d\d:\d\d:\d\d `)

// startVite serves a project by the Vite of testdata/tools until the test ends, and returns the URL.
func startVite(t *testing.T, root string) string {
	t.Helper()
	bin, err := filepath.Abs("../testdata/tools/node_modules/vite/bin/vite.js")
	if err != nil {
		t.Fatal(err)
	}
	v := &viteServer{root: root, bin: bin, log: &devtest.Log{}}
	v.start(t)
	return v.url
}

// viteServer is Vite that serves a project.
type viteServer struct {
	root, bin string
	log       *devtest.Log

	port, url string
	cmd       *exec.Cmd
}

// start starts Vite, at the same port as before. Vite ends with the test.
func (v *viteServer) start(t *testing.T) {
	t.Helper()
	if v.port == "" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, v.port, _ = net.SplitHostPort(l.Addr().String())
		v.url = "http://127.0.0.1:" + v.port
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			v.stop()
			if t.Failed() {
				t.Logf("Vite says:\n%s", v.log)
			}
		})
	}
	v.cmd = exec.Command("node", v.bin, "--host", "127.0.0.1", "--port", v.port, "--strictPort")
	v.cmd.Dir = v.root
	v.cmd.Stdout, v.cmd.Stderr = v.log, v.log
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	devtest.Eventually(t, "Vite answers", func() bool {
		answer, err := http.Get(v.url + "/")
		if err != nil {
			return false
		}
		return answer.Body.Close() == nil
	}, v.log.String)
}

// stop ends Vite.
func (v *viteServer) stop() {
	if v.cmd != nil && v.cmd.Process != nil {
		_ = v.cmd.Process.Kill()
		_ = v.cmd.Wait() // the error is the signal
	}
	v.cmd = nil
}

// withoutWarnings leaves out what servers say in their own words.
func withoutWarnings(lines string) string {
	var kept strings.Builder
	for line := range strings.Lines(lines) {
		if !strings.HasPrefix(line, "warning: ") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// compatTotal counts values by area.
type compatTotal struct {
	mu    sync.Mutex
	areas map[string]*compatArea
}

type compatArea struct {
	projects, wholeProjects, values, rightValues int
}

// add counts the lines of want that got has.
func (c *compatTotal) add(area, want, got string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.areas == nil {
		c.areas = map[string]*compatArea{}
	}
	if c.areas[area] == nil {
		c.areas[area] = &compatArea{}
	}
	a, whole := c.areas[area], true
	has := map[string]int{}
	for line := range strings.Lines(got) {
		has[line]++
	}
	for line := range strings.Lines(want) {
		if *withVite && strings.HasPrefix(line, "warning: ") {
			continue
		}
		a.values++
		if has[line] > 0 {
			has[line]--
			a.rightValues++
		} else {
			whole = false
		}
	}
	a.projects++
	if whole {
		a.wholeProjects++
	}
}

// print writes the table, when it is asked for.
func (c *compatTotal) print(t *testing.T) {
	if !*counts {
		return
	}
	var all compatArea
	names := make([]string, 0, len(c.areas))
	for name := range c.areas {
		names = append(names, name)
	}
	slices.SortFunc(names, cmp.Compare[string])
	fmt.Printf("%-14s %12s %12s\n", "area", "projects", "values")
	line := func(name string, a *compatArea) {
		fmt.Printf("%-14s %5d of %3d %5d of %3d\n", name, a.wholeProjects, a.projects, a.rightValues, a.values)
	}
	for _, name := range names {
		a := c.areas[name]
		line(name, a)
		all.projects += a.projects
		all.wholeProjects += a.wholeProjects
		all.values += a.values
		all.rightValues += a.rightValues
	}
	line("all", &all)
}
