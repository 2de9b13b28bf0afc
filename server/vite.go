package server

import (
	"errors"
	"fmt"
	"net"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"context"
	"slices"

	"github.com/seed-b8174343/devserver/hmr"

	"github.com/seed-b8174343/devserver/internal/html"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/vite"
	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// waitingForNode is how many modules may wait for plugins in Node while others compile. Node takes one after the other.
const waitingForNode = 14

// viteProject is the project as the plugins of its vite.config see it.
type viteProject struct{ *project }

var _ vite.Project = viteProject{}

// Send implements vite.Project.
func (p viteProject) Send(s vite.Send) error {
	m, err := s.Message()
	if err != nil {
		return err
	}
	return p.sends.add(&p.tasks, m.Type == "update", func() error { return p.send(s, m) }, func(err error) {
		p.server.log.Error("send what "+vite.By(s.By)+" sent", "error", err)
	})
}

// sendNow sends a message past those that wait.
func (p viteProject) sendNow(s vite.Send) error {
	m, err := s.Message()
	if err != nil {
		return err
	}
	return p.send(s, m)
}

func (p viteProject) send(s vite.Send, m vite.Message) error {
	one := p.vite.Page(s.Client)
	if s.Client != "" && one == nil {
		return nil // the page is gone
	}
	switch m.Type {
	case "custom":
		if one == nil {
			return p.server.hub.Broadcast(m.Event, m.Data)
		}
		if err := one.Send(m.Event, m.Data); !errors.Is(err, hmr.ErrClosed) && !errors.Is(err, hmr.ErrUserChanged) {
			return err
		}
	case "update":
		p.edits.Reload(p.edits.Served(s.IDs)...)
	case "full-reload":
		return p.reloadFor(s.By, m.Path, one)
	case "error":
		e := &wire.Error{
			Message: m.Err.Message, File: m.Err.Loc.File, Line: m.Err.Loc.Line, Column: m.Err.Loc.Column, Frame: m.Err.Frame,
			Plugin: m.Err.Plugin,
		}
		if file, _, _ := strings.Cut(m.Err.ID, "?"); e.File == "" && filepath.IsAbs(file) {
			e.File = file
		}
		if e.Plugin == "" {
			e.Plugin = s.By
		}
		p.problems.Show(p.edits.ErrorOf(e.Plugin), p.problems.Convert(e))
	case "connected", "ping": // a plugin looks whether pages are there
	default: // "prune" among them: pages find out themselves what they do not use any more
		if _, told := p.unsent.LoadOrStore(m.Type, true); !told {
			p.server.log.Warn(fmt.Sprintf("%s sends %q, which pages of devserver do not need", vite.By(s.By), m.Type))
		}
	}
	return nil
}

// reloadFor reloads pages for a plugin. The path of an HTML file means the pages that were made from it, and any other
// path all pages, as in Vite.
func (p viteProject) reloadFor(by, at string, one plugin.Client) error {
	if p.cfg.Server.HMR.Off {
		return nil
	}
	if path.Ext(at) != ".html" || at == "/index.html" {
		at = "*"
	}
	publish := p.server.hub.Publish
	if page, ok := one.(interface{ Publish(hmr.Payload) error }); ok {
		publish = page.Publish
	}
	return p.edits.ReloadPages(publish, at, vite.By(by)+" asked for it")
}

// sendQueue keeps the order of messages, of which some take their time. The zero value is empty.
type sendQueue struct {
	mu    sync.Mutex
	queue []func()
	busy  bool // the first of the queue is being sent
}

// add sends a message after those before it. A message that is slow, or has to wait, is sent in the background: failed
// gets its error.
func (q *sendQueue) add(tasks interface{ Go(func()) }, slow bool, send func() error, failed func(error)) error {
	q.mu.Lock()
	if !slow && !q.busy {
		q.mu.Unlock()
		return send() // messages come one after the other
	}
	defer q.mu.Unlock()
	q.queue = append(q.queue, func() {
		if err := send(); err != nil {
			failed(err)
		}
	})
	if !q.busy {
		q.busy = true
		tasks.Go(q.run)
	}
	return nil
}

func (q *sendQueue) run() {
	for {
		q.mu.Lock()
		if len(q.queue) == 0 {
			q.busy = false
			q.mu.Unlock()
			return
		}
		next := q.queue[0]
		q.queue = q.queue[1:]
		q.mu.Unlock()
		next()
	}
}

// tellListening tells the plugins of the vite.config where the server listens.
func (p *project) tellListening() {
	urls := p.server.allURLs()
	if len(urls) == 0 {
		return // the server is mounted in another program
	}
	address := vite.Address{Address: "127.0.0.1", Family: "IPv4"}
	if len(p.server.listeners) > 0 {
		if at, ok := p.server.listeners[0].Addr().(*net.TCPAddr); ok {
			address.Address, address.Port = at.IP.String(), at.Port
			if at.IP.To4() == nil {
				address.Family = "IPv6"
			}
		}
	}
	p.vite.Listens(vite.Listening{URLs: urls, Address: address})
}

// Rewrite implements vite.Project.
func (p viteProject) Rewrite(ctx context.Context, page vite.Page) (string, error) {
	id := moduleid.OfPath(page.Path)
	file := p.compiler.File(id)
	made, err := p.rewriteText(ctx, id, file, []byte(page.HTML), "", p.client("", ""))
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(made.scripts, func(s html.Script) bool { return s.Inline }) {
		p.keepPage(file, made)
	}
	return string(made.text), nil
}

// Invalidate implements vite.Project. Plugins may invalidate all modules, and before they know what the new code is.
func (p viteProject) Invalidate(ids []string) { p.edits.Outdate(ids...) }

// Reload implements vite.Project.
func (p viteProject) Reload(ids []string) {
	p.tasks.Go(func() { p.edits.Reload(p.edits.Served(ids)...) })
}

// Redo is for vite.Options.
func (p viteProject) Redo(missed []vite.Change, ids []string) {
	p.tasks.Go(func() { p.edits.Redo(missed, ids) })
}

// RedoPage is for vite.Options.
func (p viteProject) RedoPage(file string) {
	p.tasks.Go(func() { p.edits.ReloadPage(file, "plugins of the vite.config make another page now") })
}

// Watch implements vite.Project.
func (p viteProject) Watch(paths []string) { p.edits.WatchFor(paths) }

// Edited implements vite.Project.
func (p viteProject) Edited(c vite.Change) { p.tasks.Go(func() { p.edits.Edited(c) }) }

// Restart implements vite.Project.
func (p viteProject) Restart(by string) { p.server.restartLater(vite.By(by) + " asked for it") }

// Listens implements vite.Project.
func (p viteProject) Listens(events []string) { p.relay.Listen(events) }

// Log implements vite.Project.
func (p viteProject) Log(level, text, by string) {
	var args []any
	if by != "" {
		args = []any{"plugin", by}
	}
	switch level {
	case "error":
		p.server.log.Error(text, args...)
	case "warn":
		p.server.log.Warn(text, args...)
	default:
		p.server.log.Info(text, args...)
	}
}
