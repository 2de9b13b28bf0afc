//go:build unix

package server_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// TestStopWithEverythingUnderWay: a server stops although a tool hangs, a request waits for the tool, half a request
// has arrived and a page does not read. Pages get a close code, the tool's process is gone, and the address is free.
// devtest checks that every stop is quick.
func TestStopWithEverythingUnderWay(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><script type="module" src="/main.js"></script>
-- main.js --
import "./style.css";
-- style.css --
hang
-- package.json --
{ "devDependencies": { "postcss": "*" } }
-- postcss.config.cjs --
module.exports = { plugins: [{ run() { require("fs").writeFileSync(__dirname + "/pid.txt", String(process.pid)); for (;;); } }] };
-- node_modules/postcss/package.json --
{ "name": "postcss", "version": "8.0.0" }
-- node_modules/postcss/index.js --
module.exports = (plugins) => ({ process: async (code) => ({ css: await plugins[0].run(code), messages: [], warnings: () => [] }) });
`)))
	port := s.URL[strings.LastIndexByte(s.URL, ':')+1:]
	send := func(text string) net.Conn {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		return c
	}
	sock := s.Socket(t)
	send("GET /main.js HTTP/1.1\r\nHost: localhost\r\n\r\n")
	send("GET / HTTP/1.1\r\nHo")
	send("GET /?token=" + s.Token() + "&session=deaf HTTP/1.1\r\nHost: localhost\r\n" + upgrade + "\r\n")
	s.WaitPages(2)
	large := strings.Repeat("x", 512<<10)
	for n := range 22 { // more than the system buffers: the server is in the middle of a write that does not end
		if err := s.Server().Hub().Broadcast("large", fmt.Sprint(large, n, "!")); err != nil {
			t.Fatal(err)
		}
		sock.WaitFor(devtest.Is("custom", fmt.Sprint("x", n, "!")))
	}
	var pid int
	devtest.Eventually(t, "the tool to hang", func() bool {
		text, _ := os.ReadFile(s.Path("pid.txt"))
		pid, _ = strconv.Atoi(string(text))
		return pid > 0
	}, nil)
	s.Stop()
	if code := sock.Closed(); code != 1001 {
		t.Errorf("the page got close code %d, want 1001", code)
	}
	if err := syscall.Kill(pid, 0); err == nil {
		t.Errorf("the tool's process %d still runs", pid)
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
}

// TestStopWithHooksThatHang: hooks of plugins in process that ignore their cancelled context do not delay a stop. The
// error names them. They hang in the middle of an event, an edit and a load.
func TestStopWithHooksThatHang(t *testing.T) {
	let := make(chan struct{})
	began := make(chan string, 10)
	hang := func(name string) { began <- name; <-let }
	heeds := plugin.Plugin{
		Name: "heeds",
		Stop: func(context.Context) error { began <- "Stop of heeds"; return nil },
		Events: []plugin.Event{plugin.On("heeds:say", func(ctx context.Context, _ plugin.Client, _ any) error {
			began <- "event of heeds"
			<-ctx.Done()
			return ctx.Err()
		})},
	}
	deaf := plugin.Plugin{
		Name: "deaf",
		Load: func(_ context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
			if a.ID == "/hanging.js" {
				hang("Load")
			}
			return nil, nil
		},
		HotUpdate: func(context.Context, plugin.HotUpdateArgs) (*plugin.HotUpdateResult, error) {
			hang("HotUpdate")
			return nil, nil
		},
		Events: []plugin.Event{plugin.On("deaf:say", func(context.Context, plugin.Client, any) error { hang("event"); return nil })},
		Stop:   func(context.Context) error { hang("Stop"); return nil },
	}
	app := devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><script type="module" src="/main.js"></script>
-- main.js --
export const n = 1;
-- hanging.js --
`))
	s := devtest.Start(t, app, func(o *server.Options) { o.Plugins = []plugin.Plugin{heeds, deaf} })
	t.Cleanup(func() { close(let) }) // before devtest waits for goroutines
	begin := func(want string) {
		t.Helper()
		if got := <-began; got != want {
			t.Fatalf("%s began, want %s", got, want)
		}
	}
	sock := s.Socket(t)
	s.Get("/main.js", "Sec-Fetch-Dest", "script")
	sock.Emit("deaf:say", nil)
	begin("event")
	s.Edit("main.js", "1", "2")
	begin("HotUpdate")
	sock.Emit("heeds:say", nil)
	begin("event of heeds")
	go func() {
		if res, err := http.Get(s.URL + "/hanging.js"); err == nil {
			_ = res.Body.Close()
		}
	}()
	begin("Load")
	text := fmt.Sprint(s.StopError())
	for _, want := range []string{"Load of plugin deaf ignored its cancelled context", "HotUpdate of plugin deaf ignored its cancelled context", "handler of deaf:say of plugin deaf ignored its cancelled context", "Stop of plugin deaf did not return"} {
		if !strings.Contains(text, want) {
			t.Errorf("the error does not say %q", want)
		}
	}
	if strings.Contains(text, "heeds") {
		t.Error("the error names a plugin that heeds its context")
	}
	begin("Stop")
	begin("Stop of heeds")
	if s.Log.Count("context canceled") > 0 {
		t.Error("the terminal shows work that the stop cancelled as an error")
	}
	if t.Failed() {
		t.Log(text)
	}
	if code := sock.Closed(); code != 1001 {
		t.Errorf("the page got close code %d, want 1001", code)
	}
}

// TestStopBeforeTheStart: the server can be stopped while the Start of a plugin hangs.
func TestStopBeforeTheStart(t *testing.T) {
	let := make(chan struct{})
	defer close(let)
	app := devtest.App(t, devtest.Text("-- index.html --\n"))
	ctx, cancel := context.WithCancel(t.Context())
	err := server.Run(ctx, server.Options{Root: app.Root, CacheDir: t.TempDir(), Plugins: []plugin.Plugin{{
		Name: "slow", Start: func(context.Context, plugin.Server) error { cancel(); <-let; return nil },
	}}})
	if err != nil {
		t.Errorf("a stop by the context: got error %v", err)
	}
}
