// Package chat is the realtime side of the example. It needs the hub alone, so the same code serves development, where
// the hub is devserver's, and production, where it is the program's own.
package chat

import (
	"context"
	"fmt"

	"github.com/seed-b8174343/devserver/hmr"
)

// Text is what pages send, Message what they get.
type Text struct {
	To   string `json:"to,omitempty"` // of whispers: a user
	Text string `json:"text"`
}

// Message is a text with who wrote it.
type Message struct {
	From string `json:"from"`
	Text string `json:"text"`
}

// Register adds the channels of the chat to a hub, as a module of a backend adds its routes to a mux.
func Register(hub *hmr.Hub) error {
	echo := hmr.NewChannel[Text, Message]("realtime", "chat", "echo")
	lobby := hmr.NewChannel[Text, Message]("realtime", "chat", "lobby")
	whisper := hmr.NewChannel[Text, Message]("realtime", "chat", "whisper")
	pages := hmr.NewChannel[hmr.BroadcastOnly, int]("realtime", "site", "pages")

	// An answer for the page that asked.
	echo.Handle(func(_ context.Context, from hmr.Conn[Message], in Text) error {
		return from.Reply(Message{From: "echo", Text: in.Text})
	})

	// To everybody who listens. Everybody may listen, and who is signed in may write.
	lobby.Allow(func(_ context.Context, page *hmr.Client, d hmr.Direction) error {
		if d == hmr.Send && page.User() == "" {
			return &hmr.Error{Code: "guest", Message: "sign in to write"}
		}
		return nil
	})
	lobby.Handle(func(_ context.Context, from hmr.Conn[Message], in Text) error {
		return lobby.Broadcast(Message{From: from.User(), Text: in.Text})
	})

	// To every page of one user, and to no other.
	whisper.Handle(func(_ context.Context, from hmr.Conn[Message], in Text) error {
		if err := whisper.SendToUser(in.To, Message{From: from.User(), Text: in.Text}); err != nil {
			return err
		}
		return hub.Notify(in.To, hmr.Notification{Title: fmt.Sprintf("%s whispers", from.User())})
	})

	// Pages cannot send to this one. A page that comes later gets the last value at once.
	count := func(context.Context, *hmr.Client) { _ = pages.Retain(len(hub.Clients())) } // it is registered: it works
	hub.OnConnect(count)
	hub.OnDisconnect(count)

	return hub.Register(echo, lobby, whisper, pages)
}
