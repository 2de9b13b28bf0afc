package server_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// viteEvents is a project whose vite.config has a plugin with server as its configureServer, and further hooks.
func viteEvents(t *testing.T, server string, hooks ...string) *devtest.Files {
	t.Helper()
	app := devtest.App(t, devtest.Text(`
-- package.json --
{"type": "module"}
-- index.html --
<!doctype html><script type="module" src="/main.js"></script>
-- main.js --
import text from "virtual:text";
import.meta.hot.accept();
console.log(text);
-- other.js --
export const other = 1;
`))
	app.Write("vite.config.js", viteConfigWith(server, hooks...))
	linkTools(t, app, []string{"vite"})
	return app
}

func viteConfigWith(server string, hooks ...string) string {
	return `let made = 0;
export default {
  plugins: [{
    name: "own",
    resolveId: (id) => (id === "virtual:text" ? "\0" + id : undefined),
    load: (id) => (id === "\0virtual:text" ? "export default 'text " + ++made + "'" : undefined),
    configureServer(server) {` + server + `},
    ` + strings.Join(hooks, "\n") + `
  }],
};
`
}

const countsInNode = `
	const known = [];
	server.ws.on("vite:client:connect", (data, client) => known.push(client));
	server.ws.on("vite:client:disconnect", (data, client) => server.ws.send("gone", { known: known.includes(client) }));
	server.ws.on("count", (n, client) => client.send("counted", { n, connected: known.includes(client), among: server.ws.clients.has(client), program: PROGRAM }));
	server.ws.on("pid", (_, client) => client.send("pid", process.pid));
	server.ws.on("block", (_, client) => { for (const end = Date.now() + 60000; Date.now() < end; ); });
	server.ws.on("throws", () => { throw new Error("on purpose"); });
	server.ws.on("data", (data, client) => client.send({ type: "custom", event: "data", data: { none: data === undefined, null: data === null } }));
	server.ws.on("later", () => {
		const once = (data, client) => { client.send("once", 1); server.ws.off("once", once); server.ws.send("off"); };
		server.ws.on("once", once);
		server.ws.send("ready");
	});
`

// TestEventsOfAViteConfig sends events to listeners of a vite.config.
func TestEventsOfAViteConfig(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, viteEvents(t, strings.ReplaceAll(countsInNode, "PROGRAM", "1")), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{Name: "too", Events: []plugin.Event{
			plugin.On("count", func(_ context.Context, c plugin.Client, n int) error { return c.Send("counted in Go", n) }),
		}}}
	})
	c, other := s.Socket(t), s.Socket(t)
	for n := range 100 {
		c.Emit("count", n)
	}
	inOrder(t, c, 100, 0)
	for n := range 100 {
		c.WaitFor(devtest.Event("counted in Go", fmt.Sprint(n)))
	}
	if n := other.Count(devtest.Event("counted")); n > 0 {
		t.Errorf("client.send reached %d times another page", n)
	}

	c.Send(`{"type":"custom","event":"data"}`)
	c.WaitFor(devtest.Event("data", `"none":true`))
	c.Send(`{"type":"custom","event":"data","data":null}`)
	c.WaitFor(devtest.Event("data", `"null":true`))
	c.Emit("throws", nil)
	c.WaitFor(devtest.Event("devserver:event-error", "on purpose"))
	s.Log.Wait(t, "on purpose")

	// Listeners may come and go. What has no listener is told, as ever.
	c.Emit("once", nil)
	c.WaitFor(devtest.Event("devserver:unknown-event", `"once"`))
	c.Emit("later", nil)
	c.WaitFor(devtest.Event("ready"))
	other.WaitFor(devtest.Event("ready"))
	c.Emit("once", nil)
	c.WaitFor(devtest.Event("once"))
	c.WaitFor(devtest.Event("off"))
	other.Emit("once", nil)
	other.WaitFor(devtest.Event("devserver:unknown-event", `"once"`))

}

// inOrder waits for the answers to count and checks that each was given once, in order, to a page that was known.
func inOrder(t *testing.T, c *devtest.Socket, numbers, leftOut int) (programs []int) {
	t.Helper()
	devtest.Eventually(t, "all are counted", func() bool { return c.Count(devtest.Event("counted")) >= numbers-leftOut },
		func() string {
			var of strings.Builder
			for _, f := range c.Frames() {
				if !devtest.Event("counted")(f) {
					of.WriteString("\n" + f.Text)
				}
			}
			var missing []int
			for n := range numbers {
				if c.Count(devtest.Event("counted", fmt.Sprintf(`"n":%d,`, n))) == 0 {
					missing = append(missing, n)
				}
			}
			return fmt.Sprint(c.Count(devtest.Event("counted")), " of ", numbers, "; missing ", missing, "; beside them came", of.String())
		})
	last := -1
	for _, f := range c.Frames() {
		if !devtest.Event("counted")(f) {
			continue
		}
		var counted struct {
			N, Program       int
			Connected, Among bool
		}
		var frame struct{ Data any }
		frame.Data = &counted
		f.Decode(t, &frame)
		if counted.N <= last || leftOut == 0 && counted.N != last+1 || !counted.Connected || !counted.Among {
			t.Errorf("after %d came %+v", last, counted)
		}
		last = counted.N
		programs = append(programs, counted.Program)
	}
	if last != numbers-1 {
		t.Errorf("the last was %d, want %d", last, numbers-1)
	}
	return programs
}

// TestEventsOutliveNode kills Node while pages send. What reached no listener is handled by the next process, which
// knows the pages.
func TestEventsOutliveNode(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, viteEvents(t, strings.ReplaceAll(countsInNode, "PROGRAM", "1")))
	c, quiet := s.Socket(t), s.Socket(t)
	for kill := range 2 {
		before := c.Count(devtest.Event("pid"))
		c.Emit("pid", nil)
		devtest.Eventually(t, "the process", func() bool { return c.Count(devtest.Event("pid")) > before }, s.Log.String)
		frames := slices.DeleteFunc(c.Frames(), func(f devtest.Frame) bool { return !devtest.Event("pid")(f) })
		var pid struct{ Data int }
		frames[len(frames)-1].Decode(t, &pid)
		for n := range 100 {
			if n == 50 {
				process, err := os.FindProcess(pid.Data)
				if err != nil {
					t.Fatal(err)
				}
				if err := process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			c.Emit("count", kill*100+n)
		}
		devtest.Eventually(t, "the next process counts", func() bool {
			return c.Count(devtest.Event("counted", fmt.Sprint(kill*100+99))) == 1
		}, s.Log.String)
	}
	// The event that Node was handling when it died may have been handled, so it is an error.
	lost := c.Count(devtest.Event("devserver:event-error", "plugins_ended"))
	if lost > 2 {
		t.Errorf("%d events may be lost, want 2 at most", lost)
	}
	inOrder(t, c, 200, lost)
	if got := c.Count(devtest.Event("counted")); got < 200-lost || got > 200 {
		t.Errorf("%d of 200 events were handled, and %d told as lost", got, lost)
	}
	quiet.Emit("count", 0)
	quiet.WaitFor(devtest.Event("counted", `"connected":true`))
}

// TestEventsWaitForTheNextConfig saves the vite.config while pages send.
func TestEventsWaitForTheNextConfig(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, viteEvents(t, strings.ReplaceAll(countsInNode, "PROGRAM", "1")))
	c := s.Socket(t)
	for n := range 300 {
		if n == 100 {
			s.Write("vite.config.js", viteConfigWith(strings.ReplaceAll(countsInNode, "PROGRAM", "2")))
		}
		if n == 200 {
			s.Log.Wait(t, "server restarted")
		}
		c.Emit("count", n)
	}
	lost := c.Count(devtest.Event("devserver:event-error", "plugins_ended"))
	programs := inOrder(t, c, 300, lost)
	if programs[0] != 1 || programs[len(programs)-1] != 2 {
		t.Errorf("the events went to the programs %v", programs)
	}
	if lost > 0 {
		t.Errorf("%d events are told as lost, though Node was asked to end", lost)
	}
}

// TestEventsWaitForNode sends events before Node runs: the start of a server that knows the vite.config from before.
func TestEventsWaitForNode(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, viteEvents(t, strings.ReplaceAll(countsInNode, "PROGRAM", "1")))
	s.Again()
	c, quiet := s.Socket(t), s.Socket(t)
	quiet.WaitFor(devtest.Is("connected"))
	for n := range 20 {
		c.Emit("count", n)
	}
	inOrder(t, c, 20, 0)
	quiet.Emit("count", 0)
	quiet.WaitFor(devtest.Event("counted", `"connected":true`))
	if n := c.Count(devtest.Event("devserver:unknown-event")); n > 0 {
		t.Error("the server did not know the events of the vite.config")
	}
}

// TestBlockedNodeHoldsUpNobody blocks Node in a listener. Plugins in Go get the page's events, and edits reach pages.
func TestBlockedNodeHoldsUpNobody(t *testing.T) {
	t.Parallel()
	app := viteEvents(t, strings.ReplaceAll(countsInNode, "PROGRAM", "1"))
	app.Write("vite.config.js", strings.NewReplacer(`resolveId: (id)`, `_resolveId: (id)`, `load: (id)`, `_load: (id)`).Replace(app.Read("vite.config.js")))
	app.Write("main.js", `import "./other.js"; import.meta.hot.accept()`)
	s := devtest.Start(t, app, func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{Name: "too", Events: []plugin.Event{
			plugin.On("block", func(_ context.Context, c plugin.Client, _ any) error { return c.Send("not blocked", nil) }),
			plugin.On("free", func(_ context.Context, c plugin.Client, _ any) error { return c.Send("freed", nil) }),
		}}}
	})
	s.Get("/main.js", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors")
	c := s.Socket(t)
	c.Emit("pid", nil)
	c.WaitFor(devtest.Event("pid"))
	c.Emit("block", nil)
	c.WaitFor(devtest.Event("not blocked"))
	c.Emit("free", nil)
	c.WaitFor(devtest.Event("freed"))
	late := s.Socket(t) // a page that opens meanwhile is no less free
	late.Emit("free", nil)
	late.WaitFor(devtest.Event("freed"))
	if n := c.Count(devtest.Event("counted")); n > 0 {
		t.Error("Node was not blocked")
	}
}
