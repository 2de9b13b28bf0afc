package server

import (
	"net/http"
	"strings"

	"github.com/seed-b8174343/devserver"
	"github.com/seed-b8174343/devserver/internal/guides"
	"github.com/seed-b8174343/devserver/internal/running"
)

// newGuides makes the guides of this version. A server calls it at the first request for a guide: most runs need none.
func newGuides() (*guides.Site, error) {
	return guides.New(guides.Options{Files: devserver.Guides, Version: running.Version(), Panel: true})
}

// serveGuides answers with the guides at /__devserver/docs/, and returns false for other paths. They have nothing of
// the project in them, so they need no key.
func (p *project) serveGuides(w http.ResponseWriter, r *http.Request, name string) bool {
	if name+"/" == guidesPath {
		http.Redirect(w, r, p.ownFolder(guidesPath), http.StatusFound)
		return true
	}
	if !strings.HasPrefix(name, guidesPath) {
		return false
	}
	site, err := p.server.guides()
	if err != nil {
		p.server.log.Error("the guides cannot be shown", "error", err)
		http.Error(w, "500 internal server error", http.StatusInternalServerError)
		return true
	}
	site.Serve(w, r, p.ownFolder(guidesPath), strings.TrimPrefix(name, guidesPath))
	return true
}
