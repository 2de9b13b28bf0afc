// Package middleware holds a plugin that tests run in process. Tests also run its source in a child.
package middleware

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/seed-b8174343/devserver/plugin"
)

// New returns the plugin. Its middlewares answer, pass on, and change what they pass on.
func New() plugin.Plugin {
	var after atomic.Value // what the middleware saw of the last answer
	var wrapped, seen atomic.Int32
	after.Store("")
	return plugin.Plugin{
		Name: "middleware",
		Middleware: []plugin.MiddlewareDef{
			plugin.Middleware("/", func(next http.Handler) http.Handler {
				wrapped.Add(1)
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					seen.Add(1)
					w.Header().Set("X-Seen", "yes")
					w.Header().Add("X-Order", "first")
					counted := &counter{ResponseWriter: w}
					next.ServeHTTP(counted, r)
					if strings.Contains(r.URL.Path, "main.js") {
						after.Store(fmt.Sprintf("%s: %d %s", r.URL, counted.status, w.Header().Get("Content-Type")))
					}
				})
			}),
			plugin.Middleware("/", func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Add("X-Order", "second")
					next.ServeHTTP(w, r)
				})
			}),
			plugin.Middleware("/answered/", func(http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					switch body, _ := io.ReadAll(r.Body); r.URL.Path {
					case "/answered/after":
						fmt.Fprint(w, after.Load(), " ", wrapped.Load())
					case "/answered/seen":
						fmt.Fprint(w, seen.Load())
					default:
						w.WriteHeader(http.StatusTeapot)
						fmt.Fprint(w, r.Method, " ", r.URL, " ", string(body))
					}
				})
			}),
			plugin.Middleware("/old/", func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					other := r.Clone(r.Context())
					other.URL.Path, other.URL.RawPath = strings.TrimPrefix(r.URL.Path, "/old"), ""
					other.Header.Set("X-From", "middleware")
					next.ServeHTTP(w, other)
				})
			}),
			plugin.Middleware("/panics", func(http.Handler) http.Handler {
				return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("on purpose") })
			}),
			plugin.Middleware("/panics-after", func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					next.ServeHTTP(w, r)
					panic("too late")
				})
			}),
		},
		Routes: []plugin.RouteDef{plugin.Route("/route/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			fmt.Fprint(w, r.Method, " ", r.URL, " ", string(body), " ", r.Header.Get("X-From"))
		}))},
	}
}

// counter is a writer around another.
type counter struct {
	http.ResponseWriter
	status int
}

func (c *counter) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

func (c *counter) Write(b []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	return c.ResponseWriter.Write(b)
}

func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }
