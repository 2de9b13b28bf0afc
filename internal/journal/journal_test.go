package journal_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/seed-b8174343/devserver/internal/journal"
)

func note(text string) journal.Record {
	return journal.Record{Kind: journal.KindNote, Note: &journal.Note{Text: text}}
}

func event(name string) journal.Record {
	return journal.Record{Kind: journal.KindEvent, Event: &journal.Event{Name: name}}
}

func line(text string) journal.Record {
	return journal.Record{Kind: journal.KindConsole, Console: &journal.Console{Page: "c1", Level: "log", Text: text}}
}

// cursors returns the cursors of records as a text.
func cursors(list []journal.Record) string {
	var all []string
	for _, r := range list {
		all = append(all, fmt.Sprint(r.Cursor))
	}
	return strings.Join(all, " ")
}

func TestSince(t *testing.T) {
	l := journal.New()
	for i := range 3 {
		l.Add(note(fmt.Sprint("n", i)))
		l.Add(event("e"))
	}
	for _, c := range []struct {
		since uint64
		kinds []journal.Kind
		want  string
	}{
		{0, nil, "1 2 3 4 5 6"},
		{4, nil, "5 6"},
		{6, nil, ""},
		{0, []journal.Kind{journal.KindEvent}, "2 4 6"},
		{2, []journal.Kind{journal.KindEvent, journal.KindNote}, "3 4 5 6"},
		{0, []journal.Kind{"unknown"}, ""},
	} {
		list, now, lost := l.Since(c.since, c.kinds...)
		if cursors(list) != c.want || now != 6 || lost {
			t.Errorf("since %d %v: %s, now %d, lost %t; want %s", c.since, c.kinds, cursors(list), now, lost, c.want)
		}
	}
}

// TestRepeats: a line that a page writes again and again is one record with a count, and news for who has seen it.
func TestRepeats(t *testing.T) {
	l := journal.New()
	first := l.Add(line("tick"))
	for range 4 {
		l.Add(line("tick"))
	}
	l.Add(line("tock"))
	l.Add(line("tick"))
	list, _, lost := l.Since(0)
	if len(list) != 3 || list[0].Console.Count != 5 || list[2].Console.Count != 0 || lost {
		t.Errorf("%d records, lost %t", len(list), lost)
	}
	if list, _, _ = l.Since(first); len(list) != 3 {
		t.Error("the repetition is no news")
	}
}

func TestNext(t *testing.T) {
	l := journal.New()
	next := l.Next(0)
	select {
	case <-next:
		t.Fatal("an empty journal has news")
	default:
	}
	l.Add(note("a"))
	<-next
	<-l.Next(0) // has come already
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { <-l.Next(1) })
	}
	l.Add(note("b"))
	all.Wait()
	var none *journal.Log
	if none.Add(note("nowhere")) != 0 {
		t.Error("a nil Log counts")
	}
}
