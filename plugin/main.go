package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// Main runs the plugins as devserver's child: it talks over stdin and stdout until the server closes them, then
// returns. What the program prints goes to stderr, which devserver shows. Started by hand it says so and exits.
func Main(plugins ...Plugin) {
	if os.Getenv("DEVSERVER_PLUGIN_HOST") == "" {
		fmt.Fprintln(os.Stderr, "This program holds plugins of devserver. Run devserver in the folder above: it builds and starts this one.")
		os.Exit(2)
	}
	in, out := os.Stdin, os.Stdout
	// A stray fmt.Println must not break the frames, nor what reads from the terminal take some away.
	os.Stdout = os.Stderr
	os.Stdin, _ = os.Open(os.DevNull) // nil on failure: reading it is an error then, which is as good
	log.SetFlags(0)
	c := &child{root: os.Getenv("DEVSERVER_ROOT")}
	host, err := NewRunner(plugins, c)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	c.host = host
	c.conn = wire.New(&lifeline{in}, out, c.handle)
	go func() {
		if err := host.Start(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		_ = c.conn.Notify("hello", wire.Hello{Protocol: wire.Protocol, Info: host.Info()}) // the server is gone: Run returns
	}()
	if err := c.conn.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "lost the server:", err)
		os.Exit(1)
	}
	if err := host.Stop(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err) // devserver shows it
	}
}

// lastGrace is how long a child may go on after the server has closed its input, or is gone. The server itself waits
// less; this is for one that was killed.
const lastGrace = 5 * time.Second

// lifeline ends the process some time after the input has ended, whatever its handlers do.
type lifeline struct{ r io.Reader }

func (l *lifeline) Read(b []byte) (int, error) {
	n, err := l.r.Read(b)
	if err != nil {
		time.AfterFunc(lastGrace, func() { os.Exit(1) })
	}
	return n, err
}

// child is the server as plugins of a child see it.
type child struct {
	root string
	host *Runner
	conn *wire.Conn
}

func (c *child) handle(ctx context.Context, method string, params json.RawMessage) (any, error) {
	switch method {
	case "event":
		return answer(params, func(a wire.EventCall) (any, error) {
			return c.host.Event(ctx, a.Plugin, a.Event, a.Request, &remote{c, a.Client}, a.Data)
		})
	case "channel":
		return answer(params, func(a wire.ChannelCall) (any, error) {
			if a.Direction != "" {
				return nil, c.host.ChannelAllows(ctx, a.Channel, &remote{c, a.Client}, hmr.Direction(a.Direction))
			}
			return nil, c.host.ChannelMessage(ctx, a.Channel, &remote{c, a.Client}, a.Data)
		})
	case "connect":
		return answer(params, func(a wire.ClientCall) (any, error) { return nil, c.host.Connect(ctx, &remote{c, a.Client}) })
	case "disconnect":
		return answer(params, func(a wire.ClientCall) (any, error) { return nil, c.host.Disconnect(ctx, &remote{c, a.Client}) })
	case "identified":
		return answer(params, func(a wire.ClientCall) (any, error) { return nil, c.host.Identified(ctx, &remote{c, a.Client}) })
	case "identify":
		return answer(params, func(a wire.IdentifyCall) (any, error) { return c.identify(ctx, a) })
	case "resolveID":
		return answer(params, func(a ResolveArgs) (any, error) { return c.host.ResolveID(ctx, a) })
	case "load":
		return answer(params, func(a LoadArgs) (any, error) { return c.host.Load(ctx, a) })
	case "transform":
		return answer(params, func(a TransformArgs) (any, error) { return c.host.Transform(ctx, a) })
	case "transformHTML":
		return answer(params, func(a TransformHTMLArgs) (any, error) { return c.host.TransformHTML(ctx, a) })
	case "hotUpdate":
		return answer(params, func(a HotUpdateArgs) (any, error) { return c.host.HotUpdate(ctx, a) })
	case "route":
		return answer(params, func(a wire.RouteCall) (any, error) { return nil, c.route(ctx, a) })
	case "ping":
		return nil, nil
	default:
		return nil, fmt.Errorf("unknown method %q", method)
	}
}

func answer[A any](params json.RawMessage, fn func(A) (any, error)) (any, error) {
	var a A
	if err := json.Unmarshal(params, &a); err != nil {
		return nil, fmt.Errorf("decode params: %w", err)
	}
	return fn(a)
}

// identify makes the request that plugins see of what has come of it.
func (c *child) identify(ctx context.Context, a wire.IdentifyCall) (string, error) {
	u := &url.URL{Path: a.Path}
	if a.Header == nil {
		a.Header = http.Header{}
	}
	return c.host.Identify(ctx, &http.Request{
		Method: a.Method, URL: u, RequestURI: u.EscapedPath(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.Header, Body: http.NoBody, Host: a.Host, RemoteAddr: a.RemoteAddr,
	})
}

func (c *child) Root() string         { return c.root }
func (c *child) Logger() *slog.Logger { return slog.New(slog.NewTextHandler(os.Stderr, nil)) }

func (c *child) call(method string, params, result any) error {
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	err := c.conn.Call(ctx, method, params, result)
	if own, ok := errors.AsType[*wire.Error](err); ok {
		return errors.New(own.Message) // what the server says is no error of this plugin's own
	}
	return err
}

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
		return nil // as Clients
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

func (c *child) send(to wire.SendCall, data any) error {
	if data != nil {
		text, err := json.Marshal(data)
		if err != nil {
			return fmt.Errorf("send event %q: %w", to.Event, err)
		}
		to.Data = text
	}
	return c.conn.Notify("send", to)
}

func (c *child) Broadcast(event string, data any) error {
	return c.send(wire.SendCall{All: true, Event: event}, data)
}

func (c *child) SendToUser(user, event string, data any) error {
	if user == "" {
		return errors.New("send to user: no user is named; Broadcast reaches everybody")
	}
	return c.send(wire.SendCall{User: user, Event: event}, data)
}

func (c *child) SendToRoom(room, event string, data any) error {
	if room == "" {
		return errors.New("send to room: it has no name")
	}
	return c.send(wire.SendCall{Room: room, Event: event}, data)
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

// SendOnChannel implements ChannelServer.
func (c *child) SendOnChannel(to wire.SendCall) error { return c.conn.Notify("send", to) }

// WaitsFor implements WaitServer.
func (c *child) WaitsFor(w wire.WaitCall) { _ = c.conn.Notify("waits", w) } // it is gone: nobody waits

func (c *child) Invalidate(id string) error { return c.call("invalidate", id, nil) }

func (c *child) Reload(id string) error { return c.call("reload", id, nil) }

// remote is a page as plugins of a child see it.
type remote struct {
	*child
	info wire.ClientInfo
}

func (r *remote) ID() string        { return r.info.ID }
func (r *remote) URL() string       { return r.info.URL }
func (r *remote) UserAgent() string { return r.info.UserAgent }
func (r *remote) User() string      { return r.info.User }
func (r *remote) Send(event string, data any) error {
	return r.send(wire.SendCall{Client: r.info.ID, Event: event}, data)
}

func (r *remote) Join(room string) error {
	return r.call("join", wire.RoomCall{Client: r.info.ID, Room: room}, nil)
}
func (r *remote) Leave(room string) error {
	return r.call("leave", wire.RoomCall{Client: r.info.ID, Room: room}, nil)
}
