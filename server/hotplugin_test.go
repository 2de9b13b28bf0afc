package server_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
	"github.com/seed-b8174343/devserver/server/testdata/hotplugin"
)

const hotPluginApp = `
-- index.html --
<script type="module" src="/main.js"></script>
-- main.js --
import count from "virtual:count";
import "./quiet.js";
import "./other.js";
console.log(count);
-- quiet.js --
export const a = 1;
-- other.js --
export const b = 1;
`

// TestPluginHasASayInUpdates runs a plugin with HotUpdate in process and in a child.
func TestPluginHasASayInUpdates(t *testing.T) {
	t.Parallel()
	inBoth(t, hotPluginApp, "hotplugin", hotplugin.New, hasASay)
}

// inBoth runs a test with the plugin of a package of testdata, in process and in a child.
func inBoth(t *testing.T, text, pkg string, made func() plugin.Plugin, test func(*testing.T, *devtest.Files, *devtest.Server)) {
	t.Run("in process", func(t *testing.T) {
		app := devtest.App(t, devtest.Text(text))
		test(t, app, devtest.Start(t, app, func(o *server.Options) { o.Plugins = []plugin.Plugin{made()} }))
	})
	t.Run("in a child", func(t *testing.T) {
		app := devtest.App(t, devtest.Text(text))
		goPlugin(t, app, `Name: "first", Connect: func(context.Context, plugin.Client) {}`)
		source, err := os.ReadFile("testdata/" + pkg + "/" + pkg + ".go")
		if err != nil {
			t.Fatal(err)
		}
		app.Write("devserver/own.go", strings.Replace(string(source), "package "+pkg, "package main", 1))
		app.Edit("devserver/main.go", "plugin.Client) {}}", "plugin.Client) {}}, New()")
		s := devtest.Start(t, app, withPlugins)
		s.Log.Wait(t, "plugins ready: first, ")
		test(t, app, s)
	})
}

func hasASay(t *testing.T, app *devtest.Files, s *devtest.Server) {
	t.Helper()
	pack := func() string { return s.Get("/main.js", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors").Body }
	for range 2 { // the module is made once, however many pages load it
		if text := pack(); !strings.Contains(text, "made 1") {
			t.Fatalf("the pack does not hold the first version of the virtual module:\n%s", text)
		}
	}
	c := s.Socket(t)
	c.Send(map[string]any{"type": "hello", "url": "http://x/about"})
	c.WaitFor(devtest.Event("hot:connect", "http://x/about"))
	if f := c.Request(1, "hot:graph", nil); !strings.Contains(string(f.Text), `["/main.js"]`) {
		t.Errorf("the importers are %s", f.Text)
	}
	c.Emit("hot:missing", nil)
	c.WaitFor(devtest.Event("devserver:event-error", "virtual:missing", "no such module"))

	// Save makes one change of an edit: a second one of quiet.js could come together with that of other.js.
	app.Save("quiet.js", "1", "2") // the plugin sends an event instead of an update
	c.WaitFor(devtest.Event("hot:quiet", "/quiet.js"))
	app.Save("other.js", "1", "2") // the plugin returns another module
	if f := c.WaitFor(devtest.Is("update", "/quiet.js")); strings.Contains(string(f.Text), "/other.js") {
		t.Errorf("the update was not narrowed: %s", f.Text)
	}
	if n := c.Count(devtest.Is("update")); n != 1 {
		t.Errorf("%d updates, want 1", n)
	}

	// A file that no module is made from reaches the plugin, too, which chooses a module.
	for _, change := range []struct {
		make func()
		want string
	}{
		{func() { app.Write("deep/er/note.txt", "new") }, `["create","note.txt",[]]`},
		{func() { app.Edit("deep/er/note.txt", "new", "newer") }, `["update","note.txt",[]]`},
		{func() { app.Remove("deep/er/note.txt") }, `["delete","note.txt",[]]`},
	} {
		change.make()
		c.WaitFor(devtest.Event("hot:file", change.want))
		if !strings.Contains(change.want, "delete") {
			c.WaitFor(devtest.Is("update", "/other.js"))
		}
	}
	app.Write("node_modules/p/theirs.txt", "not the project's")
	app.Save("quiet.js", "2", "3")
	c.WaitFor(devtest.Event("hot:quiet"))
	if n := c.Count(devtest.Event("hot:file", "theirs.txt")); n != 0 {
		t.Error("HotUpdate was called for a file of a package")
	}

	c.Emit("hot:reload", nil)
	c.WaitFor(devtest.Is("update", "virtual:count", "made 2"))
	c.Emit("hot:invalidate", nil)
	devtest.Eventually(t, "the third version of the module", func() bool { return strings.Contains(pack(), "made 3") }, pack)
	if n := c.Count(devtest.Is("update", "made 3")); n != 0 {
		t.Error("Invalidate updated the pages that run the module")
	}
}

// TestWithheldCodeIsSentLater: pages get what a plugin took out of an update with the next edit that it leaves alone, also
// when that edit makes the same code.
func TestWithheldCodeIsSentLater(t *testing.T) {
	t.Parallel()
	var withholds atomic.Bool
	withholds.Store(true)
	heard := make(chan []string, 10)
	app := devtest.App(t, devtest.Text(hotPluginApp))
	app.Write("main.js", "import './quiet.js'")
	s := devtest.Start(t, app, func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{Name: "quiet", HotUpdate: func(_ context.Context, a plugin.HotUpdateArgs) (*plugin.HotUpdateResult, error) {
			heard <- a.Modules
			if withholds.Load() {
				return &plugin.HotUpdateResult{}, nil
			}
			return nil, nil
		}}}
	})
	s.Get("/main.js", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors")
	c := s.Socket(t)
	app.Save("quiet.js", "1", "2")
	if modules := <-heard; !slices.Equal(modules, []string{"/quiet.js"}) {
		t.Fatalf("the plugin heard of %q", modules)
	}
	withholds.Store(false)
	app.Save("quiet.js", "2", "2")
	c.WaitFor(devtest.Is("update", "/quiet.js"))
	if n := c.Count(devtest.Is("update")); n != 1 {
		t.Errorf("%d updates, want 1", n)
	}
}
