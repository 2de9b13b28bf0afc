package edit

import (
	"sync"

	"github.com/seed-b8174343/devserver/internal/graph"
)

// Pages that load a module which a plugin has invalidated get new code. Pages that run the module keep their code until
// an update.

// outdated knows the modules that were invalidated. The zero value knows none.
type outdated struct {
	mu     sync.Mutex
	ids    map[string]bool // invalidated and not made again; guarded by mu
	unseen map[string]bool // made again, while pages may run the version before; guarded by mu
}

func (o *outdated) add(ids []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ids == nil {
		o.ids = map[string]bool{}
	}
	for _, id := range ids {
		o.ids[id] = true
	}
}

// take reports whether the module was invalidated. It is about to be made again, or was.
func (o *outdated) take(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	was := o.ids[id]
	delete(o.ids, id)
	return was
}

func (o *outdated) any() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.ids) > 0
}

func (o *outdated) isUnseen(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.unseen[id]
}

// hide notes that pages may run the version before: modules were made again, and no update brought them. The next edit
// that makes them sends them, even if their code is the same.
func (o *outdated) hide(ids []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range ids {
		if o.unseen == nil {
			o.unseen = map[string]bool{}
		}
		o.unseen[id] = true
	}
}

// seen notes that pages have got the modules.
func (o *outdated) seen(ids []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range ids {
		delete(o.unseen, id)
	}
}

// Outdate has modules compiled again when the next page loads them.
func (u *Updater) Outdate(ids ...string) { u.outdated.add(ids) }

// Invalidate compiles a module again for pages that load it from now on.
func (u *Updater) Invalidate(id string) {
	u.Outdate(id)
	u.renew(id)
}

// renewReached compiles the invalidated modules again that the modules reach.
func (u *Updater) renewReached(ids []string) {
	for u.outdated.any() {
		var reached []string
		u.o.Graph.Walk(ids, func(m *graph.Module, _ *graph.Version) { reached = append(reached, m.ID) })
		if !u.renew(reached...) {
			return
		}
		u.o.Graph.Crawl(uninterrupted(u.o.Context), ids...) // they may import others now
	}
}

// renew compiles the invalidated modules among these again, and reports whether there are any.
func (u *Updater) renew(ids ...string) (renewed bool) {
	u.applying.Lock()
	defer u.applying.Unlock()
	for _, id := range ids {
		if !u.outdated.take(id) {
			continue
		}
		renewed = true
		if now, was := u.o.Graph.Reload(u.inEdit(), id); was == nil || was.Rev != now.Rev {
			u.outdated.hide([]string{id})
		}
	}
	return renewed
}
