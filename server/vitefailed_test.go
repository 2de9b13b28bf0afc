package server_test

import (
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestViteFailedModule: a module that a plugin of the vite.config failed to make is made again at each edit, since nobody
// knows what the plugin has looked at. Vite makes it again at each request.
func TestViteFailedModule(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(`-- index.html --
<script type="module" src="/main.js"></script>
-- package.json --
{"type":"module"}
-- vite.config.js --
let text = 'bad'
export default { plugins: [{
  name: 'parts',
  resolveId: (id) => id === 'virtual:part' ? '\0part' : undefined,
  load(id) {
    if (id !== '\0part') return
    if (text === 'bad') throw new Error('no part')
    return 'export const part = ' + JSON.stringify('part ' + text)
  },
  async handleHotUpdate({ file, read }) { if (file.endsWith('.txt')) text = (await read()).trim() },
}] }
-- main.js --
import { part } from 'virtual:part'
console.log(part)
-- part.txt --
bad
`))
	tools(t, app)
	s := devtest.Start(t, app)
	s.Get("/main.js", "Sec-Fetch-Dest", "script")
	s.Log.Wait(t, "no part")
	app.Write("part.txt", "good\n")
	text := ""
	devtest.Eventually(t, "the module is made again", func() bool {
		text = s.Get("/main.js", "Sec-Fetch-Dest", "script").Body
		return strings.Contains(text, "part good")
	}, func() string { return text })
}
