// Package problems holds the errors of a project that the user has to fix, in the one shape that terminal, overlay and
// payload show.
//
// An error stays in the Set until its module compiles again. Pages get all errors of the Set when they connect, and
// whenever the errors change. A page shows the first error that concerns it: an error of a module belongs to the pages
// that need the module, and only the page knows what it needs.
package problems

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	"github.com/seed-b8174343/devserver/hmr"
	configfile "github.com/seed-b8174343/devserver/internal/config"
	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/journal"
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
	// Journal gets the errors whenever they change.
	Journal *journal.Log
	// Orphan reports whether nothing uses a module any more, so that its error is nobody's.
	Orphan func(id string) bool
	// Workers returns the entries of the workers that run a module.
	Workers func(id string) []string
}

// Set holds the errors of modules, pages and the configuration by their IDs. Use New. Its methods are safe for
// concurrent use.
type Set struct {
	o     Options
	added chan struct{} // has an element when errors were added since it was read

	publishing sync.Mutex // held by Publish, so that payloads go out in order; taken before mu
	recorded   string     // the errors that the journal has last; guarded by publishing

	mu     sync.Mutex
	byID   map[string]*problem
	showed bool // pages have errors that were not taken back
	told   bool // the terminal has shown errors, and not that they are fixed
}

// problem is an error of the Set.
type problem struct {
	err  *transform.Error
	all  bool // the error concerns all pages
	told bool // the terminal has shown the error
}

// New returns an empty Set.
func New(o Options) *Set {
	return &Set{o: o, added: make(chan struct{}, 1), byID: map[string]*problem{}}
}

// Add puts the error of a module, script, stylesheet or page into the Set and drops an older error of it. Pages get it
// with the next Publish. The error concerns the pages that need the module.
func (s *Set) Add(id string, err *transform.Error) { s.add(id, err, false) }

// AddForAll is Add for an error that concerns all pages, such as an error of the configuration. id names the error.
func (s *Set) AddForAll(id string, err *transform.Error) { s.add(id, err, true) }

func (s *Set) add(id string, err *transform.Error, all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(id, &problem{err: err, all: all})
}

// put stores a problem. The caller holds mu.
func (s *Set) put(id string, p *problem) {
	if was := s.byID[id]; was != nil && was.err.Error() == p.err.Error() {
		p.told = was.told
	}
	s.byID[id] = p
	select {
	case s.added <- struct{}{}:
	default: // an element is there already
	}
}

// Show adds an error that no module has, and shows it over all pages and in the terminal.
func (s *Set) Show(id string, err *transform.Error) {
	s.AddForAll(id, err)
	s.Publish()
}

// Withdraw clears errors that Show has added.
func (s *Set) Withdraw(ids ...string) {
	had := false
	for _, id := range ids {
		had = s.Clear(id) || had
	}
	if had {
		s.Publish()
	}
}

// AddServed is Add for an error that a page is sent in answer to a request, and returns the error as pages get it. The
// terminal shows the error when it is new.
func (s *Set) AddServed(id string, err *transform.Error) *hmr.ErrorInfo {
	p := &problem{err: err}
	s.mu.Lock()
	s.put(id, p)
	told, info := p.told, s.info(id, p)
	s.showed, s.told, p.told = true, true, true
	s.mu.Unlock()
	if !told {
		s.Report(err)
	}
	return info
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

// ClearAll removes the errors of all modules that is accepts.
func (s *Set) ClearAll(is func(id string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.byID, func(id string, _ *problem) bool { return is(id) })
}

// List returns the errors in the order of their IDs. Those that concern all pages come first, since modules may follow
// from them, and the configuration's before all.
func (s *Set) List() []*transform.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*transform.Error
	for _, id := range s.ids() {
		list = append(list, s.byID[id].err)
	}
	return list
}

// ids returns the IDs of the errors in the order of List. The caller holds mu.
func (s *Set) ids() []string {
	rank := func(id string) int {
		switch {
		case id == ConfigID:
			return 0
		case s.byID[id].all:
			return 1
		}
		return 2
	}
	ids := slices.Sorted(maps.Keys(s.byID))
	slices.SortStableFunc(ids, func(a, b string) int { return rank(a) - rank(b) })
	return ids
}

// Publish sends the errors to pages, or tells them that there is none any more. The terminal shows the errors that it
// has not shown yet. Errors of orphans are dropped before.
func (s *Set) Publish() { s.publish(false) }

// PublishEdit is Publish after an edit. The terminal shows the first error again when the edit brought no other.
func (s *Set) PublishEdit() { s.publish(true) }

func (s *Set) publish(again bool) {
	if s.o.Context.Err() != nil {
		return // modules fail when the project ends, and the next project would never clear such an error
	}
	s.publishing.Lock()
	defer s.publishing.Unlock()
	s.mu.Lock()
	for id, p := range s.byID {
		if !p.all && s.o.Orphan(id) {
			delete(s.byID, id)
		}
	}
	ids, showed := s.ids(), s.showed
	payload := s.payload(ids)
	news, left := s.untold(ids)
	if len(news) == 0 && len(ids) > 0 && again {
		news = append(news, s.byID[ids[0]].err)
	}
	s.showed = len(ids) > 0
	fixed := s.told && len(ids) == 0
	s.told = (s.told || len(news) > 0) && !fixed
	s.mu.Unlock()
	s.record(payload)
	for _, e := range news {
		s.Report(e)
	}
	if fixed {
		s.o.Logger.Info("no errors any more")
	}
	if left > 0 {
		s.o.Logger.Error(fmt.Sprintf("there are %d more errors", left))
	}
	if len(ids) > 0 || showed {
		_ = s.o.Publish(payload) // errors always encode
	}
}

// record gives the errors to the journal, if they are others than before. The caller holds publishing.
func (s *Set) record(payload hmr.Payload) {
	var list []hmr.ErrorInfo
	if p, some := payload.(*hmr.ErrorPayload); some {
		list = append([]hmr.ErrorInfo{p.Err}, p.More...)
	}
	now := ""
	for _, e := range list {
		now += fmt.Sprintln(e.Module, e.Message, e.Loc, e.Frame)
	}
	if now != s.recorded {
		s.recorded = now
		s.o.Journal.Add(journal.Record{Kind: journal.KindErrors, Errors: &journal.Errors{List: list}})
	}
}

// Now returns the errors as pages get them.
func (s *Set) Now() (list []hmr.ErrorInfo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.ids() {
		list = append(list, *s.info(id, s.byID[id]))
	}
	return list
}

// mostTold is how many new errors the terminal shows at once. A branch that is checked out may bring hundreds.
const mostTold = 5

// untold returns the errors that the terminal has not shown, and how many further ones there are. The caller holds mu.
func (s *Set) untold(ids []string) (news []*transform.Error, left int) {
	for _, id := range ids {
		p := s.byID[id]
		switch {
		case p.told:
			continue
		case len(news) < mostTold:
			news = append(news, p.err)
		default:
			left++
		}
		p.told = true
	}
	return news, left
}

// Showed reports whether pages have errors that were not taken back.
func (s *Set) Showed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.showed
}

// First returns what a page that has just connected must know: the errors, if there are any.
func (s *Set) First() []hmr.Payload {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byID) == 0 {
		return nil
	}
	s.showed = true
	return []hmr.Payload{s.payload(s.ids())}
}

// mostSent is how many errors pages get: a plugin that fails may break thousands of modules.
const mostSent = 200

// payload returns the message about the errors of the Set, whose ids are given. Pages that may have another error are
// told so. The caller holds mu.
func (s *Set) payload(ids []string) hmr.Payload {
	if len(ids) == 0 {
		return &hmr.Fixed{}
	}
	var list []hmr.ErrorInfo
	for _, id := range ids[:min(len(ids), mostSent)] {
		list = append(list, *s.info(id, s.byID[id]))
	}
	if len(ids) > mostSent {
		list = append(list, hmr.ErrorInfo{Message: fmt.Sprintf("the project has %d errors, and pages are told of the first %d", len(ids), mostSent)})
	}
	return &hmr.ErrorPayload{Err: list[0], More: list[1:]}
}

// info returns the error of the Set as pages get it.
func (s *Set) info(id string, p *problem) *hmr.ErrorInfo {
	info := s.shown(p.err)
	if !p.all {
		info.Module, info.Workers = id, s.o.Workers(id)
	}
	return info
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

// shown returns the error as pages show it.
func (s *Set) shown(e *transform.Error) *hmr.ErrorInfo {
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
