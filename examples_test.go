package devserver_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver"
	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/server"
)

func examples(t *testing.T) []devserver.Example {
	t.Helper()
	list, err := devserver.Examples()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestExamplesAreWhole: the program has each file of an example that git has, and nothing else.
func TestExamplesAreWhole(t *testing.T) {
	var have, want []string
	for _, e := range examples(t) {
		if e.About == "" || len(strings.Split(e.Files["README.md"], "\n")) > 40 {
			t.Errorf("README.md of %s has no heading `# name: what it shows`, or is long", e.Name)
		}
		for name := range e.Files {
			have = append(have, e.Name+"/"+name)
		}
	}
	for _, name := range strings.Fields(command(t, ".", "git", "ls-files", "-co", "--exclude-standard", "examples", "testdata/apps/hello")) {
		if rest, hello := strings.CutPrefix(name, "testdata/apps/"); hello {
			want = append(want, rest)
		} else {
			want = append(want, strings.TrimPrefix(name, "examples/"))
		}
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("embedded:\n%s\nin the checkout:\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
}

// example copies an example, starts it, and opens its page. The copy is outside of the checkout, as that of a user.
func example(t *testing.T, name string) (*devtest.Server, *devtest.Page) {
	t.Helper()
	devtest.NeedBrowser(t)
	app := devtest.App(t)
	for _, e := range examples(t) {
		for file, text := range e.Files {
			if e.Name == name {
				app.Write(file, text)
			}
		}
	}
	if _, err := os.Stat(app.Path("devserver")); err == nil {
		if _, err := exec.LookPath("go"); err != nil {
			t.Skip("needs go")
		}
		goModule(t, app, "devserver", "project/devserver")
	} else {
		modules, err := filepath.Abs("testdata/tools/node_modules")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(modules, "vite")); err != nil {
			t.Skip("npm packages are not installed: run npm install --no-save in testdata/tools/")
		}
		app.Link(modules, "node_modules")
	}
	s := devtest.Start(t, app, func(o *server.Options) { o.NoPlugins = false })
	return s, s.Page(t, "/")
}

// saved edits the Go code of an example, and waits until the new program has taken over.
func saved(t *testing.T, s *devtest.Server, file, old, new string) {
	t.Helper()
	before := s.Log.Count("plugins ready")
	s.Edit(file, old, new)
	devtest.Eventually(t, "the new program", func() bool { return s.Log.Count("plugins ready") > before }, s.Log.String)
}

// TestExamples does in each example what its README says.
func TestExamples(t *testing.T) {
	all := devtest.App(t)
	all.Write("tsconfig.json", strings.Replace(strict, `["src"]`, `["**/*.ts"]`, 1))
	for name, play := range map[string]func(*testing.T, *devtest.Server, *devtest.Page){
		"hello-vite": playHelloVite, "console-log": playConsoleLog, "playground": playPlayground, "devtool": playDevtool, "chat": playChat,
	} {
		t.Run(name, func(t *testing.T) {
			s, p := example(t, name)
			play(t, s, p)
			if name == "hello-vite" {
				return // its types are those of Vite
			}
			for _, folder := range []string{"src", "devserver"} {
				if err := os.CopyFS(all.Path(name+"/"+folder), os.DirFS(s.Path(folder))); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	tsc, err := filepath.Abs("client/node_modules/typescript/bin/tsc")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tsc); err != nil {
		t.Skip("the types were not checked: run npm ci in client/")
	}
	// One run for all: reading the types of browsers takes longer than everything else.
	command(t, all.Root, "node", tsc, "-p", ".", "--pretty", "false")
}

func playHelloVite(t *testing.T, s *devtest.Server, p *devtest.Page) {
	p.Click("#send")
	p.WaitText("#log li", "Answer to this page: success is true")
	s.Log.Wait(t, "Received custom event: Hello from the browser!")
	p.Click("#broadcast")
	p.WaitContains("#log li", "To all 1 open: hello at")
	s.Edit("vite.config.ts", "success: true", "success: false")
	s.Log.Wait(t, "vite.config.ts changed")
	p.Click("#send") // waits for the new plugin
	p.WaitText("#log li", "Answer to this page: success is false")
	p.NoErrors()
	p.NoReload()
}

func playConsoleLog(t *testing.T, s *devtest.Server, p *devtest.Page) {
	p.WaitText("#file", s.Path("console.log"))
	p.Click("[data-level=info]")
	p.WaitContains(".info", `c1  the cart has {"items":2,"total":7.5}`)
	p.Click("#event")
	p.WaitContains(".event", `c1  checkout {"items":["apple","pear"],"total":7.5}`)
	p.Click("#throw")
	p.WaitContains(".error", "uncaught TypeError: this error was thrown by a button")
	lines := regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d\.\d{3}  (info |event|error)  c1  `)
	// An error is its message: its stack would have lines of the served code.
	if text := s.Read("console.log"); len(lines.FindAllString(text, -1)) != 3 || strings.Contains(text, "main.ts:") {
		t.Errorf("the file has\n%s", text)
	}

	// An edit of the wrapper wraps the console once, and not the wrapper of before.
	s.Edit("src/console.ts", "longest = 10_000", "longest = 12")
	s.Log.Wait(t, "hmr update /src/console.ts")
	p.Click("[data-level=info]")
	p.Wait(`document.querySelector("#lines li.info").textContent.endsWith("c1  the cart has")`) // twelve characters
	p.Click("[data-level=warn]")
	p.WaitContains("#lines li.warn", "the price is")
	if text := s.Read("console.log"); strings.Count(text, "the cart has") != 2 {
		t.Errorf("the file has\n%s", text)
	}
	p.NoReload()
}

func playPlayground(t *testing.T, s *devtest.Server, p *devtest.Page) {
	p.WaitContains("#status", "2560 points from Go")
	// A burst of moves: the first and the last are drawn.
	p.Wait(`(() => {
		window.drawings = 0;
		window.pen = document.querySelector("#drawing").style.stroke;
		new MutationObserver((list) => (drawings += list.length)).observe(document.querySelector("#drawing"), { attributeFilter: ["d"] });
		const slider = document.querySelector("[name=turns]");
		for (let i = 0; i < 500; i++) {
			slider.value = 5 + (i % 50);
			slider.dispatchEvent(new Event("input"));
		}
		slider.value = 60;
		slider.dispatchEvent(new Event("input"));
		return true;
	})()`)
	p.WaitContains("#status", "3840 points from Go")
	p.Wait(`drawings === 2`)

	// Another program draws, in another colour. The values stay.
	saved(t, s, "devserver/harmonograph.go", `"hsl(%.0f 70%% 55%%)", 200+`, `"hsl(%.0f 70%% 55%%)", 20+`)
	p.Wait(`document.querySelector("#drawing").style.stroke !== pen`)
	p.WaitContains("#status", "3840 points from Go")
	s.Edit("src/main.ts", "points from Go", "dots from Go")
	p.WaitContains("#status", "3840 dots from Go")
	p.Wait(`document.querySelector("[name=turns]").value === "60"`)
	p.NoErrors()
	p.NoReload()
}

func playDevtool(t *testing.T, s *devtest.Server, p *devtest.Page) {
	// The page is loaded while the program is built, and loaded again when the panel is there.
	panel := `document.querySelector("#devtool")?.shadowRoot`
	p.Wait(panel + `?.textContent.includes("settings.settings")`)
	p.Click("[data-add=Pear]")
	p.WaitText("#total", "€2")
	p.Wait(panel + `.textContent.includes('"name":"Pear"')`)
	p.Wait(`(` + panel + `.querySelectorAll("button")[0].click(), true)`)
	s.Log.Wait(t, "state of c")
	p.Wait(`(` + panel + `.querySelectorAll("button")[1].click(), true)`)
	p.Wait(panel + `.textContent.includes("/src/shop.ts")`)
	p.Click("#sort")
	s.Log.Wait(t, ": click of sort took ")

	// A new store shows by itself, and the panel can be edited. The app keeps its state.
	s.Write("src/stores/coupons.ts", "import { createStore } from \"../lib/store\";\n\nexport const coupons = createStore([\"spring\"]);\n")
	p.Wait(panel + `.textContent.includes("coupons.coupons")`)
	saved(t, s, "devserver/panel.ts", `"devtool")`, `"my tool")`)
	p.Wait(panel + `.textContent.includes("my tool")`)
	p.Wait(`document.querySelectorAll("#devtool").length === 1`)
	p.WaitText("#total", "€2")
	p.NoErrors()
}

func playChat(t *testing.T, s *devtest.Server, ann *devtest.Page) {
	ben := s.Page(t, "/")
	signIn := func(p *devtest.Page, name string) {
		p.Type("#sign-in input", name)
		p.Click("#sign-in button")
		p.WaitText("#user", name)
	}
	say := func(p *devtest.Page, text string) {
		p.Type("#write input", text)
		p.Click("#write button")
	}
	ann.WaitText("#people", "2 guests")
	signIn(ann, "ann")
	signIn(ben, "ben")
	ann.WaitText("#people", "annben")
	say(ann, "hi all")
	ben.WaitText("#messages li p", "hi all")

	// Ben is in another room, and gets the notification and nothing else.
	ben.Click("[value=random]")
	ann.WaitText("#people", "ann")
	toast := func(text string) {
		t.Helper()
		ben.Wait(`[...document.querySelectorAll("*")].some((e) => e.shadowRoot?.textContent.includes("` + text + `"))`)
	}
	say(ann, "@ben lunch?")
	toast("ann mentions you in general")
	ben.WaitText("#messages", "")

	// The next program knows the users, the rooms and the messages.
	saved(t, s, "devserver/main.go", "%s mentions you in %s", "%s calls you to %s")
	ann.Type("#write input", "@ben now, ")
	s.Edit("src/main.ts", "Sign in to write", "Sign in first")
	s.Log.Wait(t, "hmr update /src/main.ts")
	say(ann, "please")
	toast("ann calls you to general")
	ben.Click("[value=general]")
	ben.WaitText("#messages li:last-child p", "@ben now, please")
	ann.WaitText("#people", "annben")
	for _, p := range []*devtest.Page{ann, ben} {
		p.NoErrors() // later the console has an error for each try to reconnect
	}

	// What is written while the server is away arrives, and the pages are in their room again.
	s.Stop()
	say(ann, "still there?")
	s.Again()
	ben.WaitText("#messages li:last-child p", "still there?")
	ann.WaitText("#messages li:last-child p", "still there?")
	ann.WaitText("#people", "annben")
	say(ann, "here again")
	ben.WaitText("#messages li:last-child p", "here again")
	ann.WaitText("#messages li:last-child p", "here again")
	for _, p := range []*devtest.Page{ann, ben} {
		p.NoReload()
	}
}
