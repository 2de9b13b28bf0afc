// Package guard decides who may ask; package gate decides what may be read.
//
// Every request passes Middleware before any other code sees it. Every socket passes CheckSocket before its upgrade.
package guard

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"unicode"
)

// TokenHeader is the header with the token or the key, in requests that change something.
const TokenHeader = "X-Devserver-Token"

// Options say which requests are allowed.
type Options struct {
	// Token is the secret that the server's own pages know, and Key the secret of the panel and of other programs of the
	// user. Each has at least 32 characters.
	Token, Key string
	// BoundHost is the host that the server listens on; it is an allowed host.
	BoundHost string
	// AllowedHosts lists further host names. ".example.com" stands for the domain and all names below it, "*" for any
	// name.
	AllowedHosts []string
	// CORSOrigins lists other origins whose pages may read answers and open sockets. "*" stands for any origin: its pages
	// may read, and open no socket. Nil allows none.
	CORSOrigins []string
	// Headers are set on every answer.
	Headers map[string]string
	// Logger gets the reason of each refusal. Nil discards.
	Logger *slog.Logger
}

// Guard checks requests. It is immutable and safe for concurrent use.
type Guard struct {
	o Options
}

// New returns a Guard.
func New(o Options) (*Guard, error) {
	if len(o.Token) < 32 || len(o.Key) < 32 {
		return nil, errors.New("guard: token and key must have at least 128 bits")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	for _, origin := range o.CORSOrigins {
		if u, err := url.Parse(origin); origin != anyOrigin && (err != nil || u.Scheme == "" || u.Host == "" || u.Path != "") {
			return nil, fmt.Errorf("server.cors: %q is not an origin like http://localhost:3000", origin)
		}
	}
	return &Guard{o: o}, nil
}

// Middleware passes a request on to next, or refuses it with a constant text.
func (g *Guard) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer g.recoverPanic(w, r)
		g.setHeaders(w, r)
		if status, why := g.check(r); status != 0 {
			g.o.Logger.Debug("refused request", "pkg", "guard", "why", why, "host", Printable(r.Host), "target", Printable(r.RequestURI))
			if status == http.StatusForbidden && why == hostNotAllowed {
				g.o.Logger.Warn("refused host "+Printable(r.Host), "allow", `"server": {"allowedHosts": ["…"]} in devserver.config.json`)
			}
			http.Error(w, why, status)
			return
		}
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			w.WriteHeader(http.StatusNoContent) // a preflight; its headers, if any, are set
			return
		}
		next.ServeHTTP(w, r)
	})
}

const hostNotAllowed = "403 forbidden: host not allowed"

// check returns the status and text of a refusal, or 0.
func (g *Guard) check(r *http.Request) (int, string) {
	switch {
	case r.Method == http.MethodConnect:
		return http.StatusBadRequest, "400 bad request" // this server is no forward proxy
	case !strings.HasPrefix(r.RequestURI, "/") && !(r.RequestURI == "*" && r.Method == http.MethodOptions):
		// Absolute-form targets: Next.js forwarded such upgrades to the host that they named (CVE-2026-44578). A target
		// that names this server is legal HTTP, but no client needs it.
		return http.StatusBadRequest, "400 bad request"
	case len(r.Header.Values("Host")) > 0:
		return http.StatusBadRequest, "400 bad request" // net/http moves the one legal Host out of the header
	}
	if _, err := splitHost(r.Host); err != nil {
		return http.StatusBadRequest, "400 bad request" // a malformed Host ended the process of other servers (CVE-2026-14631)
	}
	if !g.HostAllowed(r.Host) {
		return http.StatusForbidden, hostNotAllowed // DNS rebinding: evil.test that resolves to 127.0.0.1
	}
	if crossSite(r) && !g.originListed(r.Header.Get("Origin")) {
		// A foreign page includes a script, style or image of this server, or fetches it. It must not run or read
		// anything of the project (CVE-2025-30359). Navigations are allowed, so that links to the app work.
		return http.StatusForbidden, "403 forbidden: cross-site request"
	}
	if changes(r) && !g.originOK(r) || r.Header.Get("Upgrade") != "" && !g.socketOriginOK(r) {
		// The browser's same-origin policy does not cover sockets, including proxied ones (CVE-2018-14732).
		return http.StatusForbidden, "403 forbidden: cross-origin request"
	}
	return 0, ""
}

// crossSite reports whether another site makes the request, as the browser says, and the request is no navigation.
func crossSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site": // same-site is a page of another port or subdomain
		return r.Header.Get("Sec-Fetch-Mode") != "navigate"
	}
	return false
}

func changes(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions
}

// setHeaders sets the headers of every answer, including refusals and errors. Cross-Origin-Resource-Policy keeps other
// origins from including packs when the browser sends no Sec-Fetch-Site (CVE-2026-6402).
func (g *Guard) setHeaders(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	for key, value := range g.o.Headers {
		h.Set(key, value)
	}
	if len(g.o.CORSOrigins) == 0 {
		return
	}
	h.Add("Vary", "Origin")
	if origin := r.Header.Get("Origin"); g.originListed(origin) {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
}

// anyOrigin in Options.CORSOrigins stands for all origins.
const anyOrigin = "*"

func (g *Guard) originListed(origin string) bool {
	return origin != "" && (slices.Contains(g.o.CORSOrigins, origin) || slices.Contains(g.o.CORSOrigins, anyOrigin))
}

// socketOriginOK reports whether a socket comes from a page of this server, from a program, or from an origin that is
// listed by its name: a backend's page that loads the client from here.
func (g *Guard) socketOriginOK(r *http.Request) bool {
	values := r.Header.Values("Origin")
	return g.originOK(r) || len(values) == 1 && values[0] != anyOrigin && slices.Contains(g.o.CORSOrigins, values[0])
}

// HostAllowed reports whether a Host header names this server: localhost, an IP address, or a configured name. A name
// that only looks like an address counts as a name.
func (g *Guard) HostAllowed(header string) bool {
	host, err := splitHost(header)
	if err != nil {
		return false
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true // DNS cannot make a page at an address another site
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.EqualFold(host, g.o.BoundHost) && host != "" {
		return true
	}
	for _, allowed := range g.o.AllowedHosts {
		allowed = strings.ToLower(allowed)
		if allowed == "*" || allowed == host ||
			strings.HasPrefix(allowed, ".") && (host == allowed[1:] || strings.HasSuffix(host, allowed)) {
			return true
		}
	}
	return false
}

// splitHost returns the name in a Host header, in lower case and without the port.
func splitHost(header string) (string, error) {
	if header == "" {
		return "", errors.New("empty host")
	}
	for _, c := range header {
		if c <= ' ' || c >= 0x7f || strings.ContainsRune(`/\@,;"'<>#?%`, c) {
			return "", errors.New("malformed host")
		}
	}
	host := header
	if strings.HasPrefix(header, "[") {
		end := strings.IndexByte(header, ']')
		if end < 0 || end+1 < len(header) && header[end+1] != ':' {
			return "", errors.New("malformed host")
		}
		if _, err := netip.ParseAddr(header[1:end]); err != nil {
			return "", errors.New("malformed host")
		}
		host = header[:end+1]
		header = header[end+1:]
	} else if at := strings.IndexByte(header, ':'); at >= 0 {
		host, header = header[:at], header[at:]
	} else {
		header = ""
	}
	if header != "" {
		port := strings.TrimPrefix(header, ":")
		if port == "" || len(port) > 5 || strings.Trim(port, "0123456789") != "" {
			return "", errors.New("malformed port")
		}
	}
	if host == "" {
		return "", errors.New("empty host")
	}
	return strings.ToLower(strings.TrimSuffix(host, ".")), nil
}

// originOK reports whether the request comes from a page of this server, or from a program, which sends no Origin.
// "null", another port and another scheme are other origins (CVE-2026-27977).
func (g *Guard) originOK(r *http.Request) bool {
	values := r.Header.Values("Origin")
	if len(values) == 0 {
		return true
	}
	if len(values) > 1 {
		return false
	}
	origin, err := url.Parse(values[0])
	if err != nil || origin.Host == "" || origin.Path != "" || origin.RawQuery != "" || origin.User != nil {
		return false
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return origin.Scheme == scheme && strings.EqualFold(withPort(origin.Host, scheme), withPort(r.Host, scheme))
}

func withPort(host, scheme string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	if scheme == "https" {
		return host + ":443"
	}
	return host + ":80"
}

// ErrForbidden is the error of CheckSocket and CheckAction. They wrap it with a reason for the log.
var ErrForbidden = errors.New("forbidden")

// CheckSocket returns nil if a WebSocket may be opened. The Host must be allowed, which Middleware has checked before.
// An Origin must be this server's, or listed by its name. The token must be right, also without an Origin (CVE-2026-39363).
func (g *Guard) CheckSocket(r *http.Request) error {
	if !g.HostAllowed(r.Host) {
		return fmt.Errorf("%w: host %q is not allowed", ErrForbidden, Printable(r.Host))
	}
	if !g.socketOriginOK(r) {
		return fmt.Errorf("%w: origin %q is not this server", ErrForbidden, Printable(r.Header.Get("Origin")))
	}
	if !g.HasToken(r) {
		return fmt.Errorf("%w: wrong or missing token", ErrForbidden)
	}
	return nil
}

// HasToken reports whether a request for a socket has this server's token. It allows nothing: that is up to CheckSocket.
func (g *Guard) HasToken(r *http.Request) bool { return g.tokenOK(r.URL.Query().Get("token")) }

// CheckAction returns nil if a request may make the server act. It must be a POST from a page of this server or from a
// program. The token must be in a header, which no form or image can set.
func (g *Guard) CheckAction(r *http.Request) error {
	if r.Method != http.MethodPost {
		return fmt.Errorf("%w: not a POST", ErrForbidden)
	}
	if !g.originOK(r) || !g.tokenOK(r.Header.Get(TokenHeader)) {
		return fmt.Errorf("%w: wrong origin or token", ErrForbidden)
	}
	return nil
}

// CheckCommand returns nil if a request comes from a program of the user, such as the panel or the command line: a POST
// with the key, also as a bearer token. Pages of the project do not have the key.
func (g *Guard) CheckCommand(r *http.Request) error {
	key := r.Header.Get(TokenHeader)
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && key == "" {
		key = bearer
	}
	switch {
	case r.Method != http.MethodPost:
		return fmt.Errorf("%w: not a POST", ErrForbidden)
	case !g.originOK(r) || !slices.Contains([]string{"", "same-origin", "none"}, r.Header.Get("Sec-Fetch-Site")) || !equal(key, g.o.Key):
		return fmt.Errorf("%w: wrong origin or key", ErrForbidden)
	}
	return nil
}

// isForwarding reports whether a header is that of a proxy or a tunnel: the request may come from anywhere.
func isForwarding(name string) bool {
	switch name {
	case "Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "True-Client-Ip", "Cdn-Loop":
		return true
	}
	for _, maker := range []string{"X-Forwarded", "X-Original-", "Cf-", "Fly-", "Tailscale-", "X-Envoy-"} {
		if strings.HasPrefix(name, maker) {
			return true
		}
	}
	return false
}

// IsLocal reports whether a request comes from this machine, and was sent to a name or an address of this machine. A
// tunnel or proxy that runs here shows by its headers, by the name, or by HTTP/1.0, which nginx speaks to a backend if
// nobody says otherwise, and no browser or agent does.
func IsLocal(r *http.Request) bool {
	for name := range r.Header {
		if isForwarding(name) {
			return false
		}
	}
	if !r.ProtoAtLeast(1, 1) {
		return false
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !from.Addr().Unmap().IsLoopback() {
		return false
	}
	host, err := splitHost(r.Host)
	if err != nil {
		return false
	}
	if addr, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return addr.Unmap().IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func (g *Guard) tokenOK(token string) bool { return equal(token, g.o.Token) }

// equal compares in constant time, so that the time of an answer reveals nothing about the secret.
func equal(given, secret string) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(secret)) == 1
}

// recoverPanic turns a panic of a handler into a 500 with a constant text: one request must not end the server.
func (g *Guard) recoverPanic(w http.ResponseWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler {
		panic(v) // a handler drops the connection; net/http handles this panic
	}
	g.o.Logger.Error("panic while answering "+Printable(r.RequestURI), "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	http.Error(w, "500 internal server error", http.StatusInternalServerError)
}

// Printable makes text of a request safe for a terminal. Control and format characters could move the cursor, set the
// title or hide text; they become visible escapes. Long text is cut.
func Printable(s string) string {
	const longest = 300
	var b strings.Builder
	for i, c := range s {
		if i > longest {
			b.WriteString("…")
			break
		}
		if c == unicode.ReplacementChar || unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Co) {
			fmt.Fprintf(&b, "\\u%04x", c)
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}
