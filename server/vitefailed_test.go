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

// TestNodeTooOld: a Vite that Node.js is too old for fails with an error about something else. The error says what the
// cause may be.
func TestNodeTooOld(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(`-- index.html --
<script type="module" src="/main.js"></script>
-- main.js --
-- vite.config.js --
import plugin from "./plugin.js"
export default { plugins: [plugin()] }
-- plugin.js --
export default () => ({ name: "own", transform() {} })
-- node_modules/vite/package.json --
{ "name": "vite", "version": "99.0.0", "type": "module", "engines": { "node": "^97.1.0 || >=98.0.0" } }
-- node_modules/vite/dist/node/index.js --
import { styledText } from "node:util"
`))
	s := devtest.Start(t, app)
	s.Log.Wait(t, "does not provide an export named 'styledText' (Vite 99.0.0 needs Node.js ^97.1.0 || >=98.0.0, and this is")
}
