package builtin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/plugin"
)

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}

func TestRotation(t *testing.T) {
	for _, tt := range []struct {
		keep int
		want [4]string // name, name.1, name.2, name.3
	}{
		{keep: 2, want: [4]string{"7\n", "5\n6\n", "a longer line\n", ""}},
		{keep: 1, want: [4]string{"7\n", "5\n6\n", "", ""}},
		{keep: 0, want: [4]string{"7\n", "", "", ""}},
	} {
		name := filepath.Join(t.TempDir(), "new", "log")
		r := rotating{name: name, maxSize: 4, keep: tt.keep}
		for _, line := range []string{"1", "2", "3", "a longer line", "5", "6", "7"} {
			if err := r.write([]byte(line + "\n")); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.close(); err != nil {
			t.Fatal(err)
		}
		for i, want := range tt.want {
			file := name
			if i > 0 {
				file += "." + strconv.Itoa(i)
			}
			if have := read(t, file); have != want {
				t.Errorf("keep %d: %s holds %q, want %q", tt.keep, filepath.Base(file), have, want)
			}
		}
		if info, err := os.Stat(name); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("mode: %v %v", info.Mode(), err)
		}
	}
}

// TestFileThatWasThere: the log appends to the file of the last run, and makes it private.
func TestFileThatWasThere(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(name, []byte("1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := rotating{name: name, maxSize: 4, keep: 1}
	for _, line := range []string{"2\n", "3\n"} {
		if err := r.write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	if old, now := read(t, name+".1"), read(t, name); old != "1\n2\n" || now != "3\n" {
		t.Errorf("old %q, now %q", old, now)
	}
	if info, err := os.Stat(name + ".1"); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v %v", info.Mode(), err)
	}
}

// fakeServer is a server that only logs.
type fakeServer struct {
	plugin.Server
	log *slog.Logger
}

func (s fakeServer) Logger() *slog.Logger { return s.log }

// logged runs the plugin over the messages and returns the terminal's lines.
func logged(t *testing.T, file string, list ...hmr.Passed) string {
	t.Helper()
	var out bytes.Buffer
	var tell func(hmr.Passed)
	off := false
	p := Log(LogOptions{File: file, MaxSize: 1 << 20, Keep: 1, Passed: func(fn func(hmr.Passed)) func() {
		tell = fn
		return func() { off = true }
	}})
	if err := p.Start(t.Context(), fakeServer{log: slog.New(slog.NewTextHandler(&out, nil))}); err != nil {
		t.Fatal(err)
	}
	for _, one := range list {
		tell(one)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !off {
		t.Error("the plugin stopped and still gets messages")
	}
	tell(hmr.Passed{Type: "custom"}) // a late message is dropped
	return out.String()
}

func TestLogLines(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	logged(t, file,
		hmr.Passed{Page: "c1", FromPage: true, Type: "custom", Event: "cart:\x1b\nadd", Data: json.RawMessage(`{"n": "<b>"}`)},
		hmr.Passed{Page: "c2", Type: "custom", Event: "cart:price"},
		hmr.Passed{Page: "c1", FromPage: true, Type: "request", Event: "cart:total", ID: 3},
		hmr.Passed{Page: "c1", Type: "reply", ID: 3, Error: &hmr.Error{Code: "empty", Message: "no"}},
		hmr.Passed{Page: "c1", Type: "request", Event: "cart:state", ID: 1},
		hmr.Passed{Page: "c1", FromPage: true, Type: "request", Event: "cart:total", ID: 1, Called: true},
		hmr.Passed{Page: "c1", FromPage: true, Type: "custom", Event: ConsoleEvent},
	)
	var have []string
	for line := range strings.Lines(read(t, file)) {
		time, rest, _ := strings.Cut(line, `Z",`)
		if !strings.HasPrefix(time, `{"time":"20`) {
			t.Errorf("no time in %s", line)
		}
		have = append(have, strings.TrimSuffix(rest, "\n"))
	}
	want := []string{
		`"type":"event","from":"c1","event":"cart:\u001b\nadd","data":{"n":"<b>"}}`,
		`"type":"event","to":"c2","event":"cart:price"}`,
		`"type":"request","from":"c1","event":"cart:total","id":3}`,
		`"type":"reply","to":"c1","id":3,"error":{"code":"empty","message":"no"}}`,
		`"type":"request","to":"c1","event":"cart:state","id":1}`,
		`"type":"request","from":"c1","event":"cart:total","id":1,"called":true}`,
	}
	if strings.Join(have, "\n") != strings.Join(want, "\n") {
		t.Errorf("have\n%s\nwant\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
}

// TestLogThatCannotBeWritten: the terminal reports a failure once, whatever follows.
func TestLogThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	if _, err := os.Stat("/dev/full"); err == nil {
		file = "/dev/full"
	} else if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	out := logged(t, file, hmr.Passed{Type: "custom"}, hmr.Passed{Type: "custom"}, hmr.Passed{Type: "custom"})
	if strings.Count(out, "events are not logged") != 1 {
		t.Errorf("the terminal shows\n%s", out)
	}
}

// TestSlowFollowerHoldsUpNobody: no message waits for a slow follower, and the follower gets the number of lost lines.
func TestSlowFollowerHoldsUpNobody(t *testing.T) {
	var tell func(hmr.Passed)
	registered, proceed := make(chan bool), make(chan bool)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	var last string
	go func() {
		ended <- Follow(ctx, nil, func(fn func(hmr.Passed)) func() {
			tell = fn
			close(registered)
			return func() {}
		}, func(line []byte) error {
			<-proceed
			last = string(line)
			return nil
		})
	}()
	<-registered
	big := json.RawMessage(`"` + strings.Repeat("x", maxQueued/3) + `"`)
	for range 10 {
		tell(hmr.Passed{Page: "c1", FromPage: true, Type: "custom", Event: "big", Data: big})
	}
	close(proceed)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if !strings.Contains(last, `"type":"lost","count":`) {
		t.Errorf("the last line is %.100s", last)
	}
}
