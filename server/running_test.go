package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/internal/running"
	"github.com/seed-b8174343/devserver/internal/steer"
	"github.com/seed-b8174343/devserver/server"
)

// startFound starts a server. Its func finds the server as other programs do.
func startFound(t *testing.T, app string, configure ...func(*server.Options)) (*devtest.Server, func() []running.Server) {
	t.Helper()
	return startFiles(t, devtest.App(t, devtest.Text(app)), configure...)
}

// startFiles is startFound for an app of any files.
func startFiles(t *testing.T, app *devtest.Files, configure ...func(*server.Options)) (*devtest.Server, func() []running.Server) {
	t.Helper()
	dir := t.TempDir()
	configure = append([]func(*server.Options){func(o *server.Options) { o.CacheDir = dir }}, configure...)
	s := devtest.Start(t, app, configure...)
	find := func() []running.Server {
		t.Helper()
		list, err := running.Find(s.Root, dir)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	devtest.Eventually(t, "the server's file", func() bool { return len(find()) == 1 }, nil)
	return s, find
}

// tailed follows the events of the server until the test ends.
func tailed(t *testing.T, r running.Server) (lines <-chan string, done <-chan error) {
	t.Helper()
	out, ended, connected := make(chan string, 1000), make(chan error, 1), make(chan bool)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go func() {
		ended <- r.Tail(ctx, func() { close(connected) }, func(line []byte) error { out <- string(line); return nil })
	}()
	select {
	case <-connected:
	case err := <-ended:
		t.Fatal(err)
	}
	return out, ended
}

func TestRunningIsFoundAndGone(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]string{"http": `{}`, "https": `{"server": {"https": true}}`, "base": `{"base": "/app/"}`} {
		t.Run(name, func(t *testing.T) {
			s, find := startFound(t, "-- devserver.config.json --\n"+cfg+"\n-- index.html --\n")
			list := find()
			if len(list) != 1 || list[0].PID != os.Getpid() {
				t.Fatalf("found %+v", list)
			}
			if err := list[0].Alive(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, done := tailed(t, list[0])
			s.Stop()
			if err := <-done; err != nil {
				t.Errorf("the tail of a stopped server ended with %v", err)
			}
			if err := list[0].Alive(t.Context()); !errors.Is(err, running.ErrGone) {
				t.Errorf("Alive of a stopped server: got %v, want ErrGone", err)
			}
			if list := find(); len(list) != 0 {
				t.Errorf("found a stopped server: %+v", list)
			}
		})
	}
}

// TestAnotherServerAtTheAddress: after a server was killed another program may listen on its port. Nothing is sent to
// that program.
func TestAnotherServerAtTheAddress(t *testing.T) {
	t.Parallel()
	_, find := startFound(t, "-- index.html --\n")
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	database, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	go func() {
		for {
			conn, err := database.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "220 welcome\r\n")
			_ = conn.Close()
		}
	}()
	r := find()[0]
	for name, change := range map[string]func(r *running.Server){
		"another program": func(r *running.Server) { r.URL = other.URL + "/" },
		"no HTTP":         func(r *running.Server) { r.URL = "http://" + database.Addr().String() + "/" },
		"another run":     func(r *running.Server) { r.Token = strings.Repeat("0", len(r.Token)) },
		"other scheme":    func(r *running.Server) { r.URL = strings.Replace(r.URL, "http:", "https:", 1) },
	} {
		stale := r
		change(&stale)
		if err := stale.Alive(t.Context()); !errors.Is(err, running.ErrGone) {
			t.Errorf("%s: got %v, want ErrGone", name, err)
		}
	}
}

// TestCommandsNeedTheKey: no page, not even of the project, and no other user may watch, ask or send.
func TestCommandsNeedTheKey(t *testing.T) {
	t.Parallel()
	s, find := startFound(t, "-- index.html --\n")
	key := find()[0].Token
	for _, path := range []string{
		"/__devserver/tail", "/__devserver/ping", "/__devserver/pause", "/__devserver/do/status", "/__devserver/do/evaluate", "/__devserver/do/nothing", "/__devserver/mcp",
	} {
		for _, header := range [][]string{
			nil,
			{"X-Devserver-Token", strings.Repeat("0", 32)},
			{"X-Devserver-Token", s.Token()},
			{"Authorization", "Bearer " + s.Token()},
			{"X-Devserver-Token", key, "Origin", "http://evil.test"},
			{"X-Devserver-Token", key, "Sec-Fetch-Site", "cross-site"},
			{"Authorization", "Bearer " + key, "Origin", "null"},
		} {
			if r := s.Do(http.MethodPost, path+"?token="+s.Token(), "{}", header...); r.Status != http.StatusForbidden {
				t.Errorf("POST %s with %q: status %d, want 403", path, header, r.Status)
			}
		}
		want := http.StatusForbidden
		if path == running.MCPPath {
			want = http.StatusMethodNotAllowed
		}
		if r := s.Get(path, "X-Devserver-Token", key); r.Status != want {
			t.Errorf("GET %s: status %d, want %d", path, r.Status, want)
		}
	}
}

// TestTailTellsAll: each of several tails gets every line, also after a restart with another base. The log file gets
// them, too.
func TestTailTellsAll(t *testing.T) {
	t.Parallel()
	s, find := startFound(t, "-- devserver.config.json --\n{\"plugins\": {\"log\": {\"file\": \"events.jsonl\"}}}\n-- index.html --\n")
	first, _ := tailed(t, find()[0])
	second, done := tailed(t, find()[0])
	if _, err := s.Server().Hub().Handle("cart:total", func(context.Context, *hmr.Client, json.RawMessage) (any, error) {
		return nil, &hmr.Error{Code: "empty", Message: "no"}
	}); err != nil {
		t.Fatal(err)
	}
	page := s.Socket(t)
	page.Send(map[string]any{"type": "request", "event": "cart:total", "id": 7})
	page.WaitFor(devtest.Is("reply"))
	s.Write("devserver.config.json", `{"base": "/shop/"}`)
	s.Log.Wait(t, "server restarted")
	devtest.Eventually(t, "the new base", func() bool { return strings.HasSuffix(find()[0].URL, "/shop/") }, nil)
	var sent steer.Sent
	err := find()[0].Do(t.Context(), steer.VerbSend, steer.SendArgs{To: "any:c1", Event: "cart:note", Data: json.RawMessage(`"x"`)}, &sent)
	if sent.Sent != 1 || err != nil {
		t.Errorf("sent to %d pages, %v; want 1", sent.Sent, err)
	}
	for _, lines := range []<-chan string{first, second} {
		for _, want := range []string{
			`"type":"request","from":"c1","event":"cart:total","id":7}`,
			`"type":"reply","to":"c1","event":"cart:total","id":7,"error":{"code":"empty","message":"no"}}`,
			`"type":"event","to":"c1","event":"cart:note","data":"x"}`,
		} {
			line := ""
			devtest.Eventually(t, want, func() bool {
				select {
				case line = <-lines:
					return true
				default:
					return false
				}
			}, nil)
			if !strings.HasSuffix(line, want+"\n") {
				t.Errorf("got %s, want %s", line, want)
			}
		}
	}
	devtest.Eventually(t, "the lines in the file", func() bool {
		text, _ := os.ReadFile(s.Path("events.jsonl"))
		return strings.Count(string(text), "\n") >= 2
	}, nil)
	s.Stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestRunningFileIsPrivate: only the user can read the file of a running server. Damaged files are ignored.
func TestRunningFileIsPrivate(t *testing.T) {
	t.Parallel()
	dir := ""
	s, find := startFound(t, "-- index.html --\n", func(o *server.Options) { dir = o.CacheDir })
	files, err := filepath.Glob(filepath.Join(dir, "running", "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Error(info.Mode(), err)
	}
	for name, text := range map[string]string{"empty.json": "", "half.json": `{"url": "http://localhost`, "other.json": `{"url": 1}`, "other": "{}"} {
		if err := os.WriteFile(filepath.Join(dir, "running", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if list := find(); len(list) != 1 || list[0].Token == s.Token() {
		t.Errorf("found %+v, want the server alone", list)
	}
}

// TestPauseEndsWithItsProgram: updates are held only while the program that paused them runs.
func TestPauseEndsWithItsProgram(t *testing.T) {
	t.Parallel()
	s, find := startFound(t, savedApp)
	pack(s)
	sock := s.Socket(t)
	for i, rest := range []string{"\r\n", "Content-Length: 5\r\n\r\nhello", "Content-Length: 5\r\n\r\nhe", "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n2\r\n"} {
		conn, err := net.Dial("tcp", newWire(t, s).addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintf(conn, "POST /__devserver/pause HTTP/1.1\r\nHost: localhost\r\nX-Devserver-Token: %s\r\n%s", find()[0].Token, rest)
		if i < 2 {
			devtest.Eventually(t, "a pause", func() bool { return strings.Count(s.Log.String(), "updates paused") > i }, s.Log.String)
		}
		_ = conn.Close()
		text := fmt.Sprintf("edit %d", i)
		s.Write("text.js", says(text))
		sock.WaitFor(devtest.Is("update", text))
	}
}
