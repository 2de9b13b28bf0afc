package server

import (
	"context"
	"net/http"
	"strings"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/internal/proxy"
	"github.com/seed-b8174343/devserver/internal/vite"
)

// proxyRules are the rules of the configuration. Functions of a vite.config run in the Node host.
func (p *project) proxyRules() []proxy.Rule {
	list := make([]proxy.Rule, 0, len(p.cfg.Server.Proxy))
	for _, r := range p.cfg.Server.Proxy {
		rule := proxy.Rule{Path: r.Path, Target: r.Target, ChangeOrigin: r.ChangeOrigin, WS: r.WS, Insecure: !r.SecureOrDefault(), Headers: r.Headers,
			CookieDomain: r.CookieDomainRewrite, CookiePath: r.CookiePathRewrite, WSOrigin: r.RewriteWSOrigin}
		for _, rw := range r.Rewrite {
			rule.Rewrite = append(rule.Rewrite, proxy.Rewrite(rw))
		}
		if r.Functions.Vite {
			rule.By = func(w http.ResponseWriter, req *http.Request) *http.Request {
				return p.vite.ServeHTTP(w, req, vite.Proxy)
			}
		}
		if r.Functions.Rewrite {
			rule.RewriteBy = func(ctx context.Context, path string) (string, error) { return p.rewriteProxied(ctx, r, path) }
		}
		if r.RewriteFunc != nil {
			rule.RewriteBy = func(_ context.Context, path string) (string, error) { return r.RewriteFunc(path), nil }
		}
		if r.Functions.Bypass {
			rule.Bypass = func(req *http.Request) (proxy.Answer, error) { return p.bypassProxy(r, req) }
		}
		if r.BypassFunc != nil {
			rule.Bypass = func(req *http.Request) (proxy.Answer, error) { return proxy.Answer{URL: r.BypassFunc(req)}, nil }
		}
		list = append(list, rule)
	}
	return list
}

func (p *project) rewriteProxied(ctx context.Context, r config.ProxyRule, path string) (string, error) {
	var made struct {
		Path string `json:"path"`
	}
	err := p.node.Call(ctx, "proxyRewrite", map[string]string{"mode": r.Functions.Mode, "key": r.Path, "path": path}, &made)
	return made.Path, err
}

// proxied is a request as functions of a proxy see it.
type proxied struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"` // by their names in lower case, as in Node
}

func (p *project) bypassProxy(r config.ProxyRule, req *http.Request) (proxy.Answer, error) {
	seen := proxied{Method: req.Method, URL: req.RequestURI, Headers: map[string]string{"host": req.Host}}
	for name, values := range req.Header {
		seen.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	var made struct {
		URL     string            `json:"url"`
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    []byte            `json:"body"`
	}
	err := p.node.Call(req.Context(), "proxyBypass", map[string]any{"mode": r.Functions.Mode, "key": r.Path, "request": seen}, &made)
	return proxy.Answer{URL: made.URL, Status: made.Status, Header: made.Headers, Body: made.Body}, err
}
