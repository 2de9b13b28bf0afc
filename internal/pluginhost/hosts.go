package pluginhost

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// Host runs plugins. *plugin.Runner runs them in this process, *Child in another program.
type Host interface {
	// Info describes the plugins. It stays the same as long as the host runs.
	Info() wire.Info
	// Ask asks the plugins by a hook, for [wire.Hook.Ask].
	Ask(ctx context.Context, hook string, args, answer any) error
	// Event hands a page's event or request to the handlers of one plugin, and returns the answer to a request.
	Event(ctx context.Context, plugin, event string, request bool, c plugin.Client, data json.RawMessage) (any, error)
	// ChannelMessage hands a page's message to a channel of a plugin.
	ChannelMessage(ctx context.Context, id string, c plugin.Client, data json.RawMessage) error
	// ChannelAllows asks whether a page may listen or send on a channel. The error says why not.
	ChannelAllows(ctx context.Context, id string, c plugin.Client, d hmr.Direction) error
	// Routes returns a handler that gives requests to the routes, and requests without a route to next.
	Routes(next, gone http.Handler) http.Handler
	// Middleware returns a handler that gives requests to the middlewares, and what they pass on to next. Here and in
	// Routes, gone gets the requests that no plugin has seen, since the plugins have ended.
	Middleware(next, gone http.Handler) http.Handler
}

// Hosts asks several hosts in order. A hook that no plugin has costs a look at a list. Its methods are safe for
// concurrent use, and a host may be replaced while it is asked. The zero value has no host.
type Hosts struct {
	mu   sync.RWMutex
	list []*entry // replaced and never changed; guarded by mu
	away *absence // of the host that is gone and whose requests wait for an heir, nil for none; guarded by mu
	// changed is closed when list or away changes, and by Close; nil while no question waits. It is guarded by mu.
	changed chan struct{}
	closing bool // see Close; guarded by mu
}

// entry is a host and the parts of its Info that are read for each question.
type entry struct {
	host    Host
	info    wire.Info
	filters map[string][]wire.Filter // of the plugins that have a hook, by the hook's name
	sees    bool                     // some plugin has a middleware
	heir    inheritance
}

func newEntry(h Host) *entry {
	e := &entry{host: h, info: h.Info(), filters: map[string][]wire.Filter{}, heir: newInheritance()}
	for _, p := range e.info.Plugins {
		e.sees = e.sees || len(p.Middleware) > 0
		for _, hook := range p.Hooks {
			e.filters[hook] = append(e.filters[hook], p.FilterOf(hook))
		}
	}
	return e
}

// NewHosts returns Hosts that asks the hosts in the given order.
func NewHosts(hosts ...Host) *Hosts {
	h := &Hosts{}
	for _, one := range hosts {
		h.list = append(h.list, newEntry(one))
	}
	return h
}

// Replace puts the host now in the place of old. When old is nil, now is added at the end, and gets the requests that
// [Hosts.Await] has kept. When now is nil, old is removed.
func (h *Hosts) Replace(old, now Host) {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := slices.Clone(h.list)
	at := slices.IndexFunc(list, func(e *entry) bool { return e.host == old })
	var heir *entry
	if now != nil {
		heir = newEntry(now)
	}
	switch {
	case now != nil && at >= 0:
		list[at].heir.settle(heir)
		list[at] = heir
	case now != nil:
		list = append(list, heir)
		h.leave(heir)
	case at >= 0:
		list[at].heir.settle(nil)
		list = slices.Delete(list, at, at+1)
	}
	h.list = list
	h.change()
}

func (h *Hosts) entries() []*entry {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.list
}

// All returns the hosts in the order in which they are asked.
func (h *Hosts) All() []Host {
	var hosts []Host
	for _, e := range h.entries() {
		hosts = append(hosts, e.host)
	}
	return hosts
}

// Plugins describes all plugins of all hosts.
func (h *Hosts) Plugins() []wire.PluginInfo {
	var all []wire.PluginInfo
	for _, e := range h.entries() {
		all = append(all, e.info.Plugins...)
	}
	return all
}

// ask asks the hosts that have a plugin with the hook, and combines their answers. It asks again when a host was replaced
// before it could answer. The next host answers in the place of a host that is away.
func ask[A any, R comparable](ctx context.Context, h *Hosts, hook wire.Hook[A, R], args A) (R, error) {
	for again := false; ; again = true {
		list, away := h.asked(hook.Makes)
		answer, err := wire.Combine(hook, list, args, func(e *entry, args A) (none R, err error) {
			wants := func(f wire.Filter) bool { return hook.Wants(f, args) }
			if !slices.ContainsFunc(e.filters[hook.Name], wants) {
				return none, nil
			}
			if away != nil && e == away.entry {
				if e = away.await(ctx); e == nil || !slices.ContainsFunc(e.filters[hook.Name], wants) {
					return none, ctx.Err()
				}
			}
			return hook.Ask(ctx, e.host, args)
		})
		lost := hook.Makes && !again && errors.Is(err, wire.ErrClosed) // a module or page may be asked for twice
		if !lost && !wire.NotRun(err) {
			return answer, err
		}
		if !h.differs(ctx, list, away, hook.Makes) {
			return answer, err
		}
	}
}

// noticed is how long it may take until the end of a program has been noticed, and Await was called.
const noticed = time.Second

// differs reports whether others are to be asked than list, of which away is away. A host that has ended is in the list
// until its end was noticed. A question that waits for the next host waits for that, too.
func (h *Hosts) differs(ctx context.Context, list []*entry, away *absence, makes bool) bool {
	limit := time.NewTimer(noticed)
	defer limit.Stop()
	for {
		changed := h.willChange()
		if now, gone := h.asked(makes); gone != away || !slices.Equal(list, now) {
			return true
		}
		if !makes || changed == nil {
			return false
		}
		select {
		case <-changed:
		case <-limit.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// willChange returns a channel that is closed at the next change of the hosts, nil when there will be none.
func (h *Hosts) willChange() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		return nil
	}
	if h.changed == nil {
		h.changed = make(chan struct{})
	}
	return h.changed
}

// change wakes the questions that wait for a change of the hosts. The caller holds mu.
func (h *Hosts) change() {
	if h.changed != nil {
		close(h.changed)
		h.changed = nil
	}
}

// Close lets no question wait for another host any more: the project is closed, and waits for its modules.
func (h *Hosts) Close() {
	h.PassModules()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closing = true
	h.change()
}

// asked returns the hosts that a question is for, and the absence of the last of them, nil when it is not away.
func (h *Hosts) asked(makes bool) ([]*entry, *absence) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if !makes || h.away == nil {
		return h.list, nil
	}
	return append(slices.Clone(h.list), h.away.entry), h.away
}

// callOne calls a hook of one host, unless the host does not have it or has been replaced.
func callOne[A any](ctx context.Context, h *Hosts, of Host, hook wire.Hook[A, struct{}], args A) error {
	for _, e := range h.entries() {
		if e.host == of && e.filters[hook.Name] != nil {
			_, err := hook.Ask(ctx, of, args)
			return err
		}
	}
	return nil
}

// has reports whether some plugin has the hook of that name.
func (h *Hosts) has(hook string) bool {
	return slices.ContainsFunc(h.entries(), func(e *entry) bool { return e.filters[hook] != nil })
}

// ResolveID returns the first answer, nil when there is none.
func (h *Hosts) ResolveID(ctx context.Context, a plugin.ResolveArgs) (*plugin.ResolveResult, error) {
	return ask(ctx, h, plugin.Hooks.ResolveID, a)
}

// Resolves reports whether a plugin takes the ID for a module of its own.
func (h *Hosts) Resolves(ctx context.Context, id string) bool {
	if r, err := h.ResolveID(ctx, plugin.ResolveArgs{Specifier: id}); err == nil && r != nil {
		return true
	}
	r, err := h.Load(ctx, plugin.LoadArgs{ID: id})
	return err == nil && r != nil
}

// Load returns the first answer, nil when there is none.
func (h *Hosts) Load(ctx context.Context, a plugin.LoadArgs) (*plugin.LoadResult, error) {
	return ask(ctx, h, plugin.Hooks.Load, a)
}

// Transform passes the source from host to host. nil means that no plugin changed it.
func (h *Hosts) Transform(ctx context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
	return ask(ctx, h, plugin.Hooks.Transform, a)
}

// PostTransform passes compiled code from host to host. nil means that no plugin changed it.
func (h *Hosts) PostTransform(ctx context.Context, a plugin.TransformArgs) (*plugin.TransformResult, error) {
	return ask(ctx, h, plugin.Hooks.PostTransform, a)
}

// WantsPostTransform reports whether some plugin has the hook PostTransform and a filter for the ID.
func (h *Hosts) WantsPostTransform(id string) bool {
	list, _ := h.asked(true)
	return slices.ContainsFunc(list, func(e *entry) bool {
		return slices.ContainsFunc(e.filters[plugin.Hooks.PostTransform.Name], func(f wire.Filter) bool { return f.Matches(id) })
	})
}

// TransformHTML passes the page from host to host and gathers their tags. nil means that no plugin changed it.
func (h *Hosts) TransformHTML(ctx context.Context, a plugin.TransformHTMLArgs) (*plugin.TransformHTMLResult, error) {
	return ask(ctx, h, plugin.Hooks.TransformHTML, a)
}

// WantsHotUpdate reports whether some plugin has the hook HotUpdate.
func (h *Hosts) WantsHotUpdate() bool { return h.has(plugin.Hooks.HotUpdate.Name) }

// HotUpdate lets the hosts narrow the modules in turn. nil means that no plugin did.
func (h *Hosts) HotUpdate(ctx context.Context, a plugin.HotUpdateArgs) (*plugin.HotUpdateResult, error) {
	return ask(ctx, h, plugin.Hooks.HotUpdate, a)
}

// Connect reports a page that opened to one host, unless the host has been replaced.
func (h *Hosts) Connect(ctx context.Context, to Host, c plugin.Client) error {
	return callOne(ctx, h, to, plugin.Hooks.Connect, c)
}

// Disconnect reports a page that is gone to one host.
func (h *Hosts) Disconnect(ctx context.Context, to Host, c plugin.Client) error {
	return callOne(ctx, h, to, plugin.Hooks.Disconnect, c)
}

// Identified reports a page whose user has changed to one host.
func (h *Hosts) Identified(ctx context.Context, to Host, c plugin.Client) error {
	return callOne(ctx, h, to, plugin.Hooks.Identified, c)
}

// Identifies reports whether some plugin has the hook Identify.
func (h *Hosts) Identifies() bool { return h.has(plugin.Hooks.Identify.Name) }

// Identify returns the user of a request. The first name or error is the answer, "" is nobody.
func (h *Hosts) Identify(ctx context.Context, r *http.Request) (user string, err error) {
	return ask(ctx, h, plugin.Hooks.Identify, r)
}
