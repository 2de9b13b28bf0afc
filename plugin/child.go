package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// child is the server for plugins in a child, at the child's end of the connection.
type child struct {
	settings
	runner  *Runner
	conn    *wire.Conn
	stopped sync.Once
	sending chan struct{} // has an element for each send that waits for the server
	handled atomic.Uint64 // number of the last handler that was added
}

// mostSending bounds the sends that wait for the server at the same time. Each takes memory there.
const mostSending = 256

// stop stops the plugins and waits for that. The server asks for it, so that Stop hooks can still use the server. A
// server that was killed does not.
func (c *child) stop() {
	c.stopped.Do(func() {
		if err := c.runner.Stop(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err) // devserver shows it
		}
	})
}

// methods returns the answers to the server's calls.
func (c *child) methods() wire.Methods {
	m := wire.Methods{
		"event": wire.Method(func(ctx context.Context, a wire.EventCall) (any, error) {
			answer, err := c.runner.Event(ctx, a.Plugin, a.Event, a.Request, &remote{c, a.Client}, a.Data)
			if err != nil {
				return nil, err
			}
			return hmr.EncodeData(answer)
		}),
		"channel": wire.Method(func(ctx context.Context, a wire.ChannelCall) (any, error) {
			if a.Direction != "" {
				return nil, c.runner.ChannelAllows(ctx, a.Channel, &remote{c, a.Client}, hmr.Direction(a.Direction))
			}
			return nil, c.runner.ChannelMessage(ctx, a.Channel, &remote{c, a.Client}, a.Data)
		}),
		"route":      wire.Method(func(ctx context.Context, a wire.RouteCall) (any, error) { return nil, c.route(ctx, a) }),
		"middleware": wire.Method(func(ctx context.Context, a wire.RouteCall) (any, error) { return nil, c.middleware(ctx, a) }),
		"ping":       func(context.Context, json.RawMessage) (any, error) { return nil, nil },
		"stop":       func(context.Context, json.RawMessage) (any, error) { c.stop(); return nil, nil },
	}
	for _, hook := range hookFields {
		m[hook.name()] = func(ctx context.Context, params json.RawMessage) (any, error) {
			return hook.answer(ctx, c, params)
		}
	}
	return m
}

// received decodes the args of a hook. Pages and requests cross as descriptions, see crossing in package pluginhost.
func received[A any](c *child, params json.RawMessage) (args A, err error) {
	switch to := any(&args).(type) {
	case *Client:
		var call wire.ClientCall
		err = json.Unmarshal(params, &call)
		*to = &remote{c, call.Client}
	case **http.Request:
		var call wire.IdentifyCall
		err = json.Unmarshal(params, &call)
		*to = identifyRequest(call)
	default:
		err = json.Unmarshal(params, &args)
	}
	if err != nil {
		return args, fmt.Errorf("decode params: %w", err)
	}
	return args, nil
}

// identifyRequest makes a request from its description.
func identifyRequest(a wire.IdentifyCall) *http.Request {
	u := &url.URL{Path: a.Path}
	if a.Header == nil {
		a.Header = http.Header{}
	}
	return &http.Request{
		Method: a.Method, URL: u, RequestURI: u.EscapedPath(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.Header, Body: http.NoBody, Host: a.Host, RemoteAddr: a.RemoteAddr,
	}
}

// settings are what the server says to a child in its environment.
type settings struct{ root, base, mode string }

func (s settings) Root() string { return s.root }
func (s settings) Base() string { return s.base }
func (s settings) Mode() string { return s.mode }

func (c *child) Logger() *slog.Logger { return slog.New(slog.NewTextHandler(os.Stderr, nil)) }

func (c *child) call(method string, params, result any) error {
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	return ofServer(c.conn.Call(ctx, method, params, result))
}

// errNoServer is the error of calls that find no server.
var errNoServer = errors.New("the server has ended this program or is gone")

// ofServer returns the error of a call of the server as plugins see it.
func ofServer(err error) error {
	if errors.Is(err, wire.ErrClosed) {
		return errNoServer
	}
	own, ok := errors.AsType[*wire.Error](err)
	if !ok {
		return err
	}
	switch own.Code {
	case wire.PageGone:
		return hmr.ErrClosed
	case wire.UserChanged:
		return hmr.ErrUserChanged
	case wire.PageBehind:
		return hmr.ErrBehind
	}
	return errors.New(own.Message) // a wire.Error here would count as the plugin's own
}

func (c *child) URLs() (urls []string) {
	if err := c.call("urls", struct{}{}, &urls); err != nil {
		return nil // no server, no addresses
	}
	return urls
}

func (c *child) Restart(reason string) error { return c.call("restart", reason, nil) }

func (c *child) Clients() []Client { return c.clients(wire.ClientsCall{}) }

func (c *child) ClientsIn(room string) []Client {
	if room == "" {
		return nil
	}
	return c.clients(wire.ClientsCall{Room: room})
}

func (c *child) Rooms() []string {
	var names []string
	if err := c.call("rooms", struct{}{}, &names); err != nil {
		return nil // no server, no rooms
	}
	return names
}

func (c *child) clients(which wire.ClientsCall) []Client {
	var infos []wire.ClientInfo
	if err := c.call("clients", which, &infos); err != nil {
		return nil // no server, no clients
	}
	list := make([]Client, len(infos))
	for i, info := range infos {
		list[i] = &remote{c, info}
	}
	return list
}

// send sends an event, and waits until the server has queued it for all pages.
func (c *child) send(to wire.SendCall, data any) (missed int, err error) {
	if to.Data, err = hmr.EncodeData(data); err != nil {
		return 0, fmt.Errorf("send event %q: %w", to.Event, err)
	}
	return c.SendOnChannel(to)
}

// SendOnChannel implements channelServer. It has no limit of time: the server waits for pages as long as they take what
// they are sent, and answers when it ends this program.
func (c *child) SendOnChannel(to wire.SendCall) (missed int, err error) {
	c.sending <- struct{}{}
	defer func() { <-c.sending }()
	err = c.conn.Call(context.Background(), "send", to, &missed)
	return missed, ofServer(err)
}

func (c *child) Broadcast(event string, data any) error {
	_, err := c.send(wire.SendCall{All: true, Event: event}, data)
	return err
}

func (c *child) TryBroadcast(event string, data any) (missed int, err error) {
	return c.send(wire.SendCall{All: true, Try: true, Event: event}, data)
}

func (c *child) SendToUser(user, event string, data any) error {
	if user == "" {
		return errors.New("send to user: no user is named; Broadcast reaches everybody")
	}
	_, err := c.send(wire.SendCall{User: user, Event: event}, data)
	return err
}

func (c *child) SendToRoom(room, event string, data any) error {
	if room == "" {
		return errors.New("send to room: it has no name")
	}
	_, err := c.send(wire.SendCall{Room: room, Event: event}, data)
	return err
}

func (c *child) Notify(user string, n hmr.Notification) error {
	if user == "" {
		return c.Broadcast(hmr.NotificationEvent, n)
	}
	return c.SendToUser(user, hmr.NotificationEvent, n)
}

func (c *child) Disconnect(user, reason string) (pages int, err error) {
	err = c.call("disconnectUser", wire.DisconnectCall{User: user, Reason: reason}, &pages)
	return pages, err
}

func (c *child) Modules() (ids []string, err error) {
	err = c.call("modules", struct{}{}, &ids)
	return ids, err
}

func (c *child) Importers(id string) (ids []string, err error) {
	err = c.call("importers", id, &ids)
	return ids, err
}

// WaitsFor implements waitServer.
func (c *child) WaitsFor(w wire.WaitCall) { _ = c.conn.Notify("waits", w) } // fails when no server waits

func (c *child) Invalidate(id string) error { return c.call("invalidate", id, nil) }

func (c *child) Reload(id string) error { return c.call("reload", id, nil) }

// remote is an open page for plugins in a child.
type remote struct {
	*child
	info wire.ClientInfo
}

func (r *remote) ID() string        { return r.info.ID }
func (r *remote) URL() string       { return r.info.URL }
func (r *remote) UserAgent() string { return r.info.UserAgent }
func (r *remote) User() string      { return r.info.User }

func (r *remote) Send(event string, data any) error {
	_, err := r.send(wire.SendCall{Client: r.info.ID, User: r.info.User, Event: event}, data)
	return err
}

func (r *remote) TrySend(event string, data any) error {
	_, err := r.send(wire.SendCall{Client: r.info.ID, User: r.info.User, Try: true, Event: event}, data)
	return err
}

func (r *remote) Join(room string) error {
	return r.call("join", wire.RoomCall{Client: r.info.ID, User: r.info.User, Room: room}, nil)
}

func (r *remote) Leave(room string) error {
	return r.call("leave", wire.RoomCall{Client: r.info.ID, Room: room}, nil)
}
