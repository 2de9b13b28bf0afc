package server_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// TestGlobOfPlugins: virtual modules may list files, from the root, and plugins may say what a pattern means.
func TestGlobOfPlugins(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(`-- main.js --
import "virtual:list";
import.meta.glob("plugged:*.js");
-- src/a.js --
-- src/list.vue --
import.meta.glob("./*.js");
`))
	s := devtest.Start(t, app, func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{
			Name: "list",
			ResolveID: func(_ context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error) {
				if rest, ok := strings.CutPrefix(a.Specifier, "plugged:"); ok {
					return &plugin.ResolveResult{ID: "/src/" + rest}, nil
				}
				if a.Specifier == "virtual:list" {
					return &plugin.ResolveResult{ID: a.Specifier}, nil
				}
				return nil, nil
			},
			Load: func(_ context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
				if a.ID != "virtual:list" {
					return nil, nil
				}
				return &plugin.LoadResult{Code: `import "/src/list.vue"; import.meta.glob(["./src/*.js"]); import.meta.glob("./src/*.ts", { base: "/" })`}, nil
			},
		}}
	})
	sock := s.Socket(t)
	pack := s.Get("/main.js", "Sec-Fetch-Dest", "script").Body
	for _, key := range []string{`"./src/a.js": `, `"/src/a.js": `, `"./a.js": `} {
		if !strings.Contains(pack, key) {
			t.Errorf("%s is missing in\n%s", key, pack)
		}
	}
	s.Log.Wait(t, `virtual:list:1:`) // nothing matches ./src/*.ts
	app.Write("src/b.ts", "export {}")
	sock.WaitFor(devtest.Is("update", `\"./src/b.ts\": `))
}

// TestGlobTellsOnce: a pattern without files is one line, until it has files.
func TestGlobTellsOnce(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text("-- main.js --\nimport.meta.glob('./parts/*.js'); const n = 0; import.meta.hot.accept();\n"))
	s := devtest.Start(t, app)
	s.Get("/main.js", "Sec-Fetch-Dest", "script")
	sock := s.Socket(t)
	told := func(want int) {
		t.Helper()
		if got := strings.Count(s.Log.String(), "matches no file"); got != want {
			t.Errorf("it was told %d times, want %d:\n%s", got, want, s.Log)
		}
	}
	told(1)
	app.Edit("main.js", "n = 0", "n = 1")
	sock.WaitFor(devtest.Is("update", "n = 1"))
	told(1)
	app.Write("parts/a.js", "export {}")
	sock.WaitFor(devtest.Is("update", "parts/a.js"))
	app.Remove("parts")
	app.Edit("main.js", "n = 1", "n = 2")
	sock.WaitFor(devtest.Is("update", "n = 2"))
	told(2)
}

// TestGlobPermits: a pattern makes no file readable that an import in the same place would not.
func TestGlobPermits(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(`-- main.js --
import "dep";
import.meta.glob("./own/**/*", { exhaustive: true, query: "?raw" });
-- own/fine.txt --
-- own/.env --
SECRET
-- node_modules/dep/package.json --
{ "name": "dep", "type": "module", "exports": "./index.js" }
-- node_modules/dep/index.js --
import.meta.glob("/../beside/*.js");
import.meta.glob("../../../beside/*.js");
-- ../beside/secret.js --
SECRET
`))
	app.Link(".env", "own/env.txt")
	s := devtest.Start(t, app)
	pack := s.Get("/main.js", "Sec-Fetch-Dest", "script").Body
	if !strings.Contains(pack, `"./own/fine.txt": `) {
		t.Errorf("fine.txt is missing in\n%s", pack)
	}
	for _, name := range []string{"./own/.env", "env.txt"} {
		if strings.Contains(pack, name) {
			t.Errorf("%s is in the pack", name)
		}
	}
	if strings.Contains(pack, "secret.js") {
		t.Errorf("the package lists what lies outside:\n%s", pack)
	}
	s.Log.Wait(t, "beside/secret.js, which may not be read")
	for _, path := range []string{"/own/.env?raw", "/own/env.txt?raw", "/@fs" + filepath.ToSlash(app.Path("own/.env")) + "?raw"} {
		if answer := s.Get(path, "Sec-Fetch-Dest", "script"); strings.Contains(answer.Body, "SECRET") {
			t.Errorf("%s answers %d with the secret", path, answer.Status)
		}
	}
}

// TestGlobHints: what is told about a pattern without files has a next step.
func TestGlobHints(t *testing.T) {
	t.Parallel()
	app := devtest.App(t, devtest.Text(`-- main.js --
import.meta.glob("./none/*.js");
import.meta.glob("./parts/*.ts");
import.meta.glob("./parts");
import.meta.glob("./parts/*.js?raw");
import.meta.glob("!./parts/*.js");
import('./no/' + name + ".js");
-- parts/a.js --
`))
	s := devtest.Start(t, app)
	s.Get("/main.js", "Sec-Fetch-Dest", "script")
	for message, hint := range map[string]string{
		`main.js:1:1: import.meta.glob("./none/*.js") matches no file`:                     `it looked in none, which does not exist`,
		`main.js:2:1: import.meta.glob("./parts/*.ts") matches no file`:                    `it looked in parts`,
		`main.js:3:1: import.meta.glob("./parts") matches no file`:                         `it names a folder: add /* for the files in it, or /** for all below it`,
		`main.js:4:1: import.meta.glob("./parts/*.js?raw") matches no file`:                `write the query as an option: { query: "?raw" }`,
		`main.js:5:1: import.meta.glob has only patterns that begin with !, which exclude`: `add a pattern of the files to take`,
		`main.js:6:8: there is no file at an address like "./no/*.js"`:                     `it looked in no, which does not exist`,
	} {
		if _, after, told := strings.Cut(s.Log.String(), message+"\n"); !told || !strings.HasPrefix(strings.TrimLeft(after, " "), "hint: "+hint+"\n") {
			t.Errorf("%s is told without %q:\n%s", message, hint, s.Log)
		}
	}
}
