package server_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// TestCostOfAnEdit counts the modules that an edit compiles and the frames that it sends. Both must depend on the
// changed files, and not on the size of the project.
func TestCostOfAnEdit(t *testing.T) {
	const n = 60
	app := tree(t, n)
	var compiled atomic.Int64
	s := devtest.Start(t, app, func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{Name: "count", Transform: func(context.Context, plugin.TransformArgs) (*plugin.TransformResult, error) {
			compiled.Add(1)
			return nil, nil
		}}}
	})
	s.Get("/m0.ts", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors")
	if got := compiled.Load(); got != n {
		t.Errorf("the first load compiled %d modules, want each of %d once", got, n)
	}
	s.Get("/m0.ts", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors")
	if got := compiled.Load(); got != n {
		t.Errorf("a second load compiled %d modules", got-n)
	}
	c := s.Socket(t)
	sent := func() int { return len(c.Frames()) - c.Count(devtest.Is("ack")) }
	first := sent()
	for name, test := range map[string]struct {
		files []string
		want  int64
	}{"leaf": {[]string{"m59.ts"}, 1}, "root": {[]string{"m0.ts"}, 1}, "three": {[]string{"m3.ts", "m30.ts", "m50.ts"}, 3}} {
		before, frames := compiled.Load(), c.Count(devtest.Is("update"))
		for _, f := range test.files {
			s.Save(f, ": number =", ": number = 1 +")
			frame := c.WaitFor(devtest.Is("update", "/"+f))
			if len(frame.Text) > 2500 {
				t.Errorf("%s: an update of one small module has %d bytes", name, len(frame.Text))
			}
		}
		if got := compiled.Load() - before; got != test.want {
			t.Errorf("%s: compiled %d modules, want %d", name, got, test.want)
		}
		if got := c.Count(devtest.Is("update")) - frames; got != len(test.files) {
			t.Errorf("%s: %d frames for %d saves", name, got, len(test.files))
		}
	}
	// A save that changes nothing sends no frame.
	frames := c.Count(devtest.Is("update"))
	s.Save("m7.ts", "v7", "v7")
	s.Save("m8.ts", ": number =", ": number = 2 +")
	c.WaitFor(devtest.Is("update", "/m8.ts"))
	if got := c.Count(devtest.Is("update")) - frames; got != 1 {
		t.Errorf("a save of the same content made an update (%d frames)", got)
	}
	if got := sent() - first; got != 6 { // five files above, and m8
		t.Errorf("%d frames of all kinds for 6 edits", got)
	}
}

// TestEditsReachAllPages: each of 200 pages gets each of 10 edits, once and in order.
func TestEditsReachAllPages(t *testing.T) {
	app := tree(t, 3)
	s := devtest.Start(t, app)
	s.Get("/m0.ts", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors")
	var pages []*devtest.Socket
	for range 200 {
		pages = append(pages, s.Socket(t))
	}
	for n := range 10 {
		s.Save("m1.ts", ": number =", fmt.Sprintf(": number = %d +", n))
		for _, p := range pages {
			p.WaitFor(devtest.Is("update", fmt.Sprintf(`"seq":%d,`, n+1), "/m1.ts"))
		}
	}
	for _, p := range pages {
		if got := p.Count(devtest.Is("update")); got != 10 {
			t.Errorf("a page got %d updates for 10 edits", got)
		}
	}
}

// TestManyFilesAreOneUpdate writes many files at once, as a checkout does. They come in few frames, and no file is
// missed.
func TestManyFilesAreOneUpdate(t *testing.T) {
	const n = 200
	app := devtest.App(t, devtest.Text("-- index.html --\n<!doctype html>\n"))
	var entry strings.Builder
	for i := range n {
		app.Write(fmt.Sprintf("src/m%d.js", i), "export default 1;\n")
		fmt.Fprintf(&entry, "import \"./m%d.js\";\n", i)
	}
	app.Write("src/main.js", entry.String())
	s := devtest.Start(t, app)
	s.Get("/src/main.js", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors")
	c := s.Socket(t)
	for i := range n {
		s.Write(fmt.Sprintf("src/m%d.js", i), "export default 2;\n")
	}
	seen := map[string]bool{}
	frames := 0
	for len(seen) < n {
		var u struct{ Changed []string }
		c.WaitFor(devtest.Is("update")).Decode(t, &u)
		frames++
		for _, id := range u.Changed {
			seen[id] = true
		}
	}
	if frames > 10 { // not one frame: on a slow machine the writes take longer than the watcher waits for a burst
		t.Errorf("%d files came in %d frames", n, frames)
	}
}

// TestAllocationsOfAnEdit compares the allocations of an edit in a small project and in a project ten times as large.
func TestAllocationsOfAnEdit(t *testing.T) {
	perEdit := func(n int) uint64 {
		s := devtest.Start(t, tree(t, n))
		s.Get("/m0.ts", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors")
		c := s.Socket(t)
		leaf := fmt.Sprintf("m%d.ts", n-1)
		edit := func() {
			s.Write(leaf, s.Read(leaf)+"//\n")
			s.Edit(leaf, ": number =", ": number = 1 +")
			c.WaitFor(devtest.Is("update", "/"+leaf))
		}
		edit() // the first edit fills caches for the later edits
		const edits = 20
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range edits {
			edit()
		}
		runtime.ReadMemStats(&after)
		s.Stop()
		return (after.Mallocs - before.Mallocs) / edits
	}
	small, large := perEdit(50), perEdit(500)
	if large > 2*small {
		t.Errorf("an edit makes %d allocations with 500 modules and %d with 50", large, small)
	}
}

// tree returns an app of n modules. Each imports two others and accepts its own updates.
func tree(t *testing.T, n int) *devtest.Files {
	app := devtest.App(t, devtest.Text("-- index.html --\n<!doctype html><link rel=\"icon\" href=\"data:,\"><script type=\"module\" src=\"/m0.ts\"></script>\n"))
	for i := range n {
		text := fmt.Sprintf("export const v%d: number = %d;\nimport.meta.hot?.accept();\n", i, i)
		for child := 2*i + 1; child <= 2*i+2 && child < n; child++ {
			text = fmt.Sprintf("import { v%d } from \"./m%d\";\nconsole.debug(v%d);\n", child, child, child) + text
		}
		app.Write(fmt.Sprintf("m%d.ts", i), text)
	}
	return app
}

// TestRequestsOfALoad: a load requests the page, the client and one pack, however many modules there are. A reload
// makes the same requests.
func TestRequestsOfALoad(t *testing.T) {
	s := devtest.Start(t, tree(t, 300))
	p := s.Page(t, "/")
	s.WaitPages(1)
	first := len(p.Requests())
	if first > 3 {
		t.Errorf("a load of 300 modules makes %d requests: %q", first, p.Requests())
	}
	p.Reload()
	if again := len(p.Requests()) - first; again > 3 {
		t.Errorf("a reload makes %d requests: %q", again, p.Requests())
	}
}

// TestManyEditsLeaveNothing: the hub keeps updates for late pages, up to a bound. Beyond the bound edits take no more
// memory, and no goroutine is left. DEVSERVER_SOAK=1 makes 2,000 edits.
func TestManyEditsLeaveNothing(t *testing.T) {
	edits := devtest.Soak(300, 2_000)
	s := devtest.Start(t, tree(t, 30))
	s.Get("/m0.ts", "Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors")
	good := s.Read("m29.ts")
	n := 0
	edit := func(times int) {
		c := s.Socket(t)
		defer c.Close()
		for range times {
			n++
			mark := fmt.Sprintf("edit%d", n)
			s.Write("m29.ts", good+"export const "+mark+" = 1;\n")
			c.WaitFor(devtest.Is("update", mark))
		}
	}
	state := func() (heap uint64, goroutines int) {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc, runtime.NumGoroutine()
	}
	edit(600) // the hub keeps the last 512 updates
	heap, goroutines := state()
	edit(edits)
	var after uint64
	var left int
	devtest.Eventually(t, "memory and goroutines as before", func() bool {
		after, left = state()
		return after <= heap+4<<20 && left <= goroutines+5
	}, func() string {
		return fmt.Sprintf("%d edits left %d kB and %d goroutines", edits, (int64(after)-int64(heap))>>10, left-goroutines)
	})
}
