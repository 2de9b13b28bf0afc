package plugin_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

func ExampleOn() {
	type added struct {
		SKU   string `json:"sku"`
		Count int    `json:"count"`
	}
	cart := plugin.Plugin{
		Name: "cart",
		Events: []plugin.Event{
			plugin.On("cart:added", func(ctx context.Context, c plugin.Client, in added) error {
				return c.Send("cart:price", map[string]any{"sku": in.SKU, "total": 3 * in.Count})
			}),
		},
	}
	// In a devserver/ folder this is plugin.Main(cart). The page's script says
	//
	//	import.meta.hot.on("cart:price", (data) => console.log(data.total))
	//	import.meta.hot.send("cart:added", { sku: "a-1", count: 2 })
	p := open(cart)
	p.send("cart:added", `{"sku": "a-1", "count": 2}`)
	p.send("cart:added", `{"sku": "a-1", "count": "two"}`) // the handler is not called
	// Output:
	// to the page: cart:price {"sku":"a-1","total":6}
	// error: payload of "cart:added": count must be an integer (int), but is a string
}

func ExampleHandle() {
	prices := map[string]int{"a-1": 3, "b-2": 5}
	cart := plugin.Plugin{
		Name: "cart",
		Events: []plugin.Event{
			plugin.Handle("cart:total", func(ctx context.Context, c plugin.Client, skus []string) (int, error) {
				if len(skus) == 0 {
					return 0, &hmr.Error{Code: "empty", Message: "the cart is empty"}
				}
				total := 0
				for _, sku := range skus {
					total += prices[sku]
				}
				return total, nil
			}),
		},
	}
	// The page's script says
	//
	//	const total = await import.meta.hot.request("cart:total", ["a-1", "b-2"])
	p := open(cart)
	p.request("cart:total", `["a-1", "b-2"]`)
	p.request("cart:total", `[]`)
	// Output:
	// answer: 8
	// error: the cart is empty
}

func ExampleNewChannel() {
	type message struct {
		Text string `json:"text"`
	}
	chat := plugin.NewChannel[message, message]("blog", "chat", "messages")
	chat.Handle(func(ctx context.Context, from plugin.Conn[message], in message) error {
		if in.Text == "" {
			return from.Reply(message{Text: "say something"})
		}
		return chat.Broadcast(in)
	})
	blog := plugin.Plugin{Name: "blog", Channels: []plugin.AnyChannel{chat}}
	// The page's script says
	//
	//	import { channel } from "devserver/client"
	//	const chat = channel("blog_chat_messages")
	//	chat.subscribe((message) => console.log(message.text))
	//	chat.send({ text: "hello" })
	p := open(blog)
	p.sendOn(chat.ID(), `{"text": "hello"}`)
	p.sendOn(chat.ID(), `{"text": ""}`)
	// Output:
	// to all pages: blog_chat_messages {"text":"hello"}
	// to the page: blog_chat_messages {"text":"say something"}
}

func ExampleServerFrom() {
	notes := plugin.Plugin{
		Name:  "notes",
		Watch: []string{"notes.txt"},
		HotUpdate: func(ctx context.Context, a plugin.HotUpdateArgs) (*plugin.HotUpdateResult, error) {
			return nil, plugin.ServerFrom(ctx).Broadcast("notes:changed", a.Kind)
		},
	}
	p := open(notes)
	p.edit("notes.txt")
	// Output:
	// to all pages: notes:changed "update"
}

// examplePage is the only page of an example. It prints what it gets.
type examplePage struct {
	plugin.Client
	plugins *plugin.Runner
}

func open(plugins ...plugin.Plugin) examplePage {
	runner, err := plugin.NewRunner(plugins, exampleServer{})
	if err != nil {
		panic(err)
	}
	return examplePage{plugins: runner}
}

func (p examplePage) Send(event string, data any) error { return show("to the page:", event, data) }

func (p examplePage) send(event, data string) {
	if _, err := p.event(event, data, false); err != nil {
		fmt.Println("error:", err)
	}
}

func (p examplePage) request(event, data string) {
	if answer, err := p.event(event, data, true); err != nil {
		fmt.Println("error:", err)
	} else {
		fmt.Println("answer:", answer)
	}
}

func (p examplePage) event(event, data string, request bool) (any, error) {
	name := p.plugins.Info().Plugins[0].Name
	return p.plugins.Event(context.Background(), name, event, request, p, json.RawMessage(data))
}

func (p examplePage) sendOn(channel, data string) {
	if err := p.plugins.ChannelMessage(context.Background(), channel, p, json.RawMessage(data)); err != nil {
		fmt.Println("error:", err)
	}
}

func (p examplePage) edit(file string) {
	args := plugin.HotUpdateArgs{Kind: "update", File: file}
	if _, err := plugin.Hooks.HotUpdate.Ask(context.Background(), p.plugins, args); err != nil {
		fmt.Println("error:", err)
	}
}

// exampleServer prints what plugins send.
type exampleServer struct{ plugin.Server }

func (exampleServer) Broadcast(event string, data any) error {
	return show("to all pages:", event, data)
}

func (exampleServer) SendOnChannel(s wire.SendCall) (missed int, err error) {
	return 0, show("to all pages:", s.Channel, s.Data)
}

func show(to, event string, data any) error {
	text, err := json.Marshal(data)
	fmt.Println(to, event, string(text))
	return err
}
