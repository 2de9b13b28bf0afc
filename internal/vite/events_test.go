package vite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// guestPage is an open page of a user.
type guestPage struct {
	plugin.Client
	id, user string
}

func (p guestPage) ID() string   { return p.id }
func (p guestPage) User() string { return p.user }
func (p guestPage) URL() string  { return "/" }

// visits is a Host whose processes note what they hear of pages.
func visits(t *testing.T) (v *fakeVite, h *Host, heard func() []string, end func()) {
	t.Helper()
	v = newFake(t, nil)
	var calls []string
	v.answer = func(method string, params map[string]any) (any, error) {
		client, _ := params["client"].(map[string]any)
		line := fmt.Sprint(method, " ", client["id"])
		if method == "viteEvent" {
			line = fmt.Sprint(params["event"], " of ", client["id"], " ", params["data"])
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		calls = append(calls, line)
		return nil, nil
	}
	h, end = v.host(nil, all())
	return v, h, func() []string { return v.taken(&calls) }, end
}

func (h *Host) hook(t *testing.T, name string, c plugin.Client) {
	t.Helper()
	if err := h.Listener().Ask(t.Context(), name, c, nil); err != nil {
		t.Fatal(err)
	}
}

func (h *Host) event(ctx context.Context, name string, c plugin.Client, data string) error {
	_, err := h.Listener().Event(ctx, PluginName, name, false, c, json.RawMessage(data))
	return err
}

// TestPagesMeetEachProcess opens pages before Node runs, kills Node, and has a page sign in.
func TestPagesMeetEachProcess(t *testing.T) {
	v, h, heard, _ := visits(t)
	a, b := guestPage{id: "c1"}, guestPage{id: "c2"}
	h.hook(t, plugin.Hooks.Connect.Name, a)
	h.hook(t, plugin.Hooks.Connect.Name, b)
	if got := heard(); got != nil || v.starts > 0 {
		t.Errorf("opening pages started Node, which heard %q", got)
	}
	expect := func(want ...string) {
		t.Helper()
		if got := heard(); !slices.Equal(got, want) {
			t.Errorf("Node heard\n%q, want\n%q", got, want)
		}
	}
	kill := func() {
		p := v.process()
		p.Kill("on purpose")
		h.awaitChange(p)
	}
	event := func(name string, c plugin.Client, data string) {
		t.Helper()
		if err := h.event(t.Context(), name, c, data); err != nil {
			t.Fatal(err)
		}
	}
	event("x", b, "1")
	expect("viteConnect c1", "viteConnect c2", "x of c2 [1]")

	kill()
	event("x", a, "null")
	expect("viteConnect c1", "viteConnect c2", "x of c1 [<nil>]")

	// A page of another user is another client: what was meant for the one does not reach the other.
	ann := guestPage{id: "c1", user: "ann"}
	h.hook(t, plugin.Hooks.Identified.Name, ann)
	event("x", ann, "2")
	expect("viteDisconnect c1", "viteConnect c1/ann", "x of c1/ann [2]")
	if h.Page("c1") != nil || h.Page("c1/ann") != plugin.Client(ann) {
		t.Error("the page has its earlier name")
	}

	h.hook(t, plugin.Hooks.Disconnect.Name, b)
	eventually(t, "Node hears that the page is gone", func() bool { return slices.Contains(v.lines(), "viteDisconnect") }, v.log.String)
	heard()
	kill()
	event("x", ann, "3")
	expect("viteConnect c1/ann", "x of c1/ann [3]")
}

// lines returns the calls so far.
func (v *fakeVite) lines() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.calls)
}

// TestEventsWhileNodeIsDown has Node not start for long: an event waits for one start, and no longer.
func TestEventsWhileNodeIsDown(t *testing.T) {
	v, h, heard, end := visits(t)
	page := guestPage{id: "c1"}
	v.wait = make(chan time.Time)
	v.fails = errors.New("no Node today")
	down := func() bool {
		h.life.mu.Lock()
		defer h.life.mu.Unlock()
		return h.life.down > patience
	}
	result := make(chan error)
	send := func(name string) { go func() { result <- h.event(context.Background(), name, page, "1") }() }
	send("lost")
	for !down() { // each end of a wait is one more start that fails
		select {
		case v.wait <- time.Time{}:
		case <-time.After(time.Millisecond):
		}
	}
	for done := false; !done; {
		select {
		case err := <-result:
			if done = true; !errors.Is(err, ErrDown) || !strings.Contains(err.Error(), "no Node today") {
				t.Errorf("the event failed with %v", err)
			}
		case v.wait <- time.Time{}:
		}
	}
	eventually(t, "down", down, v.log.String)
	send("kept")
	v.mu.Lock()
	v.fails = nil
	v.mu.Unlock()
	for done := false; !done; {
		select {
		case err := <-result:
			if done = true; err != nil {
				t.Error(err)
			}
		case v.wait <- time.Time{}:
		}
	}
	if got := heard(); !slices.Equal(got, []string{"kept of c1 [1]"}) {
		t.Errorf("Node heard %q", got)
	}

	end()
	if err := h.event(t.Context(), "next", page, "1"); !wire.NotRun(err) {
		t.Errorf("an event for the next project has the error %v", err)
	}
}

// TestViteClosesAfterEvents ends the project while a listener handles an event: Vite closes when the listener is done,
// and is given no event from then on.
func TestViteClosesAfterEvents(t *testing.T) {
	for range 50 { // without an order, Vite closes first in most of them
		v, h, _, end := visits(t)
		page := guestPage{id: "c1"}
		begun, goOn := make(chan bool), make(chan bool)
		var handled atomic.Bool
		v.answer = func(method string, _ map[string]any) (any, error) {
			switch method {
			case "viteEvent":
				close(begun) // once: the next event is not for this project
				<-goOn
				handled.Store(true)
			case "viteClose":
				if !handled.Load() {
					t.Error("Vite closes while a listener handles an event")
				}
			}
			return nil, nil
		}
		result, ended := make(chan error, 1), make(chan bool)
		go func() { result <- h.event(context.Background(), "first", page, "1") }()
		<-begun
		go func() { end(); close(ended) }()
		<-h.o.Context.Done()
		for range 20 {
			if err := h.event(t.Context(), "second", page, "2"); !wire.NotRun(err) {
				t.Errorf("the event for the next project has the error %v", err)
			}
		}
		close(goOn)
		if err := <-result; err != nil {
			t.Error(err)
		}
		<-ended
	}
}
