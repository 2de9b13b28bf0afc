package hmr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// IdentifiedEvent is the event that a page gets when its user has changed. Its data is {"user": "ann"}; the user of
	// a guest is "". Messages for the user before come before this event, messages for the new user after it.
	IdentifiedEvent = "devserver:identified"
	// reidentifyEvent asks a page to send a request with its cookies, see serveIdentify.
	reidentifyEvent = "devserver:reidentify"
)

// ErrUnsure is the error that Identify returns when it cannot answer at the moment, for example because the program
// that knows the sessions is restarting. Then a page keeps its user if its cookies are those that the user was found
// by. Any other page becomes a guest, since its user may have signed out. Call [Hub.SetIdentify] when Identify can
// answer again.
//
// ErrUnsure needs Options.KeepRequests. Without it each page that Identify is unsure about becomes a guest.
var ErrUnsure = errors.New("cannot identify the page right now")

// rule is the Identify function of a hub. Two rules are the same if they are the same pointer.
type rule struct {
	identify func(*http.Request) (user string, err error)
}

func newRule(identify func(*http.Request) (string, error)) *rule {
	if identify == nil {
		return nil
	}
	return &rule{identify}
}

// identity says who a page is, and how that was found out. A socket has the identity that it was opened with, a Client
// the newest one.
type identity struct {
	user    string        // "" for a guest
	unsure  bool          // the rule returned ErrUnsure; user is ""
	request *http.Request // that the user was found by, see keep; nil when no later request can confirm the user
	at      time.Time     // when the request came
	by      *rule         // that was asked; nil when the hub knows no users
}

// outdates reports whether the identity takes the place of the other one. Answers about requests may come in any order:
// the newest request counts. A rule that was replaced does not count, since its successor is asked about the same
// request. now is the rule of the hub.
func (i identity) outdates(other identity, now *rule) bool {
	return i.by == now && (other.by != now || !i.at.Before(other.at))
}

// identify asks the rule who sent the request. kept is what stays of the request. With an error the identity is a
// guest's; ErrUnsure is not an error here but makes the identity unsure.
func (h *Hub) identify(r, kept *http.Request, at time.Time) (identity, error) {
	i := identity{request: kept, at: at, by: h.rule.Load()}
	if i.by == nil {
		return i, nil
	}
	user, err := i.by.identify(r)
	switch {
	case err == nil:
		i.user = user
	case errors.Is(err, ErrUnsure):
		i.unsure = true
	default:
		i.request = nil
		return i, err
	}
	return i, nil
}

// settled is the identity, or a guest's in place of an unsure one.
func (i identity) settled() identity {
	if i.unsure {
		return identity{at: i.at, by: i.by}
	}
	return i
}

// confirms reports whether an unsure identity comes with the credentials that the other identity was found by.
func (i identity) confirms(other identity) bool {
	return i.request != nil && other.request != nil && credentials(i.request) == credentials(other.request)
}

// credentials returns what browsers send to show who they are.
func credentials(r *http.Request) string {
	return strings.Join(r.Header["Cookie"], "; ") + "\n" + strings.Join(r.Header["Authorization"], "\n")
}

// keep returns what SetIdentify and ErrUnsure need of a request, nil without Options.KeepRequests. The query is left
// out: it holds the token and the name of the session, which no rule needs.
func (h *Hub) keep(r *http.Request) *http.Request {
	if !h.o.KeepRequests {
		return nil
	}
	return &http.Request{
		Method: r.Method, URL: &url.URL{Path: r.URL.Path}, RequestURI: r.URL.EscapedPath(), Host: r.Host,
		Proto: r.Proto, ProtoMajor: r.ProtoMajor, ProtoMinor: r.ProtoMinor, TLS: r.TLS,
		Header: r.Header.Clone(), Body: http.NoBody, RemoteAddr: r.RemoteAddr,
	}
}

// noteRequest stores the page's last identifying request, unless a newer one is stored.
func (c *page) noteRequest(kept *http.Request, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !at.Before(c.lastRequestAt) {
		c.lastRequest, c.lastRequestAt = kept, at
	}
}

// SetIdentify replaces Options.Identify, or the function of the last SetIdentify, while pages are open. With nil the
// hub knows no users, and all pages become guests.
//
//   - With Options.KeepRequests the new function is asked about the last identifying request of each page before
//     SetIdentify returns. [Hub.Reidentify] says what follows when a user changes.
//   - Without KeepRequests each page is asked to identify itself, and keeps its user until then.
//   - If the hub knew no users before, each page is asked to identify itself, and is a guest until then. The reason is
//     that its last request may be older than its cookies.
func (h *Hub) SetIdentify(identify func(*http.Request) (user string, err error)) {
	h.mu.Lock()
	had := h.rule.Swap(newRule(identify)) != nil
	pages := h.list()
	h.mu.Unlock()
	switch {
	case !had && identify == nil:
	case identify == nil:
		for _, c := range pages {
			c.identifyAs(identity{at: time.Now()})
		}
	case had:
		h.identifyAgain(pages...)
	default:
		h.prompt(func(*page) bool { return true })
	}
}

// mostQuestions bounds how many pages the rule is asked about at the same time.
const mostQuestions = 64

// identifyAgain asks the rule about the last request of each page, and waits for the answers. Pages without a stored
// request are asked to identify themselves.
func (h *Hub) identifyAgain(pages ...*page) {
	var all sync.WaitGroup
	free := make(chan struct{}, mostQuestions)
	for _, c := range pages {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			c.mu.Lock()
			last, at := c.lastRequest, c.lastRequestAt
			c.mu.Unlock()
			if last == nil {
				h.prompt(func(other *page) bool { return other == c })
				return
			}
			if err := h.identifyPage(c, last, last, at); err != nil {
				h.o.Logger.Warn(err.Error())
			}
		})
	}
	all.Wait()
}

// Reidentify identifies a page again, by a request with its new cookies. The page stays connected. If its user changes:
//
//   - what waits for the user before is dropped, so that a message for one user never reaches another;
//   - the page leaves its rooms;
//   - Allow is asked again for each channel that the page listens to, and the page gets retained messages again;
//   - what a [Client] of a signed-in user before sends fails with [ErrUserChanged], and a request that the page made as
//     that user is answered with an error of the code "user_changed";
//   - the page gets [IdentifiedEvent], and hooks of [Hub.OnIdentify] are called.
//
// The error is that of Identify, and makes the page a guest. ErrUnsure is not an error.
//
// Pages identify themselves again without a call of Reidentify, see [Hub.ServeHTTP] and [Hub.WatchCookies].
func (h *Hub) Reidentify(c *Client, r *http.Request) error {
	kept, at := h.keep(r), time.Now()
	c.noteRequest(kept, at)
	return h.identifyPage(c.page, r, kept, at)
}

// identifyPage asks the rule about the request and gives the page the answer.
func (h *Hub) identifyPage(c *page, r, kept *http.Request, at time.Time) error {
	i, err := h.identify(r, kept, at)
	c.identifyAs(i)
	if err != nil {
		return fmt.Errorf("identify page %s: %w", c.ID(), err)
	}
	return nil
}

// OnIdentify calls fn for each open page whose user has changed, with the user that the change is about. The page may
// have another user when fn is called. A change before the hooks of OnConnect is not reported: OnConnect sees the new
// user. off removes fn.
func (h *Hub) OnIdentify(fn func(context.Context, *Client)) (off func()) {
	return addHook(h, &h.hooks.identify, &clientHook{fn})
}

// identifyAs gives the page an identity, unless it has a newer one or the rule was replaced. A socket that tabs share
// may have been opened before a tab signed in or out, so its identity may be the older one.
func (c *page) identifyAs(i identity) {
	c.moving.Lock()
	defer c.moving.Unlock()
	h := c.hub
	// Nothing is sent while the hub is locked: what is sent later is for the new user.
	h.mu.Lock()
	before, changed := c.replaceIdentity(i)
	if !changed {
		h.mu.Unlock()
		return
	}
	questions := c.attendAll()
	rooms := sortedKeys(c.rooms)
	for _, room := range rooms {
		h.removeFrom(room, c)
	}
	left, identified := h.hooks.leave, h.hooks.identify
	h.mu.Unlock()
	if !c.isGreeted() {
		identified = nil
	}
	for _, room := range rooms {
		c.callRoomHooks(left, "leave", before, room)
	}
	h.ask(questions...)
	if len(identified) > 0 {
		as := c.client() // moving is held: a later change has hooks of its own
		// After the hooks of leave: a hook of identify may let the page into rooms again.
		h.lane(c, roomsLane, "").add(h, nil, func() {
			for _, k := range identified {
				h.call(as, "identify", k.fn)
			}
		})
	}
}

// replaceIdentity stores an identity that outdates the page's, and reports whether the user changed. Then it takes from
// the page what belonged to the user before, and returns the page with that user. The caller holds Hub.mu.
func (c *page) replaceIdentity(i identity) (before *Client, changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone || !i.outdates(c.identity, c.hub.rule.Load()) {
		return nil, false
	}
	if i.unsure && i.confirms(c.identity) {
		c.identity.at, c.identity.by = i.at, i.by
		return nil, false
	}
	before = c.as
	c.identity = i.settled()
	if c.identity.user == before.user {
		return nil, false
	}
	c.as = &Client{c, c.identity.user}
	c.forgetPending()
	c.forgetPrivate()
	c.forgetUser()
	f, err := newEventFrame(IdentifiedEvent, map[string]string{"user": c.identity.user})
	if err == nil { // always: a string is JSON
		c.enqueue(f)
	}
	return before, true
}

// serveIdentify answers a page that identifies itself again: a POST with the page's cookies and the name of its
// session, which only the page knows.
func (h *Hub) serveIdentify(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	c := h.sessions[r.URL.Query().Get("session")]
	h.mu.Unlock()
	if c == nil {
		http.Error(w, "404 no such session", http.StatusNotFound)
		return
	}
	if err := h.Reidentify(c.client(), r); err != nil {
		h.o.Logger.Warn(err.Error())
		http.Error(w, "403 forbidden", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]string{"user": c.client().User()}) // an error means that the page has gone
}

// prompt asks pages to identify themselves.
func (h *Hub) prompt(which func(*page) bool) {
	f, err := newEventFrame(reidentifyEvent, nil)
	if err != nil {
		return // never: the event is a constant
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.sessions {
		if which(c) {
			c.send(f)
		}
	}
}
