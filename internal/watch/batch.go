package watch

import (
	"slices"
	"strings"
	"time"
)

const (
	// many is how many changed files make a burst: more than an editor saves at once.
	many = 20
	// settle is how long a burst must be quiet to be over, longest how long it is held at most.
	settle  = 15 * time.Millisecond
	longest = 300 * time.Millisecond
)

// gather merges changes and hands them on as batches as soon as the receiver takes them, until done.
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
		// What the system has reported by now belongs together.
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
		case len(pending) <= many:
			ready = out
		case !burst:
			burst, overdue = true, false
			ready, quiet, limit = nil, time.After(settle), time.After(longest)
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
				ready, quiet = nil, time.After(settle)
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

// merge tells what two changes of one path are together: a file that goes and comes was replaced.
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

func sorted(pending map[string]Kind) Batch {
	batch := make(Batch, 0, len(pending))
	for path, kind := range pending {
		batch = append(batch, Change{kind, path})
	}
	slices.SortFunc(batch, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return batch
}
