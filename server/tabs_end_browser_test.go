package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// sharing are the two ways in which tabs share a socket, each with what a page needs in its head for it.
var sharing = map[string]string{
	"SharedWorker":     "",
	"BroadcastChannel": "<script>delete window.SharedWorker</script>",
}

// answers is a plugin that answers the events of tabsApp.
func answers(o *server.Options) {
	o.Plugins = append(o.Plugins, plugin.Plugin{Name: "answers", Events: []plugin.Event{
		plugin.On("ask", func(_ context.Context, c plugin.Client, n int) error { return c.Send("answer", n) }),
	}})
}

// TestTabsOutliveACrash crashes the tab that holds the shared socket, or that has started the worker with it.
func TestTabsOutliveACrash(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	for name, head := range sharing {
		t.Run(name, func(t *testing.T) {
			app := devtest.App(t, devtest.Text(tabsApp))
			app.Edit("index.html", "<head>", "<head>"+head)
			s := devtest.Start(t, app, answers)
			f := &family{t: t, s: s}
			profile := s.Tab(t)
			for range 5 {
				tab := profile.Beside("/")
				tab.WaitText("#text", "one")
				f.tabs = append(f.tabs, tab)
			}
			s.WaitPages(5)
			f.exchange(2)
			ctx, cancel := context.WithCancel(f.tabs[0].Context())
			defer cancel()
			go func() { _, _ = chromedp.Call(ctx, cdpage.Crash, cdp.Empty{}) }() // gets no answer
			f.tabs = f.tabs[1:]
			f.exchange(2)
			for _, tab := range f.tabs {
				tab.WaitConsole("the socket's tab or worker ended") // not by its silence, which takes longer
			}
			if own := s.Log.Count("shared=false"); own != 0 {
				t.Errorf("%d tabs have a socket of their own", own)
			}
		})
	}
}

const leavingApp = `
-- devserver.config.json --
{"server": {"hmr": {"shareTabs": true}}}
-- index.html --
<!doctype html><head></head><p id="text"></p><script type="module" src="/main.js"></script>
-- main.js --
const { hot } = import.meta;
const say = (what) => hot.send("said", new URLSearchParams(location.search).get("tab") + " " + what);
addEventListener("pagehide", () => say("pagehide"));
document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && say("hidden"));
hot.on("vite:ws:connect", () => (document.querySelector("#text").textContent = "open"));
`

// TestTabsThatAreLeft sends events at the end of pages that share a socket. They arrive as over a socket of the page's
// own: once and in order, from a tab alone and from one of several. Then the server knows that the tabs are gone.
func TestTabsThatAreLeft(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(elsewhere.Close)
	for name, head := range sharing {
		t.Run(name, func(t *testing.T) {
			app := devtest.App(t, devtest.Text(leavingApp))
			app.Edit("index.html", "<head>", "<head>"+head)
			var mu sync.Mutex
			var said []string
			s := devtest.Start(t, app, func(o *server.Options) {
				o.Plugins = []plugin.Plugin{{Name: "listens", Events: []plugin.Event{
					plugin.On("said", func(_ context.Context, _ plugin.Client, what string) error {
						mu.Lock()
						defer mu.Unlock()
						said = append(said, what)
						return nil
					}),
				}}}
			})
			hear := func(tab int) {
				t.Helper()
				want := []string{fmt.Sprintf("%d pagehide", tab), fmt.Sprintf("%d hidden", tab)}
				heard := func() []string {
					mu.Lock()
					defer mu.Unlock()
					return slices.Clone(said)
				}
				devtest.Eventually(t, fmt.Sprint(want), func() bool { return len(heard()) >= 2 }, func() string { return fmt.Sprint(heard()) })
				if got := heard(); !slices.Equal(got, want) {
					t.Errorf("heard %q, want %q", got, want)
				}
				mu.Lock()
				said = nil
				mu.Unlock()
			}
			profile := s.Tab(t)
			open := func(n int) (tabs []*devtest.Page) {
				for i := range n {
					tab := profile.Beside(fmt.Sprintf("/?tab=%d", i))
					tab.WaitText("#text", "open")
					tabs = append(tabs, tab)
				}
				return tabs
			}
			alone := open(1)[0]
			for range 2 {
				alone.Goto(elsewhere.URL)
				hear(0)
				s.WaitPages(0)
				alone.Back() // a page that the browser kept goes on
				s.WaitPages(1)
				alone.WaitText("#text", "open")
			}
			alone.Close()
			hear(0)
			s.WaitPages(0)

			tabs := open(3)
			tabs[0].Goto(elsewhere.URL) // it carries the socket, without a SharedWorker
			hear(0)
			tabs[0].Close()
			tabs[2].Goto(elsewhere.URL)
			hear(2)
			tabs[2].Close()
			tabs[1].Close()
			s.WaitPages(0)

			tabs = open(3)
			var closing sync.WaitGroup
			for _, tab := range tabs {
				closing.Go(tab.Close)
			}
			closing.Wait()
			s.WaitPages(0)
		})
	}
}
