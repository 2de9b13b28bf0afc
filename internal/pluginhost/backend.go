package pluginhost

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// Backend is the server as children use it.
type Backend interface {
	plugin.Server
	// SendOnChannel sends to those of the call's pages that listen to the channel, and returns how many pages missed it.
	SendOnChannel(to wire.SendCall) (missed int, err error)
	// WaitsFor reports a slow hook, while it runs.
	WaitsFor(w wire.WaitCall)
	// Page returns the open page of that ID. The errors are hmr.ErrClosed and hmr.ErrUserChanged: the page must have the
	// user, unless that is "".
	Page(id, user string) (plugin.Client, error)
	// Of returns the Backend of one child: what the child shows and handles ends with the child. Gone says that it
	// ended.
	Of(c *Child) Backend
	Gone()
}

// handler returns what answers the child's calls.
func (c *Child) handler() wire.Handler {
	own := c.methods()
	return func(ctx context.Context, method string, params json.RawMessage) (any, error) {
		if c.o.Handle == nil || own[method] != nil {
			return own.Handle(ctx, method, params)
		}
		return c.o.Handle(ctx, method, params)
	}
}

// methods returns the answers to the child's calls.
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

		"send":           answers(func(s wire.SendCall) (int, error) { missed, err := send(b, s); return missed, coded(err) }),
		"request":        wire.Method(func(ctx context.Context, r wire.RequestCall) (any, error) { return request(ctx, b, r) }),
		"waits":          does(func(w wire.WaitCall) error { b.WaitsFor(w); return nil }),
		"clients":        answers(func(which wire.ClientsCall) ([]wire.ClientInfo, error) { return clients(b, which), nil }),
		"rooms":          answers(func(any) ([]string, error) { return b.Rooms(), nil }),
		"join":           does(func(r wire.RoomCall) error { return coded(move(b, r, plugin.Client.Join)) }),
		"leave":          does(func(r wire.RoomCall) error { return coded(move(b, r, plugin.Client.Leave)) }),
		"disconnectUser": answers(func(d wire.DisconnectCall) (int, error) { return b.Disconnect(d.User, d.Reason) }),

		"showError":   does(func(e wire.ErrorCall) error { return b.ShowError(e.Key, plugin.ErrorOf(e.Error)) }),
		"clearError":  does(func(e wire.ErrorCall) error { return b.ClearError(e.Key) }),
		"reloadPages": does(func(r wire.ReloadCall) error { return coded(reloadPages(b, r)) }),
		"handle":      does(func(h wire.HandleCall) error { return c.handle(b, h) }),
		"unhandle":    does(c.unhandle),

		"urls":    answers(func(any) ([]string, error) { return b.URLs(), nil }),
		"restart": does(b.Restart),

		"modules":    answers(func(any) ([]string, error) { return b.Modules() }),
		"importers":  answers(b.Importers),
		"invalidate": does(b.Invalidate),
		"reload":     does(b.Reload),
		"moduleInfo": answers(b.ModuleInfo),
		"resolve": wire.Method(func(ctx context.Context, r wire.ResolveCall) (any, error) {
			return b.Resolve(ctx, r.Specifier, r.Importer)
		}),
		"load":           wire.Method(func(ctx context.Context, id string) (any, error) { return b.Load(ctx, id) }),
		"waitForModules": func(ctx context.Context, _ json.RawMessage) (any, error) { return nil, b.WaitForModules(ctx) },

		"route.part": does(func(p wire.RoutePart) error { return c.stream(p.Stream).write(p) }),
		"route.next": wire.Method(c.passOn),
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

// send sends to pages, and returns how many of them missed the message.
func send(b Backend, s wire.SendCall) (missed int, err error) {
	if s.Channel != "" {
		return b.SendOnChannel(s)
	}
	data := s.Data // hmr.NoData when there is none
	switch {
	case s.All && s.Try:
		return b.TryBroadcast(s.Event, data)
	case s.All:
		return 0, b.Broadcast(s.Event, data)
	case s.Client != "":
		page, err := b.Page(s.Client, s.User)
		if err != nil {
			return 0, err
		}
		if s.Try {
			return 0, page.TrySend(s.Event, data)
		}
		return 0, page.Send(s.Event, data)
	case s.User != "":
		return 0, b.SendToUser(s.User, s.Event, data)
	default:
		return 0, b.SendToRoom(s.Room, s.Event, data)
	}
}

// request asks a page. The page's own error is part of the answer, since the page chooses the code.
func request(ctx context.Context, b Backend, r wire.RequestCall) (wire.RequestAnswer, error) {
	page, err := b.Page(r.Client, r.User)
	if err != nil {
		return wire.RequestAnswer{}, coded(err)
	}
	return Request(ctx, page, r)
}

// Request asks a page for a program of plugins.
func Request(ctx context.Context, page plugin.Client, r wire.RequestCall) (wire.RequestAnswer, error) {
	if r.Timeout > 0 {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, time.Duration(r.Timeout)*time.Millisecond)
		defer cancel()
	}
	data, err := page.Request(ctx, r.Event, r.Data)
	if own, ok := errors.AsType[*hmr.Error](err); ok {
		return wire.RequestAnswer{Error: &wire.Error{Code: own.Code, Message: own.Message, Path: own.Path}}, nil
	}
	return wire.RequestAnswer{Data: data}, coded(err)
}

// reloadPages reloads the pages of a call.
func reloadPages(b Backend, r wire.ReloadCall) error {
	if r.Client == "" {
		return b.ReloadPages(r.Path, r.Reason)
	}
	page, err := b.Page(r.Client, r.User)
	if err != nil {
		return err
	}
	return b.ReloadPage(page, r.Reason)
}

// handle adds a handler of the child, and unhandle removes it.
func (c *Child) handle(b Backend, h wire.HandleCall) error {
	off, err := b.Handle(plugin.EventOf(h.Plugin, h.Event))
	if err == nil {
		c.handled.Store(h.Number, off)
	}
	return err
}

func (c *Child) unhandle(number uint64) error {
	if off, known := c.handled.LoadAndDelete(number); known {
		off.(func())()
	}
	return nil
}

// move lets a page into a room or out of it.
func move(b Backend, r wire.RoomCall, how func(plugin.Client, string) error) error {
	page, err := b.Page(r.Client, r.User)
	if err != nil {
		return err
	}
	return how(page, r.Room)
}

// coded gives the errors that plugins can tell apart their codes.
func coded(err error) error {
	for known, code := range map[error]string{
		hmr.ErrClosed: wire.PageGone, hmr.ErrUserChanged: wire.UserChanged, hmr.ErrBehind: wire.PageBehind,
	} {
		if errors.Is(err, known) {
			return &wire.Error{Code: code, Message: err.Error()}
		}
	}
	return err
}
