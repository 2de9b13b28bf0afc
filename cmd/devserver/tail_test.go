package main

import (
	"strings"
	"testing"
)

// TestTailShowsRequests: requests of a page, to it, and in its place have the same numbers.
func TestTailShowsRequests(t *testing.T) {
	tail := &tail{}
	var got []string
	for _, line := range []string{
		`{"type":"request","from":"c1","event":"of:page","id":1}`,
		`{"type":"request","to":"c1","event":"to:page","id":1}`,
		`{"type":"request","from":"c1","event":"called","id":1,"called":true}`,
		`{"type":"request","to":"c2","event":"to:other","id":1}`,
		`{"type":"reply","to":"c1","event":"called","id":1,"called":true}`,
		`{"type":"reply","from":"c1","event":"to:page","id":1}`,
		`{"type":"reply","to":"c1","event":"of:page","id":1}`,
		`{"type":"reply","from":"c2","event":"to:other","id":1}`,
	} {
		text, ok := tail.line([]byte(line))
		if !ok {
			t.Errorf("%s is not shown", line)
		}
		_, text, _ = strings.Cut(strings.TrimSpace(text), "  ")
		got = append(got, text)
	}
	want := []string{
		"from c1  of:page (request 1)", "to   c1  to:page (request 1)", "from c1  called (called) (request 1)", "to   c2  to:other (request 1)",
		"to   c1  called (called) (answer 1)", "from c1  to:page (answer 1)", "to   c1  of:page (answer 1)", "from c2  to:other (answer 1)",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
