package server

import (
	"net/http"

	"github.com/seed-b8174343/devserver/client"
	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/guard"
)

// newGuard makes the check of who may ask.
func (s *Server) newGuard(cfg config.Config) (*guard.Guard, error) {
	return guard.New(guard.Options{
		Token: s.token, Key: s.key, BoundHost: s.host, AllowedHosts: cfg.Server.AllowedHosts,
		CORSOrigins: cfg.Server.CORSOrigins(), Headers: cfg.Server.Headers, Logger: s.log,
	})
}

// maxMessage is how many bytes a message of a page may have: a picture or a model that an app under development sends.
// hmr.Options allows less, since a backend has pages of strangers.
const maxMessage = 64 << 20

// newHub makes the hub. Its questions go to the project that runs.
func (s *Server) newHub() *hmr.Hub {
	hub := hmr.NewHub(hmr.Options{
		Logger: s.log, Epoch: s.epoch,
		Check: func(r *http.Request) error { return s.project.Load().guard.CheckSocket(r) }, KeepRequests: true, // package relay sets Identify
		MaxMessage: maxMessage,
	})
	hub.FirstPayloads(func() []hmr.Payload { return s.project.Load().problems.First() })
	hub.OnReport(func(c *hmr.Client, r hmr.Report) { s.project.Load().edits.Reported(c, r) })
	hub.OnRevisions(func(c *hmr.Client, r hmr.Revisions) { s.project.Load().edits.Compare(c, r) })
	return hub
}

// serveClient sends the script that every page runs first. What differs between servers (token, base) and between
// loads (the number of the last update) stands before it.
func (p *project) serveClient(w http.ResponseWriter, r *http.Request) {
	prefix, err := client.Config{
		Base: p.layout.Base, Token: p.server.token, Epoch: p.server.epoch, Seq: p.server.hub.Seq(), MaxMessage: maxMessage,
		Overlay: p.cfg.Server.HMR.OverlayOrDefault(), ShareTabs: config.IsOn(p.cfg.Server.HMR.ShareTabs), AskReload: p.cfg.Server.HMR.Reload == "ask",
		Env: p.env.Object(), Globals: p.env.Globals(),
	}.Prefix()
	if err != nil {
		p.server.log.Error("serve the client", "error", err)
		http.Error(w, "500 internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	script := client.Script()
	if p.readsConsole() || p.server.recording.Load() {
		script += client.Console()
	}
	serveText(w, r, []byte(prefix+script))
}
