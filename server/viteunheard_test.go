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

// TestHeardBeforeMade: an edit arrives while a file is truncated, and the file has its new text a moment later. Plugins
// hear of that text before they make a module of it: Vue compares an edit with what it has made, and would find that
// nothing of the script has changed.
func TestHeardBeforeMade(t *testing.T) {
	t.Parallel()
	app := viteEvents(t, "", ordered)
	app.Write("main.js", `import "./own.js"; import "./other.js"; import.meta.hot.accept()`)
	app.Write("own.js", "one\n")
	s := devtest.Start(t, app)
	packOf(s)
	c := s.Socket(t)

	resume := s.Server().Pause("test")
	s.Save("other.js", "1", "2")
	app.Write("own.js", "")
	resume()
	c.WaitFor(devtest.Is("update", "/own.js", "made one;heard of two;made two;"))
}
