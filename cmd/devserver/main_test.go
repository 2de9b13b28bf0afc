package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-b8174343/devserver/config"
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
	for _, tt := range []struct {
		line string
		want invocation
	}{
		{"", invocation{}},
		{"app", invocation{root: "app"}},
		{"--host app", invocation{root: "app", options: config.Config{Server: config.Server{Host: "0.0.0.0"}}}},
		{"--host 0.0.0.0 app", invocation{root: "app", options: config.Config{Server: config.Server{Host: "0.0.0.0"}}}},
		{"--host ::1 app", invocation{root: "app", options: config.Config{Server: config.Server{Host: "::1"}}}},
		{"--host my.test app", invocation{root: "app", options: config.Config{Server: config.Server{Host: "my.test"}}}},
		{"--host docs.d", invocation{root: "docs.d", options: config.Config{Server: config.Server{Host: "0.0.0.0"}}}},
		{"--host ./app", invocation{root: "./app", options: config.Config{Server: config.Server{Host: "0.0.0.0"}}}},
		{"app --host", invocation{root: "app", options: config.Config{Server: config.Server{Host: "0.0.0.0"}}}},
		{"--host=false", invocation{options: config.Config{Server: config.Server{Host: "localhost"}}}},
		{"-host --port 1", invocation{options: config.Config{Server: config.Server{Host: "0.0.0.0", Port: new(1)}}}},
		{"-port 0 -strictPort app", invocation{root: "app", options: config.Config{Server: config.Server{Port: new(0), StrictPort: new(true)}}}},
		{"--port=3000 --strict-port", invocation{options: config.Config{Server: config.Server{Port: new(3000), StrictPort: new(true)}}}},
		{"--open /about app", invocation{root: "app", options: config.Config{Server: config.Server{Open: new("/about")}}}},
		{"--open " + abs, invocation{root: abs, options: config.Config{Server: config.Server{Open: new("/")}}}},
		{"--open about.html", invocation{options: config.Config{Server: config.Server{Open: new("about.html")}}}},
		{"-m staging -c x.json -l warn", invocation{configFile: "x.json", options: config.Config{Mode: "staging", LogLevel: "warn"}}},
		{"-mode staging", invocation{options: config.Config{Mode: "staging"}}},
		{"--clearScreen=false --cors --force", invocation{force: true, options: config.Config{ClearScreen: new(false), Server: config.Server{CORS: config.CORS{Origins: []string{"*"}}}}}},
		{"--no-clearScreen --no-cors", invocation{options: config.Config{ClearScreen: new(false), Server: config.Server{CORS: config.CORS{Origins: []string{}}}}}},
		{"--no-plugins --no-vite-config --https --poll", invocation{noPlugins: true, options: config.Config{ViteConfig: new(false), Server: config.Server{HTTPS: &config.HTTPS{}, Watch: config.Watch{UsePolling: new(true)}}}}},
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
