package pluginhost_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/plugin"
)

const large = 12 << 20 // more than sockets buffer

func testRoutes() []plugin.RouteDef {
	cancelled := make(chan struct{}, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/echo", func(w http.ResponseWriter, r *http.Request) { // answers while it reads
		lines := bufio.NewReader(r.Body)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			fmt.Fprint(w, "got "+line)
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("POST /api/count", func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprintln(w, n, err)
	})
	mux.HandleFunc("/api/large", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(bytes.Repeat([]byte("x"), large)) // the reader may go away
	})
	mux.HandleFunc("/api/status", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request", r.Method+" "+r.URL.String()+" "+r.Host+" "+r.Header.Get("X-Test"))
		w.Header()["Set-Cookie"] = []string{"a=1", "b=2"}
		w.WriteHeader(http.StatusTeapot)
		w.Header().Set("X-Late", "yes")
		fmt.Fprint(w, "body")
	})
	mux.HandleFunc("/api/hang", func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		cancelled <- struct{}{}
	})
	mux.HandleFunc("/api/cancelled", func(http.ResponseWriter, *http.Request) { <-cancelled })
	mux.HandleFunc("/api/panic", func(http.ResponseWriter, *http.Request) { panic("on purpose") })
	mux.HandleFunc("/api/panic-late", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "half")
		w.(http.Flusher).Flush()
		panic("on purpose")
	})
	mux.HandleFunc("/api/deaf", func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		select {}
	})
	mux.HandleFunc("/api/empty", func(http.ResponseWriter, *http.Request) {})
	return []plugin.RouteDef{plugin.Route("/api/", mux)}
}

// serve serves the routes of a host.
func serve(t testing.TB, h pluginhost.Host) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pluginhost.NewHosts(h).Routes(http.HandlerFunc(http.NotFound)).ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// bothHosts runs a test with the routes in process and in a child.
func bothHosts(t *testing.T, test func(t *testing.T, h pluginhost.Host, url string)) {
	t.Run("child", func(t *testing.T) {
		c, _, _ := startChild(t)
		test(t, c, serve(t, c))
	})
	t.Run("in process", func(t *testing.T) {
		h, err := plugin.NewRunner([]plugin.Plugin{testPlugin()}, newBackend(t))
		if err != nil {
			t.Fatal(err)
		}
		test(t, h, serve(t, h))
	})
}

func do(t testing.TB, ctx context.Context, method, url string, body io.Reader) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Test", "yes")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

func text(t testing.TB, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

func TestRouteAnswers(t *testing.T) {
	bothHosts(t, func(t *testing.T, _ pluginhost.Host, url string) {
		res := do(t, t.Context(), "GET", url+"/api/status?a=%2F", nil)
		want := "GET /api/status?a=%2F " + strings.TrimPrefix(url, "http://") + " yes"
		if got := text(t, res); got != "body" || res.StatusCode != http.StatusTeapot || res.Header.Get("X-Request") != want || len(res.Header["Set-Cookie"]) != 2 || res.Header.Get("X-Late") != "" {
			t.Errorf("got %s %d %v", got, res.StatusCode, res.Header)
		}
		if res.ContentLength != 4 {
			t.Errorf("a short answer has the length %d", res.ContentLength)
		}
		if res := do(t, t.Context(), "GET", url+"/api/empty", nil); res.StatusCode != http.StatusOK || text(t, res) != "" {
			t.Errorf("got %d", res.StatusCode)
		}
		if res := do(t, t.Context(), "HEAD", url+"/api/status", nil); res.StatusCode != http.StatusTeapot || text(t, res) != "" {
			t.Errorf("got %d", res.StatusCode)
		}
		if res := do(t, t.Context(), "GET", url+"/apis", nil); res.StatusCode != http.StatusNotFound {
			t.Errorf("got %d", res.StatusCode)
		}
	})
}

// TestRouteLeavesTheBody: a handler that does not read the body harms no later request of the connection.
func TestRouteLeavesTheBody(t *testing.T) {
	bothHosts(t, func(t *testing.T, _ pluginhost.Host, url string) {
		for range 3 {
			res := do(t, t.Context(), "POST", url+"/api/status", strings.NewReader("a body"))
			if got := text(t, res); got != "body" {
				t.Errorf("got %q", got)
			}
			res.Body.Close()
		}
	})
}

func TestRouteStreamsBothWays(t *testing.T) {
	bothHosts(t, func(t *testing.T, h pluginhost.Host, url string) {
		in, out := io.Pipe()
		go func() { fmt.Fprintln(out, "1") }()
		res := do(t, t.Context(), "POST", url+"/api/echo", in)
		lines := bufio.NewReader(res.Body)
		for i := 1; i <= 3; i++ { // each line is answered before the next is sent
			if line, err := lines.ReadString('\n'); err != nil || line != fmt.Sprintf("got %d\n", i) {
				t.Fatalf("got %q, %v", line, err)
			}
			if i < 3 {
				fmt.Fprintln(out, i+1)
			}
		}
		out.Close()
		if rest := text(t, &http.Response{Body: io.NopCloser(lines)}); rest != "" {
			t.Errorf("got %q", rest)
		}
	})
}

func TestRouteTakesLargeBodies(t *testing.T) {
	bothHosts(t, func(t *testing.T, _ pluginhost.Host, url string) {
		for _, size := range []int{0, 1, 64 << 10, large} {
			res := do(t, t.Context(), "POST", url+"/api/count", io.LimitReader(zeros{}, int64(size)))
			if got := text(t, res); got != fmt.Sprintln(size, nil) {
				t.Errorf("%d bytes: got %s", size, got)
			}
		}
		n, err := io.Copy(io.Discard, do(t, t.Context(), "GET", url+"/api/large", nil).Body)
		if n != large || err != nil {
			t.Errorf("got %d bytes, %v", n, err)
		}
	})
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// TestSlowBrowserHoldsNobodyUp reads nothing of a large answer. Events must work meanwhile.
func TestSlowBrowserHoldsNobodyUp(t *testing.T) {
	c, _, _ := startChild(t)
	url := serve(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	do(t, ctx, "GET", url+"/api/large", nil)
	for range 100 {
		if got, err := ask(t.Context(), c, "sum", `{"a":1}`); err != nil || got != "1" {
			t.Fatalf("got %s, %v", got, err)
		}
	}
}

func TestRouteEndsWhenTheBrowserGoes(t *testing.T) {
	bothHosts(t, func(t *testing.T, _ pluginhost.Host, url string) {
		ctx, cancel := context.WithCancel(t.Context())
		do(t, ctx, "GET", url+"/api/hang", nil)
		cancel()
		text(t, do(t, t.Context(), "GET", url+"/api/cancelled", nil)) // answers once the context of the first request has ended
	})
}

func TestRoutePanics(t *testing.T) {
	c, _, _ := startChild(t)
	url := serve(t, c)
	if res := do(t, t.Context(), "GET", url+"/api/panic", nil); res.StatusCode != http.StatusBadGateway || !strings.Contains(text(t, res), "route /api/panic of plugin test panicked: on purpose") {
		t.Errorf("got %d", res.StatusCode)
	}
	if b, err := io.ReadAll(do(t, t.Context(), "GET", url+"/api/panic-late", nil).Body); string(b) != "half" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("half an answer looks like a whole one: %q, %v", b, err)
	}
}

// TestRouteOfADyingChild checks that the end of a child does not wait for browsers that read or send nothing.
func TestRouteOfADyingChild(t *testing.T) {
	c, _, _ := startChild(t)
	url := serve(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	do(t, ctx, "GET", url+"/api/large", nil)
	in, out := io.Pipe()
	defer out.Close()
	go func() { fmt.Fprintln(out, "1") }()
	res := do(t, ctx, "POST", url+"/api/echo", in)
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil || line != "got 1\n" {
		t.Errorf("got %q, %v", line, err)
	}
	_, _ = ask(t.Context(), c, "exit", "") // fails, since it dies meanwhile
	exited(t, c)
}

// TestStopOfAChildWithADeafRoute checks that Stop hooks run although a handler ignores its ended context.
func TestStopOfAChildWithADeafRoute(t *testing.T) {
	c, _, printed := startChild(t)
	do(t, t.Context(), http.MethodGet, serve(t, c)+"/api/deaf", nil)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if !printed.has("the test plugin stops, of 2 pages <nil>") || !printed.has("stop plugins: route /api/deaf of plugin test ignored its cancelled context and is still running") {
		t.Errorf("printed %q", printed.all)
	}
}
