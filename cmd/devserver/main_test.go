package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-b8174343/devserver/internal/config"
	"github.com/seed-b8174343/devserver/server"
)

func TestParse(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"app", "docs.d"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	abs, err := filepath.Abs("app")
	if err != nil {
		t.Fatal(err)
	}
	text := func(s string) *string { return &s }
	number := func(n int) *int { return &n }
	yes, no := true, false
	for _, tt := range []struct {
		line string
		want invocation
	}{
		{"", invocation{}},
		{"app", invocation{root: "app"}},
		{"--host app", invocation{root: "app", flags: config.Flags{Host: text("0.0.0.0")}}},
		{"--host 0.0.0.0 app", invocation{root: "app", flags: config.Flags{Host: text("0.0.0.0")}}},
		{"--host ::1 app", invocation{root: "app", flags: config.Flags{Host: text("::1")}}},
		{"--host my.test app", invocation{root: "app", flags: config.Flags{Host: text("my.test")}}},
		{"--host docs.d", invocation{root: "docs.d", flags: config.Flags{Host: text("0.0.0.0")}}},
		{"--host ./app", invocation{root: "./app", flags: config.Flags{Host: text("0.0.0.0")}}},
		{"app --host", invocation{root: "app", flags: config.Flags{Host: text("0.0.0.0")}}},
		{"--host=false", invocation{flags: config.Flags{Host: text("")}}},
		{"-host --port 1", invocation{flags: config.Flags{Host: text("0.0.0.0"), Port: number(1)}}},
		{"-port 0 -strictPort app", invocation{root: "app", flags: config.Flags{Port: number(0), StrictPort: &yes}}},
		{"--port=3000 --strict-port", invocation{flags: config.Flags{Port: number(3000), StrictPort: &yes}}},
		{"--open /about app", invocation{root: "app", flags: config.Flags{Open: text("/about")}}},
		{"--open " + abs, invocation{root: abs, flags: config.Flags{Open: text("/")}}},
		{"--open about.html", invocation{flags: config.Flags{Open: text("about.html")}}},
		{"-m staging -c x.json -l warn", invocation{configFile: "x.json", flags: config.Flags{Mode: text("staging"), LogLevel: text("warn")}}},
		{"-mode staging", invocation{flags: config.Flags{Mode: text("staging")}}},
		{"--clearScreen=false --cors --force", invocation{force: true, flags: config.Flags{ClearScreen: &no, CORS: &yes}}},
		{"--no-clearScreen --no-cors", invocation{flags: config.Flags{ClearScreen: &no, CORS: &no}}},
		{"--no-plugins --no-vite-config --https --poll", invocation{noPlugins: true, flags: config.Flags{NoViteConfig: true, HTTPS: &yes, Poll: &yes}}},
		{"-ready r.json -cpuprofile p", invocation{ready: "r.json", cpuprofile: "p"}},
		{"-h", invocation{help: true}},
		{"-- --odd", invocation{root: "--odd"}},
	} {
		t.Run(tt.line, func(t *testing.T) {
			have, err := parse(strings.Fields(tt.line))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, have, cmp.AllowUnexported(invocation{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUsageErrors(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"--prot 1", "unknown flag --prot (did you mean --port?)"},
		{"--strictport", "did you mean --strictPort?"},
		{"--port x", "--port"},
		{"--port 70000", "--port must be from 0 to 65535, not 70000"},
		{"--port", "--port"},
		{"a b", "give at most one project folder, not 2: a b"},
		{"--logLevel loud", `--logLevel must be one of debug, info, warn, error, silent, not "loud"`},
		{"-z", "-z"},
		{"init a b", "init takes only the project's folder"},
	} {
		t.Run(tt.line, func(t *testing.T) {
			var out, err strings.Builder
			if code := run(context.Background(), strings.Fields(tt.line), strings.NewReader(""), &out, &err); code != exitUsage {
				t.Errorf("exit code = %d, want %d", code, exitUsage)
			}
			if !strings.Contains(err.String(), tt.want) {
				t.Errorf("stderr = %q, want %q in it", err.String(), tt.want)
			}
		})
	}
}

func TestOpenURL(t *testing.T) {
	urls := server.URLs{Local: []string{"http://localhost:5173/app/"}}
	for path, want := range map[string]string{"": "http://localhost:5173/app/", "/x": "http://localhost:5173/app/x", "https://a.example": "https://a.example"} {
		if have := openURL(urls, path); have != want {
			t.Errorf("openURL(%q) = %q, want %q", path, have, want)
		}
	}
}
