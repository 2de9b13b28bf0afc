package server_test

import (
	"os"
	"strconv"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestEventsAsInTheArticle runs the sample that every Vite user knows, as it is printed, and a page that uses it: over a
// cut connection, a Node that was killed, and an edit of the vite.config.
func TestEventsAsInTheArticle(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	app := devtest.App(t, devtest.Text(`
-- package.json --
{"type": "module"}
-- vite.config.ts --
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [
    {
      name: 'custom-dev-events',
      configureServer(server) {
        server.ws.on('my-custom-event', (data, client) => {
          console.log('Received custom event:', data.message)
          client.send('custom-response', { success: true })
        })
      },
    },
  ],
})
-- index.html --
<!doctype html><link rel="icon" href="data:,"><button id="send">send</button><p id="got"></p><script type="module" src="/src/main.ts"></script>
-- src/main.ts --
const got: string[] = [];
if (import.meta.hot) {
  import.meta.hot.on('custom-response', (data) => {
    got.push(JSON.stringify(data));
    document.querySelector('#got')!.textContent = got.length + ': ' + got.at(-1);
  });
  document.querySelector('#send')!.addEventListener('click', () => {
    import.meta.hot!.send('my-custom-event', { message: 'Hello from client!' });
  });
}
`))
	linkTools(t, app, []string{"vite"})
	s := devtest.Start(t, app)
	r := newRelay(t, s.URL)
	p := s.Tab(t).Beside(r.url)
	s.WaitPages(1)
	answers := 0
	ask := func() {
		t.Helper()
		answers++
		p.Click("#send")
		p.WaitText("#got", strconv.Itoa(answers)+`: {"success":true}`)
	}
	ask()
	s.Log.Wait(t, "Received custom event: Hello from client!")

	r.cut()
	ask()

	// The plugin says what its process is, and the page asks again when that is gone.
	app.Edit("vite.config.ts", "success: true }", "success: true })\n          server.ws.send('pid', process.pid")
	s.Log.Wait(t, "server restarted")
	p.NoReload()
	devtest.Eval[any](p, `void import("/@vite/client").then(({createHotContext}) => createHotContext("/test").on("pid", (pid) => (globalThis.pid = pid)))`)
	ask()
	p.Wait("globalThis.pid > 0")
	node, err := os.FindProcess(devtest.Eval[int](p, "globalThis.pid"))
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Kill(); err != nil {
		t.Fatal(err)
	}
	ask()
	p.Wait("globalThis.pid !== " + strconv.Itoa(node.Pid))
	p.NoReload()
	if n := s.Log.Count("Received custom event:"); n != answers {
		t.Errorf("the plugin got %d events, want %d", n, answers)
	}
}
