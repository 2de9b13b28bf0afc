package pluginhost

import (
	"context"
	"encoding/json"

	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// Backend is what children ask the server for.
type Backend interface {
	plugin.Server
	// SendOnChannel sends to the pages that listen to the channel and that the rest of the call means.
	SendOnChannel(to wire.SendCall) error
	// WaitsFor is called while a hook runs that takes long.
	WaitsFor(w wire.WaitCall)
	// SendTo sends an event to one page by its ID.
	SendTo(client, event string, data json.RawMessage) error
	// Join and Leave let one page, by its ID, into a room and out of it.
	Join(client, room string) error
	Leave(client, room string) error
}

// methods are what the child asks. One without a backend only says hello.
func (c *Child) methods() wire.Methods {
	hello := wire.Method(func(_ context.Context, h wire.Hello) (any, error) {
		select {
		case c.hello <- h:
		default:
		}
		return nil, nil
	})
	b := c.o.Backend
	if b == nil {
		return wire.Methods{"hello": hello}
	}
	return wire.Methods{
		"hello":      hello,
		"send":       wire.Method(func(_ context.Context, s wire.SendCall) (any, error) { return nil, send(b, s) }),
		"route.part": wire.Method(func(_ context.Context, p wire.RoutePart) (any, error) { return nil, c.stream(p.Stream).write(p) }),
		"route.read": wire.Method(func(_ context.Context, r wire.RouteRead) (any, error) { return c.stream(r.Stream).read(r.Max) }),
		"clients":    wire.Method(func(_ context.Context, which wire.ClientsCall) (any, error) { return clients(b, which), nil }),
		"join":       wire.Method(func(_ context.Context, r wire.RoomCall) (any, error) { return nil, b.Join(r.Client, r.Room) }),
		"leave":      wire.Method(func(_ context.Context, r wire.RoomCall) (any, error) { return nil, b.Leave(r.Client, r.Room) }),
		"waits":      wire.Method(func(_ context.Context, w wire.WaitCall) (any, error) { b.WaitsFor(w); return nil, nil }),
		"rooms":      wire.Method(func(context.Context, any) (any, error) { return b.Rooms(), nil }),
		"disconnectUser": wire.Method(func(_ context.Context, d wire.DisconnectCall) (any, error) {
			return b.Disconnect(d.User, d.Reason)
		}),
		"modules":    wire.Method(func(context.Context, any) (any, error) { return b.Modules() }),
		"importers":  wire.Method(func(_ context.Context, id string) (any, error) { return b.Importers(id) }),
		"invalidate": wire.Method(func(_ context.Context, id string) (any, error) { return nil, b.Invalidate(id) }),
		"reload":     wire.Method(func(_ context.Context, id string) (any, error) { return nil, b.Reload(id) }),
	}
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
