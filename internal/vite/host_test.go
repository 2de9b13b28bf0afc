package vite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-b8174343/devserver/internal/cache"
	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// logged is what the terminal would show.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func eventually(t *testing.T, what string, ok func() bool, state func() string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: never\n%s", what, state())
		}
	}
}

// fakeVite is Vite for a Host: each process is a fakeProcess.
type fakeVite struct {
	t    *testing.T
	dir  string
	gate *gate.Gate
	log  logged

	mu     sync.Mutex
	fails  error // of the next starts
	now    *fakeProcess
	starts int
	calls  []string // "method id text", in order
	waits  []time.Duration
	redone []string
	answer func(method string, params map[string]any) (any, error) // nil: answers nothing

	wait chan time.Time // nil: delays are over at once
}

type fakeProcess struct {
	v      *fakeVite
	exited chan struct{}
	why    string
}

func (p *fakeProcess) Exited() <-chan struct{} { return p.exited }
func (p *fakeProcess) Why() string             { return p.why }
func (p *fakeProcess) Kill(why string) {
	p.v.mu.Lock()
	defer p.v.mu.Unlock()
	select {
	case <-p.exited:
	default:
		p.why = why
		close(p.exited)
	}
}

func (p *fakeProcess) Call(ctx context.Context, method string, params, result any) error {
	text, _ := json.Marshal(params)
	var given map[string]any
	_ = json.Unmarshal(text, &given)
	p.v.mu.Lock()
	line := method
	for _, key := range []string{"id", "text", "importer", "specifiers", "changes"} {
		if given[key] != nil {
			line += fmt.Sprint(" ", given[key])
		}
	}
	select {
	case <-p.exited: // a process that has ended is asked nothing
		p.v.mu.Unlock()
		return wire.ErrClosed
	default:
	}
	p.v.calls = append(p.v.calls, strings.ReplaceAll(line, p.v.dir, ""))
	answer := p.v.answer
	p.v.mu.Unlock()
	var made any
	var err error
	if answer != nil {
		made, err = answer(method, given)
	}
	select {
	case <-p.exited:
		return wire.ErrClosed
	default:
	}
	if err != nil || result == nil {
		return err
	}
	text, _ = json.Marshal(made)
	return json.Unmarshal(text, result)
}

// newFake returns a Vite for a project with the files.
func newFake(t *testing.T, files map[string]string) *fakeVite {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	v := &fakeVite{t: t, dir: dir}
	for name, text := range files {
		v.write(name, text)
	}
	if v.gate, err = gate.New(gate.Options{Root: dir}); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *fakeVite) write(name, text string) {
	v.t.Helper()
	file := filepath.Join(v.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
		v.t.Fatal(err)
	}
}

// host returns a Host in a project that ends with the test, or with end.
func (v *fakeVite) host(kept *cache.Cache, info *Info) (h *Host, end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	h = newHost(Options{
		Context: ctx, Gate: v.gate, Logger: slog.New(slog.NewTextHandler(&v.log, nil)), Info: info, Cache: kept,
		Redo: func(missed []Change, ids []string) {
			v.mu.Lock()
			defer v.mu.Unlock()
			for _, c := range missed {
				v.redone = append(v.redone, "edit "+strings.TrimPrefix(c.File, v.dir))
			}
			for _, id := range ids {
				v.redone = append(v.redone, "make "+id)
			}
		},
	})
	h.life.start = func(context.Context) (process, error) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.starts++
		if v.fails != nil {
			return nil, v.fails
		}
		v.now = &fakeProcess{v: v, exited: make(chan struct{})}
		return v.now, nil
	}
	h.after = func(d time.Duration) <-chan time.Time {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.waits = append(v.waits, d)
		if v.wait != nil {
			return v.wait
		}
		over := make(chan time.Time)
		close(over)
		return over
	}
	end = func() {
		cancel()
		h.Close()
	}
	v.t.Cleanup(end)
	return h, end
}

func (v *fakeVite) taken(list *[]string) []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	taken := *list
	*list = nil
	return taken
}

func (v *fakeVite) process() *fakeProcess {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// making answers like a plugin that makes modules of .own files, from their text or from what they hold.
func (v *fakeVite) making(method string, params map[string]any) (any, error) {
	switch method {
	case "viteTransform":
		id, _ := params["id"].(string)
		file, _, _ := strings.Cut(id, "?")
		text, given := params["text"].(string)
		if !given {
			data, _ := os.ReadFile(file)
			text = string(data)
		}
		if !strings.HasSuffix(file, ".own") && !strings.HasPrefix(id, "virtual:") {
			return nil, nil
		}
		return map[string]any{"code": "made of " + text, "files": []string{filepath.Join(v.dir, "shared.txt")}, "patterns": []string{v.dir + "/list/*.txt"}}, nil
	case "viteResolve":
		var answers []any
		for _, s := range params["specifiers"].([]any) {
			if name, ok := strings.CutPrefix(s.(string), "own:"); ok {
				answers = append(answers, map[string]any{"id": filepath.Join(v.dir, name)})
			} else {
				answers = append(answers, nil)
			}
		}
		return answers, nil
	case "viteHot":
		return map[string]any{"files": []any{map[string]any{"modules": []string{}}}}, nil
	}
	return nil, nil
}

func all() *Info {
	return &Info{Version: "8", Plugins: []Plugin{{Order: "pre", ResolveID: &Filter{}, Transform: &Filter{}}}}
}

func openCache(t *testing.T) *cache.Cache {
	t.Helper()
	c, err := cache.Open(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func codeOf(t *testing.T, h *Host, id string) string {
	t.Helper()
	m, err := h.Transform(t.Context(), id)
	if err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	if m == nil {
		return ""
	}
	return m.Code
}

// TestKept: a second start needs no process for what is kept, and asks again about what has changed.
func TestKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(v *fakeVite, i *Info)
		asked  []string // in the second run
	}{
		"nothing":              {func(*fakeVite, *Info) {}, nil},
		"touched":              {func(v *fakeVite, _ *Info) { v.write("a.own", "one") }, nil},
		"its file":             {func(v *fakeVite, _ *Info) { v.write("a.own", "two") }, []string{"viteTransform /a.own"}},
		"a watched file":       {func(v *fakeVite, _ *Info) { v.write("shared.txt", "2") }, []string{"viteTransform /a.own"}},
		"a file of a pattern":  {func(v *fakeVite, _ *Info) { v.write("list/new.txt", "") }, []string{"viteTransform /a.own"}},
		"a file of no pattern": {func(v *fakeVite, _ *Info) { v.write("list/new.js", "") }, nil},
		"no plugin's module":   {func(v *fakeVite, _ *Info) { v.write("b.ts", "2") }, []string{"viteTransform /b.ts"}},
		"the import's file": {
			func(v *fakeVite, _ *Info) { _ = os.Remove(filepath.Join(v.dir, "to.js")) },
			[]string{"viteResolve /b.ts [own:to.js]"},
		},
		"Vite": {
			func(_ *fakeVite, i *Info) { i.Version = "9" },
			[]string{"viteTransform /a.own", "viteTransform /b.ts", "viteResolve /b.ts [./x own:to.js]"},
		},
		"a plugin": {
			func(_ *fakeVite, i *Info) { i.Packages = map[string]string{"plugin": "2"} },
			[]string{"viteTransform /a.own", "viteTransform /b.ts", "viteResolve /b.ts [./x own:to.js]"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newFake(t, map[string]string{"a.own": "one", "b.ts": "1", "shared.txt": "1", "list/a.txt": "", "to.js": ""})
			v.answer = v.making
			kept := openCache(t)
			ask := func(h *Host) {
				t.Helper()
				data, _ := os.ReadFile(filepath.Join(v.dir, "a.own"))
				if got, want := codeOf(t, h, "/a.own"), "made of "+string(data); got != want {
					t.Errorf("a.own is %q, want %q", got, want)
				}
				if got := codeOf(t, h, "/b.ts"); got != "" {
					t.Errorf("b.ts is %q, want no plugin's", got)
				}
				if err := h.Imports(t.Context(), "/b.ts", []string{"./x", "own:to.js"}); err != nil {
					t.Error(err)
				}
				if found, err := h.Import(t.Context(), "own:to.js", "/b.ts", false); err != nil || found == nil {
					t.Errorf("the import means %v, %v", found, err)
				}
			}
			h, end := v.host(kept, all())
			ask(h)
			end()
			v.taken(&v.calls)
			info := all()
			c.change(v, info)
			h, _ = v.host(kept, info)
			ask(h)
			calls := slices.DeleteFunc(v.taken(&v.calls), func(c string) bool { return c == "viteClose" })
			if diff := cmp.Diff(c.asked, calls); diff != "" && len(c.asked)+len(calls) > 0 {
				t.Errorf("asked in the second run (-want +got):\n%s", diff)
			}
		})
	}
}

// TestMadeAgain: modules that came from the cache are made again, from the text that pages run: those of an edited file
// before plugins hear of the edit, and the others later, parts after their files and modules without a file last.
func TestMadeAgain(t *testing.T) {
	t.Parallel()
	v := newFake(t, map[string]string{"a.own": "one", "b.own": "two"})
	v.answer = v.making
	kept := openCache(t)
	ids := []string{"virtual:all", "/a.own?part", "/a.own", "/b.own"}
	h, end := v.host(kept, all())
	for _, id := range ids {
		codeOf(t, h, id)
	}
	end()
	v.taken(&v.calls)

	h, _ = v.host(kept, all())
	for _, id := range ids {
		codeOf(t, h, id)
	}
	if calls := v.taken(&v.calls); len(calls) > 0 {
		t.Fatalf("asked although all is kept: %q", calls)
	}
	v.write("a.own", "edited")
	hot, err := h.Hot(t.Context(), []Change{{filepath.Join(v.dir, "a.own"), "update"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if hot.Files[0].Narrowed {
		t.Error("an edit that plugins heard of late updates no module")
	}
	want := []string{"viteTransform /a.own one", "viteTransform /a.own?part one", "viteHot [map[file:/a.own kind:update]]"}
	if diff := cmp.Diff(want, v.taken(&v.calls)); diff != "" {
		t.Errorf("an edit (-want +got):\n%s", diff)
	}
	v.mu.Lock()
	v.answer = func(method string, params map[string]any) (any, error) {
		if params["id"] == "virtual:all" {
			return map[string]any{"code": "another"}, nil
		}
		return v.making(method, params)
	}
	v.mu.Unlock()
	h.makeAgain()
	if diff := cmp.Diff([]string{"viteTransform /b.own two", "viteTransform virtual:all"}, v.taken(&v.calls)); diff != "" {
		t.Errorf("the rest (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"make virtual:all"}, v.taken(&v.redone)); diff != "" {
		t.Errorf("what differs (-want +got):\n%s", diff)
	}
	if hot, err = h.Hot(t.Context(), []Change{{filepath.Join(v.dir, "a.own"), "update"}}, nil); err != nil || !hot.Files[0].Narrowed {
		t.Errorf("the next edit: %+v, %v", hot, err)
	}
	h.makeAgain()
	if diff := cmp.Diff([]string{"viteHot [map[file:/a.own kind:update]]"}, v.taken(&v.calls)); diff != "" {
		t.Errorf("nothing is left to make again (-want +got):\n%s", diff)
	}
}

// TestDown: while Vite is down, questions fail at once, but for modules that are no plugin's. What failed is done once
// Vite runs, with the text before the edit first.
func TestDown(t *testing.T) {
	t.Parallel()
	v := newFake(t, map[string]string{"a.own": "one", "b.ts": "1", "c.own": "three"})
	v.answer = v.making
	h, _ := v.host(nil, all())
	codeOf(t, h, "/a.own")
	codeOf(t, h, "/b.ts")
	v.mu.Lock()
	v.fails, v.wait = errors.New("no memory"), make(chan time.Time)
	v.mu.Unlock()
	v.process().Kill("the plugin said so")
	for range 3 { // until the delay is longer than a question waits
		v.wait <- time.Time{}
	}
	eventually(t, "a long delay", func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		return len(v.waits) == 4
	}, v.log.String)
	v.taken(&v.calls)
	v.write("a.own", "edited")
	change := Change{filepath.Join(v.dir, "a.own"), "update"}
	if _, err := h.Hot(t.Context(), []Change{change}, nil); !errors.Is(err, ErrDown) {
		t.Errorf("an edit: %v", err)
	}
	if _, err := h.Transform(t.Context(), "/a.own"); !errors.Is(err, ErrDown) || !strings.Contains(err.Error(), "no memory") {
		t.Errorf("a plugin's module: %v", err)
	}
	if m, err := h.Transform(t.Context(), "/b.ts"); m != nil || err != nil {
		t.Errorf("a module of no plugin: %v %v", m, err)
	}
	if _, err := h.Transform(t.Context(), "/c.own"); !errors.Is(err, ErrDown) {
		t.Errorf("an unknown module: %v", err)
	}
	v.mu.Lock()
	v.fails = nil
	v.mu.Unlock()
	v.wait <- time.Time{}
	eventually(t, "what failed is done", func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		return cmp.Equal(v.redone, []string{"edit /a.own", "make /a.own", "make /c.own"})
	}, func() string { return strings.Join(v.taken(&v.redone), "\n") })
	if _, err := h.Hot(t.Context(), []Change{change}, nil); err != nil {
		t.Error(err)
	}
	calls := v.taken(&v.calls)
	if before, hot := slices.Index(calls, "viteTransform /a.own one"), slices.Index(calls, "viteHot [map[file:/a.own kind:update]]"); before < 0 || hot < before {
		t.Errorf("plugins did not see the text before the edit: %q", calls)
	}
	for i, want := range []time.Duration{200, 400, 800, 1600} {
		if v.waits[i] != want*time.Millisecond {
			t.Errorf("the delays are %v", v.waits)
		}
	}
	if n := strings.Count(v.log.String(), "the plugin said so"); n != 1 {
		t.Errorf("the terminal says %d times why Node ended:\n%s", n, &v.log)
	}
}

// TestDiesInAQuestion: a question is asked once more when its process dies. A question that ends each process is given
// up after a while.
func TestDiesInAQuestion(t *testing.T) {
	t.Parallel()
	v := newFake(t, map[string]string{"a.own": "one"})
	died := 0
	v.answer = func(method string, params map[string]any) (any, error) {
		if died++; died == 1 {
			v.process().Kill("once")
		}
		return v.making(method, params)
	}
	h, _ := v.host(nil, all())
	if got := codeOf(t, h, "/a.own"); got != "made of one" {
		t.Errorf("it is %q", got)
	}
	v.answer = func(string, map[string]any) (any, error) {
		v.process().Kill("always")
		return nil, nil
	}
	for range mayOwe + 1 {
		if _, err := h.Transform(t.Context(), "/a.own"); !errors.Is(err, ErrDown) || !strings.Contains(err.Error(), "always") {
			t.Errorf("a question that ends Node: %v", err)
		}
	}
	made := func() (n int) {
		v.mu.Lock()
		defer v.mu.Unlock()
		for _, r := range v.redone {
			if r == "make /a.own" {
				n++
			}
		}
		return n
	}
	eventually(t, "it is made again a few times", func() bool { return made() >= 1 }, v.log.String)
	if n := made(); n > mayOwe {
		t.Errorf("it is made again %d times", n)
	}
}

// TestHangs: a question that Node does not answer in time ends Node, and the terminal names a module that keeps Node
// from answering anything.
func TestHangs(t *testing.T) {
	t.Parallel()
	v := newFake(t, map[string]string{"a.own": "one"})
	v.answer = func(method string, params map[string]any) (any, error) {
		return nil, &wire.Error{Code: "timeout", Message: "it took a minute"}
	}
	h, _ := v.host(nil, all())
	if _, err := h.Transform(t.Context(), "/a.own"); err == nil || !strings.Contains(err.Error(), "a minute") {
		t.Errorf("the error is %v", err)
	}
	eventually(t, "the next process", func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		return v.starts == 2
	}, v.log.String)

	hanging := make(chan struct{})
	v.answer = func(string, map[string]any) (any, error) {
		<-hanging
		return nil, nil
	}
	p := v.process()
	done := h.watchdog.begin(h, p, "/a.own")
	h.watchdog.mu.Lock()
	h.watchdog.last = time.Now().Add(-time.Minute)
	h.watchdog.mu.Unlock()
	h.watchdog.look(h, p)
	for _, want := range []string{"Vite has not answered for 5s", "busy with /a.own"} {
		if !strings.Contains(v.log.String(), want) {
			t.Errorf("the terminal lacks %q:\n%s", want, &v.log)
		}
	}
	close(hanging)
	done()
}

// TestKeptPages: a page of a second start is the kept one, unless its text differs. Plugins make it again later, and it
// reloads when it differs.
func TestKeptPages(t *testing.T) {
	t.Parallel()
	v := newFake(t, map[string]string{"index.html": ""})
	tag := "one"
	v.answer = func(_ string, params map[string]any) (any, error) {
		return map[string]any{"html": fmt.Sprint(params["html"], tag)}, nil
	}
	kept, info := openCache(t), all()
	info.HTML.Pre = true
	page := func(h *Host, text, want string) {
		t.Helper()
		if got, err := h.HTML(t.Context(), true, Page{Path: "/index.html", File: "index.html", URL: "/", HTML: text}); err != nil || got != want {
			t.Errorf("the page is %q, %v, want %q", got, err, want)
		}
	}
	h, end := v.host(kept, info)
	page(h, "text ", "text one")
	end()
	tag = "two"
	h, _ = v.host(kept, info)
	h.o.RedoPage = func(file string) { v.redone = append(v.redone, "page "+file) }
	page(h, "text ", "text one")
	page(h, "another ", "another two")
	h.makeAgain()
	if diff := cmp.Diff([]string{"page index.html"}, v.taken(&v.redone)); diff != "" {
		t.Errorf("what differs (-want +got):\n%s", diff)
	}
	page(h, "text ", "text two")
}

// TestImportFailsWhenMadeAgain: an error of a plugin in an import that is asked about again is an error of the module that
// imports, which is made again to show it. It is no error of other modules of the same file.
func TestImportFailsWhenMadeAgain(t *testing.T) {
	t.Parallel()
	v := newFake(t, map[string]string{"a.own": "one"})
	v.answer = v.making
	kept := openCache(t)
	h, end := v.host(kept, all())
	if _, err := h.Import(t.Context(), "own:b", "/a.own", false); err != nil {
		t.Fatal(err)
	}
	end()
	v.mu.Lock()
	v.answer = func(method string, params map[string]any) (any, error) {
		if method == "viteResolve" {
			return nil, &wire.Error{Message: "on purpose"}
		}
		return v.making(method, params)
	}
	v.mu.Unlock()
	h, _ = v.host(kept, all())
	if found, err := h.Import(t.Context(), "own:b", "/a.own", false); err != nil || found == nil {
		t.Fatalf("the import is not kept: %v %v", found, err)
	}
	if got := codeOf(t, h, "/a.own?part"); got != "made of one" {
		t.Errorf("a part of the file is %q", got)
	}
	if diff := cmp.Diff([]string{"make /a.own"}, v.taken(&v.redone)); diff != "" {
		t.Errorf("made again (-want +got):\n%s", diff)
	}
}

// TestWants: filters are read from what Node says of the hooks. What Go cannot read asks about everything.
func TestWants(t *testing.T) {
	t.Parallel()
	filter := func(text string) *Filter {
		f := &Filter{}
		if err := json.Unmarshal([]byte(text), f); err != nil {
			t.Fatal(err)
		}
		return f
	}
	for text, want := range map[string]map[string]bool{
		`{"include":["\\.vue$"]}`:                       {"/p/App.vue": true, "/p/App.vue?vue&type=style": false, "/p/a.ts": false},
		`{"include":["\\.vue$","[?&]vue\\b"]}`:          {"/p/App.vue?vue&type=style": true, "/p/a.ts": false},
		`{"include":["\\.ts$"],"exclude":["/skip/"]}`:   {"/p/a.ts": true, "/p/skip/a.ts": false},
		`{"exclude":["node_modules"]}`:                  {"/p/a.ts": true, "/p/node_modules/a.ts": false},
		`{}`:                                            {"/p/a.ts": true, "virtual:x": true},
		`{"include":["(?!x)\\.vue$"]}`:                  {"/p/a.ts": true},
		`{"include":["\\.vue$"],"exclude":["(?<=x)y"]}`: {"/p/App.vue": true, "/p/a.ts": false},
		`null`: {"/p/a.ts": false},
	} {
		var f *Filter
		if text != "null" {
			f = filter(text)
		}
		load, transform := &Info{Plugins: []Plugin{{Load: f}}}, &Info{Plugins: []Plugin{{}, {Transform: f}}}
		early, late := &Info{Plugins: []Plugin{{Order: "pre", ResolveID: f}}}, &Info{Plugins: []Plugin{{Order: "normal", ResolveID: f}}}
		for id, wants := range want {
			for range 2 { // the second time from memory
				if load.wantsModule(id) != wants || transform.wantsModule(id) != wants {
					t.Errorf("%s: a module %s is wanted: %v, want %v", text, id, !wants, wants)
				}
				if early.wantsImport(id, false) != wants || late.wantsImport(id, true) != wants || early.wantsImport(id, true) || late.wantsImport(id, false) {
					t.Errorf("%s: an import of %s: want %v", text, id, wants)
				}
			}
		}
	}
}

// TestOffersNoSecret: plugins are not asked about files that may not be read, by whatever ID.
func TestOffersNoSecret(t *testing.T) {
	t.Parallel()
	v := newFake(t, map[string]string{".env": "KEY=1", "a.own": "one", "server.key": "k"})
	outside := filepath.Join(t.TempDir(), "outside.own")
	if err := errors.Join(os.WriteFile(outside, []byte("x"), 0o600), os.Symlink(outside, filepath.Join(v.dir, "link.own"))); err != nil {
		t.Fatal(err)
	}
	v.answer = func(string, map[string]any) (any, error) { return map[string]any{"code": "made"}, nil }
	h, _ := v.host(nil, all())
	if codeOf(t, h, "/a.own") != "made" || codeOf(t, h, "virtual:x") != "made" {
		t.Error("plugins are not asked about what may be read")
	}
	for _, id := range []string{
		"/.env", "/.env?x.own", "/server.key?own", "/link.own", "/link.own?part", "/@fs" + outside, "/@fs" + outside + "?part",
		opaque + outside, opaque + outside + "?part", opaque + v.dir + "/x/../.env",
	} {
		if code := codeOf(t, h, id); code != "" {
			t.Errorf("plugins were asked about %s", id)
		}
	}
}

// TestPluginsBringCode: what a URL means to a plugin may be read where the packages of the vite.config are installed,
// and nowhere else. The package's plain JavaScript is offered to plugins, also after a start from the cache.
func TestPluginsBringCode(t *testing.T) {
	t.Parallel()
	store, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	v := newFake(t, map[string]string{"node_modules/near/package.json": "{}"})
	for name, text := range map[string]string{
		"node_modules/kit/package.json": "{}", "node_modules/kit/a.js": "", "node_modules/part/b.js": "", "node_modules/kit/.env": "", "c.js": "",
		"other/node_modules/kit/d.js": "",
	} {
		file := filepath.Join(store, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(store, "node_modules/kit"), filepath.Join(v.dir, "node_modules/kit")); err != nil {
		t.Fatal(err)
	}
	v.answer = func(method string, params map[string]any) (any, error) {
		if method != "viteResolve" {
			return map[string]any{"code": "made"}, nil
		}
		name := strings.TrimPrefix(params["specifiers"].([]any)[0].(string), "virtual:")
		return []any{map[string]any{"id": filepath.Join(store, name)}}, nil
	}
	info := all()
	info.Root, info.Packages = v.dir, map[string]string{"kit": "1", "near": "1", "vite": "8"}
	kept := openCache(t)
	for range 2 {
		h, end := v.host(kept, info)
		for name, want := range map[string]bool{
			"node_modules/kit/a.js": true, "node_modules/part/b.js": true,
			"node_modules/kit/.env": false, "c.js": false, "other/node_modules/kit/d.js": false,
		} {
			id, ok := h.Claims(t.Context(), "virtual:"+name)
			if !ok {
				t.Fatalf("no plugin has %s", name)
			}
			if err := v.gate.Allowed(filepath.Join(store, name)); (err == nil) != want {
				t.Errorf("%s: %v, want permitted %v", name, err, want)
			}
			if offered := h.offers(id); name == "node_modules/kit/a.js" && !offered {
				t.Errorf("%s is not offered to plugins", name)
			}
		}
		end()
	}
}
