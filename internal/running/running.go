// Package running lets programs of the user find a server that runs for a project, and talk to it.
//
// While a server listens, a file with its address and token lies in the project's cache folder (Announce, Find).
// Programs then ask by HTTP, and not over a socket: a client of the hub would be a page in everybody's list, and would
// get what is broadcast. The server answers at the paths of this package by POST and with the token.
package running

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
	"strings"
	"syscall"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/guard"
)

// PanelPath is where the panel of a server lies, below the base. The paths of what programs ask begin with it.
const (
	PanelPath = "/__devserver/"
	PingPath  = PanelPath + "ping"
	TailPath  = PanelPath + "tail"
	PausePath = PanelPath + "pause"
	// DoPath is followed by the name of a verb of internal/steer.
	DoPath = PanelPath + "do/"
	// MCPPath is where clients of MCP ask over HTTP.
	MCPPath = PanelPath + "mcp"
	// GuidesPath is the folder of the guides. Everybody who reaches the server may read them, without a key.
	GuidesPath = PanelPath + "docs/"
)

// Server is a server of a project that runs on this machine, as other programs of the same user find it. Get one by
// Find. Its methods are safe for concurrent use.
type Server struct {
	// URL is where the server answers, base included. PID is its process.
	URL     string    `json:"url"`
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	// Token is the key of the server's commands. Pages have another token.
	Token string `json:"token"`
	// Certificate is the Fingerprint of the certificate of a server with HTTPS, which no system need trust.
	Certificate string `json:"certificate,omitempty"`

	file string
}

// ErrGone says that nothing, or something else, answers at the address of a server: the server was killed.
var ErrGone = errors.New("the server is gone")

// Alive returns nil when the server answers. When the server does not exist any more, Alive returns ErrGone and removes
// its file.
func (s *Server) Alive(ctx context.Context) error {
	res, err := s.post(ctx, PingPath, nil, headWait)
	if errors.Is(err, ErrGone) && s.file != "" {
		_ = os.Remove(s.file) // each server has a file name of its own, so no other server loses its file
	}
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// verbWait is how long a server may take to answer a verb. Verbs that wait for something wait at most a minute.
const verbWait = 90 * time.Second

// Do asks the server a verb of internal/steer, and decodes the answer. args and answer are what encoding/json takes,
// such as a json.RawMessage and a pointer to one. An *hmr.Error is the verb's own error.
func (s *Server) Do(ctx context.Context, verb string, args, answer any) error {
	body, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("encode the arguments of %s: %w", verb, err)
	}
	res, err := s.post(ctx, DoPath+verb, body, verbWait)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var got struct {
		Answer json.RawMessage `json:"answer"`
		Error  *hmr.Error      `json:"error"`
	}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		return fmt.Errorf("read the answer of %s to %s: %w", s.URL, verb, err)
	}
	if got.Error != nil {
		return got.Error
	}
	if err := json.Unmarshal(got.Answer, answer); err != nil {
		return fmt.Errorf("read the answer of %s to %s: %w", s.URL, verb, err)
	}
	return nil
}

// Tail hands each line of the event log to fn (docs/events.md has its form), until ctx ends, the server stops or fn
// returns an error. It calls connected when no line is missed from then on. It returns nil when the server has stopped.
func (s *Server) Tail(ctx context.Context, connected func(), fn func(line []byte) error) error {
	res, err := s.post(ctx, TailPath, nil, headWait)
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
			return fmt.Errorf("the connection to %s broke: %w", s.URL, err)
		}
		if err := fn(line); err != nil {
			return err
		}
	}
}

// Pause holds updates until resume is called, ctx ends or this program does. gone is closed when the server has
// stopped, or does not hold updates any more for another reason.
func (s *Server) Pause(ctx context.Context) (resume func(), gone <-chan struct{}, err error) {
	res, err := s.post(ctx, PausePath, nil, headWait)
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

// headWait is how long a server may take to begin its answer, when it need not wait for anything itself.
const headWait = 10 * time.Second

// post asks the server, and waits for the head of the answer. The answer's status is 200.
func (s *Server) post(ctx context.Context, path string, body []byte, wait time.Duration) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(s.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set(guard.TokenHeader, s.Token)
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{ // no proxy: the server runs on this machine
			TLSClientConfig:       &tls.Config{InsecureSkipVerify: true, VerifyConnection: s.verify, MinVersion: tls.VersionTLS12},
			DialContext:           (&net.Dialer{Timeout: headWait}).DialContext,
			ResponseHeaderTimeout: wait, DisableKeepAlives: true,
		},
	}
	res, err := client.Do(req)
	if failed, ok := errors.AsType[net.Error](err); err != nil && (ctx.Err() != nil || ok && failed.Timeout()) {
		return nil, err // the server may only be busy
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return nil, fmt.Errorf("%w: nothing answers at %s", ErrGone, s.URL)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
		return nil, fmt.Errorf("%w: the connection to %s ended", ErrGone, s.URL)
	}
	if err != nil { // what answers does not speak HTTP, or has another certificate
		return nil, fmt.Errorf("%w: something else answers at %s", ErrGone, s.URL)
	}
	if res.StatusCode != http.StatusOK { // the server of this file knows the token
		_ = res.Body.Close()
		return nil, fmt.Errorf("%w: something else answers at %s", ErrGone, s.URL)
	}
	return res, nil
}

// verify accepts the very certificate that the server has.
func (s *Server) verify(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 || s.Certificate == "" || Fingerprint(state.PeerCertificates[0].Raw) != s.Certificate {
		return fmt.Errorf("%w: something else answers at %s", ErrGone, s.URL)
	}
	return nil
}

// Fingerprint returns the SHA-256 of a certificate in hex.
func Fingerprint(certificate []byte) string {
	sum := sha256.Sum256(certificate)
	return hex.EncodeToString(sum[:])
}
