package server

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	stdhtml "html"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/compile"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/edit"
	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/html"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/transform"
	"github.com/seed-b8174343/devserver/internal/vite"
	"github.com/seed-b8174343/devserver/plugin"
)

// servePage sends an HTML file with the client in front and its inline modules as modules of their own.
func (p *project) servePage(w http.ResponseWriter, r *http.Request, file string) {
	dir := path.Dir(moduleid.Path(p.gate.FileToID(file)))
	if below, _ := p.layout.Below(r.URL.Path); path.Dir(below+"x") == dir {
		dir = "" // relative URLs lead where their author meant
	}
	source, err := p.gate.ReadFile(file)
	if err != nil {
		p.failPage(w, file, "", err)
		return
	}
	page, err := p.rewritePage(r.Context(), file, source, dir, r.URL.RequestURI())
	if err != nil {
		p.failPage(w, file, edit.PageRev(source), err)
		return
	}
	p.keepPage(file, page)
	p.edits.PageServed(file, page.inputs)
	if p.problems.Clear(p.gate.FileToID(file)) { // what failed was no edit of the page, but a plugin
		p.problems.Publish()
	}
	p.edits.Warm(page.entries(p, file))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	serveText(w, r, page.text)
}

// rewrittenPage is a page as a browser gets it. source is the text of its file, nil for a page that a plugin of the
// vite.config has rendered.
type rewrittenPage struct {
	source, text []byte
	scripts      []html.Script
	inputs       []string // the further files that the text was made from
}

// entries are the IDs of the page's module scripts.
func (g *rewrittenPage) entries(p *project, file string) []string {
	var ids []string
	for _, s := range g.scripts {
		if s.Inline {
			ids = append(ids, compile.InlineID(p.gate.FileToID(file), s.Index))
		} else if id, ok := p.scriptID(file, s.Src); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// scriptID turns a script's src into the ID of the module that the browser will ask for.
func (p *project) scriptID(file, src string) (string, bool) {
	if strings.Contains(src, "://") || strings.HasPrefix(src, "//") || strings.HasPrefix(src, "data:") {
		return "", false
	}
	u, err := url.Parse(src)
	if err != nil || u.Path == "" {
		return "", false
	}
	name := u.Path
	if below, ok := strings.CutPrefix(name, p.layout.Base); ok {
		name = "/" + below
	} else if name[0] != '/' {
		name = path.Join(path.Dir(moduleid.Path(p.gate.FileToID(file))), name)
	}
	id := moduleid.OfPath(name)
	if u.RawQuery != "" {
		id += "?" + u.RawQuery
	}
	if p.vite != nil && disk.Stat(p.compiler.File(id)) == nil {
		if id, ok := p.virtual(p.ctx, name, u.RawQuery); ok {
			return id, true
		}
	}
	return moduleid.Plain(id), true
}

// rewritePage returns the page of an HTML file as the browser gets it. source is the file's text, and dir the page's
// folder when its URL lies in another folder. url is what the browser asked for, "" without a request. Hooks of the
// vite.config that want the page as it is written run first, then Go plugins. The other hooks of the vite.config run
// behind our own work.
func (p *project) rewritePage(ctx context.Context, file string, source []byte, dir, url string) (*rewrittenPage, error) {
	text := source
	p.watched.NoteContent(file, text)
	id := p.gate.FileToID(file)
	seen := vite.Page{Path: moduleid.Path(id), File: file, URL: cmp.Or(url, p.layout.URL(id)), HTML: string(text)}
	first, err := p.vite.HTML(ctx, true, seen)
	if err != nil {
		return nil, err
	}
	page, err := p.rewriteText(ctx, id, file, []byte(first), dir, p.client(id, edit.PageRev(source)))
	if err != nil {
		return nil, err
	}
	page.source = source
	seen.HTML = string(page.text)
	last, err := p.vite.HTML(ctx, false, seen)
	page.text = []byte(last)
	return page, err
}

// rewriteText does on a page what the server and Go plugins do. id and file are the page's.
func (p *project) rewriteText(ctx context.Context, id, file string, text []byte, dir string, client html.Client) (*rewrittenPage, error) {
	tags, err := p.hosts.TransformHTML(ctx, plugin.TransformHTMLArgs{Path: id, File: file, HTML: string(text)})
	if err != nil {
		return nil, err
	}
	page := &rewrittenPage{}
	var failed error
	opts := html.Options{
		Path: moduleid.Path(id), Base: p.layout.Base, Dir: dir, Client: client,
		Imports: transform.ImportedURLs,
		Resolve: func(u string, script bool) string { return p.compiler.PageURL(ctx, id, file, u, script) },
		Style: func(css string, line int, attribute bool) string {
			made, inputs, err := p.compiler.PageStyle(ctx, id, file, css, line, attribute)
			page.inputs, failed = append(page.inputs, inputs...), cmp.Or(failed, err)
			return made
		},
	}
	if tags != nil {
		if tags.HTML != "" {
			text = []byte(tags.HTML)
		}
		opts.Tags = htmlTags(tags.Tags)
	}
	if bytes.ContainsRune(text, '%') {
		replaced, unknown := p.env.ReplaceHTML(string(text))
		text = []byte(replaced)
		for _, name := range unknown {
			if _, shown := p.unknown.LoadOrStore(name, true); !shown {
				p.server.log.Warn(p.layout.Shown(file) + ": %" + name + "% stays as it is: there is no such variable in the .env files")
			}
		}
	}
	out := html.Rewrite(text, opts)
	page.text, page.scripts = out.HTML, out.Scripts
	if failed != nil {
		return nil, &pageError{failed, page.inputs}
	}
	return page, nil
}

// pageError is the error of a page that was made from further files: an edit of them may fix it.
type pageError struct {
	error
	inputs []string
}

func (e *pageError) Unwrap() error { return e.error }

// client returns the client's script for a page: the ID of its file, and the revision of the file's text.
func (p *project) client(page, rev string) html.Client {
	return html.Client{URL: path.Join(p.layout.Base, clientPath), Page: page, Rev: rev}
}

// keepPage keeps a page for its inline scripts. Plugins may have written other scripts than for the load before, with a
// nonce or a counter, and the browser asks for the scripts of this load.
func (p *project) keepPage(file string, page *rewrittenPage) {
	before, _ := p.pages.Swap(file, page)
	was, _ := before.(*rewrittenPage)
	if was == nil || page.source != nil && !bytes.Equal(was.source, page.source) { // an edit compiles the scripts
		return
	}
	for _, s := range page.scripts {
		if s.Inline && !slices.Contains(was.scripts, s) {
			p.edits.Outdate(compile.InlineID(p.gate.FileToID(file), s.Index))
		}
	}
}

// keptPage returns the page as it was served last, or rewrites it when its file has another text now.
func (p *project) keptPage(ctx context.Context, file string) (*rewrittenPage, error) {
	p.keeping.Lock() // all inline scripts of an edited page ask for it at once
	defer p.keeping.Unlock()
	for {
		if p.isRendered(file) {
			kept, _ := p.pages.Load(file)
			return kept.(*rewrittenPage), nil
		}
		source, err := p.gate.ReadFile(file)
		if err != nil {
			return nil, err
		}
		kept, ok := p.pages.Load(file)
		if ok && bytes.Equal(kept.(*rewrittenPage).source, source) {
			return kept.(*rewrittenPage), nil
		}
		page, err := p.rewritePage(ctx, file, source, "", "")
		if err != nil {
			return nil, err
		}
		if ok && p.pages.CompareAndSwap(file, kept, page) {
			return page, nil
		}
		if _, served := p.pages.LoadOrStore(file, page); !served {
			return page, nil
		}
		// The page was served meanwhile, and a browser has those scripts.
	}
}

// isRendered reports whether a plugin of the vite.config has rendered the page of the file, which need not exist.
func (p *project) isRendered(file string) bool {
	kept, ok := p.pages.Load(file)
	return ok && kept.(*rewrittenPage).source == nil
}

func htmlTags(tags []plugin.HTMLTag) []html.Tag {
	list := make([]html.Tag, 0, len(tags))
	for _, t := range tags {
		list = append(list, html.Tag{Name: t.Name, Attrs: t.Attrs, Text: t.Text, Place: html.Place(t.Place)})
	}
	return list
}

// failPage answers for a page that has an error with a page that shows the error and reloads when it is fixed. rev is
// the revision of the file, "" for a file that cannot be read.
func (p *project) failPage(w http.ResponseWriter, file, rev string, err error) {
	e := p.problems.Convert(err)
	if e.File == "" {
		e.File = p.layout.Shown(file)
	}
	var inputs []string
	if made, ok := errors.AsType[*pageError](err); ok {
		inputs = made.inputs
	}
	p.edits.PageServed(file, inputs)
	id := p.gate.FileToID(file)
	p.problems.AddServed(id, e)
	p.serveBroken(w, id, rev)
}

// serveBroken sends a page with nothing but the client, which shows the error. id and rev are
// those of the page that has the error, "" when the error concerns all pages.
func (p *project) serveBroken(w http.ResponseWriter, id, rev string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprintf(w, `<!doctype html><title>Error</title><meta name="devserver-broken" content="%s"><link rel="icon" href="data:,">%s`,
		stdhtml.EscapeString(id), p.client(id, rev).Tag(""))
}

// pageFor finds the HTML file for a URL without a file of its own: `/about/` and `/about` may be a page, and a URL that
// looks like a route of a single-page app gets the root's index.html. It returns the denial of the first of them that
// exists and may not be read.
func (p *project) pageFor(r *http.Request, name string) (string, *gate.Denied) {
	name = path.Clean("/" + name)
	for _, candidate := range []string{path.Join(name, "index.html"), name + ".html"} {
		if file, denied := p.existingPage(candidate); denied == nil || isWithheld(denied) {
			return file, denied
		}
	}
	return p.fallbackPage(r, name)
}

// fallbackPage finds the root's index.html for a URL that may be a route of a single-page app.
func (p *project) fallbackPage(r *http.Request, _ string) (string, *gate.Denied) {
	if !acceptsHTML(r) || p.cfg.AppType == "mpa" {
		return "", &gate.Denied{Status: http.StatusNotFound}
	}
	return p.existingPage("/index.html")
}

// existingPage finds the HTML file at a path below the base.
func (p *project) existingPage(name string) (string, *gate.Denied) {
	if p.cfg.AppType == "custom" {
		return "", customPages
	}
	target, denied := p.gate.Resolve(moduleid.EscapePath(path.Join(p.layout.Base, name)))
	return target.File, denied
}

// customPages is the denial of all pages of a project with the appType "custom".
var customPages = &gate.Denied{
	Status: http.StatusNotFound, Reason: `the appType is "custom": the app's own server makes the pages`,
}

// isWithheld reports whether there is a file, and the rules keep it from being read.
func isWithheld(denied *gate.Denied) bool { return denied.Reason != "" && !denied.NoFile }

// acceptsHTML reports whether the request is a navigation rather than a missing image or a call to an API.
func acceptsHTML(r *http.Request) bool {
	if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" && dest != "document" && dest != "iframe" && dest != "frame" {
		return false
	}
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "text/html") || strings.Contains(accept, "application/xhtml+xml")
}

// inlineScript returns an inline module script of a page. The script keeps its place in the page, so that errors and
// source maps name the page's own lines.
func (p *project) inlineScript(ctx context.Context, file string, index int) (string, error) {
	page, err := p.keptPage(ctx, file)
	if err != nil {
		return "", err
	}
	for _, s := range page.scripts {
		if s.Inline && s.Index == index {
			return strings.Repeat("\n", max(0, s.Line-1)) + s.Code, nil
		}
	}
	return "", fmt.Errorf("%w: %w", compile.ErrNoScript,
		&transform.Error{File: p.layout.Shown(file), Text: fmt.Sprintf("the page has no inline module script number %d", index)})
}
