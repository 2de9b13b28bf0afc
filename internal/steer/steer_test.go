package steer

import (
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/graph"
)

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"cart:add", "cart:add", true},
		{"cart:add", "cart:added", false},
		{"cart:*", "cart:add", true},
		{"*", "", true},
		{"*:add", "cart:add", true},
		{"c*:a*d", "cart:add", true},
		{"c*:a*x", "cart:add", false},
		{"ab*ba", "aba", false}, // a character counts once
		{"**", "x", true},
		{strings.Repeat("*a", 40), strings.Repeat("a", 39), false},
	} {
		if Matches(c.pattern, c.name) != c.want {
			t.Errorf("%q matches %q: want %t", c.pattern, c.name, c.want)
		}
	}
}

func TestPlaces(t *testing.T) {
	for place, want := range map[string]struct {
		file string
		line int
	}{
		"src/a.ts:12":            {"src/a.ts", 12},
		"src/a.ts:12:3":          {"src/a.ts", 12},
		"src/a.ts":               {"src/a.ts", 0},
		"C:/x/a.ts:7":            {"C:/x/a.ts", 7},
		"http://localhost:5173":  {"http://localhost", 5173},
		"":                       {"", 0},
		":":                      {":", 0},
		"a:99999999999999999999": {"a:99999999999999999999", 0},
	} {
		if file, line := splitPlace(place); file != want.file || line != want.line {
			t.Errorf("%q: got %q, %d", place, file, line)
		}
	}
	for stack, want := range map[string]string{
		"Error: x\n    at f (src/a.ts:1)\n    at src/b.ts:2":                 "src/a.ts",
		"Error: at 10:30\n    at g (http://localhost:5173/@vite/client:5:1)": "",
		"f@src/c.ts:3\n":                                   "src/c.ts",
		"    at Object.eval (src/d.ts:6)":                  "src/d.ts",
		"    at Object.eval (/@devserver/update/x.js:6:7)": "",
	} {
		if file, _ := placeIn(stack); file != want {
			t.Errorf("%q: got %q, want %q", stack, file, want)
		}
	}
}

func TestBrowserNames(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36":                                   "Chrome 148 on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36 Edg/148.0.0.0":           "Edge 148 on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1": "Safari 19 on iPhone",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:150.0) Gecko/20100101 Firefox/150.0":                                                    "Firefox 150 on macOS",
		"curl/8.5.0": "",
	} {
		if got := browserName(agent); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestRanks: the result of an edit is that of the worst page.
func TestRanks(t *testing.T) {
	for _, c := range [][3]string{
		{"nothing", "updated", "updated"},
		{"updated", "nothing", "updated"},
		{"reloaded", "error", "error"},
		{"error", "reloaded", "error"},
		{"compiled", "updated", "updated"},
		{"silent", "reloaded", "silent"},
	} {
		if got := worse(c[0], c[1]); got != c[2] {
			t.Errorf("%s or %s: got %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

func TestImportWords(t *testing.T) {
	for line, want := range map[string]bool{
		`import { a } from "./a";`:                true,
		`import './a'`:                            true,
		`const a = await import("./a")`:           true,
		`export * from "./a"`:                     true,
		`} from "./a";`:                           true,
		`@import "./a";`:                          true,
		`new URL("./a", import.meta.url)`:         true,
		`console.log("./a")`:                      false,
		`const from = "x"; console.log(f("./a"))`: false,
	} {
		if imports(line, "./a") != want {
			t.Errorf("%s: want %t", line, want)
		}
	}
	if lines := importLines("", []graph.Edge{{To: "/a"}}); lines != nil {
		t.Errorf("a module without a file has lines %v", lines)
	}
}
