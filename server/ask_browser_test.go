package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

const askApp = `
-- devserver.config.json --
{"server": {"hmr": {"shareTabs": false}}}
-- index.html --
<!doctype html><head></head><script type="module" src="/main.js"></script>
-- main.js --
import "virtual:slow";
import "./cart.js";
import.meta.hot.handle("main:echo", (data) => ({ got: data }), { description: "Sends back" });
-- cart.js --
const { hot } = import.meta;
hot.accept();
hot.handle("cart:items", () => 1);
hot.handle("cart:pay", () => {
  throw Object.assign(new Error("the cart is empty"), { code: "empty", path: "items" });
});
hot.handle("cart:wait", (data, { signal }) => {
  window.asked = true;
  signal.addEventListener("abort", () => (window.aborted = true));
  return new Promise(() => {});
});
hot.dispose(() => window.slow && new Promise((resolve) => (window.goOn = resolve)));
`

// TestPagesAnswer asks pages while their modules are replaced, fail and go, and while pages load.
func TestPagesAnswer(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	for name, shares := range map[string]string{"own socket": "false", "shared socket": "true"} {
		t.Run(name, func(t *testing.T) {
			app := devtest.App(t, devtest.Text(askApp))
			app.Edit("devserver.config.json", "false", shares)
			asked := make(chan bool, 1000)
			s := devtest.Start(t, app, func(o *server.Options) {
				o.Plugins = append(o.Plugins, plugin.Plugin{
					Name: "slow",
					ResolveID: func(_ context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error) {
						if a.Specifier != "virtual:slow" {
							return nil, nil
						}
						return &plugin.ResolveResult{ID: a.Specifier}, nil
					},
					Load: func(_ context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
						if a.ID != "virtual:slow" {
							return nil, nil
						}
						<-asked
						return &plugin.LoadResult{Code: ""}, nil
					},
				})
			})
			hub := s.Server().Hub()
			hub.OnPassed(func(m hmr.Passed) {
				if m.Type == "request" {
					asked <- true
				}
			})
			early := make(chan string, 1)
			ask := func(ctx context.Context, c *hmr.Client, event string) string {
				answer, err := c.Request(ctx, event, map[string]int{"n": 1})
				if err != nil {
					return err.Error()
				}
				return string(answer)
			}
			// The page's modules have not run yet: the server waits for the request before it serves them.
			hub.OnConnect(func(ctx context.Context, c *hmr.Client) { early <- ask(ctx, c, "cart:items") })
			p := s.Page(t, "/")
			if got := <-early; got != "1" {
				t.Errorf("while it loads, the page answers %s", got)
			}
			c := hub.Clients()[0]
			now := func(event, want string) {
				t.Helper()
				if got := ask(t.Context(), c, event); got != want {
					t.Errorf("%s: got %s, want %s", event, got, want)
				}
			}
			now("main:echo", `{"got":{"n":1}}`)
			now("cart:pay", "the cart is empty (at items)")
			now("nobody", `no module of the page handles requests "nobody"; the page handles "cart:items", "cart:pay", "cart:wait", "main:echo"`)

			// A request waits for the module that is being replaced. It holds up no other.
			devtest.Eval[bool](p, "window.slow = true")
			app.Edit("cart.js", "=> 1", "=> 2")
			p.Wait("!!window.goOn")
			waits := make(chan string, 1)
			go func() { waits <- ask(t.Context(), c, "cart:items") }()
			now("main:echo", `{"got":{"n":1}}`)
			devtest.Eval[bool](p, "window.slow = false; window.goOn(); true")
			if got := <-waits; got != "2" {
				t.Errorf("a request while the module is replaced got %s", got)
			}

			// The old version answers while the new version fails.
			app.Edit("cart.js", "hot.accept();", `hot.accept(); hot.handle("cart:items", () => 3); throw new Error("no");`)
			p.WaitOverlay("no")
			now("cart:items", "2")
			app.Edit("cart.js", `hot.handle("cart:items", () => 3); throw new Error("no");`, "")
			p.WaitNoOverlay()
			app.Edit("cart.js", `hot.handle("cart:items", () => 2);`, "window.without = true;")
			p.Wait("!!window.without")
			now("cart:items", `no module of the page handles requests "cart:items"; the page handles "cart:pay", "cart:wait", "main:echo"`)
			app.Edit("cart.js", "window.without = true;", `hot.handle("cart:items", () => 4);`)
			p.WaitConsole("hot updated")

			// The page hears that nobody waits any more.
			ctx, cancel := context.WithCancel(t.Context())
			go func() { waits <- ask(ctx, c, "cart:wait") }()
			p.Wait("!!window.asked")
			cancel()
			if got := <-waits; !strings.Contains(got, context.Canceled.Error()) {
				t.Errorf("got %s", got)
			}
			p.Wait("!!window.aborted")

			// The page is reloaded meanwhile.
			ended := make(chan error, 1)
			devtest.Eval[bool](p, "window.asked = false; true")
			go func() {
				_, err := c.Request(t.Context(), "cart:wait", json.RawMessage(`1`))
				ended <- err
			}()
			p.Wait("!!window.asked")
			p.Reload()
			if err := <-ended; !errors.Is(err, hmr.ErrClosed) {
				t.Errorf("got %v", err)
			}
			if got := <-early; got != "4" {
				t.Errorf("the reloaded page answers %s", got)
			}
		})
	}
}
