package server_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/server"
)

// project writes an app of n modules in a tree (each imports ten others) and returns its folder.
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

// BenchmarkEdit measures from the write of a leaf module to its code on the socket. The three sizes must cost the same.
func BenchmarkEdit(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000} {
		b.Run(fmt.Sprintf("modules=%d", n), func(b *testing.B) {
			dir := project(b, n)
			ctx, cancel := context.WithCancel(context.Background())
			s, err := server.New(server.Options{Root: dir, NoPlugins: true, CacheDir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- s.ServeListener(ctx, l) }()
			b.Cleanup(func() {
				cancel()
				if err := <-done; err != nil {
					b.Error(err)
				}
			})
			host := l.Addr().String()
			load(b, "http://"+host+"/src/m0.ts")
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

func load(b *testing.B, url string) {
	res, err := http.Get(url)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		b.Fatalf("GET %s: %s", url, res.Status)
	}
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
