package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
	"github.com/seed-b8174343/devserver/server/testdata/pagesplugin"
)

const pagesPluginApp = `
-- index.html --
<!doctype html><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>
-- about.html --
<!doctype html><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>
-- main.js --
const here = "line 1 of main.js";
`

// TestPluginShowsErrors: an error of a plugin is shown with its place and code, until the plugin takes it back or ends.
// Nothing is hidden behind an error that is shown already: the terminal has both.
func TestPluginShowsErrors(t *testing.T) {
	t.Parallel()
	inBoth(t, pagesPluginApp, "pagesplugin", pagesplugin.New, func(t *testing.T, app *devtest.Files, s *devtest.Server) {
		c := s.Socket(t)
		c.Emit("pages:show", map[string]any{"key": "a", "message": "first", "file": "main.js", "line": 1})
		c.WaitFor(devtest.Is("error", `"message":"first"`, `"plugin":"pages"`, `"hint":"fix it"`, `"loc":{"file":"main.js","line":1,"column":1`, "line 1 of main.js"))
		s.Log.Wait(t, "first")
		c.Emit("pages:show", map[string]any{"key": "b", "message": "second"})
		s.Log.Wait(t, "second")
		if n := strings.Count(s.Log.String(), "main.js:1:1: first"); n != 1 {
			t.Errorf("the terminal has the first error %d times, want 1", n)
		}
		later := s.Socket(t)
		later.WaitFor(devtest.Is("error", "first"))
		c.Emit("pages:show", map[string]any{"key": "a", "message": "another first"})
		c.WaitFor(devtest.Is("error", "another first"))
		c.Emit("pages:clear", "a")
		c.WaitFor(devtest.Is("error", "second"))
		c.Emit("pages:clear", "b")
		c.WaitFor(devtest.Is("fixed"))
		c.Emit("pages:clear", "c")
		c.Emit("pages:show", map[string]any{"key": "a"})
		c.WaitFor(devtest.Event("devserver:event-error", "it has no message"))
		c.Emit("pages:show", map[string]any{"key": "a", "message": "no line", "file": "main.js", "line": -1})
		c.WaitFor(devtest.Is("error", "no line", `"loc":{"file":"main.js","line":0,"column":0`))
		if n := c.Count(devtest.Is("fixed")); n != 1 {
			t.Errorf("pages got %d times that the error is fixed, want 1", n)
		}
		c.Emit("pages:show", map[string]any{"key": "a", "message": "the last"})
		c.WaitFor(devtest.Is("error", "the last"))
		if strings.HasSuffix(t.Name(), "in_process") {
			app.Write("devserver.config.json", `{"mode": "other"}`)
		} else {
			app.Edit("devserver/own.go", "fix it", "fix it now")
		}
		c.WaitFor(devtest.Is("fixed"))
	})
}

// TestErrorEndsWithItsPlugin: an error that a plugin showed in a Start that fails does not stay.
func TestErrorEndsWithItsPlugin(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(pagesPluginApp))
	goPlugin(t, app, `Name: "first", Connect: func(context.Context, plugin.Client) {}`)
	s := devtest.Start(t, app, withPlugins)
	c := s.Socket(t)
	s.Log.Wait(t, "plugins ready")
	goPlugin(t, app, `Name: "first", Start: func(_ context.Context, s plugin.Server) error {
		if err := s.ShowError("x", plugin.Error{Message: "no database"}); err != nil { return err }
		return fmt.Errorf("cannot start")
	}`)
	c.WaitFor(devtest.Is("error", "no database"))
	c.WaitFor(devtest.Is("fixed"))
	s.Log.Wait(t, "cannot start")
}

// TestHookFailsWithAPlace: the error of a hook has the place that the plugin gave it.
func TestHookFailsWithAPlace(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text(pagesPluginApp)), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{Name: "strict", Transform: func(_ context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
			return nil, &plugin.Error{Message: "not allowed", Hint: "write less", File: "main.js", Line: 1, Column: 7}
		}}}
	})
	s.Get("/main.js", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors")
	s.Log.Wait(t, "main.js:1:7: not allowed")
	s.Socket(t).WaitFor(devtest.Is("error", `"plugin":"strict"`, `"hint":"write less"`, `"line":1,"column":7`, "line 1 of main.js"))
}

// TestPluginReloadsPages: the reason names the plugin. A page that is not meant is left alone.
func TestPluginReloadsPages(t *testing.T) {
	t.Parallel()
	inBoth(t, pagesPluginApp, "pagesplugin", pagesplugin.New, func(t *testing.T, _ *devtest.Files, s *devtest.Server) {
		c, other := s.Socket(t), s.Socket(t)
		c.Emit("pages:reload me", nil)
		c.WaitFor(devtest.Is("full-reload", `"reason":"plugin pages asked for it"`))
		s.Log.Wait(t, "page reload (plugin pages asked for it)")
		c.Emit("pages:reload", "/about")
		c.WaitFor(devtest.Is("full-reload", `"path":"/about"`, `"reason":"there is more, by plugin pages"`))
		s.Log.Wait(t, "page reload (/about, there is more, by plugin pages)")
		c.Emit("pages:reload", "about")
		c.WaitFor(devtest.Event("devserver:event-error", `the path \"about\" does not begin with a slash`))
		c.Emit("pages:reload", "")
		c.WaitFor(devtest.Is("full-reload", `"path":"*"`))
		other.WaitFor(devtest.Is("full-reload", `"path":"*"`))
		if n := other.Count(devtest.Is("full-reload")); n != 2 {
			t.Errorf("the other page got %d reloads, want 2", n)
		}
	})
}

// TestPluginAddsHandlers: handlers come and go while the plugin runs. A name without a handler is told to the page.
func TestPluginAddsHandlers(t *testing.T) {
	t.Parallel()
	inBoth(t, pagesPluginApp, "pagesplugin", pagesplugin.New, func(t *testing.T, _ *devtest.Files, s *devtest.Server) {
		c := s.Socket(t)
		c.Emit("pages:early", nil)
		c.WaitFor(devtest.Event("pages:answer", "early"))
		before := s.Socket(t)
		before.Emit("pages:late", nil)
		before.WaitFor(devtest.Event("devserver:unknown-event", "pages:late"))
		if f := c.Request(1, "pages:handle", nil); !strings.Contains(f.Text, "handled") {
			t.Fatalf("got %s", f.Text)
		}
		for range 2 {
			c.Emit("pages:late", nil)
			c.WaitFor(devtest.Event("pages:answer", `"b"`))
		}
		if f := c.Request(2, "pages:asked", nil); !strings.Contains(f.Text, `"data":7`) {
			t.Errorf("got %s", f.Text)
		}
		if f := c.Request(3, "pages:twice", nil); !strings.Contains(f.Text, "already have a handler") {
			t.Errorf("got %s", f.Text)
		}
		c.Request(4, "pages:remove", nil)
		for _, name := range []string{"pages:late", "pages:early"} {
			c.Emit(name, nil)
			c.WaitFor(devtest.Event("devserver:unknown-event", name))
		}
		if n := c.Count(devtest.Event("pages:answer")); n != 3 {
			t.Errorf("%d answers, want 3", n)
		}
		if f := c.Request(5, "pages:fails", nil); !strings.Contains(f.Text, "on purpose") {
			t.Errorf("got %s", f.Text)
		}
	})
}

// TestPluginKnowsTheServer: a plugin reads where the server answers and how it is configured, and has it start over.
func TestPluginKnowsTheServer(t *testing.T) {
	t.Parallel()
	app := pagesPluginApp + "-- devserver.config.json --\n" + `{"base": "/app/", "mode": "staging"}`
	inBoth(t, app, "pagesplugin", pagesplugin.New, func(t *testing.T, app *devtest.Files, s *devtest.Server) {
		ask := func(c *devtest.Socket, id int, base, mode string) {
			t.Helper()
			address := "http://" + strings.TrimPrefix(strings.Replace(s.URL, "localhost", "127.0.0.1", 1), "http://") + base
			want := fmt.Sprintf(`"data":[%q,%q,[%q]]`, base, mode, address)
			if f := c.Request(id, "pages:server", nil); !strings.Contains(f.Text, want) {
				t.Errorf("got %s, want %s", f.Text, want)
			}
			if urls := s.Server().URLs().Local; len(urls) != 1 || urls[0] != address {
				t.Errorf("the server's URLs are %q, want %q", urls, address)
			}
		}
		c := s.Socket(t, devtest.DialOptions{Path: "/app/"})
		ask(c, 1, "/app/", "staging")
		c.Emit("pages:restart", nil)
		s.Log.Wait(t, "server restarted (new data, by plugin pages)")
		app.Write("devserver.config.json", `{"base": "/other/", "mode": "third"}`)
		s.Log.Wait(t, "server restarted (devserver.config.json changed)")
		ask(c, 2, "/other/", "third")
	})
}

// TestNullIsData: null and no data are told apart on the way in and on the way out, in events, answers and channels.
func TestNullIsData(t *testing.T) {
	t.Parallel()
	inBoth(t, pagesPluginApp, "pagesplugin", pagesplugin.New, func(t *testing.T, _ *devtest.Files, s *devtest.Server) {
		c := s.Socket(t)
		c.Send(`{"type":"subscribe","channel":"pages_data_echo"}`)
		for i, data := range []string{`,"data":null`, ``, `,"data":{"a":null}`} {
			c.Send(`{"type":"custom","event":"pages:echo"` + data + `}`)
			want := `{"type":"custom","event":"pages:echoed"` + data + `}`
			if f := c.WaitFor(devtest.Event("pages:echoed")); f.Text != want {
				t.Errorf("got  %s\nwant %s", f.Text, want)
			}
			c.Send(fmt.Sprintf(`{"type":"request","id":%d,"event":"pages:answer me"%s}`, i+1, data))
			want = fmt.Sprintf(`{"type":"reply","id":%d%s}`, i+1, data)
			if f := c.WaitFor(devtest.Is("reply")); f.Text != want {
				t.Errorf("got  %s\nwant %s", f.Text, want)
			}
			c.Send(`{"type":"custom","event":"pages_data_echo"` + data + `}`)
			want = `{"type":"custom","event":"pages_data_echo"` + data + `,"retained":true}`
			if f := c.WaitFor(devtest.Event("pages_data_echo")); f.Text != want {
				t.Errorf("got  %s\nwant %s", f.Text, want)
			}
			late := s.Socket(t)
			late.Send(`{"type":"subscribe","channel":"pages_data_echo"}`)
			if f := late.WaitFor(devtest.Event("pages_data_echo")); f.Text != want {
				t.Errorf("a page that listens later got %s", f.Text)
			}
		}
		if n, all := c.Count(devtest.Event("pages:nil", `"data":null`)), c.Count(devtest.Event("pages:nil")); n != 3 || all != 3 {
			t.Errorf("nil was sent as null %d times of %d", n, all)
		}
		for _, data := range []string{`,"data":null`, ``} {
			c.Send(`{"type":"custom","event":"pages:pointer"` + data + `}`)
			c.WaitFor(devtest.Event("pages:pointed", "true"))
		}
	})
}
