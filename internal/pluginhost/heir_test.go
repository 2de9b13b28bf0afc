package pluginhost_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/plugin"
)

// heir returns a host that answers the requests of the test's plugin.
func heir(t *testing.T) *plugin.Runner {
	t.Helper()
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "the heir answers ", r.URL) })
	r, err := plugin.NewRunner([]plugin.Plugin{{
		Name:       "heir",
		Middleware: []plugin.MiddlewareDef{plugin.Middleware("/mw/", func(http.Handler) http.Handler { return answer })},
		Routes:     []plugin.RouteDef{plugin.Route("/api/", answer)},
	}}, newBackend(t))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// end stops a host in process, and crashes a child.
func end(t *testing.T, h pluginhost.Host) {
	t.Helper()
	if c, child := h.(*pluginhost.Child); child {
		_, _ = c.Event(t.Context(), "test", "exit", true, client("c1"), nil) // fails, since the child ends
		<-c.Exited()
	} else if err := h.(*plugin.Runner).Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestRequestsOfAHostThatEnds: requests that no plugin has seen are for the next host, whether they came before the host
// ended or after, and pass when no host comes.
func TestRequestsOfAHostThatEnds(t *testing.T) {
	type hosts = *pluginhost.Hosts
	for name, test := range map[string]struct {
		settle func(hosts, pluginhost.Host)
		comes  bool
	}{
		"replaced": {func(all hosts, h pluginhost.Host) { all.Replace(h, heir(t)) }, true},
		"crashed":  {func(all hosts, h pluginhost.Host) { all.Await(h); all.Replace(nil, heir(t)) }, true},
		"inherited": {func(all hosts, _ pluginhost.Host) {
			next := pluginhost.NewHosts(heir(t))
			next.Inherit(all, true)
			next.Replace(nil, heir(t))
		}, true},
		"removed":   {func(all hosts, h pluginhost.Host) { all.Replace(h, nil) }, false},
		"abandoned": {func(all hosts, h pluginhost.Host) { all.Await(h); all.Abandon() }, false},
		"alone":     {func(all hosts, _ pluginhost.Host) { new(pluginhost.Hosts).Inherit(all, false) }, false},
		"closed":    {func(all hosts, _ pluginhost.Host) { all.End() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			bothHosts(t, func(t *testing.T, h pluginhost.Host, _ string) {
				all := pluginhost.NewHosts(h)
				next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "next answers ", r.URL) })
				parts := map[string]http.Handler{"/mw/plain": all.Middleware(next), "/api/status": all.Routes(next)} // with the host
				end(t, h)
				test.settle(all, h)
				for path, part := range parts {
					w := httptest.NewRecorder()
					part.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
					want := "next answers " + path
					if test.comes {
						want = "the heir answers " + path
					}
					if w.Body.String() != want {
						t.Errorf("got %d %q, want %q", w.Code, w.Body, want)
					}
				}
			})
		})
	}
}

// TestRequestsWait: requests come before the next host, and do not wait for a host without an end.
func TestRequestsWait(t *testing.T) {
	for _, comes := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			h := heir(t)
			all := pluginhost.NewHosts(h)
			end(t, h)
			all.Await(h)
			if len(all.All()) > 0 || !all.SeeRequests() {
				t.Error("the host is not away")
			}
			w, done := httptest.NewRecorder(), make(chan struct{})
			go func() {
				defer close(done)
				all.Middleware(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/mw/x", nil))
			}()
			synctest.Wait()
			want := "503 the plugins have ended and are not back yet; the terminal says why\n"
			if comes {
				all.Replace(nil, heir(t))
				want = "the heir answers /mw/x"
			}
			<-done
			if w.Body.String() != want {
				t.Errorf("got %d %q, want %q", w.Code, w.Body, want)
			}
		})
	}
}
