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

// TestReplaceAsJavaScript: each row was checked with String.prototype.replace.
func TestReplaceAsJavaScript(t *testing.T) {
	for _, c := range []struct{ expression, flags, text, replacement, want string }{
		{`a`, "", "aba", "x", "xba"},
		{`a`, "g", "aba", "x", "xbx"},
		{`^ICON:(.*)$`, "i", "icon:star", "/icons/$1.ts", "/icons/star.ts"},
		{`^icon:(?!none)(.*)$`, "i", "Icon:star", "/icons/$1.ts", "/icons/star.ts"},
		{`b`, "", "abc", "[$&|$`|$'|$$|$1|$0]", "a[b|a|c|$|$1|$0]c"},
		{`(?<=a)b(?!d)`, "", "éabc", "[$&|$`|$'|$$1]", "éa[b|éa|c|$1]c"},
		{`(a)(b)`, "", "ab", "$2$1$3$12$01", "ba$3a2a"},
		{`(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)`, "", "abcdefghijk", "$11$10$1", "kja"},
		{`(?<first>a)(b)(?!x)`, "", "ab", "$2$1-$<first>-$<none>", "ba-a-"},
		{`(?<first>a)(b)`, "", "ab", "$2$1-$<first>", "ba-a"},
		{`(a)(b)`, "", "ab", "$<first>", "$<first>"},
		{`(a)|(b)(?!x)`, "", "b", "[$1$2]", "[b]"},
		{`b`, "y", "abc", "x", "abc"},
		{`[(](\w)`, "", "(a", "$1", "a"},
		{`a$`, "", "ab", "x", "ab"},
		{`a(?=b)`, "", "", "x", ""},
	} {
		p, err := pattern.CompileFlags(c.expression, c.flags)
		if err != nil {
			t.Errorf("/%s/%s: %v", c.expression, c.flags, err)
			continue
		}
		if got := p.Replace(c.text, c.replacement); got != c.want {
			t.Errorf("/%s/%s: %s with %s becomes %s, want %s", c.expression, c.flags, c.text, c.replacement, got, c.want)
		}
	}
	if _, err := pattern.CompileFlags("a", "q"); err == nil {
		t.Error("a flag that does not exist is no error")
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
