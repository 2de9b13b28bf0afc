package server_test

import (
	"os"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// ownApp is a project whose plugin works like those of component frameworks: it remembers the text of a component that
// it saw last, and tells what that was when the component is edited. It starts once there is no file "wait" any more.
const ownApp = `-- index.html --
<p id="a"></p><p id="b"></p><script type="module" src="/src/main.js"></script>
-- package.json --
{"type":"module"}
-- vite.config.js --
import { existsSync } from 'node:fs'
const seen = new Map()
console.error('the vite.config runs')
while (existsSync('wait')) await new Promise((r) => setTimeout(r, 10))
export default { plugins: [{
  name: 'own',
  resolveId: (id) => id === 'virtual:all' ? '\0all' : undefined,
  load: (id) => id === '\0all' ? 'export const all = ' + JSON.stringify([...seen.values()].sort().join()) : undefined,
  transform(code, id) {
    if (!id.endsWith('.own')) return
    seen.set(id, code.trim())
    console.error('made ' + id.split('/').pop() + ' of ' + code.trim())
    return { code: 'export const text = ' + JSON.stringify(code.trim()) + '; export const show = (where) => { document.querySelector(where).textContent = text }', map: null }
  },
  async handleHotUpdate({ file, read }) {
    if (file.endsWith('.own')) console.error('edit: ' + (seen.get(file) ?? 'nothing') + ' -> ' + (await read()).trim())
  },
}] }
-- src/main.js --
import { show as a, text } from './a.own'
import { show as b } from './b.own'
import './plain.js'
import 'virtual:all'
a('#a'); b('#b')
import.meta.hot.accept('./a.own', (m) => m.show('#a'))
import.meta.hot.accept('virtual:all', () => {})
import.meta.hot.accept('./plain.js', () => {})
import.meta.hot.accept('./b.own', (m) => m.show('#b'))
-- src/plain.js --
document.title = 'plain'
-- src/a.own --
one
-- src/b.own --
two
`

// TestViteSecondStart shows the page of a second start before Node runs. Node makes again what pages run, with the text
// that they run, so that plugins know it at the first edit.
func TestViteSecondStart(t *testing.T) {
	t.Parallel()
	app, s, p := ownPage(t)
	p.WaitText("#b", "two")
	made := strings.Count(s.Log.String(), "made ")
	if made != 2 {
		t.Errorf("the first start made %d components, want 2", made)
	}
	s.Stop()
	app.Write("wait", "")
	s.Again()
	p.Reload()
	p.WaitText("#a", "one") // while the vite.config waits
	p.WaitText("#b", "two")
	if again := s.Log.Count("made ") - made; again != 0 {
		t.Errorf("Node made %d components before it could have started", again)
	}

	// An edit that comes before Node waits for it. The plugin learns the text before the edit first.
	app.Write("src/a.own", "three\n")
	s.Log.Wait(t, "the vite.config runs")
	if err := os.Remove(app.Path("wait")); err != nil {
		t.Fatal(err)
	}
	s.Log.Wait(t, "edit: one -> three")
	p.WaitText("#a", "three")
	devtest.Eventually(t, "the other component is made again", func() bool { return s.Log.Count("made b.own of two") == 2 }, s.Log.String)
	app.Write("src/b.own", "four\n")
	s.Log.Wait(t, "edit: two -> four")
	p.WaitText("#b", "four")

	// What was edited between two runs is made anew, and the rest is kept.
	s.Stop()
	app.Write("src/a.own", "five\n")
	app.Write("wait", "")
	s.Again()
	_ = os.Remove(app.Path("wait"))
	p.Reload()
	p.WaitText("#a", "five")
	p.WaitText("#b", "four")
}

// ownPage opens the page of ownApp. Two texts are an edit of its vite.config: the first becomes the second.
func ownPage(t *testing.T, edit ...string) (*devtest.Files, *devtest.Server, *devtest.Page) {
	t.Helper()
	app := devtest.App(t, devtest.Text(ownApp))
	tools(t, app)
	if len(edit) > 0 {
		app.Edit("vite.config.js", edit[0], edit[1])
	}
	s := devtest.Start(t, app)
	p := s.Page(t, "/")
	p.WaitText("#a", "one")
	return app, s, p
}

// TestViteKilled kills Node. Pages stay, edits that only the server compiles go on, and edits that plugins missed are
// applied once Node is back.
func TestViteKilled(t *testing.T) {
	t.Parallel()
	app, s, p := ownPage(t, "const seen", "if (existsSync('die')) process.exit(7)\nsetInterval(() => { if (existsSync('die')) { console.error('told to die'); process.exit(7) } }, 20)\nconst seen")
	app.Write("die", "")
	s.Log.Wait(t, "told to die")
	s.Log.Wait(t, "started again in 1.6s") // now nothing waits for it
	app.Edit("src/plain.js", "plain", "edited")
	p.Wait(`document.title === "edited"`)
	app.Write("src/a.own", "three\n")
	p.WaitOverlay("do not run at the moment")
	p.WaitText("#a", "one")
	app.Remove("die")
	p.WaitText("#a", "three")
	s.Log.Wait(t, "edit: one -> three")
	p.WaitNoOverlay()
}
