package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

const identityApp = `
-- index.html --
<!doctype html><head></head><script type="module" src="/main.js"></script>
-- main.js --
import { connection } from "devserver/client";
let me = "";
const state = (window.state = { users: [], got: {}, wrong: [] });
connection().on("devserver:identified", ({ user }) => {
  me = user;
  state.users.push(user);
  state.got = {};
});
connection().on("secret", ({ of, n }) => {
  state.got[of] = (state.got[of] ?? 0) + 1;
  if (of !== me) state.wrong.push("as " + me + " number " + n + " of " + of);
});
window.sign = async (as) => { await fetch("/api/sign?as=" + as, { method: "POST" }); };
window.ready = true;
`

// signBackend starts a backend with sessions in HttpOnly cookies. It is for the dev server's proxy.
func signBackend(t *testing.T) (at string, identify func(*http.Request) (string, error)) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie := &http.Cookie{Name: "session", Value: "of-" + r.URL.Query().Get("as"), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
		if cookie.Value == "of-" {
			cookie.MaxAge = -1
		}
		http.SetCookie(w, cookie)
	}))
	t.Cleanup(s.Close)
	users := map[string]string{"of-ann": "ann", "of-bob": "bob", "of-cat": "cat"}
	return s.URL, func(r *http.Request) (string, error) {
		c, err := r.Cookie("session")
		if err != nil {
			return "", nil
		}
		return users[c.Value], nil
	}
}

// TestSignInIsSeen signs three users in and out in two browsers, while the server sends messages to each user without
// end. No page gets a message for another user.
func TestSignInIsSeen(t *testing.T) {
	t.Parallel()
	devtest.NeedBrowser(t)
	for name, shareTabs := range map[string]bool{"a socket each": false, "one socket": true} {
		t.Run(name, func(t *testing.T) { signInIsSeen(t, shareTabs) })
	}
}

func signInIsSeen(t *testing.T, shareTabs bool) {
	at, identify := signBackend(t)
	app := devtest.App(t, devtest.Text(identityApp))
	app.Write("devserver.config.json", fmt.Sprintf(`{"server": {"hmr": {"shareTabs": %t}, "proxy": {"/api": %q}}}`, shareTabs, at))
	var sender plugin.Server
	s := devtest.Start(t, app, func(o *server.Options) {
		o.Identify = identify
		o.Plugins = []plugin.Plugin{{Name: "sender", Start: func(_ context.Context, p plugin.Server) error { sender = p; return nil }}}
	})
	first := s.Page(t, "/")
	beside := first.Beside("/")
	second := s.Page(t, "/")
	pages := map[string][]*devtest.Page{"first": {first, beside}, "second": {second}}
	for _, p := range []*devtest.Page{first, beside, second} {
		p.Wait("window.ready && window.state")
	}
	s.WaitPages(3)

	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	defer load.Wait()
	defer stop()
	load.Go(func() {
		each := time.NewTicker(4 * time.Millisecond) // without a pause the pages would have no time to sign in
		defer each.Stop()
		for n := 0; ctx.Err() == nil; n++ {
			for _, user := range []string{"ann", "bob", "cat"} {
				if err := sender.SendToUser(user, "secret", map[string]any{"of": user, "n": n}); err != nil {
					t.Error(err)
				}
			}
			<-each.C
		}
	})

	is := map[string]string{}
	for _, step := range []struct{ browser, user string }{
		{"first", "ann"}, {"second", "bob"}, {"first", ""}, {"first", "cat"}, {"second", "ann"}, {"first", "ann"}, {"second", ""}, {"first", "bob"}, {"second", "cat"},
	} {
		p := pages[step.browser][0]
		devtest.Eval[bool](p, fmt.Sprintf(`sign(%q).then(() => true)`, step.user))
		is[step.browser] = step.user
		for browser, tabs := range pages {
			for _, p := range tabs {
				if user := is[browser]; user != "" {
					p.Wait(fmt.Sprintf(`state.users.at(-1) === %[1]q && state.got[%[1]q] > 10`, user))
				} else {
					p.Wait(`(state.users.at(-1) ?? "") === ""`)
				}
			}
		}
	}
	for _, p := range []*devtest.Page{first, beside, second} {
		if wrong := devtest.Eval[[]string](p, "state.wrong"); len(wrong) > 0 {
			t.Errorf("a page got %d messages for other users: %s", len(wrong), wrong[0])
		}
		p.NoReload()
		p.NoErrors()
	}
	want := []string{"ann", "", "cat", "ann", "bob"}
	if got := devtest.Eval[[]string](beside, "state.users"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the users of the tab beside were %q, want %q", got, want)
	}
	if visible := devtest.Eval[string](first, "document.cookie"); visible != "" {
		t.Errorf("the cookie %q must be HttpOnly, or the page itself notices the change", visible)
	}

	beside.Reload() // a new session, which has its user from the start
	var users []string
	devtest.Eventually(t, "the users after a reload", func() bool {
		users = nil
		for _, c := range s.Server().Hub().Clients() {
			users = append(users, c.User())
		}
		slices.Sort(users)
		return slices.Equal(users, []string{"bob", "bob", "cat"})
	}, func() string { return fmt.Sprint(users) })
}

// A server without Identify never asks pages to identify themselves, also when cookies change.
func TestNobodyIsAskedWithoutIdentify(t *testing.T) {
	t.Parallel()
	at, _ := signBackend(t)
	app := devtest.App(t, devtest.Text(identityApp))
	app.Write("devserver.config.json", fmt.Sprintf(`{"server": {"proxy": {"/api": %q}}}`, at))
	s := devtest.Start(t, app)
	c := s.Socket(t)
	if res := s.Do(http.MethodPost, "/api/sign?as=ann", ""); res.Status != http.StatusOK {
		t.Fatalf("sign in: status %d %s", res.Status, res.Body)
	}
	c.Emit("nobody:listens", nil)
	c.WaitFor(devtest.Event("devserver:unknown-event"))
	if n := c.Count(devtest.Event("devserver:reidentify")); n > 0 {
		t.Error("the page was asked to identify itself")
	}
	for _, token := range []string{"", "?token=wrong"} {
		if res := s.Do(http.MethodPost, "/@vite/identify"+token, ""); res.Status != http.StatusForbidden {
			t.Errorf("identify%s without the token: status %d, want 403", token, res.Status)
		}
	}
}
