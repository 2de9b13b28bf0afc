package devserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/seed-b8174343/devserver/client"
	"github.com/seed-b8174343/devserver/internal/agent"
	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/internal/running"
	"github.com/seed-b8174343/devserver/server"
)

// The tests run the code of the guides in docs/ unchanged. A block whose fence names a file is that file:
//
//	```go devserver/main.go
//
// Other blocks are parts of files. `go event` is an element of Plugin.Events. `go body` holds statements of a func that
// has a hub. `ts` without a name is a module of its own.

func TestMain(m *testing.M) { os.Exit(devtest.Main(m)) }

// block is a block of code in a guide.
type block struct {
	lang, info, text string
	line             int
}

func (b block) isFile() bool { return strings.Contains(b.info, ".") }

var fence = regexp.MustCompile("(?ms)^```(\\w+) ?([^\\n]*)\\n(.*?)^```$")

func blocks(t *testing.T, guide string) (list []block) {
	t.Helper()
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range fence.FindAllSubmatchIndex(text, -1) {
		part := func(n int) string { return string(text[m[2*n]:m[2*n+1]]) }
		list = append(list, block{part(1), part(2), part(3), 1 + strings.Count(string(text[:m[0]]), "\n")})
	}
	if len(list) == 0 {
		t.Fatalf("%s has no code", guide)
	}
	return list
}

// project writes a guide's files into an app.
func project(t *testing.T, list []block) *devtest.Files {
	t.Helper()
	app := devtest.App(t)
	for _, b := range list {
		if b.isFile() {
			app.Write(b.info, b.text)
		}
	}
	return app
}

// goModule makes a folder of the app a Go module. Its go.mod replaces devserver's module with this checkout.
func goModule(t *testing.T, app *devtest.Files, dir, name string) {
	t.Helper()
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	needs := strings.Replace(string(text), "module "+module+"\n", "module "+name+"\n", 1)
	app.Write(filepath.Join(dir, "go.mod"), needs+fmt.Sprintf("\nrequire %s v0.0.0\n\nreplace %s => %s\n", module, module, here))
	app.Write(filepath.Join(dir, "go.sum"), string(sums))
}

// packages holds the packages that parts of files may use.
var packages = map[string]string{
	"context": "context", "json": "encoding/json", "log": "log", "http": "net/http", "strings": "strings",
	"hmr": module + "/hmr", "plugin": module + "/plugin", "live": "example.com/app/live",
}

// goFile returns a Go file with the body, and with the imports that the body needs.
func goFile(body string) string {
	var b strings.Builder
	b.WriteString("package main\n\n")
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range packages {
			if regexp.MustCompile(`\b`+name+`\.`).MatchString(body) && !yield(name) {
				return
			}
		}
	}) {
		fmt.Fprintf(&b, "import %q\n", packages[name])
	}
	return b.String() + "\n" + body
}

// raceFlag returns the flag by which this test was built with the race detector, "" without it: programs that are built
// alike share what was compiled for it.
func raceFlag() string {
	info, _ := debug.ReadBuildInfo() // a test has one
	for _, s := range info.Settings {
		if s.Key == "-race" && s.Value == "true" {
			return " -race"
		}
	}
	return ""
}

// command runs a command in a folder and returns what it prints.
func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod"+raceFlag(), "GOPROXY=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// checkTypes runs tsc over the app and over the parts of TypeScript files in a guide.
func checkTypes(t *testing.T, app *devtest.Files, list []block) {
	t.Helper()
	tsc, err := filepath.Abs("client/node_modules/typescript/bin/tsc")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tsc); err != nil {
		t.Log("skipped the check of the guide's TypeScript: run npm ci in client/")
		return
	}
	for _, b := range list {
		if b.lang == "ts" && b.info == "" {
			app.Write(fmt.Sprintf("src/line_%d.ts", b.line), b.text+"\nexport {};\n")
		}
	}
	for _, name := range []string{"@types/react", "csstype"} {
		if err := os.CopyFS(app.Path("node_modules/"+name), os.DirFS(filepath.Join("client/node_modules", name))); err != nil {
			t.Fatal(err)
		}
	}
	command(t, app.Root, "node", tsc, "-p", ".", "--pretty", "false")
}

// writeTypes writes the types of import.meta.hot, as devserver does for a project with plugins in Go.
func writeTypes(app *devtest.Files) {
	for _, f := range client.Types("", false) {
		app.Write("src/"+f.Name, f.Text)
	}
}

const strict = `{"compilerOptions": {"strict": true, "noEmit": true, "target": "ES2022", "module": "ESNext", "moduleResolution": "bundler", "jsx": "react-jsx", "skipLibCheck": true, "lib": ["ES2023", "DOM", "DOM.Iterable"], "types": []}, "include": ["src"]}`

// withPlugins runs the app with the plugins of its devserver/ folder.
func withPlugins(t *testing.T, app *devtest.Files, configure ...func(*server.Options)) *devtest.Server {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs go")
	}
	t.Setenv("GOFLAGS", "-mod=mod")
	t.Setenv("GOPROXY", "off")
	goModule(t, app, "devserver", "project/devserver")
	app.Write("tsconfig.json", strict)
	s := devtest.Start(t, app, append(configure, func(o *server.Options) { o.NoPlugins = false })...)
	s.Log.Wait(t, "plugins ready")
	return s
}

// TestGettingStarted goes the way of the guide: an edit keeps the count, and an event goes to Go and comes back.
func TestGettingStarted(t *testing.T) {
	list := blocks(t, "docs/getting-started.md")
	app := project(t, list)
	app.Edit("index.html", "<title>", `<link rel="icon" href="data:,"><title>`)
	s := withPlugins(t, app)
	p := s.Page(t, "/")
	p.Click("button")
	p.WaitText("button", "Clicked 1 times")
	s.WaitPages(1)
	s.Edit("src/main.ts", "Clicked", "Pressed")
	p.WaitText("button", "Pressed 1 times")
	for _, b := range list {
		if b.lang == "ts" && !b.isFile() {
			s.Write("src/main.ts", s.Read("src/main.ts")+b.text)
		}
	}
	p.WaitText("output", "Hello, browser")
	p.WaitText("button", "Pressed 1 times")
	s.Log.Wait(t, "hello from browser")
	p.NoReload()
	p.NoErrors()
}

// TestHotUpdatesGuide: the modules of the guide keep what it says.
func TestHotUpdatesGuide(t *testing.T) {
	list := blocks(t, "docs/hot-updates.md")
	app := project(t, list)
	app.Edit("index.html", "<title>", `<link rel="icon" href="data:,"><title>`)
	app.Write("tsconfig.json", strict)
	s := devtest.Start(t, app)
	p := s.Page(t, "/")
	p.WaitText("#color", "teal")
	p.Wait(`/open for [1-9]/.test(document.querySelector("#clock").textContent)`)
	s.WaitPages(1)
	s.Edit("src/clock.ts", "open for", "here for")
	p.Wait(`/here for [1-9]/.test(document.querySelector("#clock").textContent)`)
	s.Edit("src/color.ts", "teal", "coral")
	p.WaitText("#color", "coral")
	p.NoReload()
	p.NoErrors()
	writeTypes(app)
	checkTypes(t, app, list)
}

func TestEventsGuide(t *testing.T) {
	list := blocks(t, "docs/events.md")
	app := project(t, list)
	app.Edit("index.html", "<ul", `<link rel="icon" href="data:,"><ul`)
	app.Edit("devserver/clock.go", "5 * time.Second", "50 * time.Millisecond")
	s := withPlugins(t, app)
	p := s.Page(t, "/")
	p.WaitText("#log", "a-1 costs 3.")
	s.Log.Wait(t, "c1 added 2 of a-1")
	s.WaitPages(1)
	s.Edit("devserver/main.go", `"price": 3`, `"price": 4`)
	devtest.Eventually(t, "the new program", func() bool { return s.Log.Count("plugins ready") >= 2 }, s.Log.String)
	s.Edit("src/main.ts", "costs", "is sold for")
	p.WaitText("#log", "a-1 is sold for 4.") // no module accepts the update, so the page reloads
	p.NoErrors()

	// The other handlers of the guide, beside the handler in main.go.
	var events []string
	for _, b := range list {
		if b.info == "event" {
			events = append(events, strings.TrimSpace(b.text)+",\n")
		}
	}
	s.Write("devserver/parts.go", goFile("var parts = []plugin.Event{\n"+strings.Join(events, "")+"}\n"))
	s.Edit("devserver/main.go", "func main() {\n\tplugin.Main(", "func main() {\n\tplugin.Main(clock(), plugin.Plugin{Name: \"parts\", Events: parts}, ")
	s.Log.Wait(t, "plugins ready: clock, parts, cart")
	p.Wait(`(import("/@vite/client").then(({ createHotContext }) => window.hot = createHotContext("/guide.js")), true)`)
	p.Wait(`window.hot && await hot.request("cart:total", { skus: ["a", "b"] }) === 6`)
	p.Wait(`await hot.request("cart:total", { skus: [] }).then(() => false, (e) => e.code === "empty" && e.message === "the cart is empty")`)
	p.Wait(`(hot.on("cart:sale", (d) => window.sale = d.percent), hot.send("cart:sale", { percent: 10 }), true)`)
	p.Wait(`window.sale === 10`)
	p.Wait(`(hot.handle("cart:state", async () => ({ items: ["a", "b", "c"] })), await hot.request("cart:check", {}) === 3)`)
	p.Wait(`(hot.send("ui:click", { target: "buy" }), true)`)
	s.Log.Wait(t, ` clicked "buy" on http`)
	p.Wait(`(hot.on("clock:time", (time) => (window.times ??= []).push(time)), true)`)
	p.Wait(`window.times?.length > 2 && times.every((time) => /^\d\d:\d\d:\d\d$/.test(time))`)

	// The types have the events of the handlers.
	devtest.Eventually(t, "the types", func() bool {
		text, _ := os.ReadFile(s.Path("src/devserver-env.d.ts"))
		return strings.Contains(string(text), `"ui:click"`)
	}, nil)
	checkTypes(t, app, list)
}

func TestPluginsGuide(t *testing.T) {
	list := blocks(t, "docs/plugins.md")
	app := project(t, list)
	app.Remove("own")
	app.Edit("index.html", "<head>", `<head><link rel="icon" href="data:,">`)
	app.Write("pages/one.html", "")
	app.Write("notes.txt", "one two")
	s := withPlugins(t, app)
	s.Log.Wait(t, "plugins ready: routes, shout, card, quiet, names, clock, session, words")
	p := s.Page(t, "/")
	p.WaitText("#routes", "one.html")
	p.WaitText("#greeting", "HELLO")
	p.WaitText("#card", "Hello: open, title")
	if slices.ContainsFunc(p.Console(), func(line string) bool { return strings.Contains(line, "a card") }) {
		t.Error("the plugin quiet did not remove console.debug")
	}
	p.WaitContains("#time", "it is 2")
	p.WaitText("#words", "2")
	p.Wait(`document.querySelector("meta[name=served]").content === "/index.html"`)
	s.Log.Wait(t, "c1 is open; ")
	s.WaitPages(1)
	s.Write("pages/two.html", "")
	p.WaitText("#routes", "one.html,two.html")
	s.Remove("pages/one.html")
	p.WaitText("#routes", "two.html")
	s.Edit("src/greeting.shout", "hello", "good morning")
	p.WaitText("#greeting", "GOOD MORNING")
	s.Write("notes.txt", "one two three")
	p.WaitText("#words", "3")
	p.Wait(`(await fetch("/api/session?name=ann", { method: "POST" })).ok`)
	p.WaitText("#user", "ann")
	p.Wait(`document.documentElement.outerHTML.includes("Hello ann") || [...document.querySelectorAll("*")].some((e) => e.shadowRoot?.textContent.includes("Hello ann"))`)
	p.NoReload()
	p.NoErrors()
	s.Edit("devserver/shout.go", "strings.ToUpper", "strings.ToTitle")
	s.Log.Wait(t, "this program ends")
	p.NoReload()
	checkTypes(t, app, list)
	s.Edit("src/hello.card", "() => {", "() = {")
	s.Log.Wait(t, "src/hello.card:4:") // not a line of the plugin's code

	own := project(t, list)
	goModule(t, own, "own", "example.com/own")
	command(t, own.Path("own"), "go", "vet", ".")
}

func TestChannelsGuide(t *testing.T) {
	list := blocks(t, "docs/channels.md")
	app := project(t, list)
	goModule(t, app, ".", "example.com/app")
	for _, b := range list {
		if b.info == "body" {
			app.Write(fmt.Sprintf("parts/line_%d.go", b.line), goFile(fmt.Sprintf("func line%d(hub *hmr.Hub, signIn http.Handler) {\n%s}\n", b.line, b.text)))
		}
	}
	app.Write("parts/main.go", "package main\n\nfunc main() {}\n")
	command(t, app.Root, "go", "vet", "./...")

	// The program answers on its channel.
	command(t, app.Root, "go", "build", "-o", "program", ".")
	url := devtest.Program(t, app.Root, app.Path("program"), "-addr", "127.0.0.1:0")
	conn, _, err := (&websocket.Dialer{Subprotocols: []string{"vite-hmr"}}).Dial("ws"+strings.TrimPrefix(url, "http")+"live", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, frame := range []string{`{"type": "subscribe", "channel": "blog_chat_echo"}`, `{"type": "custom", "event": "blog_chat_echo", "data": {"text": "hi"}}`} {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
			t.Fatal(err)
		}
	}
	for {
		_, text, err := conn.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), `"data":{"text":"you said hi"}`) {
			break
		}
	}

	app.Write("tsconfig.json", strict)
	writeTypes(app)
	checkTypes(t, app, list)
}

// TestAgentsGuide: the handlers of the guide are tools, and change with a save.
func TestAgentsGuide(t *testing.T) {
	list := blocks(t, "docs/agents.md")
	app := project(t, list)
	app.Write("index.html", `<title>cart</title><script type="module" src="/src/cart.ts"></script>`)
	cache := t.TempDir()
	s := withPlugins(t, app, func(o *server.Options) { o.CacheDir = cache })
	p := s.Page(t, "/")
	p.Wait(`document.title === "cart"`)
	found, err := running.Find(app.Root, cache)
	if err != nil || len(found) != 1 {
		t.Fatalf("running servers: %v, %v", found, err)
	}
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- agent.New(agent.Options{Ask: func(ctx context.Context, verb string, args json.RawMessage) (answer json.RawMessage, err error) {
			err = found[0].Do(ctx, verb, args, &answer)
			return answer, err
		}}).Run(t.Context(), inR, outW)
	}()
	changed := make(chan struct{}, 100)
	client, err := mcp.NewClient(&mcp.Implementation{Name: "test"}, &mcp.ClientOptions{
		ToolListChangedHandler: func(context.Context, *mcp.ToolListChangedRequest) { changed <- struct{}{} },
	}).Connect(t.Context(), &mcp.IOTransport{Reader: outR, Writer: inW}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = client.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	// waitTool waits for a tool with a text in its definition. Each time that the client hears of a change, it looks again.
	waitTool := func(name, text string) {
		t.Helper()
		for {
			list, err := client.ListTools(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, tool := range list.Tools {
				definition, err := json.Marshal(tool)
				if err == nil && tool.Name == name && strings.Contains(string(definition), text) {
					return
				}
			}
			select {
			case <-changed:
			case <-time.After(time.Minute):
				t.Fatalf("no tool %s with %q", name, text)
			}
		}
	}
	call := func(name string, args map[string]any, want string) {
		t.Helper()
		result, err := client.CallTool(t.Context(), &mcp.CallToolParams{Name: name, Arguments: args})
		if err != nil {
			t.Fatal(err)
		}
		if text := result.Content[0].(*mcp.TextContent).Text; text != want {
			t.Errorf("%s answers %s, want %s", name, text, want)
		}
	}
	waitTool("cart_clear", `"why":{"description":"is shown to the user","type":"string"}`)
	waitTool("cart_state", "Returns what is in the cart")
	call("cart_state", nil, `answer of the page: ⟦page c1: {"items":["apple","pear"]}⟧`)
	call("cart_clear", map[string]any{"why": "test"}, `answer of the server: ⟦server: "cleared in c1"⟧`)
	call("cart_state", nil, `answer of the page: ⟦page c1: {"items":[]}⟧`)

	s.Edit("devserver/main.go", "Empties the cart of a page", "Throws all away")
	waitTool("cart_clear", "Throws all away")
	s.Edit("devserver/main.go", "cart:clear", "cart:empty")
	waitTool("cart_empty", "Throws all away")
	checkTypes(t, app, list)
}
