package vite

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// PluginName stands for the plugins of a vite.config among the plugins of the project. They share one process, so they
// are one plugin for the server.
const PluginName = "vite.config"

// Listener returns the plugins as a host of one plugin, which takes pages and their events. It is nil for a nil Host.
// Node may end and start again under it: each process hears of the open pages before it gets an event.
func (h *Host) Listener() pluginhost.Host {
	if h == nil {
		return nil
	}
	return listener{h}
}

// listener is a Host as the hub's side sees it.
type listener struct{ h *Host }

// Info implements pluginhost.Host. The events are not in it, since the plugins add and remove handlers as they run.
func (l listener) Info() wire.Info {
	hooks := []string{plugin.Hooks.Connect.Name, plugin.Hooks.Disconnect.Name, plugin.Hooks.Identified.Name}
	return wire.Info{Plugins: []wire.PluginInfo{{Name: PluginName, Hooks: hooks}}}
}

// Ask implements pluginhost.Host. It does not wait for Node, which a plugin may block, since other hosts are told of the
// page after it. The page's events wait.
func (l listener) Ask(_ context.Context, hook string, args, _ any) error {
	c, ok := args.(plugin.Client)
	if !ok {
		return nil
	}
	switch hook {
	case plugin.Hooks.Connect.Name:
		l.h.opened(c, nil)
	case plugin.Hooks.Disconnect.Name:
		l.h.closed(c)
	case plugin.Hooks.Identified.Name: // what was meant for one user must not reach the next: another client for plugins
		l.h.opened(c, l.h.closed(c))
	}
	return nil
}

// Event implements pluginhost.Host.
func (l listener) Event(
	ctx context.Context, _, event string, _ bool, c plugin.Client, data json.RawMessage,
) (any, error) {
	call := eventCall{Client: describe(c), Event: event}
	if data != nil {
		call.Data = []json.RawMessage{data}
	}
	return nil, byPlugin(l.h.deliver(ctx, call))
}

// byPlugin returns the error of a listener with the name of its plugin, where errors are shown by their text alone.
func byPlugin(err error) error {
	e, ok := errors.AsType[*wire.Error](err)
	if !ok || e.Plugin == "" {
		return err
	}
	named := *e
	named.Message = By(e.Plugin) + ": " + e.Message
	if e.Hint != "" {
		named.Message += " (" + e.Hint + ")"
	}
	return &named
}

// ChannelMessage implements pluginhost.Host: there are no channels.
func (listener) ChannelMessage(context.Context, string, plugin.Client, json.RawMessage) error {
	return errNoChannels
}

// ChannelAllows implements pluginhost.Host.
func (listener) ChannelAllows(context.Context, string, plugin.Client, hmr.Direction) error {
	return errNoChannels
}

var errNoChannels = errors.New("plugins of a vite.config have no channels")

// Routes implements pluginhost.Host: there are none here.
func (listener) Routes(next, _ http.Handler) http.Handler { return next }

// Middleware implements pluginhost.Host: there is none here.
func (listener) Middleware(next, _ http.Handler) http.Handler { return next }

// clientInfo is an open page as Node knows it. Its ID is that of Page.
type clientInfo struct {
	ID      string `json:"id"`
	Address string `json:"address"`
}

type clientCall struct {
	Client clientInfo `json:"client"`
}

// eventCall is an event on its way to Node. Data holds what the page sent, nothing for an event without data.
type eventCall struct {
	Client clientInfo        `json:"client"`
	Event  string            `json:"event"`
	Data   []json.RawMessage `json:"data"`
}

func describe(c plugin.Client) clientInfo { return clientInfo{ID: clientID(c), Address: c.URL()} }

// clientID names a page with its user.
func clientID(c plugin.Client) string {
	if c.User() == "" {
		return c.ID()
	}
	return c.ID() + "/" + c.User()
}

// guests are the open pages, and the process that knows them. The zero value has no page and no process.
type guests struct {
	mu   sync.Mutex
	open []*guest // in the order in which they came; guarded by mu
	host *hosting // nil before the first process; guarded by mu
	// project is told of the events that plugins listen for, nil before there is one; guarded by mu.
	project Project
}

// serves notes the project that the plugins belong to.
func (h *Host) serves(p Project) {
	h.guests.mu.Lock()
	defer h.guests.mu.Unlock()
	h.guests.project = p
}

// listens tells the project for which events the plugins of a new process listen.
func (h *Host) listens(events []string) {
	h.guests.mu.Lock()
	p := h.guests.project
	h.guests.mu.Unlock()
	if p != nil {
		p.Listens(events)
	}
}

// guest is an open page.
type guest struct {
	plugin.Client
	id   string        // Node knows it by that
	told chan struct{} // closed when the process that ran as the page opened knows it
}

// hosting is a process that is told of pages.
type hosting struct {
	process
	met chan struct{} // closed when the process knows the pages that were open when it started
}

// receive tells a process that has just started of the open pages, in the background.
func (h *Host) receive(p process) {
	g := &h.guests
	now := &hosting{p, make(chan struct{})}
	g.mu.Lock()
	g.host = now
	open := slices.Clone(g.open)
	g.mu.Unlock()
	h.tasks.Go(func() {
		defer close(now.met)
		h.tellListening(h.o.Context, p)
		for _, c := range open {
			h.tellOf(p, "viteConnect", c)
		}
	})
}

// opened notes a page that has opened, and tells Node once after is closed, if Node runs. Else receive will tell it.
func (h *Host) opened(c plugin.Client, after <-chan struct{}) {
	g := &h.guests
	own := &guest{c, clientID(c), make(chan struct{})}
	g.mu.Lock()
	g.open = append(g.open, own)
	host := g.host
	g.mu.Unlock()
	h.tasks.Go(func() {
		defer close(own.told)
		if host != nil && h.await(after) && h.await(host.met) {
			h.tellOf(host.process, "viteConnect", own)
		}
	})
}

// closed notes that a page is gone, and tells Node. The channel is closed when Node knows.
func (h *Host) closed(c plugin.Client) <-chan struct{} {
	g := &h.guests
	g.mu.Lock()
	var gone []*guest
	g.open = slices.DeleteFunc(g.open, func(known *guest) bool {
		if known.ID() == c.ID() {
			gone = append(gone, known)
		}
		return known.ID() == c.ID()
	})
	host := g.host
	g.mu.Unlock()
	told := make(chan struct{})
	h.tasks.Go(func() {
		defer close(told)
		for _, c := range gone {
			if host != nil && h.await(c.told) && h.await(host.met) {
				h.tellOf(host.process, "viteDisconnect", c)
			}
		}
	})
	return told
}

// await waits until a channel is closed, and returns false when the project ends before. Nil counts as closed.
func (h *Host) await(closed <-chan struct{}) bool {
	if closed == nil {
		return true
	}
	select {
	case <-closed:
		return true
	case <-h.o.Context.Done():
		return false
	}
}

// tellOf tells a process of a page. A process that has ended need not know.
func (h *Host) tellOf(p process, method string, c *guest) {
	err := p.Call(h.o.Context, method, clientCall{describe(c)}, nil)
	if err != nil && !errors.Is(err, wire.ErrClosed) && h.o.Context.Err() == nil {
		h.o.Logger.Warn("a listener of a page that came or went failed", "plugin", PluginName, "error", byPlugin(err))
	}
}

// Page returns the open page that Node knows by that name, nil for a page that is gone or has another user by now.
func (h *Host) Page(client string) plugin.Client {
	if g := h.guest(client); g != nil {
		return g.Client
	}
	return nil
}

func (h *Host) guest(id string) *guest {
	h.guests.mu.Lock()
	defer h.guests.mu.Unlock()
	for _, c := range h.guests.open {
		if c.id == id {
			return c
		}
	}
	return nil
}

// deliver hands an event to the listeners in Node, and waits for a process if none runs. When the project has ended
// before that, the error says that no listener has run (wire.NotRun). An event that may have been handled is not
// repeated.
func (h *Host) deliver(ctx context.Context, e eventCall) error {
	for waited := false; ; {
		p, err := h.process(ctx)
		switch {
		case h.o.Context.Err() != nil:
			return wire.ErrUnsent // the next project's
		case errors.Is(err, ErrDown) && !waited:
			waited = true // but not for ever: the page may have events for others
			h.awaitStart(ctx)
			continue
		case err != nil:
			return err
		case !h.introduced(ctx, p, e.Client.ID):
			return ctx.Err()
		}
		if err := h.handOver(ctx, p, e); !wire.NotRun(err) {
			return err
		}
		select {
		case <-p.Exited():
			h.awaitChange(p)
		case <-h.o.Context.Done():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// handOver gives an event to a process, unless the project has ended: Vite may have closed then, and a listener that does
// nothing any more would lose the event.
func (h *Host) handOver(ctx context.Context, p process, e eventCall) error {
	defer h.handling.Begin()()
	if h.o.Context.Err() != nil {
		return wire.ErrUnsent
	}
	return p.Call(ctx, "viteEvent", e, nil)
}

// awaitStart waits until a process is about to start.
func (h *Host) awaitStart(ctx context.Context) {
	for l := &h.life; ; {
		l.mu.Lock()
		down, changed := l.down, l.changed
		l.mu.Unlock()
		if down <= patience {
			return
		}
		select {
		case <-changed:
		case <-h.o.Context.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}

// introduced waits until the process knows the open pages, and returns false when the context ends before. A process
// that was replaced meanwhile need not know them.
func (h *Host) introduced(ctx context.Context, p process, client string) bool {
	h.guests.mu.Lock()
	host := h.guests.host
	h.guests.mu.Unlock()
	if host == nil || host.process != p {
		return true
	}
	waits := []<-chan struct{}{host.met}
	if c := h.guest(client); c != nil {
		waits = append(waits, c.told)
	}
	for _, closed := range waits {
		select {
		case <-closed:
		case <-ctx.Done():
			return false
		case <-h.o.Context.Done(): // deliver looks at it
		}
	}
	return true
}
