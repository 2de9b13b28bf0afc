package hmr

import (
	"bufio"
	"errors"
	"net"
	"net/http"
)

// WatchCookies returns next, and asks the pages of a browser to identify themselves again when an answer of next changes
// a cookie of that browser: the handlers behind which users sign in and out. HttpOnly cookies are seen too; their
// values go nowhere. Pages are taken for those of one browser by their address and User-Agent; one that is taken so by
// mistake identifies as who it was. While nobody is known it is next itself, see Options.Identify.
func (h *Hub) WatchCookies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.rule.Load() == nil {
			next.ServeHTTP(w, r)
			return
		}
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
	from := address(r)
	h.prompt(func(c *Client) bool { return c.userAgent == r.UserAgent() && c.address == from })
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
