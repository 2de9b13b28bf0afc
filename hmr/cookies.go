package hmr

import (
	"bufio"
	"errors"
	"net"
	"net/http"
)

// WatchCookies returns a handler that calls next and looks at the cookies of its answers. When an answer changes a
// cookie, the pages of that browser are asked to identify themselves. Wrap the handlers by which users sign in and out.
//
//   - It sees HttpOnly cookies, too. Their values go nowhere.
//   - It takes pages for those of one browser by their address and User-Agent. A page of another browser that it asks
//     by mistake keeps its user.
//   - While the hub knows no users it does nothing, see Options.Identify.
func (h *Hub) WatchCookies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.rule.Load() == nil || isWatched(w) {
			next.ServeHTTP(w, r)
			return
		}
		watched := &cookieWriter{ResponseWriter: w, hub: h, r: r}
		next.ServeHTTP(watched, r)
		watched.look() // next may have written neither a status nor a body
	})
}

// cookieWriter looks at the header of an answer once it is complete.
type cookieWriter struct {
	http.ResponseWriter
	hub    *Hub
	r      *http.Request
	looked bool
}

// isWatched reports whether the answer is watched already, by a handler around this one.
func isWatched(w http.ResponseWriter) bool {
	for {
		switch own := w.(type) {
		case *cookieWriter:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = own.Unwrap()
		default:
			return false
		}
	}
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

// look asks the browser's pages if the answer changes a cookie. Only the first call does something.
func (w *cookieWriter) look() {
	if w.looked {
		return
	}
	w.looked = true
	if cookiesChange(w.r, w.Header()) {
		from := browserOf(w.r)
		w.hub.prompt(func(c *page) bool { return c.browser == from })
	}
}

// cookiesChange reports whether the answer sets a cookie to a value that the request did not have. Many servers send
// the session's cookie again with each answer.
func cookiesChange(r *http.Request, answer http.Header) bool {
	for _, line := range answer.Values("Set-Cookie") {
		set, err := http.ParseSetCookie(line)
		if err != nil {
			return true // the browser may understand it
		}
		had, err := r.Cookie(set.Name)
		if errors.Is(err, http.ErrNoCookie) && set.MaxAge < 0 {
			continue // it deletes a cookie that is not there
		}
		if err != nil || had.Value != set.Value || set.MaxAge < 0 {
			return true
		}
	}
	return false
}

// browser is by what WatchCookies takes pages for those of one browser.
type browser struct {
	userAgent, address string
}

func browserOf(r *http.Request) browser { return browser{r.UserAgent(), address(r)} }

// address returns the host that a request came from: "localhost" for each of this machine's own addresses.
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
