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

// Protocol is the version of what is said between server and child; both must have the same.
const Protocol = 1

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
	host, err := NewHost(plugins, c)
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
		_ = c.conn.Notify("hello", Hello{Protocol: Protocol, Info: host.Info()}) // the server is gone: Run returns
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

// Hello is the first notice of a child.
type Hello struct {
	Protocol int  `json:"protocol"`
	Info     Info `json:"info"`
}

// EventCall hands a page's event to a child.
type EventCall struct {
	Plugin  string          `json:"plugin,omitempty"`
	Event   string          `json:"event,omitempty"`
	Request bool            `json:"request,omitempty"`
	Client  ClientInfo      `json:"client"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// ClientInfo describes a page to a child.
type ClientInfo struct {
	ID        string `json:"id"`
	URL       string `json:"url,omitempty"`
	UserAgent string `json:"userAgent,omitempty"`
	User      string `json:"user,omitempty"`
}

// IdentifyCall asks whose request it is. It has no query, and no body.
type IdentifyCall struct {
	Method     string      `json:"method"`
	Path       string      `json:"path"`
	Host       string      `json:"host"`
	RemoteAddr string      `json:"remoteAddr,omitempty"`
	Header     http.Header `json:"header"`
}

// DisconnectCall ends the sessions of a user's pages.
type DisconnectCall struct {
	User   string `json:"user"`
	Reason string `json:"reason,omitempty"`
}

// WaitCall tells that a hook takes long, and of the module or file that it is about.
type WaitCall struct {
	Plugin string `json:"plugin"`
	Hook   string `json:"hook"`
	ID     string `json:"id,omitempty"`
}

// ClientsCall asks for the pages that are open, or for those in the room if one is named.
type ClientsCall struct {
	Room string `json:"room,omitempty"`
}

// RoomCall lets a page into a room, or out of it.
type RoomCall struct {
	Client string `json:"client"`
	Room   string `json:"room"`
}

// SendCall is what a child sends to pages: to one client, one user, one room, or all; with Channel to those of them that
// listen to it, and with Retain also to those that listen later.
type SendCall struct {
	Channel string          `json:"channel,omitempty"`
	Retain  bool            `json:"retain,omitempty"`
	Client  string          `json:"client,omitempty"`
	User    string          `json:"user,omitempty"`
	Room    string          `json:"room,omitempty"`
	All     bool            `json:"all,omitempty"`
	Event   string          `json:"event,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// ChannelCall hands a page's message on a channel to a child, or with a Direction asks for permission.
type ChannelCall struct {
	Channel   string          `json:"channel"`
	Direction hmr.Direction   `json:"direction,omitempty"`
	Client    ClientInfo      `json:"client"`
	Data      json.RawMessage `json:"data,omitempty"`
}

// RouteCall is an HTTP request for a route of a child. Stream names it in what is asked about it while it runs: the
// child reads the request's body by RouteRead and writes the answer by RoutePart. Each waits for its answer before the
// next, so whoever is slower sets the pace and nothing piles up in between.
type RouteCall struct {
	Stream        uint64      `json:"stream"`
	Method        string      `json:"method"`
	URL           string      `json:"url"`
	Host          string      `json:"host"`
	RemoteAddr    string      `json:"remoteAddr,omitempty"`
	Header        http.Header `json:"header"`
	ContentLength int64       `json:"contentLength,omitempty"` // -1 = unknown
}

// RouteRead asks for at most Max bytes of the request's body.
type RouteRead struct {
	Stream uint64 `json:"stream"`
	Max    int    `json:"max"`
}

// RouteData answers a RouteRead.
type RouteData struct {
	Body []byte `json:"body,omitempty"`
	End  bool   `json:"end,omitempty"`
}

// RoutePart is a part of the answer to a RouteCall: the head (Status is set), bytes of the body, or both. Flush sends
// on what there is.
type RoutePart struct {
	Stream uint64      `json:"stream"`
	Status int         `json:"status,omitempty"`
	Header http.Header `json:"header,omitempty"`
	Body   []byte      `json:"body,omitempty"`
	Flush  bool        `json:"flush,omitempty"`
}

// child is the server as plugins of a child see it.
type child struct {
	root string
	host *Host
	conn *wire.Conn
}

func (c *child) handle(ctx context.Context, method string, params json.RawMessage) (any, error) {
	switch method {
	case "event":
		return answer(params, func(a EventCall) (any, error) {
			return c.host.Event(ctx, a.Plugin, a.Event, a.Request, &remote{c, a.Client}, a.Data)
		})
	case "channel":
		return answer(params, func(a ChannelCall) (any, error) {
			if a.Direction != "" {
				return nil, c.host.ChannelAllows(ctx, a.Channel, &remote{c, a.Client}, a.Direction)
			}
			return nil, c.host.ChannelMessage(ctx, a.Channel, &remote{c, a.Client}, a.Data)
		})
	case "connect":
		return answer(params, func(a EventCall) (any, error) { return nil, c.host.Connect(ctx, &remote{c, a.Client}) })
	case "disconnect":
		return answer(params, func(a EventCall) (any, error) { return nil, c.host.Disconnect(ctx, &remote{c, a.Client}) })
	case "identified":
		return answer(params, func(a EventCall) (any, error) { return nil, c.host.Identified(ctx, &remote{c, a.Client}) })
	case "identify":
		return answer(params, func(a IdentifyCall) (any, error) { return c.identify(ctx, a) })
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
		return answer(params, func(a RouteCall) (any, error) { return nil, c.route(ctx, a) })
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
func (c *child) identify(ctx context.Context, a IdentifyCall) (string, error) {
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

func (c *child) Clients() []Client { return c.clients(ClientsCall{}) }

func (c *child) ClientsIn(room string) []Client {
	if room == "" {
		return nil
	}
	return c.clients(ClientsCall{Room: room})
}

func (c *child) Rooms() []string {
	var names []string
	if err := c.call("rooms", struct{}{}, &names); err != nil {
		return nil // as Clients
	}
	return names
}

func (c *child) clients(which ClientsCall) []Client {
	var infos []ClientInfo
	if err := c.call("clients", which, &infos); err != nil {
		return nil // no server, no clients
	}
	list := make([]Client, len(infos))
	for i, info := range infos {
		list[i] = &remote{c, info}
	}
	return list
}

func (c *child) send(to SendCall, data any) error {
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
	return c.send(SendCall{All: true, Event: event}, data)
}

func (c *child) SendToUser(user, event string, data any) error {
	if user == "" {
		return errors.New("send to user: no user is named; Broadcast reaches everybody")
	}
	return c.send(SendCall{User: user, Event: event}, data)
}

func (c *child) SendToRoom(room, event string, data any) error {
	if room == "" {
		return errors.New("send to room: it has no name")
	}
	return c.send(SendCall{Room: room, Event: event}, data)
}

func (c *child) Notify(user string, n hmr.Notification) error {
	if user == "" {
		return c.Broadcast(hmr.NotificationEvent, n)
	}
	return c.SendToUser(user, hmr.NotificationEvent, n)
}

func (c *child) Disconnect(user, reason string) (pages int, err error) {
	err = c.call("disconnectUser", DisconnectCall{user, reason}, &pages)
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
func (c *child) SendOnChannel(to SendCall) error { return c.conn.Notify("send", to) }

// WaitsFor implements WaitServer.
func (c *child) WaitsFor(w WaitCall) { _ = c.conn.Notify("waits", w) } // it is gone: nobody waits

func (c *child) Invalidate(id string) error { return c.call("invalidate", id, nil) }

func (c *child) Reload(id string) error { return c.call("reload", id, nil) }

// remote is a page as plugins of a child see it.
type remote struct {
	*child
	info ClientInfo
}

func (r *remote) ID() string        { return r.info.ID }
func (r *remote) URL() string       { return r.info.URL }
func (r *remote) UserAgent() string { return r.info.UserAgent }
func (r *remote) User() string      { return r.info.User }
func (r *remote) Send(event string, data any) error {
	return r.send(SendCall{Client: r.info.ID, Event: event}, data)
}

func (r *remote) Join(room string) error  { return r.call("join", RoomCall{r.info.ID, room}, nil) }
func (r *remote) Leave(room string) error { return r.call("leave", RoomCall{r.info.ID, room}, nil) }
