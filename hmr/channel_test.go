package hmr_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/hmr"
)

type say struct{ Text string }

func subscribe(p *page, id string) {
	p.send(fmt.Sprintf(`{"type":"subscribe","channel":%q}`, id))
}

func TestChannelReachesListenersOnly(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	echo := hmr.NewChannel[say, say]("blog", "chat", "echo").Handle(func(_ context.Context, c hmr.Conn[say], in say) error {
		return c.Reply(say{"you said " + in.Text})
	})
	if err := hub.Register(echo); err != nil {
		t.Fatal(err)
	}
	if err := hub.Register(hmr.NewChannel[int, int]("blog", "chat", "echo")); err == nil {
		t.Error("two channels of one ID were registered")
	}
	a, b := open(t, at, "a"), open(t, at, "b")
	subscribe(a, "blog_chat_echo")
	a.send(`{"type":"custom","event":"blog_chat_echo","data":{"text":"hi"}}`)
	if f := a.await("the reply", event("blog_chat_echo")); !strings.Contains(fmt.Sprint(f), "you said hi") {
		t.Errorf("got %v", f)
	}
	if err := echo.Broadcast(say{"all"}); err != nil {
		t.Fatal(err)
	}
	if err := hub.Broadcast("end", nil); err != nil {
		t.Fatal(err)
	}
	a.await("the broadcast", event("blog_chat_echo"))
	b.await("the end", func(f map[string]any) bool {
		if f["event"] == "blog_chat_echo" {
			t.Error("a page that does not listen got the message")
		}
		return f["event"] == "end"
	})
	a.send(`{"type":"custom","event":"blog_chat_echo","data":{"text":7}}`)
	if f := a.await("the error", event(hmr.ChannelError)); !strings.Contains(fmt.Sprint(f), "bad_payload") || !strings.Contains(fmt.Sprint(f), "must be ") {
		t.Errorf("got %v", f)
	}
}

func TestRetainedMessageReachesLateListeners(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	score := hmr.NewChannel[hmr.BroadcastOnly, int]("game", "board", "score")
	if err := hub.Register(score); err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		if err := score.Retain(n); err != nil {
			t.Fatal(err)
		}
	}
	p := open(t, at, "late")
	subscribe(p, score.ID())
	if f := p.await("the newest value", event(score.ID())); f["data"] != 2.0 {
		t.Errorf("got %v", f)
	}
	p.send(`{"type":"custom","event":"game_board_score","data":1}`)
	if f := p.await("a refusal", event(hmr.ChannelError)); !strings.Contains(fmt.Sprint(f), "broadcast_only") {
		t.Errorf("got %v", f)
	}
}

func TestChannelPermission(t *testing.T) {
	hub, at := serve(t, hmr.Options{Identify: func(r *http.Request) (string, error) { return r.URL.Query().Get("as"), nil }})
	news := hmr.NewChannel[say, say]("blog", "news", "all").Allow(func(_ context.Context, c *hmr.Client, d hmr.Direction) error {
		if c.User() == "" {
			return errors.New("sign in first")
		}
		return nil
	})
	if err := hub.Register(news); err != nil {
		t.Fatal(err)
	}
	guest, ann := open(t, at+"/?as=&x=", "1"), open(t, at+"/?as=ann&x=", "2")
	subscribe(guest, news.ID())
	subscribe(ann, news.ID())
	if f := guest.await("a refusal", event(hmr.ChannelError)); !strings.Contains(fmt.Sprint(f), "sign in first") {
		t.Errorf("got %v", f)
	}
	until(t, func() bool { return news.Broadcast(say{"x"}) == nil && len(ann.seen) > 0 })
	if len(guest.seen) > 0 {
		t.Errorf("the guest got %v", <-guest.seen)
	}
}

// until waits until ok returns true.
func until(t testing.TB, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestChannelParts(t *testing.T) {
	for _, part := range []string{"", "a_b", "1a", "a b", "é"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("part %q was accepted", part)
				}
			}()
			hmr.NewChannel[int, int]("p", "m", part)
		}()
	}
}

// A message that waits for a user must not reach the next user of the page.
func TestReidentifiedPageGetsNothingOfTheUserBefore(t *testing.T) {
	hub, at := serve(t, hmr.Options{Identify: func(r *http.Request) (string, error) { return r.URL.Query().Get("as"), nil }})
	p := open(t, at+"/?as=ann&x=", "p")
	p.send(`{"type":"hello"}`)
	until(t, func() bool { return len(hub.Opened()) == 1 })
	p.cut() // the page is away, and messages wait for it
	if err := hub.SendToUser("ann", "secret", "of ann"); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodGet, "http://x/?as=bob", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := hub.Reidentify(hub.Clients()[0], r); err != nil {
		t.Fatal(err)
	}
	if err := hub.SendToUser("bob", "hello", "bob"); err != nil {
		t.Fatal(err)
	}
	p.url = at + "/?as=bob&x="
	p.connect()
	p.await("bob's message", func(f map[string]any) bool {
		if f["event"] == "secret" {
			t.Error("bob got ann's message")
		}
		return f["event"] == "hello"
	})
	if n := hub.Disconnect("bob", "signed out"); n != 1 {
		t.Errorf("%d pages were disconnected", n)
	}
}

func TestDisconnectTellsWhy(t *testing.T) {
	hub, at := serve(t, hmr.Options{Identify: func(r *http.Request) (string, error) { return r.URL.Query().Get("as"), nil }})
	bob := open(t, at+"/?as=bob&x=", "bob")
	ws, _, err := websocket.DefaultDialer.Dial(at+"/?as=ann", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	until(t, func() bool { return hub.Disconnect("ann", "session revoked "+strings.Repeat("é", 100)) == 1 }) // more than a close frame holds
	for err == nil {
		_, _, err = ws.ReadMessage()
	}
	if !websocket.IsCloseError(err, 4001) || !strings.Contains(err.Error(), "session revoked") {
		t.Errorf("closed with %v", err)
	}
	if err := hub.SendToUser("bob", "still", nil); err != nil {
		t.Fatal(err)
	}
	bob.await("what comes after", event("still")) // over the same connection
}
