package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver"
	"github.com/seed-b8174343/devserver/internal/guides"
)

// TestDocs: the guides come with the program, and a name that is nearly one finds it.
func TestDocs(t *testing.T) {
	code, stdout, _ := ran(t, "", "docs")
	if code != 0 || !strings.Contains(stdout, "\nevents            Events") || !strings.Contains(stdout, "\npanel             The panel: ") || !strings.Contains(stdout, "\nsecurity-policy   Security policy: ") || strings.Count(stdout, "\nreadme ")+strings.Count("\n"+stdout, "\nindex ") > 1 {
		t.Errorf("exit code %d, %s", code, stdout)
	}
	if code, stdout, _ = ran(t, "", "docs", "search", "--base"); code != 0 || !strings.Contains(stdout, "--base") {
		t.Errorf("docs search --base: exit code %d, %s", code, stdout)
	}
	text, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"events", "Events.md", "docs/events.md"} {
		if code, stdout, _ = ran(t, "", "docs", name); code != 0 || stdout != string(text) {
			t.Errorf("docs %s: exit code %d, %d bytes", name, code, len(stdout))
		}
	}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"evens"}, exitFailed, `no guide "evens" (did you mean events or `},
		{[]string{"events#nope"}, exitFailed, `the guide events has no section "nope"; `},
		{[]string{"events#ask-and-wiat"}, exitFailed, `(did you mean ask-and-wait?)`},
		{[]string{"xyzzy"}, exitFailed, "no guide \"xyzzy\"; `devserver docs` shows all, "},
		{[]string{"search", "zzz", "yyy"}, exitFailed, `no section of the guides has the words "zzz yyy"`},
		{[]string{"search"}, exitUsage, "docs search: which words?"},
		{[]string{"ask", "wait"}, exitUsage, "docs takes one guide, not 2; to search: devserver docs search ask wait"},
		{[]string{"--port", "1"}, exitUsage, "unknown flag"},
	} {
		code, stdout, stderr := ran(t, "", append([]string{"docs"}, tt.args...)...)
		if code != tt.code || stdout != "" || !strings.Contains(stderr, tt.want) {
			t.Errorf("docs %v: exit code %d, %s, %s", tt.args, code, stdout, stderr)
		}
	}
}

// TestDocsOpen: without a running server, the command serves the guides until it is stopped. With one, it names the
// guides of the server and ends.
func TestDocsOpen(t *testing.T) {
	f := project(t)
	t.Chdir(f.root)
	site, err := guides.New(guides.Options{Files: devserver.Guides, Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	// open runs the command and returns its first line.
	open := func(ctx context.Context) (line string, ended chan int) {
		out, in := io.Pipe()
		c := &command{stdout: in, stderr: io.Discard, getenv: func(name string) string { return map[string]string{"BROWSER": "none"}[name] }}
		ended = make(chan int, 1)
		go func() { ended <- c.openDocs(ctx, site) }()
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return line, ended
	}
	ctx, stop := context.WithCancel(t.Context())
	line, ended := open(ctx)
	url, until, _ := strings.Cut(strings.TrimPrefix(line, "the guides are at "), " ")
	if until != "until you press Ctrl-C\n" || !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Fatalf("it says %q", line)
	}
	res, err := http.Get(url + "events")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if _ = res.Body.Close(); err != nil || !strings.Contains(string(text), "<span>devserver 1.2.3</span>") || strings.Contains(string(text), ">Panel<") {
		t.Errorf("the guide is %s, %v", text, err)
	}
	if res, err = http.Get(url + strings.Repeat("a", 100<<10)); err != nil {
		t.Fatal(err)
	}
	if _ = res.Body.Close(); res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Error("an address of 100 kB answers", res.StatusCode)
	}
	stop()
	if code := <-ended; code != exitStopped {
		t.Error("exit code", code)
	}
	if _, err := http.Get(url); err == nil {
		t.Error("the guides are served after the command")
	}

	f.start(t, "key")
	line, ended = open(t.Context())
	if !strings.HasSuffix(line, "/__devserver/docs/\n") || <-ended != exitStopped {
		t.Errorf("with a server it says %q", line)
	}
}
