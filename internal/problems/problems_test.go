package problems_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/problems"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// pages record what a Set publishes.
type pages struct {
	mu  sync.Mutex
	got []string
	// before is called with each payload before the pages have it.
	before func(what string)
}

func (p *pages) publish(payload hmr.Payload) error {
	what := "fixed"
	if e, ok := payload.(*hmr.ErrorPayload); ok {
		what = e.Err.Message
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
		Context: ctx, Logger: slog.New(slog.DiscardHandler), Publish: p.publish, Orphan: func(string) bool { return false },
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
	s.Add(problems.ConfigID, &transform.Error{Text: "unknown option"})
	s.Add("/a.ts", &transform.Error{Text: "broken, too"})
	s.Publish()
	s.Clear(problems.ConfigID)
	s.Publish()
	if want := []string{"unknown option", "broken, too"}; !slices.Equal(p.got, want) {
		t.Errorf("pages get %q, want %q", p.got, want)
	}
}
