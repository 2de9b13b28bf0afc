package server_test

import (
	"encoding/json"
	"fmt"
	"image"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/internal/terminal"
	"github.com/seed-b8174343/devserver/server"
)

// tourApp is the example of the README, with a counter.
const tourApp = `
-- package.json --
{"name": "hello"}
-- index.html --
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Hello</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/src/page.css">
<h1>Hello</h1>
<button id="count"></button>
<button id="send">Send my-custom-event</button>
<h2>Answers from Go</h2>
<ol id="answers"></ol>
<footer>Loads of this page: <b id="loads"></b></footer>
<script>
  const loads = (sessionStorage.loads = 1 + Number(sessionStorage.loads ?? 0));
  document.querySelector("#loads").textContent = loads;
</script>
<script type="module" src="/src/main.ts"></script>
-- src/main.ts --
import "./style.css";
import "./counter";
const send = document.querySelector("#send")!;
const answers = document.querySelector("#answers")!;
if (import.meta.hot) {
  const hot = import.meta.hot;
  send.addEventListener("click", () => {
    hot.send("my-custom-event", {
      message: "Hello from the browser!",
    });
  });
  hot.on("custom-response", (data) => {
    answers.innerHTML += "<li>" + JSON.stringify(data);
  });
}
-- src/counter.ts --
const state = (import.meta.hot!.data.state ??= { count: 0 });

const button = document.querySelector("#count")!;
button.addEventListener("click", () => {
  state.count++;
  draw();
});

function draw() {
  button.textContent = ` + "`Count: ${state.count}`" + `;
}
draw();

import.meta.hot?.accept();
-- src/label.ts --
export const label = "Clicks";
-- src/style.css --
#count {
  border-color: transparent;
  background: royalblue;
  color: white;
}

h1 {
  margin: 0 0 14px;
  font-size: 22px;
}
-- src/page.css --
button {
  display: block;
  width: 100%;
  margin: 0 0 10px;
  padding: 10px;
  border: 1px solid #c9d1dc;
  border-radius: 9px;
  background: white;
  color: #1f2530;
  font: inherit;
  font-weight: 600;
}
body {
  margin: 0;
  padding: 20px;
  background: #f6f8fb;
  color: #1f2530;
  font: 14px/1.5 Inter, system-ui, sans-serif;
}
h2 {
  margin: 20px 0 8px;
  color: #5c6675;
  font-size: 12px;
}
ol {
  min-height: 94px;
  margin: 0;
  padding: 0;
  list-style: none;
  font: 10.5px/1.4 "JetBrains Mono", ui-monospace, Menlo, Consolas, monospace;
}
li {
  margin: 0 0 6px;
  padding: 7px 9px;
  border: 1px solid #dfe4ec;
  border-radius: 7px;
  background: white;
  font-variant-ligatures: none;
}
footer {
  position: fixed;
  bottom: 16px;
  color: #5c6675;
  font-size: 12px;
}
`

const tourPlugin = `package main

import (
	"context"
	"log"

	"github.com/seed-b8174343/devserver/plugin"
)

func main() {
	plugin.Main(plugin.Plugin{
		Name: "custom-dev-events",
		Events: []plugin.Event{
			plugin.On("my-custom-event", func(ctx context.Context,
				c plugin.Client, in struct{ Message string }) error {
				log.Println("Received custom event:", in.Message)
				return c.Send("custom-response", map[string]any{
					"success": true,
				})
			}),
		},
	})
}
`

// TestTourPictures plays the story of the animation and of the terminal: edits that keep the page's state, events
// between the page and Go, an edit of the Go handler, a mistake with its fix, and a reload with its reason.
func TestTourPictures(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	app := devtest.App(t, devtest.Text(tourApp))
	goModule(t, app)
	app.Write("devserver/main.go", tourPlugin)
	var s *devtest.Server
	if *update {
		s = command(t, app)
	} else {
		s = coloured(t, app)
	}
	s.Log.Wait(t, "plugins ready: custom-dev-events")
	p := s.Page(t, "/")
	p.WaitText("#count", "Count: 0")

	f := newFilm(t, s, p)
	f.step("A page with a counter")
	f.open("src/counter.ts")
	f.hold(80)
	for n := range 3 {
		f.click("#count")
		p.WaitText("#count", fmt.Sprintf("Count: %d", n+1))
		f.hold(40)
	}

	f.step("Save a module: the page changes, the count stays")
	f.types("src/counter.ts", "Count", "Clicks")
	p.WaitText("#count", "Clicks: 3")
	s.Log.Wait(t, "\x1b[32mhmr update\x1b[0m /src/counter.ts")
	f.saved(180)

	f.step("Save a stylesheet: the page changes, the count stays")
	f.open("src/style.css")
	f.hold(50)
	f.types("src/style.css", "royalblue", "seagreen")
	p.WaitStyle("#count", "background-color", "rgb(46, 139, 87)")
	s.Log.Wait(t, "\x1b[32mhmr update\x1b[0m /src/style.css")
	f.saved(150)

	f.step("The page sends an event, and Go answers")
	f.open("src/main.ts")
	f.mark("hot.send", 3)
	f.hold(60)
	f.click("#send")
	p.WaitText("#answers", `{"success":true}`)
	s.Log.Wait(t, "Received custom event: Hello from the browser!")
	f.hold(60)
	f.mark("hot.on", 3)
	f.hold(140)

	f.step("Save the Go handler: the page stays connected")
	f.open("devserver/main.go")
	f.hold(60)
	f.types("devserver/main.go", "\"success\": true,", "\"success\": true,\n\t\t\t\t\t\"text\": \"Hi from Go!\",")
	s.Log.Wait(t, "plugins changed, building")
	f.saved(40)
	devtest.Eventually(t, "the plugins are built again", func() bool { return s.Log.Count("plugins ready") == 2 }, s.Log.String)
	f.hold(130)

	f.step("The next event gets the new answer")
	f.click("#send")
	p.WaitText("#answers li:last-child", `{"success":true,"text":"Hi from Go!"}`)
	devtest.Eventually(t, "the new handler's line", func() bool { return s.Log.Count("Received custom event") == 2 }, s.Log.String)
	f.hold(180)
	f.end("Three saves, no reload, no reconnect: the count is still 3", 250)
	p.WaitText("#count", "Clicks: 3")
	p.WaitText("#loads", "1")
	p.NoReload()
	if n := strings.Count(strings.Join(p.Console(), "\n"), "connected as"); n != 1 {
		t.Errorf("the page has connected %d times", n)
	}
	f.write("tour.gif")
	checkPicture(t, "tour.gif", animationLimit)

	// The rest is for the picture of the terminal.
	app.Write("src/counter.ts", `import { label } from "./lable";`+"\n"+strings.Replace(app.Read("src/counter.ts"), "Clicks", "${label}", 1))
	p.WaitOverlay("lable")
	s.Log.Wait(t, "src/counter.ts:1:23")
	app.Edit("src/counter.ts", "./lable", "./label")
	p.WaitNoOverlay()
	devtest.Eventually(t, "the update with the fix", func() bool { return s.Log.Count("hmr update\x1b[0m /src/counter.ts") == 2 }, s.Log.String)
	app.Edit("src/main.ts", "JSON.stringify(data)", "JSON.stringify(data, null, 1)")
	p.WaitReload(1)
	s.Log.Wait(t, "\x1b[33mpage reload\x1b[0m (")
	bothThemes(t, "terminal", func(theme string) *image.NRGBA {
		w := window{Kind: "terminal", Title: "hello", Width: 800, Height: 462, Size: 12, Text: "$ devserver\n" + s.Log.String()}
		return newStage(t, s, int64(w.Width), int64(w.Height)).draw(scene{Theme: theme, Windows: []window{w}})
	})
}

// coloured serves the app in this process, with the colours of a terminal in the log.
func coloured(t *testing.T, app *devtest.Files) *devtest.Server {
	t.Helper()
	log := &devtest.Log{}
	s := devtest.Start(t, app, withPlugins, func(o *server.Options) {
		o.Logger = slog.New(terminal.NewHandler(terminal.Options{Out: log, Err: log, Color: true}))
	})
	s.Log = log
	return s
}

// command builds and runs the command, whose output begins with what a user sees at a start. The flags change nothing in
// the output: the port is the usual port, and the test fails when another server has it.
func command(t *testing.T, app *devtest.Files) *devtest.Server {
	t.Helper()
	program, ready, log := filepath.Join(t.TempDir(), "devserver"), filepath.Join(t.TempDir(), "ready.json"), &devtest.Log{}
	run(t, "..", "go", "build", "-pgo=off", "-buildvcs=false", "-o", program, "./cmd/devserver")
	cmd := exec.Command(program, "--port", "5173", "--strictPort", "--ready", ready)
	cmd.Dir, cmd.Stdout, cmd.Stderr = app.Root, log, log
	goCache := strings.TrimSpace(run(t, ".", "go", "env", "GOCACHE")) // else it would be below XDG_CACHE_HOME, and empty
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+t.TempDir(), "GOCACHE="+goCache, "FORCE_COLOR=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait() // the error is the interrupt
	})
	var urls server.URLs
	devtest.Eventually(t, "the server's start", func() bool {
		text, err := os.ReadFile(ready)
		return err == nil && json.Unmarshal(text, &urls) == nil
	}, log.String)
	return &devtest.Server{Files: app, Log: log, URL: strings.TrimSuffix(urls.Local[0], "/")}
}

// A film takes the pictures of an animation: the file that is edited, the terminal, and the page. The windows show what
// the server printed and what the page drew; the time that each picture stays is for readers. Without -update there is
// no stage, and the film only clicks and edits.
type film struct {
	t      *testing.T
	server *devtest.Server
	page   *devtest.Page
	stage  *stage // nil without -update
	scene  scene
	animation
}

// The windows of the film.
const (
	filmEditor = iota
	filmTerminal
	filmPage
)

const filmWidth, filmHeight = 800, 500

func newFilm(t *testing.T, s *devtest.Server, p *devtest.Page) *film {
	const gap, left, top, caption = 10, 468, 288, 42
	const height = filmHeight - caption - gap
	f := &film{t: t, server: s, page: p}
	f.scene = scene{Theme: "dark", Solid: true, Pointer: []float64{700, 330}, Windows: []window{
		{Kind: "editor", Left: gap, Top: gap, Width: left, Height: top, Size: 11},
		{Kind: "terminal", Title: "devserver", Left: gap, Top: 2*gap + top, Width: left, Height: height - top - gap, Size: 11, Scroll: true},
		{Kind: "page", Title: strings.TrimPrefix(s.URL, "http://"), Left: left + 2*gap, Top: gap, Width: filmWidth - left - 3*gap, Height: height},
	}}
	if *update {
		f.stage = newStage(t, s, filmWidth, filmHeight)
		fit(p, f.scene.Windows[filmPage])
	}
	return f
}

// hold takes a picture of the current state, and shows it for a time in hundredths of a second.
func (f *film) hold(time int) {
	if f.stage == nil {
		return
	}
	f.scene.Windows[filmTerminal].Text = f.server.Log.String()
	f.scene.Windows[filmPage].Picture = dataURL(f.page)
	f.frame(time)
}

// frame is hold when the page and the terminal show nothing new.
func (f *film) frame(time int) {
	if f.stage != nil {
		f.add(f.stage.draw(f.scene), time)
	}
}

func (f *film) step(caption string) {
	f.scene.Caption = caption
	f.scene.Step++
}

// open shows a file in the editor.
func (f *film) open(file string) {
	e := &f.scene.Windows[filmEditor]
	e.Title, e.Text, e.First, e.Marks = file, f.server.Read(file), 0, 0
	if i := strings.Index(e.Text, "func main"); i > 0 {
		e.First = strings.Count(e.Text[:i], "\n")
	}
}

// mark highlights lines, beginning with the line that holds the text.
func (f *film) mark(text string, lines int) {
	e := &f.scene.Windows[filmEditor]
	e.Mark, e.Marks = 1+strings.Count(e.Text[:strings.Index(e.Text, text)], "\n"), lines
}

// types replaces a text in the file of the editor letter by letter, and saves the file.
func (f *film) types(file, old, new string) {
	e := &f.scene.Windows[filmEditor]
	text := e.Text
	at, same := strings.Index(text, old), 0
	for same < len(old) && old[same] == new[same] {
		same++
	}
	f.mark(old, 1)
	if i := strings.LastIndexByte(new, '\n'); i > 0 {
		same = i + 1 + len(new[i+1:]) - len(strings.TrimLeft(new[i+1:], "\t")) // the editor indents
		e.Mark += strings.Count(new, "\n")
	}
	tail := len(text) - at - len(old)
	for n := same; n <= len(new); n++ {
		e.Text = text[:at] + new[:n] + "\ue000" + text[len(text)-tail:]
		e.Unsaved = true
		f.frame(6)
	}
	f.frame(40)
	e.Text = text[:at] + new + text[len(text)-tail:]
	f.server.Edit(file, old, new)
}

// saved is hold after a save.
func (f *film) saved(time int) {
	f.scene.Windows[filmEditor].Unsaved = false
	f.hold(time)
}

// click moves the mouse to an element of the page, and clicks.
func (f *film) click(selector string) {
	if f.stage != nil {
		quoted, _ := json.Marshal(selector) // a string always encodes
		centre := devtest.Eval[[]float64](f.page, fmt.Sprintf(`(() => {
			const box = document.querySelector(%s).getBoundingClientRect();
			return [box.x + box.width * 0.86, box.y + box.height / 2];
		})()`, quoted))
		w := f.scene.Windows[filmPage]
		from, to := f.scene.Pointer, []float64{w.Left + centre[0], w.Top + barHeight + centre[1]}
		if from[0] != to[0] || from[1] != to[1] {
			const moves = 8
			for n := 1; n <= moves; n++ {
				part := float64(n) / moves
				part = part * part * (3 - 2*part) // slow at both ends
				f.scene.Pointer = []float64{from[0] + (to[0]-from[0])*part, from[1] + (to[1]-from[1])*part}
				f.frame(4)
			}
		}
		f.scene.Pressed = true
		f.frame(12)
		f.scene.Pressed = false
	}
	f.page.Click(selector)
}

// end takes the last picture, which stays for a while before the animation begins again.
func (f *film) end(caption string, time int) {
	f.scene.Caption, f.scene.Step, f.scene.Pointer, f.scene.Windows[filmEditor].Marks = caption, 0, nil, 0
	f.hold(time)
}

func (f *film) write(name string) {
	f.t.Helper()
	if f.stage != nil {
		data := f.encode(f.t)
		f.t.Logf("%s: %d pictures, %.1f s, %d kB", name, len(f.gif.Image), f.seconds(), len(data)>>10)
		writePicture(f.t, name, data)
	}
}
