package server_test

import (
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestBarrelGrowsInAnOpenPage imports more names of a package into an open page. The package's index has run long
// before, so the modules behind the new names have to come with the import.
func TestBarrelGrowsInAnOpenPage(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(`-- index.html --
<p id="main"></p><p id="lazy"></p><p id="deep"></p><p id="second"></p><p id="whole"></p><button id="go">go</button>
<script type="module" src="/main.js"></script>
<script type="module" src="/second.js"></script>
-- main.js --
import { one } from 'lib'
document.querySelector('#main').textContent = one()
document.querySelector('#go').onclick = async () => {
  document.querySelector('#lazy').textContent = (await import('./lazy.js')).default()
  document.querySelector('#deep').textContent = (await import('./deep.js')).default()
  document.querySelector('#whole').textContent = await (await import('./whole.js')).default()
}
-- second.js --
import { three } from 'lib'
document.querySelector('#second').textContent = three()
-- lazy.js --
import { two } from 'lib'
export default () => two()
-- whole.js --
export default async () => (await import('lib')).other()
-- deep.js --
import { inner } from 'lib'
export default () => inner()
-- package.json --
{}
`))
	app.Package("lib", `{"name":"lib","version":"1.0.0","type":"module","sideEffects":false,"exports":"./index.js"}`, map[string]string{
		"index.js": "import { one } from './one.js';\nimport { two } from './two.js';\nexport { three } from './three.js';\nexport { one, two };\nexport * from './more.js';\n",
		"more.js":  "export { inner } from './inner.js';\nexport { other } from './other.js';\n",
		"one.js":   "export const one = () => 'one'\n",
		"two.js":   "import { base } from './base.js';\nexport const two = () => 'two' + base\n",
		"three.js": "export const three = () => 'three'\n",
		"base.js":  "export const base = '!'\n",
		"inner.js": "export const inner = () => 'inner'\n",
		"other.js": "export const other = () => 'other'\n",
	})
	s := devtest.Start(t, app)
	p := s.Page(t, "/")
	p.WaitText("#main", "one")
	p.WaitText("#second", "three")
	p.Click("#go")
	p.WaitText("#lazy", "two!")
	p.WaitText("#deep", "inner")
	p.WaitText("#whole", "other")
	p.NoReload()
	p.NoErrors()
}
