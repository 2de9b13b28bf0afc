package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestAskFolder: init asks for the project's folder, with the nearest project as the suggestion.
func TestAskFolder(t *testing.T) {
	for _, c := range []struct{ suggestion, input, folder, err string }{
		{"apps/web", "\n", "apps/web", ""},
		{"apps/web", " ../other \n", "../other", ""},
		{"apps/web", "..", "..", ""},
		{"apps/web", "", "", "nothing was changed"}, // Ctrl-D
		{"", "\n", "", "nothing was changed"},
		{"", ".\n", ".", ""},
	} {
		var out bytes.Buffer
		cmd := &command{stdin: strings.NewReader(c.input), stdout: &out}
		folder, err := cmd.askFolder("/x is no project", "Which folder?", c.suggestion)
		if folder != c.folder || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("suggestion %q, input %q: %q, %v", c.suggestion, c.input, folder, err)
		}
		if text := out.String(); !strings.HasPrefix(text, "/x is no project.\n") || !strings.Contains(text, c.suggestion) {
			t.Errorf("the question is %q", text)
		}
	}
}

// TestInitWithoutProject: without a terminal init ends with the exit code of a wrong command line.
func TestInitWithoutProject(t *testing.T) {
	t.Chdir(t.TempDir())
	var out, errors bytes.Buffer
	if code := run(t.Context(), []string{"init"}, strings.NewReader("."), &out, &errors); code != exitUsage || !strings.Contains(errors.String(), "devserver init <folder>") && !strings.Contains(errors.String(), "devserver init ..") {
		t.Errorf("exit code %d, %s", code, errors.String())
	}
}
