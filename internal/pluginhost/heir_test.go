package pluginhost_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

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

// makes returns a host whose plugin makes the modules with the prefix.
func makes(t *testing.T, prefix string) *plugin.Runner {
	t.Helper()
	r, err := plugin.NewRunner([]plugin.Plugin{{
		Name:   "makes",
		Filter: plugin.Filter{Prefixes: []string{prefix}},
		Load: func(context.Context, plugin.LoadArgs) (*plugin.LoadResult, error) {
			return &plugin.LoadResult{Code: "made"}, nil
		},
		PostTransform: func(context.Context, plugin.TransformArgs) (*plugin.TransformResult, error) { return nil, nil },
	}}, newBackend(t))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestModulesWait: modules wait for the next program when the program that is away made them. Their common time begins
// when the program ends, also over a restart. Nothing waits when none comes, and when a program that starts asks.
func TestModulesWait(t *testing.T) {
	type hosts = *pluginhost.Hosts
	const settled, late = time.Second, 5 * time.Second
	for name, test := range map[string]struct {
		settle func(t *testing.T, all hosts)
		id     string
		want   string
		waits  time.Duration
	}{
		"comes":         {func(t *testing.T, all hosts) { all.Replace(nil, makes(t, "/")) }, "/v.js", "made", settled},
		"another comes": {func(t *testing.T, all hosts) { all.Replace(nil, makes(t, "/w")) }, "/v.js", "", settled},
		"late":          {func(*testing.T, hosts) {}, "/v.js", "", late},
		"never its own": {func(*testing.T, hosts) {}, "/other.js", "", 0},
		"abandoned":     {func(_ *testing.T, all hosts) { all.Abandon() }, "/v.js", "", settled},
		"closed":        {func(_ *testing.T, all hosts) { all.PassModules() }, "/v.js", "", settled},
		"starts":        {func(t *testing.T, all hosts) { all.AsksForModules(heir(t)) }, "/v.js", "", settled},
		"runs":          {func(_ *testing.T, all hosts) { all.AsksForModules(all.All()[0]) }, "/v.js", "", late},
	} {
		for _, restarted := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ", restarted), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					gone := pluginhost.ChildOf(makes(t, "/v").Info())
					all := pluginhost.NewHosts(heir(t), gone)
					began := time.Now()
					all.Await(gone)
					if restarted {
						before := all
						all = pluginhost.NewHosts(heir(t))
						time.Sleep(settled / 2)
						all.Inherit(before, true)
					}
					want := max(test.waits, time.Since(began))
					time.AfterFunc(settled-time.Since(began), func() { test.settle(t, all) })
					if wants := all.WantsPostTransform(test.id); wants != (test.waits > 0) {
						t.Errorf("PostTransform is wanted: %t", wants)
					}
					for range 2 { // imports of imports do not add their times up
						got := ""
						if r, err := all.Load(t.Context(), plugin.LoadArgs{ID: test.id}); err != nil {
							t.Error(err)
						} else if r != nil {
							got = r.Code
						}
						if got != test.want {
							t.Errorf("got %q, want %q", got, test.want)
						}
					}
					if waited := time.Since(began); waited != want {
						t.Errorf("waited %v, want %v", waited, want)
					}
				})
			})
		}
	}
}
