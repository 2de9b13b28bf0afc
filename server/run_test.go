package server_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/config"
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
	cfg := config.Config{Server: config.Server{Port: new(0)}}
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

// TestOptionsOfProgram: a mistake in the program's options is an error of New that names the option, also when the file
// has mistakes. The options hold while the file has mistakes, and after a restart.
func TestOptionsOfProgram(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(page+"-- main.js --\n-- devserver.config.json --\n{\"mode\": 1}\n"))
	_, err := server.New(server.Options{Root: app.Root, CacheDir: t.TempDir(), Config: config.Config{Server: config.Server{Port: new(-1)}}})
	if err == nil || !strings.Contains(err.Error(), `option "server.port": must be a whole number from 0 to 65535`) {
		t.Errorf("got %v", err)
	}
	s := devtest.Start(t, app, func(o *server.Options) { o.Config = config.Config{Base: "/program"} })
	if have := s.Server().Config().Base; have != "/program/" {
		t.Errorf("the base is %q while the file has mistakes", have)
	}
	app.Write("devserver.config.json", `{"mode": "file", "base": "/file/"}`)
	mode := func() string { return s.Server().Config().Mode }
	devtest.Eventually(t, "a restart", func() bool { return mode() == "file" }, mode)
	if res := s.Get("/program/"); res.Status != 200 {
		t.Errorf("the page has status %d after a restart", res.Status)
	}
}

// TestNoConfigFile: a program leaves the project's configuration files alone, or names another file.
func TestNoConfigFile(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(page+"-- main.js --\n-- devserver.config.json --\n{\"base\": \"/file/\"}\n-- other.json --\n{\"base\": \"/other/\"}\n"))
	for want, set := range map[string]func(*server.Options){
		"/file/":  func(o *server.Options) {},
		"":        func(o *server.Options) { o.NoConfigFile = true },
		"/other/": func(o *server.Options) { o.ConfigFile = app.Path("other.json") },
	} {
		s := devtest.Start(t, app, set)
		if have := s.Server().Config().Base; have != want {
			t.Errorf("the base is %q, want %q", have, want)
		}
	}
}

// TestProxyFuncs: a rule of a program may answer with a file of the project, or send the backend another path.
func TestProxyFuncs(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "backend "+r.URL.String()) }))
	t.Cleanup(backend.Close)
	s := devtest.Start(t, devtest.App(t, devtest.Text(page+"-- main.js --\n-- local.txt --\nlocal\n")), func(o *server.Options) {
		o.Config.Server.Proxy = config.Proxy{{
			Path: "/api", Target: backend.URL,
			RewriteFunc: func(path string) string { return strings.Replace(path, "/api", "/v1", 1) },
			BypassFunc: func(r *http.Request) string {
				if r.URL.Query().Has("local") {
					return "/local.txt"
				}
				return ""
			},
		}}
	})
	for path, want := range map[string]string{"/api/x?a=1": "backend /v1/x?a=1", "/api/x?local": "local\n"} {
		if have := s.Get(path).Body; have != want {
			t.Errorf("%s answered %q, want %q", path, have, want)
		}
	}
}
