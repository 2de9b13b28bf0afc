package server_test

import (
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// ordered tells in a module in which order its plugin made texts of own.js and heard of them. In the edit of other.js
// it writes own.js, as an editor that is in the middle of two saves does.
const ordered = `
    transform(code, id) {
      if (!id.endsWith("/own.js")) return;
      globalThis.order = (globalThis.order ?? "") + "made " + code.trim() + ";";
      return "export default " + JSON.stringify(order) + ";";
    },
    async handleHotUpdate({ file, read }) {
      const own = file.replace("other.js", "own.js");
      if (file.endsWith("/own.js")) globalThis.order += "heard of " + (await read()).trim() + ";";
      else if (file !== own) (await import("node:fs")).writeFileSync(own, "two\n");
    },
`

// twoEdits edits other.js, in whose edit own.js is written again, together with an edit of own.js.
func twoEdits(t *testing.T, edit func(app *devtest.Files)) {
	t.Helper()
	app := viteEvents(t, "", ordered)
	app.Write("main.js", `import "./own.js"; import "./other.js"; import.meta.hot.accept()`)
	app.Write("own.js", "one\n")
	s := devtest.Start(t, app)
	packOf(s)
	c := s.Socket(t)

	resume := s.Server().Pause("test")
	s.Save("other.js", "1", "2")
	edit(app)
	resume()
	c.WaitFor(devtest.Is("update", "/own.js", "made one;heard of two;made two;"))
}

// TestHeardBeforeMade: an edit arrives while a file is truncated, and the file has its new text a moment later. Plugins
// hear of that text before they make a module of it: Vue compares an edit with what it has made, and would find that
// nothing of the script has changed.
func TestHeardBeforeMade(t *testing.T) {
	t.Parallel()
	twoEdits(t, func(app *devtest.Files) { app.Write("own.js", "") })
}

// TestReplacedIsUpdate: git deletes a file and creates it again. Plugins hear of one update, also when an edit begins in
// between. handleHotUpdate is not called for other edits.
func TestReplacedIsUpdate(t *testing.T) {
	t.Parallel()
	twoEdits(t, func(app *devtest.Files) { app.Remove("own.js") })
}

// TestDeletedModuleInHook has a plugin make a module again whose file was deleted, as that of Svelte does. It gets what was
// made last, as in Vite.
func TestDeletedModuleInHook(t *testing.T) {
	t.Parallel()
	app := viteEvents(t, "", `
    transform: (code, id) => (id.endsWith("/other.js") ? code + "// made" : undefined),
    async hotUpdate({ type, modules, server }) {
      if (type !== "delete" || this.environment.name !== "client") return;
      const text = await this.environment.transformRequest(modules[0].url).then((r) => r.code, String);
      server.ws.send("remade", { text });
    },
`)
	app.Write("main.js", `import "./other.js"; import.meta.hot.accept()`)
	s := devtest.Start(t, app)
	packOf(s)
	c := s.Socket(t)
	app.Remove("other.js")
	c.WaitFor(devtest.Is("custom", "remade", "export const other = 1;", "// made"))
}

// TestErrorOfMiddlewareEnds: a middleware that renders pages shows an error in them. It ends with the next save that
// compiles, also while another module stays broken.
func TestErrorOfMiddlewareEnds(t *testing.T) {
	t.Parallel()
	app := viteEvents(t, `
      server.middlewares.use("/render", (req, res) => {
        server.ws.send({ type: "error", err: { message: "the page cannot be rendered", stack: "" } });
        res.end("500");
      });`)
	app.Write("main.js", `import "./other.js"; import "./broken.js"; import.meta.hot.accept()`)
	app.Write("broken.js", "export const = 1\n")
	s := devtest.Start(t, app)
	s.Get("/main.js", "Sec-Fetch-Dest", "script")
	c := s.Socket(t)
	s.Get("/render")
	c.WaitFor(devtest.Is("error", "cannot be rendered", "broken.js"))
	both, all := c.Count(devtest.Is("error", "cannot be rendered")), c.Count(devtest.Is("error"))
	s.Save("other.js", "1", "2")
	devtest.Eventually(t, "the errors after the save", func() bool { return c.Count(devtest.Is("error")) > all }, nil)
	if n := c.Count(devtest.Is("error", "cannot be rendered")); n != both {
		t.Errorf("after the save, pages get the error of the middleware again")
	}
}
