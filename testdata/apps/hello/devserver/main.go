// Command devserver is the Go side of the hello app. devserver finds this folder, builds this program, and hands it the
// page's events. Change the program while the page is open: the next event reaches the new program.
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
				return c.Send("custom-response", map[string]any{"success": true}) // this page only; Broadcast reaches all
			}),
			plugin.On("hello:broadcast", func(ctx context.Context, c plugin.Client, in struct{ Text string }) error {
				return c.Broadcast("hello:all", map[string]any{"text": in.Text, "pages": len(plugin.ServerFrom(ctx).Clients())})
			}),
		},
	})
}
