package hmr_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/hmr"
)

// hall returns a hub whose pages join and leave rooms by events. moves has the calls of its hooks.
func hall(t *testing.T, o hmr.Options) (hub *hmr.Hub, at string, moves chan string) {
	t.Helper()
	hub, at = serve(t, o)
	moves = make(chan string, 1000)
	hub.OnJoin(func(_ context.Context, c *hmr.Client, room string) { moves <- c.ID() + " in " + room })
	hub.OnLeave(func(_ context.Context, c *hmr.Client, room string) { moves <- c.ID() + " out " + room })
	name := func(data json.RawMessage) (s string) { _ = json.Unmarshal(data, &s); return s }
	hub.On("join", func(_ context.Context, c *hmr.Client, data json.RawMessage) error { return c.Join(name(data)) })
	hub.On("leave", func(_ context.Context, c *hmr.Client, data json.RawMessage) error { c.Leave(name(data)); return nil })
	return hub, at, moves
}

func move(p *page, verb, room string) {
	p.send(fmt.Sprintf(`{"type":"custom","event":%q,"data":%q}`, verb, room))
}

func next(t *testing.T, moves chan string, want string) {
	t.Helper()
	select {
	case got := <-moves:
		if got != want {
			t.Errorf("the hooks got %q, want %q", got, want)
		}
	case <-time.After(time.Minute):
		t.Fatalf("the hooks did not get %q", want)
	}
}

func ids(list []*hmr.Client) string {
	names := []string{}
	for _, c := range list {
		names = append(names, c.ID())
	}
	return strings.Join(names, " ")
}

// goodbye sends the close frame of a page that is left.
func goodbye(p *page) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), time.Now().Add(time.Second))
}

func TestRoomReachesThoseInIt(t *testing.T) {
	hub, at, moves := hall(t, hmr.Options{ResumeGrace: time.Hour})
	a, b, c := open(t, at, "a"), open(t, at, "b"), open(t, at, "c")
	for i, p := range []*page{a, b} {
		move(p, "join", "article 7")
		next(t, moves, fmt.Sprintf("c%d in article 7", i+1))
	}
	move(a, "join", "article 7") // again: no news
	move(a, "join", "lobby")
	next(t, moves, "c1 in lobby")
	if got := ids(hub.ClientsIn("article 7")); got != "c1 c2" {
		t.Errorf("in the room are %s", got)
	}
	if got := hub.Clients()[0].Rooms(); !slices.Equal(got, []string{"article 7", "lobby"}) {
		t.Errorf("the client is in %q", got)
	}
	if err := errors.Join(hub.SendToRoom("article 7", "edited", 1), hub.SendToRoom("empty", "edited", 2), hub.Broadcast("end", nil)); err != nil {
		t.Fatal(err)
	}
	a.await("the room's message", event("edited"))
	b.await("the room's message", event("edited"))
	c.await("the end", func(f map[string]any) bool {
		if f["event"] == "edited" {
			t.Error("a page outside got the room's message")
		}
		return f["event"] == "end"
	})

	move(b, "leave", "article 7")
	next(t, moves, "c2 out article 7")
	move(b, "leave", "article 7") // no hook is called
	// A page that is away stays in its rooms and gets what it missed.
	a.cut()
	if err := hub.SendToRoom("article 7", "edited", 3); err != nil {
		t.Fatal(err)
	}
	a.connect()
	a.await("what was sent meanwhile", func(f map[string]any) bool { return f["data"] == 3.0 })
	// A page that is gone for good leaves all rooms.
	goodbye(a)
	next(t, moves, "c1 out article 7")
	next(t, moves, "c1 out lobby")
	if got := hub.Rooms(); len(got) != 0 {
		t.Errorf("rooms without clients are kept: %q", got)
	}
}

func TestClientThatIsGoneJoinsNothing(t *testing.T) {
	hub, at, moves := hall(t, hmr.Options{})
	open(t, at, "a")
	c := hub.Clients()[0]
	c.Close("enough")
	if err := c.Join("room"); !errors.Is(err, hmr.ErrClosed) {
		t.Errorf("joined with %v", err)
	}
	if len(moves)+len(hub.Rooms()) != 0 {
		t.Error("the room has a client that is gone")
	}
}

func TestRoomNames(t *testing.T) {
	hub, at, _ := hall(t, hmr.Options{})
	open(t, at, "a")
	c := hub.Clients()[0]
	for name, wrong := range map[string]bool{
		"": true, " a": true, "a ": true, "a\nb": true, "a\x00": true, strings.Repeat("x", 257): true, "\xff": true,
		"a": false, "article 7": false, "räume/1:2": false, strings.Repeat("x", 256): false,
	} {
		if err := c.Join(name); (err != nil) != wrong {
			t.Errorf("join %q: %v", name, err)
		}
		if err := hub.SendToRoom(name, "e", nil); (err != nil) != wrong {
			t.Errorf("send to %q: %v", name, err)
		}
	}
}

func TestChannelInARoom(t *testing.T) {
	hub, at, moves := hall(t, hmr.Options{})
	chat := hmr.NewChannel[hmr.BroadcastOnly, string]("blog", "chat", "room")
	if err := hub.Register(chat); err != nil {
		t.Fatal(err)
	}
	in, deaf, outside := open(t, at, "in"), open(t, at, "deaf"), open(t, at, "outside")
	for i, p := range []*page{in, deaf} { // deaf is in the room and does not listen
		move(p, "join", "r")
		next(t, moves, fmt.Sprintf("c%d in r", i+1))
	}
	if err := chat.Retain("listening"); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*page{in, outside} {
		subscribe(p, chat.ID())
		p.await("the retained message", event(chat.ID()))
	}
	if err := errors.Join(chat.SendToRoom("r", "hi"), hub.Broadcast("end", nil)); err != nil {
		t.Fatal(err)
	}
	if f := in.await("the room's message", event(chat.ID())); f["data"] != "hi" {
		t.Errorf("got %v", f)
	}
	for _, p := range []*page{deaf, outside} {
		p.await("the end", func(f map[string]any) bool {
			if f["event"] == chat.ID() {
				t.Errorf("page %s got the message", p.session)
			}
			return f["event"] == "end"
		})
	}
}

// Pages come, join, leave and go at the same time. Each join is followed by its leave, and no page is left over.
func TestRoomsUnderLoad(t *testing.T) {
	hub, at := serve(t, hmr.Options{Identify: func(r *http.Request) (string, error) { return "", nil }})
	var mu sync.Mutex
	inside, faults := map[string]bool{}, 0
	note := func(in bool) func(context.Context, *hmr.Client, string) {
		return func(_ context.Context, c *hmr.Client, room string) {
			mu.Lock()
			defer mu.Unlock()
			key := c.ID() + " " + room
			if inside[key] == in {
				faults++
			}
			inside[key] = in
		}
	}
	hub.OnJoin(note(true))
	hub.OnLeave(note(false))
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			open(t, at, fmt.Sprint(i))
			for n, c := range hub.Clients() {
				for k := range 20 {
					room := fmt.Sprint("r", (i+n+k)%5)
					if k%3 == 2 {
						c.Leave(room)
					} else {
						_ = c.Join(room) // the page may be gone
					}
					_ = hub.SendToRoom(room, "e", k)
				}
				if n == i/2 {
					c.Close("bye")
				}
			}
		})
	}
	all.Wait()
	for _, c := range hub.Clients() {
		c.Close("end")
	}
	until(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		for _, in := range inside {
			if in {
				return false
			}
		}
		return true
	})
	if faults > 0 || len(hub.Rooms()) > 0 {
		t.Errorf("%d moves were reported out of order; rooms left: %q", faults, hub.Rooms())
	}
}
