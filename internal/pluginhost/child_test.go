package pluginhost_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// TestMain makes the test's program the child as well, which runs the plugins below without a build.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv("DEVSERVER_PLUGIN_HOST") != "":
		runChild()
	case os.Getenv("TEST_SERVER") != "":
		runServer()
	default:
		os.Exit(m.Run())
	}
}

func runChild() {
	switch os.Getenv("TEST_CHILD") {
	case "garbage":
		fmt.Println("Listening on port 3000")
		time.Sleep(time.Hour)
	case "hooks":
		plugin.Main(hookPlugin("a"), hookPlugin("b"))
		return
	case "server":
		plugin.Main(serverPlugin())
		return
	case "modules":
		plugin.Main(modulesPlugin("a"), modulesPlugin("b"))
		return
	case "silent":
		fmt.Fprintln(os.Stderr, "no config")
		os.Exit(1)
	case "old":
		c := wire.New(os.Stdin, os.Stdout, func(context.Context, string, json.RawMessage) (any, error) { return nil, nil })
		_ = c.Notify("hello", wire.Hello{Protocol: wire.Protocol + 1})
		_ = c.Run()
		os.Exit(0)
	}
	plugin.Main(testPlugin())
}

var board = plugin.NewChannel[hmr.BroadcastOnly, int]("test", "test", "board")

var (
	cartState = plugin.NewPageRequest[plugin.None, struct{ N int }]("state")
	cartClear = plugin.NewPageRequest[string, plugin.None]("clear")
)

func testPlugin() plugin.Plugin {
	var server plugin.Server
	return plugin.Plugin{
		Name:     "test",
		Channels: []plugin.AnyChannel{board}, Middleware: testMiddleware(),
		Asks:  []plugin.AnyPageRequest{cartState, cartClear},
		Start: func(_ context.Context, s plugin.Server) error { server = s; return nil },
		Events: []plugin.Event{
			plugin.On("echo", func(_ context.Context, c plugin.Client, in int) error { return c.Send("echoed", in) }),
			plugin.On("all", func(_ context.Context, c plugin.Client, in string) error { return c.Broadcast("told", in) }),
			plugin.On("user", func(_ context.Context, c plugin.Client, in string) error { return c.SendToUser(in, "told", c.URL()) }),
			plugin.On("join", func(_ context.Context, c plugin.Client, room string) error {
				if err := c.Join(room); err != nil {
					return err
				}
				return c.SendToRoom(room, "in", server.ClientsIn(room)[0].ID())
			}),
			plugin.Handle("flood", func(_ context.Context, c plugin.Client, n int) (int, error) {
				for i := range n {
					if err := c.Broadcast("told", i); err != nil {
						return i, err
					}
				}
				return n, nil
			}),
			plugin.Handle("ask", func(ctx context.Context, c plugin.Client, event string) ([]any, error) {
				answer, err := plugin.Request[struct{ N int }](ctx, c, event, 7)
				code := ""
				if e, ok := errors.AsType[*hmr.Error](err); ok {
					code = e.Code + " at " + e.Path
				}
				return []any{answer.N, code, errors.Is(err, hmr.ErrClosed), fmt.Sprint(err)}, nil
			}),
			plugin.Handle("declared", func(ctx context.Context, c plugin.Client, _ any) (string, error) {
				state, err := cartState.Ask(ctx, c, plugin.None{})
				_, failed := cartClear.Ask(ctx, c, "all")
				return fmt.Sprint(state, err, failed), nil
			}),
			plugin.Handle("try", func(_ context.Context, c plugin.Client, _ any) (string, error) {
				missed, err := server.TryBroadcast("told", 1)
				n, errOn := board.TryBroadcast(2)
				return fmt.Sprint(missed, err, n, errOn, errors.Is(c.TrySend("x", nil), hmr.ErrBehind)), nil
			}),
			plugin.Handle("errors", func(_ context.Context, c plugin.Client, _ any) ([]bool, error) {
				err, joined := c.Send("x", nil), c.Join("hall")
				return []bool{
					errors.Is(err, hmr.ErrClosed), errors.Is(err, hmr.ErrUserChanged),
					errors.Is(joined, hmr.ErrClosed), errors.Is(joined, hmr.ErrUserChanged),
				}, nil
			}),
			plugin.Handle("part", func(_ context.Context, c plugin.Client, room string) (int, error) { return 0, c.Leave(room) }),
			plugin.Handle("who", func(_ context.Context, c plugin.Client, _ any) (string, error) {
				return fmt.Sprint(c.ID(), " ", c.URL(), " ", c.UserAgent(), " ", c.User(), " ", len(server.Clients()), " ", server.Root()), nil
			}),
			plugin.Handle("graph", func(context.Context, plugin.Client, any) ([]string, error) {
				ids, err := server.Modules()
				if err != nil {
					return nil, err
				}
				above, err := server.Importers(ids[0])
				return append(ids, above...), errors.Join(err, server.Reload("/nothing"))
			}),
			plugin.Handle("users", func(context.Context, plugin.Client, any) (string, error) {
				n, err := server.Disconnect("bob", "revoked")
				err = errors.Join(err, server.Notify("ann", hmr.Notification{Title: "hi"}), server.Notify("", hmr.Notification{Title: "all"}))
				if server.SendToUser("", "x", nil) == nil {
					err = errors.New("what is for nobody was sent")
				}
				return fmt.Sprint(n, server.Rooms()), err
			}),
			plugin.Handle("sum", func(_ context.Context, _ plugin.Client, in struct{ A, B int }) (int, error) { return in.A + in.B, nil }).Describe("Adds"),
			plugin.Handle("print", func(context.Context, plugin.Client, any) (string, error) {
				fmt.Println("a stray print \x1b[31mred\x1b[0m\x07")
				text, err := io.ReadAll(os.Stdin)
				return string(text), err
			}),
			plugin.Handle("fail", func(context.Context, plugin.Client, any) (int, error) {
				return 0, &hmr.Error{Code: "own", Message: "own message"}
			}),
			plugin.Handle("panic", func(context.Context, plugin.Client, any) (int, error) { panic("on purpose") }),
			plugin.Handle("exit", func(context.Context, plugin.Client, any) (int, error) {
				fmt.Fprintln(os.Stderr, "last words")
				os.Exit(3)
				return 0, nil
			}),
			plugin.Handle("wait", func(ctx context.Context, c plugin.Client, ms int) (string, error) {
				if err := c.Send("waiting", nil); err != nil {
					return "", err
				}
				select {
				case <-ctx.Done():
					_ = c.Send("cancelled", nil)
					return "", ctx.Err()
				case <-time.After(time.Duration(ms) * time.Millisecond):
					return "done", nil
				}
			}),
			plugin.Handle("leave", func(context.Context, plugin.Client, any) (int, error) {
				cmd := exec.Command("sleep", "1000")
				cmd.Stderr = os.Stderr // as a watcher would that a plugin starts
				if err := cmd.Start(); err != nil {
					return 0, err
				}
				return cmd.Process.Pid, nil
			}),
		},
		Identify: func(r *http.Request) (string, error) {
			switch c, err := r.Cookie("session"); {
			case err != nil:
				return "", nil
			case c.Value == "broken":
				return "", errors.New("the session is broken")
			case c.Value == "hangs":
				<-r.Context().Done()
				return "late", nil
			default:
				return fmt.Sprint(c.Value, " at ", r.Method, " ", r.Host, r.URL, " from ", r.RemoteAddr), nil
			}
		},
		Identified: func(_ context.Context, c plugin.Client) { _ = c.Send("hi again", c.User()) },
		Connect:    func(_ context.Context, c plugin.Client) { _ = c.Send("hi", c.ID()) },
		Disconnect: func(_ context.Context, c plugin.Client) { _ = c.Broadcast("bye", c.ID()) },
		Filter:     plugin.Filter{Prefixes: []string{"virtual:"}},
		Load: func(_ context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
			return &plugin.LoadResult{Code: "export default " + strconv.Quote(a.ID)}, nil
		},
		Routes: testRoutes(),
		Stop: func(context.Context) error {
			fmt.Fprintln(os.Stderr, "the test plugin stops, of", len(server.Clients()), "pages", server.Broadcast("stops", nil))
			return nil
		},
	}
}

// backend is a server that records the calls of plugins.
type backend struct {
	root   string
	sent   chan string
	behind sync.RWMutex      // locked while pages are behind
	hosts  *pluginhost.Hosts // asked by Resolve, nil for none
}

func newBackend(t testing.TB) *backend {
	return &backend{root: t.TempDir(), sent: make(chan string, 100_000)}
}

func (b *backend) note(to, event string, data any) error {
	text, err := json.Marshal(data)
	select {
	case b.sent <- fmt.Sprintf("%s %s %s", to, event, text):
	default:
	}
	return err
}

func (b *backend) Root() string             { return b.root }
func (b *backend) Base() string             { return "/" }
func (b *backend) Mode() string             { return "test" }
func (b *backend) URLs() []string           { return []string{"http://localhost:1/"} }
func (b *backend) Restart(why string) error { return b.note("server", "restart", why) }
func (b *backend) Logger() *slog.Logger     { return slog.New(slog.DiscardHandler) }
func (b *backend) Clients() []plugin.Client { return []plugin.Client{client("c1"), client("c2")} }
func (b *backend) Broadcast(event string, d any) error {
	b.behind.RLock()
	defer b.behind.RUnlock()
	return b.note("all", event, d)
}
func (b *backend) SendToUser(user, event string, d any) error {
	return b.note("user "+user, event, d)
}
func (b *backend) TryBroadcast(event string, d any) (int, error) {
	return 3, b.note("try", event, d)
}
func (b *backend) Page(id, user string) (plugin.Client, error) {
	switch {
	case user != "" && user != "ann":
		return nil, hmr.ErrUserChanged
	case id == "gone":
		return nil, hmr.ErrClosed
	}
	return page{client(id), b}, nil
}
func (b *backend) SendToRoom(room, event string, d any) error {
	return b.note("room "+room, event, d)
}
func (b *backend) Rooms() []string { return []string{"hall"} }
func (b *backend) Notify(user string, n hmr.Notification) error {
	return b.note("notify "+user, n.Title, n) // a child sends the event itself
}
func (b *backend) Disconnect(user, reason string) (int, error) {
	return 2, b.note("server", "disconnect "+user, reason)
}
func (b *backend) ClientsIn(room string) []plugin.Client { return []plugin.Client{client(room)} }
func (b *backend) Modules() ([]string, error)            { return []string{"/a.js"}, nil }
func (b *backend) Importers(id string) ([]string, error) { return []string{"/above" + id}, nil }
func (b *backend) ModuleInfo(id string) (*plugin.ModuleInfo, error) {
	if id == "/nothing" {
		return nil, nil
	}
	return &plugin.ModuleInfo{ID: id, Imports: []string{"/b.js"}}, nil
}
func (b *backend) Resolve(ctx context.Context, specifier, importer string) (*plugin.Resolved, error) {
	switch {
	case specifier == "nothing":
		return nil, nil
	case specifier == "broken":
		return nil, errors.New("a broken package.json")
	case b.hosts != nil: // as the server does
		if len(wire.Steps(ctx)) > 20 {
			return nil, errors.New("without an end")
		}
		r, err := b.hosts.ResolveID(ctx, plugin.ResolveArgs{Specifier: specifier, Importer: importer})
		if r == nil || err != nil {
			return &plugin.Resolved{ID: specifier + ", a file"}, err
		}
		return &plugin.Resolved{ID: r.ID}, nil
	}
	return &plugin.Resolved{ID: specifier + " of " + importer, File: fmt.Sprint(wire.Steps(ctx))}, nil
}
func (b *backend) Load(ctx context.Context, id string) (*plugin.ModuleInfo, error) {
	if id == "/never" {
		_ = b.note("server", "loads", id)
		<-ctx.Done()
		_ = b.note("server", "cancelled", id)
		return nil, ctx.Err()
	}
	return &plugin.ModuleInfo{ID: id, File: wire.Loading(ctx)}, nil
}
func (b *backend) WaitForModules(ctx context.Context) error {
	return fmt.Errorf("waits within %q", wire.Loading(ctx))
}
func (b *backend) Invalidate(id string) error { return b.note("server", "invalidate", id) }
func (b *backend) SendOnChannel(s wire.SendCall) (int, error) {
	return 4, b.note("channel", s.Channel, s.Data)
}
func (b *backend) WaitsFor(w wire.WaitCall) { _ = b.note(w.Plugin, w.Hook, w.ID) }
func (b *backend) ShowError(key string, e plugin.Error) error {
	return b.note("error", key, e)
}
func (b *backend) ClearError(key string) error { return b.note("clear", key, nil) }
func (b *backend) ReloadPages(path, reason string) error {
	return b.note("reload", path, reason)
}
func (b *backend) ReloadPage(c plugin.Client, reason string) error {
	return b.note("reload client "+c.ID(), "", reason)
}
func (b *backend) Handle(e plugin.Event) (func(), error) {
	owner, info := e.Described()
	if e.Name == "taken" {
		return nil, errors.New("requests of this name already have a handler")
	}
	return func() { _ = b.note("unhandle", e.Name, owner) }, b.note("handle", e.Name, info)
}
func (b *backend) Of(*pluginhost.Child) pluginhost.Backend { return b }
func (b *backend) Gone()                                   {}

func (b *backend) Reload(id string) error { return fmt.Errorf("no module %q", id) }

// wait returns the next recorded call.
func (b *backend) wait(t testing.TB) string {
	t.Helper()
	select {
	case s := <-b.sent:
		return s
	case <-time.After(time.Minute):
		t.Fatal("nothing was sent")
		return ""
	}
}

type client string

func (c client) ID() string                           { return string(c) }
func (c client) URL() string                          { return "http://x/" + string(c) }
func (c client) UserAgent() string                    { return "browser" }
func (c client) User() string                         { return "ann" }
func (c client) Send(string, any) error               { return nil }
func (c client) TrySend(string, any) error            { return nil }
func (c client) Broadcast(string, any) error          { return nil }
func (c client) SendToUser(string, string, any) error { return nil }
func (c client) SendToRoom(string, string, any) error { return nil }
func (c client) Join(string) error                    { return nil }
func (c client) Leave(string) error                   { return nil }
func (c client) Request(context.Context, string, any) (json.RawMessage, error) {
	return nil, nil
}

// page is an open page of a backend.
type page struct {
	client
	b *backend
}

func (p page) Send(event string, d any) error    { return p.b.note(p.ID(), event, d) }
func (p page) TrySend(event string, d any) error { return hmr.ErrBehind }

// Request answers by the name of the event.
func (p page) Request(ctx context.Context, event string, in any) (json.RawMessage, error) {
	text, err := hmr.EncodeData(in)
	if err != nil {
		return nil, err
	}
	end, limited := ctx.Deadline()
	_ = p.b.note(p.ID(), "asked "+event, fmt.Sprint(string(text), " ", limited && time.Until(end) <= plugin.Timeout))
	switch event {
	case "state":
		return json.RawMessage(`{"n":1}`), nil
	case "odd":
		return json.RawMessage(`{"n":"x"}`), nil
	case "coded":
		return nil, &hmr.Error{Code: "page_gone", Message: "m", Path: "a.b"}
	case "leaves":
		return nil, hmr.ErrClosed
	case "hangs":
		<-ctx.Done()
		_ = p.b.note(p.ID(), "cancelled", event)
		return nil, ctx.Err()
	}
	return nil, nil
}
func (p page) Join(room string) error  { return p.b.note(p.ID(), "joins", room) }
func (p page) Leave(room string) error { return fmt.Errorf("%s stays in %s", p.ID(), room) }

// lines collects what a child prints.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, s)
}

func (l *lines) has(s string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Contains(l.all, s)
}

// self returns a command that runs this test's program as a child.
func self(env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

func startChild(t testing.TB, env ...string) (*pluginhost.Child, *backend, *lines) {
	t.Helper()
	return startChildWith(t, pluginhost.ChildOptions{Cmd: self(env...)})
}

func startChildWith(t testing.TB, o pluginhost.ChildOptions) (*pluginhost.Child, *backend, *lines) {
	t.Helper()
	b, printed := newBackend(t), &lines{}
	o.Name, o.Backend, o.Printed = "plugins", b, printed.add
	c, err := pluginhost.StartChild(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, b, printed
}

// ask sends a request to the test's plugin.
func ask(ctx context.Context, h pluginhost.Host, event, data string) (string, error) {
	answer, err := h.Event(ctx, "test", event, true, client("c1"), json.RawMessage(data))
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(answer)
	return string(text), err
}

func tell(t testing.TB, h pluginhost.Host, event, data string) {
	t.Helper()
	if _, err := h.Event(t.Context(), "test", event, false, client("c1"), json.RawMessage(data)); err != nil {
		t.Error(err)
	}
}

// eventually waits for a state.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in time: " + what)
		}
	}
}

func exited(t testing.TB, c *pluginhost.Child) string {
	t.Helper()
	select {
	case <-c.Exited():
	case <-time.After(time.Minute):
		t.Fatal("the child is still there")
	}
	return c.Why()
}

func TestEventsOfAChild(t *testing.T) {
	c, b, _ := startChild(t)
	if got, err := ask(t.Context(), c, "who", ""); err != nil || got != `"c1 http://x/c1 browser ann 2 `+b.root+`"` {
		t.Errorf("got %s, %v", got, err)
	}
	if got, err := ask(t.Context(), c, "sum", `{"a":2,"b":3}`); err != nil || got != "5" {
		t.Errorf("got %s, %v", got, err)
	}
	for event, want := range map[string]string{"echo 7": "c1 echoed 7", `all "x"`: `all told "x"`, `user "bob"`: `user bob told "http://x/c1"`} {
		name, data, _ := strings.Cut(event, " ")
		tell(t, c, name, data)
		if got := b.wait(t); got != want {
			t.Errorf("%s: sent %q, want %q", event, got, want)
		}
	}
	for _, e := range c.Info().Plugins[0].Events {
		const schema = `{"type":"object","properties":{"A":{"type":"integer"},"B":{"type":"integer"}},"required":["A","B"]}`
		if described := e.Name == "sum"; described != (e.Description == "Adds") || described != (string(e.Schema) == schema) {
			t.Errorf("%s is described by %q and %s", e.Name, e.Description, e.Schema)
		}
	}
	tell(t, c, "join", `"hall"`)
	for _, want := range []string{`c1 joins "hall"`, `room hall in "hall"`} {
		if got := b.wait(t); got != want {
			t.Errorf("sent %q, want %q", got, want)
		}
	}
	if _, err := ask(t.Context(), c, "part", `"hall"`); err == nil || !strings.Contains(err.Error(), "c1 stays in hall") {
		t.Errorf("leaving failed with %v", err)
	}
	if got, err := ask(t.Context(), c, "users", ""); err != nil || got != `"2 [hall]"` {
		t.Errorf("got %s, %v", got, err)
	}
	for _, want := range []string{`server disconnect bob "revoked"`, `user ann devserver:notification {"title":"hi"}`, `all devserver:notification {"title":"all"}`} {
		if got := b.wait(t); got != want {
			t.Errorf("sent %q, want %q", got, want)
		}
	}
	hooks := plugin.Hooks
	if _, err := hooks.Identified.Ask(t.Context(), c, client("c1")); err != nil {
		t.Error(err)
	}
	if got := b.wait(t); got != `c1 hi again "ann"` {
		t.Errorf("sent %q", got)
	}
	for _, hook := range []wire.Hook[plugin.Client, struct{}]{hooks.Connect, hooks.Disconnect} {
		if _, err := hook.Ask(t.Context(), c, client("c9")); err != nil {
			t.Error(err)
		}
	}
	if got := b.wait(t) + ", " + b.wait(t); got != `c9 hi "c9", all bye "c9"` {
		t.Errorf("got %s", got)
	}
	if _, err := ask(t.Context(), c, "graph", ""); err == nil || !strings.Contains(err.Error(), `no module "/nothing"`) {
		t.Errorf("got %v", err)
	}
	if r, err := hooks.Load.Ask(t.Context(), c, plugin.LoadArgs{ID: "virtual:x"}); err != nil || r == nil || r.Code != `export default "virtual:x"` {
		t.Errorf("got %v, %v", r, err)
	}
	if r, err := hooks.Load.Ask(t.Context(), c, plugin.LoadArgs{ID: "/src/x.ts"}); err != nil || r != nil {
		t.Errorf("the filter let an ID through: %v, %v", r, err)
	}
}

// TestHostsAreAlike compares the answers in process with the answers of a child.
func TestHostsAreAlike(t *testing.T) {
	c, b, _ := startChild(t)
	h, err := plugin.NewRunner([]plugin.Plugin{testPlugin()}, b)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"who", `sum {"a":1,"b":2}`, `sum {"a":"x"}`, "fail", "panic", "graph", "nobody"} {
		event, data, _ := strings.Cut(q, " ")
		there, errThere := ask(t.Context(), c, event, data)
		here, errHere := ask(t.Context(), h, event, data)
		if there != here || fmt.Sprint(errThere) != fmt.Sprint(errHere) {
			t.Errorf("%s: a child answers %s, %v; in process %s, %v", q, there, errThere, here, errHere)
		}
		own, ok := errors.AsType[*wire.Error](errThere)
		if twin, alike := errors.AsType[*wire.Error](errHere); ok != alike || ok && (own.Code != twin.Code || own.Path != twin.Path || own.Plugin != twin.Plugin) {
			t.Errorf("%s: errors differ: %+v and %+v", q, own, twin)
		}
	}
}

func TestPanicsNamePluginAndEvent(t *testing.T) {
	c, _, _ := startChild(t)
	_, err := ask(t.Context(), c, "panic", "")
	own, ok := errors.AsType[*wire.Error](err)
	if !ok || own.Code != "handler_panic" || own.Plugin != "test" || !strings.Contains(own.Message, "panic of plugin test panicked: on purpose") || !strings.Contains(own.Stack, "child_test.go") {
		t.Errorf("got %+v", err)
	}
	if got, err := ask(t.Context(), c, "sum", `{"a":2}`); err != nil || got != "2" {
		t.Errorf("after it: got %s, %v", got, err)
	}
}

// TestPrintsAndReadsDoNoHarm has a plugin use stdin and stdout, which belong to the protocol.
func TestPrintsAndReadsDoNoHarm(t *testing.T) {
	c, _, printed := startChild(t)
	if got, err := ask(t.Context(), c, "print", ""); err != nil || got != `""` {
		t.Errorf("got %s, %v", got, err)
	}
	eventually(t, "the line, without what terminals obey", func() bool { return printed.has("a stray print red") })
}

func TestCancelEndsTheHandler(t *testing.T) {
	c, b, _ := startChild(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { _, err := ask(ctx, c, "wait", "60000"); done <- err }()
	if got := b.wait(t); got != "c1 waiting null" {
		t.Errorf("got %s", got)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got := b.wait(t); got != "c1 cancelled null" {
		t.Errorf("got %s", got)
	}
}

func TestRetireLetsHandlersFinish(t *testing.T) {
	c, b, _ := startChild(t)
	done := make(chan string, 1)
	go func() { got, err := ask(t.Context(), c, "wait", "300"); done <- fmt.Sprint(got, err) }()
	b.wait(t)
	if err := c.Retire(); err != nil {
		t.Error(err)
	}
	if got := <-done; got != `"done"<nil>` {
		t.Errorf("got %s", got)
	}
	exited(t, c)
}

func TestChildrenThatDoNotStart(t *testing.T) {
	for how, want := range map[string]string{
		"garbage": "something wrote plain text to stdout",
		"silent":  "no config",
		"old":     "speaks version 3 of the protocol, this devserver version 2",
	} {
		t.Run(how, func(t *testing.T) {
			_, err := pluginhost.StartChild(t.Context(), pluginhost.ChildOptions{
				Name: "plugins", Cmd: self("TEST_CHILD=" + how), Backend: newBackend(t),
			})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
		})
	}
	nowhere := pluginhost.ChildOptions{Name: "plugins", Cmd: exec.Command("/nowhere"), Backend: newBackend(t)}
	if _, err := pluginhost.StartChild(t.Context(), nowhere); err == nil {
		t.Error("no error for a program that is not there")
	}
}

func TestCrash(t *testing.T) {
	c, _, _ := startChild(t)
	if _, err := ask(t.Context(), c, "exit", ""); !errors.Is(err, wire.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if why := exited(t, c); !strings.Contains(why, "exit status 3") || !strings.Contains(why, "last words") {
		t.Errorf("got %q", why)
	}
	if _, err := ask(t.Context(), c, "sum", "{}"); !errors.Is(err, wire.ErrClosed) {
		t.Errorf("after it: got %v", err)
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                           "plain",
		"tab\tstays \r":                   "tab\tstays",
		"\x1b[1;31mred\x1b[0m":            "red",
		"\x1b]0;title\x07text\x1b[2K":     "text",
		"\x1b]8;;http://x\x1b\\link\x1b7": "link",
		"\x00a\u009bb\x7f":                "ab",
	} {
		if got := pluginhost.Clean(in); got != want {
			t.Errorf("%q: got %q", in, got)
		}
	}
}

// BenchmarkRoundTrip compares a request to a plugin in process with one to a child.
func BenchmarkRoundTrip(b *testing.B) {
	child, back, _ := startChild(b)
	inProcess, err := plugin.NewRunner([]plugin.Plugin{testPlugin()}, back)
	if err != nil {
		b.Fatal(err)
	}
	for _, host := range []struct {
		name string
		host pluginhost.Host
	}{{"in process", inProcess}, {"child", child}} {
		b.Run(host.name, func(b *testing.B) {
			for b.Loop() {
				if got, err := ask(b.Context(), host.host, "sum", `{"a":1,"b":2}`); err != nil || got != "3" {
					b.Fatal(got, err)
				}
			}
		})
		b.Run(host.name+", 64 at a time", func(b *testing.B) {
			b.SetParallelism(64)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := ask(b.Context(), host.host, "sum", `{"a":1,"b":2}`); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// TestIdentifyInAChild asks a child for users. Only the head of a page's request crosses.
func TestIdentifyInAChild(t *testing.T) {
	c, _, _ := startChild(t)
	by := func(cookie string) *http.Request {
		r, err := http.NewRequest(http.MethodPost, "http://x/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.RemoteAddr = "[::1]:5"
		if cookie != "" {
			r.AddCookie(&http.Cookie{Name: "session", Value: cookie})
		}
		return r
	}
	for _, test := range []struct{ cookie, user, err string }{
		{"", "", ""},
		{"ann", "ann at POST x/ from [::1]:5", ""},
		{"broken", "", "Identify of plugin test: the session is broken"},
	} {
		user, err := plugin.Hooks.Identify.Ask(t.Context(), c, by(test.cookie))
		if user != test.user || err == nil && test.err != "" || err != nil && err.Error() != test.err {
			t.Errorf("%q: %q, %v", test.cookie, user, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	if user, err := plugin.Hooks.Identify.Ask(ctx, c, by("hangs")); user != "" || !errors.Is(err, context.Canceled) {
		t.Errorf("a page that is gone is that of %q, %v", user, err)
	}
}

// BenchmarkSend measures a Broadcast of a child, from one goroutine.
func BenchmarkSend(b *testing.B) {
	c, _, _ := startChild(b)
	for b.Loop() {
		if _, err := ask(b.Context(), c, "flood", "20000"); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/20000, "µs/send")
}

// person is a page of a user.
type person struct {
	client
	user string
}

func (p person) User() string { return p.user }

// TestSendsOfAChildReturnErrors: a plugin in a child can tell why a page did not get what was sent.
func TestChildrenAskPages(t *testing.T) {
	c, b, _ := startChild(t)
	for event, want := range map[string]string{
		"state":   `[1,"",false,"\u003cnil\u003e"]`,
		"odd":     `[0,"bad_answer at n",false,"the page's answer does not fit: payload of \"odd\": n must be an integer (int), but is a string (at n)"]`,
		"coded":   `[0,"page_gone at a.b",false,"m (at a.b)"]`, // the page's own code is not taken for the server's
		"leaves":  `[0,"",true,"the page is gone"]`,
		"nothing": `[0,"",false,"\u003cnil\u003e"]`,
	} {
		if got, err := ask(t.Context(), c, "ask", strconv.Quote(event)); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", event, got, err, want)
		}
		if got := b.wait(t); got != `c1 asked `+event+` "7 true"` { // with the time that the handler has
			t.Errorf("the page got %q", got)
		}
	}
	if got, err := ask(t.Context(), c, "declared", ""); err != nil || got != `"{1} \u003cnil\u003e \u003cnil\u003e"` {
		t.Errorf("got %s, %v", got, err)
	}
	for _, want := range []string{`c1 asked state " true"`, `c1 asked clear "\"all\" true"`} {
		if got := b.wait(t); got != want {
			t.Errorf("the page got %q, want %q", got, want)
		}
	}
	asks := c.Info().Plugins[0].Asks
	if len(asks) != 2 || asks[0].In != "void" || asks[0].Out != "{ N: number }" || asks[1].In != "string" || asks[1].Out != "void" {
		t.Errorf("it asks %+v", asks)
	}
	// A handler that is cancelled gives its request up.
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { _, err := ask(ctx, c, "ask", `"hangs"`); done <- err }()
	if got := b.wait(t); got != `c1 asked hangs "7 true"` {
		t.Errorf("the page got %q", got)
	}
	cancel()
	if got := b.wait(t); got != `c1 cancelled "hangs"` {
		t.Errorf("got %q", got)
	}
	if err := <-done; err == nil {
		t.Error("the cancelled handler has answered")
	}
}

func TestSendsOfAChildReturnErrors(t *testing.T) {
	c, b, _ := startChild(t)
	if got, err := ask(t.Context(), c, "try", ""); err != nil || got != `"3 \u003cnil\u003e 4 \u003cnil\u003e true"` {
		t.Errorf("got %s, %v", got, err)
	}
	for range 2 {
		b.wait(t)
	}
	for page, want := range map[plugin.Client]string{
		person{"c1", "ann"}:   "[false,false,false,false]",
		person{"gone", "ann"}: "[true,false,true,false]",
		person{"c1", "bob"}:   "[false,true,false,true]", // the page is ann's by now
		person{"c1", ""}:      "[false,false,false,false]",
	} {
		answer, err := c.Event(t.Context(), "test", "errors", true, page, nil)
		if got := fmt.Sprintf("%s", answer); err != nil || got != want {
			t.Errorf("%v: got %s, %v, want %s", page, got, err, want)
		}
	}
}

// TestSendsOfAChildWaitForPages: a Broadcast that waits for pages holds up no other call. What a handler sends arrives in
// order and before its answer.
func TestSendsOfAChildWaitForPages(t *testing.T) {
	c, b, _ := startChild(t)
	b.behind.Lock()
	answer := make(chan string)
	go func() { got, err := ask(t.Context(), c, "flood", "100"); answer <- fmt.Sprint(got, err) }()
	for range 10 {
		if got, err := ask(t.Context(), c, "sum", `{"a":2,"b":3}`); err != nil || got != "5" {
			t.Errorf("got %s, %v", got, err)
		}
	}
	select {
	case got := <-answer:
		t.Errorf("the handler did not wait for pages: %s", got)
	default:
	}
	b.behind.Unlock()
	if got := <-answer; got != "100<nil>" {
		t.Errorf("got %s", got)
	}
	for n := range 100 {
		select {
		case got := <-b.sent:
			if got != fmt.Sprint("all told ", n) {
				t.Errorf("message %d is %s", n, got)
			}
		default:
			t.Fatalf("the answer came before message %d", n)
		}
	}
}

// TestSendsThatWaitDoNotKeepAChild: a child whose sends wait for pages ends all the same, and so does one that crashes.
func TestSendsThatWaitDoNotKeepAChild(t *testing.T) {
	for name, end := range map[string]func(*pluginhost.Child){
		"close": func(c *pluginhost.Child) { go func() { _ = c.Close() }() },
		"crash": func(c *pluginhost.Child) { go func() { _, _ = ask(context.Background(), c, "exit", "") }() },
	} {
		t.Run(name, func(t *testing.T) {
			c, b, _ := startChild(t)
			b.behind.Lock()
			defer b.behind.Unlock()
			answer := make(chan error)
			go func() { _, err := ask(t.Context(), c, "flood", "100"); answer <- err }()
			end(c)
			exited(t, c)
			if err := <-answer; err == nil {
				t.Error("the handler succeeded")
			}
		})
	}
}

// TestChildThatIsReplacedGetsNoNewCall: the running calls are finished. Calls that come later run nothing.
func TestChildThatIsReplacedGetsNoNewCall(t *testing.T) {
	c, b, _ := startChild(t)
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan error)
	go func() { _, err := ask(ctx, c, "wait", "60000"); answer <- err }()
	b.wait(t)
	retired := make(chan error)
	go func() { retired <- c.Retire() }()
	eventually(t, "later calls are refused", func() bool {
		_, err := ask(t.Context(), c, "sum", `{"a":2,"b":3}`)
		return wire.NotRun(err)
	})
	select {
	case <-c.Exited():
		t.Error("the running call was cut off")
	default:
	}
	cancel()
	<-answer
	if err := <-retired; err != nil {
		t.Error(err)
	}
}
