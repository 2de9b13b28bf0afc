package hmr

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	writeWait = 10 * time.Second       // for one frame
	lastWords = 200 * time.Millisecond // for the frame that is being written when the hub closes, and the goodbye
	// A side confirms after that many frames or bytes, or after ackDelay.
	ackEach  = 64
	ackBytes = 256 << 10
	ackDelay = time.Second
	// answerEach is how often pages hear of a message that is still arriving. Their client waits for 15 seconds.
	answerEach = 5 * time.Second
)

// socket is one WebSocket. It has two goroutines: the writer, and the reader, in which Hub.serve runs. It carries one
// session, or those of all tabs of a browser, see mux.go.
type socket struct {
	hub      *Hub
	ws       *websocket.Conn
	identity identity // of the request that opened it
	browser  browser

	wake   chan struct{} // the writer has work
	done   chan struct{}
	once   sync.Once
	code   int
	reason string

	mu       sync.Mutex
	conns    []*conn   // replaced, never changed
	refusals []refusal // of a shared socket, still to be written

	fresh bool // of a shared socket: it has had no frames but those that open sessions; only the reader uses it
}

func newSocket(h *Hub, ws *websocket.Conn, who identity, from browser) *socket {
	return &socket{hub: h, ws: ws, identity: who, browser: from, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// abandon ends the socket without waiting for it. The writer says goodbye, if the page still reads. Only the first call
// counts.
func (s *socket) abandon(code int, reason string) {
	s.once.Do(func() {
		s.code, s.reason = code, reason
		close(s.done)
	})
}

func (s *socket) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// add makes the writer write for the connection.
func (s *socket) add(cn *conn) {
	s.mu.Lock()
	s.conns = append(slices.Clip(s.conns), cn)
	s.mu.Unlock()
	s.wakeUp()
}

// open returns the connections that the socket carries.
func (s *socket) open() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

// run serves the socket until read returns or the writer fails.
func (s *socket) run(read func()) {
	ended := make(chan struct{})
	defer close(ended)
	// A page that does not read would hold up a hub that closes for as long as a write may take.
	defer context.AfterFunc(s.hub.ctx, func() {
		select {
		case <-ended:
		case <-time.After(lastWords):
			_ = s.ws.NetConn().Close()
		}
	})()
	var writer sync.WaitGroup
	writer.Go(s.write)
	read()
	s.abandon(websocket.CloseNormalClosure, "")
	writer.Wait()
}

// write writes to the socket until it ends. No other goroutine writes to it.
func (s *socket) write() {
	defer s.ws.Close()
	ping := time.NewTicker(s.hub.o.Silence / 3)
	defer ping.Stop()
	var ackTimer <-chan time.Time
	for {
		if !s.writeEnds() || !s.flush() {
			return
		}
		soon, ok := s.writeAcks(ackEach)
		if !ok {
			return
		}
		if !soon {
			ackTimer = nil
		} else if ackTimer == nil {
			ackTimer = time.After(ackDelay)
		}
		select {
		case <-s.done:
			s.writeAcks(1) // so that the page knows what it need not send again
			goodbye(s.ws, s.code, s.reason)
			return
		case <-s.wake:
		case <-ackTimer:
			ackTimer = nil
			if _, ok := s.writeAcks(1); !ok {
				return
			}
		case <-ping.C:
			if s.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWait)) != nil {
				return
			}
		}
	}
}

// flush writes what is queued, one frame of each session in turn. It returns false when the socket is lost.
func (s *socket) flush() bool {
	conns := s.open()
	for more := true; more; {
		more = false
		for _, cn := range conns {
			if cn.hello != nil {
				if !cn.writeText(cn.hello) {
					return false
				}
				cn.hello = nil
			}
			f := cn.take()
			if f == nil {
				continue
			}
			more = true
			if !cn.writeFrame(f) {
				return false
			}
			select {
			case <-s.done:
				return true
			default:
			}
		}
	}
	return true
}

// writeText writes one message. The text is not copied behind its prefix, which matters for large texts.
func (s *socket) writeText(prefix, text []byte) bool {
	_ = s.ws.SetWriteDeadline(time.Now().Add(writeWait))
	if prefix == nil {
		return s.ws.WriteMessage(websocket.TextMessage, text) == nil
	}
	w, err := s.ws.NextWriter(websocket.TextMessage)
	if err != nil {
		return false
	}
	_, _ = w.Write(prefix) // Close returns the error
	_, _ = w.Write(text)
	return w.Close() == nil
}

// writeAcks confirms frames to each session that has had at least that many since the last confirmation, and answers
// pings. soon reports that another session has had fewer.
func (s *socket) writeAcks(least uint64) (soon, ok bool) {
	for _, cn := range s.open() {
		if cn.hello != nil {
			continue // the hello comes first, and has the number
		}
		ack, later := cn.confirmation(least)
		soon = soon || later
		if ack == nil {
			continue
		}
		text, _ := Encode(ack) // always encodes
		if !cn.writeText(text) {
			return false, false
		}
	}
	return soon, true
}

// keepAlive ends reading when the page is silent for too long. The answer to a ping counts; for anything else the
// reader calls extend.
func (s *socket) keepAlive() (extend func()) {
	extend = func() { _ = s.ws.SetReadDeadline(time.Now().Add(s.hub.o.Silence)) }
	extend()
	s.ws.SetPongHandler(func(string) error { extend(); return nil })
	return extend
}

// readMessage reads the next message. extend is what keepAlive returned.
func (s *socket) readMessage(extend func()) (kind int, text []byte, err error) {
	kind, r, err := s.ws.NextReader()
	if err != nil {
		return kind, nil, err
	}
	text, err = io.ReadAll(s.arriving(r, extend))
	return kind, text, err
}

// arriving returns a reader of a message that may take long to arrive. As long as some of it arrives, the connection is
// not silent: neither here nor at the pages, which hear that from the answers to their pings. Their pings are behind
// the message.
func (s *socket) arriving(r io.Reader, extend func()) io.Reader {
	return &arriving{r, s, extend, time.Now()}
}

type arriving struct {
	io.Reader
	s        *socket
	extend   func()
	answered time.Time
}

func (a *arriving) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if now := time.Now(); n > 0 && now.Sub(a.answered) >= min(answerEach, a.s.hub.o.Silence/3) {
		a.answered = now
		a.extend()
		for _, cn := range a.s.open() {
			cn.answerPing()
		}
	}
	return n, err
}

// refuseLength closes the socket for a declared length that no length of the protocol can be (CVE-2020-27813). The
// reader has answered other frames that are too large.
func (s *socket) refuseLength(err error) {
	if errors.Is(err, websocket.ErrReadLimit) {
		s.abandon(websocket.CloseMessageTooBig, "the message is too large")
	}
}
