// The Go side of the hello app: devserver finds this folder, builds it and answers the page's events with it.
package main

import (
	"context"
	"log"

	"github.com/seed-b8174343/devserver/plugin"
)

func main() {
	plugin.Main(plugin.Plugin{
		Name: "hello",
		Events: []plugin.Event{
			plugin.On("my-custom-event", func(ctx context.Context, c plugin.Client, in struct{ Message string }) error {
				log.Println("Received custom event:", in.Message)
				return c.Send("custom-response", map[string]any{"success": true}) // this page only
			}),
			plugin.On("hello:broadcast", func(ctx context.Context, c plugin.Client, in struct{ Text string }) error {
				return c.Broadcast("hello:all", in) // every open page
			}),
		},
	})
}
