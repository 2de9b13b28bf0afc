package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// burstApp counts numbered events, and sends as many as a test asks for.
const burstApp = `
-- index.html --
<div id="got">0</div>
<script type="module" src="/main.js"></script>
-- main.js --
const state = (window.burst = { got: 0, wrong: [], lost: [], confirmed: 0 });
import.meta.hot.on("n", ({ n }) => {
  if (n !== state.got) state.wrong.push([state.got, n]);
  state.got = n + 1;
});
import.meta.hot.on("devserver:lost", (lost) => state.lost.push(lost));
import.meta.hot.on("counted", ({ count, wrong }) => {
  state.counted = count;
  state.miscounted = wrong;
});
window.ask = (count, size) => {
  state.got = 0;
  import.meta.hot.send("burst", { count, size });
};
window.flood = (count) => {
  for (let n = 0; n < count; n++) import.meta.hot.send("flood", { n, count });
};
`

// burstPlugin broadcasts as many events as a page asks for.
const burstPlugin = `
	Name: "burst",
	Events: []plugin.Event{
		plugin.On("burst", func(_ context.Context, c plugin.Client, in struct{ Count, Size int }) error {
			pad := strings.Repeat("x", in.Size)
			for n := range in.Count {
				if err := c.Broadcast("n", map[string]any{"n": n, "pad": pad}); err != nil {
					return err
				}
			}
			return nil
		}),
	},
`

// TestBurstsOfAPluginReachThePage: nothing is lost, in neither direction, however fast plugin and page send.
func TestBurstsOfAPluginReachThePage(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	app := devtest.App(t, devtest.Text(burstApp))
	goPlugin(t, app, burstPlugin)
	s := devtest.Start(t, app, withPlugins, func(o *server.Options) { o.Plugins = []plugin.Plugin{countsFloods()} })
	s.Log.Wait(t, "plugins ready")
	p := s.Page(t, "/")
	whole := func(count int) {
		t.Helper()
		p.Wait(fmt.Sprintf("burst.got === %d || burst.wrong.length + burst.lost.length > 0", count))
		if state := devtest.Eval[string](p, "JSON.stringify([burst.wrong, burst.lost])"); state != "[[],[]]" {
			t.Fatalf("of %d events: %.200s", count, state)
		}
	}
	for _, burst := range []struct{ count, size int }{{devtest.Soak(2_000, 5_000), 200}, {devtest.Soak(60, 300), 64 << 10}} {
		devtest.Eval[any](p, fmt.Sprintf("ask(%d, %d)", burst.count, burst.size))
		whole(burst.count)
	}
	flood := devtest.Soak(20_000, 100_000)
	devtest.Eval[any](p, fmt.Sprintf("flood(%d)", flood))
	p.Wait("burst.counted")
	if state := devtest.Eval[string](p, "JSON.stringify([burst.counted, burst.miscounted])"); state != fmt.Sprintf("[%d,0]", flood) {
		t.Errorf("of %d events of the page [handled, out of order]: %s", flood, state)
	}
	p.NoReload()
	if text := s.Log.String(); strings.Contains(text, "lost") || strings.Contains(text, "too slow") {
		t.Error(text)
	}
}

// TestLongMessages sends messages of many MiB from a page to a plugin and back, one behind the other. A message that is
// longer than the bound is an error that names the bound.
func TestLongMessages(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	for _, shared := range []bool{false, true} {
		t.Run(fmt.Sprint(shared), func(t *testing.T) {
			t.Parallel()
			s := devtest.Start(t, devtest.App(t, devtest.Text(fmt.Sprintf(`
-- devserver.config.json --
{"server": {"hmr": {"shareTabs": %t}}}
-- index.html --
<p id="got"></p><p id="error"></p>
<script type="module" src="/main.js"></script>
-- main.js --
const { hot } = import.meta, got = document.querySelector("#got");
hot.on("back", ({ text }) => (got.textContent += text.length + " "));
for (const length of [17e6, 1]) hot.send("long", { text: "x".repeat(length) });
try {
  hot.send("long", { text: "x".repeat(70e6) });
} catch (e) {
  document.querySelector("#error").textContent = e.code + ": " + e.message.slice(0, 98);
}
`, shared))), func(o *server.Options) {
				o.Plugins = []plugin.Plugin{{Name: "long", Events: []plugin.Event{
					plugin.On("long", func(_ context.Context, c plugin.Client, in struct {
						Text string `json:"text"`
					}) error {
						return c.Send("back", in)
					}),
				}}}
			})
			p := s.Page(t, "/")
			p.WaitText("#got", "17000000 1")
			p.WaitText("#error", "too_big: a message of 70000051 bytes was not sent: it is more than the 67108864 bytes that the server takes")
			p.NoErrors()
		})
	}
}

// TestBurstsOverCutsReachThePage cuts the page's connections while a plugin broadcasts.
func TestBurstsOverCutsReachThePage(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	for _, burst := range []struct{ count, size int }{{devtest.Soak(4_000, 20_000), 200}, {devtest.Soak(120, 600), 64 << 10}} {
		t.Run(fmt.Sprint(burst.count), func(t *testing.T) {
			app := devtest.App(t, devtest.Text(burstApp))
			s := devtest.Start(t, app)
			r := newRelay(t, s.URL)
			p := s.Tab(t).Beside(r.url)
			p.Wait("typeof flood === 'function'")
			s.WaitPages(1)
			pad := strings.Repeat("x", burst.size)
			for n := range burst.count {
				if err := s.Server().Hub().Broadcast("n", map[string]any{"n": n, "pad": pad}); err != nil {
					t.Fatal(err)
				}
				if n%(burst.count/20) == burst.count/40 {
					r.cut()
				}
			}
			p.Wait(fmt.Sprintf("burst.got === %d || burst.wrong.length + burst.lost.length > 0", burst.count))
			if state := devtest.Eval[string](p, "JSON.stringify([burst.wrong, burst.lost])"); state != "[[],[]]" {
				t.Errorf("%.200s", state)
			}
			p.NoReload()
		})
	}
}

// countsFloods is a plugin that counts the events of a flood, and those that come out of order.
func countsFloods() plugin.Plugin {
	next, wrong := 0, 0
	return plugin.Plugin{Name: "counts", Events: []plugin.Event{
		plugin.On("flood", func(_ context.Context, c plugin.Client, in struct{ N, Count int }) error {
			if in.N != next {
				wrong++
			}
			if next = in.N + 1; next == in.Count {
				return c.Send("counted", map[string]int{"count": next, "wrong": wrong})
			}
			return nil
		}),
	}}
}
