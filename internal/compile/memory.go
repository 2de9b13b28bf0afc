package server

import (
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// firstCrawl is what the first crawl of the project does to the heap.
type firstCrawl struct {
	relaxed  atomic.Bool // it has begun, see relaxGC
	crawling atomic.Bool // it is under way
	texts    texts
}

// relaxGC lets the heap grow while a project is compiled for the first time: nearly all of it is garbage a moment
// later, and collecting it while it is made costs a third of the time. The returned func gives the memory back.
func (p *project) relaxGC() func() {
	if !p.relaxed.CompareAndSwap(false, true) {
		return func() {}
	}
	was := debug.SetGCPercent(crawlGC)
	p.crawling.Store(true)
	shallow := deepStacks()
	return func() {
		p.crawling.Store(false)
		shallow()
		debug.SetGCPercent(was)
		p.server.freeLater()
	}
}

// crawlGC is the growth in percent before a collection during the first crawl; measured against 100, 200 and 800.
const crawlGC = 400

// freeLater gives memory back to the system when no pack was made for a while: one of a large project takes several
// times what the project does.
func (s *Server) freeLater() {
	s.freeing.Lock()
	defer s.freeing.Unlock()
	if s.freeTimer == nil {
		s.freeTimer = time.AfterFunc(freeAfter, func() {
			debug.FreeOSMemory()
			time.AfterFunc(freeAfter, debug.FreeOSMemory) // by now the cache has written what it held
		})
	} else {
		s.freeTimer.Reset(freeAfter)
	}
}

const freeAfter = 2 * time.Second

// texts keeps what stays of the first crawl together. Between the garbage that compiling makes, thousands of texts that
// stay would hold three times the memory that they need.
type texts struct {
	mu    sync.Mutex
	chunk *strings.Builder
	left  int // room in chunk, in bytes
}

const textChunk = 1 << 20

// keep returns the text from a place beside the others.
func (t *texts) keep(s string) string {
	if len(s) == 0 || len(s) > textChunk/8 { // large ones have pages of their own
		return s
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.chunk == nil || t.left < len(s) {
		t.chunk, t.left = &strings.Builder{}, textChunk
		t.chunk.Grow(textChunk)
	}
	t.left -= len(s)
	from := t.chunk.Len()
	t.chunk.WriteString(s) // never more than was grown, so what was returned before stays where it is
	return t.chunk.String()[from:]
}
