package guides

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/internal/look"
	"github.com/seed-b8174343/devserver/internal/moduleid"
)

//go:embed site
var siteFiles embed.FS

// policy is the Content-Security-Policy of the pages: nothing comes from elsewhere.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// picturePolicy is the policy of a picture that is shown by itself. An SVG may have styles and no scripts.
const picturePolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"

const (
	htmlType     = "text/html; charset=utf-8"
	markdownType = "text/markdown; charset=utf-8"
	plainType    = "text/plain; charset=utf-8"
)

// maxHits is how many sections a search shows.
const maxHits = 20

// Serve answers GET and HEAD of what has the name in the folder of all guides; "" is the index. The answers have nothing
// of a project in them, so they need no key.
func (s *Site) Serve(w http.ResponseWriter, r *http.Request, name string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "405 method not allowed", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	query := r.URL.Query().Get("q")
	switch name {
	case "":
		s.send(w, r, htmlType, s.page(s.index))
	case "search":
		s.send(w, r, htmlType, s.results(query))
	case "search.json":
		text, err := json.Marshal(append([]Hit{}, s.Search(query, maxHits)...)) // never null
		if err != nil {
			http.Error(w, "500 internal server error", http.StatusInternalServerError)
			return
		}
		s.send(w, r, "application/json", text)
	case "llms.txt":
		s.send(w, r, plainType, s.llms())
	case "llms-full.txt":
		s.send(w, r, plainType, s.llmsFull())
	default:
		s.serveFile(w, r, name)
	}
}

// serveFile answers with a guide, its Markdown, a picture, or a part of the pages.
func (s *Site) serveFile(w http.ResponseWriter, r *http.Request, name string) {
	if p := s.byName[name]; p != nil {
		s.send(w, r, htmlType, s.page(p))
		return
	}
	if bare, ok := strings.CutSuffix(name, ".md"); ok {
		// Guides link each other by their files: README.md of docs/ is the index.
		if p := cmp.Or(s.byName[bare], s.byFile[path.Join("docs", name)]); p != nil {
			s.send(w, r, markdownType, []byte(p.Markdown))
			return
		}
	}
	if isPicture(name) {
		if text, err := fs.ReadFile(s.o.Files, path.Join("docs", name)); err == nil {
			w.Header().Set("Content-Security-Policy", picturePolicy)
			s.send(w, r, moduleid.ContentType(name), text)
			return
		}
	}
	for _, files := range []struct {
		fs     fs.FS
		folder string
	}{{siteFiles, "site"}, {look.Files, "."}} {
		if text, err := fs.ReadFile(files.fs, path.Join(files.folder, name)); err == nil && fs.ValidPath(name) {
			s.send(w, r, moduleid.ContentType(name), text)
			return
		}
	}
	text := s.missing(name)
	w.Header().Set("Content-Type", htmlType)
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusNotFound)
	if r.Method != http.MethodHead {
		_, _ = w.Write(text) // the browser went away
	}
}

// send answers with a text and its tag, so that a reload shows what the program has now, and costs a 304 otherwise.
func (s *Site) send(w http.ResponseWriter, r *http.Request, contentType string, text []byte) {
	sum := sha256.Sum256(text)
	h := w.Header()
	h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`)
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Type", contentType)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
}
