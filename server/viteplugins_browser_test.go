package server_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestVitePlugins plays testdata/plugins/*.txtar in a browser: projects whose vite.config has plugins from npm.
//
//	./plugins.sh                                      plays all of them
//	go test ./server -run VitePlugins/vue-ts          plays one
//	go test ./server -run VitePlugins/vue-ts -vite    lets the project's own Vite serve it: what the story says is true there
//
// The text above the first file says what the project is about. Its lines may be:
//
//	template: vue-ts               begins with the files of this template of create-vite
//	page: /other.html              opens this page first instead of "/"
//	plugins: @vitejs/plugin-vue    links these packages into node_modules, and vite; docs/vite-plugins.md lists them
//	packages: vue sass             links these, too
//	also: vite-5 vite-6            plays the story again with the packages of testdata/plugins/vite-5, and so on
//	soak: newest vite-6            plays it with these only when DEVSERVER_SOAK is set, as plugins.sh does; newest is Vite 8
//	vite: no, the reason           the story is not true with Vite
//
// The project gets a package.json that names the packages when it has none. Sections "step: …" are no files. They are
// played in their order, and each waits for a state:
//
//	-- step: open /about --          opens a path
//	-- step: click #count --         clicks the first element of a CSS selector
//	-- step: type #name --           types the text into an element
//	-- step: run --                  awaits this JavaScript in the page
//	-- step: edit src/App.vue --     replaces texts by lines "old => new", in one save; \n is a line break
//	-- step: save src/App.vue --     the same by an editor that writes a new file and renames it over the old file
//	-- step: write src/App.vue --    writes the whole text
//	-- step: delete src/App.vue --
//	-- step: restart --              ends the server, starts it again with the same cache, and opens the page again
//	-- step: want --                 waits for each of its lines, see want
//
// The console of a page that was opened must be free of errors at the next step "want".
func TestVitePlugins(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	for _, story := range pluginStories(t) {
		for _, from := range story.from {
			if slices.Contains(story.soak, cmp.Or(from, "newest")) && !devtest.Soaking() {
				continue
			}
			t.Run(path.Join(story.name, from), func(t *testing.T) {
				t.Parallel()
				if *withVite && story.notVite {
					t.Skip("the story is not true with Vite")
				}
				story.play(t, from)
			})
		}
	}
}

// pluginStory is a project of testdata/plugins, and what happens to it.
type pluginStory struct {
	name, about       string // the file's name without its end, and the first sentence
	template, page    string
	from              []string // folders of testdata/plugins in which packages are looked for first; "" is none
	soak              []string // the part of from that is played by DEVSERVER_SOAK only; "newest" is ""
	plugins, packages []string
	notVite           bool
	files             []txtar.File
	steps             []pluginStep
}

// pluginStep is a verb, such as "edit", the file or selector that it is about, and the text of the section.
type pluginStep struct {
	verb, object, text string
}

// pluginStories returns the stories of testdata/plugins, by name.
func pluginStories(t *testing.T) []*pluginStory {
	t.Helper()
	files, err := filepath.Glob("../testdata/plugins/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("found no projects in testdata/plugins", err)
	}
	stories := make([]*pluginStory, len(files))
	for i, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		stories[i] = readPluginStory(t, archive)
		stories[i].name = strings.TrimSuffix(filepath.Base(file), ".txtar")
	}
	return stories
}

func readPluginStory(t *testing.T, archive *txtar.Archive) *pluginStory {
	t.Helper()
	s := &pluginStory{page: "/", from: []string{""}}
	s.about, _, _ = strings.Cut(strings.ReplaceAll(string(archive.Comment), "\n", " "), ". ") // each text has a sentence
	for line := range strings.Lines(string(archive.Comment)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "template":
			s.template = value
		case "page":
			s.page = value
		case "also":
			s.from = append(s.from, strings.Fields(value)...)
		case "soak":
			s.soak = strings.Fields(value)
		case "plugins":
			s.plugins = append(s.plugins, strings.Fields(value)...)
		case "packages":
			s.packages = append(s.packages, strings.Fields(value)...)
		case "vite":
			s.notVite = strings.HasPrefix(value, "no")
		}
	}
	for _, f := range archive.Files {
		if name, ok := strings.CutPrefix(f.Name, "step: "); ok {
			verb, object, _ := strings.Cut(name, " ")
			s.steps = append(s.steps, pluginStep{verb, object, string(f.Data)})
		} else {
			s.files = append(s.files, decoded(t, f))
		}
	}
	return s
}

// write writes the project.
func (s *pluginStory) write(t *testing.T, from string) *devtest.Files {
	var sources []devtest.Source
	if s.template != "" {
		dir := filepath.FromSlash("../testdata/tools/node_modules/create-vite/template-" + s.template)
		if _, err := os.Stat(dir); err != nil {
			t.Skip("npm packages are not installed: run npm install --no-save in testdata/tools/")
		}
		sources = append(sources, devtest.Dir(dir))
	}
	app := devtest.App(t, sources...)
	for _, f := range s.files {
		if target, isLink := strings.CutSuffix(f.Name, ".link"); isLink {
			app.Link(strings.TrimSpace(string(f.Data)), target)
		} else {
			app.Write(f.Name, string(f.Data))
		}
	}
	packages := slices.Concat([]string{"vite"}, s.plugins, s.packages)
	for _, name := range packages {
		dir := pluginPackage(t, from, name)
		if dir == "" {
			t.Skipf("%s is not installed: run npm install --no-save in testdata/plugins/", name)
		}
		app.Link(dir, "node_modules/"+name)
	}
	if _, err := os.Stat(app.Path("package.json")); err != nil {
		text, err := json.MarshalIndent(map[string]any{
			"name": "app", "private": true, "type": "module",
			"devDependencies": maps.Collect(func(yield func(string, string) bool) {
				for _, name := range packages {
					if !yield(name, "*") {
						return
					}
				}
			}),
		}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		app.Write("package.json", string(text))
	}
	return app
}

// pluginPackage returns the absolute path of a package of testdata/plugins, or "" when it is not installed.
func pluginPackage(t *testing.T, from, name string) string {
	t.Helper()
	for _, folder := range []string{from, ""} {
		dir, err := filepath.Abs(filepath.Join("../testdata/plugins", folder, "node_modules", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "package.json")); err == nil {
			return dir
		}
	}
	return ""
}

// pluginPlay is a story that is played.
type pluginPlay struct {
	t     *testing.T
	app   *devtest.Files
	srv   *devtest.Server
	vite  *viteServer // with -vite
	page  *devtest.Page
	path  string // of the page
	read  int    // lines of the console that are known to be free of errors
	fresh bool   // the page was just opened: its console is to be free of errors
}

// play plays the story with the packages of a folder.
func (s *pluginStory) play(t *testing.T, from string) {
	p := &pluginPlay{t: t, app: s.write(t, from)}
	if *withVite {
		p.srv = &devtest.Server{Files: p.app, Log: &devtest.Log{}}
		p.vite = &viteServer{root: p.app.Root, bin: p.app.Path("node_modules/vite/bin/vite.js"), log: p.srv.Log}
		p.vite.start(t)
		p.srv.URL = p.vite.url
	} else {
		p.srv = devtest.Start(t, p.app)
	}
	p.page = p.srv.Tab(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("overlay:\n%s", devtest.Eval[string](p.page, overlayParts))
		}
	})
	p.open(s.page)
	for i, step := range s.steps {
		if *withVite && i == 0 && step.verb == "want" {
			// Vite reloads pages when it finds another package to optimize: the page is opened again once that is over.
			p.want(step.text)
			p.open(p.path)
		}
		p.step(step)
		if t.Failed() {
			t.Fatalf("at step %d: %s %s", i+1, step.verb, step.object)
		}
	}
}

func (p *pluginPlay) step(step pluginStep) {
	if p.vite != nil {
		time.Sleep(100 * time.Millisecond) // Vite's watcher drops a change of a file within 50 ms of the one before
	}
	switch step.verb {
	case "open":
		p.open(step.object)
	case "click":
		p.page.Wait("document.querySelector(" + jsText(step.object) + ")")
		devtest.Eval[any](p.page, "document.querySelector("+jsText(step.object)+").click()") // also below other elements
	case "type":
		p.page.Type(step.object, strings.TrimSuffix(step.text, "\n"))
	case "run":
		devtest.Eval[any](p.page, "(async () => { "+step.text+" })()")
	case "edit":
		p.app.Write(step.object, p.edited(step.object, step.text))
	case "save":
		temp := step.object + ".tmp~"
		p.app.Write(temp, p.edited(step.object, step.text))
		p.app.Rename(temp, step.object)
	case "write":
		p.app.Write(step.object, step.text)
	case "delete":
		p.app.Remove(step.object)
	case "restart":
		for devtest.Eval[string](p.page, "location.href") != "about:blank" { // a page may be about to reload itself
			p.page.Goto("about:blank") // a page that looks for its server would log errors
		}
		if p.vite != nil {
			p.vite.stop()
			p.vite.start(p.t)
		} else {
			p.srv.Again()
		}
		p.open(p.path)
	case "want":
		p.want(step.text)
	default:
		p.t.Fatalf("there is no step %q", step.verb)
	}
}

// open opens a path, and waits until the page is connected.
func (p *pluginPlay) open(path string) {
	p.path, p.read, p.fresh = path, len(p.page.Console()), true
	p.page.Goto(path)
	p.connected()
}

// connected marks the page and waits for its connection.
func (p *pluginPlay) connected() {
	if p.vite == nil {
		p.srv.WaitPages(1)
	} else {
		devtest.Eventually(p.t, "the page is connected", func() bool {
			return slices.ContainsFunc(p.page.Console()[p.read:], func(line string) bool { return strings.Contains(line, "[vite] connected.") })
		}, p.srv.Log.String)
	}
	devtest.Eval[any](p.page, "globalThis.kept = true")
}

// edited returns the text of a file with the texts replaced.
func (p *pluginPlay) edited(name, lines string) string {
	text := p.app.Read(name)
	for line := range strings.Lines(lines) {
		before, after, ok := strings.Cut(strings.TrimSpace(line)+" ", " => ") // the new text may be empty
		before, after = strings.ReplaceAll(before, `\n`, "\n"), strings.ReplaceAll(strings.TrimSuffix(after, " "), `\n`, "\n")
		if !ok || !strings.Contains(text, before) {
			p.t.Fatalf("edit %s: %q is no line \"old => new\", or the file lacks the old text:\n%s", name, line, text)
		}
		text = strings.ReplaceAll(text, before, after)
	}
	return text
}

// want waits for the state that each line describes:
//
//	#count: Count is 1                      the text of the first element of a selector
//	style #count color: rgb(1, 2, 3)        a computed style
//	true: document.title === "a"            a JavaScript expression, which may be a promise
//	gone: #count                            no element matches
//	overlay: src/App.vue:3                  the error overlay has the text
//	overlay: none
//	console: hello                          a line of the page's console has the text
//	file src/types.d.ts: hello              a file that a plugin writes has the text
//	terminal: hello                         the output of the server has the text
//	kept: yes                               the page was not reloaded since it was opened, or since "kept: no"
//	kept: no                                the page was reloaded
//
// A line that begins with "devserver " or "vite " is for this server only.
func (p *pluginPlay) want(lines string) {
	p.t.Helper()
	other := map[bool]string{true: "devserver ", false: "vite "}[p.vite != nil]
	mine := map[bool]string{false: "devserver ", true: "vite "}[p.vite != nil]
	for line := range strings.Lines(lines) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, other) {
			continue
		}
		key, value, ok := strings.Cut(strings.TrimPrefix(line, mine), ": ")
		if !ok {
			p.t.Fatalf("want: %q has no colon and space", line)
		}
		element, isStyle := strings.CutPrefix(key, "style ")
		file, isFile := strings.CutPrefix(key, "file ")
		switch {
		case isStyle:
			at := strings.LastIndex(element, " ")
			p.page.Wait("document.querySelector(" + jsText(element[:at]) + ")")
			p.page.WaitStyle(element[:at], element[at+1:], value)
		case isFile:
			text := ""
			devtest.Eventually(p.t, fmt.Sprintf("%q in %s", value, file), func() bool {
				data, err := os.ReadFile(p.app.Path(file))
				text = string(data)
				return err == nil && strings.Contains(text, value)
			}, func() string { return text })
		case key == "true":
			p.page.Wait(value)
		case key == "gone":
			p.page.Wait("!document.querySelector(" + jsText(value) + ")")
		case key == "overlay" && value == "none":
			p.page.WaitNoOverlay()
		case key == "overlay":
			p.page.WaitOverlay(value)
		case key == "console":
			p.page.WaitConsole(value)
		case key == "terminal":
			p.srv.Log.Wait(p.t, value)
		case key == "kept" && value == "yes":
			if !devtest.Eval[bool](p.page, "globalThis.kept === true") {
				p.t.Errorf("the page was reloaded\nconsole:\n%s", strings.Join(p.page.Console(), "\n"))
			}
		case key == "kept" && value == "no":
			p.page.Wait("globalThis.kept !== true && document.readyState === 'complete'")
			p.connected()
		default:
			p.page.WaitText(key, value)
		}
	}
	if p.fresh {
		p.fresh = false
		for _, line := range p.page.Console()[p.read:] {
			if strings.HasPrefix(line, "error:") || strings.HasPrefix(line, "exception:") {
				p.t.Errorf("console: %s", line)
			}
		}
	}
	p.read = len(p.page.Console())
}

// overlayParts is the text of the error overlay without its styles.
const overlayParts = `[...document.querySelector("vite-error-overlay")?.shadowRoot.querySelectorAll(":not(style)") ?? []]
	.filter((e) => !e.querySelector(":not(style)")).map((e) => e.textContent.trim()).filter(Boolean).join("\n")`

// TestVitePluginsPage: docs/vite-plugins.md lists the plugins that the stories use, with their versions.
// `go test ./server -run VitePluginsPage -update` writes the table again.
func TestVitePluginsPage(t *testing.T) {
	t.Parallel()
	const file, from, to = "../docs/vite-plugins.md", "| plugin |", "\n\n"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), from)
	old, after, end := strings.Cut(rest, to)
	if !ok || !end {
		t.Fatalf("%s has no table, or nothing below the table", file)
	}
	if table := pluginTable(t); table != from+old {
		if !*update {
			t.Fatalf("%s has\n%s\nwant\n%s", file, from+old, table)
		}
		if err := os.WriteFile(file, []byte(before+table+to+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// pluginTable returns a row for each plugin of the stories: its versions, those of Vite, and what was tried.
func pluginTable(t *testing.T) string {
	t.Helper()
	type row struct{ versions, vites, tried, beside []string }
	rows := map[string]*row{}
	add := func(list *[]string, text string) {
		if !slices.Contains(*list, text) {
			*list = append(*list, text)
		}
	}
	stories := pluginStories(t)
	for _, folder := range []string{"vite-5", "vite-6", "vite-7", ""} { // older versions come first
		versions := pinned(t, folder)
		for _, story := range stories {
			if !slices.Contains(story.from, folder) {
				continue
			}
			for i, name := range story.plugins {
				if rows[name] == nil {
					rows[name] = &row{}
				}
				r := rows[name]
				add(&r.versions, versions[name])
				add(&r.vites, versions["vite"])
				if i == 0 {
					add(&r.tried, story.about)
				} else {
					add(&r.beside, story.about)
				}
			}
		}
	}
	var b strings.Builder
	b.WriteString("| plugin | version | Vite | tried |\n| --- | --- | --- | --- |")
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		r := rows[name]
		if r.tried == nil {
			r.tried = r.beside
		}
		fmt.Fprintf(&b, "\n| `%s` | %s | %s | %s |",
			name, strings.Join(r.versions, ", "), strings.Join(r.vites, ", "), strings.Join(r.tried, ". "))
	}
	return b.String()
}

// pinned returns the versions that testdata/plugins installs, as a project sees them that looks into a folder first.
func pinned(t *testing.T, folder string) map[string]string {
	t.Helper()
	versions := map[string]string{}
	for _, dir := range []string{"", folder} {
		data, err := os.ReadFile(filepath.Join("../testdata/plugins", dir, "package.json"))
		if err != nil {
			t.Fatal(err)
		}
		var list struct{ DevDependencies map[string]string }
		if err := json.Unmarshal(data, &list); err != nil {
			t.Fatal(err)
		}
		maps.Copy(versions, list.DevDependencies)
	}
	return versions
}

// jsText returns a JavaScript string.
func jsText(text string) string {
	literal, err := json.Marshal(text)
	if err != nil {
		panic(fmt.Sprintf("a string always encodes: %v", err))
	}
	return string(literal)
}
