package wire

import (
	"net/http"
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
