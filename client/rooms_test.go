package client_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rooms names the folders of src that each folder may import. Imports point one way, down this list. "" is src itself:
// the scripts that pages and workers load. A new folder gets a line here.
var rooms = map[string][]string{
	"":        {"page", "ui", "hot", "socket", "runtime"},
	"page":    {"update", "ui", "console", "hot", "socket", "runtime"},
	"update":  {"hot", "socket", "runtime"},
	"api":     {"socket"},
	"console": {"socket"},
	"steer":   {"console", "socket"},
	"ui":      {"socket"},
	"hot":     {"socket", "runtime"},
	"socket":  {},
	"runtime": {},
}

var importOf = regexp.MustCompile(`(?m)(?:\bfrom|\bimport\(?) *"(\.[^"]+)"`)

func TestRooms(t *testing.T) {
	files := os.DirFS("src")
	err := fs.WalkDir(files, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(file, ".test.ts") {
			return err
		}
		room := strings.TrimPrefix(path.Dir(file), ".")
		allowed, known := rooms[room]
		if !known {
			t.Errorf("src/%s: %q is a new room: say in rooms_test.go which rooms it may import", file, room)
			return nil
		}
		text, err := fs.ReadFile(files, file)
		for _, m := range importOf.FindAllStringSubmatch(string(text), -1) {
			to := strings.TrimPrefix(path.Dir(path.Join(path.Dir(file), m[1])), ".")
			if to != room && !slices.Contains(allowed, to) {
				t.Errorf("src/%s imports %s, which rooms_test.go does not allow: pass the value in, or declare an interface", filepath.FromSlash(file), m[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
