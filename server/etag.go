package server

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

// serveText sends bytes with a strong ETag of their content, so that a reload costs a 304 and the browser keeps the
// code that it compiled.
func serveText(w http.ResponseWriter, r *http.Request, text []byte) {
	sum := sha256.Sum256(text)
	serveTagged(w, r, text, base64.RawURLEncoding.EncodeToString(sum[:12]))
}

func serveTagged(w http.ResponseWriter, r *http.Request, text []byte, tag string) {
	if matches(r, tag) {
		notModified(w, tag)
		return
	}
	h := w.Header()
	h.Set("ETag", `"`+tag+`"`)
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(text) // the browser went away
	}
}

// matches reports whether the browser has what the tag names.
func matches(r *http.Request, tag string) bool {
	for candidate := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(candidate), "W/") == `"`+tag+`"` {
			return true
		}
	}
	return false
}

func notModified(w http.ResponseWriter, tag string) {
	h := w.Header()
	h.Set("ETag", `"`+tag+`"`)
	h.Set("Cache-Control", "no-cache")
	h.Del("Content-Type")
	w.WriteHeader(http.StatusNotModified)
}
