package nearest_test

import (
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/nearest"
)

func TestName(t *testing.T) {
	known := []string{"port", "proxy", "host", "PORT2", ""}
	for _, c := range []struct {
		written string
		most    int
		want    string
	}{
		{"prot", 1, "port"}, // swapping two letters is one change
		{"prxy", 1, "proxy"},
		{"hosts", 1, "host"},
		{"Host", 0, "host"},
		{"post", 1, "port"}, // "port" and "host" are equally near, and "port" is the first
		{"port2", 1, "PORT2"},
		{"pqrst", 1, ""},
		{"port", -1, ""},
		{"", 0, ""},
	} {
		if got := nearest.Name(c.written, known, c.most); got != c.want {
			t.Errorf("%q within %d: %q, want %q", c.written, c.most, got, c.want)
		}
	}
}

func TestOrder(t *testing.T) {
	for _, c := range []struct{ written, names, want string }{
		{"evnts", "panel events speed", "events panel speed"},
		{"Play", "chat hello playground", "playground chat hello"}, // the name is not written to its end
		{"pl", "chat playground", "playground chat"},
		{"updates", "dates hot-updates", "hot-updates dates"},
		{"vite", "coming-from-vite vite-plugins", "vite-plugins coming-from-vite"},
		{"ea", "peach sea", "sea peach"}, // two letters are in a name by chance
		{"", "bb a", "a bb"},
	} {
		if got := strings.Join(nearest.Order(c.written, strings.Fields(c.names)), " "); got != c.want {
			t.Errorf("%q: %q, want %q", c.written, got, c.want)
		}
	}
}

func TestLike(t *testing.T) {
	for _, c := range []struct{ written, names, want string }{
		{"nope", "panel speed readme", ""},
		{"sped", "panel speed readme", "speed"},
		{"spxxd", "speed", "speed"},
		{"sxxxd", "speed", ""},
		{"Vite", "panel coming-from-vite", "coming-from-vite"},
		{"config.json", "panel Config", "Config"},
		{"go-x", "go", ""},
	} {
		if got := strings.Join(nearest.Like(c.written, strings.Fields(c.names)), " "); got != c.want {
			t.Errorf("%q: %q, want %q", c.written, got, c.want)
		}
	}
}
