package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// backend is the server as plugins see it.
type backend struct{ p *project }

func (b *backend) Root() string { return b.p.layout.Root }

func (b *backend) Logger() *slog.Logger { return b.p.log }

func (b *backend) Clients() []plugin.Client { return b.pages(b.p.server.hub.Clients()) }

func (b *backend) ClientsIn(room string) []plugin.Client {
	return b.pages(b.p.server.hub.ClientsIn(room))
}

func (b *backend) pages(open []*hmr.Client) []plugin.Client {
	list := make([]plugin.Client, len(open))
	for i, c := range open {
		list[i] = &page{c, b.p.server.hub}
	}
	return list
}

func (b *backend) Rooms() []string { return b.p.server.hub.Rooms() }

func (b *backend) Notify(user string, n hmr.Notification) error {
	return b.p.server.hub.Notify(user, n)
}

func (b *backend) Disconnect(user, reason string) (int, error) {
	if user == "" {
		return 0, errors.New("disconnect: no user is named")
	}
	return b.p.server.hub.Disconnect(user, reason), nil
}

func (b *backend) Broadcast(event string, data any) error {
	return b.p.server.hub.Broadcast(event, data)
}

func (b *backend) SendToUser(user, event string, data any) error {
	return b.p.server.hub.SendToUser(user, event, data)
}

func (b *backend) SendToRoom(room, event string, data any) error {
	return b.p.server.hub.SendToRoom(room, event, data)
}

func (b *backend) SendTo(client, event string, data json.RawMessage) error {
	return b.with(client, func(c *hmr.Client) error { return c.Publish(&hmr.Custom{Event: event, Data: data}) })
}

func (b *backend) Join(client, room string) error {
	return b.with(client, func(c *hmr.Client) error { return c.Join(room) })
}

func (b *backend) Leave(client, room string) error {
	return b.with(client, func(c *hmr.Client) error { c.Leave(room); return nil })
}

// with finds a page by its ID.
func (b *backend) with(client string, do func(*hmr.Client) error) error {
	for _, c := range b.p.server.hub.Clients() {
		if c.ID() == client {
			return do(c)
		}
	}
	return hmr.ErrClosed
}

func (b *backend) Modules() ([]string, error) { return b.p.graph.IDs(), nil }

func (b *backend) Importers(id string) ([]string, error) { return b.p.graph.Importers(id), nil }

// SendOnChannel implements pluginhost.Backend.
func (b *backend) SendOnChannel(to wire.SendCall) error { return b.p.channels.send(to) }

// WaitsFor implements pluginhost.Backend.
func (b *backend) WaitsFor(w wire.WaitCall) {
	text := "waiting for " + w.Hook + " of plugin " + w.Plugin
	if w.ID != "" {
		text += " (" + b.p.layout.Shown(w.ID) + ")"
	}
	b.p.log.Warn(text)
}

// Invalidate has the module compiled when the next page loads it.
func (b *backend) Invalidate(id string) error {
	if b.p.graph.Version(id) == nil {
		return fmt.Errorf("invalidate %q: no such module is loaded", id)
	}
	b.p.tasks.Go(func() { // a hook may ask for it, which the compiler waits for
		b.p.applying.Lock()
		defer b.p.applying.Unlock()
		b.p.graph.Reload(b.p.ctx, id)
	})
	return nil
}

// Reload runs a module again whose content changed without a file: a virtual module of a plugin.
func (b *backend) Reload(id string) error {
	if b.p.graph.Version(id) == nil {
		return fmt.Errorf("reload %q: no such module is loaded", id)
	}
	b.p.tasks.Go(func() { b.p.applyModules(id) })
	return nil
}

// page is an open page as plugins see it.
type page struct {
	*hmr.Client
	hub *hmr.Hub
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
