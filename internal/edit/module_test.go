package edit

import (
	"slices"
	"testing"

	"github.com/seed-b8174343/devserver/internal/graph"
)

// TestMerge adds what a later save of an edit made of a module to what an earlier save made of it.
func TestMerge(t *testing.T) {
	first, second := &graph.Version{Rev: "1"}, &graph.Version{Rev: "2"}
	for _, c := range []struct {
		name          string
		earlier, then module
		want          outcome
		changed       bool
	}{
		{"changed, then changed back", module{outcome: compiled, differs: true}, module{outcome: compiled}, compiled, true},
		{"the same twice", module{outcome: compiled}, module{outcome: compiled}, compiled, false},
		{"changed, then broken", module{outcome: compiled, differs: true}, module{outcome: broken}, broken, false},
		{"broken, then the old content", module{outcome: broken}, module{outcome: compiled, differs: true}, compiled, true},
		{"changed, then empty", module{outcome: compiled, differs: true}, module{outcome: emptied}, emptied, false},
		{"changed, empty, then as it was", module{outcome: emptied, differs: true}, module{outcome: compiled}, compiled, true},
		{"fresh, then saved unchanged", module{outcome: fresh}, module{outcome: compiled}, fresh, false},
		{"fresh, then saved with a change", module{outcome: fresh}, module{outcome: compiled, differs: true}, compiled, true},
		{"changed, then deleted", module{outcome: compiled, differs: true}, module{outcome: deleted}, deleted, false},
	} {
		c.earlier.was, c.then.was = first, second
		all := modules{"/a.ts": &c.earlier}
		all.merge(modules{"/a.ts": &c.then, "/b.ts": {outcome: compiled}})
		got := all["/a.ts"]
		if got.outcome != c.want || got.isChanged() != c.changed {
			t.Errorf("%s: outcome %d, changed %v; want %d, %v", c.name, got.outcome, got.isChanged(), c.want, c.changed)
		}
		if got.was != first || len(all) != 2 {
			t.Errorf("%s: the version before the edit is %v of %d modules", c.name, got.was, len(all))
		}
	}
}

func TestListsOfAnEdit(t *testing.T) {
	all := modules{
		"/b.ts": {outcome: compiled, differs: true}, "/a.ts": {outcome: compiled, differs: true}, "/same.ts": {outcome: compiled},
		"/x.css?direct": {outcome: compiled, differs: true}, "/new.ts": {outcome: fresh}, "/gone.ts": {outcome: deleted},
		"/taken.ts": {outcome: handled, differs: true}, "/bad.ts": {outcome: broken, differs: true},
	}
	for name, c := range map[string]struct{ got, want []string }{
		"changed": {all.changed(), []string{"/a.ts", "/b.ts"}},
		"styles":  {all.styles(), []string{"/x.css?direct"}},
		"fresh":   {all.with(fresh), []string{"/new.ts"}},
		"deleted": {all.with(deleted), []string{"/gone.ts"}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %q, want %q", name, c.got, c.want)
		}
	}
}
