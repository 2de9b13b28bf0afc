package server_test

import (
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
	"github.com/seed-b8174343/devserver/server/testdata/pagesplugin"
)

// TestPluginReachesPages: the overlay shows a plugin's error with its name until it is taken back. Pages at a path
// reload, and their consoles show the reason.
func TestPluginReachesPages(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(pagesPluginApp)), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{pagesplugin.New()}
	})
	p := s.Page(t, "/about")
	q := p.Beside("/")
	s.WaitPages(2)
	c := s.Socket(t)
	c.Emit("pages:show", map[string]any{"key": "a", "message": "a fault of the data", "file": "main.js", "line": 1})
	p.WaitOverlay("a fault of the data", "pages", "main.js", "line 1 of main.js", "fix it")
	q.WaitOverlay("a fault of the data")
	c.Emit("pages:clear", "a")
	p.WaitNoOverlay()
	q.WaitNoOverlay()
	c.Emit("pages:reload", "/about")
	p.WaitReload(1)
	p.WaitConsole("page was reloaded: there is more, by plugin pages")
	c.Emit("pages:reload", "/")
	q.WaitReload(1)
	if n := p.Reloads(); n != 1 {
		t.Errorf("the page at /about was reloaded %d times, want 1", n)
	}
}

// TestNullIsDataInPages: listeners and promises of a page get null, or undefined when there is no data.
func TestNullIsDataInPages(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	s := devtest.Start(t, devtest.App(t, devtest.Text(`
-- index.html --
<!doctype html><link rel="icon" href="data:,"><p id="got"></p><script type="module" src="/main.js"></script>
-- main.js --
import { channel } from "devserver/client";
const hot = import.meta.hot, echo = channel("pages_data_echo");
const got = [];
let heard;
hot.on("pages:echoed", (data) => heard(data));
const ways = [
  (...data) => new Promise((resolve) => { heard = resolve; hot.send("pages:echo", ...data); }),
  (...data) => hot.request("pages:answer me", ...data),
];
for (const way of ways) got.push(String(await way(null)), String(await way()));
const messages = [];
echo.subscribe((data) => {
  messages.push(String(data));
  if (messages.length === 2) document.querySelector("#got").textContent = [...got, ...messages].join();
});
echo.send(null);
echo.send(undefined);
`)), func(o *server.Options) { o.Plugins = []plugin.Plugin{pagesplugin.New()} })
	s.Page(t, "/").WaitText("#got", "null,undefined,null,undefined,null,undefined")
}
