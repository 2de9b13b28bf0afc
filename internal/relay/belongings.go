package relay

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// belongings are what the plugins of one host have put up while they run, and what ends with the host: errors over
// pages and handlers.
type belongings struct {
	number uint64 // of the host
	host   pluginhost.Host

	mu       sync.Mutex
	over     bool            // the host was replaced or is gone; guarded by mu
	shown    map[string]bool // keys of errors; guarded by mu
	handlers []*handler      // in the order in which they came; guarded by mu
	link     *link           // nil while the host's handlers are not registered; guarded by mu
}

// handler is a handler that a plugin added.
type handler struct {
	plugin string
	info   wire.EventInfo
	off    func() // nil while it is not registered
}

// errEnded is the error for the plugins of a host that has been replaced.
var errEnded = errors.New("these plugins have been replaced")

// Of implements pluginhost.Backend.
func (b *backend) Of(c *pluginhost.Child) pluginhost.Backend {
	own := b.r.newBackend()
	own.serves(c)
	return own
}

// serves says which host the backend is for.
func (b *backend) serves(h pluginhost.Host) {
	b.host = h
	b.r.backends.Store(h, b)
}

// newBackend returns the backend of a host that comes.
func (r *Relay) newBackend() *backend {
	return &backend{r: r, belongings: belongings{number: r.hosts.Add(1), shown: map[string]bool{}}}
}

// backendOf returns the backend of a host, nil for nil and for a host that is gone.
func (r *Relay) backendOf(h pluginhost.Host) *backend {
	b, _ := r.backends.Load(h)
	own, _ := b.(*backend)
	return own
}

// Gone implements pluginhost.Backend. The handlers of a host that has a link end with the link, since events must be
// held before.
func (b *backend) Gone() {
	b.mu.Lock()
	linked := b.link != nil
	b.mu.Unlock()
	if !linked {
		b.end()
	}
}

// end takes back what the host has put up.
func (b *backend) end() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over, b.link = true, nil
	b.r.backends.Delete(b.host)
	var ids []string
	for key := range b.shown {
		ids = append(ids, b.errorID(key))
	}
	b.r.o.Problems.Withdraw(ids...)
	clear(b.shown)
	for _, h := range b.handlers {
		if h.off != nil {
			h.off()
		}
	}
	b.handlers = nil
}

// errorID is the ID of an error of the host among the errors of modules.
func (b *backend) errorID(key string) string { return fmt.Sprintf("/@plugin/%d/%s", b.number, key) }

// ShowError shows an error of a plugin over the pages.
func (b *backend) ShowError(key string, e plugin.Error) error {
	if e.Message == "" {
		return errors.New("show error: it has no message")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return fmt.Errorf("show error: %w", errEnded)
	}
	b.shown[key] = true
	b.r.o.Problems.Show(b.errorID(key), b.r.o.Problems.Convert(e.OnWire()))
	return nil
}

// ClearError takes an error of a plugin back.
func (b *backend) ClearError(key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.shown, key)
	b.r.o.Problems.Withdraw(b.errorID(key))
	return nil
}

// ReloadPages reloads the pages at a path, or all.
func (b *backend) ReloadPages(path, reason string) error {
	return b.r.o.Modules.ReloadPages(b.r.o.Hub.Publish, path, reason)
}

// ReloadPage reloads one page.
func (b *backend) ReloadPage(c plugin.Client, reason string) error {
	own, ok := c.(*page)
	if !ok {
		return fmt.Errorf("reload page %s: it is no page of this server", c.ID())
	}
	return b.r.o.Modules.ReloadPages(own.Client.Publish, "*", reason)
}

// Handle registers a handler of a plugin at the hub, once the handlers of its host are.
func (b *backend) Handle(e plugin.Event) (remove func(), err error) {
	h := &handler{}
	h.plugin, h.info = e.Described()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return nil, fmt.Errorf("handle %q: %w", e.Name, errEnded)
	}
	if b.link != nil {
		if h.off, err = b.link.listenFor(h.plugin, h.info); err != nil {
			return nil, err
		}
		b.r.tasks.Go(b.r.WriteTypes)
		b.r.tasks.Go(b.r.noteTools)
	}
	b.handlers = append(b.handlers, h)
	return func() { b.unhandle(h) }, nil
}

func (b *backend) unhandle(h *handler) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if slices.Contains(b.handlers, h) && h.off != nil {
		h.off()
		b.r.tasks.Go(b.r.noteTools)
	}
	b.handlers = slices.DeleteFunc(b.handlers, func(other *handler) bool { return other == h })
}

// attach registers the handlers that were added before the host had a link, such as in Start.
func (b *backend) attach(l *link) (err error) {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.link = l
	for _, h := range b.handlers {
		off, failed := l.listenFor(h.plugin, h.info)
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("plugin %s: %w", h.plugin, failed))
			continue
		}
		h.off = off
	}
	return err
}

// addedEvents returns the events and requests whose handlers were added, by the names of the plugins.
func (r *Relay) addedEvents() map[string][]wire.EventInfo {
	events := map[string][]wire.EventInfo{}
	r.backends.Range(func(_, of any) bool {
		b := of.(*backend)
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, h := range b.handlers {
			events[h.plugin] = append(events[h.plugin], h.info)
		}
		return true
	})
	return events
}
