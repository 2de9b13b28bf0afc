package pluginhost

import (
	"context"
	"encoding/json"

	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// Backend is the server as children use it.
type Backend interface {
	plugin.Server
	// SendOnChannel sends to those of the call's pages that listen to the channel.
	SendOnChannel(to wire.SendCall) error
	// WaitsFor reports a slow hook, while it runs.
	WaitsFor(w wire.WaitCall)
	// SendTo sends an event to one page, by its ID.
	SendTo(client, event string, data json.RawMessage) error
	// Join and Leave let one page, by its ID, into a room and out of it.
	Join(client, room string) error
	Leave(client, room string) error
}

// methods returns the answers to the child's calls. A child without a backend only says hello.
func (c *Child) methods() wire.Methods {
	hello := does(func(h wire.Hello) error {
		select {
		case c.hello <- h:
		default:
		}
		return nil
	})
	b := c.o.Backend
	if b == nil {
		return wire.Methods{"hello": hello}
	}
	return wire.Methods{
		"hello": hello,

		"send":           does(func(s wire.SendCall) error { return send(b, s) }),
		"waits":          does(func(w wire.WaitCall) error { b.WaitsFor(w); return nil }),
		"clients":        answers(func(which wire.ClientsCall) ([]wire.ClientInfo, error) { return clients(b, which), nil }),
		"rooms":          answers(func(any) ([]string, error) { return b.Rooms(), nil }),
		"join":           does(func(r wire.RoomCall) error { return b.Join(r.Client, r.Room) }),
		"leave":          does(func(r wire.RoomCall) error { return b.Leave(r.Client, r.Room) }),
		"disconnectUser": answers(func(d wire.DisconnectCall) (int, error) { return b.Disconnect(d.User, d.Reason) }),

		"modules":    answers(func(any) ([]string, error) { return b.Modules() }),
		"importers":  answers(b.Importers),
		"invalidate": does(b.Invalidate),
		"reload":     does(b.Reload),

		"route.part": does(func(p wire.RoutePart) error { return c.stream(p.Stream).write(p) }),
		"route.read": answers(func(r wire.RouteRead) (wire.RouteData, error) { return c.stream(r.Stream).read(r.Max) }),
	}
}

// answers makes a method of a func that returns a result.
func answers[A, R any](fn func(A) (R, error)) wire.MethodFunc {
	return wire.Method(func(_ context.Context, args A) (any, error) { return fn(args) })
}

// does makes a method of a func that returns an error only.
func does[A any](fn func(A) error) wire.MethodFunc {
	return wire.Method(func(_ context.Context, args A) (any, error) { return nil, fn(args) })
}

func clients(b Backend, which wire.ClientsCall) []wire.ClientInfo {
	list := b.Clients
	if which.Room != "" {
		list = func() []plugin.Client { return b.ClientsIn(which.Room) }
	}
	infos := []wire.ClientInfo{}
	for _, cl := range list() {
		infos = append(infos, describe(cl))
	}
	return infos
}

func send(b Backend, s wire.SendCall) error {
	if s.Channel != "" {
		return b.SendOnChannel(s)
	}
	var data any
	if len(s.Data) > 0 {
		data = s.Data
	}
	switch {
	case s.All:
		return b.Broadcast(s.Event, data)
	case s.User != "":
		return b.SendToUser(s.User, s.Event, data)
	case s.Room != "":
		return b.SendToRoom(s.Room, s.Event, data)
	default:
		return b.SendTo(s.Client, s.Event, s.Data)
	}
}
