package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver"
)

// TestCommandLinePage: docs/command-line.md has each command, flag and key that the program explains.
func TestCommandLinePage(t *testing.T) {
	page, err := devserver.Guides.ReadFile("docs/command-line.md")
	if err != nil {
		t.Fatal(err)
	}
	var keys strings.Builder
	(&shortcuts{out: &keys}).do("h")
	for _, c := range []struct{ text, pattern, mark string }{
		{helpText, `(?m)^  devserver (\w+)`, "devserver %"},
		{helpText, `(?m)(?:^|\s)(-[\w-]+)`, "%"},
		{keys.String(), `press (\w) \+ Enter`, "| `%` |"},
	} {
		found := regexp.MustCompile(c.pattern).FindAllStringSubmatch(c.text, -1)
		if len(found) == 0 {
			t.Errorf("%s finds nothing in %q", c.pattern, c.text)
		}
		for _, m := range found {
			if mark := strings.ReplaceAll(c.mark, "%", m[1]); !strings.Contains(string(page), mark) {
				t.Errorf("docs/command-line.md does not have %s", mark)
			}
		}
	}
}

// TestInitIsInTheGuide: docs/getting-started.md has the program that init writes. A test runs the guide.
func TestInitIsInTheGuide(t *testing.T) {
	page, err := devserver.Guides.ReadFile("docs/getting-started.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "```go devserver/main.go\n"+initMain+"```\n") {
		t.Errorf("docs/getting-started.md does not have\n%s", initMain)
	}
}
