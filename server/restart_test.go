package server_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// TestPagesLoadWhileItRestarts loads pages while the project that answers them is closed. Each page starts a task.
func TestPagesLoadWhileItRestarts(t *testing.T) {
	var srv sync.Map // "": the plugin.Server of the last start
	s := devtest.Start(t, devtest.App(t, devtest.Text(savedApp)), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{
			Name:  "reloader",
			Start: func(_ context.Context, s plugin.Server) error { srv.Store("", s); return nil },
			Transform: func(context.Context, plugin.TransformArgs) (*plugin.TransformResult, error) {
				time.Sleep(2 * time.Millisecond)
				return nil, nil
			},
		}}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var all sync.WaitGroup
	loop := func(f func()) {
		all.Go(func() {
			for ctx.Err() == nil {
				f()
			}
		})
	}
	loop(func() { s.Get("/") })
	loop(func() { s.Get("/") })
	loop(func() {
		now, _ := srv.Load("")
		_ = now.(plugin.Server).Invalidate("/text.js") // an error says that the new project has not loaded it yet
		time.Sleep(time.Millisecond)
	})
	loop(func() {
		if err := s.Server().Restart("test"); err != nil {
			t.Error(err)
		}
	})
	all.Wait()
	if r := s.Get("/main.js"); r.Status != 200 {
		t.Errorf("the page's script: %d", r.Status)
	}
}

// TestErrorFixedByARestart fixes an error together with a change of the configuration. The next project has no error,
// and the pages show none.
func TestErrorFixedByARestart(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text(savedApp)))
	s.Get("/main.js")
	was := s.Read("text.js")
	socket := s.Socket(t)
	socket.WaitFor(devtest.Is("connected"))
	s.Write("text.js", "export const text = = 1;")
	socket.WaitFor(devtest.Is("error"))
	resume := s.Server().Pause("test")
	s.Write("text.js", was)
	s.Write("devserver.config.json", `{"define": {"X": "1"}}`)
	time.Sleep(100 * time.Millisecond) // for the watcher
	resume()
	socket.WaitFor(devtest.Is("fixed"))
}

// TestChannelsAfterAFailedRestart: the plugins that keep running keep their channels when they cannot start once more.
func TestChannelsAfterAFailedRestart(t *testing.T) {
	t.Parallel()
	starts := 0
	news := plugin.NewChannel[hmr.BroadcastOnly, string]("once", "main", "news")
	s := devtest.Start(t, devtest.App(t, devtest.Text(savedApp)), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{
			Name: "once", Channels: []plugin.AnyChannel{news},
			Start: func(context.Context, plugin.Server) error {
				if starts++; starts == 2 {
					return errors.New("the port is taken")
				}
				return nil
			},
		}}
	})
	socket := s.Socket(t)
	socket.WaitFor(devtest.Is("connected"))
	socket.Send(map[string]any{"type": "subscribe", "channel": news.ID()})
	hears := func(text string) {
		t.Helper()
		devtest.Eventually(t, "a page that listens", func() bool {
			if err := news.Broadcast(text); err != nil {
				t.Fatal(err)
			}
			return socket.Count(devtest.Event(news.ID(), text)) > 0
		}, s.Log.String)
	}
	hears("before")
	for _, text := range []string{"after a failed restart", "after a restart"} {
		if err := s.Server().Restart("test"); err != nil {
			t.Fatal(err)
		}
		hears(text)
	}
	s.Stop()
	if err := news.Broadcast("after the end"); err == nil {
		t.Error("a message was sent after the end")
	}
}

// TestRestartAppliesTheRulesOfRequests edits who may ask, while the server runs. The options of the listener need a new
// start, and the terminal says so.
func TestRestartAppliesTheRulesOfRequests(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(savedApp))
	app.Write("devserver.config.json", `{"server": {"cors": {"origin": ["http://a.test:3000"]}, "allowedHosts": ["old.test"], "headers": {"X-Was": "1"}}}`)
	s := devtest.Start(t, app)
	answers := func(header string) string {
		return s.Raw("GET /text.js HTTP/1.1\r\n" + header + "\r\nConnection: close\r\n\r\n")
	}
	fromOrigin := "Host: localhost\r\nOrigin: http://a.test:3000\r\nSec-Fetch-Site: cross-site"
	look := func() string {
		origin := answers(fromOrigin)
		return fmt.Sprint(strings.Contains(origin, "Access-Control-Allow-Origin: http://a.test:3000"), strings.Contains(origin, "X-Was: 1"),
			strings.Contains(answers("Host: old.test"), " 200 "), strings.Contains(answers("Host: new.test"), " 200 "))
	}
	if got := look(); got != "true true true false" {
		t.Fatalf("before: %s", got)
	}
	s.Write("devserver.config.json", `{"server": {"allowedHosts": ["new.test"], "port": 6001, "cors": false}}`)
	s.Log.Wait(t, "server.port changed: stop and start devserver to apply it")
	if got := look(); got != "false false false true" {
		t.Errorf("after: %s", got)
	}
	s.Write("devserver.config.json", `{"server": {"cors": {"origin": ["a.test"]}, "port": 6001}}`)
	s.Log.Wait(t, `"a.test" is not an origin`)
	if got := look(); got != "false false false true" {
		t.Errorf("after a mistake: %s", got)
	}
}

// TestDefinedNamesReloadPages: code may have read them in any way, so pages begin again with the new values.
func TestDefinedNamesReloadPages(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text(savedApp+`-- devserver.config.json --
{"define": {"A": "1", "B": {"c": 1}, "import.meta.env.D": "1 + 1"}}
`)))
	sock := s.Socket(t)
	sock.WaitFor(devtest.Is("connected"))
	s.Write("devserver.config.json", `{"define": {"A": "2", "B": {"c": 1}, "import.meta.env.D": "1 + 2", "E": "f()"}}`)
	sock.WaitFor(devtest.Is("full-reload", "A, E, import.meta.env.D changed"))
	if r := s.Get("/@vite/client"); !strings.Contains(r.Body, `"E": () => (f()`) {
		t.Errorf("the page does not define E:\n%.500s", r.Body)
	}
}

// TestComparisonWhileItRestarts: a project ends while it compares what a page runs. What fails by that is no error of
// the page, since the next project compares again.
func TestComparisonWhileItRestarts(t *testing.T) {
	t.Parallel()
	var once sync.Once
	waiting := make(chan bool)
	s := devtest.Start(t, devtest.App(t, devtest.Text(savedApp)), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{
			Name: "slow",
			Load: func(ctx context.Context, a plugin.LoadArgs) (_ *plugin.LoadResult, err error) {
				if a.ID == "/text.js" {
					once.Do(func() {
						close(waiting)
						<-ctx.Done()
						err = errors.New("the tool has ended")
					})
				}
				return nil, err
			},
		}}
	})
	page := s.Socket(t)
	page.WaitFor(devtest.Is("connected"))
	runs := map[string]any{"type": "revisions", "modules": map[string]string{"/main.js": "old", "/text.js": "old"}}
	page.Send(runs)
	<-waiting
	if err := s.Server().Restart("test"); err != nil {
		t.Fatal(err)
	}
	page.WaitFor(devtest.Is("need-revisions"))
	page.Send(runs)
	page.WaitFor(devtest.Is("update", "/text.js"))
	if n := page.Count(devtest.Is("error")); n > 0 {
		t.Error("the page got an error of the project that ended")
	}
}
