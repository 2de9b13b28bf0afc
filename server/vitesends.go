package server

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/parallel"
	"github.com/seed-b8174343/devserver/internal/vite"
	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

// Messages that plugins of a vite.config send to pages, in Vite's form, become our own.

// Send implements vite.Project.
func (p viteProject) Send(s vite.Send) error {
	m, err := s.Message()
	if err != nil {
		return err
	}
	if m.Type != "update" && p.sends.isEmpty() {
		return p.send(s, m) // messages come one after the other
	}
	p.sends.add(&p.tasks, func() {
		if err := p.send(s, m); err != nil {
			p.server.log.Error("send what "+vite.By(s.By)+" sent", "error", err)
		}
	})
	return nil
}

// sendNow sends a message of an edit, which waits for it: the messages that wait may wait for the edit.
func (p viteProject) sendNow(s vite.Send) error {
	m, err := s.Message()
	if err != nil {
		return err
	}
	return p.send(s, m)
}

// send sends the message m of s.
func (p viteProject) send(s vite.Send, m vite.Message) error {
	page := p.vite.Page(s.Client)
	if s.Client != "" && page == nil {
		return nil // the page is gone
	}
	switch m.Type {
	case "custom":
		if page == nil {
			return p.server.hub.Broadcast(m.Event, m.Data)
		}
		if err := page.Send(m.Event, m.Data); !errors.Is(err, hmr.ErrClosed) && !errors.Is(err, hmr.ErrUserChanged) {
			return err
		}
	case "update":
		p.edits.Rerun(p.edits.Served(s.IDs)...)
	case "full-reload":
		return p.reloadFor(s.By, m.Path, page)
	case "error":
		e := errorOf(s, m)
		p.problems.Show(p.edits.ErrorOf(e.Plugin), p.problems.Convert(e))
	case "connected", "ping": // a plugin looks whether pages are there
	default: // "prune" among them: pages find out themselves what they do not use any more
		if _, told := p.unsent.LoadOrStore(m.Type, true); !told {
			p.server.log.Warn(fmt.Sprintf("%s sends %q, which pages of devserver do not need", vite.By(s.By), m.Type))
		}
	}
	return nil
}

// errorOf returns the error that a message has pages show.
func errorOf(s vite.Send, m vite.Message) *wire.Error {
	e := &wire.Error{
		Message: m.Err.Message, File: m.Err.Loc.File, Line: m.Err.Loc.Line, Column: m.Err.Loc.Column, Frame: m.Err.Frame,
		Plugin: cmp.Or(m.Err.Plugin, s.By),
	}
	if file, _, _ := strings.Cut(m.Err.ID, "?"); e.File == "" && filepath.IsAbs(file) {
		e.File = file
	}
	return e
}

// reloadFor reloads a page for a plugin, or all pages when page is nil. The path of an HTML file means the pages that were
// made from it, and any other path all pages, as in Vite.
func (p viteProject) reloadFor(by, at string, page plugin.Client) error {
	if p.cfg.Server.HMR.Off {
		return nil
	}
	if path.Ext(at) != ".html" || at == "/index.html" {
		at = "*"
	}
	publish := p.server.hub.Publish
	if c, ok := page.(interface{ Publish(hmr.Payload) error }); ok {
		publish = c.Publish
	}
	return p.edits.ReloadPages(publish, at, vite.By(by)+" asked for it")
}

// sendQueue sends messages in the background, in their order: some take their time. The zero value is empty.
type sendQueue struct {
	mu    sync.Mutex
	queue []func() // guarded by mu
	busy  bool     // a message is being sent; guarded by mu
}

// isEmpty reports whether all messages were sent.
func (q *sendQueue) isEmpty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.busy
}

// add sends a message after the messages before it.
func (q *sendQueue) add(tasks *parallel.Tasks, send func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue = append(q.queue, send)
	if !q.busy {
		q.busy = true
		tasks.Go(q.run)
	}
}

// run sends messages until there are none.
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
