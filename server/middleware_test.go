package server_test

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/server/testdata/middleware"
)

const middlewareApp = `
-- index.html --
<!doctype html><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>
-- main.js --
import "./part.js";
import.meta.hot.accept();
-- part.js --
console.log("part");
-- .env --
SECRET=1
`

// TestMiddleware: middlewares see all requests that the guard lets in, before the server. What they pass on is answered
// as without them, in process and in a child.
func TestMiddleware(t *testing.T) {
	t.Parallel()
	inBoth(t, middlewareApp, "middleware", middleware.New, func(t *testing.T, app *devtest.Files, s *devtest.Server) {
		post := func(path, body string) (string, int) {
			t.Helper()
			r := must(http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(body)))
			r.Header.Set("Origin", s.URL)
			res := must(http.DefaultClient.Do(r))
			defer res.Body.Close()
			return string(must(io.ReadAll(res.Body))), res.StatusCode
		}
		module := []string{"Sec-Fetch-Dest", "script", "Sec-Fetch-Mode", "cors"}
		for _, path := range []string{"/", "/main.js", "/@vite/client", "/@devserver/pack?id=/main.js", "/nowhere.js", "/route/x"} {
			res := s.Get(path, module...)
			if order := res.Header["X-Order"]; res.Header.Get("X-Seen") != "yes" || !slices.Equal(order, []string{"first", "second"}) {
				t.Errorf("%s: status %d, header %v", path, res.Status, res.Header)
			}
		}
		if text := s.Get("/main.js", module...).Body; !strings.Contains(text, `console.log("part")`) {
			t.Errorf("the module is %s", text)
		}
		if text := s.Get("/answered/after").Body; text != "/main.js: 200 text/javascript; charset=utf-8 1" {
			t.Errorf("behind next there was %q", text)
		}
		if text, status := post("/answered/x?a=%2F", "body"); status != http.StatusTeapot || text != "POST /answered/x?a=%2F body" {
			t.Errorf("answered %d %q", status, text)
		}

		// Another URL is looked up like any other, and keeps its query, body and secrets.
		if text, status := post("/old/route/x?a=%2F", "body"); status != 200 || text != "POST /route/x?a=%2F body middleware" {
			t.Errorf("passed on: %d %q", status, text)
		}
		if res := s.Get("/old/main.js", module...); !strings.Contains(res.Body, `console.log("part")`) {
			t.Errorf("another URL: %d %s", res.Status, res.Body)
		}
		for _, path := range []string{"/old/.env", "/old/..%2f..%2fetc/passwd", "/.env"} {
			if res := s.Get(path); res.Status != 403 && res.Status != 400 && res.Status != 404 || strings.Contains(res.Body, "SECRET") {
				t.Errorf("%s: %d %s", path, res.Status, res.Body)
			}
		}
		if text, status := post("/old/nowhere", ""); status != http.StatusMethodNotAllowed {
			t.Errorf("got %d %s", status, text)
		}
		if res := s.Get("/panics"); res.Status < 500 {
			t.Errorf("a panic: %d", res.Status)
		}
		s.Log.Wait(t, "middleware /panics of plugin middleware panicked: on purpose")
		s.Get("/panics-after")
		s.Log.Wait(t, "middleware /panics-after of plugin middleware panicked: too late")

		// A strange host is refused before.
		before := s.Get("/answered/seen").Body
		strange := must(http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/", nil))
		strange.Host = "evil.test"
		res := must(http.DefaultClient.Do(strange))
		_ = res.Body.Close()
		if res.StatusCode != 403 || res.Header.Get("X-Seen") != "" {
			t.Errorf("a strange host: %d %v", res.StatusCode, res.Header)
		}
		if again := s.Get("/answered/seen").Body; number(t, again) != number(t, before)+1 {
			t.Errorf("%s requests were seen, then %s", before, again)
		}

		// Sockets of pages pass on, too, and stay open when the plugins are replaced.
		c := s.Socket(t)
		app.Edit("part.js", `"part"`, `"another part"`)
		c.WaitFor(devtest.Is("update", "another part"))
		if strings.HasSuffix(t.Name(), "in_process") {
			app.Write("devserver.config.json", `{"mode": "other"}`)
			s.Log.Wait(t, "server restarted")
			s.Get("/main.js", module...) // the new project has loaded nothing
		} else {
			app.Edit("devserver/own.go", `"X-Seen", "yes"`, `"X-Seen", "again"`)
			c.WaitFor(devtest.Event("devserver:plugins:reloaded"))
			if seen := s.Get("/").Header.Get("X-Seen"); seen != "again" {
				t.Errorf("the new program did not see the request, or set %q", seen)
			}
		}
		app.Edit("part.js", `"another part"`, `"the last part"`)
		c.WaitFor(devtest.Is("update", "the last part"))
	})
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Error(err)
	}
	return n
}
