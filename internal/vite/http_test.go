package vite_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/vite"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// log is what the terminal shows.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

// serve serves a project whose vite.config has the text, by its middlewares alone: what they pass on is answered with
// "passed on". named is a path of the middlewares. end ends the project, and Node.
func serve(t *testing.T, config string, named ...string) (url string, terminal *log, end func()) {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	packages, err := filepath.Abs("../../testdata/tools/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(packages); err != nil {
		t.Skip("npm packages are not installed: run npm install --no-save in testdata/tools/")
	}
	if err := os.Symlink(packages, filepath.Join(root, "node_modules")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "vite.config.mjs"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	terminal = &log{}
	logger := slog.New(slog.NewTextHandler(terminal, nil))
	node := pluginhost.NewNode(pluginhost.NodeOptions{Root: root, CacheDir: t.TempDir(), Logger: logger, Alive: 200 * time.Millisecond})
	t.Cleanup(func() { _ = node.Close() })
	g, err := gate.New(gate.Options{Root: root, Base: "/"})
	if err != nil {
		t.Fatal(err)
	}
	info := &vite.Info{Routes: vite.Routes{Routes: append(named, "")}}
	ctx, cancel := context.WithCancel(t.Context())
	h := vite.New(vite.Options{Context: ctx, Node: node, Gate: g, Logger: logger, Info: info, Answering: 300 * time.Millisecond})
	node.Answer(wire.Methods{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.ServeHTTP(w, r, vite.Early) != nil {
			_, _ = io.WriteString(w, "passed on")
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, terminal, func() {
		cancel()
		h.Close()
		_ = node.Close()
	}
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// TestSlowMiddleware: a request that a middleware does not answer ends with an error, and a middleware that blocks Node
// ends the process. The next requests are answered.
func TestSlowMiddleware(t *testing.T) {
	t.Parallel()
	url, terminal, _ := serve(t, `export default { plugins: [{ name: "slow", configureServer({ middlewares }) {
		middlewares.use("/never", () => {});
		middlewares.use("/blocks", () => { for (;;); });
		middlewares.use("/pid", (req, res) => res.end(String(process.pid)));
	} }] };`)
	_, before := get(t, url+"/pid")
	if status, body := get(t, url+"/never"); status != http.StatusGatewayTimeout || !strings.Contains(body, "has not begun in time") {
		t.Errorf("a middleware that never answers: %d %s", status, body)
	}
	if _, same := get(t, url+"/pid"); same != before {
		t.Errorf("process %s was replaced by %s", before, same)
	}
	if status, body := get(t, url+"/blocks"); status != http.StatusGatewayTimeout {
		t.Errorf("a middleware that blocks: %d %s", status, body)
	}
	for limit := time.Now().Add(30 * time.Second); ; {
		status, after := get(t, url+"/pid")
		if status == http.StatusOK && after != before {
			break
		}
		if time.Now().After(limit) {
			t.Fatalf("the process that blocks was not replaced: %d %s", status, after)
		}
	}
	if n := terminal.count("GET /never: "); n != 1 {
		t.Errorf("the terminal has %d lines about the request", n)
	}
}

// TestNoNode: without Node, requests are answered as without plugins, and the terminal says so once. A path of a plugin's
// gets an error.
func TestNoNode(t *testing.T) {
	url, terminal, _ := serve(t, `export default {}`, "/named")
	t.Setenv("PATH", "")
	for range 3 {
		if status, body := get(t, url+"/other"); status != http.StatusOK || body != "passed on" {
			t.Errorf("a request without Node: %d %s", status, body)
		}
	}
	if status, body := get(t, url+"/named/x"); status != http.StatusBadGateway || !strings.Contains(body, "Node.js is not installed") {
		t.Errorf("a request for a plugin's path without Node: %d %s", status, body)
	}
	if n := terminal.count("are not asked"); n != 1 {
		t.Errorf("the terminal says it %d times", n)
	}
}

// TestRequestAfterTheProject: a request that comes when Node has ended with its project is passed on, for the next
// project, and the terminal has no error of it.
func TestRequestAfterTheProject(t *testing.T) {
	url, terminal, end := serve(t, `export default { plugins: [{ name: "answers", configureServer: ({ middlewares }) => void middlewares.use("/a", (req, res) => res.end("answered")) }] };`, "/a")
	if status, body := get(t, url+"/a"); status != 200 || body != "answered" {
		t.Fatalf("%d %s", status, body)
	}
	end()
	if status, body := get(t, url+"/a"); status != 200 || body != "passed on" {
		t.Errorf("%d %s", status, body)
	}
	if n := terminal.count("ERROR") + terminal.count("WARN"); n > 0 {
		t.Errorf("the terminal shows %s", terminal.text.String())
	}
}
