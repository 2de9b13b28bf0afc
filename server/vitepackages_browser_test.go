package server_test

import (
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestViteBundledPackages: what a vite.config has Vite do to the packages that it bundles holds in the packages of pages
// and workers, and a name that it replaces there stays as it is in the app's own modules.
func TestViteBundledPackages(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(`-- index.html --
<link rel="icon" href="data:,"><p id="page"></p><p id="worker"></p><p id="app"></p><script type="module" src="/main.js"></script>
-- package.json --
{"type":"module"}
-- vite.config.js --
export default { optimizeDeps: { rolldownOptions: {
  transform: { define: { global: 'globalThis', NUMBER: 7 }, inject: { Own: ['own-lib', 'own'] } },
  output: { banner: 'globalThis.first = "first"' },
  plugins: [{ name: 'second', banner: () => 'import lib from "own-lib"; globalThis.second = lib' }],
} } }
-- main.js --
import seen from 'dep'
document.querySelector('#page').textContent = seen
document.querySelector('#app').textContent = typeof global + ' ' + typeof NUMBER
new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }).onmessage = (e) => document.querySelector('#worker').textContent = e.data
-- worker.js --
import seen from 'dep'
postMessage(seen)
-- node_modules/dep/index.js --
module.exports = [typeof global, NUMBER, Own, first, second].join(' ')
-- node_modules/own-lib/package.json --
{"type":"module","main":"index.js"}
-- node_modules/own-lib/index.js --
export const own = 'own'
export default 'second'
`))
	vite := pluginPackage(t, "../tools", "vite")
	if vite == "" {
		t.Skip("npm packages are not installed: run npm install --no-save in testdata/tools/")
	}
	app.Link(vite, "node_modules/vite")
	p := devtest.Start(t, app).Page(t, "/")
	for _, where := range []string{"#page", "#worker"} {
		p.WaitText(where, "object 7 own first second")
	}
	p.WaitText("#app", "undefined undefined")
}
