//go:build unix

package server_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestPipesInPlaceOfFiles: a repository may have a pipe, or a link to a device, under any name that the server reads.
// The server neither waits for a pipe nor reads without end.
func TestPipesInPlaceOfFiles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{".env", ".env.local", "package.json", "tsconfig.json", "postcss.config.js", "node_modules/dep/package.json", "pnpm-workspace.yaml", "package-lock.json", "public/file.txt", "src/unused.ts"} {
		t.Run(name, func(t *testing.T) {
			app := devtest.App(t, devtest.Text(`
-- app/index.html --
<!doctype html><script type="module" src="/main.js"></script>
-- app/main.js --
console.log("served");
-- app/package.json --
{}
-- app/src/used.ts --
export {};
-- app/public/x.txt --
x
-- app/node_modules/dep/package.json --
{ "name": "dep" }
-- app/node_modules/dep/index.js --
`))
			app.Remove("app/" + name)
			if err := syscall.Mkfifo(app.Path("app/"+name), 0o600); err != nil {
				t.Fatal(err)
			}
			s := devtest.Start(t, app, in(t, app, "app"))
			if res := s.Get("/main.js", "Sec-Fetch-Dest", "script"); res.Status != 200 || !strings.Contains(res.Body, "served") {
				t.Errorf("the page's script: status %d %.200s", res.Status, res.Body)
			}
			s.Get("/@devserver/pack.js?id=/src/unused.ts")
			s.Get("/file.txt")
			s.Get("/node_modules/dep/index.js", "Sec-Fetch-Dest", "script")
		})
	}
}
