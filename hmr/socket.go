package hmr

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	writeWait  = 10 * time.Second
	lastWords  = 200 * time.Millisecond // for what is being written when the hub closes, and the goodbye
	ackEach    = 64                     // frames
	ackDelay   = time.Second
	maxDepth   = 100 // nesting of JSON from a page: deep text costs the decoder a stack
	rateWindow = 4   // seconds over which the rate of a page is averaged
)

// socket is one WebSocket: a writer goroutine, and the reader, which is the HTTP handler's. It carries one session, or
// those of all tabs of a browser, see mux.go.
type socket struct {
	hub  *Hub
	ws   *websocket.Conn
	user string

	userAgent, address string    // see address
	since              time.Time // before its user was asked for
	shown              *http.Request
	rule               *rule // that its user was found by
	unsure             bool  // nobody could tell, see ErrUnsure

	wake   chan struct{} // tells the writer that there is work
	done   chan struct{}
	once   sync.Once
	code   int
	reason string

	mu       sync.Mutex
	conns    []*conn   // replaced, never changed
	refusals []refusal // of a shared socket, still to be written

	fresh bool // of a shared socket: sessions have been opened and nothing else; the reader's
}

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

// add lets the writer write for the connection.
func (s *socket) add(cn *conn) {
	s.mu.Lock()
	s.conns = append(slices.Clip(s.conns), cn)
	s.mu.Unlock()
	s.wakeUp()
}

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

// write is the only one that writes to the socket.
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
			s.writeAcks(1) // so that the page knows what need not be sent again
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

// flush writes what is queued, one frame of each session in turn.
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

// writeText writes one message. The text is not copied to be put behind its prefix, which matters for large ones.
func (s *socket) writeText(prefix, text []byte) bool {
	_ = s.ws.SetWriteDeadline(time.Now().Add(writeWait))
	if prefix == nil {
		return s.ws.WriteMessage(websocket.TextMessage, text) == nil
	}
	w, err := s.ws.NextWriter(websocket.TextMessage)
	if err != nil {
		return false
	}
	_, _ = w.Write(prefix) // an error stays and is returned by Close
	_, _ = w.Write(text)
	return w.Close() == nil
}

// writeAcks confirms what came, to the pages of which at least so many frames came. soon tells that there are others.
func (s *socket) writeAcks(least uint64) (soon, ok bool) {
	for _, cn := range s.open() {
		if cn.hello != nil {
			continue // which says how much came, and comes first
		}
		c := cn.c
		c.mu.Lock()
		n := c.received
		unsaid := n - c.ackSent
		if c.conn != cn && cn.prefix != nil {
			unsaid = 0 // the session has moved on
		}
		if unsaid >= least {
			c.ackSent = n
		}
		c.mu.Unlock()
		switch {
		case unsaid == 0:
		case unsaid < least:
			soon = true
		default:
			text, _ := Encode(&Ack{n}) // always encodes
			if !cn.writeText(text) {
				return false, false
			}
		}
	}
	return soon, true
}

// keepAlive ends reading when the page is silent for too long; it answers pings.
func (s *socket) keepAlive() (extend func()) {
	extend = func() { _ = s.ws.SetReadDeadline(time.Now().Add(s.hub.o.Silence)) }
	extend()
	s.ws.SetPongHandler(func(string) error { extend(); return nil })
	return extend
}

// refuseLength gives its close code to a declared length that no number of the protocol's can be (CVE-2020-27813); others that
// are too large have been answered by the reader.
func (s *socket) refuseLength(err error) {
	if errors.Is(err, websocket.ErrReadLimit) {
		s.abandon(websocket.CloseMessageTooBig, "the message is too large")
	}
}
