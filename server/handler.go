package server

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/gorilla/websocket"

	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/guard"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/pack"
	"github.com/seed-b8174343/devserver/internal/running"
	"github.com/seed-b8174343/devserver/internal/vite"
)

// The server's own paths, below base, beside those of package pack. They come before plugins, proxies and files, so
// that nothing can take them over. Tools in the page that watch requests, such as MSW, tell the server's requests from
// the app's by the path: code ends in ".js", and what the client asks for by itself begins with "/@vite/".
const (
	clientPath = moduleid.Client
	ownPrefix  = "/@devserver/"
	packPath   = ownPrefix + "pack.js"
	// identifyPath is where pages send their cookies again, see hmr.Hub.
	identifyPath = "/@vite/identify"
	editorPath   = "/__open-in-editor"
	panelPath    = running.PanelPath
	guidesPath   = running.GuidesPath
)

// Handler answers everything that the server answers, and has it follow edits from now on. Use it to mount the server
// in a program of your own; Listen and Serve are not needed then, but Close is.
func (s *Server) Handler() http.Handler {
	s.restarting.Lock()
	s.project.Load().begin()
	s.restarting.Unlock()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := s.project.Load()
		p.guard.Middleware(p.handler()).ServeHTTP(w, r)
	})
}

// serve has a request answered by the first of these: a plugin's middleware, the server itself, a middleware of the
// vite.config's plugins, a plugin's route, a proxy, the project's files. While a request waits for plugins, another project
// may have come.
func (p *project) serve(w http.ResponseWriter, r *http.Request) {
	own := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.server.awaitProject(r).serveOn(w, r) })
	if p.hosts.SeeRequests() { // their answers may sign users in
		p.server.hub.WatchCookies(p.hosts.Middleware(own)).ServeHTTP(w, r)
	} else {
		own(w, r)
	}
}

// serveOn is serve behind the plugins' middlewares.
func (p *project) serveOn(w http.ResponseWriter, r *http.Request) {
	name, inside := p.layout.Below(r.URL.Path)
	own := inside && name != "" &&
		(p.server.serveSocket(w, r, name) || p.server.serveCommand(w, r, name) || p.serveOwn(w, r, name))
	if !own {
		p.server.hub.WatchCookies(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if gate.Malformed(r.RequestURI) == nil {
				r = p.vite.ServeHTTP(w, r, vite.Early)
			}
			if r != nil && !p.servedByNext(w, r) {
				p.serveProject(w, r)
			}
		})).ServeHTTP(w, r)
	}
}

// servedByNext has the next project answer a request when this project has ended, and returns false otherwise. The
// middlewares of the next project have not seen the request yet.
func (p *project) servedByNext(w http.ResponseWriter, r *http.Request) bool {
	next := p.server.awaitProject(r)
	if next == p {
		return false
	}
	next.serveOn(w, r)
	return true
}

// serveMistakes answers while the configuration has mistakes: every page shows them, and loads again once they are
// fixed. The guides stay: users look for help then.
func (p *project) serveMistakes(w http.ResponseWriter, r *http.Request) {
	name, _ := p.layout.Below(r.URL.Path)
	switch {
	case p.server.serveSocket(w, r, name), p.server.refuseSocket(w, r, name), p.server.serveCommand(w, r, name):
	case serveClientPart(w, r, name), p.serveGuides(w, r, name):
	case name == clientPath:
		p.serveClient(w, r)
	default:
		p.serveBroken(w, "", "")
	}
}

// serveProject answers with what the project brings: a plugin's route, a backend behind a proxy, a file.
func (p *project) serveProject(w http.ResponseWriter, r *http.Request) {
	p.hosts.Routes(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.server.awaitProject(r).serveUnrouted(w, r) })).ServeHTTP(w, r)
}

// serveUnrouted is serveProject behind the plugins' routes.
func (p *project) serveUnrouted(w http.ResponseWriter, r *http.Request) {
	name, inside := p.layout.Below(r.URL.Path)
	if !inside || name == "" {
		p.serveOutside(w, r)
		return
	}
	if isPages(r) && r.Header.Get("Origin") == "" && !r.URL.Query().Has("token") && p.server.refuseSocket(w, r, name) {
		return // no page sends it, and no backend is to believe that one does
	}
	if r = p.proxy.Serve(w, r); r == nil || p.servedByNext(w, r) || p.server.refuseSocket(w, r, name) {
		return
	}
	if r = p.takeSocket(w, r); r != nil {
		p.serveFile(w, r)
	}
}

// takeSocket gives a WebSocket that neither the server nor a proxy takes to plugins of the vite.config. It returns other
// requests, and a WebSocket that no plugin takes.
func (p *project) takeSocket(w http.ResponseWriter, r *http.Request) *http.Request {
	if !websocket.IsWebSocketUpgrade(r) || gate.Malformed(r.RequestURI) != nil {
		return r
	}
	return p.vite.ServeHTTP(w, r, vite.Socket)
}

// serveSocket answers the sockets of our pages, by their path and token. It returns false for other requests. A proxied
// app may have the same path and the same subprotocol, if it is served by Vite or by another devserver.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request, name string) bool {
	if name != "/" || !websocket.IsWebSocketUpgrade(r) || !s.project.Load().guard.HasToken(r) {
		return false
	}
	s.hub.ServeHTTP(w, r)
	return true
}

// refuseSocket answers the sockets in the subprotocol of pages that are nobody's: a page's token is out of date, or
// there is no socket at the path. It returns false for other requests.
func (s *Server) refuseSocket(w http.ResponseWriter, r *http.Request, name string) bool {
	switch {
	case !websocket.IsWebSocketUpgrade(r):
		return false
	case name == "/" && (isPages(r) || r.URL.Query().Has("token")):
		s.hub.ServeHTTP(w, r) // it answers "are you back?" and tells the log why it refuses the rest
	case isPages(r):
		http.Error(w, "403 forbidden", http.StatusForbidden)
	default:
		return false
	}
	return true
}

// isPages reports whether a socket has the subprotocol of pages of ours, or of Vite's.
func isPages(r *http.Request) bool {
	return slices.ContainsFunc(websocket.Subprotocols(r), func(p string) bool { return p == "vite-hmr" || p == "vite-ping" })
}

// serveOutside answers requests that are not below base with the way there. The target is the constant base, never
// anything from the request (open redirects).
func (p *project) serveOutside(w http.ResponseWriter, r *http.Request) {
	if r = p.proxy.Serve(w, r); r == nil {
		return
	}
	if r = p.takeSocket(w, r); r == nil {
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
	case serveClientPart(w, r, name):
	case p.serveGuides(w, r, name):
	case strings.HasPrefix(name, panelPath) || name+"/" == panelPath:
		p.servePanel(w, r, strings.TrimPrefix(name, panelPath))
	case strings.HasPrefix(name, ownPrefix):
		http.Error(w, "404 not found", http.StatusNotFound)
	default:
		return false
	}
	return true
}

// serveFile answers with what the project has at the URL, in the form that the browser asks for. Plugins of the
// vite.config may answer what is no file but a page.
func (p *project) serveFile(w http.ResponseWriter, r *http.Request) { p.serveURL(w, r, p.serveLate) }

// serveLate gives a request that no file answers to plugins of the vite.config. It returns false for requests that they
// leave to the server.
func (p *project) serveLate(w http.ResponseWriter, r *http.Request) bool {
	passed := p.vite.ServeHTTP(w, r, vite.Late)
	if passed != nil && p.servedByNext(w, passed) {
		return true
	}
	if passed != nil && passed.RequestURI != r.RequestURI { // they have chosen another page
		p.serveURL(w, passed, func(http.ResponseWriter, *http.Request) bool { return false })
		return true
	}
	return passed == nil
}

// serveURL is serveFile, where late may answer for what is no file.
func (p *project) serveURL(w http.ResponseWriter, r *http.Request, late func(http.ResponseWriter, *http.Request) bool) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if gate.Malformed(r.RequestURI) != nil || !late(w, r) {
			http.Error(w, "405 method not allowed", http.StatusMethodNotAllowed)
		}
		return
	}
	// The gate sees the target as it came over the wire: net/http has cleaned up what attacks are made of.
	target, denied := p.gate.Resolve(r.RequestURI)
	if denied != nil {
		if denied.NoFile && (p.serveVirtual(w, r) || late(w, r) || p.serveMissing(w, r, denied)) {
			return
		}
		if denied.Reason == "" {
			p.edits.NoteMissing(r, denied.Nameless)
		}
		p.refuse(w, r.RequestURI, denied)
		return
	}
	if _, alone := runsAlone(r); alone && target.Kind != gate.Public && moduleid.IsScript(target.File) {
		p.graph.NoteProgram(moduleid.Name(target.ID))
	}
	switch {
	case target.Kind == gate.Public:
		p.serveStatic(w, r, target.File)
	case wantsModule(r, target):
		p.serveEntry(w, r, moduleid.Plain(target.ID))
	case wantsStyle(r, target):
		p.serveStyle(w, r, target.ID)
	case isClassic(r) && moduleid.IsCompiled(target.File) && p.serveScript(w, r, target.ID):
	case moduleid.IsPage(target.File) && late(w, r):
	case moduleid.IsPage(target.File) && p.cfg.AppType == "custom":
		p.refuse(w, r.RequestURI, customPages)
	case moduleid.IsPage(target.File):
		p.servePage(w, r, target.File)
	default:
		p.serveStatic(w, r, target.File)
	}
}

// refuse answers with a text that says nothing of what exists. The terminal says why, and what would allow the request.
func (p *project) refuse(w http.ResponseWriter, target string, denied *gate.Denied) {
	p.tellRefused(target, denied)
	http.Error(w, denied.Text(), denied.Status)
}

func (p *project) tellRefused(target string, denied *gate.Denied) {
	if denied.Reason != "" {
		p.server.log.Warn("refused "+guard.Printable(target), whyDenied(denied)...)
	}
}

// whyDenied returns the reason of a denial, and what would allow the file to be read, for the log.
func whyDenied(denied *gate.Denied) []any {
	args := []any{"reason", denied.Reason}
	if denied.Allow != "" {
		args = append(args, "allow", denied.Allow)
	}
	return args
}

// serveVirtual answers for URLs of modules that plugins make. It returns false for others.
func (p *project) serveVirtual(w http.ResponseWriter, r *http.Request) bool {
	name, _ := p.layout.Below(r.URL.Path)
	style := destination(r) == "style"
	// Names without an extension are usual for modules of a vite.config's plugins, and Go plugins do not expect to be asked.
	perhaps := p.vite != nil && destination(r) == "" && path.Ext(name) == "" && !acceptsHTML(r)
	if !style && !perhaps && !wantsScript(r, name) {
		return false
	}
	id, ok := p.virtual(r.Context(), name, r.URL.RawQuery)
	if id := moduleid.OfPath(name); !ok && moduleid.Has(r.URL.RawQuery, "html-proxy") && p.isRendered(p.compiler.File(id)) {
		p.serveEntry(w, r, id+"?"+r.URL.RawQuery)
		return true
	}
	switch {
	case !ok:
	case style:
		p.serveStyle(w, r, id)
	case isClassic(r) && p.serveScript(w, r, id): // of importScripts, for example
	default:
		p.serveEntry(w, r, id)
	}
	return ok
}

// wantsScript reports whether the browser runs the answer as a script or a worker, or probably so for a client without
// Fetch metadata.
func wantsScript(r *http.Request, name string) bool {
	if _, alone := runsAlone(r); alone {
		return true
	}
	dest := destination(r)
	return dest == "script" || dest == "" && (moduleid.IsScript(name) || strings.HasPrefix(name, "/@id/"))
}

// virtual returns the module that plugins have at a URL without a file. Vite puts "/@id/" before names that are no path,
// and "__x00__" in the place of the character that names of such modules begin with.
func (p *project) virtual(ctx context.Context, name, query string) (id string, ok bool) {
	id = strings.ReplaceAll(strings.TrimPrefix(name, "/@id/"), "__x00__", "\x00")
	id = moduleid.Plain(moduleid.WithQuery(id, query))
	if p.hosts.Resolves(ctx, id) {
		return id, true
	}
	return p.vite.Claims(ctx, id)
}

// serveMissing answers for pages of single-page apps, and navigations to a page that does not exist. It returns false
// for other URLs without a file.
func (p *project) serveMissing(w http.ResponseWriter, r *http.Request, denied *gate.Denied) bool {
	name, _ := p.layout.Below(r.URL.Path)
	if wantsScript(r, name) {
		return false // no module has this URL
	}
	if strings.HasPrefix(name, "/@fs/") || strings.HasPrefix(name, "/@id/") {
		return false // the name of a file or module, never an app's route
	}
	find := p.pageFor
	if denied.Nameless { // decoded, it would name a page that the URL does not name
		find = p.fallbackPage
	}
	file, noPage := find(r, name)
	switch {
	case noPage == nil:
		p.servePage(w, r, file)
	case denied.Status == http.StatusNotFound && acceptsHTML(r):
		if isWithheld(noPage) {
			p.tellRefused(r.RequestURI, noPage)
		}
		p.serveNoPage(w, noPage)
	default:
		return false
	}
	return true
}

// isClassic reports whether the browser runs the answer as a classic script.
func isClassic(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Dest") == "script" && r.Header.Get("Sec-Fetch-Mode") == "no-cors"
}

// wantsModule reports whether the answer is a pack: the browser runs a module or a worker, or a client without Fetch
// metadata asks for a script. A classic script and fetch() get the file itself.
func wantsModule(r *http.Request, t gate.Target) bool {
	if _, alone := runsAlone(r); alone || moduleid.Has(t.Query, "worker_file") {
		return true
	}
	switch destination(r) {
	case "script":
		return r.Header.Get("Sec-Fetch-Mode") != "no-cors"
	case "":
		return moduleid.IsScript(t.File) || moduleid.Has(t.Query, "html-proxy") || moduleid.HasAny(t.Query, "import", "raw", "url", "worker", "inline", "init")
	case "empty":
		return moduleid.Has(t.Query, "import")
	}
	return false
}

// destination returns what the browser uses the answer for, "" if unknown. A service worker that fetches what a page
// asked for, as MSW's does, hides the use (`fetch(request, {headers})`). The referrer shows it: pages have the address
// of a document, and service workers that of their script.
func destination(r *http.Request) string {
	dest := r.Header.Get("Sec-Fetch-Dest")
	if dest != "empty" {
		return dest
	}
	if by, err := url.Parse(r.Referer()); err == nil && by.Host == r.Host && moduleid.IsScript(by.Path) && !moduleid.Has(by.RawQuery, "worker_file") {
		return ""
	}
	return dest
}

// runsAlone reports whether the browser runs the script as a program of its own: a worker or a worklet.
func runsAlone(r *http.Request) (kind pack.Program, ok bool) {
	switch dest := r.Header.Get("Sec-Fetch-Dest"); dest {
	case "worker", "sharedworker", "serviceworker":
		return pack.Worker, true
	default:
		return pack.Worklet, strings.HasSuffix(dest, "worklet")
	}
}

// wantsStyle reports whether the answer is a stylesheet that a page links.
func wantsStyle(r *http.Request, t gate.Target) bool {
	return moduleid.IsStyle(t.File) && !moduleid.HasAny(t.Query, "raw", "url")
}
