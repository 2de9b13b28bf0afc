package server_test

import (
	"context"
	"sync"
	"testing"
	"time"

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
	s := devtest.Start(t, devtest.App(t, devtest.Text(savedApp)), func(o *server.Options) { o.Config = nil })
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
