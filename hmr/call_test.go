package hmr_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/hmr"
)

// calling calls handlers in the place of a page, and returns what they return in one line.
func calling(ctx context.Context, hub *hmr.Hub, c *hmr.Client, event, data string) string {
	answer, request, err := hub.Call(ctx, c, event, json.RawMessage(data))
	if err != nil {
		return codeOf(err)
	}
	return fmt.Sprint(string(answer), " ", request)
}

func TestHandlersAreCalledAsByAPage(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	handle := func(name string, fn hmr.RequestFunc) {
		t.Helper()
		if _, err := hub.Handle(name, fn); err != nil {
			t.Fatal(err)
		}
	}
	handle("echo", func(_ context.Context, c *hmr.Client, data json.RawMessage) (any, error) {
		return map[string]any{"page": c.ID(), "got": data}, nil
	})
	handle("nothing", func(context.Context, *hmr.Client, json.RawMessage) (any, error) { return hmr.NoData, nil })
	handle("coded", func(context.Context, *hmr.Client, json.RawMessage) (any, error) {
		return nil, &hmr.Error{Code: "mine", Message: "m"}
	})
	handle("panics", func(context.Context, *hmr.Client, json.RawMessage) (any, error) { panic("on purpose") })
	var ran []string
	note := func(name string, err error) hmr.EventFunc {
		return func(context.Context, *hmr.Client, json.RawMessage) error { ran = append(ran, name); return err }
	}
	hub.On("event", note("first", nil))
	hub.On("event", note("second", &hmr.Error{Code: "second", Message: "m"}))
	hub.On("event", note("third", &hmr.Error{Code: "third", Message: "m"}))
	hub.On("fine", note("fine", nil))
	channel := hmr.NewChannel[int, int]("a", "b", "c").
		Allow(func(_ context.Context, c *hmr.Client, d hmr.Direction) error {
			if d == hmr.Send {
				return &hmr.Error{Code: "forbidden", Message: "m"}
			}
			return nil
		}).
		Handle(func(context.Context, hmr.Conn[int], int) error {
			t.Error("a forbidden message was handled")
			return nil
		})
	if err := hub.Register(channel); err != nil {
		t.Fatal(err)
	}
	p := open(t, at, "p")
	p.send(`{"type":"hello","url":"http://x/"}`)
	c := onlyClient(t, hub)
	for _, test := range []struct{ event, data, want string }{
		{"echo", `{"a":1}`, `{"got":{"a":1},"page":"c1"} true`},
		{"echo", "", `{"got":null,"page":"c1"} true`},
		{"nothing", "1", " true"},
		{"coded", "1", "mine"},
		{"panics", "1", "handler_panic"},
		{"event", "1", "second"},
		{"fine", "1", " false"},
		{"a_b_c", "1", "forbidden"},
		{"nobody", "1", "unknown_event"},
		{"fine", "{]", "bad_payload"},
		{"fine", strings.Repeat("[", 200) + strings.Repeat("]", 200), "too_deep"},
	} {
		if got := calling(t.Context(), hub, c, test.event, test.data); got != test.want {
			t.Errorf("%s: got %s, want %s", test.event, got, test.want)
		}
	}
	if !slices.Equal(ran, []string{"first", "second", "third", "fine"}) {
		t.Errorf("ran %q", ran)
	}
	if n := hmr.Waiting(c); n != 0 {
		t.Errorf("%d frames wait", n)
	}
	if err := hub.Broadcast("last", 1); err != nil {
		t.Fatal(err)
	}
	p.await("the broadcast and nothing before", func(f map[string]any) bool {
		if f["event"] != "last" {
			t.Errorf("the page got %v", f)
		}
		return f["event"] == "last"
	})
	c.Close("done")
	if got := calling(t.Context(), hub, c, "echo", "1"); got != hmr.ErrClosed.Error() {
		t.Errorf("got %s", got)
	}
}

// TestCallsKeepThePagesOrder: a call comes after what the page sent before, and waits as long as there is a hold.
func TestCallsKeepThePagesOrder(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	goOn := make(chan bool)
	var order []string
	hub.OnIn("g", "e", func(_ context.Context, _ *hmr.Client, data json.RawMessage) error {
		if string(data) == "1" {
			<-goOn
		}
		order = append(order, string(data))
		return nil
	})
	p := open(t, at, "p")
	p.send(`{"type":"custom","event":"e","data":1}`)
	c := onlyClient(t, hub)
	until(t, func() bool { return hmr.Waiting(c) == 1 })
	done := make(chan string, 1)
	go func() { done <- calling(t.Context(), hub, c, "e", "2") }()
	until(t, func() bool { return hmr.Waiting(c) == 2 })
	close(goOn)
	if got := <-done; got != " false" || !slices.Equal(order, []string{"1", "2"}) {
		t.Errorf("got %s, in the order %q", got, order)
	}
	release := hub.Hold()
	go func() { done <- calling(t.Context(), hub, c, "late", "3") }()
	if _, err := hub.Handle("late", func(context.Context, *hmr.Client, json.RawMessage) (any, error) { return 3, nil }); err != nil {
		t.Fatal(err)
	}
	release()
	if got := <-done; got != "3 true" {
		t.Errorf("got %s", got)
	}
}

// TestCallsThatEnd: with their context, and with the page.
func TestCallsThatEnd(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	began, ended := make(chan bool), make(chan error, 2)
	if _, err := hub.HandleIn("g", "slow", func(ctx context.Context, _ *hmr.Client, _ json.RawMessage) (any, error) {
		began <- true
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	}); err != nil {
		t.Fatal(err)
	}
	var passed []string
	hub.OnPassed(func(m hmr.Passed) { passed = append(passed, fmt.Sprint(m.Type, m.ID, m.Called, m.FromPage)) })
	open(t, at, "p").send(`{"type":"hello","url":"http://x/"}`)
	c := onlyClient(t, hub)
	done := make(chan error, 1)
	call := func(ctx context.Context) {
		_, _, err := hub.Call(ctx, c, "slow", nil)
		done <- err
	}
	ctx, cancel := context.WithCancel(t.Context())
	go call(ctx)
	<-began
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-ended
	go call(t.Context())
	<-began
	c.Close("gone")
	if err := <-done; !errors.Is(err, hmr.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if !slices.Contains(passed, "request1 true true") || !slices.Contains(passed, "reply1 true false") {
		t.Errorf("passed: %q", passed)
	}
}
