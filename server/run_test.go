package server_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/config"
	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/server"
)

// TestRun: a program of the user serves the project and logs the URL, until its context ends.
func TestRun(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(page+"-- main.js --\n"))
	log := &devtest.Log{}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	cfg := must(config.Load(app.Root, ""))
	cfg = must(cfg.Merge(config.Flags{Port: new(0)}))
	go func() {
		done <- server.Run(ctx, server.Options{Root: app.Root, Config: cfg, CacheDir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(log, nil))})
	}()
	log.Wait(t, "serving http://localhost:")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestMounted: a program of the user mounts the server's handler. Edits become updates there, too.
func TestMounted(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(page+"-- main.js --\nconsole.log(1)\n"))
	srv := must(server.New(server.Options{Root: app.Root, CacheDir: t.TempDir()}))
	web := httptest.NewServer(srv.Handler())
	t.Cleanup(func() {
		web.Close()
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	res := must(http.Get(web.URL + "/main.js?import"))
	if body := string(must(io.ReadAll(res.Body))); !strings.Contains(body, "console.log(1)") {
		t.Fatalf("the module is\n%s", body)
	}
	_ = res.Body.Close()
	app.Edit("main.js", "log(1)", "log(2)")
	devtest.Eventually(t, "an update", func() bool { return srv.Hub().Seq() == 1 }, func() string { return "no update came" })
}
