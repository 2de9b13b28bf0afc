// Command devserver is the server of the chat: its rooms, its users and its notifications.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/plugin"
)

// Draft is a message that a page sends.
type Draft struct {
	Text string `json:"text"`
	Room string `json:"room"`
}

// Message is a message that pages get.
type Message struct {
	ID   string    `json:"id"`
	From string    `json:"from"`
	Text string    `json:"text"`
	Room string    `json:"room"`
	At   time.Time `json:"at"`
}

// People are the users who are in a room. Guests are counted.
type People struct {
	Room   string   `json:"room"`
	Users  []string `json:"users"`
	Guests int      `json:"guests"`
}

// rooms are the rooms of the chat. What pages ask for is checked against them.
var rooms = []string{"general", "random", "help"}

var (
	// messages goes both ways. Pages get the messages of the room that they are in.
	messages = plugin.NewChannel[Draft, Message]("chat", "room", "messages")
	// people is broadcast-only: what pages send is refused.
	people = plugin.NewChannel[hmr.BroadcastOnly, People]("chat", "room", "people")
)

func main() {
	messages.Allow(mayWrite).Handle(post)
	plugin.Main(plugin.Plugin{
		Name:     "chat",
		Channels: []plugin.AnyChannel{messages, people},
		Events: []plugin.Event{
			plugin.Handle("chat:rooms", func(context.Context, plugin.Client, plugin.None) ([]string, error) { return rooms, nil }),
			plugin.Handle("chat:enter", enter),
		},
		Identify:   user,
		Routes:     []plugin.RouteDef{plugin.Route("/session", session{})},
		Identified: func(ctx context.Context, _ plugin.Client) { tellAll(ctx) }, // the page has left its room
		Disconnect: func(ctx context.Context, _ plugin.Client) { tellAll(ctx) },
	})
}

// mayWrite lets everybody listen, and users write.
func mayWrite(_ context.Context, page plugin.Client, d hmr.Direction) error {
	if d == hmr.Send && page.User() == "" {
		return &hmr.Error{Code: "guest", Message: "sign in to write"}
	}
	return nil
}

// post sends a message to the pages in its room, and notifies the users that it mentions.
func post(ctx context.Context, from plugin.Conn[Message], in Draft) error {
	text := strings.TrimSpace(in.Text)
	if err := known(in.Room); err != nil {
		return err
	}
	if text == "" || len(text) > 2000 {
		return &hmr.Error{Code: "bad_message", Message: "a message has 1 to 2,000 bytes"}
	}
	m := Message{ID: rand.Text(), From: from.User(), Text: text, Room: in.Room, At: time.Now()}
	if err := remember(ctx, m); err != nil {
		return err
	}
	for _, name := range mentioned(text) {
		err := plugin.ServerFrom(ctx).Notify(name, hmr.Notification{
			Title: fmt.Sprintf("%s mentions you in %s", m.From, m.Room), Description: m.Text,
		})
		if err != nil {
			return err
		}
	}
	return messages.SendToRoom(roomName(m.Room), m)
}

var mention = regexp.MustCompile(`@(\w+)`)

// mentioned returns the users that a text mentions, each once.
func mentioned(text string) []string {
	names := map[string]bool{}
	for _, m := range mention.FindAllStringSubmatch(text, -1) {
		names[m[1]] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// enter takes the page into a room and out of the others. It returns the room's newest messages.
func enter(ctx context.Context, c plugin.Client, room string) ([]Message, error) {
	if err := known(room); err != nil {
		return nil, err
	}
	for _, other := range rooms {
		if other != room {
			if err := c.Leave(roomName(other)); err != nil {
				return nil, err
			}
		}
	}
	if err := c.Join(roomName(room)); err != nil {
		return nil, err
	}
	tellAll(ctx)
	return history(ctx, room)
}

func known(room string) error {
	if !slices.Contains(rooms, room) {
		return &hmr.Error{Code: "no_room", Message: fmt.Sprintf("there is no room %q", room)}
	}
	return nil
}

// roomName returns the name of a room for the server, whose rooms all plugins share.
func roomName(room string) string { return "chat " + room }

// tellAll tells each room who is in it.
func tellAll(ctx context.Context) {
	for _, room := range rooms {
		now := People{Room: room, Users: []string{}}
		for _, c := range plugin.ServerFrom(ctx).ClientsIn(roomName(room)) {
			switch name := c.User(); {
			case name == "":
				now.Guests++
			case !slices.Contains(now.Users, name): // a user may have several pages
				now.Users = append(now.Users, name)
			}
		}
		slices.Sort(now.Users)
		if err := people.SendToRoom(roomName(room), now); err != nil {
			plugin.ServerFrom(ctx).Logger().Warn("tell who is in the room", "error", err)
		}
	}
}
