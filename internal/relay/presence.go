package server

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
)

// presence is what plugins were told of pages. A program is told of each page that is open once: when the page opens, or
// when the program comes. It is told of the end of those that it was told of.
type presence struct {
	mu   sync.Mutex
	open map[*hmr.Client]map[pluginhost.Host]*meeting
}

// meeting is a host's Connect for a page.
type meeting struct {
	host pluginhost.Host
	page *hmr.Client
	over chan struct{} // closed when Connect has returned
}

// begin notes that the host is about to be told of the page. It returns nil when that was noted before. The caller holds mu.
func (o *presence) begin(h pluginhost.Host, c *hmr.Client) *meeting {
	if o.open[c][h] != nil {
		return nil
	}
	m := &meeting{h, c, make(chan struct{})}
	o.open[c][h] = m
	return m
}

// followPages tells plugins of pages from now on, and of those that are open.
func (p *project) followPages() {
	hub := p.server.hub
	p.offs = append(p.offs, hub.OnConnect(p.pageOpened), hub.OnDisconnect(p.pageClosed), hub.OnIdentify(p.pageIdentified))
	var all sync.WaitGroup
	for _, c := range hub.Opened() {
		all.Go(func() {
			p.pageOpened(p.ctx, c)
			if !slices.Contains(hub.Clients(), c) { // it may have gone before it was noted
				p.pageClosed(p.ctx, c)
			}
		})
	}
	all.Wait()
}

func (p *project) pageOpened(ctx context.Context, c *hmr.Client) {
	p.present.mu.Lock()
	if p.present.open == nil {
		p.present.open = map[*hmr.Client]map[pluginhost.Host]*meeting{}
	}
	if p.present.open[c] == nil {
		p.present.open[c] = map[pluginhost.Host]*meeting{}
	}
	var meetings []*meeting
	for _, h := range p.plugins.All() {
		if m := p.present.begin(h, c); m != nil {
			meetings = append(meetings, m)
		}
	}
	p.present.mu.Unlock()
	for _, m := range meetings {
		p.introduce(ctx, m)
	}
}

func (p *project) introduce(ctx context.Context, m *meeting) {
	defer close(m.over)
	p.hookFailed("connect", p.plugins.Connect(ctx, m.host, &page{m.page, p.server.hub}))
}

func (p *project) pageClosed(ctx context.Context, c *hmr.Client) {
	p.present.mu.Lock()
	told := p.present.open[c]
	delete(p.present.open, c)
	p.present.mu.Unlock()
	p.tellAll(ctx, told, func(h pluginhost.Host) {
		p.hookFailed("disconnect", p.plugins.Disconnect(ctx, h, &page{c, p.server.hub}))
	})
}

func (p *project) pageIdentified(ctx context.Context, c *hmr.Client) {
	p.present.mu.Lock()
	told := maps.Clone(p.present.open[c])
	p.present.mu.Unlock()
	p.tellAll(ctx, told, func(h pluginhost.Host) {
		p.hookFailed("identified", p.plugins.Identified(ctx, h, &page{c, p.server.hub}))
	})
}

// tellAll calls tell for the hosts that were told of a page, in their order and behind their Connect.
func (p *project) tellAll(ctx context.Context, told map[pluginhost.Host]*meeting, tell func(pluginhost.Host)) {
	for _, h := range p.plugins.All() {
		m := told[h]
		if m == nil {
			continue
		}
		select {
		case <-m.over:
			tell(h)
		case <-ctx.Done():
			return
		}
	}
}

// meet tells plugins that have just come of the pages that are open, before they get the events of those.
func (p *project) meet(h pluginhost.Host) {
	p.present.mu.Lock()
	var meetings []*meeting
	for c := range p.present.open {
		if m := p.present.begin(h, c); m != nil {
			meetings = append(meetings, m)
		}
	}
	p.present.mu.Unlock()
	var all sync.WaitGroup
	for _, m := range meetings {
		all.Go(func() { p.introduce(p.ctx, m) })
	}
	all.Wait()
}

// part forgets plugins that have gone.
func (p *project) part(h pluginhost.Host) {
	p.present.mu.Lock()
	defer p.present.mu.Unlock()
	for _, told := range p.present.open {
		delete(told, h)
	}
}

func (p *project) hookFailed(hook string, err error) {
	if err != nil && !p.tellPanic(err) {
		p.log.Warn(hook+" hook failed", "error", err)
	}
}
