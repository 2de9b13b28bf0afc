package server_test

import (
	"fmt"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// hurry makes the client's long waits a twentieth, so that a test need not wait for silence. It counts pings.
const hurry = `<script>{
	const { setTimeout } = window;
	window.setTimeout = (fn, ms, ...rest) => setTimeout(fn, ms >= 2500 ? ms / 20 : ms, ...rest);
	window.pings = 0;
	for (const target of [WebSocket, MessagePort, BroadcastChannel]) {
		const name = target === WebSocket ? "send" : "postMessage";
		const real = target.prototype[name];
		target.prototype[name] = function (message, ...rest) {
			if (JSON.stringify(message).includes('ping')) window.pings++;
			return real.call(this, message, ...rest);
		};
	}
}</script>`

// TestSilence lets a connection carry nothing, without an end: as behind a proxy that hangs. The page notices it, comes
// back over another connection, and nothing is lost. A connection without messages stays.
func TestSilence(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	heads := map[string]string{"its own socket": ""}
	for name, head := range sharing {
		heads[name] = head
	}
	for name, head := range heads {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := devtest.App(t, devtest.Text(tabsApp))
			if name == "its own socket" {
				app.Write("devserver.config.json", "{}")
			}
			app.Edit("index.html", "<head>", "<head>"+head+hurry)
			s := devtest.Start(t, app, answers)
			r := newRelay(t, s.URL)
			f := openFamily(t, s, r.url, 2)
			f.exchange(2)
			for i, tab := range f.tabs {
				tab.Wait(fmt.Sprintf("pings >= %d", 2+i))
				for _, line := range tab.Console() {
					if line == "warning: [devserver] the connection was lost (the server did not answer); reconnecting." {
						t.Errorf("tab %d gave up a connection that answers", i)
					}
				}
			}
			r.freeze()
			f.exchange(2)
			f.tabs[0].WaitConsole("the connection was lost (the server did not answer)")
			for _, tab := range f.tabs {
				tab.NoReload()
			}
			s.WaitPages(2)
		})
	}
}
