package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestViteGate: plugins run with the user's rights. What they resolve and load gives no page, and no package, a file
// that it may not read.
func TestViteGate(t *testing.T) {
	t.Parallel()
	outside, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"mine.js": "MINE", "theirs.js": "THEIRS", "theirs.own": "THEIRS"} {
		if err := os.WriteFile(filepath.Join(outside, name), []byte("export default '"+text+"'"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	app := devtest.App(t, devtest.Text(strings.ReplaceAll(`-- index.html --
<script type="module" src="/main.js"></script>
-- package.json --
{"type":"module"}
-- vite.config.js --
import { existsSync, readFileSync } from 'node:fs'
export default { plugins: [{
  name: 'careless', enforce: 'pre',
  resolveId: (id) => id.startsWith('any:') ? id.slice(4) : id.startsWith('OUTSIDE') ? id : undefined,
  load: (id) => existsSync(id.split('?')[0]) ? readFileSync(id.split('?')[0], 'utf8') + '/* careless */' : undefined,
  transform: (code, id) => /\.(own|env)/.test(id) ? 'export default ' + JSON.stringify(code) : undefined,
}] }
-- .env --
SECRET=1
-- main.js --
import mine from "any:OUTSIDE/mine.js"
import "evil"
globalThis.mine = mine
-- env.js --
import env from "./.env?own"
globalThis.env = env
`, "OUTSIDE", filepath.ToSlash(outside))))
	packages, err := filepath.Abs("../testdata/tools/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(packages); err != nil {
		t.Skip("npm packages are not installed: run npm install --no-save in testdata/tools/")
	}
	app.Link(filepath.Join(packages, "vite"), "node_modules/vite")
	app.Package("evil", `{"name":"evil","version":"1.0.0","main":"index.jsx"}`, map[string]string{
		"index.jsx": strings.ReplaceAll(`export { default } from "OUTSIDE/theirs.js"; import "any:OUTSIDE/theirs.own"`, "OUTSIDE", filepath.ToSlash(outside)),
	})
	s := devtest.Start(t, app)
	body := s.Get("/main.js").Body
	if !strings.Contains(body, "MINE") {
		t.Errorf("the app's own import by a plugin does not work:\n%s\n%s", body, s.Log)
	}
	if strings.Contains(body, "THEIRS") {
		t.Errorf("a package reads a file outside by way of a plugin:\n%s", body)
	}
	s.Log.Wait(t, "may not be read")
	for _, path := range []string{
		"/env.js", "/.env", "/.env?own", "/.env?import&x.own", "/@fs" + filepath.ToSlash(outside) + "/theirs.own", "/@fs" + filepath.ToSlash(outside) + "/theirs.js?own",
		"/@id/" + filepath.ToSlash(outside) + "/theirs.own", "/@id/vite:" + filepath.ToSlash(outside) + "/theirs.own",
	} {
		for _, dest := range []string{"script", "empty"} {
			if answer := s.Get(path, "Sec-Fetch-Dest", dest); strings.Contains(answer.Body, "SECRET") || strings.Contains(answer.Body, "THEIRS") {
				t.Errorf("%s is served: status %d %s", path, answer.Status, answer.Body)
			}
		}
	}
}
