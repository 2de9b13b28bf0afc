package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/builtin"
	"github.com/seed-b8174343/devserver/internal/guard"
	"github.com/seed-b8174343/devserver/internal/running"
)

// serveCommand answers other programs of the user. It returns false for other requests.
func (s *Server) serveCommand(w http.ResponseWriter, r *http.Request, name string) bool {
	verb, isVerb := strings.CutPrefix(name, running.DoPath)
	switch name {
	case running.TailPath, running.PingPath, running.PausePath, running.MCPPath:
	default:
		if !isVerb {
			return false
		}
	}
	if name == running.MCPPath && r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost) // clients of MCP try GET, and this is how they learn that there is no stream
		http.Error(w, "405 method not allowed", http.StatusMethodNotAllowed)
		return true
	}
	err := s.project.Load().guard.CheckCommand(r)
	if err == nil && name == running.MCPPath && !guard.IsLocal(r) {
		err = fmt.Errorf("%w: agents are answered on this machine only", guard.ErrForbidden)
	}
	if err != nil {
		s.log.Debug("refused command", "pkg", "server", "error", err)
		http.Error(w, "403 forbidden", http.StatusForbidden)
		return true
	}
	switch {
	case isVerb:
		s.serveDo(w, r, verb)
		return true
	case name == running.MCPPath:
		s.agents.ServeHTTP(w, r)
		return true
	}
	// Until the body is read, net/http does not notice that the program has gone.
	_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, 1<<10)) // what fails here is a connection that ends
	switch name {
	case running.TailPath:
		s.serveTail(w, r)
	case running.PausePath:
		s.servePause(w, r)
	}
	return true
}

// whileFollowed returns the context of a request that lasts until the program goes away or the server stops.
func (s *Server) whileFollowed(r *http.Request) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(s.following, cancel)
	return ctx, func() { stop(); cancel() }
}

// serveTail streams the lines of the event log, as they happen, until the program goes away or the server stops.
func (s *Server) serveTail(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := s.whileFollowed(r)
	defer cancel()
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "application/x-ndjson")
	err := builtin.Follow(ctx, currentLocator{s}, func(fn func(hmr.Passed)) func() {
		off := s.hub.OnPassed(fn)
		_ = out.Flush() // with the head, the program knows that no line is missed from here on
		return off
	}, func(line []byte) error {
		if _, err := w.Write(line); err != nil {
			return err
		}
		return out.Flush()
	})
	if err != nil && ctx.Err() == nil {
		s.log.Debug("a tail of the events ended", "pkg", "server", "error", err)
	}
}

// locator finds positions of packs and updates in the source. The project's packs may come after it.
type locator struct{ p *project }

// Position implements builtin.Locator.
func (l locator) Position(at string, line, column int) string {
	return l.p.packs.Position(at, line, column)
}

// Stack implements builtin.Locator.
func (l locator) Stack(text string) string { return l.p.packs.Stack(text) }

// currentLocator is the locator of the project that runs now: a tail outlives restarts.
type currentLocator struct{ s *Server }

// Position implements builtin.Locator.
func (l currentLocator) Position(at string, line, column int) string {
	return l.s.project.Load().packs.Position(at, line, column)
}

// Stack implements builtin.Locator.
func (l currentLocator) Stack(text string) string { return l.s.project.Load().packs.Stack(text) }
