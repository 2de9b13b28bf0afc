package server_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestViteBundledPackages: what a vite.config has Vite do to the packages that it bundles holds in the packages of pages
// and workers, and a name that it replaces there stays as it is in the app's own modules. Files of packages are in the
// languages that the vite.config names, by all names that Vite has for this.
func TestViteBundledPackages(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(`-- index.html --
<link rel="icon" href="data:,"><p id="page"></p><p id="worker"></p><p id="app"></p><script type="module" src="/main.js"></script>
-- package.json --
{"type":"module"}
-- vite.config.js --
export default { optimizeDeps: { rolldownOptions: {
  moduleTypes: { '.glsl': 'text' },
  transform: { jsx: { runtime: 'classic', pragma: 'own.element', pragmaFrag: 'own.all' }, define: { global: 'globalThis', NUMBER: 7 }, inject: { Own: ['own-lib', 'own'] } },
  output: { banner: 'globalThis.first = "first"' },
  plugins: [{ name: 'second', banner: () => 'import lib from "own-lib"; globalThis.second = lib' }],
}, esbuildOptions: { loader: { '.js': 'jsx', '.shade': 'text', '.bin': 'dataurl' } } } }
-- main.js --
import seen from 'dep'
document.querySelector('#page').textContent = seen
document.querySelector('#app').textContent = typeof global + ' ' + typeof NUMBER
new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }).onmessage = (e) => document.querySelector('#worker').textContent = e.data
-- worker.js --
import seen from 'dep'
postMessage(seen)
-- node_modules/dep/index.js --
const own = { element: (name, props, ...inside) => name + inside.join(''), all: 'all' }
module.exports = [typeof global, NUMBER, Own, first, second, <b>{<></>}</b>, require('./x.glsl').trim(), require('./x.shade').trim()].join(' ')
-- node_modules/dep/x.glsl --
vec4
-- node_modules/dep/x.shade --
vec2
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
		p.WaitText(where, "object 7 own first second ball vec4 vec2")
	}
	p.WaitText("#app", "undefined undefined")
}

// TestViteBundledPackagesByESBuild is TestViteBundledPackages for a Vite that bundles by esbuild: its JSX is classic.
func TestViteBundledPackagesByESBuild(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(`-- index.html --
<p id="page"></p><script type="module" src="/main.js"></script>
-- package.json --
{"type":"module"}
-- vite.config.js --
export default { optimizeDeps: { esbuildOptions: { define: { NUMBER: '7' }, loader: { '.js': 'jsx', '.glsl': 'text' } } } }
-- main.js --
import seen from 'dep'
document.querySelector('#page').textContent = seen
-- node_modules/dep/index.js --
const React = { createElement: (name, props, ...inside) => name + inside.join('') }
module.exports = [NUMBER, <b>old</b>, require('./x.glsl').trim()].join(' ')
-- node_modules/dep/x.glsl --
vec4
`))
	vite := pluginPackage(t, "vite-7", "vite")
	if !strings.HasSuffix(filepath.ToSlash(vite), "vite-7/node_modules/vite") {
		t.Skip("npm packages are not installed: run npm install in testdata/plugins/")
	}
	app.Link(vite, "node_modules/vite")
	devtest.Start(t, app).Page(t, "/").WaitText("#page", "7 bold vec4")
}
