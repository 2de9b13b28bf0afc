package devtest

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// Frame is one message from the server.
type Frame struct {
	// Type is the payload's type.
	Type string
	// Event is the name of a custom event.
	Event string
	// Text is the message's JSON.
	Text string
}

// Decode decodes the message into a value.
func (f Frame) Decode(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(f.Text), into); err != nil {
		t.Fatalf("decode %s: %v", f.Text, err)
	}
}

// Is returns a matcher for frames of a type that hold all of the texts.
func Is(kind string, texts ...string) func(Frame) bool {
	return func(f Frame) bool {
		if f.Type != kind {
			return false
		}
		for _, text := range texts {
			if !strings.Contains(f.Text, text) {
				return false
			}
		}
		return true
	}
}

// Event returns a matcher for custom events of a name that hold all of the texts.
func Event(name string, texts ...string) func(Frame) bool {
	is := Is("custom", texts...)
	return func(f Frame) bool { return f.Event == name && is(f) }
}

// Socket is a client without a browser. A goroutine reads frames until the socket is closed, and keeps them for
// WaitFor.
type Socket struct {
	t    testing.TB
	conn *websocket.Conn

	writing sync.Mutex // held by Send

	mu     sync.Mutex
	frames []Frame       // guarded by mu; all received frames
	seen   int           // guarded by mu; number of frames that WaitFor has passed
	err    error         // guarded by mu; why reading ended
	more   chan struct{} // guarded by mu; closed and replaced at each frame
	done   chan struct{}
}

// DialOptions set how a Socket connects. The zero value is a page that connects for the first time.
type DialOptions struct {
	// Path is the server's base; "" is "/".
	Path string
	// Query is added to the token: session, received, epoch, seq.
	Query url.Values
	// Token replaces the server's own.
	Token string
	// Header is added to the request.
	Header http.Header
}

// Socket connects to the server and waits for the frame "connected". WaitFor can still return that frame.
func (s *Server) Socket(t testing.TB, opts ...DialOptions) *Socket {
	t.Helper()
	sock, status, err := s.Dial(t, opts...)
	if err != nil {
		t.Fatalf("connect: %v (status %d)", err, status)
	}
	sock.Peek(func(f Frame) bool { return f.Type == "connected" })
	return sock
}

// Dial connects and returns the answer's status. The socket is closed after the test.
func (s *Server) Dial(t testing.TB, opts ...DialOptions) (*Socket, int, error) {
	t.Helper()
	var o DialOptions
	if len(opts) > 0 {
		o = opts[0]
	}
	if o.Token == "" {
		o.Token = s.Token()
	}
	if o.Path == "" {
		o.Path = "/"
	}
	query := url.Values{"token": {o.Token}}
	for key, values := range o.Query {
		query[key] = values
	}
	dialer := websocket.Dialer{
		Subprotocols: []string{"vite-hmr"}, HandshakeTimeout: waitLimit,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the server makes its own certificate
	}
	address := "ws" + strings.TrimPrefix(s.URL, "http") + o.Path + "?" + query.Encode()
	conn, res, err := dialer.DialContext(t.Context(), address, o.Header)
	status := 0
	if res != nil {
		status = res.StatusCode
	}
	if err != nil {
		return nil, status, err
	}
	sock := &Socket{t: t, conn: conn, more: make(chan struct{}), done: make(chan struct{})}
	go sock.read()
	t.Cleanup(sock.Close)
	return sock, status, nil
}

func (s *Socket) read() {
	defer close(s.done)
	for {
		_, text, err := s.conn.ReadMessage()
		f := Frame{Text: string(text)}
		if err == nil {
			_ = json.Unmarshal(text, &struct {
				Type  *string `json:"type"`
				Event *string `json:"event"`
			}{&f.Type, &f.Event}) // an invalid payload has no type
		}
		s.mu.Lock()
		if err != nil {
			s.err = err
		} else {
			s.frames = append(s.frames, f)
		}
		close(s.more)
		s.more = make(chan struct{})
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// WaitFor returns the next frame that matches, and skips the frames before it.
func (s *Socket) WaitFor(match func(Frame) bool) Frame {
	s.t.Helper()
	return s.wait(match, true)
}

// Peek is WaitFor that skips no frame.
func (s *Socket) Peek(match func(Frame) bool) Frame {
	s.t.Helper()
	return s.wait(match, false)
}

func (s *Socket) wait(match func(Frame) bool, pass bool) Frame {
	s.t.Helper()
	limit := time.NewTimer(waitLimit)
	defer limit.Stop()
	for {
		s.mu.Lock()
		for i := s.seen; i < len(s.frames); i++ {
			if f := s.frames[i]; match(f) {
				if pass {
					s.seen = i + 1
				}
				s.mu.Unlock()
				return f
			}
		}
		more, err := s.more, s.err
		s.mu.Unlock()
		if err != nil {
			s.t.Fatalf("the socket closed (%v) before the awaited frame\n%s", err, s.dump())
		}
		select {
		case <-more:
		case <-limit.C:
			s.t.Fatalf("the awaited frame did not come\n%s", s.dump())
		}
	}
}

func (s *Socket) dump() string {
	var b strings.Builder
	for _, f := range s.Frames() {
		b.WriteString(f.Text[:min(len(f.Text), 500)] + "\n")
	}
	return b.String()
}

// Frames returns all frames so far.
func (s *Socket) Frames() []Frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Frame(nil), s.frames...)
}

// Each calls fn for each frame, also for those that came before, until ctx or the socket ends.
func (s *Socket) Each(ctx context.Context, fn func(Frame)) {
	for n := 0; ; {
		s.mu.Lock()
		frames, more, err := s.frames[n:], s.more, s.err
		s.mu.Unlock()
		for _, f := range frames {
			fn(f)
		}
		if n += len(frames); err != nil {
			return
		}
		select {
		case <-more:
		case <-ctx.Done():
			return
		}
	}
}

// Count returns how many of the frames so far match.
func (s *Socket) Count(match func(Frame) bool) int {
	n := 0
	for _, f := range s.Frames() {
		if match(f) {
			n++
		}
	}
	return n
}

// Send sends a value as JSON, and a string unchanged.
func (s *Socket) Send(v any) {
	s.t.Helper()
	text, ok := v.(string)
	if !ok {
		b, err := json.Marshal(v)
		if err != nil {
			s.t.Fatal(err)
		}
		text = string(b)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		s.t.Fatalf("send: %v", err)
	}
}

// Emit sends a custom event.
func (s *Socket) Emit(event string, data any) {
	s.t.Helper()
	s.Send(map[string]any{"type": "custom", "event": event, "data": data})
}

// Request sends a request and returns the reply's frame.
func (s *Socket) Request(id int, event string, data any) Frame {
	s.t.Helper()
	s.Send(map[string]any{"type": "request", "id": id, "event": event, "data": data})
	return s.WaitFor(func(f Frame) bool {
		var reply struct{ ID int }
		return f.Type == "reply" && json.Unmarshal([]byte(f.Text), &reply) == nil && reply.ID == id
	})
}

// Closed waits until the server closes the socket, and returns the close code. It returns 0 without a code.
func (s *Socket) Closed() int {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(waitLimit):
		s.t.Fatal("the server does not close the socket")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := errors.AsType[*websocket.CloseError](s.err); ok {
		return e.Code
	}
	return 0
}

// Close cuts the connection without a close frame, as a failing network does.
func (s *Socket) Close() {
	_ = s.conn.NetConn().Close()
	<-s.done
}
