package pluginhost_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/plugin"
)

func testMiddleware() []plugin.MiddlewareDef {
	with := func(pattern string, fn func(next http.Handler, w http.ResponseWriter, r *http.Request)) plugin.MiddlewareDef {
		return plugin.Middleware(pattern, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fn(next, w, r) })
		})
	}
	return []plugin.MiddlewareDef{
		with("/mw/", func(next http.Handler, w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r) }),
		with("/mw/recorder", func(next http.Handler, _ http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(httptest.NewRecorder(), r)
		}),
		with("/mw/body", func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader("another"))
			next.ServeHTTP(w, r)
		}),
		with("/mw/answers", func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "answered")
			next.ServeHTTP(w, r)
		}),
		with("/mw/stranger", func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(context.Background()))
		}),
		with("/mw/nowhere", func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			other := r.Clone(r.Context())
			other.URL.Opaque = "nowhere"
			next.ServeHTTP(w, other)
		}),
	}
}

// seen serves the middlewares of a host, and next behind them.
func seen(t *testing.T, h pluginhost.Host, next http.HandlerFunc) string {
	recovering := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if v := recover(); v == http.ErrAbortHandler {
				panic(v)
			} else if v != nil {
				http.Error(w, fmt.Sprint(v), http.StatusInternalServerError) // the server's guard does so
			}
		}()
		pluginhost.NewHosts(h).Middleware(next).ServeHTTP(w, r)
	})
	s := httptest.NewServer(recovering)
	t.Cleanup(s.Close)
	return s.URL
}

// TestMiddlewareMistakes: what next cannot do is told with the name of the plugin.
func TestMiddlewareMistakes(t *testing.T) {
	bothHosts(t, func(t *testing.T, h pluginhost.Host, _ string) {
		url := seen(t, h, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "next got %s %s", r.RequestURI, body)
		})
		_, child := h.(*pluginhost.Child)
		for path, want := range map[string]string{
			"/mw/plain":    "200 next got /mw/plain body",
			"/other":       "200 next got /other body",
			"/mw/stranger": "50? middleware /mw/stranger of plugin test panicked: the request that a middleware passes on needs the context",
			"/mw/nowhere":  `50? middleware /mw/nowhere of plugin test panicked: a middleware passes on the URL "nowhere"`,
		} {
			checkAnswer(t, url+path, want)
		}
		// The target stays as it came over the wire, in a form that Go's client does not send.
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET /mw/a%%2Fb^c? HTTP/1.1\r\nHost: x\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, res); got != "next got /mw/a%2Fb^c? " {
			t.Errorf("got %q", got)
		}
		if !child {
			checkAnswer(t, url+"/mw/body", "200 next got /mw/body another")
			return
		}
		checkAnswer(t, url+"/mw/body", "50? middleware /mw/body of plugin test panicked: a middleware in a child cannot pass on another body")
		checkAnswer(t, url+"/mw/recorder", "50? middleware /mw/recorder of plugin test panicked: the writer that a middleware passes on must be")
		checkAnswer(t, url+"/mw/answers", "50? middleware /mw/answers of plugin test panicked: a middleware has answered")
	})
}

func checkAnswer(t *testing.T, url, want string) {
	t.Helper()
	res := do(t, t.Context(), http.MethodPost, url, strings.NewReader("body"))
	got := fmt.Sprint(res.StatusCode, " ", text(t, res))
	if strings.HasPrefix(want, "50?") {
		got = "50?" + strings.Replace(got[3:], " 502 the plugin failed:", "", 1)
		got = strings.Replace(got, " the plugin failed:", "", 1)
	}
	if !strings.HasPrefix(strings.Join(strings.Fields(got), " "), want) {
		t.Errorf("%s answered %q, want %q", url, got, want)
	}
}

// TestPassedRequestOutlivesTheChild: a program that was replaced does not stay because a socket that it passed on is
// open, and the socket does not end with the program.
func TestPassedRequestOutlivesTheChild(t *testing.T) {
	c, _, _ := startChild(t)
	begun, over := make(chan struct{}), make(chan struct{})
	url := seen(t, c, func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-over
		if r.Context().Err() != nil {
			t.Error("the request ended with the child")
		}
		fmt.Fprint(w, "from next")
	})
	answer := make(chan string)
	go func() { answer <- text(t, do(t, t.Context(), http.MethodGet, url+"/mw/long", nil)) }()
	<-begun
	if err := c.Retire(); err != nil {
		t.Error(err)
	}
	select {
	case <-c.Exited():
	default:
		t.Error("the child still runs")
	}
	close(over)
	if got := <-answer; got != "from next" {
		t.Errorf("got %q", got)
	}
}

// TestNextKeepsPanics: a panic of next is not the middleware's, and an answer that is cut off stays so.
func TestNextKeepsPanics(t *testing.T) {
	bothHosts(t, func(t *testing.T, h pluginhost.Host, _ string) {
		url := seen(t, h, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/mw/cut" {
				fmt.Fprint(w, "half")
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			}
			panic("of next")
		})
		checkAnswer(t, url+"/mw/panic", "500 of next")
		res := do(t, t.Context(), http.MethodGet, url+"/mw/cut", nil)
		if body, err := io.ReadAll(res.Body); err == nil || string(body) != "half" {
			t.Errorf("the answer is %q, %v", body, err)
		}
	})
}
