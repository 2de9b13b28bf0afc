// Package proxy forwards requests to the backends that the configuration names.
//
// Targets come only from the configuration, never from a request. Rules match only the path: neither the Host header
// nor the query can choose a backend. The caller keeps the server's own paths away.
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
	// Path is a prefix, or a regular expression when it begins with "^".
	Path string
	// Target is the backend's URL. Its path is put before the request's path.
	Target string
	// ChangeOrigin sends the target's host as Host header, not the request's.
	ChangeOrigin bool
	// WS forwards WebSockets too.
	WS bool
	// Insecure accepts any certificate of the backend.
	Insecure bool
	// Rewrite replaces the matches of patterns in the path, in order.
	Rewrite []Rewrite
	// Headers are set on the forwarded request.
	Headers map[string]string
	// CookieDomain and CookiePath map the domains and paths of the backend's cookies to others. The key "*" stands for
	// any; the value "" removes the attribute.
	CookieDomain, CookiePath map[string]string
	// WSOrigin sends the target's origin as the Origin header of WebSockets.
	WSOrigin bool
	// RewriteBy returns another path with query, before Rewrite. Nil leaves the path unchanged.
	RewriteBy func(ctx context.Context, path string) (string, error)
	// Bypass returns an answer that replaces the backend's. With nil, and with a zero Answer, the request is forwarded.
	Bypass func(r *http.Request) (Answer, error)
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

// Rewrite is one replacement in a path. Replacement may use $1.
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
	forward *httputil.ReverseProxy
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
	target, err := url.Parse(r.Target)
	if err != nil {
		return made, fmt.Errorf("target: %w", err)
	}
	// The transport needs ws: as http: and wss: as https:.
	target.Scheme = strings.Replace(target.Scheme, "ws", "http", 1)
	if target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return made, fmt.Errorf("target %q is not a URL like http://localhost:8080", r.Target)
	}
	if strings.HasPrefix(r.Path, "^") {
		if made.pattern, err = pattern.Compile(r.Path); err != nil {
			return made, err
		}
	}
	rewrite, err := compileRewrites(r.Rewrite)
	if err != nil {
		return made, fmt.Errorf("rewrite: %w", err)
	}
	made.forward = &httputil.ReverseProxy{
		Transport:     newTransport(r.Insecure),
		FlushInterval: -1, // server-sent events pass at once
		ErrorLog:      slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		Rewrite: func(pr *httputil.ProxyRequest) {
			if len(r.Rewrite) > 0 {
				pr.Out.URL.Path, pr.Out.URL.RawPath = rewrite(pr.Out.URL.Path), ""
			}
			if !strings.HasPrefix(pr.Out.URL.Path, "/") {
				pr.Out.URL.Path = "/" + pr.Out.URL.Path
			}
			pr.SetURL(target)
			pr.SetXForwarded()
			if !r.ChangeOrigin {
				pr.Out.Host = pr.In.Host
			}
			if r.WSOrigin && isUpgrade(pr.In) {
				pr.Out.Header.Set("Origin", target.Scheme+"://"+target.Host)
			}
			for key, value := range r.Headers {
				pr.Out.Header.Set(key, value)
			}
		},
		ModifyResponse: func(res *http.Response) error {
			r.rewriteCookies(res.Header)
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, req *http.Request, err error) { fail(w, req, r, err, log) },
	}
	return made, nil
}

// compileRewrites returns a function that applies all rewrites to a path in order.
func compileRewrites(list []Rewrite) (func(path string) string, error) {
	patterns := make([]*pattern.Pattern, len(list))
	for i, rw := range list {
		var err error
		if patterns[i], err = pattern.Compile(rw.Pattern); err != nil {
			return nil, err
		}
	}
	return func(path string) string {
		for i, rw := range list {
			path = patterns[i].Replace(path, rw.Replacement)
		}
		return path
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
	log.Warn("proxy "+rule.Path, "target", rule.Target, "error", err)
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
	upgrade := isUpgrade(r)
	i := slices.IndexFunc(p.rules, func(rule rule) bool { return rule.matches(r.URL.Path) && (!upgrade || rule.acceptsWS()) })
	if i < 0 {
		return r
	}
	rule := p.rules[i]
	if rule.Bypass != nil && !upgrade {
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
	if rule.RewriteBy != nil {
		path, err := rule.RewriteBy(r.Context(), r.URL.RequestURI())
		var other *http.Request
		if err == nil {
			other, err = withTarget(r, path)
		}
		if err != nil {
			rule.failed(w, "rewrite", err)
			return nil
		}
		r = other
	}
	rule.forward.ServeHTTP(w, r)
	return nil
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
	if !strings.HasPrefix(target, "/") {
		target = "/" + target
	}
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

func (r rule) matches(path string) bool {
	if r.pattern != nil {
		return r.pattern.Match(path)
	}
	return strings.HasPrefix(path, r.Path)
}

func (r rule) acceptsWS() bool { return r.WS || strings.HasPrefix(r.Target, "ws") }

func isUpgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}
