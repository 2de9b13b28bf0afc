// Package proxy forwards requests to the backends that the configuration names.
//
// Backends come only from the configuration, never from a request. Rules match and rewrite the request's target: the
// path with the query, with the bytes that the browser sent. What no rule changes reaches the backend unchanged. The
// caller keeps the server's own paths away.
package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/seed-b8174343/devserver/internal/pattern"
)

// Rule forwards the requests whose path it matches.
type Rule struct {
	// Path is a prefix of the request's target, or a regular expression when it begins with "^".
	Path string
	// Target is the backend's URL. Its path is put before the request's path. It may be "" for a rule with Bypass.
	Target string
	// ChangeOrigin sends the target's host as Host header, not the request's.
	ChangeOrigin bool
	// WS forwards WebSockets too.
	WS bool
	// Insecure accepts any certificate of the backend.
	Insecure bool
	// Rewrite replaces the matches of patterns in the path with query, in order.
	Rewrite []Rewrite
	// Headers are set on the forwarded request.
	Headers map[string]string
	// CookieDomain and CookiePath map the domains and paths of the backend's cookies to others. The key "*" stands for
	// any; the value "" removes the attribute.
	CookieDomain, CookiePath map[string]string
	// WSOrigin sends the target's origin as the Origin header of WebSockets.
	WSOrigin bool
	// RewriteBy returns another path with query, before Rewrite. Nil leaves them unchanged.
	RewriteBy func(ctx context.Context, target string) (string, error)
	// Bypass returns an answer that replaces the backend's. With nil, and with a zero Answer, the request is forwarded.
	Bypass func(r *http.Request) (Answer, error)
	// By serves the requests in the place of all other fields but Path and WS, nil for a rule that has them. It returns nil
	// or a request as Serve does.
	By func(w http.ResponseWriter, r *http.Request) *http.Request
}

// Answer replaces the backend's answer to a request.
type Answer struct {
	// URL is another URL of the project that is served, "" for none.
	URL string
	// Status is sent with Header and Body, unless it is 0.
	Status int
	Header map[string]string
	Body   []byte
}

// Rewrite is one replacement in a path with query. Replacement may use $1.
type Rewrite struct {
	Pattern, Replacement string
}

// Proxy is a list of rules. The zero value and nil forward nothing.
type Proxy struct {
	rules []rule
}

type rule struct {
	Rule
	pattern *pattern.Pattern
	rewrite func(target string) string
	forward *httputil.ReverseProxy // nil without a Target
	log     *slog.Logger
}

// New returns a Proxy, or an error for an invalid rule. The first rule that matches a request forwards it.
func New(rules []Rule, log *slog.Logger) (*Proxy, error) {
	p := &Proxy{}
	for _, r := range rules {
		made, err := newRule(r, log)
		if err != nil {
			return nil, fmt.Errorf("server.proxy %q: %w", r.Path, err)
		}
		p.rules = append(p.rules, made)
	}
	return p, nil
}

func newRule(r Rule, log *slog.Logger) (rule, error) {
	made := rule{Rule: r, log: log}
	var err error
	if strings.HasPrefix(r.Path, "^") {
		if made.pattern, err = pattern.Compile(r.Path); err != nil {
			return made, err
		}
	}
	if made.rewrite, err = compileRewrites(r.Rewrite); err != nil {
		return made, fmt.Errorf("rewrite: %w", err)
	}
	if r.By != nil || r.Target == "" && r.Bypass != nil {
		return made, nil
	}
	backend, err := url.Parse(r.Target)
	if err != nil {
		return made, fmt.Errorf("target: %w", err)
	}
	// The transport needs ws: as http: and wss: as https:.
	backend.Scheme = strings.Replace(backend.Scheme, "ws", "http", 1)
	if backend.Host == "" || backend.Scheme != "http" && backend.Scheme != "https" {
		return made, fmt.Errorf("target %q is not a URL like http://localhost:8080", r.Target)
	}
	made.forward = &httputil.ReverseProxy{
		Transport:     newTransport(r.Insecure),
		FlushInterval: -1, // server-sent events pass at once
		ErrorLog:      slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		Rewrite: func(pr *httputil.ProxyRequest) {
			// ReverseProxy has sorted and escaped the query of Out again; In has it as it came.
			pr.Out.URL = URLAt(backend, pr.In.RequestURI)
			pr.Out.Host = "" // the backend's
			pr.SetXForwarded()
			if !r.ChangeOrigin {
				pr.Out.Host = pr.In.Host
			}
			if r.WSOrigin && isUpgrade(pr.In) {
				pr.Out.Header.Set("Origin", backend.Scheme+"://"+backend.Host)
			}
			for key, value := range r.Headers {
				pr.Out.Header.Set(key, value)
			}
		},
		ModifyResponse: func(res *http.Response) error {
			yield(res)
			r.rewriteCookies(res.Header)
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, req *http.Request, err error) { fail(w, req, r, err, log) },
	}
	return made, nil
}

// setKey is the key of the header that the server has set on the answer to a request, in the request's context.
type setKey struct{}

// yield removes what the server has set on the answer and the backend sets, too. ReverseProxy adds values to a header,
// and these headers have a single value: browsers refuse an answer that allows two origins, for example.
func yield(res *http.Response) {
	set, _ := res.Request.Context().Value(setKey{}).(http.Header)
	for _, name := range []string{
		"Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Cache-Control", "Cross-Origin-Resource-Policy",
		"Referrer-Policy", "X-Content-Type-Options",
	} {
		if res.Header.Get(name) != "" {
			set.Del(name)
		}
	}
}

// URLAt returns the URL of a path with query below the backend's URL. The path stays as it is: a URL that is parsed and
// written again escapes `|` and `^`, for example.
func URLAt(backend *url.URL, target string) *url.URL {
	path, query, hasQuery := strings.Cut(target, "?")
	u := &url.URL{Scheme: backend.Scheme, Host: backend.Host, RawQuery: query}
	switch {
	case query == "":
		u.RawQuery, u.ForceQuery = backend.RawQuery, hasQuery
	case backend.RawQuery != "":
		u.RawQuery = backend.RawQuery + "&" + query
	}
	path = strings.TrimSuffix(backend.EscapedPath(), "/") + path
	if !strings.HasPrefix(path, "//") {
		u.Opaque = path
		return u
	}
	// net/http takes an Opaque that begins with "//" for a host and a path. So this path has to be a valid one.
	u.RawPath = escape(path, func(c byte) bool {
		return c > '~' || c < '!' || strings.IndexByte("\"#<>\\^`{|}", c) >= 0
	})
	var err error
	if u.Path, err = url.PathUnescape(u.RawPath); err != nil {
		u.Path = path // a rewrite made a "%" that escapes nothing
	}
	return u
}

// compileRewrites returns a function that applies all rewrites in order.
func compileRewrites(list []Rewrite) (func(target string) string, error) {
	patterns := make([]*pattern.Pattern, len(list))
	for i, rw := range list {
		var err error
		if patterns[i], err = pattern.Compile(rw.Pattern); err != nil {
			return nil, err
		}
	}
	return func(target string) string {
		for i, rw := range list {
			target = patterns[i].Replace(target, rw.Replacement)
		}
		return target
	}, nil
}

// newTransport returns the transport to a backend. insecure accepts any certificate, for the option `secure: false`.
func newTransport(insecure bool) *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil // an environment variable must not redirect requests to the configured backend
	transport.DisableCompression = true
	transport.DialContext = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	if insecure {
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	}
	return transport
}

// rewriteCookies replaces the domains and paths of the cookies that a response sets. It works on the header's text, so
// that the rest of a cookie stays as the backend wrote it.
func (r Rule) rewriteCookies(header http.Header) {
	for i, cookie := range header["Set-Cookie"] {
		parts := strings.Split(cookie, ";")
		for j := len(parts) - 1; j > 0; j-- {
			name, value, _ := strings.Cut(strings.TrimSpace(parts[j]), "=")
			rewrites := map[string]map[string]string{"domain": r.CookieDomain, "path": r.CookiePath}[strings.ToLower(name)]
			now, ok := rewrites[value]
			if !ok {
				now, ok = rewrites["*"]
			}
			switch {
			case ok && now == "":
				parts = slices.Delete(parts, j, j+1)
			case ok:
				parts[j] = " " + name + "=" + now
			}
		}
		header["Set-Cookie"][i] = strings.Join(parts, ";")
	}
}

// fail answers when the backend does not. The answer is a text with the backend's name and a fix, and no page that
// looks like the app's.
func fail(w http.ResponseWriter, r *http.Request, rule Rule, err error, log *slog.Logger) {
	if errors.Is(err, context.Canceled) {
		return // the browser has closed the connection
	}
	why := err.Error()
	if errors.Is(err, syscall.ECONNREFUSED) {
		why = "nothing listens there; start your backend, and requests will reach it"
	}
	log.Warn(fmt.Sprintf("the backend %s (server.proxy %q) does not answer", rule.Target, rule.Path), "error", why)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusBadGateway)
	fmt.Fprintf(w, "502 bad gateway: the backend %s (server.proxy %q) does not answer: %s\n", rule.Target, rule.Path, why)
}

// Serve answers the request when a rule matches, and then returns nil. Otherwise it returns the request that the caller
// has to answer: r, or the request for the URL that Bypass returned.
func (p *Proxy) Serve(w http.ResponseWriter, r *http.Request) *http.Request {
	if p == nil {
		return r
	}
	upgrade, target := isUpgrade(r), targetOf(r)
	i := slices.IndexFunc(p.rules, func(rule rule) bool { return rule.matches(target) && (!upgrade || rule.acceptsWS()) })
	if i < 0 {
		return r
	}
	rule := p.rules[i]
	if rule.By != nil {
		by := r.WithContext(r.Context())
		by.RequestURI = target
		return rule.By(w, by)
	}
	if rule.Bypass != nil {
		answer, err := rule.Bypass(r)
		switch {
		case err != nil:
			rule.failed(w, "bypass", err)
			return nil
		case answer.Status != 0:
			answer.write(w)
			return nil
		case answer.URL != "":
			other, err := withTarget(r, answer.URL)
			if err != nil {
				rule.failed(w, "bypass", err)
			}
			return other
		}
	}
	if rule.forward == nil {
		rule.failed(w, "bypass", errors.New(`the request was not answered, and the rule has no "target" to forward it to`))
		return nil
	}
	forwarded := r.WithContext(context.WithValue(r.Context(), setKey{}, w.Header()))
	var err error
	if forwarded.RequestURI, err = rule.rewritten(r.Context(), target); err != nil {
		rule.failed(w, "rewrite", err)
		return nil
	}
	rule.forward.ServeHTTP(w, forwarded)
	return nil
}

// targetOf returns the path with query as the browser sent it. A client of a proxy sends them behind scheme and host.
func targetOf(r *http.Request) string {
	if r.URL.Host == "" {
		return r.RequestURI
	}
	_, rest, _ := strings.Cut(r.RequestURI, "//")
	if at := strings.IndexAny(rest, "/?"); at >= 0 {
		return withSlash(rest[at:])
	}
	return "/"
}

// rewritten returns the path with query that the rule's backend gets.
func (r rule) rewritten(ctx context.Context, target string) (string, error) {
	made := target
	if r.RewriteBy != nil {
		var err error
		if made, err = r.RewriteBy(ctx, target); err != nil {
			return "", err
		}
	}
	made = r.rewrite(made)
	if made == target {
		return target, nil
	}
	// `"^/api": "/"` makes "//users" of "/api/users". The user means "/users", and Vite sends that. A slash that came
	// with the request stays.
	if strings.HasPrefix(made, "//") && !strings.HasSuffix(target, made) {
		made = "/" + strings.TrimLeft(made, "/")
	}
	// These bytes would end the request line, or break it.
	return escape(withSlash(made), func(c byte) bool { return c <= ' ' || c == 0x7f }), nil
}

func withSlash(target string) string {
	if strings.HasPrefix(target, "/") {
		return target
	}
	return "/" + target
}

// escape escapes the bytes that must not stand in a URL.
func escape(text string, not func(c byte) bool) string {
	var made strings.Builder
	for _, c := range []byte(text) {
		if not(c) {
			fmt.Fprintf(&made, "%%%02X", c)
		} else {
			made.WriteByte(c)
		}
	}
	return made.String()
}

func (a Answer) write(w http.ResponseWriter) {
	for name, value := range a.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // the browser may have closed the connection
}

// withTarget returns the request with another path and query. The request is nil with an error.
func withTarget(r *http.Request, target string) (*http.Request, error) {
	target = withSlash(target)
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, err
	}
	other := r.Clone(r.Context())
	other.URL, other.RequestURI = u, target
	return other, nil
}

// failed logs that a function of the project threw, and answers with an error.
func (r rule) failed(w http.ResponseWriter, function string, err error) {
	r.log.Error(fmt.Sprintf("server.proxy %q: %s: %v", r.Path, function, err))
	text := fmt.Sprintf("500 internal error: %s of server.proxy %q failed, see the terminal", function, r.Path)
	http.Error(w, text, http.StatusInternalServerError)
}

func (r rule) matches(target string) bool {
	if r.pattern != nil {
		return r.pattern.Match(target)
	}
	return strings.HasPrefix(target, r.Path)
}

func (r rule) acceptsWS() bool { return r.WS || strings.HasPrefix(r.Target, "ws") }

func isUpgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}
