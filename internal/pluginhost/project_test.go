package pluginhost_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/internal/pluginhost"
)

// folder is a devserver/ folder that is built for real, with the module replaced by this checkout.
type folder struct {
	t   testing.TB
	dir string
}

func newFolder(t testing.TB) folder {
	t.Helper()
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(checkout, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	f := folder{t, filepath.Join(t.TempDir(), pluginhost.Folder)}
	f.write("go.mod", "module plugins\n\ngo 1.26.0\n\nrequire github.com/seed-b8174343/devserver v0.0.0\n\nrequire github.com/gorilla/websocket v1.5.3 // indirect\n\nreplace github.com/seed-b8174343/devserver => "+checkout+"\n")
	f.write("go.sum", string(sums))
	t.Setenv("GOPROXY", "off") // the tests need no network
	return f
}

func (f folder) write(name, text string) {
	f.t.Helper()
	file := filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

// answer writes a program that answers "ask" by the body of a func.
func (f folder) answer(body string) {
	f.t.Helper()
	f.write("main.go", `package main

import (
	"context"
	"os"
	"time"

	"github.com/seed-b8174343/devserver/plugin"
)

var _, _ = os.Exit, time.Sleep

func main() {
	plugin.Main(plugin.Plugin{Name: "test", Events: []plugin.Event{
		plugin.Handle("ask", func(ctx context.Context, c plugin.Client, in any) (string, error) {
			`+body+`
		}),
	}})
}
`)
}

// project runs the folder and records its changes and failures.
type project struct {
	*pluginhost.Project
	t       testing.TB
	changed chan [2]*pluginhost.Child
	failed  chan error
}

func newProject(t testing.TB, f folder, cacheDir string, configure ...func(*pluginhost.ProjectOptions)) *project {
	p := &project{t: t, changed: make(chan [2]*pluginhost.Child, 100), failed: make(chan error, 100)}
	o := pluginhost.ProjectOptions{
		Dir: f.dir, CacheDir: cacheDir, Backend: newBackend(t), Logger: slog.New(slog.DiscardHandler),
		Changed: func(old, now *pluginhost.Child) { p.changed <- [2]*pluginhost.Child{old, now} },
		Failed:  func(err error, _ bool) { p.failed <- err },
	}
	for _, f := range configure {
		f(&o)
	}
	p.Project = pluginhost.NewProject(o)
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func (p *project) change() (old, now *pluginhost.Child) {
	p.t.Helper()
	select {
	case c := <-p.changed:
		return c[0], c[1]
	case err := <-p.failed:
		select {
		case c := <-p.changed: // the change came first: a crash causes both
			p.failed <- err
			return c[0], c[1]
		default:
			p.t.Fatalf("failed: %v", err)
		}
	case <-time.After(60 * time.Second):
		p.t.Fatal("no change in time")
	}
	return nil, nil
}

func (p *project) failure() error {
	p.t.Helper()
	select {
	case err := <-p.failed:
		return err
	case <-time.After(60 * time.Second):
		p.t.Fatal("no failure in time")
		return nil
	}
}

func answers(t testing.TB, c *pluginhost.Child, want string) {
	t.Helper()
	if got, err := ask(t.Context(), c, "ask", ""); err != nil || got != fmt.Sprintf("%q", want) {
		t.Errorf("answered %s, %v; want %q", got, err, want)
	}
}

func TestProjectSwapsItsPlugins(t *testing.T) {
	f, cache := newFolder(t), t.TempDir()
	f.answer(`if in != nil { time.Sleep(300 * time.Millisecond) }; return "one", nil`)
	p := newProject(t, f, cache)
	p.Reload()
	old, one := p.change()
	if old != nil {
		t.Error("there was a host before the first")
	}
	answers(t, one, "one")

	slow := make(chan string, 1)
	go func() { got, err := ask(t.Context(), one, "ask", "1"); slow <- fmt.Sprint(got, err) }()
	f.answer(`return "two", nil`)
	p.Reload()
	old, two := p.change()
	if old != one {
		t.Error("another host was replaced")
	}
	answers(t, two, "two")
	if got := <-slow; got != `"one"<nil>` {
		t.Errorf("a handler that ran was cut off: %s", got)
	}
	exited(t, one)

	f.answer("return tow, nil\nvar x int\nreturn 1, nil")
	p.Reload()
	build, ok := errors.AsType[*pluginhost.BuildError](p.failure())
	if !ok || build.File != filepath.Join(f.dir, "main.go") || build.Line != 16 || build.Column != 11 || build.Text != "undefined: tow" {
		t.Errorf("got %+v", build)
	}
	if len(build.All) != 3 || build.All[1].Text != "declared and not used: x" || build.All[2].Line != 18 {
		t.Errorf("got %+v", build.All)
	}
	answers(t, two, "two")

	f.answer(`os.Exit(4); return "", nil`)
	p.Reload()
	_, three := p.change()
	_, _ = ask(t.Context(), three, "ask", "") // fails, since it dies meanwhile
	if old, now := p.change(); old != three || now != nil {
		t.Error("a crash is not reported")
	}
	if err := p.failure(); !strings.Contains(err.Error(), "exit status 4") {
		t.Errorf("got %v", err)
	}
	if old, now := p.change(); old != nil || now == nil {
		t.Error("no new start")
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "*")); len(left) != 1 {
		t.Errorf("left in the cache: %v", left)
	}
}

func TestProjectThatCannotStart(t *testing.T) {
	f := newFolder(t)
	p := newProject(t, f, t.TempDir())
	for name, c := range map[string]struct {
		main, mod string
		want      string
	}{
		"syntax":         {main: "package main\n\nfunc main() {", want: "main.go:3:14: syntax error: unexpected EOF, expected }"},
		"unknown module": {main: "package main\n\nimport _ \"example.com/x\"\n\nfunc main() {}\n", want: `main.go:3:8: cannot find module providing package example.com/x`},
		"no main call":   {main: "package main\n\nfunc main() {}\n", want: "it ended at once (main must call plugin.Main)"},
		"module file":    {main: "package main\n", mod: "module plugins\n\nfoo\n", want: "go.mod:3: unknown directive: foo"},
	} {
		t.Run(name, func(t *testing.T) {
			was, err := os.ReadFile(filepath.Join(f.dir, "go.mod"))
			if err != nil {
				t.Fatal(err)
			}
			f.write("main.go", c.main)
			if c.mod != "" {
				f.write("go.mod", c.mod)
				defer f.write("go.mod", string(was))
			}
			p.Reload()
			err = p.failure()
			text := err.Error()
			if build, ok := errors.AsType[*pluginhost.BuildError](err); ok {
				place := fmt.Sprint(filepath.Base(build.File), ":", build.Line, ":")
				if build.Column > 0 {
					place += fmt.Sprint(build.Column, ":")
				}
				text = place + " " + text
			}
			if !strings.HasPrefix(strings.TrimPrefix(text, "start plugins: "), c.want) {
				t.Errorf("got %s", text)
			}
		})
	}
}

// printed has the lines that a project prints.
type printed chan string

func (p printed) Write(line []byte) (int, error) {
	p <- string(line)
	return len(line), nil
}

// TestProjectTellsThatTheFirstBuildIsSlow: the terminal says once why a build takes long, and only when no plugins run.
func TestProjectTellsThatTheFirstBuildIsSlow(t *testing.T) {
	f, lines := newFolder(t), make(printed, 100)
	p := newProject(t, f, t.TempDir(), func(o *pluginhost.ProjectOptions) {
		o.Logger, o.SlowBuild = slog.New(slog.NewTextHandler(lines, nil)), time.Nanosecond
	})
	next := func(want string) {
		t.Helper()
		select {
		case line := <-lines:
			if !strings.Contains(line, want) {
				t.Errorf("the terminal shows %s; want %s", line, want)
			}
		case <-time.After(60 * time.Second):
			t.Fatalf("the terminal does not show %s", want)
		}
	}
	f.write("main.go", "package main\n\nfunc main() {")
	p.Reload()
	_ = p.failure()
	next("the first build compiles the packages that they need")
	f.answer(`return "", nil`)
	p.Reload()
	p.change()
	p.Reload()
	next("plugins unchanged") // and nothing before it
}

func TestProjectWithoutGo(t *testing.T) {
	f := newFolder(t)
	p := newProject(t, f, t.TempDir())
	t.Setenv("PATH", t.TempDir())
	p.Reload()
	if err := p.failure(); !errors.Is(err, pluginhost.ErrNoGo) {
		t.Errorf("got %v", err)
	}
}

func TestProjectClosesWhileItBuilds(t *testing.T) {
	f := newFolder(t)
	f.answer(`return "", nil`)
	p := newProject(t, f, t.TempDir())
	done := make(chan struct{})
	go func() { p.Reload(); close(done) }()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	<-done
}

// BenchmarkReload measures from an edit of a plugin to its handlers being in place.
func BenchmarkReload(b *testing.B) {
	f := newFolder(b)
	p := newProject(b, f, b.TempDir())
	n := 0
	for b.Loop() {
		n++
		f.answer(fmt.Sprintf("return %q, nil", fmt.Sprint(n)))
		p.Reload()
		p.change()
	}
}
