package hmr_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/hmr"
)

// broadcastOnly is a channel that sends numbers.
type broadcastOnly = hmr.Channel[hmr.BroadcastOnly, int]

const numbersID = "x_y_numbers"

func numbers() *broadcastOnly { return hmr.NewChannel[hmr.BroadcastOnly, int]("x", "y", "numbers") }

// asked is a call of Allow that waits for its answer.
type asked struct {
	user   string
	answer chan error
}

// asking returns a channel whose Allow waits for the test to answer, also when its context ends.
func asking() (*broadcastOnly, chan asked) {
	calls := make(chan asked, 10)
	return numbers().Unguarded().Allow(func(_ context.Context, c *hmr.Client, d hmr.Direction) error {
		if d == hmr.Send {
			return nil
		}
		call := asked{c.User(), make(chan error)}
		calls <- call
		return <-call.answer
	}), calls
}

// refusing returns a channel whose Allow returns the error.
func refusing(err error) *broadcastOnly {
	return numbers().Allow(func(_ context.Context, _ *hmr.Client, d hmr.Direction) error {
		if d == hmr.Send {
			return nil
		}
		return err
	})
}

// told returns the frames until one matches, in short: a message is its data, a retained message has a star.
func told(p *page, what string, last func(map[string]any) bool) string {
	p.t.Helper()
	var list []string
	p.await(what, func(f map[string]any) bool {
		switch {
		case last(f):
			return true
		case f["event"] == hmr.ChannelError:
			list = append(list, fmt.Sprint(f["data"].(map[string]any)["error"].(map[string]any)["code"]))
		case f["event"] == hmr.IdentifiedEvent:
			list = append(list, "is "+fmt.Sprint(f["data"].(map[string]any)["user"]))
		case f["retained"] == true:
			list = append(list, fmt.Sprint(f["data"])+"*")
		case f["event"] == "devserver:nothing-retained":
			list = append(list, "nothing*")
		case f["event"] != "devserver:nothing":
			list = append(list, fmt.Sprint(f["data"]))
		}
		return false
	})
	return strings.Join(list, ", ")
}

// settled returns what the page is told until its questions are answered. A message of the page has its turn after
// them; the channel refuses it, since pages cannot send.
func settled(p *page) string {
	p.t.Helper()
	p.send(`{"type":"custom","event":"` + numbersID + `"}`)
	return told(p, "the turn of the page's message", func(f map[string]any) bool {
		return f["event"] == hmr.ChannelError && f["data"].(map[string]any)["direction"] == "send"
	})
}

func wish(p *page, kind string) {
	p.send(fmt.Sprintf(`{"type":%q,"channel":%q}`, kind, numbersID))
}

// arrived waits until the hub has read what the page has sent.
func arrived(p *page) {
	p.t.Helper()
	p.send(`{"type":"request","id":1,"event":"nobody"}`)
	p.await("the answer", ofType("reply"))
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func expect(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: the page was told %q, want %q", what, got, want)
	}
}

// TestLastWishCounts: of subscribe and unsubscribe the last one counts, whether the channel is registered before, after
// or in between, and whether it asks.
func TestLastWishCounts(t *testing.T) {
	for _, wishes := range []string{"s", "ss", "su", "sus", "susu", "ssus", "us", "usu"} {
		for _, when := range []string{"before", "between", "after"} {
			for _, asks := range []bool{false, true} {
				t.Run(fmt.Sprint(wishes, " ", when, " ", asks), func(t *testing.T) {
					hub, at := serve(t, hmr.Options{})
					ch := numbers()
					if asks {
						ch = refusing(nil)
					}
					var pages []*page
					for n := range 10 {
						pages = append(pages, open(t, at, fmt.Sprint(n)))
					}
					if when == "before" {
						must(t, hub.Register(ch))
					}
					for i, kind := range wishes {
						if when == "between" && i == len(wishes)-1 {
							must(t, hub.Register(ch))
						}
						for _, p := range pages {
							wish(p, map[rune]string{'s': "subscribe", 'u': "unsubscribe"}[kind])
						}
					}
					for _, p := range pages {
						arrived(p)
					}
					if when == "after" {
						must(t, hub.Register(ch))
					}
					want := ""
					if strings.HasSuffix(wishes, "s") {
						want = "1"
					}
					for _, p := range pages {
						settled(p)
					}
					must(t, ch.Broadcast(1))
					for _, p := range pages {
						expect(t, p.session, settled(p), want)
					}
				})
			}
		}
	}
}

// TestAnswerCountsForItsChannel: an answer of Allow that comes when another channel has the ID does not count for that
// channel.
func TestAnswerCountsForItsChannel(t *testing.T) {
	no := errors.New("no")
	for _, test := range []struct {
		name   string
		next   []*broadcastOnly // registered one after the other while the first Allow runs
		answer error            // of the first Allow
		want   string
		hears  string // of a message that is sent then
	}{
		{"no, and the next asks nobody", []*broadcastOnly{numbers()}, no, "messages_lost, 2*", "3"},
		{"no, and the next says yes", []*broadcastOnly{refusing(nil)}, no, "messages_lost, 2*", "3"},
		{"yes, and the next says no", []*broadcastOnly{refusing(no)}, nil, "handler_error", ""},
		{"yes, and the last says no", []*broadcastOnly{numbers(), refusing(nil), refusing(no)}, nil, "messages_lost, 2*, handler_error", ""},
		{"no, and the last asks nobody", []*broadcastOnly{refusing(no), numbers()}, no, "messages_lost, 2*", "3"},
		{"no, and the same again", nil, no, "handler_error", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			hub, at := serve(t, hmr.Options{})
			ch, calls := asking()
			must(t, hub.Register(ch), ch.Retain(1))
			p := open(t, at, "p")
			wish(p, "subscribe")
			call := <-calls
			must(t, ch.Broadcast(0)) // kept for this answer
			last := ch
			for _, next := range test.next {
				hub.Unregister(last)
				must(t, next.Retain(2), hub.Register(next))
				last = next
			}
			call.answer <- test.answer
			expect(t, "after the answer", settled(p), test.want)
			must(t, last.Broadcast(3))
			expect(t, "a message", settled(p), test.hears)
		})
	}
}

// TestAnswerAfterUnregister counts for what the channel sent until then. Then the page is deaf until a channel of the
// ID is registered, also the same channel.
func TestAnswerAfterUnregister(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	ch, calls := asking()
	must(t, hub.Register(ch))
	p := open(t, at, "p")
	wish(p, "subscribe")
	call := <-calls
	must(t, ch.Broadcast(1))
	hub.Unregister(ch)
	if ch.Broadcast(2) == nil {
		t.Error("a channel that is not registered has sent")
	}
	call.answer <- nil
	p.await("what was kept", event(numbersID))
	must(t, ch.Retain(3), hub.Register(ch), ch.Broadcast(4))
	(<-calls).answer <- errors.New("no")
	expect(t, "after the no", settled(p), "handler_error")
	hub.Unregister(ch)
	must(t, hub.Register(ch))
	(<-calls).answer <- nil
	expect(t, "after the yes", settled(p), "3*")
}

// TestMessagesWaitForAllow: while Allow is asked again, the messages of a page are kept, in order. They are delivered
// after a yes and dropped after a no.
func TestMessagesWaitForAllow(t *testing.T) {
	for _, answer := range []error{nil, errors.New("no")} {
		t.Run(fmt.Sprint(answer), func(t *testing.T) {
			hub, at := serve(t, hmr.Options{Identify: byCookie})
			ch, calls := asking()
			must(t, ch.Retain(1), hub.Register(ch))
			p := open(t, at, "p")
			identify(t, at, "p", "ann")
			wish(p, "subscribe")
			(<-calls).answer <- nil
			expect(t, "the first answer", settled(p), "is ann, 1*")
			must(t, ch.Broadcast(2))
			expect(t, "a message", settled(p), "2")

			identify(t, at, "p", "bob")
			call := <-calls
			must(t, ch.Broadcast(3), ch.SendToUser("ann", 4), ch.Retain(5), ch.SendToUser("bob", 6), ch.Broadcast(7))
			call.answer <- answer
			if answer == nil {
				expect(t, "a yes", settled(p), "is bob, 3, 5*, 6, 7")
			} else {
				expect(t, "a no", settled(p), "is bob, handler_error")
			}
			must(t, ch.Broadcast(8))
			expect(t, "then", settled(p), map[bool]string{true: "8"}[answer == nil])

			wish(p, "subscribe") // again, in case of a no
			if answer != nil {
				(<-calls).answer <- nil
				expect(t, "a later yes", settled(p), "5*")
			} else {
				expect(t, "a wish that is fulfilled", settled(p), "")
			}
		})
	}
}

// TestKeptMessagesAreForTheUserThatAllowIsAskedAbout: ann's page becomes bob's and carol's while Allow runs.
func TestKeptMessagesAreForTheUserThatAllowIsAskedAbout(t *testing.T) {
	hub, at := serve(t, hmr.Options{Identify: byCookie})
	ch, calls := asking()
	must(t, hub.Register(ch))
	p := open(t, at, "p")
	identify(t, at, "p", "ann")
	wish(p, "subscribe")
	ann := <-calls
	must(t, ch.Broadcast(1), ch.SendToUser("ann", 2))
	identify(t, at, "p", "bob")
	must(t, ch.Broadcast(3), ch.SendToUser("bob", 4))
	identify(t, at, "p", "ann") // her first question was closed all the same
	must(t, ch.Broadcast(5), ch.SendToUser("bob", 6), ch.SendToUser("ann", 7))
	ann.answer <- nil
	again := <-calls
	if again.user != "ann" {
		t.Errorf("asked about %q", again.user) // bob's question closed before its turn
	}
	again.answer <- nil
	expect(t, "ann", settled(p), "is ann, is bob, is ann, 5, 7")
}

// TestTooManyMessagesWaitForAllow: the newest messages are kept, and the page and the log are told about the rest.
func TestTooManyMessagesWaitForAllow(t *testing.T) {
	logged := &lines{}
	hub, at := serve(t, hmr.Options{QueueMessages: 10, Logger: slog.New(slog.NewTextHandler(logged, nil))})
	ch, calls := asking()
	must(t, ch.Retain(100), hub.Register(ch))
	p := open(t, at, "p")
	wish(p, "subscribe")
	call := <-calls
	for n := range 14 {
		must(t, ch.Broadcast(n))
	}
	p.cut() // a page that is away may have more messages than Options.QueueMessages
	queued := make(chan hmr.Passed, 100)
	hub.OnPassed(func(m hmr.Passed) { queued <- m })
	call.answer <- nil
	for m := range queued {
		if string(m.Data) == "13" {
			break
		}
	}
	p.connect()
	last := func(f map[string]any) bool { return f["data"] == 13.0 }
	expect(t, "too many", told(p, "the last message", last), "messages_lost, 100*, 4, 5, 6, 7, 8, 9, 10, 11, 12")
	if !strings.Contains(logged.String(), "4 messages of channel "+numbersID) {
		t.Errorf("the log is:\n%s", logged)
	}
}

// TestRetainedMessageComesAfterALoss: a page forgets the retained message at an error about listening, and gets it
// again, also from a channel that retains what the channel before did.
func TestRetainedMessageComesAfterALoss(t *testing.T) {
	hub, at := serve(t, hmr.Options{QueueMessages: 10})
	ch, calls := asking()
	must(t, ch.Retain(100), hub.Register(ch))
	p := open(t, at, "p")
	wish(p, "subscribe")
	(<-calls).answer <- nil
	expect(t, "a yes", settled(p), "100*")
	hub.Unregister(ch)
	must(t, hub.Register(ch))
	call := <-calls
	for n := range 12 {
		must(t, ch.Broadcast(n))
	}
	call.answer <- nil
	expect(t, "a yes again", settled(p), "messages_lost, 100*, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11")
}

// TestTooLongMessagesWaitForAllow: the bytes of what is kept are bounded, too, but not those of a single message.
func TestTooLongMessagesWaitForAllow(t *testing.T) {
	hub, at := serve(t, hmr.Options{QueueBytes: 1000})
	calls := make(chan chan error, 1)
	ch := hmr.NewChannel[hmr.BroadcastOnly, string]("x", "y", "numbers").Allow(func(_ context.Context, _ *hmr.Client, d hmr.Direction) error {
		if d == hmr.Send {
			return nil
		}
		answer := make(chan error)
		calls <- answer
		return <-answer
	})
	must(t, hub.Register(ch))
	p := open(t, at, "p")
	wish(p, "subscribe")
	answer := <-calls
	long := strings.Repeat("x", 2000)
	must(t, ch.Broadcast("short"), ch.Broadcast(long))
	answer <- nil
	last := func(f map[string]any) bool { return f["data"] == long }
	expect(t, "a long message", told(p, "the last message", last), "messages_lost")
}

// TestAllowThatCannotAnswer refuses: it panics, fails, or takes too long.
func TestAllowThatCannotAnswer(t *testing.T) {
	for want, allow := range map[string]func(context.Context) error{
		"handler_panic": func(context.Context) error { panic("on purpose") },
		"timeout":       func(ctx context.Context) error { <-ctx.Done(); return nil },
		"mine":          func(context.Context) error { return &hmr.Error{Code: "mine"} },
	} {
		t.Run(want, func(t *testing.T) {
			hub, at := serve(t, hmr.Options{HandlerTimeout: 10 * time.Millisecond})
			var works atomic.Bool
			ch := numbers().Allow(func(ctx context.Context, _ *hmr.Client, d hmr.Direction) error {
				if d == hmr.Send || works.Load() {
					return nil
				}
				return allow(ctx)
			})
			must(t, hub.Register(ch), ch.Retain(1))
			p := open(t, at, "p")
			wish(p, "subscribe")
			expect(t, "a failure", settled(p), want)
			works.Store(true)
			wish(p, "subscribe")
			expect(t, "the next try", settled(p), "1*")
		})
	}
}

// TestAllowThatIsReplaced: an Allow that did nothing because it is being replaced refuses nobody. The next Allow is
// asked.
func TestAllowThatIsReplaced(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	old, calls := asking()
	must(t, hub.Register(old))
	p := open(t, at, "p")
	wish(p, "subscribe")
	call := <-calls
	hub.Unregister(old)
	call.answer <- hmr.ErrReplaced
	next := refusing(nil)
	must(t, next.Retain(1), hub.Register(next))
	expect(t, "after the replacement", settled(p), "1*")

	// The channel is still there. It is asked again when the hold is released, however long that takes.
	var asked, replaced atomic.Int32
	third := numbers().Allow(func(_ context.Context, _ *hmr.Client, d hmr.Direction) error {
		if d == hmr.Send {
			return nil
		}
		asked.Add(1)
		if replaced.Load() == 0 {
			return hmr.ErrReplaced
		}
		return nil
	})
	release := hub.Hold()
	hub.Unregister(next)
	must(t, third.Retain(2), hub.Register(third))
	until(t, func() bool { return asked.Load() > 0 })
	hub.On("ask", func(_ context.Context, c *hmr.Client, _ json.RawMessage) error { return c.Send("answer", nil) })
	p.send(`{"type":"custom","event":"ask"}`)
	p.await("an answer that comes meanwhile", event("answer"))
	if n := asked.Load(); n != 1 {
		t.Errorf("Allow was asked %d times while there is a hold", n)
	}
	replaced.Store(1)
	release()
	expect(t, "after the release", settled(p), "2*")
}

// TestQuestionWhoseChannelIsGone is not asked when its turn comes.
func TestQuestionWhoseChannelIsGone(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	ch, calls := asking()
	must(t, hub.Register(ch))
	p := open(t, at, "p")
	wish(p, "subscribe")
	first := <-calls
	wish(p, "unsubscribe")
	wish(p, "subscribe") // its question waits for its turn
	arrived(p)
	hub.Unregister(ch)
	first.answer <- nil
	next := numbers()
	must(t, next.Retain(1))
	arrived(p)
	must(t, hub.Register(next))
	expect(t, "the next channel", settled(p), "1*")
	if len(calls) > 0 {
		t.Error("a channel that is not registered was asked")
	}
}

// TestSenderWaitsWhileItsChannelIsReplaced: a message that waits for a page that is behind is not sent on the next
// channel of the ID, and its sender gets an error.
func TestSenderWaitsWhileItsChannelIsReplaced(t *testing.T) {
	hub, at := serve(t, hmr.Options{QueueMessages: 1, StallTimeout: time.Hour})
	old, next := hmr.NewChannel[hmr.BroadcastOnly, string]("x", "y", "numbers"), numbers()
	must(t, hub.Register(old))
	slow, _, err := websocket.DefaultDialer.Dial(at+"/?session=slow&acks=1", nil)
	must(t, err)
	defer slow.Close()
	must(t, slow.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe","channel":"`+numbersID+`"}`)))
	pad, missed := strings.Repeat("x", 1<<20), 0
	until(t, func() bool { missed, err = old.TryBroadcast(pad); return missed > 0 })
	sent := make(chan error)
	go func() { sent <- old.Broadcast("late") }()
	arrived(open(t, at, "p")) // gives the sender time to wait; it gets an error all the same without
	hub.Unregister(old)
	must(t, hub.Register(next))
	end := make(chan bool)
	go func() {
		defer close(end)
		for {
			_, text, err := slow.ReadMessage()
			if err != nil || strings.Contains(string(text), `"data":1`) {
				return
			}
			if strings.Contains(string(text), "late") {
				t.Error("a message of the channel before was sent")
			}
		}
	}()
	if err := <-sent; err == nil {
		t.Error("the message was not sent, and its sender was not told")
	}
	must(t, next.Broadcast(1))
	<-end
}

// TestSessionEndsWhileAllowRuns: the answer is nobody's, and the page's next session is asked about by itself.
func TestSessionEndsWhileAllowRuns(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	ch, calls := asking()
	must(t, hub.Register(ch), ch.Retain(1))
	p := open(t, at, "p")
	wish(p, "subscribe")
	first := <-calls
	hub.Clients()[0].Close("on purpose")
	until(t, func() bool { return len(hub.Clients()) == 0 })
	p.cut()
	p.connect()
	wish(p, "subscribe")
	second := <-calls
	first.answer <- errors.New("no")
	must(t, ch.Broadcast(2))
	second.answer <- nil
	expect(t, "the next session", settled(p), "1*, 2")
}

// TestRetainedMessageIsMarked: a page keeps what is marked as retained for listeners that come later. So it gets the
// message again when it has forgotten it, and is told when a channel retains nothing any more.
func TestRetainedMessageIsMarked(t *testing.T) {
	for _, asks := range []bool{false, true} {
		t.Run(fmt.Sprint("asks ", asks), func(t *testing.T) {
			make := func() *broadcastOnly {
				if asks {
					return refusing(nil)
				}
				return numbers()
			}
			hub, at := serve(t, hmr.Options{Identify: byCookie})
			ch := make()
			must(t, hub.Register(ch))
			p := open(t, at, "p")
			wish(p, "subscribe")
			expect(t, "nothing is retained", settled(p), "")
			must(t, ch.Retain(1), ch.Broadcast(2))
			expect(t, "messages", settled(p), "1*, 2")
			wish(p, "unsubscribe")
			wish(p, "subscribe")
			expect(t, "a new wish", settled(p), "1*")
			identify(t, at, "p", "ann")
			expect(t, "a new user", settled(p), "is ann, 1*")

			replace := func(what, want string, retain ...int) {
				t.Helper()
				hub.Unregister(ch)
				ch = make()
				for _, n := range retain {
					must(t, ch.Retain(n))
				}
				must(t, hub.Register(ch))
				expect(t, what, settled(p), want)
			}
			replace("a channel that retains the same", "", 1)
			replace("a channel that retains something else", "3*", 3)
			replace("a channel that retains nothing", "nothing*")
			replace("another channel that retains nothing", "")
			must(t, ch.Retain(4))
			expect(t, "a message", settled(p), "4*")
			hub.Unregister(ch)
			must(t, ch.Retain(5), hub.Register(ch))
			expect(t, "what was retained between", settled(p), "5*")
		})
	}
}

// TestRetainedBeforeAllow: what is retained before Allow is set is for the page's user all the same.
func TestRetainedBeforeAllow(t *testing.T) {
	hub, at := serve(t, hmr.Options{Identify: byCookie})
	ch := numbers()
	must(t, ch.Retain(1))
	ch.Allow(func(_ context.Context, c *hmr.Client, d hmr.Direction) error {
		if d == hmr.Listen && c.User() != "ann" {
			return errors.New("no")
		}
		return nil
	})
	p := open(t, at, "p")
	identify(t, at, "p", "ann")
	wish(p, "subscribe")
	arrived(p)
	p.cut()
	queued := make(chan bool, 10)
	hub.OnPassed(func(m hmr.Passed) { queued <- m.Event == numbersID })
	must(t, hub.Register(ch))
	if !<-queued {
		t.Fatal("something else was sent")
	}
	identify(t, at, "p", "bob")
	p.connectAs("bob")
	expect(t, "bob", settled(p), "is bob, handler_error")
}

// TestWishesForChannelsThatDoNotExist are bounded, and a page that goes beyond the bound is told.
func TestWishesForChannelsThatDoNotExist(t *testing.T) {
	hub, at := serve(t, hmr.Options{})
	p := open(t, at, "p")
	for n := range 1000 {
		subscribe(p, fmt.Sprint("x_y_n", n))
	}
	wish(p, "subscribe")
	subscribe(p, "my:event") // needs no permission
	expect(t, "the bound", told(p, "the answer", func(f map[string]any) bool { return f["event"] == hmr.ChannelError }), "")
	ch := numbers()
	must(t, hub.Register(ch), ch.Retain(1))
	wish(p, "subscribe") // there is such a channel now
	expect(t, "a registered channel", settled(p), "1*")
}
