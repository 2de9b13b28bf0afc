package server_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// A program of your own is the development server of a project, with plugins that run in it.
func ExampleRun() {
	ctx, stop := context.WithCancel(context.Background()) // signal.NotifyContext lets it run until Ctrl-C
	defer stop()
	hello := plugin.Plugin{
		Name: "hello",
		Start: func(ctx context.Context, s plugin.Server) error {
			fmt.Println("hello from", filepath.Base(s.Root()))
			stop()
			return nil
		},
		Events: []plugin.Event{
			plugin.On("hello", func(ctx context.Context, c plugin.Client, name string) error {
				return c.Send("hello", "Hello "+name)
			}),
		},
	}
	err := server.Run(ctx, server.Options{Root: "../testdata/apps/circular", Plugins: []plugin.Plugin{hello}})
	fmt.Println(err)
	// Output:
	// hello from circular
	// <nil>
}

// A program chooses the port and other options by Vite's names. What it leaves out is read from the project's
// devserver.config.json and vite.config, which these options win over.
func ExampleNew() {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "the backend got", r.URL)
	}))
	defer backend.Close()
	version := plugin.Plugin{
		Name: "version",
		Routes: []plugin.RouteDef{plugin.Route("/version", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, "version 1")
		}))},
	}
	srv, err := server.New(server.Options{
		Root:    "../testdata/apps/circular",
		Plugins: []plugin.Plugin{version},
		Config: config.Config{
			Mode: "staging",
			Server: config.Server{
				Port: new(0), // any free port
				Proxy: config.Proxy{{
					Path: "/api", Target: backend.URL,
					RewriteFunc: func(path string) string { return strings.TrimPrefix(path, "/api") },
				}},
			},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	urls, err := srv.Listen(ctx)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx) }()

	for _, path := range []string{"version", "api/users?id=1"} {
		res, err := http.Get(urls.Local[0] + path)
		if err != nil {
			fmt.Println(err)
			continue
		}
		_, _ = io.Copy(os.Stdout, res.Body)
		_ = res.Body.Close()
	}
	stop()
	fmt.Println(err, <-done)
	// Output:
	// version 1
	// the backend got /users?id=1
	// <nil> <nil>
}
