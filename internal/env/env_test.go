package env_test

import (
	"os"
	"path/filepath"
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
