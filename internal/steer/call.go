package steer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/journal"
)

// Events and requests of the project that tools send, and pauses.

func (c *Core) call(ctx context.Context, a CallArgs) (Called, error) {
	if a.Event == "" || isInternal(a.Event) || strings.HasPrefix(a.Event, "vite:") {
		return Called{}, badArgs(VerbCall, "event", "name an event or a request of the project, not %q", a.Event)
	}
	page, err := c.choose(ctx, a.Page)
	if err != nil {
		return Called{}, err
	}
	ctx, cancel := waiting(ctx, bound(a.Timeout, 5000, 60_000))
	defer cancel()
	if a.To == "" {
		if a.To, err = c.destination(ctx, page, a.Event); err != nil {
			return Called{}, err
		}
	}
	out := Called{Page: page.ID(), To: a.To}
	from := c.o.Journal.Cursor()
	if err := mayBe(page, c.o.Project().Agents); err != nil {
		return out, err
	}
	switch a.To {
	case "server":
		out.Answer, _, err = c.o.Hub.Call(ctx, page, a.Event, a.Data)
	case "page":
		out.Answer, err = page.Request(ctx, a.Event, a.Data)
	case "listeners":
		err = page.Publish(&hmr.Custom{Event: a.Event, Data: a.Data})
	default:
		return out, badArgs(VerbCall, "to", `to is %q; it may be server, page or listeners`, a.To)
	}
	if err != nil || a.Await == "" {
		return out, err
	}
	out.Awaited, err = c.awaitEvent(ctx, page.ID(), a.Await, from)
	return out, err
}

// destination returns who has a handler of a name: the server, the page, or else the page's listeners. It returns an
// error when nobody takes the name.
func (c *Core) destination(ctx context.Context, page *hmr.Client, event string) (string, error) {
	if slices.Contains(c.o.Hub.Events(), event) {
		return "server", nil
	}
	ctx, cancel := context.WithTimeout(ctx, slow)
	defer cancel()
	var a pageAnswer
	err := c.ask(ctx, page, "page", map[string]string{"event": event}, &a)
	switch {
	case err != nil: // a worker, or a page that is busy: it may listen
		return "listeners", nil
	case slices.ContainsFunc(a.Handles, func(h Handled) bool { return h.Event == event }):
		return "page", nil
	case a.Listens:
		return "listeners", nil
	}
	return "", &hmr.Error{Code: "unknown_event", Message: fmt.Sprintf(
		`nobody takes %q: no handler on the server, and no handler or listener in page %s; with "to": "listeners" it is sent anyway`,
		event, page.ID())}
}

// awaitEvent returns the first event of a name that passed after the cursor, between the server and the page.
func (c *Core) awaitEvent(ctx context.Context, page, name string, from uint64) (*PassedEvent, error) {
	for {
		list, now, _ := c.o.Journal.Since(from, journal.KindEvent)
		for _, r := range list {
			if r.Event.Page == page && Matches(name, r.Event.Name) {
				return &PassedEvent{Cursor: r.Cursor, Time: r.Time, Event: *r.Event}, nil
			}
		}
		select {
		case <-c.o.Journal.Next(now):
		case <-ctx.Done():
			return nil, &hmr.Error{Code: "timeout", Message: fmt.Sprintf("it was sent, and no event %q came in time", name)}
		}
	}
}

// send sends an event or a notification to pages.
func (c *Core) send(_ context.Context, a SendArgs) (Sent, error) {
	event, data := a.Event, a.Data
	if a.Notification != nil {
		if a.Notification.Title == "" {
			return Sent{}, &hmr.Error{Code: "bad_payload", Message: "a notification needs a title"}
		}
		event = hmr.NotificationEvent
		var err error
		if data, err = json.Marshal(a.Notification); err != nil {
			return Sent{}, err
		}
	}
	if event == "" {
		return Sent{}, &hmr.Error{Code: "bad_payload", Message: "the event has no name"}
	}
	chosen, err := choosePages(c.o.Hub.Clients(), a.To)
	if err != nil {
		return Sent{}, err
	}
	sent := 0
	for _, page := range chosen {
		if page.Publish(&hmr.Custom{Event: event, Data: data}) == nil {
			sent++
		}
	}
	return Sent{Sent: sent}, nil
}

// choosePages returns the pages that a message is to. Only for "all" the list may be empty.
func choosePages(pages []*hmr.Client, to string) ([]*hmr.Client, error) {
	kind, name, _ := strings.Cut(to, ":")
	var chosen []*hmr.Client
	for _, c := range pages {
		if kind == "all" || (kind == "page" || kind == "any") && c.ID() == name {
			chosen = append(chosen, c)
		}
	}
	if chosen == nil && (kind == "user" || kind == "any") && name != "" { // "" is a guest
		for _, c := range pages {
			if c.User() == name {
				chosen = append(chosen, c)
			}
		}
	}
	if chosen == nil && kind != "all" {
		return nil, &hmr.Error{Code: "nobody", Message: fmt.Sprintf("no open page is %q; %s", strings.TrimPrefix(to, "any:"), openPages(pages))}
	}
	return chosen, nil
}

// pauses holds the pause that a tool has begun. A tool that dies leaves it to its timer.
type pauses struct {
	mu     sync.Mutex
	resume func() // nil without a pause
	timer  *time.Timer
}

func (p *pauses) end() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.resume == nil {
		return false
	}
	p.timer.Stop()
	p.resume()
	p.resume = nil
	return true
}

func (c *Core) pause(_ context.Context, a PauseArgs) (Paused, error) {
	d := time.Duration(bound(a.Seconds, 60, 600)) * time.Second
	p := &c.pauses
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.resume == nil {
		p.resume = c.o.Pause("a tool")
		p.timer = time.AfterFunc(d, func() { p.end() })
	} else {
		p.timer.Reset(d)
	}
	return Paused{Paused: true, Until: time.Now().Add(d), Cursor: c.o.Journal.Cursor()}, nil
}

func (c *Core) resume(_ context.Context, _ None) (Paused, error) {
	cursor := c.o.Journal.Cursor()
	if !c.pauses.end() && !c.o.Paused() {
		return Paused{Cursor: cursor}, nil
	}
	return Paused{Paused: c.o.Paused(), Cursor: cursor}, nil
}

// revOf returns a short text that differs for lists that differ.
func revOf(list any) string {
	text, _ := json.Marshal(list) // it goes to tools as JSON
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
