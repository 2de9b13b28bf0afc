// Package html rewrites pages for development without touching what it need not touch.
//
// Rewrite walks the page with a tokenizer and copies every byte as it was, except for what it puts in (the client,
// plugins' tags) and the inline module scripts, which become modules of their own. A page is never parsed into a tree
// and printed again: markup that a parser would mend stays as its author wrote it.
package html

import (
	"bytes"
	"html"
	"maps"
	"slices"
	"strconv"
	"strings"

	xhtml "golang.org/x/net/html"
)

// Place tells where in the page a tag is put.
type Place string

// The places of a Tag. The zero value is Head.
const (
	HeadPrepend Place = "head-prepend"
	Head        Place = "head"
	BodyPrepend Place = "body-prepend"
	Body        Place = "body"
)

// Tag is an element that a plugin puts into the page. Attribute values and the name are escaped; Text is put in as it
// is, since scripts and styles are not escaped in HTML.
type Tag struct {
	Name  string
	Attrs map[string]string
	Text  string
	Place Place
}

// Options tells what to put in.
type Options struct {
	// Path is the page's path below base, for the URLs of its inline scripts.
	Path string
	// Base begins and ends with a slash.
	Base string
	// Dir is the folder of Path when the page is answered at a URL in another one, as for a route of a single-page app:
	// relative URLs then start from Dir. Empty leaves them as they are.
	Dir string
	// Client is the URL of the client script; "" puts none in.
	Client string
	Tags   []Tag
}

// Script is a module script of the page, in order.
type Script struct {
	// Src is the attribute's value; empty for inline scripts.
	Src string
	// Inline scripts have Code, their Index among the page's inline module scripts, and the Line (from 1) of the page
	// that Code begins on.
	Inline bool
	Code   string
	Index  int
	Line   int
}

// Page is what Rewrite made.
type Page struct {
	HTML    []byte
	Scripts []Script
	// Stylesheets are the href values of the page's <link rel=stylesheet>.
	Stylesheets []string
}

// Rewrite makes the page that the browser gets. Any input is a page: what is malformed is copied as it is.
func Rewrite(page []byte, o Options) Page {
	r := &rewriter{page: page, o: o, line: 1}
	r.scan()
	r.place()
	return Page{HTML: r.assemble(), Scripts: r.scripts, Stylesheets: r.stylesheets}
}

// patch replaces page[from:to]; an insertion has from == to.
type patch struct {
	from, to int
	text     string
}

type rewriter struct {
	page []byte
	o    Options

	pos, line   int
	scripts     []Script
	stylesheets []string
	inline      int
	nonce       string
	patches     []patch

	// Offsets of the places in the page; -1 when it has none.
	headStart, headEnd, bodyStart, bodyEnd, first, doctype int
}

// scan finds scripts, stylesheets and the places where something can be put in.
func (r *rewriter) scan() {
	r.headStart, r.headEnd, r.bodyStart, r.bodyEnd, r.first, r.doctype = -1, -1, -1, -1, -1, 0
	if bytes.HasPrefix(r.page, []byte("\xef\xbb\xbf")) {
		r.doctype = 3 // a byte order mark counts at the very start only
	}
	z := xhtml.NewTokenizer(bytes.NewReader(r.page))
	inert := 0 // depth of elements whose content is not part of the page: template, noscript
	for {
		kind := z.Next()
		raw := z.Raw()
		at := r.pos
		if kind == xhtml.ErrorToken {
			return
		}
		r.pos += len(raw)
		switch kind {
		case xhtml.DoctypeToken:
			r.doctype = r.pos
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
			name, more := z.TagName()
			tag := string(name)
			if tag == "template" && kind == xhtml.StartTagToken {
				inert++
			}
			r.notePlace(tag, at)
			if tag != "html" && tag != "head" && r.first < 0 {
				r.first = at
			}
			if inert == 0 {
				r.urls(tag, at, r.pos)
			}
			if inert == 0 && (tag == "script" || tag == "link") {
				attrs := attributes(z, more)
				if tag == "script" {
					r.line += bytes.Count(raw, newline)
					r.script(z, at, raw, attrs)
					continue
				}
				r.link(attrs)
			}
		case xhtml.EndTagToken:
			name, _ := z.TagName()
			switch tag := string(name); {
			case tag == "template":
				inert = max(0, inert-1)
			case tag == "head" && r.headEnd < 0:
				r.headEnd = at
			case tag == "body":
				r.bodyEnd = at
			}
		}
		r.line += bytes.Count(raw, newline)
	}
}

var newline = []byte("\n")

func (r *rewriter) notePlace(tag string, at int) {
	switch tag {
	case "html":
		r.doctype = r.pos
	case "head":
		if r.headStart < 0 {
			r.headStart = r.pos
		}
	case "body":
		if r.bodyStart < 0 {
			r.bodyStart = r.pos
			if r.headEnd < 0 {
				r.headEnd = at
			}
		}
	}
}

func attributes(z *xhtml.Tokenizer, more bool) map[string]string {
	attrs := map[string]string{}
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		if _, twice := attrs[string(key)]; !twice { // the first one counts
			attrs[string(key)] = string(value)
		}
	}
	return attrs
}

// script notes a module script. An inline one is replaced by a reference to the module that its code becomes.
func (r *rewriter) script(z *xhtml.Tokenizer, at int, open []byte, attrs map[string]string) {
	if n := attrs["nonce"]; n != "" && r.nonce == "" {
		r.nonce = n
	}
	openEnd := at + len(open)
	module := strings.EqualFold(strings.TrimSpace(attrs["type"]), "module")
	src, external := attrs["src"]
	if !module {
		return // the tokenizer goes on with its text
	}
	if external {
		r.scripts = append(r.scripts, Script{Src: strings.TrimSpace(src)})
		return
	}
	// HTML has no self-closing scripts: what follows `<script/>` is the script's text all the same.
	if z.Next() != xhtml.TextToken {
		r.pos += len(z.Raw()) // an empty script: its end tag
		r.line += bytes.Count(z.Raw(), newline)
		return
	}
	code := z.Raw()
	line := r.line
	r.pos += len(code)
	r.line += bytes.Count(code, newline)
	if len(bytes.TrimSpace(code)) == 0 {
		return
	}
	r.scripts = append(r.scripts, Script{Inline: true, Code: string(code), Index: r.inline, Line: line})
	url := strings.TrimSuffix(r.o.Base, "/") + escaped(r.o.Path) + "?html-proxy&index=" + strconv.Itoa(r.inline) + ".js"
	r.inline++
	// The attributes stay; src is added before the end of the open tag, and the code goes.
	r.patches = append(r.patches, patch{openEnd - 1, openEnd - 1, ` src="` + html.EscapeString(url) + `"`}, patch{openEnd, r.pos, ""})
}

func (r *rewriter) link(attrs map[string]string) {
	for rel := range strings.FieldsSeq(strings.ToLower(attrs["rel"])) {
		if rel == "stylesheet" && attrs["href"] != "" {
			r.stylesheets = append(r.stylesheets, attrs["href"])
		}
	}
}

// place decides where the client and the tags go. The client is first in the head, before any script of the page: it
// must be there when they run. A page without a head gets it where the head would be.
func (r *rewriter) place() {
	start := r.headStart
	if start < 0 {
		start = r.doctype
		if r.first >= 0 && r.first < start {
			start = r.first
		}
	}
	end := r.headEnd
	if end < start {
		end = start
	}
	bodyStart := r.bodyStart
	if bodyStart < 0 {
		bodyStart = end
	}
	bodyEnd := r.bodyEnd
	if bodyEnd < bodyStart {
		bodyEnd = len(r.page)
	}
	text := map[Place]*strings.Builder{HeadPrepend: {}, Head: {}, BodyPrepend: {}, Body: {}}
	if r.o.Client != "" {
		nonce := ""
		if r.nonce != "" { // the page has a Content-Security-Policy that lets in scripts with this nonce
			nonce = ` nonce="` + html.EscapeString(r.nonce) + `"`
		}
		text[HeadPrepend].WriteString(`<script type="module"` + nonce + ` src="` + html.EscapeString(r.o.Client) + `"></script>`)
	}
	for _, t := range r.o.Tags {
		b := text[t.Place]
		if b == nil {
			b = text[Head]
		}
		t.write(b)
	}
	r.patches = append(r.patches,
		patch{start, start, text[HeadPrepend].String()}, patch{end, end, text[Head].String()},
		patch{bodyStart, bodyStart, text[BodyPrepend].String()}, patch{bodyEnd, bodyEnd, text[Body].String()})
}

func (t Tag) write(b *strings.Builder) {
	name := strings.Map(func(c rune) rune {
		if c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return c
		}
		return -1
	}, t.Name)
	b.WriteString("<" + name)
	for _, key := range slices.Sorted(maps.Keys(t.Attrs)) {
		b.WriteString(" " + html.EscapeString(strings.Map(dropBreaks, key)) + `="` + html.EscapeString(t.Attrs[key]) + `"`)
	}
	b.WriteString(">")
	switch strings.ToLower(name) {
	case "link", "meta", "base", "img":
		return
	}
	b.WriteString(t.Text + "</" + name + ">")
}

// dropBreaks keeps an attribute's name from ending the attribute.
func dropBreaks(c rune) rune {
	if strings.ContainsRune(" \t\r\n\f/>=", c) {
		return -1
	}
	return c
}

func (r *rewriter) assemble() []byte {
	slices.SortStableFunc(r.patches, func(a, b patch) int { return a.from - b.from })
	size := len(r.page)
	for _, p := range r.patches {
		size += len(p.text)
	}
	out := make([]byte, 0, size)
	at := 0
	for _, p := range r.patches {
		if p.from < at {
			continue // inside what was replaced already
		}
		out = append(out, r.page[at:p.from]...)
		out = append(out, p.text...)
		at = p.to
	}
	return append(out, r.page[at:]...)
}
