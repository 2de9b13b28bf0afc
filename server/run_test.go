package server_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/seed-b8174343/devserver/internal/config"
	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/server"
)

// TestRun: a program of the user's own serves the project and says where, until its context ends.
func TestRun(t *testing.T) {
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
