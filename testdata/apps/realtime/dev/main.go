// Command dev runs the example in development: devserver as a library, with the same channels and the same sign-in.
//
//	go run ./dev
package main

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"

	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
	"github.com/seed-b8174343/devserver/testdata/apps/realtime/chat"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	sessions := &chat.Sessions{}
	srv, err := server.New(server.Options{
		Root: ".", Identify: sessions.User, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Plugins: []plugin.Plugin{{Name: "realtime", Routes: []plugin.RouteDef{plugin.Route("/session", sessions)}}},
	})
	if err != nil {
		return err
	}
	if err := chat.Register(srv.Hub()); err != nil {
		return err
	}
	urls, err := srv.Listen(ctx)
	if err != nil {
		return err
	}
	fmt.Println(urls.Local[0])
	return srv.Serve(ctx)
}
