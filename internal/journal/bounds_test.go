package journal

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/hmr"
)

// TestBounds fills a log with long records of each kind: it keeps as many as it may, and not one byte more.
func TestBounds(t *testing.T) {
	text := strings.Repeat("x", 10_000)
	kinds := map[Kind]func(text string) Record{
		KindEdit: func(text string) Record {
			return Record{Edit: &Edit{Files: []File{{Kind: "update", Path: text}}}}
		},
		KindReport:  func(text string) Record { return Record{Report: &Report{Reason: text}} },
		KindReload:  func(text string) Record { return Record{Reload: &Reload{Reason: text}} },
		KindErrors:  func(text string) Record { return Record{Errors: &Errors{List: []hmr.ErrorInfo{{Message: text}}}} },
		KindConsole: func(text string) Record { return Record{Console: &Console{Text: text}} },
		KindEvent:   func(text string) Record { return Record{Event: &Event{Data: json.RawMessage(text)}} },
		KindPage:    func(text string) Record { return Record{Page: &Page{URL: text}} },
		KindPlugins: func(text string) Record { return Record{Plugins: &Plugins{Error: text}} },
		KindNote:    func(text string) Record { return Record{Note: &Note{Text: text}} },
		KindAct:     func(text string) Record { return Record{Act: &Act{Text: text}} },
	}
	for kind := range bounds {
		if kinds[kind] == nil && kind != KindTools {
			t.Errorf("no record of the kind %s here", kind)
		}
	}
	for kind, make := range kinds {
		l := New()
		const added = 5000
		for n := range added {
			r := make(fmt.Sprint(n, text))
			r.Kind = kind
			l.Add(r)
		}
		list, now, lost := l.Since(0, kind)
		most := bounds[kind]
		if got := len(list) * len(text); got > most.bytes || len(list) > most.records || len(list) == 0 {
			t.Errorf("%s: %d records with %d bytes are kept, want at most %d with %d", kind, len(list), got, most.records, most.bytes)
		}
		if !lost || now != added || list[len(list)-1].Cursor != added {
			t.Errorf("%s: lost %v, now %d, want the newest, and that others are lost", kind, lost, now)
		}
		if _, _, lost := l.Since(list[0].Cursor-1, kind); lost {
			t.Errorf("%s: nothing after that cursor is lost", kind)
		}
	}
}

// TestBurst has 100,000 events and lines: memory stays within the bounds, and the edits are still there.
func TestBurst(t *testing.T) {
	l := New()
	l.Add(Record{Kind: KindEdit, Edit: &Edit{Files: []File{{Path: "a.ts"}}}})
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for n := range 100_000 {
		l.Add(Record{Kind: KindEvent, Event: &Event{Name: "e", Data: json.RawMessage(fmt.Sprint(n, strings.Repeat("1", 1000)))}})
		l.Add(Record{Kind: KindConsole, Console: &Console{Text: fmt.Sprint(n, strings.Repeat("x", 1000))}})
	}
	if grown := int64(heap()) - int64(before); grown > 20<<20 {
		t.Errorf("the log grew by %d kB", grown>>10)
	}
	if list, _, lost := l.Since(0, KindEdit); len(list) != 1 || lost {
		t.Errorf("edits: %+v, lost %v", list, lost)
	}
	runtime.KeepAlive(l)
}

// TestCursorOfAnotherLog: a cursor that is ahead was given by an earlier run of the server.
func TestCursorOfAnotherLog(t *testing.T) {
	t.Parallel()
	l := New()
	l.Add(Record{Kind: KindNote, Note: &Note{Text: "one"}})
	if list, now, lost := l.Since(99); len(list) != 1 || now != 1 || !lost {
		t.Errorf("got %+v, now %d, lost %v; want all, and that others are lost", list, now, lost)
	}
}
