package plugin_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// steps holds what the hooks did, in order. Only one goroutine at a time may use it.
type steps []string

func (s *steps) plugin(name string, start error) plugin.Plugin {
	return plugin.Plugin{
		Name:  name,
		Start: func(context.Context, plugin.Server) error { *s = append(*s, "start "+name); return start },
		Stop:  func(context.Context) error { *s = append(*s, "stop "+name); return nil },
	}
}

// TestStartFails checks that only the started plugins are stopped, the last one first.
func TestStartFails(t *testing.T) {
	var did steps
	idle := did.plugin("idle", nil)
	idle.Start = nil
	h, err := plugin.NewRunner([]plugin.Plugin{did.plugin("one", nil), idle, did.plugin("two", nil), did.plugin("bad", errors.New("no port")), did.plugin("late", nil)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Start(t.Context()); err == nil || err.Error() != "Start of plugin bad: no port" {
		t.Errorf("Start says %v", err)
	}
	if err := h.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if want := (steps{"start one", "start two", "start bad", "stop two", "stop idle", "stop one"}); !slices.Equal(did, want) {
		t.Errorf("did %q, want %q", did, want)
	}
}

// TestStopWaitsForRoutes checks that a handler that heeds its context returns before Stop is called. The error names a
// handler that does not.
func TestStopWaitsForRoutes(t *testing.T) {
	began, let := make(chan bool), make(chan bool)
	var did steps
	p := did.plugin("p", nil)
	p.Routes = []plugin.RouteDef{
		plugin.Route("/heeds", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			began <- true
			<-r.Context().Done()
			did = append(did, "answered")
		})),
		plugin.Route("/deaf", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { began <- true; <-let })),
	}
	for _, path := range []string{"/heeds", "/deaf"} {
		did = nil
		h, err := plugin.NewRunner([]plugin.Plugin{p}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		gone := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
		route := h.Routes(http.NotFoundHandler(), http.HandlerFunc(gone))
		done := make(chan bool)
		go func() {
			defer close(done)
			route.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
		}()
		<-began
		err = h.Stop(t.Context())
		if path == "/heeds" {
			if want := (steps{"start p", "answered", "stop p"}); err != nil || !slices.Equal(did, want) {
				t.Errorf("did %q, want %q; %v", did, want, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), "route /deaf of plugin p ignored its cancelled context and is still running") {
			t.Errorf("Stop says %v", err)
		}
		late := httptest.NewRecorder()
		route.ServeHTTP(late, httptest.NewRequest(http.MethodGet, path, nil))
		if late.Code != http.StatusServiceUnavailable {
			t.Errorf("a plugin that has stopped answers %d", late.Code)
		}
		if path == "/deaf" {
			close(let)
		}
		<-done
	}
}

// slowServer is a server that hears of slow hooks.
type slowServer struct {
	plugin.Server
	waits chan wire.WaitCall
}

func (s slowServer) WaitsFor(w wire.WaitCall) { s.waits <- w }

// TestSlowHooksAreReported checks that each slow call is reported once, while it runs, and no other call is.
func TestSlowHooksAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := slowServer{waits: make(chan wire.WaitCall, 10)}
		h, err := plugin.NewRunner([]plugin.Plugin{{Name: "p", Load: func(ctx context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
			if a.ID == "slow" {
				<-ctx.Done()
			}
			return &plugin.LoadResult{}, nil
		}}}, s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := plugin.Hooks.Load.Ask(t.Context(), h, plugin.LoadArgs{ID: "quick"}); err != nil {
			t.Error(err)
		}
		started := time.Now()
		go func() { _, _ = plugin.Hooks.Load.Ask(t.Context(), h, plugin.LoadArgs{ID: "slow"}) }()
		if got, want := <-s.waits, (wire.WaitCall{Plugin: "p", Hook: "Load", ID: "slow"}); got != want || time.Since(started) > 5*time.Second {
			t.Errorf("reported %v after %v", got, time.Since(started))
		}
		time.Sleep(2 * plugin.Timeout) // of the bubble
		if len(s.waits) > 0 {
			t.Errorf("reported again: %v", <-s.waits)
		}
	})
}
