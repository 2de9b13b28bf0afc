package server

import (
	"errors"
	"path/filepath"
	"slices"
	"sync"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/config"
	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/transform"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// asError gives any error the one shape that terminal, overlay and payload show.
func (p *project) asError(err error) *transform.Error {
	e := asError(err, p.gate)
	if own, ok := errors.AsType[*wire.Error](err); ok && own.Code == "handler_panic" && e.File != "" {
		e.File = p.layout.Shown(e.File) // as the Go runtime knows it; e was made here
	}
	return e
}

func asError(err error, g *gate.Gate) *transform.Error {
	if e, ok := errors.AsType[*transform.Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*resolve.Error](err); ok { // a broken package.json or tsconfig
		return placedIn(g, e.File, e.Line, e.Column, e.Text, e.Hint)
	}
	if e, ok := errors.AsType[*config.Error](err); ok {
		return &transform.Error{File: e.File, Line: e.Line, Column: e.Column, Text: e.Text, Hint: e.Hint, Frame: e.Frame}
	}
	if e, ok := errors.AsType[*wire.Error](err); ok {
		shown := placedIn(g, e.File, e.Line, e.Column, e.Message, e.Hint)
		shown.Plugin = e.Plugin
		return shown
	}
	return &transform.Error{Text: err.Error()}
}

// placedIn is an error in a file that is not a module, with the code around it, if the file may be shown: a tsconfig can
// extend any file of the machine.
func placedIn(g *gate.Gate, file string, line, column int, text, hint string) *transform.Error {
	e := &transform.Error{File: file, Line: line, Column: column, Text: text, Hint: hint}
	if source, err := g.ReadFile(file); err == nil && line > 0 {
		e.Frame = transform.CodeFrame(string(source), line, max(column, 1))
	}
	return e
}

// joined returns the first of several errors: one is what a reader can act on, the next shows after the fix.
func joined(errs []transform.Error) error {
	e := errs[0]
	return &e
}

// configErrorID is under what a mistake in the configuration stands among the errors of modules.
const configErrorID = "/" + config.FileName

// errorSet holds the errors that stand, by the module or page that has them.
type errorSet struct {
	mu    sync.Mutex
	byID  map[string]*transform.Error
	shown bool // an error was published and not taken back

	noted chan struct{} // has an element when errors were set since it was read; nil: nobody reads it
}

func (s *errorSet) set(id string, err *transform.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = map[string]*transform.Error{}
	}
	s.byID[id] = err
	select {
	case s.noted <- struct{}{}:
	default: // it will be looked at, or nobody looks
	}
}

// stand sets an error that a page was told, and tells whether it is news.
func (s *errorSet) stand(id string, err *transform.Error) bool {
	s.mu.Lock()
	was := s.byID[id]
	s.shown = true
	s.mu.Unlock()
	s.set(id, err)
	return was == nil || was.Error() != err.Error()
}

// clear forgets the module's error and tells whether it had one.
func (s *errorSet) clear(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, had := s.byID[id]
	delete(s.byID, id)
	return had
}

// list returns the errors in the order of their modules' IDs.
func (s *errorSet) list() []*transform.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]string, 0, len(s.byID))
	for id := range s.byID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	list := make([]*transform.Error, len(ids))
	for i, id := range ids {
		list[i] = s.byID[id]
	}
	return list
}

// publishErrors tells pages and terminal the first error that stands, or that there is none any more.
func (p *project) publishErrors() {
	p.dropOrphans()
	list := p.errors.list()
	p.errors.mu.Lock()
	was := p.errors.shown
	p.errors.shown = len(list) > 0
	p.errors.mu.Unlock()
	switch {
	case len(list) > 0:
		p.report(list[0])
		_ = p.server.hub.Publish(p.errorPayload(list[0]))
	case was:
		_ = p.server.hub.Publish(&hmr.Fixed{})
	}
}

// dropOrphans forgets errors of modules that nobody imports any more.
func (p *project) dropOrphans() {
	p.errors.mu.Lock()
	defer p.errors.mu.Unlock()
	for id := range p.errors.byID {
		if p.graph.Orphan(id) {
			if _, entry := p.entered.Load(id); !entry {
				delete(p.errors.byID, id)
			}
		}
	}
}

// report prints an error with its place and code frame.
func (p *project) report(e *transform.Error) {
	if p.ctx.Err() != nil {
		return // what fails because the project ends is no news
	}
	args := []any{}
	if e.Plugin != "" {
		args = append(args, "plugin", e.Plugin)
	}
	if e.Frame != "" {
		args = append(args, "frame", e.Frame)
	}
	p.log.Error(e.Error(), args...)
}

// errorInfo is the error as pages get it.
func (p *project) errorInfo(e *transform.Error) *hmr.ErrorInfo {
	info := &hmr.ErrorInfo{Message: e.Text, ID: e.ID, Frame: e.Frame, Plugin: e.Plugin, Hint: e.Hint}
	if e.File != "" && e.File != "/" {
		info.Loc = &hmr.Loc{File: e.File, Line: e.Line, Column: e.Column}
		info.File = e.File
		if !filepath.IsAbs(e.File) {
			info.File = filepath.Join(p.layout.Dir, e.File)
		}
	}
	return info
}

func (p *project) errorPayload(e *transform.Error) hmr.Payload {
	return &hmr.ErrorPayload{Err: *p.errorInfo(e)}
}

// firstPayloads are what a page that just connected has to know.
func (p *project) firstPayloads() []hmr.Payload {
	list := p.errors.list()
	if len(list) == 0 {
		return nil
	}
	p.errors.mu.Lock()
	p.errors.shown = true
	p.errors.mu.Unlock()
	return []hmr.Payload{p.errorPayload(list[0])}
}
