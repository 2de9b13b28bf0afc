package watch

import (
	"slices"
	"strings"
	"time"
)

const (
	// burstSize is the number of changed files above which changes are a burst. No editor saves that many at once.
	burstSize = 20
	// burstQuiet is the time without a change that ends a burst.
	burstQuiet = 15 * time.Millisecond
	// burstLongest is the longest time that a burst is held.
	burstLongest = 300 * time.Millisecond
)

// gather merges changes into batches until done. A batch goes out as soon as the receiver takes it.
func gather(in <-chan Change, out chan<- Batch, done <-chan struct{}) {
	pending := map[string]Kind{}
	var ready chan<- Batch
	var batch Batch
	var quiet, limit <-chan time.Time
	burst, overdue := false, false
	take := func(c Change) {
		pending[c.Path] = merge(pending, c)
		batch = nil
	}
	for {
		// All changes that the system has reported by now belong together.
		for more := true; more; {
			select {
			case c := <-in:
				take(c)
			default:
				more = false
			}
		}
		switch {
		case len(pending) == 0:
			ready, quiet, limit = nil, nil, nil
		case len(pending) <= burstSize:
			ready = out
		case !burst:
			burst, overdue = true, false
			ready, quiet, limit = nil, time.After(burstQuiet), time.After(burstLongest)
		}
		if ready != nil && batch == nil {
			batch = sorted(pending)
		}
		select {
		case <-done:
			return
		case c := <-in:
			take(c)
			if burst && !overdue {
				ready, quiet = nil, time.After(burstQuiet)
			}
		case ready <- batch:
			clear(pending)
			batch, ready, quiet, limit = nil, nil, nil, nil
			burst = false
		case <-quiet:
			ready, quiet = out, nil
		case <-limit:
			ready, quiet, overdue = out, nil, true // until the receiver takes it
		}
	}
}

// merge returns the kind of a path's pending change together with c. A file that was removed and created was replaced.
func merge(pending map[string]Kind, c Change) Kind {
	was, known := pending[c.Path]
	switch {
	case !known:
		return c.Kind
	case was == Removed && c.Kind == Created:
		return Replaced
	case (was == Created || was == Replaced) && c.Kind == Written:
		return was
	default:
		return c.Kind
	}
}

// Join returns the changes of b and then more as one Batch.
func (b Batch) Join(more Batch) Batch {
	pending := make(map[string]Kind, len(b)+len(more))
	for _, c := range b {
		pending[c.Path] = c.Kind
	}
	for _, c := range more {
		pending[c.Path] = merge(pending, c)
	}
	return sorted(pending)
}

func sorted(pending map[string]Kind) Batch {
	batch := make(Batch, 0, len(pending))
	for path, kind := range pending {
		batch = append(batch, Change{kind, path})
	}
	slices.SortFunc(batch, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return batch
}
