package nearest_test

import (
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
