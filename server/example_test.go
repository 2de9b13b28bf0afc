package server_test

import (
	"context"
	"fmt"
	"path/filepath"

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
