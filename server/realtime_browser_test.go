package server_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

const realtime = "../testdata/apps/realtime"

// TestRealtime builds and runs the example twice, as its README says. It runs under devserver, and as a plain Go HTTP
// server with a bundle of the npm package in client/. The same code carries messages between users in both.
func TestRealtime(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	app := devtest.App(t, devtest.Dir(realtime))
	install(t, app, "../client", "react", "react-dom", "scheduler", "react-refresh", "@types/react", "csstype", "typescript")
	clientPackage(t, app)

	t.Run("types", func(t *testing.T) {
		app.Write("src/untyped.d.ts", `declare module "react-dom/client";`) // the tests' packages do not include its types
		run(t, app.Root, "node", "node_modules/typescript/bin/tsc", "-p", ".")
	})
	t.Run("devserver alone", func(t *testing.T) {
		devtest.Start(t, app).Page(t, "/").WaitContains("main", "go run ./dev") // no program has registered the channels
	})
	t.Run("development", func(t *testing.T) {
		app.Write("devserver.config.json", `{"server": {"port": 0}}`)
		url := devtest.Program(t, app.Root, build(t, realtime+"/dev"))
		ann := talk(t, url)
		app.Edit("src/App.tsx", "Open pages:", "Pages:")
		ann.WaitContains("main", "Pages: 3")
		ann.WaitContains("#lines", "lobby ann: end") // an edit keeps the state
		ann.NoReload()
		if !strings.Contains(app.Read("src/devserver-env.d.ts"), `"realtime_chat_lobby": { send: { to?: string; text: string }; receive: { from: string; text: string } };`) {
			t.Error("the channels have no types")
		}
		run(t, app.Root, "node", "node_modules/typescript/bin/tsc", "-p", ".") // now with the types of the channels
	})
	t.Run("production", func(t *testing.T) {
		vite, err := filepath.Abs("../testdata/tools/node_modules/vite/bin/vite.js")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(vite); err != nil {
			t.Skip("npm packages are not installed: run npm install --no-save in testdata/tools/")
		}
		run(t, app.Root, "node", vite, "build", "--logLevel", "warn")
		talk(t, devtest.Program(t, app.Root, build(t, realtime), "-addr", "127.0.0.1:0"))
	})
	t.Run("no esbuild in production", func(t *testing.T) {
		deps := run(t, ".", "go", "list", "-deps", realtime)
		for dep := range strings.Lines(deps) {
			if strings.Contains(dep, "esbuild") || strings.Contains(dep, "devserver/server") || strings.Contains(dep, "devserver/internal") &&
				!strings.HasSuffix(strings.TrimSpace(dep), "/jsonrule") {
				t.Errorf("the production program depends on %s", dep)
			}
		}
	})
}

// talk opens the pages of two users and a guest, sends messages between them, and checks what each page shows.
func talk(t *testing.T, url string) (ann *devtest.Page) {
	t.Helper()
	s := &devtest.Server{Log: &devtest.Log{}, URL: strings.TrimSuffix(url, "/")}
	open := func(name string) *devtest.Page {
		p := s.Page(t, "/")
		p.WaitText("#state", "open")
		p.WaitText("#user", "a guest")
		if name != "" {
			p.Type("#name", name)
			p.Click("#sign-in")
			p.WaitText("#user", name)
		}
		return p
	}
	ann, ben, guest := open("ann"), open("ben"), open("")
	for _, p := range []*devtest.Page{ann, ben, guest} {
		p.WaitText("#count", "3") // the channel is broadcast-only; a page that opens later gets the last value
	}

	ann.Type("#text", "hi")
	ann.Click("#echo")
	ann.WaitText("#lines li:last-child", "echo echo: hi")
	ann.Type("#to", "ben")
	ann.Click("#whisper")
	ben.WaitText("#lines", "whisper ann: hi! ann whispers")

	// After Ben has signed out, his page gets no whisper: the message that Ann sends afterwards comes without it.
	ben.Click("#sign-out")
	ben.WaitText("#user", "a guest")
	ann.Click("#whisper")
	guest.Type("#text", "refused")
	guest.Click("#lobby")
	ann.Wait(`(document.querySelector("#text").value = "", true)`)
	ann.Type("#text", "end")
	ann.Click("#lobby")
	ben.WaitText("#lines", "whisper ann: hi! ann whisperslobby ann: end")
	guest.WaitText("#lines", "lobby ann: end")
	ann.WaitText("#lines", "echo echo: hilobby ann: end")
	for _, p := range []*devtest.Page{ann, ben, guest} {
		p.NoErrors()
		p.NoReload()
	}
	return ann
}

// install copies npm packages that are installed in a folder of the repository.
func install(t *testing.T, app *devtest.Files, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		from := filepath.Join(dir, "node_modules", filepath.FromSlash(name))
		if _, err := os.Stat(from); err != nil {
			t.Skipf("npm packages are not installed in %s", dir)
		}
		if err := os.CopyFS(app.Path("node_modules/"+name), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
}

// clientPackage builds the npm package of client/ and installs it.
func clientPackage(t *testing.T, app *devtest.Files) {
	t.Helper()
	modules, err := filepath.Abs("../client/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	made := devtest.App(t, devtest.Dir("../client"))
	made.Link(modules, "node_modules")
	run(t, made.Root, "node", "build.mjs")
	app.Package("devserver", made.Read("package.json"), nil)
	if err := os.CopyFS(app.Path("node_modules/devserver/dist"), os.DirFS(made.Path("dist"))); err != nil {
		t.Fatal(err)
	}
}

// run runs a command and returns what it prints.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// build compiles the program of a folder.
func build(t *testing.T, dir string) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "program")
	run(t, ".", "go", "build", "-o", program, dir)
	return program
}
