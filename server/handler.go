package server

import (
	"net/http"
	"strings"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/pack"
	"github.com/seed-b8174343/devserver/internal/running"
)

// The server's own paths, below base, beside those of package pack. They come before plugins, proxies and files, so
// that nothing can take them over.
const (
	clientPath = moduleid.Client
	ownPrefix  = "/@devserver/"
	packPath   = ownPrefix + "pack"
	// identifyPath is where pages send their cookies again, see hmr.Hub.
	identifyPath = ownPrefix + "identify"
	editorPath   = "/__open-in-editor"
	adminPath    = running.AdminPath
)

// Handler answers everything that the server answers, and has it follow edits from now on. Use it to mount the server
// in a program of your own; Listen and Serve are not needed then, but Close is.
func (s *Server) Handler() http.Handler {
	s.restarting.Lock()
	s.project.Load().begin()
	s.restarting.Unlock()
	return s.guard.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.project.Load().handler()(w, r)
	}))
}

// serve finds who answers: a plugin's middleware, the server itself, a plugin's route, a proxy, then the project's
// files.
func (p *project) serve(w http.ResponseWriter, r *http.Request) {
	own := http.HandlerFunc(p.serveOn)
	if p.hosts.SeeRequests() { // their answers may sign users in
		p.server.hub.WatchCookies(p.hosts.Middleware(own)).ServeHTTP(w, r)
	} else {
		own(w, r)
	}
}

// serveOn is serve behind the plugins' middlewares.
func (p *project) serveOn(w http.ResponseWriter, r *http.Request) {
	name, inside := p.layout.Below(r.URL.Path)
	switch {
	case !inside || name == "":
		p.server.hub.WatchCookies(http.HandlerFunc(p.serveOutside)).ServeHTTP(w, r)
	case p.server.serveSocket(w, r, name), p.server.serveCommand(w, r, name), p.serveOwn(w, r, name):
	default:
		p.server.hub.WatchCookies(http.HandlerFunc(p.serveProject)).ServeHTTP(w, r)
	}
}

// serveMistakes answers while the configuration has mistakes: every page shows them, and loads again once they are
// fixed.
func (p *project) serveMistakes(w http.ResponseWriter, r *http.Request) {
	name, _ := p.layout.Below(r.URL.Path)
	switch {
	case p.server.serveSocket(w, r, name), p.server.serveCommand(w, r, name):
	case name == clientPath:
		p.serveClient(w, r)
	default:
		p.serveBroken(w)
	}
}

// serveProject answers with what the project brings: a plugin's route, a backend behind a proxy, a file.
func (p *project) serveProject(w http.ResponseWriter, r *http.Request) {
	if p.hosts.ServeRoute(w, r) {
		return
	}
	if r = p.proxy.Serve(w, r); r != nil {
		p.serveFile(w, r)
	}
}

// serveSocket answers the sockets of pages. It returns false for other requests. The subprotocol sets our sockets apart
// from those of the project's proxies, since both may be at `/`.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request, name string) bool {
	if !websocket.IsWebSocketUpgrade(r) {
		return false
	}
	ours := name == "/" && r.URL.Query().Has("token")
	for _, proto := range websocket.Subprotocols(r) {
		ours = ours || proto == "vite-hmr" || proto == "vite-ping"
	}
	if ours {
		s.hub.ServeHTTP(w, r)
	}
	return ours
}

// serveOutside answers requests that are not below base with the way there. The target is the constant base, never
// anything from the request (open redirects).
func (p *project) serveOutside(w http.ResponseWriter, r *http.Request) {
	if r = p.proxy.Serve(w, r); r == nil {
		return
	}
	if strings.HasPrefix(r.URL.Path, p.layout.Base) { // a proxy's bypass chose a file
		p.serveFile(w, r)
		return
	}
	if r.URL.Path == "/" || r.URL.Path+"/" == p.layout.Base {
		http.Redirect(w, r, p.layout.Base, http.StatusFound)
		return
	}
	http.Error(w, "404 not found: this project is served at "+p.layout.Base, http.StatusNotFound)
}

// serveOwn answers at the server's own paths. It returns false for others.
func (p *project) serveOwn(w http.ResponseWriter, r *http.Request, name string) bool {
	switch {
	case name == clientPath:
		p.serveClient(w, r)
	case name == packPath:
		p.servePack(w, r)
	case name == pack.MapPath:
		p.serveMap(w, r)
	case strings.HasPrefix(name, pack.UpdatePath):
		p.serveUpdate(w, r, strings.TrimPrefix(name, pack.UpdatePath))
	case name == identifyPath && r.Method == http.MethodPost:
		p.server.hub.ServeHTTP(w, r)
	case name == editorPath:
		p.serveEditor(w, r)
	case strings.HasPrefix(name, adminPath) || name+"/" == adminPath:
		p.serveAdmin(w, r, strings.TrimPrefix(name, adminPath))
	case strings.HasPrefix(name, ownPrefix):
		http.Error(w, "404 not found", http.StatusNotFound)
	default:
		return false
	}
	return true
}

// serveFile answers with what the project has at the URL, in the form that the browser asks for.
func (p *project) serveFile(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "405 method not allowed", http.StatusMethodNotAllowed)
		return
	}
	// The gate sees the target as it came over the wire: net/http has cleaned up what attacks are made of.
	target, denied := p.gate.Resolve(r.RequestURI)
	if denied != nil {
		if denied.Reason == "" && p.serveMissing(w, r) {
			return
		}
		if denied.Reason == "" {
			p.edits.NoteMissing(r)
		}
		p.refuse(w, r.RequestURI, denied)
		return
	}
	switch {
	case target.Kind == gate.Public:
		p.serveStatic(w, r, target.File)
	case wantsModule(r, target):
		p.serveEntry(w, r, target.ID)
	case wantsStyle(r, target):
		p.serveStyle(w, r, target)
	case moduleid.IsPage(target.File):
		p.servePage(w, r, target.File)
	default:
		p.serveStatic(w, r, target.File)
	}
}

// refuse answers with a text that says nothing of what exists. The terminal says why, and what would allow the request.
func (p *project) refuse(w http.ResponseWriter, target string, denied *gate.Denied) {
	if denied.Reason != "" {
		args := []any{"reason", denied.Reason}
		if denied.Allow != "" {
			args = append(args, "allow", denied.Allow)
		}
		p.server.log.Warn("refused "+p.server.guard.Printable(target), args...)
	}
	http.Error(w, denied.Text(), denied.Status)
}

// serveMissing answers for URLs without a file: modules that plugins make, and pages of single-page apps. It returns
// false for others.
func (p *project) serveMissing(w http.ResponseWriter, r *http.Request) bool {
	name, _ := p.layout.Below(r.URL.Path)
	if r.Header.Get("Sec-Fetch-Dest") == "script" {
		id := strings.TrimPrefix(name, "/@id/")
		if r.URL.RawQuery != "" {
			id += "?" + r.URL.RawQuery
		}
		if p.hosts.Resolves(r.Context(), id) {
			p.serveEntry(w, r, id)
			return true
		}
		return false
	}
	if strings.HasPrefix(name, "/@fs/") || strings.HasPrefix(name, "/@id/") {
		return false // the name of a file or module, never an app's route
	}
	file, ok := p.pageFor(r, name)
	if ok {
		p.servePage(w, r, file)
	}
	return ok
}

// wantsModule reports whether the answer is a pack: the browser runs a module or a worker, or a client without Fetch
// metadata asks for a script. A classic script and fetch() get the file itself.
func wantsModule(r *http.Request, t gate.Target) bool {
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "script":
		return r.Header.Get("Sec-Fetch-Mode") != "no-cors"
	case "worker", "sharedworker":
		return true
	case "":
		return moduleid.IsScript(t.File) || moduleid.Has(t.Query, "html-proxy") || moduleid.HasAny(t.Query, "import", "raw", "url", "worker", "inline", "init")
	case "empty":
		return moduleid.Has(t.Query, "import")
	}
	return false
}

// wantsStyle reports whether the answer is a stylesheet that a page links.
func wantsStyle(r *http.Request, t gate.Target) bool {
	return moduleid.IsStyle(t.File) && !moduleid.HasAny(t.Query, "raw", "url")
}
