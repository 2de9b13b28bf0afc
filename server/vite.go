package server

import (
	"context"
	"net"
	"slices"

	"github.com/seed-b8174343/devserver/internal/compile"
	"github.com/seed-b8174343/devserver/internal/html"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/vite"
)

// waitingForNode is how many modules may wait for plugins in Node while others compile. Node takes one after the other.
const waitingForNode = 14

// viteProject is the project as the plugins of its vite.config see it.
type viteProject struct{ *project }

var _ vite.Project = viteProject{}

// tellListening tells the plugins of the vite.config where the server listens.
func (p *project) tellListening() {
	urls := p.server.allURLs()
	if len(urls) == 0 {
		return // the server is mounted in another program
	}
	address := vite.Address{Address: "127.0.0.1", Family: "IPv4"}
	if len(p.server.listeners) > 0 {
		if at, ok := p.server.listeners[0].Addr().(*net.TCPAddr); ok {
			address.Address, address.Port = at.IP.String(), at.Port
			if at.IP.To4() == nil {
				address.Family = "IPv6"
			}
		}
	}
	p.vite.Listens(vite.Listening{URLs: urls, Address: address})
}

// Rewrite implements vite.Project.
func (p viteProject) Rewrite(ctx context.Context, page vite.Page) (string, error) {
	id := moduleid.OfPath(page.Path)
	file := p.compiler.File(id)
	made, err := p.rewriteText(ctx, id, file, []byte(page.HTML), "", p.client("", ""))
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(made.scripts, func(s html.Script) bool { return s.Inline }) {
		p.keepPage(file, made)
	}
	return string(made.text), nil
}

// Inline is for vite.Options.
func (p viteProject) Inline(ctx context.Context, id string) (string, error) {
	index, _ := compile.InlineIndex(moduleid.Query(id))
	return p.inlineScript(ctx, p.compiler.File(id), index)
}

// Invalidate implements vite.Project. Plugins may invalidate all modules, and before they know what the new code is.
func (p viteProject) Invalidate(ids []string) { p.edits.Outdate(ids...) }

// Reload implements vite.Project.
func (p viteProject) Reload(ids []string) {
	p.tasks.Go(func() { p.edits.Rerun(p.edits.Served(ids)...) })
}

// Redo is for vite.Options.
func (p viteProject) Redo(missed []vite.Change, ids []string) {
	p.tasks.Go(func() { p.edits.Redo(missed, ids) })
}

// RedoPage is for vite.Options.
func (p viteProject) RedoPage(file string) {
	p.tasks.Go(func() { p.edits.ReloadPage(file, "plugins of the vite.config make another page now") })
}

// Watch implements vite.Project.
func (p viteProject) Watch(paths []string) { p.edits.WatchFor(paths) }

// Edited implements vite.Project.
func (p viteProject) Edited(c vite.Change) { p.tasks.Go(func() { p.edits.Edited(c) }) }

// Restart implements vite.Project.
func (p viteProject) Restart(by string) { p.server.restartLater(vite.By(by) + " asked for it") }

// Listens implements vite.Project.
func (p viteProject) Listens(events []string) { p.relay.Listen(events) }

// Log implements vite.Project.
func (p viteProject) Log(l vite.Line) { l.Log(p.server.log) }
