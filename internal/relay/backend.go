package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// backend is the server as the plugins of one host see it.
type backend struct {
	r *Relay
	belongings
}

func (b *backend) Root() string { return b.r.o.Layout.Root }

func (b *backend) Base() string { return b.r.o.Layout.Base }

func (b *backend) Mode() string { return b.r.o.Mode }

func (b *backend) URLs() []string { return b.r.o.URLs() }

func (b *backend) Restart(reason string) error {
	b.r.o.Restart(reason)
	return nil
}

func (b *backend) Logger() *slog.Logger { return b.r.o.Logger }

func (b *backend) Clients() []plugin.Client { return b.pages(b.r.o.Hub.Clients()) }

func (b *backend) ClientsIn(room string) []plugin.Client {
	return b.pages(b.r.o.Hub.ClientsIn(room))
}

func (b *backend) pages(open []*hmr.Client) []plugin.Client {
	list := make([]plugin.Client, len(open))
	for i, c := range open {
		list[i] = &page{c, b.r.o.Hub}
	}
	return list
}

func (b *backend) Rooms() []string { return b.r.o.Hub.Rooms() }

func (b *backend) Notify(user string, n hmr.Notification) error {
	return b.r.o.Hub.Notify(user, n)
}

func (b *backend) Disconnect(user, reason string) (int, error) {
	if user == "" {
		return 0, errors.New("disconnect: no user is named")
	}
	return b.r.o.Hub.Disconnect(user, reason), nil
}

func (b *backend) Broadcast(event string, data any) error {
	return b.r.o.Hub.Broadcast(event, data)
}

func (b *backend) TryBroadcast(event string, data any) (missed int, err error) {
	return b.r.o.Hub.TryBroadcast(event, data)
}

func (b *backend) SendToUser(user, event string, data any) error {
	return b.r.o.Hub.SendToUser(user, event, data)
}

func (b *backend) SendToRoom(room, event string, data any) error {
	return b.r.o.Hub.SendToRoom(room, event, data)
}

// Page implements pluginhost.Backend.
func (b *backend) Page(id, user string) (plugin.Client, error) {
	c := b.r.o.Hub.Client(id)
	switch {
	case c == nil:
		return nil, hmr.ErrClosed
	case user != "" && c.User() != user:
		return nil, hmr.ErrUserChanged
	}
	return &page{c, b.r.o.Hub}, nil
}

// SendOnChannel implements pluginhost.Backend.
func (b *backend) SendOnChannel(to wire.SendCall) (missed int, err error) {
	return b.r.channels.send(to)
}

// WaitsFor implements pluginhost.Backend.
func (b *backend) WaitsFor(w wire.WaitCall) {
	text := "waiting for " + w.Hook + " of plugin " + w.Plugin
	if w.ID != "" {
		text += " (" + b.r.o.Layout.Shown(w.ID) + ")"
	}
	b.r.o.Logger.Warn(text)
}

// Invalidate compiles the module again for pages that load it from now on.
func (b *backend) Invalidate(id string) error {
	if b.r.o.Graph.Version(id) == nil {
		return fmt.Errorf("invalidate %q: no such module is loaded", id)
	}
	b.r.tasks.Go(func() { b.r.o.Modules.Invalidate(id) }) // the caller may be a hook that the compiler waits for
	return nil
}

// Reload runs a module again whose content changed without a file: a virtual module of a plugin.
func (b *backend) Reload(id string) error {
	if b.r.o.Graph.Version(id) == nil {
		return fmt.Errorf("reload %q: no such module is loaded", id)
	}
	b.r.tasks.Go(func() { b.r.o.Modules.Reload(id) })
	return nil
}

// page is an open page as plugins see it.
type page struct {
	*hmr.Client
	hub *hmr.Hub
}

// Request asks the page. Names of devserver are for devserver itself: it answers them with more than plugins may see.
func (c *page) Request(ctx context.Context, event string, in any) (json.RawMessage, error) {
	if strings.HasPrefix(event, "devserver:") {
		return nil, fmt.Errorf("send request %q: names that begin with devserver: belong to devserver itself", event)
	}
	return c.Client.Request(ctx, event, in)
}

func (c *page) Broadcast(event string, data any) error { return c.hub.Broadcast(event, data) }

func (c *page) SendToUser(user, event string, data any) error {
	return c.hub.SendToUser(user, event, data)
}

func (c *page) SendToRoom(room, event string, data any) error {
	return c.hub.SendToRoom(room, event, data)
}

func (c *page) Leave(room string) error {
	c.Client.Leave(room)
	return nil
}
