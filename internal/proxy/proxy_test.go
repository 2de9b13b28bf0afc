package proxy_test

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/internal/proxy"
)

// front serves the proxy. A request that the proxy does not answer is a 404.
func front(t *testing.T, rules ...proxy.Rule) *httptest.Server {
	t.Helper()
	p, err := proxy.New(rules, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.Serve(w, r) != nil {
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func backend(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func get(t *testing.T, url string) (int, string) {
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

func TestRules(t *testing.T) {
	echo := backend(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.URL.String()+" "+r.Header.Get("X-Key"))
	})
	s := front(t,
		proxy.Rule{Path: "/api", Target: echo, Rewrite: []proxy.Rewrite{{Pattern: "^/api", Replacement: ""}}, Headers: map[string]string{"X-Key": "k"}},
		proxy.Rule{Path: "^/v[0-9]+/", Target: echo + "/versions"},
	)
	for path, want := range map[string]string{
		"/api/users?q=1": "/users?q=1 k",
		"/api":           "/ k",
		"/v2/x":          "/versions/v2/x ",
	} {
		if _, got := get(t, s.URL+path); got != want {
			t.Errorf("%s reached %q, want %q", path, got, want)
		}
	}
	if status, _ := get(t, s.URL+"/other?x=/api"); status != http.StatusNotFound {
		t.Errorf("a path that no rule names was answered with %d", status)
	}
}

func TestHostIsKeptUnlessChangeOrigin(t *testing.T) {
	echo := backend(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) })
	s := front(t, proxy.Rule{Path: "/keep", Target: echo}, proxy.Rule{Path: "/change", Target: echo, ChangeOrigin: true})
	if _, host := get(t, s.URL+"/keep"); host != strings.TrimPrefix(s.URL, "http://") {
		t.Errorf("host is %q", host)
	}
	if _, host := get(t, s.URL+"/change"); host != strings.TrimPrefix(echo, "http://") {
		t.Errorf("host is %q", host)
	}
}

func TestEventsPassUnbuffered(t *testing.T) {
	release := make(chan struct{})
	url := backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: one\n")
		w.(http.Flusher).Flush()
		<-release
	})
	s := front(t, proxy.Rule{Path: "/", Target: url})
	res, err := http.Get(s.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	defer close(release)
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); line != "data: one\n" {
		t.Errorf("got %q, %v while the backend still writes", line, err)
	}
}

func TestWebSocket(t *testing.T) {
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	url := backend(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		kind, text, err := c.ReadMessage()
		if err == nil {
			_ = c.WriteMessage(kind, append([]byte("echo "), text...))
		}
	})
	s := front(t, proxy.Rule{Path: "/ws", Target: url, WS: true}, proxy.Rule{Path: "/plain", Target: url})
	at := "ws" + strings.TrimPrefix(s.URL, "http")
	c, _, err := websocket.DefaultDialer.Dial(at+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.WriteMessage(websocket.TextMessage, []byte("hi")); err != nil {
		t.Fatal(err)
	}
	if _, text, err := c.ReadMessage(); string(text) != "echo hi" {
		t.Errorf("got %q, %v", text, err)
	}
	if _, _, err := websocket.DefaultDialer.Dial(at+"/plain", nil); err == nil {
		t.Error("a rule without ws forwarded a WebSocket")
	}
}

func TestBackendThatIsDownAndComesBack(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	s := front(t, proxy.Rule{Path: "/api", Target: "http://" + addr})
	status, text := get(t, s.URL+"/api/x")
	if status != http.StatusBadGateway || !strings.Contains(text, addr) || !strings.Contains(text, "start your backend") {
		t.Errorf("got %d %q", status, text)
	}
	if l, err = net.Listen("tcp", addr); err != nil {
		t.Skip("the port was taken meanwhile")
	}
	back := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "back") })}
	go func() { _ = back.Serve(l) }()
	defer back.Close()
	if _, text := get(t, s.URL+"/api/x"); text != "back" {
		t.Errorf("got %q after the backend came back", text)
	}
}

func TestWrongRulesAreNamed(t *testing.T) {
	for _, r := range []proxy.Rule{
		{Path: "/api", Target: "localhost:8080"}, {Path: "^(", Target: "http://localhost"},
		{Path: "/a", Target: "http://localhost", Rewrite: []proxy.Rewrite{{Pattern: "("}}},
	} {
		if _, err := proxy.New([]proxy.Rule{r}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), r.Path) {
			t.Errorf("%+v: error is %v", r, err)
		}
	}
}
