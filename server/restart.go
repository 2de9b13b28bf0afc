package server

import (
	"crypto/sha256"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/problems"
)

// Restart reads the configuration again and starts over with it. Pages stay connected and run what is new; the
// address stays. A configuration that is wrong leaves the running project alone: the terminal and the pages show what is
// wrong with it, and that is no error here. reason is what the terminal says of it.
func (s *Server) Restart(reason string) error {
	s.restarting.Lock()
	defer s.restarting.Unlock()
	if s.ctx.Err() != nil {
		return nil // closed meanwhile
	}
	old := s.project.Load()
	p, err := s.nextProject(old)
	if err != nil {
		old.problems.Add(problems.ConfigID, old.problems.Convert(err))
		old.problems.Publish()
		return nil // it was told
	}
	s.replace(old, p)
	s.log.Info("server restarted (" + reason + ")")
	return s.publishRestart(old, p, reason)
}

// nextProject makes a project of the configuration as it is now.
func (s *Server) nextProject(old *project) (*project, error) {
	s.awaitConfig(old)
	s.noteBeforeReading(old)
	cfg, err := old.cfg.Reload()
	if err != nil {
		return nil, err
	}
	next, err := s.configured(cfg)
	if err != nil {
		return nil, err
	}
	return newProject(s, next)
}

// replace ends the old project and begins the new one.
func (s *Server) replace(old, p *project) {
	release := s.hub.Hold() // no event falls between the plugins of the two
	if err := old.close(); err != nil {
		s.log.Warn("stop before restart", "error", err)
	}
	p.channels.inherit(&old.channels)
	s.project.Store(p)
	if err := p.attach(); err != nil {
		p.problems.Report(p.problems.Convert(err))
	}
	release()
	p.begin()
	if p.layout.Base != old.layout.Base && s.runningFile.Load() != nil {
		s.announce()
	}
}

// publishRestart has pages run what is new: modules that differ are replaced, and what comes with a page takes a reload.
func (s *Server) publishRestart(old, p *project, reason string) error {
	reload := func(why string) error { return s.hub.Publish(&hmr.FullReload{Path: "*", Reason: why}) }
	if old.cfg.Err() != nil {
		s.log.Info("the address, https and allowedHosts of the configuration are used from the next start on")
		return reload(reason)
	}
	if old.problems.Clear(problems.ConfigID) {
		_ = s.hub.Publish(&hmr.Fixed{}) // errors of the new project are told as they are found
	}
	if p.layout.Root != old.layout.Root { // other pages have these addresses
		why := "the root is " + p.layout.Root + " now"
		s.log.Info(p.reloadLine(why))
		return reload(why)
	}
	if names := p.env.Differs(old.env); len(names) > 0 { // import.meta.env comes with the page, and so does what stands in its HTML
		why := "import.meta.env." + strings.Join(names, ", ") + " changed"
		s.log.Info(p.reloadLine(why))
		return reload(why)
	}
	if p.readsConsole() != old.readsConsole() {
		return reload("plugins of the configuration changed") // the page's part comes with the page
	}
	return s.hub.Publish(&hmr.NeedRevisions{})
}

// awaitConfig waits a short while when one of the files of the configuration, .env among them, has just become empty: it
// is being saved, and an empty one would be valid, without its denials and values.
func (s *Server) awaitConfig(p *project) {
	justEmptied := func(file string) bool {
		info, err := os.Stat(file)
		return err == nil && info.Size() == 0 && time.Since(info.ModTime()) < emptied
	}
	files := slices.Collect(maps.Keys(p.configFiles))
	for range emptied / unfinished { // a file may be dated to the future
		if !slices.ContainsFunc(files, justEmptied) {
			return
		}
		select {
		case <-time.After(unfinished):
		case <-s.ctx.Done():
			return
		}
	}
}

// noteBeforeReading remembers the content of what the next project is read from. An edit in between is then seen as one:
// the new project compares when it begins to follow edits.
func (s *Server) noteBeforeReading(old *project) {
	s.before = map[string][sha256.Size]byte{}
	for f := range old.configFiles {
		s.before[f] = contentSum(f)
	}
}
