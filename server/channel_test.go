package server_test

import (
	"context"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// talkPlugin is the source of a plugin with channels. TestChannelsInProcess has the same plugin as code.
const talkPlugin = `
	Name: "talk",
	Start: func(ctx context.Context, s plugin.Server) error { return board.Retain(7) },
	Channels: []plugin.AnyChannel{board, echo, staff},
	Events: []plugin.Event{plugin.On("talk:score", func(ctx context.Context, c plugin.Client, n int) error { return board.Retain(n) })},
}, plugin.Plugin{Name: "rest",`

const talkChannels = `package main

import (
	"context"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/plugin"
)

type said struct{ Text string ` + "`json:\"text\"`" + ` }

var board = plugin.NewChannel[hmr.BroadcastOnly, int]("talk", "game", "board")

var echo = plugin.NewChannel[said, said]("talk", "room", "echo").Handle(func(ctx context.Context, from plugin.Conn[said], in said) error {
	return from.Reply(said{"you said " + in.Text})
})

var staff = plugin.NewChannel[said, said]("talk", "room", "staff").Allow(func(ctx context.Context, page plugin.Client, d hmr.Direction) error {
	return &hmr.Error{Code: "not_staff", Message: "only for staff, to " + string(d)}
})
`

func TestChannelsOfAChild(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(pluginApp))
	app.Write("devserver/channels.go", talkChannels)
	goPlugin(t, app, talkPlugin)
	s := devtest.Start(t, app, withPlugins)
	early := s.Socket(t)
	early.Send(map[string]string{"type": "subscribe", "channel": "talk_game_board"}) // before the plugins are built
	early.Send(map[string]string{"type": "subscribe", "channel": "talk_room_echo"})
	early.Emit("talk_room_echo", map[string]string{"text": "early"})
	early.Peek(devtest.Event("talk_room_echo", "you said early")) // the two messages may come in any order
	early.Peek(devtest.Event("talk_game_board", "7"))
	tryChannels(t, s)

	// The page keeps listening to the next version, also on the channel with the retained message.
	app.Write("devserver/channels.go", strings.ReplaceAll(talkChannels, "you said", "you wrote"))
	early.WaitFor(devtest.Event("devserver:plugins:reloaded"))
	early.Emit("talk_room_echo", map[string]string{"text": "late"})
	early.WaitFor(devtest.Event("talk_room_echo", "you wrote late"))
	early.Emit("talk:score", 9)
	early.WaitFor(devtest.Event("talk_game_board", "9"))
}

func TestChannelsInProcess(t *testing.T) {
	t.Parallel()
	type said struct {
		Text string `json:"text"`
	}
	board := plugin.NewChannel[hmr.BroadcastOnly, int]("talk", "game", "board")
	echo := plugin.NewChannel[said, said]("talk", "room", "echo").Handle(func(_ context.Context, from plugin.Conn[said], in said) error {
		return from.Reply(said{"you said " + in.Text})
	})
	staff := plugin.NewChannel[said, said]("talk", "room", "staff").Allow(func(_ context.Context, _ plugin.Client, d hmr.Direction) error {
		return &hmr.Error{Code: "not_staff", Message: "only for staff, to " + string(d)}
	})
	if err := board.Broadcast(1); err == nil {
		t.Error("a channel that no plugin has can send")
	}
	s := devtest.Start(t, devtest.App(t, devtest.Text(pluginApp)), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{
			Name: "talk", Channels: []plugin.AnyChannel{board, echo, staff},
			Start: func(context.Context, plugin.Server) error { return board.Retain(7) },
		}}
	})
	tryChannels(t, s)
	if _, err := plugin.NewRunner([]plugin.Plugin{{Name: "a", Channels: []plugin.AnyChannel{echo}}, {Name: "b", Channels: []plugin.AnyChannel{echo}}}, nil); err == nil || !strings.Contains(err.Error(), "both have") {
		t.Errorf("two plugins with the same channel: got error %v", err)
	}
}

func tryChannels(t *testing.T, s *devtest.Server) {
	t.Helper()
	page, deaf := s.Socket(t), s.Socket(t)
	page.Send(map[string]string{"type": "subscribe", "channel": "talk_game_board"})
	page.WaitFor(devtest.Event("talk_game_board", "7"))
	page.Emit("talk_game_board", 3)
	page.WaitFor(devtest.Event("devserver:channel-error", "talk_game_board", "broadcast_only"))
	page.Emit("talk_room_echo", map[string]int{"text": 1})
	page.WaitFor(devtest.Event("devserver:channel-error", "bad_payload", "text must be a string", `"path":"text"`))
	page.Emit("talk_room_echo", map[string]string{"text": "hi"})
	page.WaitFor(devtest.Event("talk_room_echo", "you said hi"))
	page.Send(map[string]string{"type": "subscribe", "channel": "talk_room_staff"})
	page.WaitFor(devtest.Event("devserver:channel-error", "not_staff", "to listen"))
	deaf.Emit("nobody:listens", nil)
	deaf.WaitFor(devtest.Event("devserver:unknown-event"))
	if n := deaf.Count(devtest.Event("talk_game_board")); n > 0 {
		t.Error("a page got a message of a channel that it does not listen to")
	}
}
