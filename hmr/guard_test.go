package hmr_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
)

// TestGroupGuardsItself: handlers of a group get no deadline and no goroutine from the hub. Their errors and panics
// reach the page all the same, and a panic is logged.
func TestGroupGuardsItself(t *testing.T) {
	logged := &lines{}
	hub, at := serve(t, hmr.Options{Logger: slog.New(slog.NewTextHandler(logged, nil))})
	const group = "g"
	do := func(ctx context.Context, data json.RawMessage) (string, error) {
		if _, has := ctx.Deadline(); has {
			return "", errors.New("the hub limits the time")
		}
		switch what := string(data); what {
		case `"panic"`:
			panic("on purpose")
		case `"fail"`:
			return "", &hmr.Error{Code: "mine", Message: "no"}
		default:
			return what, nil
		}
	}
	hub.OnIn(group, "event", func(ctx context.Context, c *hmr.Client, data json.RawMessage) error {
		what, err := do(ctx, data)
		if err != nil {
			return err
		}
		return c.Send("done", what)
	})
	if _, err := hub.HandleIn(group, "request", func(ctx context.Context, _ *hmr.Client, data json.RawMessage) (any, error) { return do(ctx, data) }); err != nil {
		t.Fatal(err)
	}
	ch := hmr.NewChannel[json.RawMessage, string]("a", "b", "c").Unguarded().
		Allow(func(ctx context.Context, _ *hmr.Client, _ hmr.Direction) error { _, err := do(ctx, nil); return err }).
		Handle(func(ctx context.Context, from hmr.Conn[string], in json.RawMessage) error {
			what, err := do(ctx, in)
			if err != nil {
				return err
			}
			return from.Reply(what)
		})
	if err := hub.Register(ch); err != nil {
		t.Fatal(err)
	}
	p := open(t, at, "p")
	id := 0
	for _, way := range []struct{ frame, answer string }{
		{`{"type":"custom","event":"event","data":%q}`, "done"},
		{`{"type":"request","event":"request","data":%q,"id":%d}`, "reply"},
		{`{"type":"custom","event":"a_b_c","data":%q}`, "a_b_c"},
	} {
		for what, want := range map[string]string{"panic": "handler_panic", "fail": "mine", "go": `"go"`} {
			id++
			frame := strings.Replace(way.frame, "%q", `"`+what+`"`, 1)
			p.send(strings.Replace(frame, "%d", fmt.Sprint(id), 1))
			f := p.await("what came of "+frame, func(map[string]any) bool { return true })
			if text := fmt.Sprint(f); !strings.Contains(text, want) {
				t.Errorf("%s: got %s, want %s", frame, text, want)
			}
		}
	}
	if n := strings.Count(logged.String(), "panicked: on purpose"); n != 3 {
		t.Errorf("%d panics are logged, want 3:\n%s", n, logged)
	}
}

// TestCancelledRequest: the context of a request ends when the page cancels it, whether the hub or the group guards.
func TestCancelledRequest(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	started := make(chan bool)
	wait := func(ctx context.Context, _ *hmr.Client, _ json.RawMessage) (any, error) {
		started <- true
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for name, group := range map[string]string{"hub": "", "group": "g"} {
		if _, err := hub.HandleIn(group, name, wait); err != nil {
			t.Fatal(err)
		}
	}
	p := open(t, at, "p")
	for i, name := range slices.Repeat([]string{"hub", "group"}, 50) { // the handler and its guard both see the end of the context
		p.send(fmt.Sprintf(`{"type":"request","event":%q,"id":%d}`, name, i+1))
		<-started
		p.send(fmt.Sprintf(`{"type":"cancel","id":%d}`, i+1))
		if f := p.await("the reply", ofType("reply")); !strings.Contains(fmt.Sprint(f), "code:cancelled") {
			t.Errorf("%s: got %v", name, f)
		}
	}
}

// TestAnswerThatPanicsWhenItIsEncoded must not end the process: encoding calls methods of the answer.
func TestAnswerThatPanicsWhenItIsEncoded(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	for name, group := range map[string]string{"hub": "", "group": "g"} {
		if _, err := hub.HandleIn(group, name, func(context.Context, *hmr.Client, json.RawMessage) (any, error) { return explosive{}, nil }); err != nil {
			t.Fatal(err)
		}
	}
	p := open(t, at, "p")
	for i, name := range []string{"hub", "group"} {
		p.send(fmt.Sprintf(`{"type":"request","event":%q,"id":%d}`, name, i+1))
		if f := p.await("the reply", ofType("reply")); !strings.Contains(fmt.Sprint(f), "handler_panic") {
			t.Errorf("%s: got %v", name, f)
		}
	}
}

type explosive struct{}

func (explosive) MarshalJSON() ([]byte, error) { panic("on purpose") }

// TestCloseWaitsForHandlers: a handler that heeds the end of its context has returned when Close returns, whether the
// hub or the group guards it. A handler that ignores the end of its context is left alone.
func TestCloseWaitsForHandlers(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	started, release := make(chan bool), make(chan bool)
	defer close(release)
	var ended atomic.Int32
	heed := func(ctx context.Context, _ *hmr.Client, _ json.RawMessage) error {
		started <- true
		<-ctx.Done()
		time.Sleep(10 * time.Millisecond) // what it cleans up
		ended.Add(1)
		return nil
	}
	hub.On("heeds", heed)
	hub.OnIn("g", "heeds", heed)
	hub.OnIn("deaf", "ignores", func(context.Context, *hmr.Client, json.RawMessage) error { started <- true; <-release; return nil })
	p := open(t, at, "p")
	p.send(`{"type":"custom","event":"heeds"}`)
	p.send(`{"type":"custom","event":"ignores"}`)
	for range 3 {
		<-started
	}
	hub.Close()
	if n := ended.Load(); n != 2 {
		t.Errorf("%d of 2 handlers had returned", n)
	}
}

// TestFullLane has a page send more than may wait for a blocked handler. The page waits, and nothing is lost. A hub
// that closes meanwhile does not wait for the handler.
func TestFullLane(t *testing.T) {
	const more = 10_100
	for _, closes := range []bool{false, true} {
		t.Run(fmt.Sprint("closes ", closes), func(t *testing.T) {
			hub, at := serve(t, hmr.Options{})
			release, all := make(chan bool), make(chan bool)
			next := 0
			hub.OnIn("g", "n", func(ctx context.Context, _ *hmr.Client, data json.RawMessage) error {
				select {
				case <-release:
				case <-ctx.Done():
					return ctx.Err()
				}
				if string(data) != fmt.Sprint(next) {
					t.Errorf("event %d is %s", next, data)
				}
				if next++; next == more {
					close(all)
				}
				return nil
			})
			p := open(t, at, "p")
			for n := range more {
				p.send(fmt.Sprintf(`{"type":"custom","event":"n","data":%d}`, n))
			}
			if closes {
				hub.Close()
				return
			}
			close(release)
			<-all
		})
	}
}
