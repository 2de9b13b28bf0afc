package wire

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// MatchRoute reports whether a route's pattern is for a request. A pattern is a path, or one that ends in "/" and is
// for everything below it; a method may stand before it ("POST /save"). GET is for HEAD, too.
func MatchRoute(pattern, method, p string) bool {
	if m, rest, ok := strings.Cut(pattern, " "); ok {
		if m != method && (m != http.MethodGet || method != http.MethodHead) {
			return false
		}
		pattern = strings.TrimSpace(rest)
	}
	clean := path.Clean("/" + strings.TrimPrefix(p, "/"))
	if len(p) > 1 && strings.HasSuffix(p, "/") {
		clean += "/"
	}
	if strings.HasSuffix(pattern, "/") {
		return strings.HasPrefix(clean, pattern) || clean+"/" == pattern
	}
	return clean == pattern
}

// Retarget gives a request another target, which must be a path with or without a query.
func Retarget(r *http.Request, target string) error {
	u, err := url.ParseRequestURI(target)
	if err != nil || !strings.HasPrefix(target, "/") {
		return fmt.Errorf("the URL %q is no path", target)
	}
	r.URL, r.RequestURI = u, target
	return nil
}

// mostDrained is how much of a body net/http reads for a handler that has not. It closes the connection when there is
// more.
const mostDrained = 256 << 10

// Drain reads what a handler has left of a request's body. It must be called in the handler after EnableFullDuplex:
// net/http would read the rest after the handler, and its next read of the connection then panics.
func Drain(r *http.Request) {
	if r.Header.Get("Expect") == "" { // such a client sends the body only if it is read
		_, _ = io.CopyN(io.Discard, r.Body, mostDrained) // what cannot be read is nobody's
	}
}
