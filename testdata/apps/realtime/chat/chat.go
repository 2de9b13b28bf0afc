// Package chat holds the channels of the example. It needs nothing but a hub. So the same code runs in development with
// devserver's hub, and in production with the program's own hub.
package chat

import (
	"context"
	"fmt"

	"github.com/seed-b8174343/devserver/hmr"
)

// Text is a message from a page, Message a message to pages.
type Text struct {
	To   string `json:"to,omitempty"` // of whispers: a user
	Text string `json:"text"`
}

// Message is a text and its author.
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

	// An answer to the page that sent the text.
	echo.Handle(func(_ context.Context, from hmr.Conn[Message], in Text) error {
		return from.Reply(Message{From: "echo", Text: in.Text})
	})

	// A message to all pages that listen. Every page may listen. Only users who are signed in may write.
	lobby.Allow(func(_ context.Context, page *hmr.Client, d hmr.Direction) error {
		if d == hmr.Send && page.User() == "" {
			return &hmr.Error{Code: "guest", Message: "sign in to write"}
		}
		return nil
	})
	lobby.Handle(func(_ context.Context, from hmr.Conn[Message], in Text) error {
		return lobby.Broadcast(Message{From: from.User(), Text: in.Text})
	})

	// A message to every page of one user, and to no other page.
	whisper.Handle(func(_ context.Context, from hmr.Conn[Message], in Text) error {
		if err := whisper.SendToUser(in.To, Message{From: from.User(), Text: in.Text}); err != nil {
			return err
		}
		return hub.Notify(in.To, hmr.Notification{Title: fmt.Sprintf("%s whispers", from.User())})
	})

	// Pages cannot send on this channel. A page that opens later gets the last value at once. A number is always JSON, so
	// Retain returns no error.
	count := func(context.Context, *hmr.Client) { _ = pages.Retain(len(hub.Clients())) }
	hub.OnConnect(count)
	hub.OnDisconnect(count)

	return hub.Register(echo, lobby, whisper, pages)
}
