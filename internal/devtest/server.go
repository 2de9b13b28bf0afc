package devtest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/internal/terminal"
	"github.com/seed-b8174343/devserver/server"
)

// Server is a server that runs for a test.
type Server struct {
	*Files
	// Log holds the lines that the terminal would show, debug lines too.
	Log *Log
	// URL is the project's address without a slash at its end, and without the base.
	URL string

	configure []func(*server.Options)
	cacheDir  string
	address   string // host:port, kept over Again

	mu  sync.Mutex
	srv *server.Server // guarded by mu
	end func() error   // guarded by mu; nil when stopped
}

// Start serves the app on a free port until the test ends. configure may change the options before the start.
func Start(t testing.TB, app *Files, configure ...func(*server.Options)) *Server {
	t.Helper()
	s := &Server{Files: app, Log: &Log{}, configure: configure, cacheDir: t.TempDir(), address: "127.0.0.1:0"}
	s.start(t)
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("server log:\n%s", s.Log)
		}
	})
	return s
}

func (s *Server) start(t testing.TB) {
	t.Helper()
	opts := server.Options{
		Root: s.Root, CacheDir: s.cacheDir, NoPlugins: true,
		Logger: slog.New(terminal.NewHandler(terminal.Options{Out: s.Log, Err: s.Log, Level: slog.LevelDebug})),
	}
	for _, f := range s.configure {
		f(&opts)
	}
	srv, err := server.New(opts)
	if err != nil {
		t.Fatalf("start the server: %v", err)
	}
	scheme, serve := "http", srv.Serve
	ctx, cancel := context.WithCancel(context.Background())
	if srv.Config().Server.HTTPS != nil {
		scheme = "https"
		s.address = s.listenSecure(t, srv, cancel)
	} else {
		l := s.listen(t)
		s.address = l.Addr().String()
		serve = func(ctx context.Context) error { return srv.ServeListener(ctx, l) }
	}
	_, port, _ := net.SplitHostPort(s.address)
	s.URL = scheme + "://localhost:" + port
	done := make(chan error, 1)
	go func() { done <- serve(ctx) }()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.srv = srv
	s.end = func() error { cancel(); return <-done }
}

// listen opens the address. A connection of another process may hold the port for a moment, so listen tries again until
// the port is free.
func (s *Server) listen(t testing.TB) net.Listener {
	t.Helper()
	var l net.Listener
	var err error
	Eventually(t, "listen on "+s.address, func() bool {
		l, err = net.Listen("tcp", s.address)
		return err == nil
	}, func() string { return err.Error() })
	return l
}

// listenSecure lets the server open its own listener, since only the server has the certificate.
func (s *Server) listenSecure(t testing.TB, srv *server.Server, cancel func()) string {
	t.Helper()
	urls, err := srv.Listen(context.Background())
	if err != nil || len(urls.Local) == 0 {
		cancel()
		_ = srv.Close()
		t.Fatalf("listen: %v", err)
	}
	return strings.SplitN(strings.TrimPrefix(urls.Local[0], "https://"), "/", 2)[0]
}

// Server returns the running server.
func (s *Server) Server() *server.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.srv
}

// WaitPages waits until n clients are connected: pages, and sockets of tests.
func (s *Server) WaitPages(n int) {
	s.t.Helper()
	have := func() int { return len(s.Server().Hub().Clients()) }
	Eventually(s.t, fmt.Sprintf("%d connected pages", n), func() bool { return have() == n }, func() string {
		return fmt.Sprintf("there are %d\n%s", have(), s.Log)
	})
}

// Token returns the token that opens the socket.
func (s *Server) Token() string { return s.Server().Token() }

// Stop ends the server. The test fails when the server takes too long to stop.
func (s *Server) Stop() {
	s.t.Helper()
	if err := s.StopError(); err != nil {
		s.t.Errorf("stop the server: %v", err)
	}
}

// StopError is Stop for a server that returns an error when it ends.
func (s *Server) StopError() error {
	s.t.Helper()
	s.mu.Lock()
	end := s.end
	s.end = nil
	s.mu.Unlock()
	if end == nil {
		return nil
	}
	began := time.Now()
	err := end()
	if took := time.Since(began); took > 5*time.Second { // the server promises two seconds, and the machine may be busy
		s.t.Errorf("the server took %v to stop", took)
	}
	return err
}

// Again starts a stopped server at the same address, as another process would.
func (s *Server) Again() {
	s.t.Helper()
	s.Stop()
	s.start(s.t)
}

// Response is an answer with its whole body.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

// Get requests a path. header holds pairs of names and values.
func (s *Server) Get(path string, header ...string) Response {
	s.t.Helper()
	return s.Do(http.MethodGet, path, "", header...)
}

// Do sends a request and reads the answer. It does not follow redirects.
func (s *Server) Do(method, path, body string, header ...string) Response {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return Response{res.StatusCode, res.Header, string(text)}
}

// Raw sends bytes unchanged, for request targets that no client would send. It returns all bytes that the server sends
// until it closes the connection, or until nothing more comes for a minute.
func (s *Server) Raw(request string) string {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(waitLimit)); err != nil {
		s.t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		s.t.Fatal(err)
	}
	text, err := io.ReadAll(conn)
	if err != nil && len(text) == 0 {
		s.t.Fatalf("no answer: %v", err)
	}
	return string(text)
}

// Log collects lines. Its zero value is empty. It is safe for concurrent use.
type Log struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns everything that was logged.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Count returns how often a text was logged.
func (l *Log) Count(text string) int { return strings.Count(l.String(), text) }

// Wait waits until a text is logged.
func (l *Log) Wait(t testing.TB, text string) {
	t.Helper()
	Eventually(t, fmt.Sprintf("log line with %q", text), func() bool { return l.Count(text) > 0 }, l.String)
}
