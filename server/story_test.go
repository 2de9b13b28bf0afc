package server_test

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

var update = flag.Bool("update", false, "rewrite the want sections of testdata/hmr")

// TestStories plays testdata/hmr/*.txtar in a browser, and compares the reaction of the pages with the section "want".
// `go test ./server -run Stories -update` writes the section again: read the diff.
//
// The text above the first file describes the story. A line "tabs: / /other.html" opens these pages instead of "/", and a
// line "packages: sass less" links these packages of testdata/tools into node_modules.
// Files without a number are the project. The project gets storyPage when it has no index.html. Files below 1/, 2/ and
// so on are written at that step. The file "x.link" holds the target of the symbolic link "x". These two are special:
//
//	-- 1/delete --   names of files to delete, one a line
//	-- 1/run --      JavaScript that each page evaluates and awaits, once the page has followed the step's files
//
// The file "a.wasm.base64" is the text of a.wasm in base64.
//
// The reaction of a page is its console: all lines of the app, and some lines of the client, see noted.
func TestStories(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	files, err := filepath.Glob("../testdata/hmr/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("found no stories in testdata/hmr", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := readStory(t, archive)
			got := s.play(t)
			if *update {
				s.told(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != s.want {
				t.Errorf("the pages did\n%s\nwant\n%s", got, s.want)
			}
		})
	}
}

// storyPage is the index.html of stories without an index.html.
const storyPage = `<!doctype html><link rel="icon" href="data:,"><p id="text"></p><script type="module" src="/main.js"></script>
`

// storyScript runs first in each page. It logs the built-in events to the console. Its func story(n) resolves to true
// when everything that the server sent before is done. It also awaits globalThis.busy, a promise that the app may set.
const storyScript = `const { hot } = import.meta;
const tell = (text) => console.log("story: " + text);
const via = (u) => (u.path === u.acceptedPath ? u.path : u.acceptedPath + " via " + u.path) +
  (u.type === "css-update" ? " (link)" : "") + (u.isWithinCircularImport ? " (circular)" : "") + (u.firstInvalidatedBy ? " (invalidated by " + u.firstInvalidatedBy + ")" : "");
const waiting = new Map();
let leaving = false;
hot.on("vite:beforeUpdate", (m) => tell("update " + m.updates.map(via).join(", ")));
hot.on("vite:afterUpdate", () => tell("updated"));
hot.on("vite:beforePrune", (m) => tell("prune " + m.paths.join(", ")));
hot.on("vite:invalidate", (m) => tell("invalidate " + m.path + (m.message ? ": " + m.message : "")));
hot.on("vite:beforeFullReload", (m) => { if (!leaving) tell("reload: " + m.reason); leaving = true; });
hot.on("story:said", (n) => waiting.get(n)?.());
const loaded = new Promise((done) => { if (document.readyState === "complete") done(); else addEventListener("load", done); });
globalThis.story = async (n) => {
  await loaded; // the app's scripts run after this script
  await globalThis.busy;
  await new Promise((done) => { waiting.set(n, done); hot.send("story:say", n); });
  return !leaving;
};
`

// story holds the parts of a txtar archive.
type story struct {
	archive  *txtar.Archive
	tabs     []string
	packages []string
	base     []txtar.File
	steps    []step
	want     string
}

// step holds the changes that are made at once.
type step struct {
	files  []txtar.File
	delete []string
	run    string
}

// decoded returns the file "a" for a file "a.base64".
func decoded(t *testing.T, f txtar.File) txtar.File {
	t.Helper()
	name, ok := strings.CutSuffix(f.Name, ".base64")
	if !ok {
		return f
	}
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(f.Data)), ""))
	if err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	return txtar.File{Name: name, Data: data}
}

func readStory(t *testing.T, archive *txtar.Archive) *story {
	t.Helper()
	s := &story{archive: archive, tabs: []string{"/"}}
	for line := range strings.Lines(string(archive.Comment)) {
		if names, ok := strings.CutPrefix(line, "tabs: "); ok {
			s.tabs = strings.Fields(names)
		}
		if names, ok := strings.CutPrefix(line, "packages: "); ok {
			s.packages = strings.Fields(names)
		}
	}
	index := false
	for _, f := range archive.Files {
		f = decoded(t, f)
		if f.Name == "want" {
			s.want = string(f.Data)
			continue
		}
		number, name, _ := strings.Cut(f.Name, "/")
		n, err := strconv.Atoi(number)
		if err != nil {
			index = index || f.Name == "index.html"
			s.base = append(s.base, f)
			continue
		}
		if n != len(s.steps) && n != len(s.steps)+1 || n == 0 {
			t.Fatalf("%s comes after step %d", f.Name, len(s.steps))
		}
		if n > len(s.steps) {
			s.steps = append(s.steps, step{})
		}
		at := &s.steps[n-1]
		switch name {
		case "delete":
			at.delete = strings.Fields(string(f.Data))
		case "run":
			at.run = string(f.Data)
		default:
			at.files = append(at.files, txtar.File{Name: name, Data: f.Data})
		}
	}
	if !index {
		s.base = append(s.base, txtar.File{Name: "index.html", Data: []byte(storyPage)})
	}
	return s
}

// told stores the pages' reaction in the archive.
func (s *story) told(got string) {
	for i := range s.archive.Files {
		if f := &s.archive.Files[i]; f.Name == "want" {
			f.Data = []byte(got)
			return
		}
	}
	s.archive.Files = append(s.archive.Files, txtar.File{Name: "want", Data: []byte(got)})
}

// play runs the story and returns the pages' reaction.
func (s *story) play(t *testing.T) string {
	app := devtest.App(t)
	for _, f := range s.base {
		writeStory(app, f)
	}
	linkTools(t, app, s.packages)
	app.Write("story.js", storyScript)
	app.Write("probe.js", "export const step = 0;")
	srv := devtest.Start(t, app, func(o *server.Options) { o.Plugins = []plugin.Plugin{storyPlugin(app.Root)} })
	srv.Get("/probe.js", "Sec-Fetch-Dest", "script") // now the server follows edits of the module
	sock := srv.Socket(t)

	var told strings.Builder
	tabs := make([]*storyTab, len(s.tabs))
	for i, path := range s.tabs {
		tabs[i] = &storyTab{Page: srv.Page(t, path)}
	}
	collect := func(n int, run string) {
		for i, tab := range tabs {
			tab.Wait(fmt.Sprintf("globalThis.story?.(%d)", n))
			if run != "" {
				devtest.Eval[any](tab.Page, "(async () => { "+run+" })()")
				tab.Wait(fmt.Sprintf("globalThis.story?.(%d.5)", n))
			}
			name := strconv.Itoa(n)
			if len(tabs) > 1 {
				name += " in " + s.tabs[i]
			}
			told.WriteString(name + "\n" + tab.did(srv.URL))
		}
	}
	collect(0, "")
	for i, at := range s.steps {
		for _, f := range at.files {
			writeStory(app, f)
		}
		for _, name := range at.delete {
			app.Remove(name)
		}
		// The first edit of the probe may be part of the step's edit, so the server may still work when it sends the
		// probe. When it sends the second edit, everything before is done.
		for edit := range 2 {
			probe := fmt.Sprintf("step = %d;", 2*(i+1)+edit)
			app.Write("probe.js", "export const "+probe)
			sock.WaitFor(devtest.Is("update", probe))
		}
		collect(i+1, at.run)
	}
	return told.String()
}

// writeStory writes a file, or makes the link "x" of a file "x.link" with the link's target.
func writeStory(app *devtest.Files, f txtar.File) {
	if name, isLink := strings.CutSuffix(f.Name, ".link"); isLink {
		app.Link(strings.TrimSpace(string(f.Data)), name)
	} else {
		app.Write(f.Name, storyText(f))
	}
}

// storyText returns a file's text. A page gets the story's own script before all others.
func storyText(f txtar.File) string {
	text := string(f.Data)
	if strings.HasSuffix(f.Name, ".html") {
		text = strings.Replace(text, "<script", `<script type="module" src="/story.js"></script><script`, 1)
	}
	return text
}

// storyPlugin answers the event by which pages notice that they have followed all edits. It also makes a module
// virtual:name from each file virtual/name.txt.
func storyPlugin(root string) plugin.Plugin {
	return plugin.Plugin{
		Name:   "story",
		Filter: plugin.Filter{Prefixes: []string{"virtual:"}},
		ResolveID: func(_ context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error) {
			return &plugin.ResolveResult{ID: a.Specifier}, nil
		},
		Load: func(_ context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
			name, ok := strings.CutPrefix(a.ID, "virtual:")
			if !ok {
				return nil, nil
			}
			file := filepath.Join(root, "virtual", name+".txt")
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, errors.New("there is no virtual/" + name + ".txt")
			}
			return &plugin.LoadResult{Code: "export default " + strconv.Quote(strings.TrimSpace(string(text))), Watch: []string{file}}, nil
		},
		Events: []plugin.Event{
			plugin.On("story:say", func(_ context.Context, c plugin.Client, n any) error { return c.Send("story:said", n) }),
		},
	}
}

// storyTab remembers which part of its page's reaction did has returned.
type storyTab struct {
	*devtest.Page
	lines   int
	overlay bool
}

// did returns the page's reaction since the last call, one line each.
func (p *storyTab) did(url string) string {
	var b strings.Builder
	console := p.Console()
	for _, line := range clientFirst(console[p.lines:]) {
		if text := noted(line, url); text != "" {
			b.WriteString("  " + text + "\n")
		}
	}
	p.lines = len(console)
	if overlay := p.Overlay() != ""; overlay != p.overlay {
		p.overlay = overlay
		b.WriteString(map[bool]string{true: "  overlay\n", false: "  no overlay\n"}[overlay])
	}
	if b.Len() == 0 {
		b.WriteString("  nothing\n")
	}
	return b.String()
}

// clientFirst puts the client's errors before those of the browser that stand beside them. The client hears of an error of
// the server over its socket, and the browser by a request: either may come first.
func clientFirst(console []string) []string {
	lines := slices.Clone(console)
	for from := 0; from < len(lines); from++ {
		to := from
		for to < len(lines) && strings.HasPrefix(lines[to], "error: ") {
			to++
		}
		slices.SortStableFunc(lines[from:to], func(a, b string) int { return cmp.Compare(browserError(a), browserError(b)) })
		from = max(from, to-1)
	}
	return lines
}

// browserError returns 1 for an error that is not the client's, and 0 for the others.
func browserError(line string) int {
	if strings.HasPrefix(line, "error: [devserver]") {
		return 0
	}
	return 1
}

var volatile = regexp.MustCompile(`[?&](t|v)=\w+`)

// noted returns a console line as stories have it, or "" for a line that stories leave out. storyScript's lines already
// say what the client logs. Of errors, only the first line is the same everywhere.
func noted(line, url string) string {
	level, text, _ := strings.Cut(line, ": ")
	text, _, _ = strings.Cut(text, "\n")
	text = volatile.ReplaceAllString(strings.ReplaceAll(text, url, ""), "")
	told, byScript := strings.CutPrefix(text, "story: ")
	said, byClient := strings.CutPrefix(text, "[devserver] ")
	switch {
	case byScript:
		return told
	case byClient && (level == "warning" || level == "error"):
		return level + ": " + said
	case byClient || level == "debug":
		return ""
	case level == "log":
		return "log: " + text
	}
	return level + ": " + text
}
