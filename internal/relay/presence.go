package relay

import (
	"context"
	"maps"
	"sync"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// presence records which pages each host has been introduced to. A host gets Connect once for each open page: when the
// page opens, or when the host comes. It gets Disconnect only for pages that it got Connect for.
type presence struct {
	mu   sync.Mutex
	open map[string]map[pluginhost.Host]*meeting // by the ID of the page
}

// meeting is a host's Connect for a page.
type meeting struct {
	host pluginhost.Host
	page *hmr.Client
	over chan struct{} // closed when Connect has returned
}

// begin records that the host is about to get Connect for the page. It returns nil when the host got it before. The
// caller holds mu.
func (p *presence) begin(h pluginhost.Host, c *hmr.Client) *meeting {
	if p.open[c.ID()][h] != nil {
		return nil
	}
	m := &meeting{h, c, make(chan struct{})}
	p.open[c.ID()][h] = m
	return m
}

// over returns a channel that is closed when the host's Connect for the page has returned, nil when the host does not get
// Connect for it.
func (p *presence) over(h pluginhost.Host, c *hmr.Client) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m := p.open[c.ID()][h]; m != nil {
		return m.over
	}
	return nil
}

// followPages reports pages to plugins from now on, and the pages that are open.
func (r *Relay) followPages() {
	hub := r.o.Hub
	r.offs = append(r.offs, hub.OnConnect(r.pageOpened), hub.OnDisconnect(r.pageClosed), hub.OnIdentify(r.pageIdentified))
	var all sync.WaitGroup
	for _, c := range hub.Opened() {
		meetings := r.meet(c)
		all.Go(func() {
			r.connectAll(r.o.Context, meetings)
			if hub.Client(c.ID()) == nil { // it may have gone before OnDisconnect was registered
				r.pageClosed(r.o.Context, c)
			}
		})
	}
	for _, l := range []*link{r.own, r.foreign} {
		if l != nil {
			close(l.met)
		}
	}
	all.Wait()
}

func (r *Relay) pageOpened(ctx context.Context, c *hmr.Client) { r.connectAll(ctx, r.meet(c)) }

// meet begins the meetings of the page with the hosts that it has not met.
func (r *Relay) meet(c *hmr.Client) (meetings []*meeting) {
	r.present.mu.Lock()
	defer r.present.mu.Unlock()
	if r.present.open == nil {
		r.present.open = map[string]map[pluginhost.Host]*meeting{}
	}
	if r.present.open[c.ID()] == nil {
		r.present.open[c.ID()] = map[pluginhost.Host]*meeting{}
	}
	for _, h := range r.o.Hosts.All() {
		if m := r.present.begin(h, c); m != nil {
			meetings = append(meetings, m)
		}
	}
	return meetings
}

func (r *Relay) connectAll(ctx context.Context, meetings []*meeting) {
	for _, m := range meetings {
		r.connect(ctx, m)
	}
}

func (r *Relay) connect(ctx context.Context, m *meeting) {
	defer close(m.over)
	r.hookFailed("connect", r.o.Hosts.Connect(ctx, m.host, &page{m.page, r.o.Hub}))
}

func (r *Relay) pageClosed(ctx context.Context, c *hmr.Client) {
	r.present.mu.Lock()
	met := r.present.open[c.ID()]
	delete(r.present.open, c.ID())
	r.present.mu.Unlock()
	r.afterConnect(ctx, met, func(h pluginhost.Host) {
		r.hookFailed("disconnect", r.o.Hosts.Disconnect(ctx, h, &page{c, r.o.Hub}))
	})
}

func (r *Relay) pageIdentified(ctx context.Context, c *hmr.Client) {
	r.present.mu.Lock()
	met := maps.Clone(r.present.open[c.ID()])
	r.present.mu.Unlock()
	r.afterConnect(ctx, met, func(h pluginhost.Host) {
		r.hookFailed("identified", r.o.Hosts.Identified(ctx, h, &page{c, r.o.Hub}))
	})
}

// afterConnect calls a hook of the hosts that a page has met, in their order. Each hook waits until the host's Connect
// has returned.
func (r *Relay) afterConnect(ctx context.Context, met map[pluginhost.Host]*meeting, call func(pluginhost.Host)) {
	for _, h := range r.o.Hosts.All() {
		m := met[h]
		if m == nil {
			continue
		}
		select {
		case <-m.over:
			call(h)
		case <-ctx.Done():
			return
		}
	}
}

// introduce reports the open pages to the host of a new link, before the host gets their events.
func (r *Relay) introduce(l *link) {
	r.present.mu.Lock()
	var meetings []*meeting
	for _, c := range r.o.Hub.Clients() {
		if r.present.open[c.ID()] == nil {
			continue // OnConnect is about to report it
		}
		if m := r.present.begin(l.host, c); m != nil {
			meetings = append(meetings, m)
		}
	}
	r.present.mu.Unlock()
	close(l.met)
	var all sync.WaitGroup
	for _, m := range meetings {
		all.Go(func() { r.connect(r.o.Context, m) })
	}
	all.Wait()
}

// forgetHost drops the meetings of a host that has gone.
func (r *Relay) forgetHost(h pluginhost.Host) {
	r.present.mu.Lock()
	defer r.present.mu.Unlock()
	for _, met := range r.present.open {
		delete(met, h)
	}
}

// hookFailed logs the error of a hook about a page. A host that has ended before it was asked is not at fault, and the
// next host gets Connect for the page.
func (r *Relay) hookFailed(hook string, err error) {
	if err != nil && !wire.NotRun(err) && !r.logPanic(err) {
		r.o.Logger.Warn(hook+" hook failed", "error", err)
	}
}
