package watch

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, out, done := make(chan Change, 256), make(chan Batch), make(chan struct{})
		go gather(in, out, done)
		defer func() { close(done); synctest.Wait() }()

		start := time.Now()
		in <- Change{Written, "a"}
		if b := <-out; len(b) != 1 || time.Since(start) != 0 {
			t.Errorf("a single save came as %v after %v, want at once", b, time.Since(start))
		}
		// While the receiver is busy, changes are gathered, one for each path.
		in <- Change{Removed, "a"}
		in <- Change{Created, "a"}
		in <- Change{Created, "b"}
		in <- Change{Written, "b"}
		synctest.Wait()
		if b := <-out; !slices.Equal(b, Batch{{Replaced, "a"}, {Created, "b"}}) {
			t.Errorf("got %v", b)
		}
		// A checkout is one batch, held until it is quiet.
		go func() {
			for i := range 100 {
				in <- Change{Written, string(rune('a' + i))}
				if i%10 == 9 {
					time.Sleep(5 * time.Millisecond)
				}
			}
		}()
		time.Sleep(12 * time.Millisecond)
		if b := <-out; len(b) != 100 {
			t.Errorf("the burst came in parts: %d of 100", len(b))
		}
	})
}

func TestBurstThatIsNeverQuietIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, out, done := make(chan Change, 256), make(chan Batch), make(chan struct{})
		go gather(in, out, done)
		stop := make(chan struct{})
		go func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
					in <- Change{Written, strings.Repeat("x", i%200+1)}
				}
			}
		}()
		time.Sleep(50 * time.Millisecond)
		for range 20 { // events and the end of the burst come in any order
			start := time.Now()
			<-out
			if waited := time.Since(start); waited > burstLongest {
				t.Errorf("the burst was held for %v", waited)
			}
			time.Sleep(50 * time.Millisecond)
		}
		close(stop)
		close(done)
	})
}

// collect reads batches until every wanted change has come, or fails after a minute.
func collect(t *testing.T, w *Watcher, want ...Change) []Change {
	t.Helper()
	var all []Change
	deadline := time.After(time.Minute)
	for {
		missing := false
		for _, c := range want {
			missing = missing || !slices.Contains(all, c)
		}
		if !missing {
			return all
		}
		select {
		case b := <-w.Changes():
			all = append(all, b...)
		case <-deadline:
			t.Fatalf("waited for %v, got %v", want, all)
		}
	}
}

func write(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestHowEditorsSave(t *testing.T) {
	for _, poll := range []bool{false, true} {
		t.Run(map[bool]string{false: "events", true: "polling"}[poll], func(t *testing.T) {
			root := t.TempDir()
			file := write(t, filepath.Join(root, "src", "a.ts"), "1")
			w, err := New(Options{Root: root, Poll: poll, Interval: 5 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()

			write(t, file, "in place")
			collect(t, w, Change{Written, file})

			if err := os.Rename(write(t, file+".new", "renamed over"), file); err != nil {
				t.Fatal(err)
			}
			changed := func() {
				t.Helper()
				deadline := time.After(time.Minute)
				for {
					select {
					case b := <-w.Changes():
						for _, c := range b {
							if c.Path == file && c.Kind != Removed {
								return
							}
						}
					case <-deadline:
						t.Fatal("the save was not seen")
					}
				}
			}
			changed()

			if err := os.Rename(file, file+"~"); err != nil { // backup, then new
				t.Fatal(err)
			}
			write(t, file, "after backup")
			changed()

			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			write(t, file, "deleted and made again")
			changed()
		})
	}
}

func TestNewMovedAndIgnoredDirectories(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "node_modules", "p", "i.js"), "")
	w, err := New(Options{Root: root, Ignore: []string{"generated/**", "*.log"}})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	// Files written before the new directories are watched are reported too.
	a := write(t, filepath.Join(root, "x", "y", "z", "a.ts"), "")
	collect(t, w, Change{Created, a})
	write(t, a, "2")
	collect(t, w, Change{Written, a})

	if err := os.Rename(filepath.Join(root, "x"), filepath.Join(root, "moved")); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(root, "moved", "y", "z", "a.ts")
	collect(t, w, Change{Removed, filepath.Join(root, "x")}, Change{Created, moved})

	ignored := []string{"node_modules/p/i.js", ".git/HEAD", "generated/g.ts", "src/debug.log", "src/.a.ts.swp", "src/4913", "src/a.ts~"}
	for _, name := range ignored {
		write(t, filepath.Join(root, name), "changed")
	}
	last := write(t, filepath.Join(root, "last.ts"), "")
	for _, c := range collect(t, w, Change{Created, last}) {
		if rel, err := filepath.Rel(root, c.Path); err == nil && slices.Contains(ignored, rel) {
			t.Errorf("an ignored file was reported: %v", c)
		}
	}
	if err := os.Chmod(last, 0o600); err != nil {
		t.Fatal(err)
	}
	end := write(t, filepath.Join(root, "end.ts"), "")
	for _, c := range collect(t, w, Change{Created, end}) {
		if c.Path == last {
			t.Errorf("a chmod was reported: %v", c)
		}
	}
}

func TestFoldersOutsideTheRoot(t *testing.T) {
	root, linked := t.TempDir(), t.TempDir()
	w, err := New(Options{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Add(linked); err != nil {
		t.Fatal(err)
	}
	file := write(t, filepath.Join(linked, "lib.ts"), "")
	collect(t, w, Change{Created, file})
	if err := w.Add(filepath.Join(linked, "missing")); err == nil {
		t.Error("a folder that is not there was added")
	}
	later := filepath.Join(t.TempDir(), "later")
	w.AddFolder(later)
	file = write(t, filepath.Join(later, ".env"), "")
	collect(t, w, Change{Created, file})
	write(t, file, "X=1")
	collect(t, w, Change{Written, file})
}

// TestFolderWithoutItsFolders: AddFolder reports the files of a folder, and none in its folders, old or new.
func TestFolderWithoutItsFolders(t *testing.T) {
	for _, poll := range []bool{false, true} {
		t.Run(fmt.Sprint("poll ", poll), func(t *testing.T) {
			outside := t.TempDir()
			if err := os.MkdirAll(filepath.Join(outside, "old"), 0o755); err != nil {
				t.Fatal(err)
			}
			w, err := New(Options{Root: t.TempDir(), Poll: poll, Interval: 5 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			w.AddFolder(outside)
			if err := os.MkdirAll(filepath.Join(outside, "new"), 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(outside, "old", "a.ts"), "")
			write(t, filepath.Join(outside, "new", "b.ts"), "")
			for _, c := range collect(t, w, Change{Created, write(t, filepath.Join(outside, "own.ts"), "")}) {
				if filepath.Dir(c.Path) != outside {
					t.Errorf("a file in a folder of the folder was reported: %v", c)
				}
			}
			if err := w.Add(outside); err != nil { // now with its folders
				t.Fatal(err)
			}
			file := write(t, filepath.Join(outside, "old", "c.ts"), "")
			collect(t, w, Change{Created, file})
		})
	}
}

// TestFolderThatIsNamedAgain: a folder was deleted and is back, and is named again before the watcher has looked. Its
// files are reported, since they were reported as removed.
func TestFolderThatIsNamedAgain(t *testing.T) {
	for _, again := range []struct {
		name string
		add  func(w *Watcher, dir string) error
	}{
		{"with its folders", (*Watcher).Add},
		{"without", func(w *Watcher, dir string) error { w.AddFolder(dir); return nil }},
	} {
		t.Run(again.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "dist")
			file := write(t, filepath.Join(dir, "lib.js"), "1")
			w, err := New(Options{Root: t.TempDir(), look: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			if err := w.Add(dir); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			collect(t, w, Change{Removed, dir})
			write(t, file, "2")
			if err := again.add(w, dir); err != nil {
				t.Fatal(err)
			}
			collect(t, w, Change{Created, file})
		})
	}
}

// TestLimitOfTheSystem: folders beyond the system's limit are polled, and the terminal says once how to raise the
// limit.
func TestLimitOfTheSystem(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		hint string
	}{
		"watches":     {fmt.Errorf("watch: %w", syscall.ENOSPC), "sudo sysctl fs.inotify.max_user_watches="},
		"descriptors": {syscall.EMFILE, "ulimit -n"},
		"files":       {syscall.ENFILE, "fs.inotify.max_user_instances="},
	} {
		t.Run(name, func(t *testing.T) {
			root, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			for i := range 10 {
				if err := os.MkdirAll(filepath.Join(root, fmt.Sprint("d", i), "deep"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			var mu sync.Mutex
			var log strings.Builder
			locked := writerFunc(func(p []byte) (int, error) { mu.Lock(); defer mu.Unlock(); return log.Write(p) })
			logger := slog.New(slog.NewTextHandler(locked, nil))
			added := 0
			w, err := New(Options{Root: root, Interval: 10 * time.Millisecond, Logger: logger, add: func(string) error {
				if added++; added > 3 {
					return c.err
				}
				return nil // a system that watches the folder but sends no event
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			for _, name := range []string{"d9/x.ts", "d5/deep/y.ts", "d9/new/z.ts"} {
				file := filepath.Join(root, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
					t.Fatal(err)
				}
				for seen := false; !seen; {
					select {
					case b := <-w.Changes():
						seen = slices.ContainsFunc(b, func(c Change) bool { return c.Path == file })
					case <-time.After(30 * time.Second):
						t.Fatalf("%s was not seen", name)
					}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if text := log.String(); strings.Count(text, "limit for watched files") != 1 || !strings.Contains(text, c.hint) {
				t.Errorf("the terminal says:\n%s", text)
			}
		})
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestJoin makes one batch of two: each path is in it once, with what happened to the file in both.
func TestJoin(t *testing.T) {
	first := Batch{{Created, "/created"}, {Removed, "/back"}, {Written, "/gone"}, {Written, "/z"}, {Created, "/undone"}}
	then := Batch{{Written, "/a"}, {Created, "/back"}, {Written, "/created"}, {Removed, "/gone"}, {Removed, "/undone"}}
	want := Batch{{Written, "/a"}, {Replaced, "/back"}, {Created, "/created"}, {Removed, "/gone"}, {Removed, "/undone"}, {Written, "/z"}}
	if got := first.Join(then); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := Batch(nil).Join(first[:1]); !slices.Equal(got, first[:1]) {
		t.Errorf("joined with nothing: %v", got)
	}
}
