package hmr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// IdentifiedEvent tells a page that its user is another one from here on; its data is {"user": "ann"}, "" for a guest.
	// What was for the user before is before it, what is for the new one behind it.
	IdentifiedEvent = "devserver:identified"
	// reidentifyEvent asks a page to show its cookies again.
	reidentifyEvent = "devserver:reidentify"
)

// ErrUnsure is what Identify returns when it cannot tell at the moment, such as while the program that knows the sessions is
// started again. A page whose cookies are those that it has shown before stays who it was; any other is a guest's, as one
// may have signed out. SetIdentify has all of them asked about once it can be told. It needs Options.KeepRequests: without,
// every page that is asked about is a guest's.
var ErrUnsure = errors.New("it cannot be told at the moment who this is")

// rule is an Identify; two are the same when they are one pointer.
type rule struct {
	identify func(*http.Request) (user string, err error)
}

func newRule(identify func(*http.Request) (string, error)) *rule {
	if identify == nil {
		return nil
	}
	return &rule{identify}
}

// ask returns the user of a request, and the rule that says so.
func (h *Hub) ask(r *http.Request) (user string, by *rule, err error) {
	by = h.rule.Load()
	if by == nil {
		return "", nil, nil
	}
	if user, err = by.identify(r); err != nil {
		user = ""
	}
	return user, by, err
}

// SetIdentify puts another rule in the place of Options.Identify, or of the last one that was set here, while pages are open.
// Nil is for a hub that knows nobody. With Options.KeepRequests the new rule is asked about each page before SetIdentify
// returns, by what the page has shown last; see Reidentify for what follows. Pages that had no reason to show their cookies,
// since nobody was known, are asked to and stay guests until they do. Without KeepRequests all are asked to, and stay who
// they are until then.
func (h *Hub) SetIdentify(identify func(*http.Request) (user string, err error)) {
	h.mu.Lock()
	had := h.rule.Swap(newRule(identify)) != nil
	pages := h.list()
	h.mu.Unlock()
	switch {
	case !had && identify == nil:
	case identify == nil:
		for _, c := range pages {
			c.become("", time.Now(), "")
		}
	case had:
		h.askAnew(pages...)
	default:
		h.prompt(func(*Client) bool { return true })
	}
}

// mostAskedAtOnce bounds how many pages the rule is asked about at the same time.
const mostAskedAtOnce = 64

// askAnew asks about pages by what they have shown last.
func (h *Hub) askAnew(pages ...*Client) {
	var all sync.WaitGroup
	free := make(chan struct{}, mostAskedAtOnce)
	for _, c := range pages {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			c.mu.Lock()
			r, asked := c.shown, time.Now()
			c.mu.Unlock()
			if r == nil {
				h.prompt(func(other *Client) bool { return other == c })
				return
			}
			if err := h.askAbout(c, r, r, asked); err != nil {
				h.o.Logger.Warn(err.Error())
			}
		})
	}
	all.Wait()
}

// askAbout makes the page that of the request's user. kept is what is kept of the request.
func (h *Hub) askAbout(c *Client, r, kept *http.Request, asked time.Time) error {
	user, _, err := h.ask(r)
	switch {
	case err == nil:
		c.become(user, asked, credentials(kept))
		return nil
	case !errors.Is(err, ErrUnsure):
		c.become("", asked, "")
		return fmt.Errorf("identify page %s: %w", c.ID(), err)
	case !c.isKnownBy(kept):
		c.become("", asked, "")
	}
	return nil
}

// keep returns what SetIdentify and ErrUnsure need of a request. Its query holds what others have no use for: the token.
func (h *Hub) keep(r *http.Request) *http.Request {
	if !h.o.KeepRequests {
		return nil
	}
	return &http.Request{
		Method: r.Method, URL: &url.URL{Path: r.URL.Path}, Proto: r.Proto, ProtoMajor: r.ProtoMajor, ProtoMinor: r.ProtoMinor,
		Header: r.Header.Clone(), Body: http.NoBody, Host: r.Host, RemoteAddr: r.RemoteAddr, RequestURI: r.URL.EscapedPath(), TLS: r.TLS,
	}
}

// show notes what the page shows now, and returns the time of that.
func (c *Client) show(kept *http.Request) (asked time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shown, c.shownAt = kept, time.Now()
	return c.shownAt
}

// comeBack identifies a page by the socket that it comes back over.
func (c *Client) comeBack(s *socket) {
	c.mu.Lock()
	if !s.since.Before(c.shownAt) {
		c.shown, c.shownAt = s.shown, s.since
	}
	c.mu.Unlock()
	if s.unsure && c.isKnownBy(s.shown) {
		return
	}
	c.become(s.user, s.since, s.proof())
}

// isKnownBy tells whether the request shows what the page's user was found by.
func (c *Client) isKnownBy(kept *http.Request) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return kept != nil && credentials(kept) == c.proof
}

// credentials are what browsers send of a session, "" for a request that was not kept.
func credentials(kept *http.Request) string {
	if kept == nil {
		return ""
	}
	return strings.Join(kept.Header["Cookie"], "; ") + "\n" + strings.Join(kept.Header["Authorization"], "\n")
}

// proof is what the socket's user was found by.
func (s *socket) proof() string {
	if s.unsure {
		return ""
	}
	return credentials(s.shown)
}

// Reidentify asks again who a page is, with a request that carries its new cookies. The page stays
// connected. When its user is another one now, what still waits for the one before is dropped, since a message for one
// user never reaches another one, the page leaves its rooms, and the channels that it listens to ask their Allow again.
// With an error of Identify the page becomes a guest's.
//
// Pages ask for it themselves, see ServeHTTP and WatchCookies.
func (h *Hub) Reidentify(c *Client, r *http.Request) error {
	kept := h.keep(r)
	return h.askAbout(c, r, kept, c.show(kept))
}

// OnIdentify calls fn for each page whose user has changed while it was open. off ends it.
func (h *Hub) OnIdentify(fn func(context.Context, *Client)) (off func()) {
	return addHook(h, &h.hooks.identify, &clientHook{fn})
}

// become makes the page that of another user, found by these credentials. What is known since before the page's own user is
// old: a socket that tabs share was opened before some of them signed in or out.
func (c *Client) become(user string, asked time.Time, proof string) {
	c.moving.Lock()
	defer c.moving.Unlock()
	h := c.hub
	// Under the hub's lock nothing is sent: all that comes later is for the new user.
	h.mu.Lock()
	ask, changed := c.change(user, asked, proof)
	if !changed {
		h.mu.Unlock()
		return
	}
	rooms := sortedKeys(c.rooms)
	for _, room := range rooms {
		h.removeFrom(room, c)
	}
	left, identify := h.hooks.leave, h.hooks.identify
	h.mu.Unlock()
	if !c.isGreeted() {
		identify = nil // OnConnect tells of it as who it is now
	}
	for _, room := range rooms {
		c.tellRoom(left, "leave", room)
	}
	for _, id := range ask {
		h.subscribe(c, id)
	}
	if len(identify) > 0 {
		h.lane(c, "rooms").add(h, func() { // behind the leaves: who lets the new user into rooms does so here
			for _, k := range identify {
				h.call(c, "identify", func(ctx context.Context) error { k.fn(ctx, c); return nil })
			}
		})
	}
}

// change sets the user and takes from the page what was the other one's. It returns the channels that have to be asked
// again. The caller holds Hub.mu.
func (c *Client) change(user string, asked time.Time, proof string) (ask []string, changed bool) {
	p, err := newEventFrame(IdentifiedEvent, map[string]string{"user": user})
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone || asked.Before(c.asked) || err != nil { // a string always encodes
		return nil, false
	}
	c.asked, c.proof = asked, proof
	if c.user == user {
		return nil, false
	}
	c.user = user
	c.identity++
	c.forgetPrivate()
	for id := range c.channels {
		if ch := c.hub.channels[id]; ch != nil && ch.allow != nil {
			c.channels[id] = false
			ask = append(ask, id)
		}
	}
	c.enqueue(p)
	slices.Sort(ask)
	return ask, true
}

// serveIdentify answers a page that shows its cookies again. Only the page knows the name of its session.
func (h *Hub) serveIdentify(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	c := h.sessions[r.URL.Query().Get("session")]
	h.mu.Unlock()
	if c == nil {
		http.Error(w, "404 no such session", http.StatusNotFound)
		return
	}
	if err := h.Reidentify(c, r); err != nil {
		h.o.Logger.Warn(err.Error())
		http.Error(w, "403 forbidden", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]string{"user": c.User()}) // else the page has gone
}

// prompt asks pages to show their cookies again.
func (h *Hub) prompt(which func(*Client) bool) {
	f, err := newEventFrame(reidentifyEvent, nil)
	if err != nil {
		return // a constant
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.sessions {
		if which(c) {
			c.send(f)
		}
	}
}
