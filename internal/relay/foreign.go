package relay

import (
	"slices"
	"sync"

	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// heard are the events that the foreign plugins listen for, by their names.
type heard struct {
	mu  sync.Mutex
	off map[string]func() // removes the handler; guarded by mu
}

// Listen sets which events the foreign plugins get. Handlers of other names are removed. It does nothing once they have
// ended.
func (r *Relay) Listen(events []string) {
	b := r.backendOf(r.o.Foreign)
	if b == nil {
		return
	}
	r.heard.mu.Lock()
	defer r.heard.mu.Unlock()
	for name, off := range r.heard.off {
		if !slices.Contains(events, name) {
			off()
			delete(r.heard.off, name)
		}
	}
	owner := r.o.Foreign.Info().Plugins[0].Name
	for _, name := range events {
		if r.heard.off[name] != nil {
			continue
		}
		off, err := b.Handle(plugin.EventOf(owner, wire.EventInfo{Name: name}))
		if err != nil {
			return // they have ended meanwhile
		}
		if r.heard.off == nil {
			r.heard.off = map[string]func(){}
		}
		r.heard.off[name] = off
	}
}
