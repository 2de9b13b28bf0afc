package pack

import (
	"strconv"
	"sync"
)

const (
	// mostSent is how many packs and updates can still be mapped. Pages do not run older ones any more.
	mostSent = 64
	// mostBytes bounds the code of updates that is kept: of a generated file of many megabytes 64 would be too many.
	mostBytes = 16 << 20
)

// sent is what pages were sent, for source maps and for pages that load again. The zero value is ready.
type sent struct {
	packs   recent   // by tag
	places  recent   // packs by the URL that pages have them from
	maps    recent   // source maps that positions were looked up in, by module
	updates recent   // by key
	entries sync.Map // ID -> lastPack

	mu   sync.Mutex
	next int // number of the next update
}

// lastPack is the last pack of an entry.
type lastPack struct {
	state    uint64 // of the graph, before the pack was made of it
	tag      string
	sections []section
}

func (s *sent) entry(id string) (lastPack, bool) {
	last, ok := s.entries.Load(id)
	if !ok {
		return lastPack{}, false
	}
	return last.(lastPack), true
}

func (s *sent) setEntry(id string, last lastPack) { s.entries.Store(id, last) }

// add remembers a pack and the URL that the browser has it from.
func (s *sent) add(tag, url string, sections []section) {
	s.packs.put(tag, item{sections: sections})
	s.places.put(url, item{sections: sections})
}

// addUpdate remembers the code of an update and returns its key. run begins the key.
func (s *sent) addUpdate(run, code string, sections []section) (key string) {
	s.mu.Lock()
	s.next++
	key = run + "-" + strconv.Itoa(s.next)
	s.mu.Unlock()
	s.updates.put(key, item{code, sections})
	return key
}

// recent holds the items that were put last, a bounded number of them. The zero value is ready.
type recent struct {
	mu    sync.Mutex
	keys  []string // oldest first
	items map[string]item
	size  int // of all code, in bytes
}

// item is code that was sent, or a map, with the modules in it.
type item struct {
	code     string // of updates and maps only
	sections []section
}

func (r *recent) put(key string, now item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.items == nil {
		r.items = map[string]item{}
	}
	if _, known := r.items[key]; !known {
		r.keys = append(r.keys, key)
	}
	r.size += len(now.code) - len(r.items[key].code)
	r.items[key] = now
	for len(r.keys) > mostSent || r.size > mostBytes && len(r.keys) > 1 {
		r.size -= len(r.items[r.keys[0]].code)
		delete(r.items, r.keys[0])
		r.keys = r.keys[1:]
	}
}

func (r *recent) get(key string) (item, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found, ok := r.items[key]
	return found, ok
}
