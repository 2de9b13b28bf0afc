package server

import (
	"embed"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/seed-b8174343/devserver/internal/guard"
	"github.com/seed-b8174343/devserver/internal/look"
	"github.com/seed-b8174343/devserver/internal/moduleid"
)

// The panel at /__devserver/ shows what happened in the project, and what pages show. It asks by HTTP with the key,
// like other programs of the user.

//go:embed panel
var panelFiles embed.FS

func (p *project) servePanel(w http.ResponseWriter, r *http.Request, name string) {
	if name == "" || name == strings.TrimSuffix(panelPath, "/") {
		if !strings.HasSuffix(r.URL.Path, "/") {
			http.Redirect(w, r, p.ownFolder(panelPath), http.StatusFound)
			return
		}
		name = "index.html"
	}
	text, err := panelFiles.ReadFile("panel/" + name)
	if err != nil {
		text, err = look.Files.ReadFile(name)
	}
	if err != nil {
		http.Error(w, "404 not found", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Security-Policy", look.Policy+"; form-action 'none'")
	w.Header().Set("Cross-Origin-Opener-Policy", openerPolicy(r))
	w.Header().Set("Content-Type", moduleid.ContentType(name))
	if name == "index.html" {
		// A script of the project could read what the browser keeps, by fetch with "force-cache".
		w.Header().Set("Cache-Control", "no-store")
		html := strings.Replace(string(text), keyPlace, strings.Replace(keyPlace, `""`, `"`+p.server.keyFor(r)+`"`, 1), 1)
		w.Header().Set("Content-Length", strconv.Itoa(len(html)))
		if r.Method != http.MethodHead {
			_, _ = io.WriteString(w, html) // the browser went away
		}
		return
	}
	serveText(w, r, text)
}

// ownFolder returns the address of a folder of the server, such as panelPath. It takes nothing from the request (open
// redirects).
func (p *project) ownFolder(name string) string { return path.Join(p.layout.Base, name) + "/" }

// keyPlace is where the panel's HTML has the key.
const keyPlace = `<meta name="devserver-key" content="">`

// keyFor returns the key for a browser of this machine that shows the panel, and "" for all others: they get it with
// the address. Scripts of the project that fetch the panel's HTML, or show it in a frame, do not get it. Nor does a
// service worker: a preloaded navigation is the one request of a document that it may read.
func (s *Server) keyFor(r *http.Request) string {
	if guard.IsLocal(r) && r.Header.Get("Sec-Fetch-Dest") == "document" && len(r.Header.Values("Service-Worker-Navigation-Preload")) == 0 {
		return s.key
	}
	return ""
}

// openerPolicy returns the policy that keeps a page of the project from reading the panel in a window that it opened.
// "same-origin" does not: it holds the two together if the project's pages have it, too, as those need that share
// memory with workers. Browsers that do not know "noopener-allow-popups" would have no policy at all.
func openerPolicy(r *http.Request) string {
	if _, version, found := strings.Cut(r.UserAgent(), "Chrome/"); found {
		major, _, _ := strings.Cut(version, ".")
		if n, err := strconv.Atoi(major); err == nil && n >= 131 {
			return "noopener-allow-popups"
		}
	}
	return "same-origin"
}
