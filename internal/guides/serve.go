package guides

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/seed-b8174343/devserver/internal/look"
	"github.com/seed-b8174343/devserver/internal/moduleid"
)

//go:embed site
var siteFiles embed.FS

// policy is the Content-Security-Policy of the pages. Their form is the search.
const policy = look.Policy + "; form-action 'self'"

// picturePolicy is the policy of a picture that is shown by itself. An SVG may have styles and no scripts.
const picturePolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"

const (
	htmlType     = "text/html; charset=utf-8"
	markdownType = "text/markdown; charset=utf-8"
	plainType    = "text/plain; charset=utf-8"
)

// maxHits is how many sections a search shows.
const maxHits = 20

const (
	maxName  = 200 // bytes of an address whose answer names the nearest guides
	maxQuery = 200 // bytes of a query that count: everybody who reaches the server may search
)

// Serve answers GET and HEAD of what has the name in the folder of all guides; "" is the index. The folder is the path of
// that folder in the address, such as "/docs/". The answers have nothing of a project in them, so they need no key.
func (s *Site) Serve(w http.ResponseWriter, r *http.Request, folder, name string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "405 method not allowed", http.StatusMethodNotAllowed)
		return
	}
	// The server sets the last three for all its answers, `devserver docs` does not.
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if answer := s.served[name]; answer != nil {
		answer(w, r)
		return
	}
	if len(name) > maxName {
		http.Error(w, "404 not found", http.StatusNotFound)
		return
	}
	text := s.missing(folder, name)
	h.Set("Content-Type", htmlType)
	h.Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusNotFound)
	if r.Method != http.MethodHead {
		_, _ = w.Write(text) // the browser went away
	}
}

// serveParts adds all that is served beside the guides: the search, the lists for language models, pictures, and the
// parts of the pages.
func (s *Site) serveParts() error {
	s.served["search"] = func(w http.ResponseWriter, r *http.Request) { send(w, r, htmlType, s.results(queryOf(r))) }
	s.served["search.json"] = s.serveHits
	s.served["llms.txt"] = fixed(plainType, s.llms)
	s.served["llms-full.txt"] = fixed(plainType, s.llmsFull)
	parts, err := fs.Sub(siteFiles, "site")
	if err != nil {
		return err
	}
	all := func(string) bool { return true }
	if err := errors.Join(s.serveFiles(parts, policy, all), s.serveFiles(look.Files, policy, all)); err != nil {
		return err
	}
	docs, err := fs.Sub(s.o.Files, path.Dir(indexFile))
	if err != nil {
		return err
	}
	return s.serveFiles(docs, picturePolicy, isPicture)
}

// serveFiles adds the wanted files, with a policy for a file that is shown by itself.
func (s *Site) serveFiles(files fs.FS, policy string, wanted func(name string) bool) error {
	return fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && wanted(name) {
			answer := fixed(moduleid.ContentType(name), func() ([]byte, error) { return fs.ReadFile(files, name) })
			s.served[name] = func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Security-Policy", policy)
				answer(w, r)
			}
		}
		return err
	})
}

// serveGuides adds the guides and their Markdown. Guides link each other by their files: README.md of docs/ is the index.
func (s *Site) serveGuides() {
	for file, p := range s.byFile {
		s.served[p.Name] = fixed(htmlType, func() ([]byte, error) { return s.page(p) })
		markdown := fixed(markdownType, func() ([]byte, error) { return []byte(p.Markdown), nil })
		s.served[p.Name+".md"] = markdown
		if name, inside := strings.CutPrefix(file, "docs/"); inside {
			s.served[name] = markdown
		}
	}
	s.served[""] = s.served[indexName]
}

func (s *Site) serveHits(w http.ResponseWriter, r *http.Request) {
	text, err := json.Marshal(append([]Hit{}, s.Search(queryOf(r), maxHits)...)) // never null
	if err != nil {
		http.Error(w, "500 internal server error", http.StatusInternalServerError)
		return
	}
	send(w, r, "application/json", text)
}

func queryOf(r *http.Request) string {
	query := r.URL.Query().Get("q")
	return strings.ToValidUTF8(query[:min(len(query), maxQuery)], "")
}

// send answers with a text that depends on the request.
func send(w http.ResponseWriter, r *http.Request, contentType string, text []byte) {
	fixed(contentType, func() ([]byte, error) { return text, nil })(w, r)
}

// fixed answers with a text that is made once, and its tag: a reload shows what the program has now, and costs a 304
// otherwise.
func fixed(contentType string, makeText func() ([]byte, error)) http.HandlerFunc {
	type tagged struct {
		text []byte
		tag  string
	}
	made := sync.OnceValues(func() (tagged, error) {
		text, err := makeText()
		sum := sha256.Sum256(text)
		return tagged{text, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}, err
	})
	return func(w http.ResponseWriter, r *http.Request) {
		answer, err := made()
		if err != nil {
			http.Error(w, "500 internal server error", http.StatusInternalServerError)
			return
		}
		h := w.Header()
		h.Set("ETag", answer.tag)
		h.Set("Cache-Control", "no-cache")
		h.Set("Content-Type", contentType)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(answer.text))
	}
}
