package server

import (
	"strconv"
	"sync"
)

const (
	// kept is how many packs and updates can still be mapped; older ones are gone from the pages too.
	kept = 64
	// keptBytes bounds the code of updates that is kept: of a generated file of many megabytes 64 would be too many.
	keptBytes = 16 << 20
)

// outbox is what was sent to pages, for the source maps of it and for pages that load again.
type outbox struct {
	packs   served
	places  served   // packs by the URL that pages have them from
	maps    served   // source maps that positions were looked up in, see originalPosition
	sent    sync.Map // entry -> sentPack
	updates updateLog
}

// served remembers what was sent, newest last, bounded.
type served struct {
	mu    sync.Mutex
	keys  []string
	items map[string]servedText
	size  int // of all code, in bytes
	next  int
}

type servedText struct {
	code     string // of updates only
	sections []section
}

func (s *served) add(key string, sections []section) { s.put(key, servedText{sections: sections}) }

func (s *served) put(key string, t servedText) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.items == nil {
		s.items = map[string]servedText{}
	}
	if _, known := s.items[key]; !known {
		s.keys = append(s.keys, key)
	}
	s.size += len(t.code) - len(s.items[key].code)
	s.items[key] = t
	for len(s.keys) > kept || s.size > keptBytes && len(s.keys) > 1 {
		s.size -= len(s.items[s.keys[0]].code)
		delete(s.items, s.keys[0])
		s.keys = s.keys[1:]
	}
}

func (s *served) get(key string) (servedText, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.items[key]
	return t, ok
}

// updateLog keeps the code of the last updates under keys that differ between runs of the server.
type updateLog struct {
	served
	prefix string
}

func (l *updateLog) add(code string, sections []section) string {
	l.mu.Lock()
	l.next++
	key := l.prefix + "-" + strconv.Itoa(l.next)
	l.mu.Unlock()
	l.put(key, servedText{code: code, sections: sections})
	return key
}

func (l *updateLog) code(key string) (string, bool) {
	t, ok := l.get(key)
	return t.code, ok && t.code != ""
}
