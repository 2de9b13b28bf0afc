package guides

import (
	"fmt"
	"html"
	"path"
	"strconv"
	"strings"
)

// builder writes HTML.
type builder struct{ strings.Builder }

// write is Fprintf with arguments that are escaped.
func (b *builder) write(format string, args ...string) {
	escaped := make([]any, len(args))
	for i, arg := range args {
		escaped[i] = html.EscapeString(arg)
	}
	fmt.Fprintf(b, format, escaped...)
}

// page returns the whole page of a guide.
func (s *Site) page(p *Page) ([]byte, error) {
	text, err := s.render(p)
	if err != nil {
		return nil, fmt.Errorf("render the guide %s: %w", p.File, err)
	}
	var b builder
	title := p.Label + " · devserver"
	if p == s.index {
		title = "Guides · devserver"
	}
	s.top(&b, "", title, "", p)
	outline := p.outline()
	if outline != "" {
		b.WriteString(`<details class="outline short"><summary>On this page</summary>` + outline + "</details>\n")
	}
	b.WriteString("<article>\n")
	b.Write(text)
	b.WriteString("</article>\n")
	s.around(&b, p)
	s.foot(&b, p)
	b.WriteString("</main>\n")
	if outline != "" {
		b.WriteString(`<aside class="outline long" aria-label="On this page"><h2>On this page</h2>` + outline + "</aside>\n")
	}
	return b.end(), nil
}

// top writes the page up to its content. root leads to the folder of all guides. IDs begin with "_", which no ID of a
// heading does.
func (s *Site) top(b *builder, root, title, query string, current *Page) {
	b.write(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, viewport-fit=cover">
<title>%[2]s</title>
<link rel="icon" href="%[1]sicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="%[1]stokens.css">
<link rel="stylesheet" href="%[1]sguides.css">
<script src="%[1]stheme.js"></script>
<script type="module" src="%[1]sguides.js"></script>
</head>
<body>
<a class="skip" href="#_main">Skip to the text</a>
<header class="top">
  <button class="quiet icon menu" type="button" popovertarget="_nav" aria-label="All guides"><svg aria-hidden="true"><use href="%[1]sicons.svg#menu"/></svg></button>
  <a class="brand" href="%[1]s./"><svg class="logo" aria-hidden="true"><use href="%[1]sicons.svg#logo"/></svg><span>devserver</span></a>
  <form class="search" role="search" action="%[1]ssearch">
    <svg aria-hidden="true"><use href="%[1]sicons.svg#search"/></svg>
    <input type="search" name="q" value="%[3]s" placeholder="Search the guides" aria-label="Search the guides" autocomplete="off" spellcheck="false" role="combobox" aria-expanded="false" aria-controls="_hits" aria-autocomplete="list">
    <kbd aria-hidden="true">/</kbd>
    <div id="_hits" role="listbox" aria-label="Found" hidden></div>
  </form>
  <div class="tools">
`, root, title, query)
	if s.o.Panel {
		b.write("    <a class=\"quiet\" href=\"%s../\">Panel</a>\n", root)
	}
	b.write(`    <button id="_theme" class="quiet icon" type="button"><svg aria-hidden="true"><use href="%[1]sicons.svg#auto"/></svg></button>
  </div>
</header>
<nav id="_nav" popover aria-label="Guides">
`, root)
	for _, g := range s.groups {
		b.write("<h2>%s</h2>\n<ul>\n", g.title)
		for _, p := range g.pages {
			here := ""
			if p == current {
				here = ` aria-current="page"`
			}
			b.write(`<li><a href="%s%s"`+here+">%s</a></li>\n", root, p.url(), p.Label)
		}
		b.WriteString("</ul>\n")
	}
	b.WriteString("</nav>\n<main id=\"_main\">\n")
}

// end ends the page and returns it.
func (b *builder) end() []byte {
	b.WriteString("<p id=\"_news\" class=\"unseen\" role=\"status\"></p>\n</body>\n</html>\n")
	return []byte(b.String())
}

// outline returns the list of the sections of a long page, "" for a short page.
func (p *Page) outline() string {
	var b builder
	n := 0
	b.WriteString("<ul>")
	for _, sec := range p.sections {
		if sec.level == 2 || sec.level == 3 {
			b.write(`<li class="level-%s"><a href="#%s">%s</a></li>`, strconv.Itoa(sec.level), sec.id, sec.title)
			n++
		}
	}
	if n < 3 {
		return ""
	}
	b.WriteString("</ul>")
	return b.String()
}

// around writes the links to the guides before and after.
func (s *Site) around(b *builder, p *Page) {
	all := append([]*Page{s.index}, s.pages...)
	b.WriteString("<nav class=\"around\" aria-label=\"Previous and next guide\">\n")
	for i, other := range all {
		if other != p {
			continue
		}
		if i > 0 {
			b.write("<a rel=\"prev\" href=\"%s\"><small>Previous</small> %s</a>\n", all[i-1].url(), all[i-1].Label)
		}
		if i+1 < len(all) {
			b.write("<a rel=\"next\" href=\"%s\"><small>Next</small> %s</a>\n", all[i+1].url(), all[i+1].Label)
		}
	}
	b.WriteString("</nav>\n")
}

func (s *Site) foot(b *builder, p *Page) {
	b.write("<footer><span>devserver %s</span>\n", s.o.Version)
	if p != nil {
		b.write("<a href=\"%s.md\">Markdown of this page</a>\n<a href=\"%s\">Source</a>\n", p.Name, s.repository(p.File))
	}
	b.WriteString("</footer>\n")
}

// results returns the page with the result of a search, for a browser without scripts and for the key Enter.
func (s *Site) results(query string) []byte {
	var b builder
	s.top(&b, "", "Search · devserver", query, nil)
	hits := s.Search(query, maxHits)
	switch {
	case query == "":
		b.WriteString("<article><h1>Search</h1><p>Type one or more words into the field above. <kbd>/</kbd> leads there from every page.</p>\n")
	case len(hits) == 0:
		b.write("<article><h1>Nothing found</h1><p>No section has the words “%s”. Try fewer words, or their beginnings.</p>\n", query)
	default:
		b.write("<article><h1>Sections with “%s”</h1>\n<ul class=\"found\">\n", query)
		for _, h := range hits {
			b.write("<li><a href=\"%s\"><small>", h.URL)
			b.marked(h.Guide)
			b.WriteString("</small><b>")
			b.marked(h.Title)
			b.WriteString("</b><span>")
			b.marked(h.Snippet)
			b.WriteString("</span></a></li>\n")
		}
		b.WriteString("</ul>\n")
	}
	b.WriteString("</article>\n")
	s.foot(&b, nil)
	b.WriteString("</main>\n")
	return b.end()
}

func (b *builder) marked(m Marked) {
	for i, part := range m {
		if i%2 == 1 {
			b.write("<mark>%s</mark>", part)
		} else {
			b.write("%s", part)
		}
	}
}

// missing returns the page for an address that no guide has. Its links begin with the folder of all guides, since the
// address may look like a deeper folder.
func (s *Site) missing(folder, name string) []byte {
	var b builder
	s.top(&b, folder, "No such guide · devserver", "", nil)
	b.write("<article><h1>There is no guide “%s”</h1>\n", name)
	if near := s.Nearest(strings.TrimSuffix(path.Base(name), path.Ext(name))); len(near) > 0 {
		b.WriteString("<p>The nearest are:</p>\n<ul>\n")
		for _, name := range near {
			b.write("<li><a href=\"%s%s\">%s</a></li>\n", folder, name, s.byName[name].Label)
		}
		b.WriteString("</ul>\n")
	}
	b.write("<p>The field at the top searches all guides, and <a href=\"%s./\">the index</a> lists them.</p></article>\n", folder)
	s.foot(&b, nil)
	b.WriteString("</main>\n")
	return b.end()
}
