package server_test

import (
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// choosing has a module that is made from two files, and leaves it out of the update of the first.
const choosing = `
    async transform(code, id) {
      if (!id.endsWith("/part.js")) return;
      const from = id.replace("part.js", "part.txt");
      this.addWatchFile(from);
      const { readFileSync } = await import("node:fs");
      return code + "export const text = " + JSON.stringify(readFileSync(from, "utf8"));
    },
    handleHotUpdate({ file }) {
      if (file.endsWith("/part.js")) return [];
    },
`

// TestChoiceIsAboutItsFile saves both files that a module is made from at once. A plugin leaves the module out of the
// edit of one of them, and pages get it for the other.
func TestChoiceIsAboutItsFile(t *testing.T) {
	t.Parallel()
	app := viteEvents(t, "", choosing)
	app.Write("main.js", `import "./part.js"; import.meta.hot.accept()`)
	app.Write("part.js", "export const a = 1\n")
	app.Write("part.txt", "one")
	s := devtest.Start(t, app)
	packOf(s)
	c := s.Socket(t)

	resume := s.Server().Pause("test")
	s.Save("part.js", "1", "2")
	s.Save("part.txt", "one", "two")
	resume()
	c.WaitFor(devtest.Is("update", "/part.js", `"two\"`, "a = 2"))

	s.Save("part.js", "2", "3") // nobody gets it before the next edit of the other file
	s.Save("part.txt", "two", "three")
	c.WaitFor(devtest.Is("update", "/part.js", `three`, "a = 3"))
	if n := c.Count(devtest.Is("update")); n != 2 {
		t.Errorf("the edits made %d updates, want 2", n)
	}
}
