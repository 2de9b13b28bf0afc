package devserver_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSecurityNamesTests: every test that SECURITY.md, README.md and the pages of docs name exists, and so does every test
// file that they link. A link is relative to the page.
func TestSecurityNamesTests(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	code := testsOf(t)
	names := 0
	for _, page := range append([]string{"SECURITY.md", "README.md"}, pages...) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range testLink.FindAllStringSubmatch(string(text), -1) {
			code, err := os.ReadFile(filepath.Join(filepath.Dir(page), filepath.FromSlash(m[2])))
			if err != nil || isTest(m[1]) && !strings.Contains(string(code), "func "+m[1]+"(") {
				t.Errorf("the link in %s from %s to %s leads nowhere: the file does not hold the test (%v)", page, m[1], m[2], err)
			}
		}
		for _, m := range testName.FindAllStringSubmatch(string(text), -1) {
			names++
			if !strings.Contains(code, "func "+m[1]+"(") {
				t.Errorf("%s names %s, but there is no such test", page, m[1])
			}
		}
	}
	if names == 0 {
		t.Fatal("the pages name no tests")
	}
}

// TestSecurityPageLinksTests: each promise in docs/security.md, a row of its first table, links the test that shows it.
func TestSecurityPageLinksTests(t *testing.T) {
	text, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "## What is protected\n")
	section, _, _ := strings.Cut(after, "\n## ")
	rows := regexp.MustCompile(`(?m)^\| *([^-| ][^|]*)\|.*$`).FindAllStringSubmatch(section, -1)
	if len(rows) < 2 {
		t.Fatal("docs/security.md has no table of what is protected")
	}
	for _, row := range rows[1:] {
		if !testLink.MatchString(row[0]) {
			t.Errorf("docs/security.md promises something about %q, and links no test", strings.TrimSpace(row[1]))
		}
	}
}

var (
	testLink = regexp.MustCompile(`\[\x60?(\w+)\x60?\]\((\S+_test\.go)\)`)
	testName = regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
)

func isTest(name string) bool {
	return strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz")
}

// testsOf returns the code of all tests.
func testsOf(t *testing.T) string {
	t.Helper()
	var code strings.Builder
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == "node_modules" {
			return filepath.SkipDir
		}
		if strings.HasSuffix(name, "_test.go") {
			text, err := os.ReadFile(name)
			code.Write(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return code.String()
}
