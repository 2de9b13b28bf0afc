package server

import (
	"context"
	"encoding/json"
	"net/http"
	"path"
	"time"

	"github.com/seed-b8174343/devserver/client"
	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/config"
	"github.com/seed-b8174343/devserver/internal/guard"
)

// newGuard makes the check of who may ask; it stays over restarts, like the token.
func (s *Server) newGuard(cfg *config.Config) (*guard.Guard, error) {
	return guard.New(guard.Options{
		Token: s.token, BoundHost: cfg.Server.Host, AllowedHosts: cfg.Server.AllowedHosts,
		CORSOrigins: cfg.Server.CORSOrigins(), Headers: cfg.Server.Headers, Logger: s.log,
	})
}

// newHub makes the hub and ties its questions to whichever project runs.
func (s *Server) newHub() *hmr.Hub {
	hub := hmr.NewHub(hmr.Options{
		Logger: s.log, Epoch: s.epoch,
		Check: s.guard.CheckSocket,
	})
	hub.FirstPayloads(func() []hmr.Payload { return s.project.Load().firstPayloads() })
	hub.OnReport(func(c *hmr.Client, r hmr.Report) { s.project.Load().reported(c, r) })
	hub.OnRevisions(func(c *hmr.Client, r hmr.Revisions) { s.project.Load().compare(c, r) })
	return hub
}

// serveClient sends the script that every page runs first. What differs between servers (token, base) and between
// loads (the number of the last update) stands before it.
func (p *project) serveClient(w http.ResponseWriter, r *http.Request) {
	cfg, err := json.Marshal(client.Config{
		Base: p.base, Token: p.server.token, Epoch: p.server.epoch, Seq: p.server.hub.Seq(),
		Overlay: p.cfg.Server.HMR.OverlayOrDefault(), Env: p.env.Object(), Version: p.server.opts.Version, Root: p.root,
	})
	if err != nil {
		http.Error(w, "500 internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	p.serveText(w, r, []byte("const __config__ = "+string(cfg)+";\n"+client.Script()))
}

// prelude lists the modules that must run before anything of the project: the refresh runtime, which has to see
// React start.
func (p *project) prelude() []string {
	if p.refresh == "" {
		return nil
	}
	if id := p.refreshRuntime(); id != "" {
		return []string{id}
	}
	return nil
}

const adminTimeout = 5 * time.Second

var _ = context.Background
var _ = path.Join
