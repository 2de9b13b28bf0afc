package wire_test

import (
	"testing"

	"github.com/seed-b8174343/devserver/internal/wire"
)

func TestFilter(t *testing.T) {
	for _, c := range []struct {
		name   string
		filter wire.Filter
		id     string
		want   bool
	}{
		{"zero", wire.Filter{}, "/a.ts", true},
		{"prefix", wire.Filter{Prefixes: []string{"virtual:"}}, "virtual:a", true},
		{"other prefix", wire.Filter{Prefixes: []string{"virtual:"}}, "/a.ts", false},
		{"suffix before a query", wire.Filter{Suffixes: []string{".vue"}}, "/a.vue?vue&type=style", true},
		{"suffix in a query", wire.Filter{Suffixes: []string{".scss"}}, "/a.vue?lang.scss", false},
		{"pattern in a query", wire.Filter{Patterns: []string{`lang\.scss$`}}, "/a.vue?lang.scss", true},
		{"one of several", wire.Filter{Prefixes: []string{"x:"}, Suffixes: []string{".ts"}, Patterns: []string{"^y"}}, "y", true},
		{"none of several", wire.Filter{Prefixes: []string{"x:"}, Suffixes: []string{".ts"}, Patterns: []string{"^y"}}, "/y", false},
		{"excluded", wire.Filter{Suffixes: []string{".ts"}, Exclude: []string{`/node_modules/`}}, "/node_modules/a.ts", false},
		{"not excluded", wire.Filter{Suffixes: []string{".ts"}, Exclude: []string{`/node_modules/`}}, "/a.ts", true},
		{"nothing but exclusions", wire.Filter{Exclude: []string{`/node_modules/`}}, "/a.js", true},
		{"content only", wire.Filter{Contains: []string{"x"}}, "/a.js", true},
		// A program in another language may have expressions that Go's engine cannot read.
		{"unreadable pattern", wire.Filter{Patterns: []string{`(?=x)`}}, "/a.js", true},
		{"unreadable exclusion", wire.Filter{Exclude: []string{`(?=x)`}}, "/a.js", true},
	} {
		if got := c.filter.Matches(c.id); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
	if (wire.Filter{Exclude: []string{"x"}, Contains: []string{"x"}}).Picks() || !(wire.Filter{Patterns: []string{"x"}}).Picks() {
		t.Error("Picks is wrong")
	}
	some := wire.Filter{Contains: []string{"@apply", "theme("}}
	if !some.MatchesText("a { @apply b }") || some.MatchesText("a {}") || !(wire.Filter{}).MatchesText("a {}") {
		t.Error("the text does not decide")
	}
	if some.Check() != nil || (wire.Filter{Exclude: []string{"("}}).Check() == nil || (wire.Filter{Patterns: []string{"("}}).Check() == nil {
		t.Error("Check is wrong")
	}
}

func TestFilterOfAHook(t *testing.T) {
	p := wire.PluginInfo{Filter: wire.Filter{Suffixes: []string{".a"}}, Filters: map[string]wire.Filter{"load": {Suffixes: []string{".b"}}}}
	if !p.FilterOf("load").Matches("x.b") || p.FilterOf("load").Matches("x.a") || !p.FilterOf("transform").Matches("x.a") {
		t.Error("a hook's own filter does not replace the plugin's")
	}
}
