package server

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// identify tells the hub whose request it is: the program that embeds the server is asked first, then the plugins.
func (s *Server) identify(r *http.Request) (user string, err error) {
	if s.opts.Identify != nil {
		if user, err = s.opts.Identify(r); user != "" || err != nil {
			return user, err
		}
	}
	return s.project.Load().identify(r)
}

// identify asks the plugins. A mistake of theirs makes a page a guest's; it does not cost it its connection.
func (p *project) identify(r *http.Request) (user string, err error) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)()
	awaits := p.awaitsGo.Load() // before they are asked: who comes meanwhile is asked anew, see followIdentify
	user, err = p.plugins.Identify(ctx, headOf(r))
	own, _ := errors.AsType[*wire.Error](err)
	switch {
	case err == nil && user == "" && awaits, errors.Is(err, wire.ErrClosed), ctx.Err() != nil, own != nil && own.Code == "stopped":
		return "", hmr.ErrUnsure // those who know are not there
	case err != nil:
		p.tellPanic(err)
		p.log.Warn("a page is a guest's: " + err.Error())
		return "", nil
	}
	return user, nil
}

// headOf is what plugins see of a page's request. The query holds the token of the socket and the name of the page's session.
func headOf(r *http.Request) *http.Request {
	head := r.Clone(r.Context())
	head.URL = &url.URL{Path: r.URL.Path}
	head.RequestURI = head.URL.EscapedPath()
	head.Body, head.ContentLength = http.NoBody, 0
	return head
}

// followIdentify tells the hub who knows users, and has it ask about the pages that are open: the rule may be another one.
// While the plugins of devserver/ are not there it is not known whether they do.
func (p *project) followIdentify() {
	if p.server.opts.Identify != nil || p.awaitsGo.Load() || p.plugins.Identifies() {
		p.server.hub.SetIdentify(p.server.identify)
	} else {
		p.server.hub.SetIdentify(nil)
	}
}
