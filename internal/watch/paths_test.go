package watch

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// reader does what the server does with changes: it reads the files that were reported.
type reader struct {
	t    *testing.T
	w    *Watcher
	seen map[string]string // file -> content when the file was reported last
}

// awaitEdits writes files and waits until each was read with what was written, by its path. It does so three times: a
// late report of what happened before must not pass for the report of an edit.
func (r *reader) awaitEdits(what string, files []string) {
	r.t.Helper()
	for n := range 3 {
		text := fmt.Sprint(what, " edit ", n)
		for _, file := range files {
			write(r.t, file, text)
		}
		deadline := time.After(20 * time.Second)
		for {
			missing := ""
			for _, file := range files {
				if r.seen[file] != text {
					missing = file
				}
			}
			if missing == "" {
				break
			}
			select {
			case b := <-r.w.Changes():
				for _, c := range b {
					if text, err := os.ReadFile(c.Path); err == nil {
						r.seen[c.Path] = string(text)
					}
				}
			case <-deadline:
				r.t.Fatalf("after %s, edit %d of %s was not seen", what, n, missing)
			}
		}
	}
}

// files returns the regular files below a folder, without those behind links.
func files(t *testing.T, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// watchers runs a test with events and with polling.
func watchers(t *testing.T, test func(t *testing.T, o Options)) {
	for _, poll := range []bool{false, true} {
		t.Run(map[bool]string{false: "events", true: "polling"}[poll], func(t *testing.T) {
			test(t, Options{Poll: poll, Interval: 2 * time.Millisecond, look: 5 * time.Millisecond})
		})
	}
}

// place is a folder of a test with the paths in it.
type place string

func (p place) at(name string) string { return filepath.Join(string(p), filepath.FromSlash(name)) }

func (p place) move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(p.at(from), p.at(to)); err != nil {
		t.Fatal(err)
	}
}

func (p place) link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(p.at(target), p.at(name)); err != nil {
		t.Fatal(err)
	}
}

func (p place) remove(t *testing.T, name string) {
	t.Helper()
	if err := os.RemoveAll(p.at(name)); err != nil {
		t.Fatal(err)
	}
}

func (p place) copy(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(p.at(to), os.DirFS(p.at(from))); err != nil {
		t.Fatal(err)
	}
}

// TestFoldersThatGetAnotherNameOrPlace: after each way in which a folder gets another name, or a path another folder,
// an edit of each file is reported by the path that the file has now.
func TestFoldersThatGetAnotherNameOrPlace(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not rename folders that are watched")
	}
	for _, c := range []struct {
		name string
		do   func(t *testing.T, p place)
	}{
		{"rename", func(t *testing.T, p place) { p.move(t, "app/src/new", "app/src/renamed") }},
		{"rename of the parent", func(t *testing.T, p place) { p.move(t, "app/src", "app/source") }},
		{"case of the name", func(t *testing.T, p place) { p.move(t, "app/src/new", "app/src/New") }},
		{"swap", func(t *testing.T, p place) {
			p.move(t, "app/src/new", "app/src/new_old")
			p.move(t, "app/src/new_b", "app/src/new")
		}},
		{"swap and back", func(t *testing.T, p place) {
			for range 2 {
				p.move(t, "app/src/new", "app/src/x")
				p.move(t, "app/src/new_b", "app/src/new")
				p.move(t, "app/src/x", "app/src/new_b")
			}
		}},
		{"swap of nested folders", func(t *testing.T, p place) {
			p.move(t, "app/src/new/deep", "app/src/x")
			p.move(t, "app/src/new_b/deep", "app/src/new/deep")
			p.move(t, "app/src/x", "app/src/new_b/deep")
		}},
		{"a folder into its neighbour", func(t *testing.T, p place) { p.move(t, "app/src/new", "app/src/new_b/deep/new") }},
		{"out and back", func(t *testing.T, p place) {
			p.move(t, "app/src/new", "stash")
			p.move(t, "stash", "app/src/new")
		}},
		{"out, edited, and back", func(t *testing.T, p place) {
			p.move(t, "app/src/new", "stash")
			write(t, p.at("stash/deep/c.ts"), "new")
			p.move(t, "stash", "app/src/new")
		}},
		{"replaced by another from outside", func(t *testing.T, p place) { // rsync, and builds that write beside
			p.copy(t, "app/src/new", "made")
			p.move(t, "app/src/new", "gone")
			p.move(t, "made", "app/src/new")
		}},
		{"deleted and restored", func(t *testing.T, p place) { // git stash, git checkout
			p.copy(t, "app/src", "stash")
			p.remove(t, "app/src")
			p.copy(t, "stash", "app/src")
		}},
		{"file, then folder again", func(t *testing.T, p place) {
			p.move(t, "app/src/new", "app/kept")
			write(t, p.at("app/src/new"), "a file")
			p.remove(t, "app/src/new")
			p.move(t, "app/kept", "app/src/new")
		}},
		{"replaced by a link", func(t *testing.T, p place) {
			p.move(t, "app/src/new", "app/real")
			p.link(t, "app/real", "app/src/new")
		}},
		{"link replaced by a folder", func(t *testing.T, p place) {
			p.move(t, "app/src/new", "app/real")
			p.link(t, "app/real", "app/src/new")
			p.remove(t, "app/src/new")
			p.move(t, "app/real", "app/src/new")
		}},
		{"the root, and back", func(t *testing.T, p place) {
			p.move(t, "app", "elsewhere")
			p.move(t, "elsewhere", "app")
		}},
		{"the root replaced by its copy", func(t *testing.T, p place) {
			p.copy(t, "app", "copy")
			p.move(t, "app", "old")
			p.move(t, "copy", "app")
		}},
		{"the root deleted and restored", func(t *testing.T, p place) {
			p.copy(t, "app", "stash")
			p.remove(t, "app")
			p.copy(t, "stash", "app")
		}},
		{"a linked package deleted and made again", func(t *testing.T, p place) { // its build cleans first
			p.copy(t, "lib", "stash")
			p.remove(t, "lib")
			p.copy(t, "stash", "lib")
		}},
		{"a folder outside renamed and another in its place", func(t *testing.T, p place) {
			p.copy(t, "lib", "made")
			p.move(t, "lib", "old")
			p.move(t, "made", "lib")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			watchers(t, func(t *testing.T, o Options) {
				p := newPlace(t)
				o.Root = p.at("app")
				r := &reader{t, p.watch(t, o), map[string]string{}}
				r.awaitEdits("the start", p.all(t))
				c.do(t, p)
				r.awaitEdits(c.name, p.all(t))
			})
		})
	}
}

// newPlace makes an app with folders that are alike, and a package beside it.
func newPlace(t *testing.T) place {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := place(dir)
	for _, name := range []string{
		"app/index.html", "app/src/main.ts", "app/src/new/a.ts", "app/src/new/deep/b.ts", "app/src/new/deep/er/c.ts",
		"app/src/new_b/a.ts", "app/src/new_b/deep/b.ts", "app/src/new_b/deep/er/c.ts", "lib/l.ts", "lib/src/m.ts",
		"conf/flat/.env",
	} {
		write(t, p.at(name), "same") // the same size, and about the same time
	}
	return p
}

// watch watches app, the package and the files of a folder.
func (p place) watch(t *testing.T, o Options) *Watcher {
	t.Helper()
	w, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	if err := w.Add(p.at("lib")); err != nil {
		t.Fatal(err)
	}
	w.AddFolder(p.at("conf/flat"))
	return w
}

func (p place) all(t *testing.T) []string {
	t.Helper()
	return append(append(files(t, p.at("app")), files(t, p.at("lib"))...), p.at("conf/flat/.env"))
}

// TestRandomRenames renames, swaps, moves, links, deletes and restores folders at random, several at a time and faster
// than the watcher looks. Afterwards each file's edit is reported by the file's path.
func TestRandomRenames(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not rename folders that are watched")
	}
	watchers(t, func(t *testing.T, o Options) {
		seed := uint64(time.Now().UnixNano())
		random := rand.New(rand.NewPCG(seed, 0))
		p := newPlace(t)
		o.Root = p.at("app")
		r := &reader{t, p.watch(t, o), map[string]string{}}
		fresh := 0
		name := func() string { fresh++; return fmt.Sprint("n", fresh) }
		for round := range 30 {
			var done []string
			for range 1 + random.IntN(4) {
				done = append(done, p.change(t, random, name))
			}
			what := fmt.Sprintf("seed %d, round %d, %s", seed, round, strings.Join(done, ", "))
			if len(files(t, p.at("app"))) < 6 {
				p.copy(t, "lib", "app/"+name())
			}
			r.awaitEdits(what, p.all(t))
		}
	})
}

// change does something at random to the folders, and says what.
func (p place) change(t *testing.T, random *rand.Rand, name func() string) string {
	t.Helper()
	var dirs []string // relative to p
	_ = filepath.WalkDir(p.at("app"), func(path string, d fs.DirEntry, err error) error {
		if rel, _ := filepath.Rel(string(p), path); err == nil && d.IsDir() && rel != "app" {
			dirs = append(dirs, filepath.ToSlash(rel))
		}
		return nil
	})
	pick := func() string { return dirs[random.IntN(len(dirs))] }
	if len(dirs) == 0 {
		p.copy(t, "lib", "app/"+name())
		return "copy"
	}
	a, b := pick(), pick()
	apart := !strings.HasPrefix(a+"/", b+"/") && !strings.HasPrefix(b+"/", a+"/")
	switch random.IntN(9) {
	case 0:
		to := filepath.ToSlash(filepath.Join(filepath.Dir(a), name()))
		p.move(t, a, to)
		return a + " to " + to
	case 1, 2:
		if !apart {
			return "nothing"
		}
		p.move(t, a, "tmp")
		p.move(t, b, a)
		p.move(t, "tmp", b)
		return "swap " + a + " " + b
	case 3:
		p.move(t, a, "out")
		p.move(t, "out", a)
		return "out and back " + a
	case 4:
		p.copy(t, a, "stash")
		p.remove(t, a)
		p.copy(t, "stash", a)
		p.remove(t, "stash")
		return "delete and restore " + a
	case 5:
		if !apart || strings.Count(a, "/") < 2 {
			return "nothing"
		}
		to := "app/" + name()
		p.move(t, a, to)
		p.link(t, to, a)
		return a + " became a link to " + to
	case 6:
		if !apart {
			return "nothing"
		}
		to := b + "/" + name()
		p.move(t, a, to)
		return a + " to " + to
	case 7:
		root := []string{"app", "lib", "conf", "conf/flat"}[random.IntN(4)]
		p.copy(t, root, "made")
		p.move(t, root, "old")
		p.move(t, "made", root)
		p.remove(t, "old")
		return "replace " + root
	default:
		p.copy(t, a, "app/"+name())
		return "copy " + a
	}
}

// TestRootThatIsGone: pages stay as they are while the project's folder has another name, and the terminal says so.
func TestRootThatIsGone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not rename folders that are watched")
	}
	watchers(t, func(t *testing.T, o Options) {
		p := newPlace(t)
		o.Root = p.at("app")
		var mu sync.Mutex
		var log bytes.Buffer
		lines := make(chan string, 10)
		o.Logger = slog.New(slog.NewTextHandler(writerFunc(func(b []byte) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			lines <- string(b)
			return log.Write(b)
		}), nil))
		r := &reader{t, p.watch(t, o), map[string]string{}}
		says := func(want string) {
			t.Helper()
			select {
			case line := <-lines:
				if !strings.Contains(line, want) {
					t.Errorf("the terminal says %q, want %q", line, want)
				}
			case <-time.After(time.Minute):
				t.Fatalf("the terminal does not say %q", want)
			}
		}
		p.move(t, "app", "elsewhere")
		says("is gone")
		p.move(t, "elsewhere", "app")
		says("is back")
		r.awaitEdits("the root was gone", p.all(t))
	})
}

// TestErrorsWhileBusy: the system's errors are taken while the watcher is busy, and edits are seen afterwards.
func TestErrorsWhileBusy(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("these are inotify's errors")
	}
	for name, c := range map[string]struct {
		do   func(t *testing.T, p place)
		says string
	}{
		"folders that were moved and deleted": {func(t *testing.T, p place) {
			for i := range 100 {
				p.move(t, fmt.Sprint("app/d", i), "gone")
				p.remove(t, "gone")
			}
		}, ""},
		"events that were lost": {func(t *testing.T, p place) {
			p.move(t, "app/d0", "gone")
			for range 20_000 { // the queue holds 16,384, the channel 4,096; two of a kind in a row are one event
				write(t, p.at("app/d1/f"), "")
				write(t, p.at("app/d2/f"), "")
			}
		}, "too many files changed at once"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			for i := range 100 {
				if err := os.Mkdir(p.at(fmt.Sprint("app/d", i)), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			lines := make(chan string, 10)
			w := p.watch(t, Options{Root: p.at("app"), Logger: slog.New(slog.NewTextHandler(writerFunc(func(b []byte) (int, error) {
				lines <- string(b)
				return len(b), nil
			}), nil))})
			w.placing.Lock() // the first folder that is moved keeps the watcher busy
			free := sync.OnceFunc(w.placing.Unlock)
			defer free()
			c.do(t, p)
			added := make(chan error)
			go func() { added <- w.source.Add(p.at("lib")) }()
			select {
			case err := <-added:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(time.Minute):
				t.Fatal("a folder cannot be added")
			}
			free()
			r := &reader{t, w, map[string]string{}}
			r.awaitEdits(name, p.all(t))
			if c.says != "" {
				if line := <-lines; !strings.Contains(line, c.says) {
					t.Errorf("the terminal says %q, want %q", line, c.says)
				}
			}
			select {
			case line := <-lines:
				t.Errorf("the terminal says %q", line)
			default:
			}
		})
	}
}

// TestIgnoredPatterns: patterns of server.watch.ignored are Vite's.
func TestIgnoredPatterns(t *testing.T) {
	ig, err := newIgnore("/r", []string{"out/**", "*.@(log|tmp)", "**/gen/!(keep).ts", "/elsewhere/**"})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		"/r/out/a.js": true, "/r/out/.a/b.js": true, "/r/src/out/a.js": false, "/r/src/a.log": true, "/r/src/.x.tmp": true,
		"/r/src/a.logs": false, "/r/a/gen/x.ts": true, "/r/a/gen/keep.ts": false, "/elsewhere/x": true, "/r/src/a.ts": false,
	} {
		if got := ig.path(path); got != want {
			t.Errorf("%s is ignored: %t", path, got)
		}
	}
	if _, err := newIgnore("/r", []string{"{a"}); err == nil || err.Error() != `server.watch.ignored: malformed pattern "{a": { is not closed` {
		t.Errorf("got %v", err)
	}
}
