package server_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// TestProxyOfVite: a rule of server.proxy with more than devserver knows of is served by Vite's own proxy, in its place
// among the other rules. The terminal names no option of it.
func TestProxyOfVite(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if websocket.IsWebSocketUpgrade(r) {
			up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
			if conn, err := up.Upgrade(w, r, nil); err == nil {
				_, text, _ := conn.ReadMessage()
				_ = conn.WriteMessage(websocket.TextMessage, []byte(r.RequestURI+" "+r.Header.Get("X-Configured")+" "+string(text)))
				_ = conn.Close()
			}
			return
		}
		user, _, _ := r.BasicAuth()
		body, _ := io.ReadAll(r.Body)
		own := slices.ContainsFunc(slices.Collect(maps.Keys(r.Header)), func(name string) bool { return strings.HasPrefix(name, "X-Devserver") })
		fmt.Fprint(w, strings.Join([]string{r.Method, r.RequestURI, r.Header.Get("X-Configured"), user, r.Header.Get("X-Forwarded-For"), fmt.Sprint(len(body)), fmt.Sprint(own)}, " "))
	}))
	t.Cleanup(backend.Close)
	closed := httptest.NewServer(nil)
	closed.Close()
	const configure = `configure: (proxy) => {
    proxy.on("proxyReq", (req) => req.setHeader("X-Configured", "yes"));
    proxy.on("proxyReqWs", (req) => req.setHeader("X-Configured", "yes"));
    proxy.on("proxyRes", (res) => { res.headers["x-answered"] = "by Vite"; });
  }`
	s := startWithPlugins(t, strings.NewReplacer("BACKEND", backend.URL, "CLOSED", closed.URL, "CONFIGURE", configure).Replace(`
export default {
  base: "/app/",
  server: { proxy: {
    "/api/first": "BACKEND",
    "/api": { target: "BACKEND", changeOrigin: true, ws: true, rewrite: (path) => path.replace(/^\/api/, ""), CONFIGURE },
    "/api/never": "CLOSED",
    "/plain": "BACKEND",
    "^/v\\d+/": { target: "BACKEND", auth: "me:x", xfwd: true },
    "/page": { target: "BACKEND", bypass: (req) => req.headers.accept === "text/html" ? "/app/index.html" : req.url === "/page/no" ? false : undefined, CONFIGURE },
    "/answers": { selfHandleResponse: true, target: "BACKEND", configure: (proxy) => proxy.on("proxyRes", (_, req, res) => res.end("answered " + req.url)) },
    "/closed": { target: "CLOSED", ws: true, CONFIGURE },
    "/off": undefined,
  } },
  plugins: [{ name: "adds a rule", config: () => ({ server: { proxy: { "/added": { target: "BACKEND", CONFIGURE }, "/asked": { target: "BACKEND", bypass: async (req, res) => { for await (const part of req) res.write(part); res.end(); return req.url; } }, "/no": null } } }) }],
};`), "")
	for _, c := range []struct {
		method, path, accept, body string
		status                     int
		want                       string
	}{
		{"GET", "/api/users?q=a%2Fb", "", "", 200, "GET /users?q=a%2Fb yes   0 false"},
		{"POST", "/api/users", "", strings.Repeat("x", 1<<20), 200, "POST /users yes   1048576 false"},
		{"GET", "/api/first/x", "", "", 200, "GET /api/first/x  "},
		{"GET", "/api/never", "", "", 200, "GET /never yes"},
		{"GET", "/plain", "", "", 200, "GET /plain  "},
		{"GET", "/v2/x", "", "", 200, "GET /v2/x  me 127.0.0.1 0 false"},
		{"GET", "/page/x", "text/html", "", 200, "the app"},
		{"GET", "/page/x", "", "", 200, "GET /page/x yes"},
		{"GET", "/page/no", "", "", 404, ""},
		{"GET", "/answers/x", "", "", 200, "answered /answers/x"},
		{"GET", "/added/x", "", "", 200, "GET /added/x yes"},
		{"POST", "/asked/x", "", "of the browser", 200, "of the browser"},
		{"GET", "/closed/x", "", "", 502, ""},
		{"GET", "/off", "", "", 404, "this project is served at /app/"},
	} {
		got := s.Do(c.method, c.path, c.body, "Accept", c.accept)
		if got.Status != c.status || !strings.Contains(got.Body, c.want) {
			t.Errorf("%s %s: %d %s\nwant %d %s", c.method, c.path, got.Status, got.Body, c.status, c.want)
		}
		if by := got.Header.Get("X-Answered"); (by != "") != strings.Contains(c.want, " yes") {
			t.Errorf("%s %s: the header that configure sets is %q", c.method, c.path, by)
		}
	}
	s.Log.Wait(t, "http proxy error: /closed/x")
	s.Log.Wait(t, "in Node: adds a rule, server.proxy")
	if line := s.Log.String(); strings.Contains(line, "not used") {
		t.Errorf("the terminal names options that are followed: %s", line)
	}

	at := strings.Replace(s.URL, "http", "ws", 1)
	conn, res, err := websocket.DefaultDialer.Dial(at+"/api/socket", nil)
	if err != nil {
		t.Fatalf("%v %v", err, res)
	}
	defer conn.Close()
	if err := conn.WriteMessage(websocket.TextMessage, []byte("hello")); err != nil {
		t.Error(err)
	}
	if _, text, err := conn.ReadMessage(); err != nil || string(text) != "/socket yes hello" {
		t.Errorf("a WebSocket over Vite's proxy: %q %v", text, err)
	}
	if _, res, _ := websocket.DefaultDialer.Dial(at+"/closed/socket", nil); res == nil || res.StatusCode != http.StatusBadGateway {
		t.Errorf("a WebSocket to a backend that is down: %v", res)
	}
	if _, res, _ := websocket.DefaultDialer.Dial(at+"/page/socket", nil); res == nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("a WebSocket at a rule without ws: %v", res)
	}

	// The next start has the values from the cache, and starts Node for the first request.
	s.Stop()
	s.Again()
	if got := s.Get("/api/users"); !strings.HasPrefix(got.Body, "GET /users yes") {
		t.Errorf("after a second start: %d %s", got.Status, got.Body)
	}
}

// TestProxyOfViteAlone: a vite.config without plugins has Vite's proxy as well, until devserver.config.json has the rule.
func TestProxyOfViteAlone(t *testing.T) {
	t.Parallel()
	backend := func(name string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, name, r.Header.Get("X-Key")) }))
		t.Cleanup(s.Close)
		return s.URL
	}
	one, two := backend("one"), backend("two")
	s := startWithPlugins(t, `export default { server: { proxy: { "/api": { target: "`+one+`", configure: (p) => p.on("proxyReq", (r) => r.setHeader("X-Key", "+")) } } } };`, "")
	if got := s.Get("/api/x").Body; got != "one+" {
		t.Errorf("by Vite's proxy: %q", got)
	}
	s.Log.Wait(t, "runs in Node: server.proxy")
	s.Write("devserver.config.json", `{"server": {"proxy": {"/api": "`+two+`"}}}`)
	devtest.Eventually(t, "the rule of devserver.config.json", func() bool { return s.Get("/api/x").Body == "two" }, s.Log.String)
}
