package server_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// whoPlugin is the source of a plugin that identifies pages. It appends its version to the users' names.
const whoPlugin = `
	Name: "who",
	Start: func(ctx context.Context, s plugin.Server) error { server = s; return nil },
	Identify: func(r *http.Request) (string, error) {
		c, err := r.Cookie("session")
		switch {
		case err != nil:
			return "", nil
		case c.Value == "broken":
			return "", fmt.Errorf("the session is broken")
		case c.Value == "panics" || r.URL.RawQuery != "":
			panic(r.URL)
		}
		return c.Value + "-1", nil
	},
	Connect: func(ctx context.Context, c plugin.Client) { _ = c.Send("met", c.User()) },
	Identified: func(ctx context.Context, c plugin.Client) { _ = c.Send("now", c.User()) },
	Events: []plugin.Event{
		plugin.On("whoami", func(ctx context.Context, c plugin.Client, in any) error { return c.Send("you", c.User()) }),
		plugin.On("crash", func(ctx context.Context, c plugin.Client, in any) error { go panic("x"); return nil }),
		plugin.On("notify", func(ctx context.Context, c plugin.Client, user string) error { return server.Notify(user, hmr.Notification{Title: "hi"}) }),
		plugin.Handle("kick", func(ctx context.Context, c plugin.Client, user string) (int, error) { return server.Disconnect(user, "signed out everywhere") }),
	},
`

// person is a page with a cookie. It identifies itself like client/src/socket/identity.ts.
type person struct {
	*devtest.Socket
	t       *testing.T
	s       *devtest.Server
	session string
}

func cookies(session string) http.Header {
	if session == "" {
		return http.Header{}
	}
	return http.Header{"Cookie": {"session=" + session}}
}

func openAs(t *testing.T, s *devtest.Server, name, session string) *person {
	t.Helper()
	p := &person{s.Socket(t, devtest.DialOptions{Query: url.Values{"session": {name}}, Header: cookies(session)}), t, s, name}
	p.Send(map[string]any{"type": "hello", "url": "http://x/" + name})
	return p
}

// shows sends a new cookie, and checks that the page has the wanted user from then on.
func (p *person) shows(session, want string) {
	p.t.Helper()
	var header []string
	for key, values := range cookies(session) {
		header = append(header, key, values[0])
	}
	res := p.s.Do(http.MethodPost, "/@vite/identify?token="+p.s.Token()+"&session="+p.session, "", header...)
	if res.Status != http.StatusOK || !strings.Contains(res.Body, `"user":"`+want+`"`) {
		p.t.Errorf("cookie %q: %d %s, want user %q", session, res.Status, res.Body, want)
	}
}

// TestPluginsSayWhoAPageIs: the plugins of the project's folder identify a page that opened before they were built, and
// a page that signs in and out. They identify all pages again when their code has changed. While they are missing,
// identities are frozen.
func TestPluginsSayWhoAPageIs(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(pluginApp))
	app.Write("devserver/server.go", "package main\n\nimport \"github.com/seed-b8174343/devserver/plugin\"\n\nvar server plugin.Server\n")
	goPlugin(t, app, whoPlugin)
	s := devtest.Start(t, app, withPlugins)
	early := openAs(t, s, "early", "ann")
	early.Emit("whoami", nil)
	early.WaitFor(devtest.Event("devserver:identified", "ann-1"))
	early.WaitFor(devtest.Event("met", "ann-1"))
	early.WaitFor(devtest.Event("you", "ann-1")) // not a guest, although the event came before the plugins
	guest := openAs(t, s, "guest", "")
	guest.WaitFor(devtest.Event("met", `""`))
	guest.shows("bob", "bob-1")
	guest.WaitFor(devtest.Event("now", "bob-1"))
	for session, why := range map[string]string{"broken": "the session is broken", "panics": "Identify of plugin who panicked"} {
		guest.shows(session, "")
		s.Log.Wait(t, why)
		guest.shows("bob", "bob-1")
	}
	early.Emit("notify", "bob-1")
	guest.WaitFor(devtest.Event("devserver:notification", "hi"))
	early.Emit("notify", "")
	early.WaitFor(devtest.Event("devserver:notification", "hi"))
	if n := early.Count(devtest.Event("devserver:notification")); n != 1 {
		t.Error("ann got bob's notification")
	}

	s.Edit("devserver/main.go", `"-1"`, `"-2"`)
	for user, p := range map[string]*person{"ann-2": early, "bob-2": guest} {
		p.WaitFor(devtest.Event("devserver:identified", user))
		p.WaitFor(devtest.Event("met", user))
	}

	s.Edit("devserver/main.go", `"-2"`, `"-3" + nothing`)
	s.Log.Wait(t, "the earlier plugins keep running")
	early.Emit("crash", nil)
	s.Log.Wait(t, "the server runs without plugins until they can be built")
	early.shows("ann", "ann-2") // the same cookie
	guest.shows("", "")
	guest.shows("bob", "") // a new cookie, and no plugin that knows it
	late := openAs(t, s, "late", "bob")
	app.Write("devserver.config.json", `{"define": {"A": "1"}}`)
	s.Log.Wait(t, "server restarted")
	early.shows("ann", "ann-2")
	s.Edit("devserver/main.go", ` + nothing`, ``)
	for _, p := range []*person{late, guest} {
		p.WaitFor(devtest.Event("devserver:identified", "bob-3"))
		p.WaitFor(devtest.Event("met", "bob-3"))
	}
	if f := guest.Request(1, "kick", "ann-3"); !strings.Contains(string(f.Text), `"data":1`) {
		t.Errorf("got %s", f.Text)
	}
	if code := early.Closed(); code != 4001 {
		t.Errorf("a disconnected page was closed with %d, want 4001", code)
	}
	if f := guest.Request(2, "kick", ""); !strings.Contains(string(f.Text), "no user is named") {
		t.Errorf("got %s", f.Text)
	}
}

// TestWhoIsAskedFirst: the program is asked first, then its plugins in order. After a plugin that fails, no other
// plugin is asked.
func TestWhoIsAskedFirst(t *testing.T) {
	t.Parallel()
	by := func(name string) func(*http.Request) (string, error) {
		return func(r *http.Request) (string, error) {
			c, err := r.Cookie("session")
			switch {
			case err != nil || !strings.Contains(c.Value, name):
				return "", nil
			case strings.Contains(c.Value, name+"!"):
				return "", errors.New(name + " does not work")
			}
			return name, nil
		}
	}
	s := devtest.Start(t, devtest.App(t, devtest.Text(pluginApp)), func(o *server.Options) {
		o.Identify = by("program")
		o.Plugins = []plugin.Plugin{{Name: "none"}, {Name: "one", Identify: by("one")}, {Name: "two", Identify: by("two"), Events: []plugin.Event{
			plugin.On("whoami", func(_ context.Context, c plugin.Client, _ any) error { return c.Send("you", c.User()) }),
		}}}
	})
	page := openAs(t, s, "page", "two")
	page.Emit("whoami", nil)
	page.WaitFor(devtest.Event("you", "two"))
	for _, test := range []struct{ session, user string }{{"program, one, two", "program"}, {"two, one", "one"}, {"two, one!", ""}, {"nobody", ""}, {"two", "two"}} {
		page.shows(test.session, test.user)
	}
	s.Log.Wait(t, "treating a page as a guest: Identify of plugin one: one does not work")
	if _, status, err := s.Dial(t, devtest.DialOptions{Header: cookies("program!")}); err == nil || status != http.StatusForbidden {
		t.Errorf("a page that the program refuses: status %d, want 403", status)
	}
}

// TestPluginsKeepAPageWithItsUser: what a plugin in a child sends to a page that it got with one user does not reach the
// next user, nor does the next user get into a room by it.
func TestPluginsKeepAPageWithItsUser(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(pluginApp))
	app.Write("devserver/kept.go", "package main\n\nimport \"github.com/seed-b8174343/devserver/plugin\"\n\nvar kept plugin.Client\n")
	goPlugin(t, app, `Name: "p",
		Identify: func(r *http.Request) (string, error) {
			c, err := r.Cookie("session")
			if err != nil { return "", nil }
			return c.Value, nil
		},
		Events: []plugin.Event{
			plugin.Handle("keep", func(ctx context.Context, c plugin.Client, in any) (string, error) { kept = c; return c.User(), c.Send("mine", nil) }),
			plugin.Handle("later", func(ctx context.Context, c plugin.Client, in any) ([]bool, error) {
				return []bool{kept.Send("secret", nil) == hmr.ErrUserChanged, kept.TrySend("secret", nil) == hmr.ErrUserChanged, kept.Join("p:room") == hmr.ErrUserChanged}, c.Send("end", nil)
			}),
		},`)
	s := devtest.Start(t, app, withPlugins)
	s.Log.Wait(t, "plugins ready")
	page := openAs(t, s, "page", "ann")
	if f := page.Request(1, "keep", nil); !strings.Contains(f.Text, `"data":"ann"`) || page.Count(devtest.Event("mine")) != 1 {
		t.Errorf("got %s", f.Text)
	}
	page.shows("bob", "bob")
	if f := page.Request(2, "later", nil); !strings.Contains(f.Text, "[true,true,true]") {
		t.Errorf("got %s", f.Text)
	}
	if page.Count(devtest.Event("end")) != 1 || page.Count(devtest.Event("secret")) != 0 {
		t.Error("bob got what was ann's")
	}
}
