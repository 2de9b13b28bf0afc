package pluginhost

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// Host runs plugins. *plugin.Runner and *Child are Hosts.
type Host interface {
	Info() wire.Info
	Event(ctx context.Context, name, event string, request bool, c plugin.Client, data json.RawMessage) (any, error)
	ChannelMessage(ctx context.Context, id string, c plugin.Client, data json.RawMessage) error
	ChannelAllows(ctx context.Context, id string, c plugin.Client, d hmr.Direction) error
	Connect(ctx context.Context, c plugin.Client) error
	Disconnect(ctx context.Context, c plugin.Client) error
	Identified(ctx context.Context, c plugin.Client) error
	Identify(ctx context.Context, r *http.Request) (user string, err error)
	ResolveID(ctx context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error)
	Load(ctx context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error)
	Transform(ctx context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error)
	TransformHTML(ctx context.Context, a plugin.TransformHTMLArgs) (*plugin.TransformHTMLResult, error)
	HotUpdate(ctx context.Context, a plugin.HotUpdateArgs) (*plugin.HotUpdateResult, error)
	Route(method, path string) http.Handler
}

// Hosts asks several hosts in order. A hook that no plugin has costs a look at a list. Its methods are safe for
// concurrent use; a host may be replaced while it is asked.
type Hosts struct {
	mu    sync.RWMutex
	hosts []*entry
}

// entry is a host and what can be told of it without asking.
type entry struct {
	host    Host
	info    wire.Info
	filters map[string][]wire.Filter // by hook
}

func newEntry(h Host) *entry {
	e := &entry{host: h, info: h.Info(), filters: map[string][]wire.Filter{}}
	for _, p := range e.info.Plugins {
		for _, hook := range p.Hooks {
			e.filters[hook] = append(e.filters[hook], p.Filter)
		}
	}
	return e
}

// wants tells whether some plugin of the host has the hook and lets the ID through.
func (e *entry) wants(hook, id string) bool {
	return slices.ContainsFunc(e.filters[hook], func(f wire.Filter) bool { return f.Matches(id) })
}

// NewHosts returns Hosts that asks the hosts in the given order.
func NewHosts(hosts ...Host) *Hosts {
	m := &Hosts{}
	for _, h := range hosts {
		m.hosts = append(m.hosts, newEntry(h))
	}
	return m
}

// Replace puts a host in the place of another one: at the end when old is nil, away when now is nil.
func (m *Hosts) Replace(old, now Host) {
	m.mu.Lock()
	defer m.mu.Unlock()
	hosts := slices.Clone(m.hosts)
	at := slices.IndexFunc(hosts, func(e *entry) bool { return e.host == old })
	switch {
	case now == nil && at >= 0:
		hosts = slices.Delete(hosts, at, at+1)
	case now != nil && at >= 0:
		hosts[at] = newEntry(now)
	case now != nil:
		hosts = append(hosts, newEntry(now))
	}
	m.hosts = hosts
}

// All returns the hosts in the order in which they are asked.
func (m *Hosts) All() []Host {
	var hosts []Host
	for _, e := range m.list() {
		hosts = append(hosts, e.host)
	}
	return hosts
}

func (m *Hosts) list() []*entry {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.hosts
}

// Plugins describes all plugins of all hosts.
func (m *Hosts) Plugins() []wire.PluginInfo {
	var all []wire.PluginInfo
	for _, e := range m.list() {
		all = append(all, e.info.Plugins...)
	}
	return all
}

// first asks the hosts that want the ID until one answers.
func first[A, R any](ctx context.Context, m *Hosts, hook, id string, args A, ask func(Host, context.Context, A) (*R, error)) (*R, error) {
	for _, e := range m.list() {
		if !e.wants(hook, id) {
			continue
		}
		if r, err := ask(e.host, ctx, args); r != nil || err != nil {
			return r, err
		}
	}
	return nil, nil
}

// ResolveID returns the first answer, nil when there is none.
func (m *Hosts) ResolveID(ctx context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error) {
	return first(ctx, m, "resolveID", a.Specifier, a, Host.ResolveID)
}

// Resolves tells whether a plugin takes the ID for a module of its own.
func (m *Hosts) Resolves(ctx context.Context, id string) bool {
	if r, err := m.ResolveID(ctx, plugin.ResolveArgs{Specifier: id}); err == nil && r != nil {
		return true
	}
	r, err := m.Load(ctx, plugin.LoadArgs{ID: id})
	return err == nil && r != nil
}

// Load returns the first answer, nil when there is none.
func (m *Hosts) Load(ctx context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
	return first(ctx, m, "load", a.ID, a, Host.Load)
}

// Transform passes the source from host to host; nil means that none changed it.
func (m *Hosts) Transform(ctx context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
	var changed *plugin.TransformResult
	for _, e := range m.list() {
		if !e.wants("transform", a.ID) {
			continue
		}
		r, err := e.host.Transform(ctx, a)
		if err != nil {
			return nil, err
		}
		if r != nil {
			if changed != nil {
				r.Watch = append(r.Watch, changed.Watch...)
			}
			a.Code, changed = r.Code, r
		}
	}
	return changed, nil
}

// TransformHTML passes the page from host to host; nil means that none changed it.
func (m *Hosts) TransformHTML(ctx context.Context, a plugin.TransformHTMLArgs) (*plugin.TransformHTMLResult, error) {
	var all *plugin.TransformHTMLResult
	for _, e := range m.list() {
		if e.filters["transformHTML"] == nil {
			continue
		}
		r, err := e.host.TransformHTML(ctx, a)
		if err != nil {
			return nil, err
		}
		if r == nil {
			continue
		}
		if r.HTML != "" {
			a.HTML = r.HTML
		} else if all != nil {
			r.HTML = all.HTML
		}
		if all != nil {
			r.Tags = append(all.Tags, r.Tags...)
		}
		all = r
	}
	return all, nil
}

// WantsHotUpdate tells whether some plugin has the hook.
func (m *Hosts) WantsHotUpdate() bool {
	return slices.ContainsFunc(m.list(), func(e *entry) bool { return e.filters["hotUpdate"] != nil })
}

// HotUpdate lets the hosts narrow the modules in turn; nil means that none did.
func (m *Hosts) HotUpdate(ctx context.Context, a plugin.HotUpdateArgs) (*plugin.HotUpdateResult, error) {
	var narrowed *plugin.HotUpdateResult
	for _, e := range m.list() {
		if e.filters["hotUpdate"] == nil {
			continue
		}
		r, err := e.host.HotUpdate(ctx, a)
		if err != nil {
			return nil, err
		}
		if r != nil {
			a.Modules, narrowed = r.Modules, r
		}
	}
	return narrowed, nil
}

// Connect tells one host of a page that opened, unless it has been replaced.
func (m *Hosts) Connect(ctx context.Context, h Host, c plugin.Client) error {
	return m.tell(h, "connect", func() error { return h.Connect(ctx, c) })
}

// Disconnect tells one host of a page that is gone.
func (m *Hosts) Disconnect(ctx context.Context, h Host, c plugin.Client) error {
	return m.tell(h, "disconnect", func() error { return h.Disconnect(ctx, c) })
}

// Identified tells one host of a page whose user has changed.
func (m *Hosts) Identified(ctx context.Context, h Host, c plugin.Client) error {
	return m.tell(h, "identified", func() error { return h.Identified(ctx, c) })
}

// Identifies tells whether some plugin has the hook.
func (m *Hosts) Identifies() bool {
	return slices.ContainsFunc(m.list(), func(e *entry) bool { return e.filters["identify"] != nil })
}

// Identify asks the hosts in order whose request it is. The first name or error is the answer, "" is nobody.
func (m *Hosts) Identify(ctx context.Context, r *http.Request) (user string, err error) {
	for _, e := range m.list() {
		if e.filters["identify"] == nil {
			continue
		}
		if user, err := e.host.Identify(ctx, r); user != "" || err != nil {
			return user, err
		}
	}
	return "", nil
}

// tell calls the hook if the host has it and is there.
func (m *Hosts) tell(h Host, hook string, call func() error) error {
	for _, e := range m.list() {
		if e.host == h && e.filters[hook] != nil {
			return call()
		}
	}
	return nil
}

// ServeRoute answers the request when a plugin has a route for it, and tells whether one had.
func (m *Hosts) ServeRoute(w http.ResponseWriter, r *http.Request) bool {
	for _, e := range m.list() {
		if h := e.host.Route(r.Method, r.URL.Path); h != nil {
			h.ServeHTTP(w, r)
			return true
		}
	}
	return false
}
