package server

import (
	"net/http"
	"sync"
)

// pauses lets edits wait as long as somebody wants that. The zero value lets them through.
type pauses struct {
	mu      sync.Mutex
	holders int
	changed chan struct{} // closed when there is a first holder, or the last one is gone; nil when nobody waits for that
}

// state tells whether edits wait, and when that changes.
func (p *pauses) state() (paused bool, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.holders > 0, p.changed
}

// tell wakes who waits for a change. The caller holds mu.
func (p *pauses) tell() {
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// Pause lets edits wait, however many are made, until resume is called; then they are one update. `who` is what the
// terminal says of it. With several pauses the last one counts. Events, requests and pages that load go on. resume may be
// called again, to no effect. Safe for concurrent use.
func (s *Server) Pause(who string) (resume func()) {
	p := &s.pauses
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.holders++; p.holders == 1 {
		p.tell()
		s.log.Info("edits wait (" + who + ")")
	}
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.holders--; p.holders == 0 {
			s.log.Info("edits go on")
			p.tell()
		}
	})
}

// servePause lets edits wait as long as the request lasts: a program that dies leaves no pause behind.
func (s *Server) servePause(w http.ResponseWriter, r *http.Request) {
	defer s.Pause("devserver pause")()
	ctx, cancel := s.whileFollowed(r)
	defer cancel()
	_ = http.NewResponseController(w).Flush() // the head tells that edits wait; when nobody reads it, ctx ends
	<-ctx.Done()
}
