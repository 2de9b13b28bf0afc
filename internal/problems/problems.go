// Package problems holds the errors of a project that the user has to fix, in the one shape that terminal, overlay and
// payload show.
//
// An error stays in the Set until its module compiles again. Pages show the first error of the Set: a page that
// connects gets it, and so do open pages whenever it changes.
package problems

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"

	"github.com/seed-b8174343/devserver/hmr"
	configfile "github.com/seed-b8174343/devserver/internal/config"
	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/transform"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// ConfigID is the ID of an error in the configuration: it is no module's.
const ConfigID = "/" + configfile.FileName

// Options configures a Set. All fields are needed.
type Options struct {
	// Context ends with the project: what fails because the project ends is not reported.
	Context context.Context
	Layout  moduleid.Layout
	// Gate decides which code an error may quote.
	Gate   *gate.Gate
	Logger *slog.Logger
	// Publish sends a payload to all pages.
	Publish func(hmr.Payload) error
	// Orphan reports whether nothing uses a module any more, so that its error is nobody's.
	Orphan func(id string) bool
}

// Set holds the errors of modules, pages and the configuration by their IDs. Use New. Its methods are safe for
// concurrent use.
type Set struct {
	o     Options
	added chan struct{} // has an element when errors were added since it was read

	publishing sync.Mutex // held by Publish, so that payloads go out in order; taken before mu

	mu     sync.Mutex
	byID   map[string]*transform.Error
	showed bool // pages have an error that was not taken back
}

// New returns an empty Set.
func New(o Options) *Set {
	return &Set{o: o, added: make(chan struct{}, 1), byID: map[string]*transform.Error{}}
}

// Add puts the error of a module into the Set and drops an older error of it. Pages see it with the next Publish.
func (s *Set) Add(id string, err *transform.Error) {
	s.mu.Lock()
	s.byID[id] = err
	s.mu.Unlock()
	select {
	case s.added <- struct{}{}:
	default: // an element is there already
	}
}

// Show adds an error that no module has. Pages show it if it is the first, and the terminal shows it in any case.
func (s *Set) Show(id string, err *transform.Error) {
	s.Add(id, err)
	if list := s.List(); len(list) > 0 && list[0] == err {
		s.Publish()
	} else {
		s.Report(err)
	}
}

// Withdraw clears errors that Show has added. Pages hear of it if they show one of them.
func (s *Set) Withdraw(ids ...string) {
	s.mu.Lock()
	list := s.list()
	shown := len(list) > 0 && slices.ContainsFunc(ids, func(id string) bool { return s.byID[id] == list[0] })
	for _, id := range ids {
		delete(s.byID, id)
	}
	s.mu.Unlock()
	if shown {
		s.Publish()
	}
}

// AddServed is Add for an error that a page has just been sent. The terminal shows it when it is new.
func (s *Set) AddServed(id string, err *transform.Error) {
	s.mu.Lock()
	was := s.byID[id]
	s.showed = true
	s.mu.Unlock()
	s.Add(id, err)
	if was == nil || was.Error() != err.Error() {
		s.Report(err)
	}
}

// Added returns a channel that has an element when errors were added since the last receive. It has one reader.
func (s *Set) Added() <-chan struct{} { return s.added }

// Clear removes the module's error and reports whether there was one.
func (s *Set) Clear(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, had := s.byID[id]
	delete(s.byID, id)
	return had
}

// List returns the errors in the order of their IDs. The configuration's comes first: modules may follow from it.
func (s *Set) List() []*transform.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list()
}

// list is List. The caller holds mu.
func (s *Set) list() []*transform.Error {
	ids := make([]string, 0, len(s.byID))
	for id := range s.byID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if at := slices.Index(ids, ConfigID); at > 0 {
		ids = slices.Insert(slices.Delete(ids, at, at+1), 0, ConfigID)
	}
	list := make([]*transform.Error, len(ids))
	for i, id := range ids {
		list[i] = s.byID[id]
	}
	return list
}

// Publish sends the first error to pages and terminal, or clears the overlay when there is no error any more. Errors of
// orphans are dropped before.
func (s *Set) Publish() {
	if s.o.Context.Err() != nil {
		return // modules fail when the project ends, and the next project would never clear such an error
	}
	s.publishing.Lock()
	defer s.publishing.Unlock()
	s.mu.Lock()
	for id := range s.byID {
		if s.o.Orphan(id) {
			delete(s.byID, id)
		}
	}
	list, showed := s.list(), s.showed
	s.showed = len(list) > 0
	s.mu.Unlock()
	switch {
	case len(list) > 0:
		s.Report(list[0])
		_ = s.o.Publish(s.payload(list[0])) // an error always encodes
	case showed:
		_ = s.o.Publish(&hmr.Fixed{})
	}
}

// Showed reports whether pages have an error that was not taken back.
func (s *Set) Showed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.showed
}

// First returns what a page that has just connected must show: the first error, if there is one.
func (s *Set) First() []hmr.Payload {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.list()
	if len(list) == 0 {
		return nil
	}
	s.showed = true
	return []hmr.Payload{s.payload(list[0])}
}

// Report prints an error with its place and the code around it.
func (s *Set) Report(e *transform.Error) {
	if s.o.Context.Err() != nil {
		return
	}
	args := []any{}
	if e.Plugin != "" {
		args = append(args, "plugin", e.Plugin)
	}
	if e.Frame != "" {
		args = append(args, "frame", e.Frame)
	}
	s.o.Logger.Error(e.Error(), args...)
}

// Info returns the error as pages get it.
func (s *Set) Info(e *transform.Error) *hmr.ErrorInfo {
	info := &hmr.ErrorInfo{Message: e.Text, ID: e.ID, Frame: e.Frame, Plugin: e.Plugin, Hint: e.Hint}
	if e.File != "" && e.File != "/" {
		info.Loc = &hmr.Loc{File: e.File, Line: e.Line, Column: e.Column}
		info.File = e.File
		if !filepath.IsAbs(e.File) {
			info.File = filepath.Join(s.o.Layout.Dir, e.File)
		}
	}
	return info
}

func (s *Set) payload(e *transform.Error) hmr.Payload { return &hmr.ErrorPayload{Err: *s.Info(e)} }

// Convert gives any error the shape that users see. The result is a *transform.Error of the caller's, unless err is
// one.
func (s *Set) Convert(err error) *transform.Error {
	own, ok := errors.AsType[*wire.Error](err)
	if !ok || own.File == "" {
		return Convert(err, s.o.Gate)
	}
	placed := *own
	if !filepath.IsAbs(own.File) {
		placed.File = filepath.Join(s.o.Layout.Root, filepath.FromSlash(own.File))
	}
	e := Convert(&placed, s.o.Gate)
	e.File = s.o.Layout.Shown(e.File)
	return e
}

// Convert is Set.Convert before there is a Set.
func Convert(err error, g *gate.Gate) *transform.Error {
	if e, ok := errors.AsType[*transform.Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*resolve.Error](err); ok { // a broken package.json or tsconfig
		return placed(g, e.File, e.Line, e.Column, e.Text, e.Hint)
	}
	if e, ok := errors.AsType[*configfile.Error](err); ok {
		return &transform.Error{File: e.File, Line: e.Line, Column: e.Column, Text: e.Text, Hint: e.Hint, Frame: e.Frame}
	}
	if e, ok := errors.AsType[*wire.Error](err); ok {
		p := placed(g, e.File, e.Line, e.Column, e.Message, e.Hint)
		p.Plugin = e.Plugin
		p.Frame = cmp.Or(e.Frame, p.Frame)
		return p
	}
	return &transform.Error{Text: err.Error()}
}

// placed returns an error in a file that is not a module. It quotes the code around the place if the gate lets it: a
// tsconfig can extend any file of the machine.
func placed(g *gate.Gate, file string, line, column int, text, hint string) *transform.Error {
	e := &transform.Error{File: file, Line: line, Column: column, Text: text, Hint: hint}
	if source, err := g.ReadFile(file); err == nil && line > 0 {
		e.Frame = transform.CodeFrame(string(source), line, max(column, 1))
	}
	return e
}
