package hmr_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
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
