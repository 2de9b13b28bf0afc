package parallel_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-b8174343/devserver/internal/parallel"
)

func TestDo(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000} {
		seen := make([]atomic.Int32, n)
		parallel.Do(n, func(i int) { seen[i].Add(1) })
		for i := range seen {
			if got := seen[i].Load(); got != 1 {
				t.Errorf("%d of %d was called %d times", i, n, got)
			}
		}
	}
}

// TestTasksEndWhileOthersStart starts tasks from several goroutines while the owner waits.
func TestTasksEndWhileOthersStart(t *testing.T) {
	var tasks parallel.Tasks
	var running, after atomic.Int32
	var ended atomic.Bool
	var starters sync.WaitGroup
	for range 4 {
		starters.Go(func() {
			for range 1000 {
				tasks.Go(func() {
					running.Add(1)
					if ended.Load() {
						after.Add(1)
					}
					running.Add(-1)
				})
			}
		})
	}
	tasks.Wait()
	if n := running.Load(); n != 0 {
		t.Errorf("%d tasks run after Wait", n)
	}
	ended.Store(true)
	starters.Wait()
	tasks.Wait()
	if n := after.Load(); n != 0 {
		t.Errorf("%d tasks started after Wait", n)
	}
}
