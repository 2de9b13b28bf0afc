package server_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

const paintTypes = `package main

import "plugins/paint"

// Job is what to paint.
type Job struct {
	// Color is the first coat,
	// and the last.
	Color Color ` + "`json:\"color\"`" + `
	Size  paint.Size ` + "`json:\"size\"`" + ` // Size is an ending */ of a comment.
	Flags Flags ` + "`json:\"flags,omitempty\"`" + `
	Free  Free ` + "`json:\"free\"`" + `
	Last  Color ` + "`json:\"last,omitempty\"`" + `
	Local Shade[string] ` + "`json:\"local,omitempty\"`" + `
}

type Color string

const (
	Red   Color = "red"
	Green Color = "gre" + "en"
	Alias       = Red
)

type Flags int

const (
	Dry Flags = 1 << iota
	Matte
	Thick
)

type Free string

type Shade[T any] string

const Dark Shade[int] = "dark" // of another instance than Job's
`

const paintUses = `
const hot = import.meta.hot!;
hot.send("p:paint", { color: "red", size: 1, flags: 3, free: "any" });
hot.send("p:paint", { color: "green", size: 0, free: "" });
hot.send("p:paint", { color: "blue", size: 1, free: "" }); // wrong
hot.send("p:paint", { color: "red", size: 2, free: "" }); // wrong
hot.send("p:paint", { color: "red", size: "1", free: "" }); // wrong
const { channel } = await import("devserver/client");
channel("p_paint_jobs").send({ color: "red", size: 1, free: "" });
channel("p_paint_jobs").send({ color: "blue", size: 1, free: "" }); // wrong
channel("p_paint_drops").subscribe((drops) => drops.toFixed());
channel("p_paint_drops").subscribe((drops) => drops.length); // wrong
channel("p_paint_drops").send(1); // wrong
channel("p_paint_done").subscribe(({ color, last, size }) => {
  const any: ("" | "red" | "green" | undefined)[] = [color, last];
  const painted: "red" | "green" = color; // wrong
  const kept: "red" | "green" | undefined = last;
  const known: 0 | 1 = size;
});
channel("p_paint_list").subscribe((all) => all.length); // wrong
hot.handle("p:coat", (job) => (job.color === "" ? "green" : job.color));
hot.handle("p:coat", (job) => "blue"); // wrong
hot.handle("p:size", async () => ({ color: "red", size: 1, free: "" }));
hot.handle("p:size", () => ({ color: "red", size: 1, free: "" }));
hot.handle("p:size", () => ({ color: "", size: 1, free: "" })); // wrong
export {};
`

// TestTypesFromSource: the types have the enums and comments of the plugins' source. tsc accepts right uses and reports
// wrong uses.
func TestTypesFromSource(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(pluginApp))
	app.Write("tsconfig.json", `{"compilerOptions": {"strict": true, "noEmit": true, "target": "ES2022", "module": "ESNext", "moduleResolution": "bundler", "types": []}, "include": ["*.ts"]}`)
	app.Write("use.ts", paintUses)
	app.Write("devserver/types.go", paintTypes)
	app.Write("devserver/paint/paint.go", "package paint\n\ntype Size int\n\nconst (\n\tSmall Size = iota\n\tLarge\n)\n")
	goPlugin(t, app, `Name: "p", Events: []plugin.Event{plugin.On("p:paint", func(ctx context.Context, c plugin.Client, in Job) error { return nil })},
		Asks: []plugin.AnyPageRequest{plugin.NewPageRequest[Job, Color]("p:coat"), plugin.NewPageRequest[plugin.None, Job]("p:size")},
		Channels: []plugin.AnyChannel{
			plugin.NewChannel[Job, string]("p", "paint", "jobs").Handle(func(ctx context.Context, from plugin.Conn[string], in Job) error { return nil }),
			plugin.NewChannel[hmr.BroadcastOnly, int]("p", "paint", "drops"),
			plugin.NewChannel[hmr.BroadcastOnly, Job]("p", "paint", "done"),
			plugin.NewChannel[hmr.BroadcastOnly, []Job]("p", "paint", "list"),
		},`)
	s := devtest.Start(t, app, withPlugins)
	s.Log.Wait(t, "wrote devserver-env.d.ts")
	text := app.Read("devserver-env.d.ts")
	for _, part := range []string{
		`/** Job is what to paint. */ "p:paint": {`, `/** Color is the first coat, and the last. */ color: "red" | "green"`,
		`/** Size is an ending *\/ of a comment. */ size: 0 | 1;`, `flags?: number`, `free: string`, `local?: string`,
		`receive: /** Job is what to paint. */ { /** Color is the first coat, and the last. */ color: "" | "red" | "green"; `,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("the types lack %q", part)
		}
	}
	if strings.Contains(text, "/*go") || t.Failed() {
		t.Fatal(text[:min(len(text), 1500)])
	}

	tsc, err := filepath.Abs("../client/node_modules/.bin/tsc")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tsc); err != nil {
		t.Skip("npm packages are not installed: run npm ci in client/")
	}
	out, _ := exec.Command(tsc, "-p", app.Root, "--pretty", "false").CombinedOutput() // tsc fails, because of the wrong uses
	var lines []string
	for _, m := range regexp.MustCompile(`(?m)^\S*\b(use\.ts\(\d+),\d+\): error`).FindAllStringSubmatch(string(out), -1) {
		lines = append(lines, m[1])
	}
	if want := []string{"use.ts(5", "use.ts(6", "use.ts(7", "use.ts(10", "use.ts(12", "use.ts(13", "use.ts(16", "use.ts(20", "use.ts(22", "use.ts(25"}; !slices.Equal(slices.Compact(lines), want) {
		t.Errorf("errors at %q, want %q:\n%s", lines, want, out)
	}
}

// TestTypesOfChannels: without a devserver/ folder the types have the channels that the program registers with the hub,
// and the events of its plugins in process.
func TestTypesOfChannels(t *testing.T) {
	t.Parallel()
	type message struct {
		Text string    `json:"text"`
		At   time.Time `json:"at"`
	}
	echo := hmr.NewChannel[message, []message]("blog", "chat", "echo").Handle(func(context.Context, hmr.Conn[[]message], message) error { return nil })
	score := hmr.NewChannel[hmr.BroadcastOnly, *int]("blog", "game", "score")
	silent := hmr.NewChannel[message, bool]("blog", "game", "silent")
	app := devtest.App(t, devtest.Text("-- index.html --\n-- tsconfig.json --\n{}\n-- package.json --\n{\"devDependencies\": {\"vite\": \"8.0.0\"}}\n"))
	s := devtest.Start(t, app, func(o *server.Options) {
		o.Plugins = []plugin.Plugin{
			{Name: "own", Events: []plugin.Event{plugin.On("own:event", func(context.Context, plugin.Client, message) error { return nil })}},
		}
	})
	if err := s.Server().Hub().Register(echo, score, silent); err != nil {
		t.Fatal(err)
	}
	s.Write("devserver.config.json", "{}") // the types are written at a start
	for _, want := range []string{
		`"own:event": { text: string; at: string };`,
		`"blog_chat_echo": { send: { text: string; at: string }; receive: Array<{ text: string; at: string }> | null };`,
		`"blog_game_score": { send: never; receive: number | null };`,
		`"blog_game_silent": { send: never; receive: boolean };`,
	} {
		devtest.Eventually(t, want, func() bool {
			text, _ := os.ReadFile(s.Path("devserver-env.d.ts"))
			return strings.Contains(string(text), want)
		}, func() string {
			text, _ := os.ReadFile(s.Path("devserver-env.d.ts"))
			return string(text[:min(len(text), 2000)])
		})
	}
	s.Log.Wait(t, "wrote devserver-env.d.ts (the types of your events)")
	s.Log.Wait(t, "wrote devserver-vite.d.ts (what Vite's types of import.meta.hot lack)")
}

// The types have the events of plugins in process.
func TestTypesOfPluginsInProcess(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(pluginApp))
	app.Write("tsconfig.json", "{}")
	devtest.Start(t, app, func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{Name: "p", Events: []plugin.Event{
			plugin.On("p:add", func(context.Context, plugin.Client, sum) error { return nil }),
		}}}
	})
	types := func() string {
		text, _ := os.ReadFile(app.Path("devserver-env.d.ts")) // at first the file does not exist
		return string(text)
	}
	devtest.Eventually(t, "the event's type", func() bool { return strings.Contains(types(), `"p:add": { A: number; B: number }`) }, types)
}
