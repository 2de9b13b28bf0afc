package sourcemap_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/sourcemap"
)

// draw returns a map of one source or more. Each line of the text lists its segments: "column>source:line:column", or
// "column" for a segment without a source. All numbers are from 0.
func draw(text string, sources ...string) *sourcemap.Map {
	var w sourcemap.Writer
	for n, line := range strings.Split(text, "\n") {
		for part := range strings.FieldsSeq(line) {
			s := sourcemap.Segment{Source: -1, Name: -1}
			if _, err := fmt.Sscanf(part, "%d>%d:%d:%d", &s.Column, &s.Source, &s.OriginalLine, &s.OriginalColumn); err != nil {
				s = sourcemap.Segment{Source: -1, Name: -1}
				fmt.Sscan(part, &s.Column)
			}
			w.Add(n, s)
		}
	}
	return &sourcemap.Map{Version: 3, Sources: sources, Names: []string{}, Mappings: w.String()}
}

// drawn is the reverse of draw.
func drawn(m *sourcemap.Map) string {
	var b strings.Builder
	line := 0
	for n, s := range sourcemap.All(m.Mappings) {
		for ; line < n; line++ {
			b.WriteByte('\n')
		}
		if text := b.String(); text != "" && !strings.HasSuffix(text, "\n") {
			b.WriteByte(' ')
		}
		fmt.Fprint(&b, s.Column)
		if s.Source >= 0 {
			fmt.Fprintf(&b, ">%d:%d:%d", s.Source, s.OriginalLine, s.OriginalColumn)
		}
	}
	return b.String()
}

func TestCompose(t *testing.T) {
	for _, c := range []struct {
		name         string
		outer, inner string
		source       int
		want         string
		sources      string
	}{
		{"a place leads on", "0>0:2:4", "\n\n0>0:7:0 4>0:8:1", 0, "0>0:8:1", "[in out1]"},
		{"between two places the one before counts", "0>0:0:5", "0>0:1:1 4>0:2:2 9>0:3:3", 0, "0>0:2:2", "[in out1]"},
		{"a place before all others comes from nowhere", "3>0:0:1", "2>0:1:1", 0, "3", "[in out1]"},
		{"a line that the inner map lacks", "0>0:9:0 5>0:0:0", "0>0:1:1", 0, "0 5>0:1:1", "[in out1]"},
		{"a segment without a source ends the one before", "0>0:0:6", "0>0:1:1 4", 0, "0", "[in out1]"},
		{"other sources stay", "0>0:0:0 4>1:2:3", "0>0:1:1", 0, "0>0:1:1 4>1:2:3", "[in out1]"},
		{"the second source", "0>0:0:0 4>1:0:3", "0>0:1:1", 1, "0>1:0:0 4>0:1:1", "[in out0]"},
		{"lines", "\n0>0:0:0\n\n2>0:1:0", "0>0:5:0\n0>0:6:0", 0, "\n0>0:5:0\n\n2>0:6:0", "[in out1]"},
	} {
		m := sourcemap.Compose(draw(c.outer, "out0", "out1"), c.source, draw(c.inner, "in"))
		if got := drawn(m); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if got := fmt.Sprint(m.Sources); got != c.sources {
			t.Errorf("%s: sources are %s, want %s", c.name, got, c.sources)
		}
	}
}

func TestOriginal(t *testing.T) {
	m := draw("2>0:4:6 8 12>0:5:0\n\n0>0:9:9", "a")
	for at, want := range map[[2]int]string{
		{1, 1}: "5:7", {1, 3}: "5:7", {1, 8}: "5:7", {1, 9}: "none", {1, 12}: "none", {1, 13}: "6:1", {2, 1}: "none", {3, 80}: "10:10", {4, 1}: "none",
	} {
		got := "none"
		if p, ok := m.Original(at[0], at[1]); ok {
			got = fmt.Sprint(p.Line, ":", p.Column)
		}
		if got != want {
			t.Errorf("%v comes from %s, want %s", at, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		`{"version":3,"sources":["a"],"names":[],"mappings":"AAAA;AACA"}`:  "[a] 0>0:0:0\n0>0:1:0",
		`{"version":3,"sources":[null],"mappings":"AAAA,C"}`:               "[] 0>0:0:0 1",
		`{"version":3,"sourceRoot":"/src/","sources":["a"],"mappings":""}`: "[/src/a] ",
		`{"version":3,"sections":[{"offset":{"line":1,"column":2},"map":{"version":3,"sources":["a"],"mappings":"AAAA;AACA"}},{"offset":{"line":5,"column":0},"map":{"version":3,"sources":["b"],"mappings":"AAAA"}}]}`: "[a b] \n2>0:0:0\n0>0:1:0\n\n\n0>1:0:0",
		`{"version":3,"sources":["a"],"sourcesContent":["1","2"],"mappings":"AAAA"}`:                                                 "[a] 0>0:0:0",
		`{"version":3,"sections":[{"offset":{"line":2000000000,"column":0},"map":{"version":3,"sources":["a"],"mappings":"AAAA"}}]}`: "error",
		`no map`: "error", `{}`: "error", `null`: "error",
		`{"version":2,"sources":["a"],"mappings":"AAAA"}`:       "error",
		`{"version":3,"sources":["a"],"mappings":"AAA"}`:        "error",
		`{"version":3,"sources":["a"],"mappings":"A!AA"}`:       "error",
		`{"version":3,"sources":["a"],"mappings":"AAAg"}`:       "error",
		`{"version":3,"sources":["a"],"mappings":"ACAA"}`:       "error", // there is no second source
		`{"version":3,"sources":["a"],"mappings":"AADA"}`:       "error", // line -1
		`{"version":3,"sources":["a"],"mappings":"AAAAA"}`:      "error", // there is no name
		`{"version":3,"sources":["a"],"mappings":"gggggggggB"}`: "error",
	} {
		got := "error"
		if m, err := sourcemap.Parse([]byte(text)); err == nil {
			got = fmt.Sprintf("%v %s", m.Sources, drawn(m))
		}
		if got != want {
			t.Errorf("%s\ngot  %q\nwant %q", text, got, want)
		}
		if (sourcemap.Check(text) != nil) != (want == "error") {
			t.Errorf("%s: Check does not agree", text)
		}
	}
}

func TestChain(t *testing.T) {
	inner, outer := draw("\n\n0>0:7:3", "orig.vue"), draw("4>0:2:0", "x.vue")
	for name, c := range map[string]struct{ outer, inner, want string }{
		"both":             {string(outer.Encode()), string(inner.Encode()), "[orig.vue] 4>0:7:3"},
		"the first only":   {"", string(inner.Encode()), "[orig.vue] \n\n0>0:7:3"},
		"the second only":  {string(outer.Encode()), "", "[x.vue] 4>0:2:0"},
		"two sources":      {string(draw("0>0:0:0 4>1:2:0", "lib.scss", "x.vue").Encode()), string(inner.Encode()), "[orig.vue lib.scss] 0>1:0:0 4>0:7:3"},
		"of another input": {string(draw("0>0:2:0 4>1:2:0", "lib.scss", "y.vue").Encode()), string(inner.Encode()), "[lib.scss y.vue] 0>0:2:0 4>1:2:0"},
	} {
		m, err := sourcemap.Parse([]byte(sourcemap.Chain(c.outer, c.inner, "/src/x.vue", "/p/src/x.vue")))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%v %s", m.Sources, drawn(m)); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestAfter(t *testing.T) {
	if got := drawn(draw("0>0:0:0\n3>0:1:0", "a").After("/*\n😀*/")); got != "\n4>0:0:0\n3>0:1:0" {
		t.Errorf("got %q", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"version":3,"sources":["a"],"sourcesContent":["1","2"],"names":["n"],"mappings":"AAAA;AACAA,C"}`)
	f.Add(`{"version":3,"sections":[{"offset":{"line":1,"column":2},"map":{"version":3,"sources":["a"],"mappings":"AAAA;AACA"}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := sourcemap.Parse([]byte(text))
		if err != nil {
			return
		}
		if len(m.SourcesContent) > len(m.Sources) {
			t.Error("there are texts without a source")
		}
		again, err := sourcemap.Parse(sourcemap.Compose(m.After("x\n"), m.Input("a", "/b"), m).Encode())
		if err != nil {
			t.Errorf("what was made of %s cannot be read: %v", text, err)
		} else {
			again.Original(1, 1)
		}
	})
}
