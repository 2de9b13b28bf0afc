package env_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-b8174343/devserver/internal/env"
)

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLaterFilesWinAndOnlyPrefixedNamesShow(t *testing.T) {
	dir := write(t, map[string]string{
		".env":                   "VITE_A=1\nVITE_B=1\nVITE_C=1\nSECRET=s\n",
		".env.local":             "VITE_B=2\nVITE_C=2\n",
		".env.development":       "VITE_C=3\nVITE_URL=https://$VITE_HOST/x\nVITE_HOST=example.test\n",
		".env.production":        "VITE_A=prod\n",
		".env.development.local": "VITE_D=\"4 and ${VITE_A}\"\n",
	})
	t.Setenv("VITE_PROCESS", "p")
	e, err := env.Load(env.Options{Dir: dir, Base: "/app/"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"VITE_A": "1", "VITE_B": "2", "VITE_C": "3", "VITE_D": "4 and 1", "VITE_HOST": "example.test", "VITE_URL": "https://example.test/x",
		"VITE_PROCESS": "p", "MODE": "development", "BASE_URL": "/app/", "DEV": true, "PROD": false, "SSR": false,
	}
	for key, value := range want {
		if e.Object()[key] != value {
			t.Errorf("%s is %v, want %v", key, e.Object()[key], value)
		}
	}
	if _, shown := e.Object()["SECRET"]; shown {
		t.Error("a variable without the prefix is shown to the page")
	}
	if got := e.ReplaceHTML("<title>%VITE_A% %MODE% %NOPE% 100%</title>"); got != "<title>1 development %NOPE% 100%</title>" {
		t.Errorf("page is %q", got)
	}
}

func TestEmptyPrefixIsRefused(t *testing.T) {
	if _, err := env.Load(env.Options{Prefixes: []string{""}}); err == nil {
		t.Error("an empty prefix was accepted")
	}
}

func TestCycleEnds(t *testing.T) {
	if _, err := env.Load(env.Options{Dir: write(t, map[string]string{".env": "VITE_A=$VITE_B\nVITE_B=$VITE_A\n"})}); err != nil {
		t.Fatal(err)
	}
}

// TestEveryFileIsRead: Load accepts what dotenv accepts, skips other lines, and reports only their place.
func TestEveryFileIsRead(t *testing.T) {
	for text, want := range map[string]struct {
		values  map[string]string
		skipped []int
	}{
		"A=1\nhalf a line with s3cret\nB=2":            {map[string]string{"A": "1", "B": "2"}, []int{2}},
		"A=\"not closed\nB=2\n\n=x\n# note\n !":        {map[string]string{"A": `"not closed`, "B": "2"}, []int{4, 6}},
		"\ufeffexport A = x # note\r\nB: yes\r\nC=a#b": {map[string]string{"A": "x", "B": "yes", "C": "a"}, nil},
		"A='one\ntwo'\nB=\"one\\ntwo\"\nC='a\\nb'":     {map[string]string{"A": "one\ntwo", "B": "one\ntwo", "C": `a\nb`}, nil},
		"A=`a \"b\" 'c'`\nB=\nC=\"a#b\" # note":        {map[string]string{"A": `a "b" 'c'`, "B": "", "C": "a#b"}, nil},
		"J={\"a\": \"b\"}\nA.B-c=b=c\nB=\"a\" junk":    {map[string]string{"J": `{"a": "b"}`, "A.B-c": "b=c", "B": `"a" junk`}, nil},
		"A=1\nB=pa\\$A\nC=$A":                          {map[string]string{"A": "1", "B": "pa$A", "C": "1"}, nil},
	} {
		dir := write(t, map[string]string{".env": text})
		e, err := env.Load(env.Options{Dir: dir, Prefixes: []string{"A", "B", "C", "J"}})
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		for name, value := range want.values {
			if got := e.Object()[name]; name != "BASE_URL" && got != value {
				t.Errorf("%q: %s is %q, want %q", text, name, got, value)
			}
		}
		var skipped []int
		for _, line := range e.Skipped() {
			skipped = append(skipped, line.Line)
		}
		if !slices.Equal(skipped, want.skipped) {
			t.Errorf("%q: lines %v are left out, want %v", text, skipped, want.skipped)
		}
	}
}
