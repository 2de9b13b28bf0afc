package problems_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/problems"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// pages record what a Set publishes.
type pages struct {
	mu       sync.Mutex
	got      []string
	terminal bytes.Buffer
	// before is called with each payload before the pages have it.
	before func(what string)
}

func (p *pages) publish(payload hmr.Payload) error {
	what := "fixed"
	if e, ok := payload.(*hmr.ErrorPayload); ok {
		what = e.Err.Message
		for _, more := range e.More {
			what += ", " + more.Message
		}
	}
	if p.before != nil {
		p.before(what)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, what)
	return nil
}

func newSet(ctx context.Context, p *pages) *problems.Set {
	return problems.New(problems.Options{
		Context: ctx, Logger: slog.New(slog.NewTextHandler(&p.terminal, nil)), Publish: p.publish, Orphan: func(string) bool { return false },
		Workers: func(id string) []string {
			if id == "/part.ts" {
				return []string{"/worker.ts"}
			}
			return nil
		},
	})
}

// TestPublishAtTheSameTime fixes an error while another goroutine sends it. Pages end without the error.
func TestPublishAtTheSameTime(t *testing.T) {
	sending := make(chan struct{})
	p := &pages{before: func(what string) {
		if what == "broken" {
			close(sending)
			time.Sleep(20 * time.Millisecond) // for the other goroutine to overtake
		}
	}}
	s := newSet(t.Context(), p)
	s.Add("/a.ts", &transform.Error{Text: "broken"})
	var both sync.WaitGroup
	both.Go(s.Publish)
	<-sending
	s.Clear("/a.ts")
	both.Go(s.Publish)
	both.Wait()
	if want := []string{"broken", "fixed"}; !slices.Equal(p.got, want) {
		t.Errorf("pages get %q, want %q", p.got, want)
	}
}

// TestPublishOfAnEndedProject: what failed because the project ends is nothing that the user has to fix.
func TestPublishOfAnEndedProject(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	p := &pages{}
	s := newSet(ctx, p)
	end()
	s.Add("/a.ts", &transform.Error{Text: "context canceled"})
	s.Publish()
	if len(p.got) > 0 {
		t.Errorf("pages get %q", p.got)
	}
}

// TestConfigurationComesFirst: a mistake in the configuration is shown, even when a module has an error, too.
func TestConfigurationComesFirst(t *testing.T) {
	p := &pages{}
	s := newSet(t.Context(), p)
	s.Add("/app.ts", &transform.Error{Text: "broken"})
	s.AddForAll(problems.ConfigID, &transform.Error{Text: "unknown option"})
	s.Add("/a.ts", &transform.Error{Text: "broken, too"})
	s.AddForAll("/plugins", &transform.Error{Text: "plugins"})
	s.Publish()
	s.Clear(problems.ConfigID)
	s.Publish()
	if want := []string{"unknown option, plugins, broken, too, broken", "plugins, broken, too, broken"}; !slices.Equal(p.got, want) {
		t.Errorf("pages get %q, want %q", p.got, want)
	}
}

// TestErrorsSayWhomTheyConcern: pages decide by the module and its workers, and the configuration concerns all pages.
func TestErrorsSayWhomTheyConcern(t *testing.T) {
	s := newSet(t.Context(), &pages{})
	s.AddForAll(problems.ConfigID, &transform.Error{Text: "unknown option"})
	s.Add("/part.ts", &transform.Error{Text: "broken"})
	first := s.First()[0].(*hmr.ErrorPayload)
	if first.Err.Module != "" || len(first.More) != 1 {
		t.Fatalf("a page gets %+v", first)
	}
	if m := first.More[0]; m.Module != "/part.ts" || !slices.Equal(m.Workers, []string{"/worker.ts"}) {
		t.Errorf("the error is of %q and the workers %q", m.Module, m.Workers)
	}
	if info := s.AddServed("/b.ts", &transform.Error{Text: "broken"}); info.Module != "/b.ts" {
		t.Errorf("the error that is served is of %q", info.Module)
	}
}

// TestTerminalShowsEachError: each error is shown once. After an edit that fixes nothing the first error is shown again.
// The end of the last error is shown once, also when no module changed: the fix may be the text from before.
func TestTerminalShowsEachError(t *testing.T) {
	p := &pages{}
	s := newSet(t.Context(), p)
	shown := func() int { return strings.Count(p.terminal.String(), "level=ERROR") }
	for i := range 7 {
		s.Add(fmt.Sprintf("/%d.ts", i), &transform.Error{Text: fmt.Sprint("broken ", i)})
	}
	s.Publish()
	if !strings.Contains(p.terminal.String(), "there are 2 more errors") || shown() != 6 {
		t.Errorf("the terminal shows\n%s", p.terminal.String())
	}
	s.Publish() // as for a worker that a page starts
	if shown() != 6 {
		t.Errorf("the terminal shows\n%s", p.terminal.String())
	}
	s.PublishEdit()
	if shown() != 7 || strings.Count(p.terminal.String(), "broken 0") != 2 {
		t.Errorf("the terminal shows\n%s", p.terminal.String())
	}
	s.AddServed("/1.ts", &transform.Error{Text: "broken 1"})
	s.AddServed("/1.ts", &transform.Error{Text: "broken in another way"})
	if shown() != 8 {
		t.Errorf("the terminal shows\n%s", p.terminal.String())
	}
	fixed := func() int { return strings.Count(p.terminal.String(), "no errors any more") }
	for i := range 7 {
		if s.Publish(); fixed() != 0 {
			t.Errorf("%d errors are fixed, and the terminal shows\n%s", i, p.terminal.String())
		}
		s.Clear(fmt.Sprintf("/%d.ts", i))
	}
	s.Publish()
	if s.PublishEdit(); fixed() != 1 {
		t.Errorf("all errors are fixed, and the terminal shows\n%s", p.terminal.String())
	}
}

// TestThousandsOfErrors: pages get the first errors, and those whose error is not among them are told that there are
// more.
func TestThousandsOfErrors(t *testing.T) {
	s := newSet(t.Context(), &pages{})
	for i := range 5000 {
		s.Add(fmt.Sprintf("/%04d.ts", i), &transform.Error{Text: "broken"})
	}
	got := s.First()[0].(*hmr.ErrorPayload)
	if last := got.More[len(got.More)-1]; len(got.More) != 200 || last.Module != "" || !strings.Contains(last.Message, "5000 errors") {
		t.Errorf("pages get %d errors, the last is %+v", len(got.More)+1, last)
	}
}
