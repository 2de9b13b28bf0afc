package server

import (
	"net/http"
	"path/filepath"

	"github.com/seed-b8174343/devserver/client"
	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/config"
	"github.com/seed-b8174343/devserver/internal/guard"
	"github.com/seed-b8174343/devserver/internal/resolve"
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
		Check: s.guard.CheckSocket, KeepRequests: true, // for Identify see followIdentify
	})
	hub.FirstPayloads(func() []hmr.Payload { return s.project.Load().firstPayloads() })
	hub.OnReport(func(c *hmr.Client, r hmr.Report) { s.project.Load().reported(c, r) })
	hub.OnRevisions(func(c *hmr.Client, r hmr.Revisions) { s.project.Load().compare(c, r) })
	return hub
}

// serveClient sends the script that every page runs first. What differs between servers (token, base) and between
// loads (the number of the last update) stands before it.
func (p *project) serveClient(w http.ResponseWriter, r *http.Request) {
	prefix, err := client.Config{
		Base: p.base, Token: p.server.token, Epoch: p.server.epoch, Seq: p.server.hub.Seq(),
		Overlay: p.cfg.Server.HMR.OverlayOrDefault(), ShareTabs: p.cfg.Server.HMR.ShareTabs, AskReload: p.cfg.Server.HMR.Reload == "ask",
		Env: p.env.Object(), Version: p.server.opts.Version, Root: p.root,
	}.Prefix()
	if err != nil {
		p.log.Error("serve the client", "error", err)
		http.Error(w, "500 internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	script := client.Script()
	if p.readsConsole() {
		script += client.Console()
	}
	p.serveText(w, r, []byte(prefix+script))
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

// refreshRuntime finds the module that keeps components' state: react-refresh of the project, or the copy inside its
// @vitejs/plugin-react; for Preact @prefresh/core.
func (p *project) refreshRuntime() string {
	p.runtime.Do(func() {
		root := filepath.Join(p.root, "package.json")
		ways := [][]string{{"react-refresh/runtime"}, {"@vitejs/plugin-react", "react-refresh/runtime"}, {"@vitejs/plugin-react", "./refresh-runtime.js"}}
		hint := "npm install -D react-refresh"
		if p.refresh == "preact" {
			ways = [][]string{{"@prefresh/core"}, {"@preact/preset-vite", "@prefresh/vite", "@prefresh/core"}}
			hint = "npm install -D @prefresh/core @prefresh/utils"
		}
		for _, way := range ways {
			if id, ok := p.through(root, way); ok {
				p.runtimeID = id
				return
			}
		}
		p.log.Warn("components lose their state when they are edited: the refresh runtime of "+p.refresh+" is not installed", "hint", hint)
	})
	return p.runtimeID
}

// through resolves step by step: each package from inside the one before, as package managers nest them.
func (p *project) through(from string, way []string) (id string, ok bool) {
	for _, spec := range way {
		r, err := p.resolver.ResolveKind(resolve.Require, spec, from)
		if err != nil {
			if r, err = p.resolver.Resolve(spec, from); err != nil {
				return "", false
			}
		}
		from, id = r.File, p.idOf(r)
	}
	return id, true
}
