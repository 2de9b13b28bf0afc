package devserver_test

import (
	"bytes"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var relativeLink = regexp.MustCompile(`\]\(([^:)#]+)(?:#[^)]*)?\)`)

// TestReadmesOfFolders: each link of a README.md below the root leads to a file. internal/guides follows the links of
// the guides.
func TestReadmesOfFolders(t *testing.T) {
	links := 0
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == "node_modules":
			return filepath.SkipDir
		case entry.Name() != "README.md" || !strings.Contains(filepath.ToSlash(name), "/"):
			return nil
		}
		text, err := os.ReadFile(name)
		for _, m := range relativeLink.FindAllStringSubmatch(string(text), -1) {
			links++
			file, err := url.PathUnescape(m[1])
			if err == nil {
				_, err = os.Stat(filepath.Join(filepath.Dir(name), filepath.FromSlash(file)))
			}
			if err != nil {
				t.Errorf("%s links %s: %v", name, m[1], err)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if links == 0 {
		t.Fatal("no links found")
	}
}

// TestPagesOfDocs: each page of docs has one heading of the first level, and docs/README.md, the index, links it.
func TestPagesOfDocs(t *testing.T) {
	list, err := filepath.Glob("docs/*.md")
	if err != nil || len(list) == 0 {
		t.Fatalf("docs has no pages: %v", err)
	}
	index, err := os.ReadFile("docs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile("(?ms)^```.*?^```$")
	for _, page := range list {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if titles := bytes.Count(code.ReplaceAll(append([]byte("\n"), text...), nil), []byte("\n# ")); titles != 1 {
			t.Errorf("%s has %d headings of the first level, want 1", page, titles)
		}
		if name := filepath.Base(page); name != "README.md" && !strings.Contains(string(index), "]("+name+")") {
			t.Errorf("docs/README.md does not link %s", name)
		}
	}
}

// TestReadmeIsShort: README.md shows what devserver is on one page, and leads on. docs/ has the rest.
func TestReadmeIsShort(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(text, []byte("\n")); lines > 100 {
		t.Errorf("README.md has %d lines, want at most 100", lines)
	}
}

// TestArchitectureNamesFiles: each file that ARCHITECTURE.md and CONTRIBUTING.md name by a path exists.
func TestArchitectureNamesFiles(t *testing.T) {
	var files []string
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && entry.Name() == "node_modules" {
			return filepath.SkipDir
		}
		files = append(files, "/"+filepath.ToSlash(name)+"\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(files, "")
	named := regexp.MustCompile(`\b\w[\w/-]*/[\w-]+\.(?:go|ts|mjs|css|html|sh)\b`)
	for _, page := range []string{"ARCHITECTURE.md", "CONTRIBUTING.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		found := named.FindAllString(string(text), -1)
		if len(found) == 0 {
			t.Errorf("%s names no files", page)
		}
		for _, name := range found {
			if !strings.Contains(all, "/"+name+"\n") {
				t.Errorf("%s names %s, which does not exist", page, name)
			}
		}
	}
}
