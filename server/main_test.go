package server_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

func TestMain(m *testing.M) { os.Exit(devtest.Main(m)) }

// editor sets an editor of that name, and returns what it has been started with: each argument in <>, a line each time.
func editor(t *testing.T, name string) (opened func() string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the test's editor is a shell script")
	}
	tool := filepath.Join(t.TempDir(), name)
	log := tool + ".log"
	if err := os.WriteFile(tool, []byte("#!/bin/sh\nfor a in \"$@\"; do printf '<%s>' \"$a\"; done >> '"+log+"'; echo >> '"+log+"'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DEVSERVER_EDITOR", tool)
	return func() string { text, _ := os.ReadFile(log); return string(text) }
}
