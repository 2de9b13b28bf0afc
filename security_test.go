package devserver_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSecurityNamesTests: every test that SECURITY.md and README.md name exists, and so does every test file that they
// link.
func TestSecurityNamesTests(t *testing.T) {
	var text []byte
	for _, doc := range []string{"SECURITY.md", "README.md"} {
		one, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, one...)
	}
	for _, m := range regexp.MustCompile(`\[\x60?(\w+)\x60?\]\((\S+_test\.go)\)`).FindAllStringSubmatch(string(text), -1) {
		code, err := os.ReadFile(m[2])
		if err != nil || strings.HasPrefix(m[1], "Test") && !strings.Contains(string(code), "func "+m[1]+"(") {
			t.Errorf("the link from %s to %s leads nowhere: the file does not hold the test (%v)", m[1], m[2], err)
		}
	}
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
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(string(text), -1)
	if len(named) == 0 {
		t.Fatal("SECURITY.md and README.md name no tests")
	}
	for _, m := range named {
		if !strings.Contains(code.String(), "func "+m[1]+"(") {
			t.Errorf("SECURITY.md or README.md names %s, but there is no such test", m[1])
		}
	}
}
