package relay

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/wire"
)

// identify returns the user of a request: the program around the server decides first, then the plugins.
func (r *Relay) identify(req *http.Request) (user string, err error) {
	if r.o.Identify != nil {
		if user, err = r.o.Identify(req); user != "" || err != nil {
			return user, err
		}
	}
	return r.askPlugins(req)
}

// askPlugins returns the user of a request by the plugins. An error of theirs makes the page a guest's, and leaves it
// connected.
func (r *Relay) askPlugins(req *http.Request) (user string, err error) {
	ctx, cancel := context.WithCancel(req.Context())
	defer cancel()
	defer context.AfterFunc(r.o.Context, cancel)()
	awaits := r.awaits.Load() // before the plugins are asked: for plugins that come meanwhile see followIdentify
	user, err = r.o.Hosts.Identify(ctx, headOf(req))
	own, _ := errors.AsType[*wire.Error](err)
	switch {
	case err == nil && user == "" && awaits, wire.NotRun(err), errors.Is(err, wire.ErrClosed), ctx.Err() != nil, own != nil && own.Code == "stopped":
		return "", hmr.ErrUnsure // the plugins that know are not there
	case err != nil:
		r.logPanic(err)
		r.o.Logger.Warn("treating a page as a guest: " + err.Error())
		return "", nil
	}
	return user, nil
}

// headOf returns what plugins see of a page's request. The query is left out: it holds the token of the socket and the
// name of the page's session.
func headOf(req *http.Request) *http.Request {
	head := req.Clone(req.Context())
	head.URL = &url.URL{Path: req.URL.Path}
	head.RequestURI = head.URL.EscapedPath()
	head.Body, head.ContentLength = http.NoBody, 0
	return head
}

// followIdentify sets the hub's rule that knows users, so that the hub asks about the open pages again. While the
// plugins of PluginDir are not there, nobody knows whether they have the hook.
func (r *Relay) followIdentify() {
	if r.o.Identify != nil || r.awaits.Load() || r.o.Hosts.Identifies() {
		r.o.Hub.SetIdentify(r.identify)
	} else {
		r.o.Hub.SetIdentify(nil)
	}
}
