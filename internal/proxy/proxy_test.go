package proxy_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/internal/proxy"
)

// front serves the proxy. A request that the proxy does not answer is a 404.
func front(t *testing.T, rules ...proxy.Rule) *httptest.Server {
	t.Helper()
	return frontThatLogs(t, slog.DiscardHandler, rules...)
}

func frontThatLogs(t *testing.T, log slog.Handler, rules ...proxy.Rule) *httptest.Server {
	t.Helper()
	p, err := proxy.New(rules, slog.New(log))
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

// recorder is a backend that records the first line of each request, as it came over the wire.
func recorder(t *testing.T) (url string, line func() string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	lines := make(chan string, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			text, _ := bufio.NewReader(c).ReadString('\n')
			lines <- strings.TrimSpace(text)
			_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
			_ = c.Close()
		}
	}()
	return "http://" + l.Addr().String(), func() string { return <-lines }
}

// ask sends a request line as it is, and returns the status.
func ask(t *testing.T, s *httptest.Server, line, headers string) string {
	t.Helper()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, line+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"+headers+"\r\n"); err != nil {
		t.Fatal(err)
	}
	text, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(text)
}

func TestBytesArriveAsTheyCame(t *testing.T) {
	to, line := recorder(t)
	rewritten := func(rewrites ...string) (list []proxy.Rewrite) {
		for i := 0; i < len(rewrites); i += 2 {
			list = append(list, proxy.Rewrite{Pattern: rewrites[i], Replacement: rewrites[i+1]})
		}
		return list
	}
	s := front(t,
		proxy.Rule{Path: "/cut", Target: to, Rewrite: rewritten("^/cut", "")},
		proxy.Rule{Path: "/slash", Target: to, Rewrite: rewritten("^/slash", "/")},
		proxy.Rule{Path: "/below", Target: to + "/a%2Fb/", Rewrite: rewritten("^/below", "")},
		proxy.Rule{Path: "/asked", Target: to + "/a?key=1", Rewrite: rewritten("^/asked", "")},
		proxy.Rule{Path: "/query", Target: to, Rewrite: rewritten(`\?old=`, "?new=", "&drop=[^&]*", "")},
		proxy.Rule{Path: "/odd", Target: to, Rewrite: rewritten("space", " \t\r\nX: y", "percent", "100%", "umlaut", "ü")},
		proxy.Rule{Path: "/func", Target: to, RewriteBy: func(_ context.Context, target string) (string, error) { return "/<" + target + ">", nil }},
		proxy.Rule{Path: `^/x/.*\.json$`, Target: to + "/json"},
		proxy.Rule{Path: `^/x/[^?]*\?.*deep=%2F`, Target: to + "/deep"},
		proxy.Rule{Path: `^/one/[^/]+$`, Target: to + "/segment"},
		proxy.Rule{Path: "/", Target: to},
	)
	for _, c := range []struct{ sent, want string }{
		{"/cut/projects/team%2Fweb", "/projects/team%2Fweb"},
		{"/cut/a%20b/%C3%BC/%7e?q=%7E", "/a%20b/%C3%BC/%7e?q=%7E"},
		{"/cut", "/"},
		{"/cut?a", "/?a"},
		{"/cut/?", "/?"},
		{"/cut//x//", "//x//"},
		{"/slash/users", "/users"},
		{"/slash//users", "/users"},
		{"/below/c%2Fd//e;f", "/a%2Fb/c%2Fd//e;f"},
		{"/below", "/a%2Fb/"},
		{"/asked/b?c=;&", "/a/b?key=1&c=;&"},
		{"/asked/b?", "/a/b?key=1"},
		{"/query?old=a%2Fb&drop=1&z=1&y", "/query?new=a%2Fb&z=1&y"},
		{"/odd/space?space", "/odd/%20%09%0D%0AX:%20y?%20%09%0D%0AX:%20y"},
		{"/odd/percent?percent", "/odd/100%?100%"},
		{"/odd/umlaut", "/odd/ü"},
		{"/func/a%2Fb?c=%", "/</func/a%2Fb?c=%>"},
		{"/x/a.json", "/json/x/a.json"},
		{"/x/a%2Ejson", "/x/a%2Ejson"},
		{"/x/a?deep=%2F", "/deep/x/a?deep=%2F"},
		{"/one/a%2Fb", "/segment/one/a%2Fb"},
		{"/one/a/b", "/one/a/b"},
		{"/list?sort=name;asc&page=2", "/list?sort=name;asc&page=2"},
		{"/list?z=1&a=2&z=%2f&&", "/list?z=1&a=2&z=%2f&&"},
		{"/list?q=100%&r=%zz", "/list?q=100%&r=%zz"},
		{"/list?q=a|b^c{d}\"<e>`\\", "/list?q=a|b^c{d}\"<e>`\\"},
		{"/a|b^c{d}\"<e>`\\[f]", "/a|b^c{d}\"<e>`\\[f]"},
		{"/ü/\xff?ü\xff", "/ü/\xff?ü\xff"},
		{"/a+b/*/..;/x;y=1,2/./../z", "/a+b/*/..;/x;y=1,2/./../z"},
		{"/a#b?c#d", "/a#b?c#d"},
		{"/a?b?c", "/a?b?c"},
		{"/?", "/?"},
		{"//a/%2F//b", "//a/%2F//b"},
		{"//a|b%2F^", "//a%7Cb%2F%5E"}, // net/http cannot write it otherwise
		{"http://localhost/abs%2Fo?q=;", "/abs%2Fo?q=;"},
		{"http://localhost?q=;", "/?q=;"},
		{"http://localhost", "/"},
	} {
		for _, headers := range []string{"", "Connection: Upgrade\r\nUpgrade: other\r\n"} {
			status := ask(t, s, "GET "+c.sent, headers)
			if !strings.Contains(status, "204") {
				t.Errorf("%q: %s", c.sent, status)
				continue
			}
			if got := line(); got != "GET "+c.want+" HTTP/1.1" {
				t.Errorf("%q arrived as %q, want %q", c.sent, got, c.want)
			}
		}
	}
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

// TestBackendSetsItsHeaders: an answer has the values of the backend, and not the server's, too. Browsers refuse an
// answer that allows two origins.
func TestBackendSetsItsHeaders(t *testing.T) {
	url := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "http://a.test")
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Vary", "Accept")
		w.Header().Add("Set-Cookie", "own=1")
	})
	p, err := proxy.New([]proxy.Rule{{Path: "/api", Target: url}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	for name, value := range map[string]string{
		"Access-Control-Allow-Origin": "http://a.test", "Cache-Control": "no-cache", "Vary": "Origin", "Set-Cookie": "plugin=1",
		"Cross-Origin-Resource-Policy": "same-origin",
	} {
		w.Header().Set(name, value)
	}
	p.Serve(w, httptest.NewRequest(http.MethodGet, "/api", nil))
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "http://a.test", "Cache-Control": "max-age=60", "Vary": "Origin|Accept",
		"Set-Cookie": "plugin=1|own=1", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := strings.Join(w.Header().Values(name), "|"); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
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

// TestBypassAlone has a rule without a backend: Bypass answers, or there is an error that says what is missing.
func TestBypassAlone(t *testing.T) {
	s := front(t, proxy.Rule{Path: "/mock", Bypass: func(r *http.Request) (proxy.Answer, error) {
		switch r.RequestURI {
		case "/mock/answer":
			return proxy.Answer{Status: http.StatusTeapot, Body: []byte("mocked")}, nil
		case "/mock/page":
			return proxy.Answer{URL: "/index.html"}, nil
		}
		return proxy.Answer{}, nil
	}})
	for path, want := range map[string]int{"/mock/answer": http.StatusTeapot, "/mock/page": http.StatusNotFound, "/mock/other": http.StatusInternalServerError} {
		if status, _ := get(t, s.URL+path); status != want {
			t.Errorf("%s: status %d, want %d", path, status, want)
		}
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
	log := &devtest.Log{}
	s := frontThatLogs(t, slog.NewTextHandler(log, nil), proxy.Rule{Path: "/api", Target: "http://" + addr})
	status, text := get(t, s.URL+"/api/x")
	if told := log.String(); !strings.Contains(told, addr+` (server.proxy \"/api\") does not answer`) || !strings.Contains(told, "start your backend") {
		t.Errorf("the terminal shows %q", told)
	}
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
