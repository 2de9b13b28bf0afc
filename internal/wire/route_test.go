package wire_test

import (
	"testing"

	"github.com/seed-b8174343/devserver/internal/wire"
)

func TestMatchRoute(t *testing.T) {
	for _, c := range []struct {
		pattern, method, path string
		want                  bool
	}{
		{"/api/", "GET", "/api/x", true},
		{"/api/", "GET", "/api", true},
		{"/api/", "GET", "/apix", false},
		{"/api/", "GET", "/api/../secret", false},
		{"/api", "GET", "/api", true},
		{"/api", "GET", "/api/", false},
		{"POST /save", "POST", "/save", true},
		{"POST /save", "GET", "/save", false},
		{"GET /a", "HEAD", "/a", true},
		{"/", "GET", "/anything", true},
		{"/api/", "GET", "//api/x", true},
	} {
		if got := wire.MatchRoute(c.pattern, c.method, c.path); got != c.want {
			t.Errorf("%q, %s %s: got %v", c.pattern, c.method, c.path, got)
		}
	}
}
