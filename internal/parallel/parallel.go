// Package parallel runs a loop on all processors, and goroutines that end with their owner.
package parallel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Do calls f for 0..n-1, on all processors, and returns when all calls have.
func Do(n int, f func(i int)) {
	if n == 1 {
		f(0)
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}
