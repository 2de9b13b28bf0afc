package compile

import (
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const freeAfter = 2 * time.Second

// free belongs to the process, as its memory does: several servers may run in it.
var free struct {
	mu    sync.Mutex
	timer *time.Timer
}

// FreeLater gives memory back to the system two seconds from now, unless FreeLater is called again before: making the pack
// of a large project takes several times the memory that the project does. It is safe for concurrent use.
func FreeLater() {
	free.mu.Lock()
	defer free.mu.Unlock()
	if free.timer != nil {
		free.timer.Reset(freeAfter)
		return
	}
	free.timer = time.AfterFunc(freeAfter, func() {
		debug.FreeOSMemory()
		time.AfterFunc(freeAfter, debug.FreeOSMemory) // by now the cache has written what it held
	})
}

// firstCrawl is the state of the first crawl of a project.
type firstCrawl struct {
	began   atomic.Bool
	running atomic.Bool
	texts   texts
}

// RelaxGC lets the heap grow while a project is compiled for the first time: nearly all of it is garbage a moment
// later, and collecting it meanwhile costs a third of the time. The returned func ends that and gives the memory back.
// From the second call on nothing changes.
func (c *Compiler) RelaxGC() (end func()) {
	if !c.first.began.CompareAndSwap(false, true) {
		return func() {}
	}
	relaxed.begin()
	c.first.running.Store(true)
	shallow := deepStacks()
	return func() {
		c.first.running.Store(false)
		shallow()
		relaxed.end()
		FreeLater()
	}
}

// relaxed counts the crawls for which the garbage collector waits. The setting belongs to the process, and so does the
// count: several servers may run in it.
var relaxed relaxedGC

type relaxedGC struct {
	mu     sync.Mutex
	crawls int
	was    int // the setting before the first of the crawls
}

func (r *relaxedGC) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.crawls++; r.crawls == 1 {
		r.was = debug.SetGCPercent(crawlGC)
	}
}

func (r *relaxedGC) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.crawls--; r.crawls == 0 {
		debug.SetGCPercent(r.was)
	}
}

// crawlGC is the growth in percent before a collection during the first crawl; measured against 100, 200 and 800.
const crawlGC = 400

// texts keeps the texts that stay of the first crawl together. Between the garbage of compiling, thousands of single
// texts would hold three times the memory that they need.
type texts struct {
	mu    sync.Mutex
	chunk *strings.Builder
	left  int // room in chunk, in bytes
}

const textChunk = 1 << 20

// keep returns a copy of the text that lies beside the other texts.
func (t *texts) keep(s string) string {
	if len(s) == 0 || len(s) > textChunk/8 { // large texts have pages of their own
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
	t.chunk.WriteString(s) // never more than was grown, so the texts that were returned before do not move
	return t.chunk.String()[from:]
}
