package server

import (
	"net/http"
	"sync"
)

// pauses holds updates while there is a pause. The zero value holds none.
type pauses struct {
	mu      sync.Mutex
	holders int
	changed chan struct{} // closed when the first holder comes or the last one goes; nil when nobody waits for that
}

// state reports whether updates are held, and returns a channel that is closed when that changes.
func (p *pauses) state() (paused bool, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.holders > 0, p.changed
}

// wake closes the channel of state. The caller holds mu.
func (p *pauses) wake() {
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// Pause holds updates until resume is called. All edits that were made meanwhile then become one update. Several pauses
// may overlap: updates resume when the last pause ends. Events, requests and loading pages are not held. The terminal
// says that updates are paused, and by whom. A second call of resume does nothing. Pause is safe for concurrent use.
func (s *Server) Pause(who string) (resume func()) {
	p := &s.pauses
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.holders++; p.holders == 1 {
		p.wake()
		s.note("updates paused (" + who + ")")
	}
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.holders--; p.holders == 0 {
			s.note("updates resumed")
			p.wake()
		}
	})
}

// servePause holds updates as long as the request lasts: a program that dies leaves no pause behind.
func (s *Server) servePause(w http.ResponseWriter, r *http.Request) {
	defer s.Pause("devserver pause")()
	ctx, cancel := s.whileFollowed(r)
	defer cancel()
	_ = http.NewResponseController(w).Flush() // with the head, the program knows that updates are held
	<-ctx.Done()
}
