package plugin

import (
	"fmt"
	"slices"
	"sync"
)

// addedEvents are the handlers that plugins have added while they run. The zero value has none.
type addedEvents struct {
	changing sync.Mutex // held while handlers come or go, so that the server hears of it in order; taken before mu

	mu   sync.Mutex
	list []*addedEvent // guarded by mu
}

type addedEvent struct {
	Event
	off func() // tells the server that the name has no handler any more; of the plugin's first handler of the name
}

// handlers returns the plugin's handlers of a name, in the order in which they came.
func (r *Runner) handlers(plugin, name string, request bool) (list []Event) {
	for _, p := range r.plugins {
		for _, e := range p.Events {
			if p.Name == plugin && e.Name == name && e.Request == request {
				list = append(list, e)
			}
		}
	}
	r.added.mu.Lock()
	defer r.added.mu.Unlock()
	for _, a := range r.added.list {
		if a.plugin == plugin && a.Name == name && a.Request == request {
			list = append(list, a.Event)
		}
	}
	return list
}

// handle adds a handler of a plugin. The server hears of a name once, as the Runner calls all handlers of a name.
func (r *Runner) handle(plugin string, e Event) (remove func(), err error) {
	if err := e.check(plugin); err != nil {
		return nil, err
	}
	e.plugin = plugin
	r.added.changing.Lock()
	defer r.added.changing.Unlock()
	same := r.handlers(plugin, e.Name, e.Request)
	if e.Request && len(same) > 0 {
		return nil, fmt.Errorf("plugin %s: handle %q: requests of this name already have a handler", plugin, e.Name)
	}
	added := &addedEvent{Event: e}
	r.added.mu.Lock()
	r.added.list = append(r.added.list, added)
	r.added.mu.Unlock()
	if len(same) == 0 {
		if added.off, err = r.server.Handle(e); err != nil {
			r.added.drop(added)
			return nil, fmt.Errorf("plugin %s: %w", plugin, err)
		}
	}
	return sync.OnceFunc(func() { r.unhandle(added) }), nil
}

// unhandle removes a handler. The server forgets the name first, so that a page's event finds a handler or is told that
// there is none.
func (r *Runner) unhandle(gone *addedEvent) {
	r.added.changing.Lock()
	defer r.added.changing.Unlock()
	if gone.off != nil {
		if heir := r.added.other(gone); heir != nil {
			heir.off = gone.off
		} else {
			gone.off()
		}
	}
	r.added.drop(gone)
}

// other returns another handler of the same plugin and name. The caller holds changing.
func (a *addedEvents) other(than *addedEvent) *addedEvent {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, one := range a.list {
		if one != than && one.plugin == than.plugin && one.Name == than.Name && one.Request == than.Request {
			return one
		}
	}
	return nil
}

func (a *addedEvents) drop(gone *addedEvent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = slices.DeleteFunc(slices.Clone(a.list), func(one *addedEvent) bool { return one == gone })
}
