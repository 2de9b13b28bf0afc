package hmr_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed-b8174343/devserver/hmr"
)

// byCookie takes the user from the cookie "user". The value "broken" is an error.
func byCookie(r *http.Request) (string, error) {
	c, err := r.Cookie("user")
	if err != nil {
		return "", nil
	}
	if c.Value == "broken" {
		return "", errors.New("the session is broken")
	}
	return c.Value, nil
}

// identify sends the request by which client/src/socket/identity.ts identifies a page again.
func identify(t *testing.T, at, session, user string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, "http"+strings.TrimPrefix(at, "ws")+"/?session="+session, nil)
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		r.AddCookie(&http.Cookie{Name: "user", Value: user})
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func identified(user string) func(map[string]any) bool {
	return func(f map[string]any) bool {
		return f["event"] == hmr.IdentifiedEvent && f["data"].(map[string]any)["user"] == user
	}
}

func TestPageIsIdentifiedAgain(t *testing.T) {
	hub, at := serve(t, hmr.Options{Identify: byCookie})
	p := open(t, at, "p")
	for _, step := range []struct {
		user, is string
		status   int
	}{{"ann", "ann", 200}, {"bob", "bob", 200}, {"broken", "", 403}, {"ann", "ann", 200}, {"", "", 200}} {
		status, body := identify(t, at, "p", step.user)
		if status != step.status || status == 200 && !strings.Contains(body, fmt.Sprintf(`"user":%q`, step.is)) {
			t.Errorf("cookie %q: answered %d %s", step.user, status, body)
		}
		p.await("the event", identified(step.is))
		if user := hub.Clients()[0].User(); user != step.is {
			t.Errorf("cookie %q made the page that of %q", step.user, user)
		}
	}
	if status, _ := identify(t, at, "nobody", "ann"); status != http.StatusNotFound {
		t.Errorf("a session that is not there was answered with %d", status)
	}
	if p.resets > 0 || len(hub.Clients()) != 1 {
		t.Error("the page lost its session")
	}
}

// An answer of Allow is about one user. When the page has another user Allow is asked again, and may answer otherwise.
func TestChannelsAskAgainForANewUser(t *testing.T) {
	hub, at := serve(t, hmr.Options{Identify: byCookie})
	only := func(user string) *hmr.Channel[hmr.BroadcastOnly, string] {
		return hmr.NewChannel[hmr.BroadcastOnly, string]("x", "for", user).Allow(func(_ context.Context, c *hmr.Client, _ hmr.Direction) error {
			if c.User() != user {
				return fmt.Errorf("only for %s", user)
			}
			return nil
		})
	}
	ann, bob := only("ann"), only("bob")
	all := hmr.NewChannel[hmr.BroadcastOnly, string]("x", "for", "all")
	if err := hub.Register(ann, bob, all); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(ann.Retain("kept for ann"), bob.Retain("kept for bob"), all.Retain("kept for all")); err != nil {
		t.Fatal(err)
	}
	p := open(t, at, "p")
	identify(t, at, "p", "ann")
	for _, id := range []string{ann.ID(), all.ID(), bob.ID()} {
		subscribe(p, id)
	}
	await := func(parts ...string) {
		t.Helper()
		missing := map[string]bool{}
		for _, part := range parts {
			missing[part] = true
		}
		p.await(fmt.Sprint(parts), func(f map[string]any) bool {
			for part := range missing {
				if strings.Contains(fmt.Sprint(f), part) {
					delete(missing, part)
				}
			}
			return len(missing) == 0
		})
	}
	await("kept for ann", "kept for all", "only for bob")

	p.cut() // messages wait for the page
	if err := errors.Join(ann.Broadcast("secret of ann"), all.Broadcast("public")); err != nil {
		t.Fatal(err)
	}
	identify(t, at, "p", "bob")
	if err := ann.Broadcast("secret of ann"); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return len(hub.Clients()) == 1 })
	p.connectAs("bob")
	seen := []string{}
	p.await("the refusal, the channel of bob, and what is for all", func(f map[string]any) bool {
		seen = append(seen, fmt.Sprint(f))
		text := strings.Join(seen, "\n")
		return strings.Contains(text, "only for ann") && strings.Contains(text, "kept for bob") && strings.Contains(text, "public")
	})
	if err := errors.Join(ann.Broadcast("secret of ann"), hub.Broadcast("end", nil)); err != nil {
		t.Fatal(err)
	}
	p.await("the end", func(f map[string]any) bool { seen = append(seen, fmt.Sprint(f)); return f["event"] == "end" })
	if text := strings.Join(seen, "\n"); strings.Contains(text, "secret of ann") || strings.Count(text, "kept for all") != 1 {
		t.Errorf("bob got:\n%s", text)
	}
	identify(t, at, "p", "ann")
	await("only for bob", "kept for ann")
}

// TestRuleChangesWhilePagesAreOpen: a new Identify is asked about each page's last request, also about a request that
// comes meanwhile. When Identify is unsure, pages with the same cookies keep their user.
func TestRuleChangesWhilePagesAreOpen(t *testing.T) {
	hub, at := serve(t, hmr.Options{Identify: byCookie, KeepRequests: true})
	in := func(suffix string) func(*http.Request) (string, error) {
		return func(r *http.Request) (string, error) {
			if strings.Contains(fmt.Sprint(r.URL), "session") {
				t.Error("Identify gets the name of the session")
			}
			user, err := byCookie(r)
			return user + suffix, err
		}
	}
	p := open(t, at, "p")
	identify(t, at, "p", "ann")
	p.await("ann", identified("ann"))
	is := func(want string) {
		t.Helper()
		if user := hub.Clients()[0].User(); user != want {
			t.Errorf("the page is that of %q, not %q", user, want)
		}
	}
	hub.SetIdentify(in("!"))
	is("ann!")
	p.await("the new rule", identified("ann!"))

	hub.SetIdentify(func(*http.Request) (string, error) { return "", hmr.ErrUnsure })
	is("ann!")
	if status, _ := identify(t, at, "p", "ann"); status != http.StatusOK {
		t.Errorf("a page that cannot be identified now was answered with %d", status)
	}
	is("ann!")
	p.cut()
	p.connectAs("ann")
	is("ann!")
	identify(t, at, "p", "bob") // new cookies of an unknown user
	p.await("a guest", identified(""))
	is("")
	identify(t, at, "p", "ann") // a guest has no cookies that could confirm a user
	is("")
	hub.SetIdentify(in("?"))
	is("ann?")

	// A page signs out, and the old rule is slow to answer when the new rule comes.
	asked, answer := make(chan bool), make(chan bool)
	hub.SetIdentify(func(r *http.Request) (string, error) {
		if _, err := r.Cookie("user"); err == nil {
			return "ann", nil
		}
		asked <- true
		<-answer
		return "somebody", nil
	})
	is("ann")
	done := make(chan bool)
	go func() { defer close(done); identify(t, at, "p", "") }()
	<-asked
	hub.SetIdentify(in("."))
	is(".")
	close(answer)
	<-done
	is(".")

	hub.SetIdentify(nil)
	is("")
	if status, body := identify(t, at, "p", "ann"); status != http.StatusOK || !strings.Contains(body, `""`) {
		t.Errorf("a hub that knows no users answered %d %s", status, body)
	}
	hub.SetIdentify(in("")) // pages had no reason to identify themselves
	is("")
	p.await("the question", event("devserver:reidentify"))
}

// TestRuleChangesWhileAPageComes: the old rule is asked when the socket opens, and the new rule's answer counts.
func TestRuleChangesWhileAPageComes(t *testing.T) {
	asked, answer := make(chan bool), make(chan bool)
	hub, at := serve(t, hmr.Options{KeepRequests: true, Identify: func(*http.Request) (string, error) {
		asked <- true
		<-answer
		return "old", nil
	}})
	go func() { <-asked; hub.SetIdentify(byCookie); close(answer) }()
	p := &page{t: t, url: at, session: "p", seen: make(chan map[string]any, 100)}
	p.connectAs("ann")
	p.await("the new rule", identified("ann"))
}

func TestRoomsAreLeftByAnotherUser(t *testing.T) {
	hub, at, moves := hall(t, hmr.Options{Identify: byCookie})
	hub.OnIdentify(func(_ context.Context, c *hmr.Client) { _ = c.Join("of " + c.User()) })
	p := open(t, at, "p")
	move(p, "join", "guests")
	next(t, moves, "c1 in guests")
	identify(t, at, "p", "ann")
	next(t, moves, "c1 out guests")
	next(t, moves, "c1 in of ann")
	identify(t, at, "p", "ann") // nothing changes
	identify(t, at, "p", "bob")
	next(t, moves, "c1 out of ann")
	next(t, moves, "c1 in of bob")
}

// A page that comes back with another user keeps its session, with what it sends and with broadcasts.
func TestPageComesBackAsAnotherUser(t *testing.T) {
	hub, at := serve(t, hmr.Options{Identify: byCookie})
	p := open(t, at, "p")
	identify(t, at, "p", "ann")
	p.cut()
	if err := errors.Join(hub.SendToUser("ann", "secret", nil), hub.Broadcast("news", nil)); err != nil {
		t.Fatal(err)
	}
	p.connectAs("bob")
	news := false
	p.await("bob's identity", func(f map[string]any) bool {
		if f["event"] == "secret" {
			t.Error("bob got ann's message")
		}
		news = news || f["event"] == "news"
		return identified("bob")(f)
	})
	if !news || p.resets > 0 {
		t.Errorf("the session did not continue (news %v, %d resets)", news, p.resets)
	}
}

func TestChangedCookiesAreSeen(t *testing.T) {
	for _, test := range []struct {
		name, has string
		set       []string
		asked     bool
	}{
		{"none", "user=ann", nil, false},
		{"signed in", "", []string{"user=ann; HttpOnly"}, true},
		{"another user", "user=ann", []string{"user=bob"}, true},
		{"renewed", "user=ann", []string{"user=ann; Max-Age=100"}, false},
		{"signed out", "user=ann", []string{"user=ann; Max-Age=0"}, true},
		{"deleted twice", "", []string{"user=; Max-Age=0"}, false},
		{"one of two", "user=ann", []string{"user=ann", "theme=dark"}, true},
		{"what only a browser understands", "", []string{"=x"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			hub, at := serve(t, hmr.Options{Identify: byCookie})
			backend := httptest.NewServer(hub.WatchCookies(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for _, line := range test.set {
					w.Header().Add("Set-Cookie", line)
				}
			})))
			defer backend.Close()
			p := open(t, at, "p")
			r, err := http.NewRequest(http.MethodGet, backend.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Cookie", test.has)
			r.Header.Set("User-Agent", hub.Clients()[0].UserAgent())
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if err := hub.Broadcast("end", nil); err != nil {
				t.Fatal(err)
			}
			asked := false
			p.await("the end", func(f map[string]any) bool {
				asked = asked || f["event"] == "devserver:reidentify"
				return f["event"] == "end"
			})
			if asked != test.asked {
				t.Errorf("asked: %v", asked)
			}
		})
	}
}

// TestNewerRequestCounts: a page comes back with another user's cookies. While its request is checked, a new rule is
// asked about the page's last request. The answer about the newer request counts, although the rule was asked later
// about the older one.
func TestNewerRequestCounts(t *testing.T) {
	var checks atomic.Bool
	entered, proceed := make(chan bool), make(chan bool)
	hub, at := serve(t, hmr.Options{Identify: byCookie, KeepRequests: true, Check: func(*http.Request) error {
		if checks.Load() {
			entered <- true
			<-proceed
		}
		return nil
	}})
	p := open(t, at, "p")
	identify(t, at, "p", "ann")
	p.send(`{"type":"hello"}`)
	until(t, func() bool { return len(hub.Opened()) == 1 })
	p.cut()
	checks.Store(true)
	back := make(chan bool)
	go func() { defer close(back); p.connectAs("bob") }()
	<-entered
	hub.SetIdentify(byCookie)
	close(proceed)
	<-back
	if user := hub.Clients()[0].User(); user != "bob" {
		t.Errorf("the page is that of %q", user)
	}
}

// TestNothingOfAUserReachesTheNext: ann's page becomes bob's. What waits for ann is dropped. What is made for her
// later, also by handlers that began when the page was hers, returns an error.
func TestNothingOfAUserReachesTheNext(t *testing.T) {
	const secret = "secret"
	hub, at := serve(t, hmr.Options{Identify: byCookie})
	forAnn := hmr.NewChannel[hmr.BroadcastOnly, string]("x", "y", "ann").Allow(func(_ context.Context, c *hmr.Client, _ hmr.Direction) error {
		if c.User() != "ann" {
			return errors.New("not for you")
		}
		return nil
	})
	forAll := hmr.NewChannel[string, string]("x", "y", "all")
	release, results := make(chan bool), make(chan error, 10)
	// Handlers of ann work until her page is bob's. Those of bob mark that the work before them is done.
	work := func(c *hmr.Client, send func() error) error {
		if c.User() == "bob" {
			return c.Send("mark", nil)
		}
		results <- nil // begun
		<-release
		results <- send()
		return errors.New(secret)
	}
	hub.OnIn("events", "event", func(_ context.Context, c *hmr.Client, _ json.RawMessage) error {
		return work(c, func() error { return c.Send(secret, nil) })
	})
	if _, err := hub.HandleIn("answers", "answer", func(_ context.Context, c *hmr.Client, _ json.RawMessage) (any, error) {
		_ = work(c, func() error { return c.Publish(&hmr.Custom{Event: secret}) })
		return secret, nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := hub.HandleIn("errors", "error", func(_ context.Context, c *hmr.Client, _ json.RawMessage) (any, error) {
		return nil, work(c, func() error { return c.TrySend(secret, nil) })
	}); err != nil {
		t.Fatal(err)
	}
	forAll.Handle(func(_ context.Context, c hmr.Conn[string], _ string) error {
		return work(c.Client, func() error { return c.Reply(secret) })
	})
	must(t, hub.Register(forAnn, forAll), forAnn.Retain(secret+" kept"))
	frames := []string{
		`{"type":"custom","event":"event"}`, `{"type":"request","id":1,"event":"answer"}`,
		`{"type":"request","id":2,"event":"error"}`, `{"type":"custom","event":"x_y_all"}`,
	}

	p := open(t, at, "p")
	identify(t, at, "p", "ann")
	p.await("ann", identified("ann"))
	subscribe(p, forAll.ID())
	for _, frame := range frames {
		p.send(frame)
		<-results
	}
	ann := hub.Clients()[0]
	p.cut()
	all := func() map[string]error {
		return map[string]error{
			"Join": ann.Join("room"), "Send": ann.Send(secret, nil), "TrySend": ann.TrySend(secret, nil),
			"Publish": ann.Publish(&hmr.Custom{Event: secret}),
			"Notify":  hub.Notify("ann", hmr.Notification{Title: secret}), "SendToUser": hub.SendToUser("ann", secret, nil),
			"SendToRoom": hub.SendToRoom("room", secret, nil), "channel's SendToUser": forAll.SendToUser("ann", secret),
			"channel's SendToRoom": forAll.SendToRoom("room", secret), "Broadcast with Allow": forAnn.Broadcast(secret),
			"Retain with Allow": forAnn.Retain(secret),
		}
	}
	for way, err := range all() {
		if err != nil {
			t.Errorf("%s, while the page is ann's: %v", way, err)
		}
	}
	p.connectAs("bob")
	subscribe(p, forAnn.ID())
	for way, err := range all() {
		ofPage := slices.Contains([]string{"Join", "Send", "TrySend", "Publish"}, way)
		if ofPage != errors.Is(err, hmr.ErrUserChanged) || !ofPage && err != nil {
			t.Errorf("%s, when the page is bob's: %v", way, err)
		}
	}
	close(release)
	for range frames {
		if err := <-results; !errors.Is(err, hmr.ErrUserChanged) {
			t.Errorf("a handler that began for ann sent with the error %v", err)
		}
	}
	marks, codes := 0, map[string]string{}
	for i, frame := range frames {
		p.send(strings.Replace(frame, `"id":`, `"id":1`, 1))
		p.await(fmt.Sprint("mark ", i), func(f map[string]any) bool {
			if strings.Contains(fmt.Sprint(f), secret) && f["type"] != "reply" || fmt.Sprint(f["data"]) == secret && f["id"].(float64) < 10 {
				t.Errorf("bob got %v", f)
			}
			if f["type"] == "reply" && f["error"] != nil {
				codes[fmt.Sprint(f["id"])] = fmt.Sprint(f["error"].(map[string]any)["code"])
			}
			if f["event"] == "mark" {
				marks++
			}
			return marks == i+1
		})
	}
	if codes["1"] != "user_changed" || codes["2"] != "user_changed" {
		t.Errorf("ann's requests were answered with %v", codes)
	}

	identify(t, at, "p", "ann")
	p.await("ann", identified("ann"))
	if err := errors.Join(ann.Join("room"), ann.Send("again", nil)); err != nil {
		t.Errorf("the page is ann's again: %v", err)
	}
	p.await("what is sent to her now", event("again"))
}

// TestHooksGetTheUserOfTheMove: a hook that is called late gets the page with the user that joined, left or came.
func TestHooksGetTheUserOfTheMove(t *testing.T) {
	hub, at := serve(t, hmr.Options{Identify: byCookie})
	called, proceed := make(chan string, 10), make(chan bool)
	note := func(verb string, c *hmr.Client) {
		<-proceed
		called <- fmt.Sprintf("%s %s, %v", verb, c.User(), c.Send("secret", nil))
	}
	hub.OnJoin(func(_ context.Context, c *hmr.Client, room string) { note("join of", c) })
	hub.OnLeave(func(_ context.Context, c *hmr.Client, room string) { note("leave of", c) })
	hub.OnIdentify(func(_ context.Context, c *hmr.Client) { note("now", c) })
	p := open(t, at, "p")
	p.send(`{"type":"hello"}`)
	arrived(p)
	identify(t, at, "p", "ann")
	must(t, hub.Clients()[0].Join("room"))
	identify(t, at, "p", "bob")
	identify(t, at, "p", "carol")
	close(proceed)
	for _, want := range []string{"now ann, %v", "join of ann, %v", "leave of ann, %v", "now bob, %v", "now carol, <nil>"} {
		next(t, called, strings.Replace(want, "%v", hmr.ErrUserChanged.Error(), 1))
	}
}

// TestDisconnectReachesUnlistedPages: a page that has not said hello is the user's, too.
func TestDisconnectReachesUnlistedPages(t *testing.T) {
	hub, at := serve(t, hmr.Options{Identify: byCookie})
	p := &page{t: t, url: at, session: "p", seen: make(chan map[string]any, 10)}
	p.connectAs("ann")
	p.cut()
	until(t, func() bool { return len(hub.Clients()) == 0 })
	if n := hub.Disconnect("ann", "signed out"); n != 1 {
		t.Errorf("%d pages were disconnected", n)
	}
	p.connectAs("ann")
	if p.resets != 0 { // nothing was received or confirmed before
		t.Errorf("%d resets", p.resets)
	}
	if c := hub.Client("c2"); c == nil || c.User() != "ann" || hub.Client("c1") != nil {
		t.Errorf("the pages are %v", hub.Clients())
	}
}
