package server

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/journal"
	"github.com/seed-b8174343/devserver/internal/problems"
)

// restartLater restarts in the background: a task of the project asks for it, and a restart waits for the tasks. The
// last of several is enough, as it reads what there is now. A configuration that is being read may never end.
func (s *Server) restartLater(reason string) {
	s.later.Add(1)
	done := s.restarts.Begin()
	if end := s.reading.Load(); end != nil {
		(*end)()
	}
	s.background.Go(func() {
		defer done()
		s.restarting.Lock()
		defer s.restarting.Unlock()
		if s.later.Add(-1) > 0 {
			return
		}
		if err := s.restart(reason); err != nil {
			p := s.project.Load()
			p.problems.Report(p.problems.Convert(err))
		}
	})
}

// Restart reads the configuration again and starts over with it. Pages stay connected and get the changes; the address
// stays. A configuration with mistakes leaves the running project alone: the terminal and the pages show the mistakes,
// and Restart returns nil. reason is what the terminal says.
func (s *Server) Restart(reason string) error {
	s.restarting.Lock()
	defer s.restarting.Unlock()
	return s.restart(reason)
}

// restart is Restart. The caller holds restarting.
func (s *Server) restart(reason string) error {
	if s.ctx.Err() != nil {
		return nil // closed meanwhile
	}
	old := s.project.Load()
	p, err := s.nextProject(old)
	if errors.Is(err, errOutdated) {
		return nil // the next restart follows
	}
	if err != nil {
		old.problems.AddForAll(problems.ConfigID, old.problems.Convert(err))
		old.problems.PublishEdit()
		return nil // it is shown
	}
	s.replace(old, p)
	s.note("server restarted (" + reason + ")")
	return s.publishRestart(old, p, reason)
}

// note says in the terminal and in the journal what happened to the project as a whole.
func (s *Server) note(text string) {
	s.log.Info(text)
	s.journal.Add(journal.Record{Kind: journal.KindNote, Note: &journal.Note{Text: text}})
}

// nextProject makes a project from the configuration as it is now.
func (s *Server) nextProject(old *project) (*project, error) {
	old.watched.AwaitConfig(s.ctx)
	s.before = old.watched.ConfigSums() // an edit from here on counts as an edit of what the next project is read from
	cfg, err := old.cfg.Reload()
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(s.ctx)
	defer end()
	s.reading.Store(&end)
	defer s.reading.Store(nil)
	if s.later.Load() > 0 {
		end()
	}
	next, err := s.configured(ctx, cfg)
	if err != nil && ctx.Err() != nil {
		return nil, errOutdated
	}
	if err != nil {
		return nil, err
	}
	return newProject(s, next)
}

// errOutdated is the error of a configuration that was edited while it was read.
var errOutdated = errors.New("the configuration is read again")

// replace ends the old project and begins the new one.
func (s *Server) replace(old, p *project) {
	release := s.hub.Hold() // no event falls between the plugins of the two
	if err := old.close(); err != nil {
		s.log.Warn("stop before restart", "error", err)
	}
	p.relay.Inherit(old.relay)
	s.project.Store(p)
	if err := p.relay.Attach(); err != nil {
		p.problems.Report(p.problems.Convert(err))
	}
	release()
	p.begin()
	close(old.replaced)
	if p.layout.Base != old.layout.Base && s.runningFile.Load() != nil {
		s.announce()
	}
}

// awaitProject returns the project that answers a request. A project that ends has no plugins any more, so requests wait
// for the next. Sockets need no plugins.
func (s *Server) awaitProject(r *http.Request) *project {
	p := s.project.Load()
	if p.ctx.Err() == nil || websocket.IsWebSocketUpgrade(r) {
		return p
	}
	select {
	case <-p.replaced:
	case <-s.ctx.Done():
	case <-r.Context().Done():
	}
	return s.project.Load()
}

// publishRestart updates pages after a restart: modules that differ are replaced. Pages reload for changes of what
// comes with a page.
func (s *Server) publishRestart(old, p *project, reason string) error {
	reload := func(why string) error { return s.hub.Publish(&hmr.FullReload{Path: "*", Reason: why}) }
	if old.cfg.Err() != nil {
		s.log.Info("stop and start devserver to apply host, port and https")
		return reload(reason)
	}
	for _, name := range needStart(old.cfg.Server, p.cfg.Server) {
		s.log.Warn("server." + name + " changed: stop and start devserver to apply it")
	}
	if old.problems.Showed() {
		_ = s.hub.Publish(&hmr.Fixed{}) // errors of the new project show as they are found
	}
	if p.layout.Root != old.layout.Root { // other pages have these addresses
		why := "the root is " + p.layout.Root + " now"
		p.edits.PrintReload(why)
		return reload(why)
	}
	if names := p.env.Differs(old.env); len(names) > 0 { // they come with the page, and so does what stands in its HTML
		why := strings.Join(names, ", ") + " changed"
		p.edits.PrintReload(why)
		return reload(why)
	}
	if p.readsConsole() != old.readsConsole() {
		return reload("plugins of the configuration changed") // the page's part comes with the page
	}
	return s.hub.Publish(&hmr.NeedRevisions{})
}

// needStart returns the names of the options that differ and belong to the listener, which stays over restarts.
func needStart(old, now config.Server) (names []string) {
	if now.Host != old.Host {
		names = append(names, "host")
	}
	if !reflect.DeepEqual(now.Port, old.Port) {
		names = append(names, "port")
	}
	if !reflect.DeepEqual(now.HTTPS, old.HTTPS) {
		names = append(names, "https")
	}
	return names
}
