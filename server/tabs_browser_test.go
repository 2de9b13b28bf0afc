package server_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

const tabsApp = `
-- devserver.config.json --
{"server": {"hmr": {"shareTabs": true}}}
-- index.html --
<!doctype html><head></head><p id="text"></p><script type="module" src="/main.js"></script>
-- main.js --
import { text } from "./text.js";
const state = (window.state = { all: [], answers: [] });
const { hot } = import.meta;
hot.on("all", (n) => state.all.push(n));
hot.on("answer", (n) => state.answers.push(n));
window.ask = (n) => hot.send("ask", n);
window.hang = () => {
  const request = new XMLHttpRequest();
  request.open("GET", "/hang", false);
  request.send();
};
const show = (t) => (document.querySelector("#text").textContent = t);
show(text);
hot.accept("./text.js", (next) => show(next.text));
-- text.js --
export const text = "one";
`

// TestTabsShareASocket has five tabs of one browser, with and without SharedWorker.
func TestTabsShareASocket(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	for name, head := range sharing {
		t.Run(name, func(t *testing.T) {
			app := devtest.App(t, devtest.Text(tabsApp))
			app.Edit("index.html", "<head>", "<head>"+head)
			hangs, goOn := make(chan bool), make(chan bool)
			s := devtest.Start(t, app, answers, func(o *server.Options) {
				o.Plugins = append(o.Plugins, plugin.Plugin{Name: "hangs", Routes: []plugin.RouteDef{
					plugin.Route("/hang", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hangs <- true; <-goOn })),
				}})
			})
			r := newRelay(t, s.URL)
			f := openFamily(t, s, r.url, 5)
			f.exchange(10)
			if shared, own := s.Log.Count("shared=true"), s.Log.Count("shared=false"); shared != 1 || own != 0 {
				t.Errorf("%d shared sockets and %d others, want 1 and 0", shared, own)
			}
			app.Edit("text.js", "one", "two")
			for _, tab := range f.tabs {
				tab.WaitText("#text", "two")
			}

			r.cut()
			f.exchange(10)
			s.WaitPages(5)

			if head == "" { // without SharedWorker each tab holds a lock, and browsers do not freeze such tabs
				all := f.tabs
				setState(t, all[0], "frozen")
				f.tabs = all[1:]
				f.exchange(10)
				setState(t, all[0], "active")
				f.tabs = all
				devtest.Eval[*int](all[0], fmt.Sprintf("void ask(%d)", 100*f.asks)) // the tab could not ask while it was frozen
				f.exchange(10)
			}

			// The first tab waits for an answer and runs nothing meanwhile, as at a breakpoint.
			devtest.Eval[*int](f.tabs[0], "void setTimeout(hang)")
			<-hangs
			all := f.tabs
			f.tabs = all[1:]
			f.say(10)
			if head == "" {
				f.hear()
			}
			goOn <- true
			f.hear() // without SharedWorker the first tab carries the socket, and the others had to wait for it
			f.tabs = all
			devtest.Eval[*int](all[0], fmt.Sprintf("void ask(%d)", 100*f.asks))
			f.exchange(10)

			f.broadcast(5)
			f.tabs[0].Close() // the tab that carries the socket, without SharedWorker
			f.tabs = f.tabs[1:]
			f.exchange(10)
			s.WaitPages(4) // the server knows that the tab is gone
			app.Edit("text.js", "two", "three")
			for _, tab := range f.tabs {
				tab.WaitText("#text", "three")
				tab.NoReload()
			}
			if own := s.Log.Count("shared=false"); own != 0 {
				t.Errorf("%d tabs had a socket of their own", own)
			}
		})
	}
}

// setState freezes a tab or wakes it up.
func setState(t *testing.T, tab *devtest.Page, state cdpage.SetWebLifecycleStateState) {
	t.Helper()
	if _, err := chromedp.Call(tab.Context(), cdpage.SetWebLifecycleState, cdpage.SetWebLifecycleStateParams{State: state}); err != nil {
		t.Fatalf("make a tab %s: %v", state, err)
	}
}

// family holds the tabs of a browser. Each has got the same broadcasts, and its own answers.
type family struct {
	t         *testing.T
	s         *devtest.Server
	tabs      []*devtest.Page
	all, asks int
}

// openFamily opens so many tabs of one browser at the same time.
func openFamily(t *testing.T, s *devtest.Server, url string, tabs int) *family {
	t.Helper()
	f := &family{t: t, s: s}
	profile := s.Tab(t)
	for range tabs {
		f.tabs = append(f.tabs, profile.Beside(url))
	}
	for _, tab := range f.tabs {
		tab.WaitText("#text", "one")
	}
	s.WaitPages(tabs)
	return f
}

func (f *family) broadcast(n int) {
	f.t.Helper()
	for range n {
		if err := f.s.Server().Hub().Broadcast("all", f.all); err != nil {
			f.t.Fatal(err)
		}
		f.all++
	}
}

// exchange broadcasts messages and sends one from each tab. It checks that each tab gets all broadcasts and its own
// answer, and no others.
func (f *family) exchange(n int) {
	f.t.Helper()
	f.say(n)
	f.hear()
}

func (f *family) say(n int) {
	f.t.Helper()
	f.broadcast(n)
	f.asks++
	for i, tab := range f.tabs {
		devtest.Eval[*int](tab, fmt.Sprintf("void ask(%d)", 100*f.asks+i))
	}
	f.broadcast(n)
}

func (f *family) hear() {
	f.t.Helper()
	for i, tab := range f.tabs {
		tab.Wait(fmt.Sprintf("state.all.length >= %d && state.answers.length >= %d", f.all, f.asks))
		got := devtest.Eval[string](tab, "JSON.stringify(state.all.filter((n, i) => n !== i).concat(state.all.length))")
		if got != fmt.Sprintf("[%d]", f.all) {
			f.t.Errorf("tab %d did not get the %d broadcasts once and in order: %s", i, f.all, got)
		}
		if got := devtest.Eval[int](tab, "state.answers.at(-1) + 0 * state.answers.length"); got != 100*f.asks+i {
			f.t.Errorf("tab %d got the answer %d, want %d", i, got, 100*f.asks+i)
		}
		if got := devtest.Eval[int](tab, "state.answers.length"); got != f.asks {
			f.t.Errorf("tab %d got %d answers to %d questions", i, got, f.asks)
		}
	}
}

// relay passes bytes between browser and server. Its connections can be cut, as a network fails, or freeze.
type relay struct {
	url     string
	freezes atomic.Int32

	mu    sync.Mutex
	conns []net.Conn
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(l.Addr().String(), ":")
	r := &relay{url: "http://localhost:" + port + "/"}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", "127.0.0.1:"+target.Port())
			if err != nil {
				_ = in.Close()
				continue
			}
			r.mu.Lock()
			r.conns = append(r.conns, in, out)
			r.mu.Unlock()
			begun := r.freezes.Load()
			for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
				running.Go(func() {
					_, _ = io.Copy(valve{way[0], r, begun}, way[1]) // ends when either connection ends
					_, _ = way[0].Close(), way[1].Close()
				})
			}
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		r.cut()
		running.Wait()
	})
	return r
}

// cut closes all connections.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		_ = c.Close()
	}
	r.conns = nil
}

// freeze makes the connections carry nothing from now on. They stay open.
func (r *relay) freeze() { r.freezes.Add(1) }

// valve writes to a connection until the relay freezes it.
type valve struct {
	to    net.Conn
	relay *relay
	begun int32
}

func (v valve) Write(p []byte) (int, error) {
	if v.relay.freezes.Load() > v.begun {
		return len(p), nil
	}
	return v.to.Write(p)
}
