package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/internal/guard"
)

// Running is a server of a project that runs on this machine, as other programs of the same user find it: each server
// leaves a file in the project's cache folder from when it listens until it stops. Get one by FindRunning.
type Running struct {
	// URL is where the server answers, base included; PID is its process.
	URL     string    `json:"url"`
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	// Token is what its Server.Token returns.
	Token string `json:"token"`
	// Certificate is the SHA-256 of the certificate of a server with HTTPS, which no system need trust.
	Certificate string `json:"certificate,omitempty"`

	file string
}

// runningDir holds the files of running servers, in the project's cache folder.
const runningDir = "running"

// announce leaves the file that other programs find the server by, or writes it again.
func (s *Server) announce() {
	if err := s.writeRunning(); err != nil {
		s.log.Warn("`devserver events` will not find this server", "error", err)
	}
}

func (s *Server) writeRunning() error {
	dir, err := s.cacheDir(runningDir)
	if err != nil {
		return err
	}
	now := Running{URL: s.address(), PID: os.Getpid(), Started: s.started, Token: s.token, Certificate: s.fingerprint}
	// One address has one server: whoever left a file with ours was killed.
	list, _ := readRunning(dir) // what cannot be read is nobody we know
	for _, other := range list {
		if other.URL == now.URL && other.Token != now.Token {
			_ = os.Remove(other.file) // when it stays, it is seen to be stale
		}
	}
	text, err := json.Marshal(now)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, s.epoch+".json")
	temp, err := os.CreateTemp(dir, ".new-*") // 0600: the token is in it
	if err != nil {
		return err
	}
	_, err = temp.Write(text)
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), file)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
		return err
	}
	s.runningFile.Store(&file)
	return nil
}

// unannounce takes the file away.
func (s *Server) unannounce() {
	if file := s.runningFile.Swap(nil); file != nil {
		_ = os.Remove(*file) // when it stays, it is seen to be stale
	}
}

// address is where the server answers, for programs on this machine.
func (s *Server) address() string {
	base := s.project.Load().layout.Base
	list := append(s.urls.Local[:len(s.urls.Local):len(s.urls.Local)], s.urls.Network...)
	if len(list) == 0 { // the caller has opened the listener
		addr := s.listeners[0].Addr()
		if t, ok := addr.(*net.TCPAddr); ok && t.IP.IsUnspecified() {
			return "http://" + net.JoinHostPort("localhost", strconv.Itoa(t.Port)) + base
		}
		return "http://" + addr.String() + base
	}
	scheme, rest, _ := strings.Cut(list[0], "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host + base // a restart may have changed it
}

// FindRunning returns the servers that run for the project in root, the newest first. cacheDir is Options.CacheDir of
// theirs. Some may have been killed: ask Alive.
func FindRunning(root, cacheDir string) ([]Running, error) {
	real, err := realFolder(root)
	if err != nil {
		return nil, err
	}
	dir, err := projectCache(real, cacheDir)
	if err != nil {
		return nil, fmt.Errorf("look for running servers: %w", err)
	}
	list, err := readRunning(filepath.Join(dir, runningDir))
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b Running) int { return b.Started.Compare(a.Started) })
	return list, nil
}

// readRunning reads the files of a folder, which need not be there.
func readRunning(dir string) ([]Running, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("look for running servers: %w", err)
	}
	var list []Running
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".json" {
			continue
		}
		file := filepath.Join(dir, e.Name())
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue // it has just stopped
		}
		if err != nil {
			return nil, fmt.Errorf("look for running servers: %w", err)
		}
		var r Running
		if json.Unmarshal(text, &r) == nil && r.URL != "" && r.Token != "" {
			r.file = file
			list = append(list, r)
		}
	}
	return list, nil
}

// ErrGone is returned when nothing, or something else, answers at the address of a server: it was killed.
var ErrGone = errors.New("the server is gone")

// Alive tells whether the server answers. One that does not exist any more is ErrGone, and forgotten.
func (r *Running) Alive(ctx context.Context) error {
	res, err := r.post(ctx, pingPath, nil)
	if errors.Is(err, ErrGone) && r.file != "" {
		_ = os.Remove(r.file) // each server has a file name of its own, so this is no other one's
	}
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// Message is what Send sends.
type Message struct {
	// To is "all", "page:ID", "user:NAME" or "any:ID or NAME".
	To    string
	Event string
	Data  json.RawMessage // nil = none
}

// Send sends an event to pages and returns how many got it. An *hmr.Error says why it was not sent.
func (r *Running) Send(ctx context.Context, m Message) (pages int, err error) {
	body, err := json.Marshal(adminMessage{To: m.To, Kind: "event", Event: m.Event, Data: m.Data})
	if err != nil {
		return 0, err
	}
	res, err := r.post(ctx, sendPath, body)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	var a sendAnswer
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		return 0, fmt.Errorf("read the answer of %s: %w", r.URL, err)
	}
	if a.Error != nil {
		return 0, a.Error
	}
	return a.Sent, nil
}

// Tail hands each line of the event log to fn, see docs/events.md, until ctx ends, the server stops or fn returns an
// error. connected is called when nothing is missed from then on. It returns nil when the server has stopped.
func (r *Running) Tail(ctx context.Context, connected func(), fn func(line []byte) error) error {
	res, err := r.post(ctx, tailPath, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	connected()
	for in := bufio.NewReader(res.Body); ; {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the connection to %s broke: %w", r.URL, err)
		}
		if err := fn(line); err != nil {
			return err
		}
	}
}

// Pause lets edits wait, see Server.Pause, until resume is called, ctx ends or the program does. gone is closed when the
// server has stopped, or does not hold them any more for another reason.
func (r *Running) Pause(ctx context.Context) (resume func(), gone <-chan struct{}, err error) {
	res, err := r.post(ctx, pausePath, nil)
	if err != nil {
		return nil, nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, res.Body)
	}()
	return func() { _ = res.Body.Close() }, ended, nil
}

// headWait is how long a server may take to begin its answer.
const headWait = 10 * time.Second

// post asks the server. The answer's status is 200.
func (r *Running) post(ctx context.Context, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(r.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set(guard.TokenHeader, r.Token)
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{ // no proxy: the server is here
			TLSClientConfig:       &tls.Config{InsecureSkipVerify: true, VerifyConnection: r.verify, MinVersion: tls.VersionTLS12},
			DialContext:           (&net.Dialer{Timeout: headWait}).DialContext,
			ResponseHeaderTimeout: headWait, DisableKeepAlives: true,
		},
	}
	res, err := client.Do(req)
	if failed, ok := errors.AsType[net.Error](err); err != nil && (ctx.Err() != nil || ok && failed.Timeout()) {
		return nil, err // it may only be busy
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return nil, fmt.Errorf("%w: nothing answers at %s", ErrGone, r.URL)
	}
	if err != nil { // it does not speak HTTP, or not as ours
		return nil, fmt.Errorf("%w: something else answers at %s", ErrGone, r.URL)
	}
	if res.StatusCode != http.StatusOK {
		_ = res.Body.Close()
		return nil, fmt.Errorf("%w: something else answers at %s", ErrGone, r.URL) // ours knows the token
	}
	return res, nil
}

// verify looks for the very certificate that the server has.
func (r *Running) verify(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 || r.Certificate == "" || fingerprint(state.PeerCertificates[0].Raw) != r.Certificate {
		return fmt.Errorf("%w: something else answers at %s", ErrGone, r.URL)
	}
	return nil
}

func fingerprint(certificate []byte) string {
	sum := sha256.Sum256(certificate)
	return hex.EncodeToString(sum[:])
}
