package server_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/server"
)

// project writes an app of n modules and returns its folder. The modules are a tree: each imports ten others.
func project(b *testing.B, n int) string {
	dir := b.TempDir()
	write := func(name, text string) {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	write("index.html", `<!doctype html><script type="module" src="/src/m0.ts"></script>`)
	for i := range n {
		var text strings.Builder
		var sum []string
		for child := i*10 + 1; child <= i*10+10 && child < n; child++ {
			fmt.Fprintf(&text, "import { v%d } from \"./m%d\";\n", child, child)
			sum = append(sum, fmt.Sprintf("v%d()", child))
		}
		fmt.Fprintf(&text, "export function v%d(): number { return 1 + [%s].length; }\nimport.meta.hot?.accept();\n", i, strings.Join(sum, ", "))
		write(fmt.Sprintf("src/m%d.ts", i), text.String())
	}
	return dir
}

// serve runs a server for the project until stop is called or the benchmark ends.
func serve(b *testing.B, dir, cache string) (s *server.Server, host string, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	s, err := server.New(server.Options{Root: dir, NoPlugins: true, CacheDir: cache})
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.ServeListener(ctx, l) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
	b.Cleanup(stop)
	return s, l.Addr().String(), stop
}

// sizes are the numbers of modules for which the benchmarks measure.
var sizes = []int{100, 1_000, 10_000}

// BenchmarkEdit measures the time from the write of a leaf module to its code on the socket. It must be the same for
// all sizes.
func BenchmarkEdit(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("modules=%d", n), func(b *testing.B) {
			dir := project(b, n)
			s, host, _ := serve(b, dir, b.TempDir())
			load(b, "http://"+host+"/src/m0.ts", "")
			ws, _, err := websocket.DefaultDialer.Dial("ws://"+host+"/?token="+s.Token(), http.Header{"Sec-WebSocket-Protocol": {"vite-hmr"}})
			if err != nil {
				b.Fatal(err)
			}
			defer ws.Close()
			leaf := filepath.Join(dir, "src", fmt.Sprintf("m%d.ts", n-1))
			base, err := os.ReadFile(leaf)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			edits := 0
			for b.Loop() {
				edits++
				mark := fmt.Sprintf("edit%d", edits)
				if err := os.WriteFile(leaf, append(base, "export const "+mark+" = 1;\n"...), 0o644); err != nil {
					b.Fatal(err)
				}
				awaitFrame(b, ws, mark)
			}
		})
	}
}

// BenchmarkStart measures the time from a server's start to the whole pack, with an empty cache and with the cache of
// the last run. The metric heap-bytes/module is the memory of the loaded project.
func BenchmarkStart(b *testing.B) {
	for _, n := range sizes {
		dir := project(b, n)
		for _, kind := range []string{"cold", "warm"} {
			b.Run(fmt.Sprintf("%s/modules=%d", kind, n), func(b *testing.B) {
				cache := b.TempDir()
				start := func() (stop func()) {
					_, host, stop := serve(b, dir, cache)
					load(b, "http://"+host+"/src/m0.ts", "")
					return stop
				}
				if kind == "warm" {
					start()() // fills the cache
				}
				before := heap()
				grown := int64(0)
				for b.Loop() {
					if kind == "cold" {
						cache = b.TempDir()
					}
					stop := start()
					b.StopTimer()
					grown = max(grown, heap()-before)
					stop()
					b.StartTimer()
				}
				b.ReportMetric(float64(grown)/float64(n), "heap-bytes/module")
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "us/module")
			})
		}
	}
}

// heap returns the size of the heap after a collection, in bytes.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkReload measures the request for the script of a reloaded page. An unchanged script is a 304. A whole script
// is written and sent again.
func BenchmarkReload(b *testing.B) {
	for _, n := range sizes {
		dir := project(b, n)
		for _, kind := range []string{"unchanged", "whole"} {
			b.Run(fmt.Sprintf("%s/modules=%d", kind, n), func(b *testing.B) {
				_, host, _ := serve(b, dir, b.TempDir())
				url := "http://" + host + "/src/m0.ts"
				tag := load(b, url, "")
				if kind == "whole" {
					tag = ""
				}
				for b.Loop() {
					load(b, url, tag)
				}
			})
		}
	}
}

// load requests a script as a browser does, with the ETag of its cached copy, and returns the ETag of the answer.
func load(b *testing.B, url, tag string) string {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		b.Fatal(err)
	}
	want := http.StatusOK
	if tag != "" {
		req.Header.Set("If-None-Match", tag)
		want = http.StatusNotModified
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != want {
		b.Fatalf("GET %s: %s, want %d; %v", url, res.Status, want, err)
	}
	return res.Header.Get("ETag")
}

// awaitFrame reads until a frame holds the mark.
func awaitFrame(b *testing.B, ws *websocket.Conn, mark string) {
	for {
		_, frame, err := ws.ReadMessage()
		if err != nil {
			b.Fatal(err)
		}
		if strings.Contains(string(frame), mark) {
			return
		}
	}
}
