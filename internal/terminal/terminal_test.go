package terminal_test

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/internal/terminal"
)

var noon = time.Date(2026, 1, 2, 12, 1, 5, 0, time.UTC)

// record prints one record and returns the output of each writer.
func record(t *testing.T, color bool, level slog.Level, message string, args ...any) (out, err string) {
	t.Helper()
	var o, e bytes.Buffer
	h := terminal.NewHandler(terminal.Options{Out: &o, Err: &e, Level: slog.LevelDebug, Color: color})
	r := slog.NewRecord(noon, level, message, 0)
	r.Add(args...)
	if err := h.Handle(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return o.String(), e.String()
}

func TestLines(t *testing.T) {
	for _, tt := range []struct {
		name, message string
		level         slog.Level
		args          []any
		want          string
	}{
		{name: "info", message: "hmr update /src/a.ts", want: "12:01:05 hmr update /src/a.ts\n"},
		{name: "attributes", message: "proxy /api", args: []any{"target", "http://x", "why", "two words"},
			want: "12:01:05 proxy /api target=http://x why=\"two words\"\n"},
		{name: "group", message: "m", args: []any{slog.Group("g", "a", 1, "b", "c")}, want: "12:01:05 m g.a=1 g.b=c\n"},
		{name: "debug", level: slog.LevelDebug, message: "m", args: []any{"pkg", "hmr"}, want: "12:01:05 debug m pkg=hmr\n"},
		{name: "frame and hint", level: slog.LevelError, message: "src/a.ts:1:2: text",
			args: []any{"plugin", "css", "frame", "> 1 | x\n    | ^", "hint", "do it"},
			want: "12:01:05 error [css] src/a.ts:1:2: text\n         > 1 | x\n             | ^\n         hint: do it\n"},
		{name: "stack", level: slog.LevelError, message: "m",
			args: []any{"stack", "goroutine 1 [running]:\nruntime/debug.Stack()\n\t/go/stack.go:1\n" +
				"panic({0x1})\n\t/go/panic.go:2\nmain.f(\x1b)\n\t/app/main.go:3\n"},
			want: "12:01:05 error m\n         main.f(\\x1b)\n         \t/app/main.go:3\n"},
		{name: "forged line", message: "refused /x\n12:01:05 hmr update", want: "12:01:05 refused /x\n         12:01:05 hmr update\n"},
		{name: "control characters", message: "a\x1b[2Jb\x00\u202ec\r", args: []any{"k", "x\ny\x07"},
			want: `12:01:05 a\x1b[2Jb\x00\u202ec\x0d k=x\ny\x07` + "\n"},
		{name: "invalid UTF-8", message: "a\xff\x9bb", want: "12:01:05 a\uFFFDb\n"},
		{name: "emoji stay whole", message: "👩‍💻 é", want: "12:01:05 👩‍💻 é\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := record(t, false, tt.level, tt.message, tt.args...)
			have, other := out, err
			if tt.level >= slog.LevelWarn {
				have, other = err, out
			}
			if have != tt.want || other != "" {
				t.Errorf("have %q\nwant %q\nother writer %q", have, tt.want, other)
			}
		})
	}
}

func TestColor(t *testing.T) {
	out, _ := record(t, true, slog.LevelInfo, "hmr update /a")
	if !strings.Contains(out, "\x1b[32mhmr update\x1b[0m /a") {
		t.Errorf("line = %q", out)
	}
	none := func(string) string { return "" }
	if terminal.ColorWanted(&bytes.Buffer{}, none) {
		t.Error("colour in a buffer")
	}
	if !terminal.ColorWanted(&bytes.Buffer{}, func(k string) string { return map[string]string{"FORCE_COLOR": "1"}[k] }) {
		t.Error("FORCE_COLOR has no effect")
	}
	if terminal.ColorWanted(&bytes.Buffer{}, func(k string) string { return "1" }) {
		t.Error("NO_COLOR must win")
	}
}

func TestWith(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(terminal.NewHandler(terminal.Options{Out: &out}))
	log.With("a", 1).WithGroup("g").With("b", 2).Info("m", "c", 3)
	log.Debug("not shown")
	if have := out.String(); !strings.HasSuffix(have, " m a=1 g.b=2 g.c=3\n") || strings.Count(have, "\n") != 1 {
		t.Errorf("lines = %q", have)
	}
}

// TestClosedOutput: when nobody reads the output any more, the other output says so once. Its lines go on.
func TestClosedOutput(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	var errors bytes.Buffer
	log := slog.New(terminal.NewHandler(terminal.Options{Out: writer, Err: &errors}))
	log.Info("read")
	_ = reader.Close()
	log.Info("lost")
	log.With("k", "v").Info("lost, too")
	log.Warn("after")
	have := errors.String()
	if strings.Count(have, "nobody reads the output") != 1 || strings.Contains(have, "lost") || !strings.HasSuffix(have, "warn after\n") {
		t.Errorf("lines = %q", have)
	}
}

func TestLevel(t *testing.T) {
	for name, want := range map[string]slog.Level{
		"": slog.LevelInfo, "debug": slog.LevelDebug, "warn": slog.LevelWarn, "error": slog.LevelError,
		"silent": terminal.Silent,
	} {
		if have := terminal.Level(name); have != want {
			t.Errorf("Level(%q) = %v, want %v", name, have, want)
		}
	}
}
