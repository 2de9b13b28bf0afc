package pattern_test

import (
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/pattern"
)

func TestPattern(t *testing.T) {
	for _, c := range []struct{ expression, text, replacement, want string }{
		{"^/api", "/api/x", "", "/x"},
		{"^/v([0-9])", "/v2/x", "/version${1}", "/version2/x"},
		{"^/v([0-9])", "/api", "/version${1}", "/api"},
		{`^/(?!src|@|node_modules)(\w+)`, "/users/1", "/php/$1", "/php/users/1"},
		{`^/(?!src|@|node_modules)(\w+)`, "/src/main.ts", "/php/$1", "/src/main.ts"},
		{`^/(?<name>\w+)(?=/)`, "/users/1", "/${name}s", "/userss/1"},
		{`(?<=/api)/v1`, "/api/v1/x", "", "/api/x"},
		{`^(/\w+)\1`, "/a/a/b", "$1", "/a/b"},
	} {
		p, err := pattern.Compile(c.expression)
		if err != nil {
			t.Errorf("%s: %v", c.expression, err)
			continue
		}
		if got := p.Replace(c.text, c.replacement); got != c.want {
			t.Errorf("%s: %s becomes %s, want %s", c.expression, c.text, got, c.want)
		}
		if matches := c.text != c.want; p.Match(c.text) != matches {
			t.Errorf("%s matches %s: %t, want %t", c.expression, c.text, !matches, matches)
		}
	}
	if _, err := pattern.Compile("^/(a"); err == nil || err.Error() != "missing closing ): `^/(a`" {
		t.Errorf("got error %v", err)
	}
}

// TestPatternGivesUp matches nothing where backtracking would take years.
func TestPatternGivesUp(t *testing.T) {
	p, err := pattern.Compile(`^(?!x)(a+)+$`)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("a", 60) + "b"
	if p.Match(text) || p.Replace(text, "") != text {
		t.Error("it matched")
	}
}
