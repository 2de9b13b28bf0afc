package server_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// viteSends has a plugin that sends what pages ask it to send, and one that sends in its hook.
const viteSends = `
	server.ws.on("send", (payload) => server.ws.send(payload));
	server.hot.on("send to me", (payload, client) => client.send(payload));
	server.ws.on("touch", (file) => server.watcher.emit("change", server.config.root + file));
	server.ws.on("miss", (file) => server.watcher.emit("unlink", server.config.root + file));
	server.ws.on("watch", (paths) => { server.watcher.add(paths); server.ws.send("watches"); });
	server.ws.on("restart", () => server.restart());
	const node = () => server.environments.client.moduleGraph.getModuleById("\0virtual:text");
	server.ws.on("invalidate", () => server.environments.client.moduleGraph.invalidateModule(node()));
	server.ws.on("reload", () => server.reloadModule(server.moduleGraph.getModuleById("\0virtual:text")));
	server.ws.on("update", (path) => {
		server.environments.client.moduleGraph.invalidateModule(node());
		server.ws.send({ type: "update", updates: [{ type: "js-update", path, acceptedPath: path, timestamp: Date.now() }] });
		server.ws.send("after the update");
	});
	server.watcher.on("change", (file) => server.ws.send("changed", file));
	server.watcher.on("add", (file) => server.ws.send("added", file));
	server.watcher.on("unlink", (file) => server.ws.send("removed", file));
`

// sendsInHook is a hook that sends an event, an update and a reload.
const sendsInHook = `
    handleHotUpdate({ file, server }) {
      server.ws.send("hot", file);
      if (!file.endsWith("batch.js")) return;
      const { client } = server.environments, path = "/@id/__x00__virtual:text";
      client.moduleGraph.invalidateModule(client.moduleGraph.getModuleById("\0virtual:text"));
      client.hot.send({ type: "full-reload", path: "/about.html" });
      server.hot.send({ type: "update", updates: [{ type: "js-update", path, acceptedPath: path, timestamp: 1 }] });
    },
`

func viteSending(t *testing.T) (*devtest.Server, *devtest.Socket) {
	t.Helper()
	app := viteEvents(t, viteSends, sendsInHook)
	app.Write("main.js", `import "virtual:text"; import "./batch.js"; import "./a.css"; import.meta.hot.accept()`)
	app.Write("batch.js", "export const a = 1")
	app.Write("a.css", ".a { color: red }")
	s := devtest.Start(t, app)
	if text := packOf(s); !strings.Contains(text, "text 1") {
		t.Fatalf("the pack lacks the plugin's module:\n%s", text)
	}
	return s, s.Socket(t)
}

func packOf(s *devtest.Server) string {
	return s.Get("/main.js", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors").Body
}

// TestSendsOfAViteConfig has a plugin of a vite.config send each kind of message.
func TestSendsOfAViteConfig(t *testing.T) {
	t.Parallel()
	s, c := viteSending(t)
	other := s.Socket(t)
	c.Emit("send", map[string]any{"type": "custom", "event": "all", "data": 1})
	c.WaitFor(devtest.Event("all", "1"))
	other.WaitFor(devtest.Event("all", "1"))
	c.Emit("send to me", map[string]any{"type": "custom", "event": "mine"})
	c.WaitFor(devtest.Event("mine"))

	// Updates name modules by URL, with the time of an earlier update or not, or by ID.
	for n, path := range []string{"/@id/__x00__virtual:text", "\x00virtual:text", "/@id/__x00__virtual:text?t=1700000000000"} {
		c.Emit("update", path)
		c.WaitFor(devtest.Is("update", "virtual:text", "text "+string(rune('2'+n))))
		c.WaitFor(devtest.Event("after the update"))
	}
	c.Emit("send", map[string]any{"type": "update", "updates": []any{}}) // unocss sends this as it starts

	c.Emit("send", map[string]any{"type": "full-reload"})
	c.WaitFor(devtest.Is("full-reload", `"path":"*"`, "plugin own asked for it"))
	c.Emit("send", map[string]any{"type": "full-reload", "path": "/about.html"})
	c.WaitFor(devtest.Is("full-reload", `"path":"/about.html"`))
	s.Log.Wait(t, "page reload (/about.html, plugin own asked for it)")
	c.Emit("send", map[string]any{"type": "full-reload", "path": "/src/main.js"})
	c.WaitFor(devtest.Is("full-reload", `"path":"*"`))
	c.Emit("send to me", map[string]any{"type": "full-reload"})
	c.WaitFor(devtest.Is("full-reload", `"path":"*"`))

	c.Emit("send", map[string]any{"type": "error", "err": map[string]any{
		"message": "types do not match", "stack": "", "plugin": "checker", "frame": "1 | x", "loc": map[string]any{"file": s.Path("main.js"), "line": 1, "column": 3},
	}})
	c.WaitFor(devtest.Is("error", "types do not match", `"plugin":"checker"`, "main.js", "1 | x"))
	s.Log.Wait(t, "types do not match")
	late := s.Socket(t)
	late.WaitFor(devtest.Is("error", "types do not match"))
	s.Save("batch.js", "1", "(")
	c.WaitFor(devtest.Is("error", "batch.js", "types do not match"))
	s.Save("batch.js", "(", "1")
	c.WaitFor(devtest.Is("fixed"))

	c.Emit("send", map[string]any{"type": "prune", "paths": []string{"/x"}})
	s.Log.Wait(t, `plugin own sends "prune", which pages of devserver do not need`)
	c.Emit("send", map[string]any{"type": "connected"})
	c.Emit("send", map[string]any{"type": "custom", "event": "end"})
	other.WaitFor(devtest.Event("end"))
	toOne := func(f devtest.Frame) bool {
		return devtest.Is("full-reload")(f) && !strings.Contains(string(f.Text), `"seq"`)
	}
	if n := other.Count(toOne); n > 0 || c.Count(toOne) != 1 {
		t.Error("client.send reloaded another page")
	}
}

// TestRunsAgain checks that pages run a module again whose code is the same: by reloadModule, by an update that a plugin
// sends, and when a hook chooses the module for an edit of another file.
func TestRunsAgain(t *testing.T) {
	t.Parallel()
	app := viteEvents(t, `
	const path = "/other.js", node = () => server.environments.client.moduleGraph.getModuleById(server.config.root + path);
	server.ws.on("reload", () => server.reloadModule(node()));
	server.ws.on("update", () => server.ws.send({ type: "update", updates: [{ type: "js-update", path, acceptedPath: path, timestamp: 1 }] }));
`, `
    transform: (code, id) => (id.endsWith("/other.js") ? code + "// made" : undefined),
    handleHotUpdate({ file, server }) {
      if (file.endsWith("data.txt")) return [...server.moduleGraph.getModulesByFile(server.config.root + "/other.js")];
    },
`)
	app.Write("main.js", `import "./other.js"; import.meta.hot.accept()`)
	app.Write("data.txt", "1")
	s := devtest.Start(t, app)
	packOf(s)
	c := s.Socket(t)
	again := devtest.Is("update", `"changed":["/other.js"]`, `"again":["/other.js"]`, "const other = 1")
	c.Emit("reload", nil)
	c.WaitFor(again)
	c.Emit("update", nil)
	c.WaitFor(again)
	app.Write("data.txt", "2")
	c.WaitFor(again)
}

// TestPageRenderedInAnEdit checks that a hook may render pages while the edit waits for the hook.
func TestPageRenderedInAnEdit(t *testing.T) {
	app := viteEvents(t, "", `
    async handleHotUpdate({ server }) {
      for (const n of [1, 2, 3]) {
        const html = await server.transformIndexHtml("/rendered.html", `+"`<script type=module>console.log(${n})</script>`"+`);
        server.ws.send("rendered", html.includes("html-proxy"));
      }
    },
`)
	app.Write("main.js", "import.meta.hot.accept()")
	s := devtest.Start(t, app)
	packOf(s)
	c := s.Socket(t)
	app.Write("main.js", "import.meta.hot.accept(); 1")
	for range 3 {
		c.WaitFor(devtest.Event("rendered", "true"))
	}
}

// TestOrderOfSendsInAnEdit sends in a hook: the event comes before the update of the edit, the update joins it, and the
// reload follows.
func TestOrderOfSendsInAnEdit(t *testing.T) {
	t.Parallel()
	s, c := viteSending(t)
	s.Save("batch.js", "1", "2")
	c.WaitFor(devtest.Event("changed", "batch.js"))
	c.WaitFor(devtest.Event("hot", "batch.js"))
	c.WaitFor(devtest.Is("update", "/batch.js", "virtual:text", "text 2"))
	c.WaitFor(devtest.Is("full-reload", "/about.html"))
	if n := c.Count(devtest.Is("update")); n != 1 {
		t.Errorf("the edit made %d updates, want 1", n)
	}
}

// TestWishesOfAViteConfig has a plugin reload and invalidate a module, report and watch files, and restart the server.
func TestWishesOfAViteConfig(t *testing.T) {
	t.Parallel()
	s, c := viteSending(t)
	c.Emit("reload", nil)
	c.WaitFor(devtest.Is("update", "virtual:text", "text 2"))
	c.Emit("invalidate", nil)
	devtest.Eventually(t, "the third text", func() bool { return strings.Contains(packOf(s), "text 3") }, func() string { return packOf(s) })
	if n := c.Count(devtest.Is("update", "text 3")); n > 0 {
		t.Error("invalidating a module updated pages that run it")
	}

	c.Emit("touch", "/batch.js") // the content is the same, so that pages need not run it again
	c.WaitFor(devtest.Event("changed", "batch.js"))
	c.WaitFor(devtest.Event("hot", "batch.js"))

	c.Emit("miss", "/never.js")
	c.WaitFor(devtest.Event("removed", "never.js"))

	outside := devtest.App(t, devtest.Text(`
-- one/note.txt --
a
-- two/deep/note.md --
a
-- three/only.txt --
a
-- three/other.txt --
a
`))
	c.Emit("watch", []string{outside.Path("one"), filepath.ToSlash(outside.Path("two")) + "/**/*.md", outside.Path("three/only.txt")})
	c.WaitFor(devtest.Event("watches"))
	for _, name := range []string{"one/note.txt", "two/deep/note.md", "three/only.txt"} {
		outside.Save(name, "a", "b")
		c.WaitFor(devtest.Event("changed", name))
	}

	// A file that was there is changed, however it is saved. A folder that goes takes its files along.
	outside.Write("one/new/a.txt", "")
	c.WaitFor(devtest.Event("added", "a.txt"))
	outside.Remove("one")
	c.Peek(devtest.Event("removed", "one/new/a.txt"))
	c.Peek(devtest.Event("removed", "one/note.txt"))
	if n := c.Count(devtest.Event("added", "note.txt")); n > 0 {
		t.Error("a file that was saved counts as created")
	}

	c.Emit("restart", nil)
	s.Log.Wait(t, "server restarted (plugin own asked for it)")
}
