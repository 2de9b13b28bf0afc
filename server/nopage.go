package server

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-b8174343/devserver/internal/gate"
)

// A project may have no page: a backend makes its pages, or its index.html comes later. Everything else works without.

// maxPages is the number of pages that are listed where a page is missing.
const maxPages = 20

// tellNoPage prints that there is no index.html, and what the user may have meant. Plugins of the vite.config may make the
// pages, as SvelteKit does.
func (p *project) tellNoPage() {
	_, denied := p.existingPage("/index.html")
	if denied == nil || p.vite.Info().Late {
		return
	}
	if denied == customPages {
		p.server.log.Info("no pages are served, since "+denied.Reason, "hint", "see devserver docs backend")
		return
	}
	if isWithheld(denied) {
		p.server.log.Warn("the index.html in "+p.layout.Root+" may not be read: / answers 404 until it may", whyDenied(denied)...)
		return
	}
	pages := p.listed()
	hint := "start devserver in your project's folder, or make a project by devserver init --example; if a backend makes the pages, see devserver docs backend"
	if apps := p.apps(pages); len(apps) > 0 {
		hint = "to serve an app below, run devserver " + strings.Join(apps, " or devserver ")
	} else if len(pages) > 0 {
		hint = "the pages are " + strings.Join(pages, ", ")
	} else if above := p.pageAbove(); above != "" {
		hint = "to serve the folder above with an index.html, run devserver " + above
	} else if dev := p.ownDev(); dev != "" {
		hint = `package.json starts "` + dev + `": run that if it is a dev server itself; for a backend see devserver docs backend`
	}
	p.server.log.Info("there is no index.html in "+p.layout.Root+" or its public folder: / answers 404 until there is", "hint", hint)
}

// ownDev returns the script "dev" of the package.json if it is neither Vite nor devserver, else "". Frameworks such as Nuxt
// and Astro start a Vite of their own, and have no vite.config that could be run here.
func (p *project) ownDev() string {
	text, err := os.ReadFile(filepath.Join(p.layout.Dir, "package.json"))
	if err != nil {
		return ""
	}
	var manifest struct{ Scripts struct{ Dev string } }
	if json.Unmarshal(text, &manifest) != nil {
		return "" // whoever needs the file reports it
	}
	dev := strings.TrimSpace(manifest.Scripts.Dev)
	if name, _, _ := strings.Cut(dev, " "); name == "vite" || name == "devserver" {
		return ""
	}
	return dev
}

// apps returns the folders of pages that are projects of their own, as the command line names them.
func (p *project) apps(pages []string) []string {
	var apps []string
	for _, page := range pages {
		dir, isIndex := strings.CutSuffix(page, "/index.html")
		if !isIndex || dir == "" {
			continue
		}
		dir = filepath.Join(p.layout.Root, filepath.FromSlash(dir))
		if _, err := os.Stat(filepath.Join(dir, "package.json")); err != nil {
			continue
		}
		apps = append(apps, typed(dir))
	}
	return apps
}

// pageAbove returns the nearest folder above that holds an index.html, as the command line names it, "" when there is
// none.
func (p *project) pageAbove() string {
	for dir := p.layout.Root; dir != filepath.Dir(dir); {
		dir = filepath.Dir(dir)
		if _, err := os.Stat(filepath.Join(dir, "index.html")); err == nil {
			return typed(dir)
		}
	}
	return ""
}

// typed returns a folder as the user types it: from the current folder, and quoted when it must be.
func typed(dir string) string {
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, dir); err == nil {
			dir = rel
		}
	}
	if strings.ContainsAny(dir, " '\"$") {
		return fmt.Sprintf("%q", dir)
	}
	return dir
}

// listed returns the URL paths below base of pages that may be read.
func (p *project) listed() []string {
	return slices.DeleteFunc(pagesBelow(p.layout.Root, "", 3), func(page string) bool {
		_, denied := p.existingPage(page)
		return denied != nil
	})
}

// pagesBelow returns the URL paths below base of the HTML files in a folder, and in those below it for some levels.
func pagesBelow(dir, url string, levels int) []string {
	entries, _ := os.ReadDir(dir)
	var pages []string
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, ".") || name == "node_modules":
		case !e.IsDir() && strings.HasSuffix(name, ".html"):
			pages = append(pages, url+"/"+name)
		case e.IsDir() && levels > 1:
			pages = append(pages, pagesBelow(filepath.Join(dir, name), url+"/"+name, levels-1)...)
		}
	}
	return pages[:min(len(pages), maxPages)]
}

// serveNoPage answers a navigation to a URL that has no page. The answer has our client, so that it becomes the page
// once its file exists. It holds nothing of the request. noPage says why the URL has no page.
func (p *project) serveNoPage(w http.ResponseWriter, noPage *gate.Denied) {
	var b strings.Builder
	write := func(format string, args ...any) {
		for i := range args {
			args[i] = html.EscapeString(fmt.Sprint(args[i]))
		}
		fmt.Fprintf(&b, format, args...)
	}
	write(`<!doctype html><html lang="en"><meta charset="utf-8"><title>No page here</title><link rel="icon" href="data:,">
<style>body { font: 16px/1.5 system-ui, sans-serif; max-width: 42em; margin: 3em auto; padding: 0 1em }</style>
<h1>There is no page here</h1>
`)
	awaited := "" // the page that this page becomes
	_, noIndex := p.existingPage("/index.html")
	if noIndex != nil && noIndex != customPages {
		awaited = "/index.html"
	}
	if noPage == customPages {
		write("<p>%s. Open the address of that server.</p>\n", strings.ToUpper(noPage.Reason[:1])+noPage.Reason[1:])
	} else if isWithheld(noPage) { // the answer does not name the file that a link leads to
		write("<p>The file of this page may not be read: it is a secret or hidden, or a link to a folder outside of the project. The terminal says why, and which setting allows it.</p>\n")
	} else if noIndex != nil && !isWithheld(noIndex) {
		write("<p><code>%s</code> does not exist. This page shows it as soon as it does.</p>\n", p.indexName())
	}
	if pages := p.listed(); len(pages) > 0 {
		write("<p>Pages of this project:</p>\n<ul>\n")
		for _, page := range pages {
			write("<li><a href=\"%s\">%s</a></li>\n", p.layout.URL(page), page)
		}
		write("</ul>\n")
	}
	if dev := p.ownDev(); dev != "" && noIndex != nil {
		write("<p>Its package.json starts <code>%s</code>. Is that a dev server itself, as those of Nuxt and Astro are? Run it instead: devserver cannot run inside of it.</p>\n", dev)
	}
	if list := p.server.URLs().Local; len(list) > 0 {
		write("<p>Does a backend make the pages? They load the client and your scripts from this server:</p>\n<pre>%s\n%s</pre>\n",
			`<script type="module" src="`+list[0]+strings.TrimPrefix(clientPath, "/")+`"></script>`,
			`<script type="module" src="`+list[0]+`src/main.ts"></script>`)
	}
	b.WriteString(p.client(awaited, "").Tag("") + "\n")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte(b.String())) // the browser may be gone
}

// indexName returns the path of the missing index.html, beginning with the name of the project's folder.
func (p *project) indexName() string {
	rel, err := filepath.Rel(filepath.Dir(p.layout.Dir), filepath.Join(p.layout.Root, "index.html"))
	if err != nil {
		return "index.html"
	}
	return filepath.ToSlash(rel)
}
