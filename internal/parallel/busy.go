package parallel

import (
	"context"
	"sync"
)

// Busy counts what runs. The zero value counts nothing. Its methods are safe for concurrent use.
type Busy struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when n is next 0; nil when nobody waits
}

// Begin counts one more, until end is called. Call end once.
func (b *Busy) Begin() (end func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n++
	return b.end
}

func (b *Busy) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n--; b.n == 0 && b.idle != nil {
		close(b.idle)
		b.idle = nil
	}
}

// Idle returns once nothing runs. It returns the cause of ctx's end when that comes first.
func (b *Busy) Idle(ctx context.Context) error {
	b.mu.Lock()
	if b.n == 0 {
		b.mu.Unlock()
		return nil
	}
	if b.idle == nil {
		b.idle = make(chan struct{})
	}
	idle := b.idle
	b.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
