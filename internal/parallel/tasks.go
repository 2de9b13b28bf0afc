package parallel

import "sync"

// Tasks is a group of goroutines that ends with its owner. Go may be called while Wait waits, as requests and events come
// at any time; a sync.WaitGroup panics then. The zero value is ready. Its methods are safe for concurrent use.
type Tasks struct {
	mu      sync.Mutex
	ended   bool
	running sync.WaitGroup
}

// Go calls f in a goroutine. From the first Wait on it calls nothing.
func (t *Tasks) Go(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended {
		t.running.Go(f)
	}
}

// Wait ends the group and waits until all calls have returned.
func (t *Tasks) Wait() {
	t.mu.Lock()
	t.ended = true
	t.mu.Unlock()
	t.running.Wait()
}
