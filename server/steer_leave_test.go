package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/internal/steer"
)

// TestToolsThatDie has many tools that wait at once and die: the server keeps nothing of them. Those that wait when the
// server stops hear of it.
func TestToolsThatDie(t *testing.T) {
	s, tools := toolsOf(t, editsApp)
	cursor := ask[steer.Status](tools, steer.VerbStatus, steer.None{}).Cursor
	waits := map[string]any{
		steer.VerbWait: steer.WaitArgs{Since: &cursor, Timeout: 60_000}, steer.VerbLogs: steer.LogsArgs{Wait: 60_000},
		steer.VerbEvents: steer.EventsArgs{Wait: 60_000}, steer.VerbHistory: steer.HistoryArgs{Since: cursor, Wait: 25_000},
	}
	begin := func(ctx context.Context, times int) (wait func() []error) {
		var all sync.WaitGroup
		errs := make(chan error, times*len(waits))
		for range times {
			for verb, args := range waits {
				all.Go(func() {
					var out json.RawMessage
					errs <- tools.server.Do(ctx, verb, args, &out)
				})
			}
		}
		return func() (list []error) {
			all.Wait()
			close(errs)
			for err := range errs {
				list = append(list, err)
			}
			return list
		}
	}
	before := holds()
	now := func() string { return fmt.Sprintf("before %+v, now %+v", before, holds()) }
	ctx, cancel := context.WithCancel(t.Context())
	wait := begin(ctx, 25)
	devtest.Eventually(t, "the server has the requests", func() bool { return answering() == 100 }, now)
	cancel()
	for _, err := range wait() {
		if err == nil {
			t.Error("a tool that died got an answer")
		}
	}
	var after held
	devtest.Eventually(t, "goroutines and descriptors as before", func() bool {
		after = holds()
		return answering() == 0 && after.goroutines <= before.goroutines+5 && after.descriptors <= before.descriptors+5
	}, func() string { return fmt.Sprintf("before %+v, after %+v", before, after) })

	wait = begin(t.Context(), 1)
	devtest.Eventually(t, "the server has the requests", func() bool { return answering() == 4 }, now)
	s.Stop()
	wait() // they end: by an error, or by an answer that says what is so far
}

// answering returns how many verbs servers of this process are answering. No other test runs meanwhile.
func answering() int {
	for buffer := make([]byte, 1<<20); ; buffer = make([]byte, 2*len(buffer)) {
		if n := runtime.Stack(buffer, true); n < len(buffer) {
			return strings.Count(string(buffer[:n]), "steer.(*Core).Do(")
		}
	}
}
