//go:build unix

package disk_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-b8174343/devserver/internal/disk"
)

func TestOnlyRegularFilesAreRead(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	long := strings.Repeat("long ", 10_000)
	if err := os.WriteFile(at("file"), []byte(long), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(at("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"link": "file", "device": "/dev/null", "loop": "loop", "nowhere": "nothing"} {
		if err := os.Symlink(to, at(link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"file", "link"} {
		if text, err := disk.ReadFile(at(name)); err != nil || string(text) != long {
			t.Errorf("%s: %d bytes, %v", name, len(text), err)
		}
	}
	for _, name := range []string{"pipe", "device", "loop", "nowhere", "."} {
		if text, err := disk.ReadFile(at(name)); err == nil {
			t.Errorf("%s was read: %d bytes", name, len(text))
		} else if name[0] != 'l' && name[0] != 'n' && !errors.Is(err, disk.ErrNotRegular) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Truncate(at("file"), disk.MaxSize+1); err != nil {
		t.Fatal(err)
	}
	if _, err := disk.ReadFile(at("file")); err == nil || !strings.Contains(err.Error(), "larger than 64 MB") {
		t.Errorf("a file beyond the bound: %v", err)
	}
}
