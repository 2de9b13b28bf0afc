package hmr

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"
)

// Disconnect ends all sessions of the user: signed out, revoked. The reason reaches the pages' consoles. It returns how
// many pages there were.
func (h *Hub) Disconnect(user, reason string) int {
	if user == "" {
		return 0 // guests are nobody's pages
	}
	n := 0
	for _, c := range h.Clients() {
		if c.User() == user {
			c.Close(reason)
			n++
		}
	}
	return n
}

const (
	// IdentifiedEvent tells a page that its user is another one from here on; its data is {"user": "ann"}, "" for a guest.
	// What was for the user before is before it, what is for the new one behind it.
	IdentifiedEvent = "devserver:identified"
	// reidentifyEvent asks a page to show its cookies again.
	reidentifyEvent = "devserver:reidentify"
)

func (h *Hub) identify(r *http.Request) (string, error) {
	if h.o.Identify == nil {
		return "", nil
	}
	return h.o.Identify(r)
}

// Reidentify asks Options.Identify again for a page, with a request that carries its new cookies. The page stays
// connected. When its user is another one now, what still waits for the one before is dropped, since a message for one
// user never reaches another one, the page leaves its rooms, and the channels that it listens to ask their Allow again.
// With an error of Identify the page becomes a guest's.
//
// Pages ask for it themselves, see ServeHTTP and WatchCookies.
func (h *Hub) Reidentify(c *Client, r *http.Request) error {
	asked := time.Now()
	user, err := h.identify(r)
	if err != nil {
		user, err = "", fmt.Errorf("identify page %s: %w", c.ID(), err)
	}
	c.become(user, asked)
	return err
}

// OnIdentify calls fn for each page whose user has changed while it was open. off ends it.
func (h *Hub) OnIdentify(fn func(context.Context, *Client)) (off func()) {
	return addHook(h, &h.hooks.identify, &clientHook{fn})
}

// become makes the page that of another user. What is known since before the page's own user is old: a socket that tabs
// share was opened before some of them signed in or out.
func (c *Client) become(user string, asked time.Time) {
	c.moving.Lock()
	defer c.moving.Unlock()
	h := c.hub
	// Under the hub's lock nothing is sent: all that comes later is for the new user.
	h.mu.Lock()
	ask, changed := c.change(user, asked)
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
func (c *Client) change(user string, asked time.Time) (ask []string, changed bool) {
	p, err := newEventFrame(IdentifiedEvent, map[string]string{"user": user})
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone || asked.Before(c.asked) || err != nil { // a string always encodes
		return nil, false
	}
	c.asked = asked
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

// WatchCookies returns next, and asks the pages of a browser to identify themselves again when an answer of next changes
// a cookie of that browser: the handlers behind which users sign in and out. HttpOnly cookies are seen too; their
// values go nowhere. Pages are taken for those of one browser by their address and User-Agent; one that is taken so by
// mistake identifies as who it was. Without Options.Identify it is next itself.
func (h *Hub) WatchCookies(next http.Handler) http.Handler {
	if h.o.Identify == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		watched := &cookieWriter{ResponseWriter: w, hub: h, r: r}
		next.ServeHTTP(watched, r)
		watched.look() // of an answer without a body and status
	})
}

// cookieWriter looks at the head of an answer.
type cookieWriter struct {
	http.ResponseWriter
	hub  *Hub
	r    *http.Request
	seen bool
}

// Unwrap is for http.ResponseController.
func (w *cookieWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *cookieWriter) WriteHeader(status int) {
	w.ResponseWriter.WriteHeader(status)
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.look()
	}
}

func (w *cookieWriter) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	w.look()
	return n, err
}

// Flush and Hijack are for handlers that look for them by type.
func (w *cookieWriter) Flush() {
	_ = http.NewResponseController(w.ResponseWriter).Flush() // what cannot be flushed is sent at the end
	w.look()
}

func (w *cookieWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

func (w *cookieWriter) look() {
	if w.seen {
		return
	}
	w.seen = true
	if cookiesChange(w.r, w.Header()) {
		w.hub.askAgain(w.r)
	}
}

// cookiesChange tells whether the answer sets a cookie to what the request did not bring. Many servers send a session's
// cookie again with each answer.
func cookiesChange(r *http.Request, answer http.Header) bool {
	for _, line := range answer.Values("Set-Cookie") {
		set, err := http.ParseSetCookie(line)
		if err != nil {
			return true // the browser may make something of it
		}
		had, err := r.Cookie(set.Name)
		if errors.Is(err, http.ErrNoCookie) && set.MaxAge < 0 {
			continue // what is not there is deleted
		}
		if err != nil || had.Value != set.Value || set.MaxAge < 0 {
			return true
		}
	}
	return false
}

// askAgain asks the pages of the browser that sent the request.
func (h *Hub) askAgain(r *http.Request) {
	f, err := newEventFrame(reidentifyEvent, nil)
	if err != nil {
		return // a constant
	}
	from := address(r)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.sessions {
		if c.userAgent == r.UserAgent() && c.address == from {
			c.send(f)
		}
	}
}

// address is the host that a request came from. This machine has several.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		return "localhost"
	}
	return host
}
