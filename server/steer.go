package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/seed-b8174343/devserver/client"
	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/agent"
	"github.com/seed-b8174343/devserver/internal/running"
	"github.com/seed-b8174343/devserver/internal/steer"
)

// newSteer makes the core that the panel, the command line and agents ask. Its questions go to the project that runs.
func (s *Server) newSteer() *steer.Core {
	return steer.New(steer.Options{
		Context: s.ctx, Hub: s.hub, Journal: s.journal, Logger: s.log, Version: running.Version(),
		Project: func() steer.Project { return s.project.Load().steer() },
		Settled: func(ctx context.Context) { _ = s.restarts.Idle(ctx) }, // the caller looks at its context
		Record:  func() { s.recording.Store(true) },
		Pause:   s.Pause,
		Paused:  func() bool { paused, _ := s.pauses.state(); return paused },
	})
}

// steer returns the parts of the project that tools ask about.
func (p *project) steer() steer.Project {
	return steer.Project{
		URL: p.server.url(), Agents: p.cfg.Agents, Layout: p.layout, Graph: p.graph, Compiler: p.compiler, Packs: p.packs,
		Problems: p.problems, Edits: p.edits, Tools: p.tools, Open: p.openPlace,
	}
}

// tools returns the handlers of plugins that have a description.
func (p *project) tools() (list []steer.Tool) {
	for _, t := range p.relay.Tools() {
		list = append(list, steer.Tool{Event: t.Event, Description: t.Description, To: "server", Request: t.Request, Input: t.Input})
	}
	return list
}

// url returns where the server answers, "" before it listens.
func (s *Server) url() string {
	if urls := s.allURLs(); len(urls) > 0 {
		return urls[0]
	}
	return ""
}

// answer is the answer to a verb as programs get it.
type answer struct {
	Answer any        `json:"answer,omitempty"`
	Error  *hmr.Error `json:"error,omitempty"`
}

// serveDo answers a verb of the core.
func (s *Server) serveDo(w http.ResponseWriter, r *http.Request, verb string) {
	var a answer
	args, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	if err != nil {
		a.Error = &hmr.Error{Code: "too_big", Message: fmt.Sprintf("the message is larger than %d MiB, or was cut off", maxMessage>>20)}
	} else {
		ctx, cancel := s.whileFollowed(r)
		defer cancel()
		a.Answer, err = s.steer.Do(ctx, verb, args)
		a.Error, _ = errors.AsType[*hmr.Error](err)
	}
	text, err := json.Marshal(a)
	if err != nil { // what a page sent as JSON is none
		text, _ = json.Marshal(answer{Error: &hmr.Error{Code: "bad_answer", Message: err.Error()}})
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // the program may be gone
}

// serveClientPart sends a script that pages load when a tool asks them. It returns false for other names.
func serveClientPart(w http.ResponseWriter, r *http.Request, name string) bool {
	var script string
	switch name {
	case ownPrefix + "console.js":
		script = client.Console()
	case ownPrefix + "steer.js":
		script = client.Steer()
	default:
		return false
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	serveText(w, r, []byte(script))
	return true
}

// newAgents makes the handler of agents, which ask the core.
func (s *Server) newAgents() http.Handler {
	return agent.New(agent.Options{Version: running.Version(), Log: s.log, Ask: func(ctx context.Context, verb string, args json.RawMessage) (json.RawMessage, error) {
		a, err := s.steer.Do(ctx, verb, args)
		if err != nil {
			return nil, err
		}
		return json.Marshal(a)
	}}).Handler()
}
