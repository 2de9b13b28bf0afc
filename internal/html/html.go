// Package html rewrites pages for development and leaves the rest of each page unchanged.
//
// Rewrite walks the page with a tokenizer and copies every byte. It inserts the client and plugins' tags. It changes
// URLs where the base or the page's path needs that, and it turns inline module scripts into modules of their own. A
// page is never parsed into a tree and printed again: markup that a parser would correct stays as its author wrote it.
package html

import (
	"bytes"
	"html"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	xhtml "golang.org/x/net/html"
)

// Place is the place in the page where a tag is inserted.
type Place string

// The places of a Tag. The zero value means Head.
const (
	HeadPrepend Place = "head-prepend"
	Head        Place = "head"
	BodyPrepend Place = "body-prepend"
	Body        Place = "body"
)

// Tag is an element that a plugin inserts into the page. Attribute values are escaped, and the name is cleaned. Text is
// inserted unchanged, since scripts and styles are not escaped in HTML.
type Tag struct {
	Name  string
	Attrs map[string]string
	Text  string
	Place Place
}

// Options say what to insert.
type Options struct {
	// Path is the page's path below base, for the URLs of its inline scripts.
	Path string
	// Base begins and ends with a slash.
	Base string
	// Dir is the folder of Path when the page's URL is in another folder, as for a route of a single-page app. Relative
	// URLs then start from Dir. An empty Dir leaves them unchanged.
	Dir string
	// Resolve returns the URL of the file that a URL of the page names by an alias, or that a script names without an
	// extension, "" for other URLs. A nil Resolve returns "" for all.
	Resolve func(url string, script bool) string
	// Style returns the text of a <style>, or of the attribute style, as the page gets it. It begins in the given line of
	// the page. Nil leaves styles as they are.
	Style func(css string, line int, attribute bool) string
	// Imports returns the ranges of the URLs in the import("…") of a classic script. Nil finds none.
	Imports func(code string) [][2]int
	// Client is the client's script; its zero value inserts no client.
	Client Client
	Tags   []Tag
}

// Client is the client's script.
type Client struct {
	URL string
	// Page is the ID of the file that the page is made from, and Rev the file's revision. The client tells the server
	// both, so that a page that was edited on its way reloads. "" is a page without a file.
	Page, Rev string
}

// Tag returns the script's element. A nonce of "" is none.
func (c Client) Tag(nonce string) string {
	tag := `<script type="module"`
	if nonce != "" {
		tag += ` nonce="` + html.EscapeString(nonce) + `"`
	}
	if c.Page != "" {
		tag += ` data-devserver-page="` + html.EscapeString(c.Page) + `" data-devserver-rev="` + html.EscapeString(c.Rev) + `"`
	}
	return tag + ` src="` + html.EscapeString(c.URL) + `"></script>`
}

// Script is a module script of the page, in order.
type Script struct {
	// Src is the attribute's value; empty for inline scripts.
	Src string
	// Inline scripts have Code, their Index among the page's inline module scripts, and the Line (from 1) of the page
	// where Code begins.
	Inline bool
	Code   string
	Index  int
	Line   int
}

// Page is the result of Rewrite.
type Page struct {
	HTML    []byte
	Scripts []Script
	// Stylesheets are the href values of the page's <link rel=stylesheet>.
	Stylesheets []string
}

// Rewrite returns the page for the browser. Any input is a page: malformed markup is copied unchanged.
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

	inert  int    // depth of templates: their content is not part of the page
	inside string // the element whose content is text for a browser that runs scripts
	read   string // inside, when its text is a stylesheet or a classic script of the page

	// Offsets of the places in the page; -1 when the page has no such place. The head ends, and the body starts, where
	// a tag says so, or where a parser puts in the tag that the page leaves out.
	headStart, headEnd, bodyStart, bodyEnd, first, doctype int
	// impliedBody is set for a body that starts without a tag, noBody for a page of frames.
	impliedBody, noBody bool
}

// scan finds scripts, stylesheets and the places for insertions.
func (r *rewriter) scan() {
	r.headStart, r.headEnd, r.bodyStart, r.bodyEnd, r.first, r.doctype = -1, -1, -1, -1, -1, 0
	if bytes.HasPrefix(r.page, []byte("\xef\xbb\xbf")) {
		r.doctype = 3 // a byte order mark must stay at the very start
		r.pos = 3
	}
	z := xhtml.NewTokenizer(bytes.NewReader(r.page[r.pos:]))
	for {
		kind := z.Next()
		raw := z.Raw()
		at := r.pos
		if kind == xhtml.ErrorToken { // a tag that the page's end cuts off is not part of the page
			r.beginBody(at, at, true)
			return
		}
		r.pos += len(raw)
		switch kind {
		case xhtml.DoctypeToken:
			r.doctype = r.pos
		case xhtml.TextToken:
			r.text(at, raw)
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
			if r.open(z, kind == xhtml.StartTagToken, at, raw) {
				continue
			}
		case xhtml.EndTagToken:
			r.close(z, at)
		}
		r.line += bytes.Count(raw, newline)
	}
}

// live reports whether markup is part of the page: it is not in a template, and not the text of an element.
func (r *rewriter) live() bool { return r.inert == 0 && r.inside == "" }

func (r *rewriter) text(at int, raw []byte) {
	switch r.read {
	case "style":
		r.style(at, raw)
	case "script":
		r.imports(at, raw)
	}
	if text := bytes.TrimLeft(raw, " \t\r\n\f"); r.live() && len(text) > 0 {
		start := r.pos - len(text)
		r.beginBody(start, start, true)
	}
}

// open handles a tag that opens an element. counted means that the lines of the tag are counted already, since a script
// takes the tokens that follow.
func (r *rewriter) open(z *xhtml.Tokenizer, content bool, at int, raw []byte) (counted bool) {
	name, more := z.TagName()
	tag, markup, live := string(name), r.inside == "", r.live()
	if live {
		r.startTag(tag, at)
	}
	if tag == "template" && content {
		r.inert++
	}
	if markup && textElements[tag] {
		r.inside = tag
	}
	r.read = ""
	followed := r.urls(tag, at, r.pos)
	switch {
	case tag == "script" && live:
		attrs := attributes(z, more)
		r.line += bytes.Count(raw, newline)
		if r.script(z, at, raw, attrs) {
			r.inside = ""
		}
		if _, external := attrs["src"]; followed && !external && classic[strings.ToLower(strings.TrimSpace(attrs["type"]))] {
			r.read = tag
		}
		return true
	case tag == "link" && live:
		r.link(attributes(z, more))
	case tag == "style" && markup:
		kind := strings.TrimSpace(attributes(z, more)["type"])
		if followed && (kind == "" || strings.EqualFold(kind, "text/css")) {
			r.read = tag
		}
	}
	return false
}

func (r *rewriter) close(z *xhtml.Tokenizer, at int) {
	r.read = ""
	name, _ := z.TagName()
	switch tag := string(name); {
	case tag == r.inside:
		r.inside = ""
	case tag == "template":
		r.inert = max(0, r.inert-1)
	case r.live():
		r.endTag(tag, at)
	}
}

var newline = []byte("\n")

// classic are the types of scripts that are no modules.
var classic = map[string]bool{"": true, "text/javascript": true, "application/javascript": true}

// style replaces the text of a <style>.
func (r *rewriter) style(at int, css []byte) {
	if r.o.Style == nil {
		return
	}
	if now := r.o.Style(string(css), r.line, false); now != string(css) {
		now = endOfStyle.ReplaceAllString(now, `<\/$1`)
		r.patches = append(r.patches, patch{at, at + len(css), now})
	}
}

// endOfStyle matches what would end a <style>.
var endOfStyle = regexp.MustCompile(`(?i)</(style)`)

// textElements are elements whose content holds no elements.
var textElements = map[string]bool{"script": true, "style": true, "title": true, "noframes": true, "noscript": true}

// headElements are the elements that do not start the body.
var headElements = map[string]bool{
	"html": true, "head": true, "base": true, "basefont": true, "bgsound": true, "link": true, "meta": true,
	"noframes": true, "noscript": true, "script": true, "style": true, "template": true, "title": true,
}

// startTag notes what places the tag starts and ends.
func (r *rewriter) startTag(tag string, at int) {
	switch {
	case tag == "html":
		if r.first < 0 {
			r.doctype = r.pos
		}
	case tag == "head":
		if r.headStart < 0 && r.first < 0 {
			r.headStart = r.pos
		}
	case tag == "body":
		r.beginBody(at, r.pos, false)
	case tag == "frameset" && r.bodyStart < 0:
		r.beginBody(at, at, false)
		r.noBody = true
	case !headElements[tag], tag == "noscript" && r.headEnd >= 0:
		r.beginBody(at, at, true)
	}
	if tag != "html" && tag != "head" && r.first < 0 {
		r.first = at
	}
}

func (r *rewriter) endTag(tag string, at int) {
	switch tag {
	case "head":
		if r.headEnd < 0 {
			r.headEnd = at
		}
	case "body", "html":
		r.beginBody(at, at, true)
		if tag == "body" || r.bodyEnd < 0 {
			r.bodyEnd = at
		}
	}
}

// beginBody notes that the head ends at one offset, unless it has ended, and that the body starts at another.
func (r *rewriter) beginBody(head, body int, implied bool) {
	if r.bodyStart >= 0 {
		return
	}
	r.bodyStart, r.impliedBody = body, implied
	if r.headEnd < 0 {
		r.headEnd = head
	}
}

func attributes(z *xhtml.Tokenizer, more bool) map[string]string {
	attrs := map[string]string{}
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		if _, twice := attrs[string(key)]; !twice { // the first attribute of a name counts
			attrs[string(key)] = string(value)
		}
	}
	return attrs
}

// script records a module script. It replaces an inline script by a reference to the module of its code. It reports
// whether it has read the script's end tag.
func (r *rewriter) script(z *xhtml.Tokenizer, at int, open []byte, attrs map[string]string) (ended bool) {
	if n := attrs["nonce"]; n != "" && r.nonce == "" {
		r.nonce = n
	}
	openEnd := at + len(open)
	module := strings.EqualFold(strings.TrimSpace(attrs["type"]), "module")
	src, external := attrs["src"]
	if !module {
		return false // the tokenizer continues with the script's text
	}
	if external {
		r.scripts = append(r.scripts, Script{Src: r.aliased(strings.TrimSpace(src), true)})
		return false
	}
	// HTML has no self-closing scripts: the script's text follows `<script/>`, too.
	if z.Next() != xhtml.TextToken {
		r.pos += len(z.Raw()) // an empty script: its end tag
		r.line += bytes.Count(z.Raw(), newline)
		return true
	}
	code := z.Raw()
	line := r.line
	r.pos += len(code)
	r.line += bytes.Count(code, newline)
	if len(bytes.TrimSpace(code)) == 0 {
		return false
	}
	r.scripts = append(r.scripts, Script{Inline: true, Code: string(code), Index: r.inline, Line: line})
	url := strings.TrimSuffix(r.o.Base, "/") + escaped(r.o.Path) + "?html-proxy&index=" + strconv.Itoa(r.inline) + ".js"
	r.inline++
	// Keep the attributes, add src before the end of the open tag, and remove the code.
	r.patches = append(r.patches,
		patch{openEnd - 1, openEnd - 1, ` src="` + html.EscapeString(url) + `"`}, patch{openEnd, r.pos, ""})
	return false
}

// aliased returns the URL with aliases followed. script is set for the URL of a script.
func (r *rewriter) aliased(u string, script bool) string {
	if r.o.Resolve != nil {
		if to := r.o.Resolve(u, script); to != "" {
			return to
		}
	}
	return u
}

func (r *rewriter) link(attrs map[string]string) {
	for rel := range strings.FieldsSeq(strings.ToLower(attrs["rel"])) {
		if rel == "stylesheet" && attrs["href"] != "" {
			r.stylesheets = append(r.stylesheets, attrs["href"])
		}
	}
}

// place inserts the client and the tags. The client comes first in the head, since it must be there before the page's
// scripts run. In a page without a head it comes where the head would be.
func (r *rewriter) place() {
	start := r.headStart
	if start < 0 {
		start = r.doctype
		if r.first >= 0 && r.first < start {
			start = r.first
		}
	}
	headEnd := max(r.headEnd, start)
	bodyStart := max(r.bodyStart, headEnd)
	bodyEnd := r.bodyEnd
	switch {
	case r.noBody:
		bodyStart, bodyEnd = headEnd, headEnd
	case bodyEnd < bodyStart:
		bodyEnd = r.pos
	}
	text := map[Place]*strings.Builder{HeadPrepend: {}, Head: {}, BodyPrepend: {}, Body: {}}
	if r.o.Client.URL != "" { // a page with a Content-Security-Policy may allow only scripts with its nonce
		text[HeadPrepend].WriteString(r.o.Client.Tag(r.nonce))
	}
	for _, t := range r.o.Tags {
		b := text[t.Place]
		if b == nil {
			b = text[Head]
		}
		t.write(b)
	}
	// A script or a style before the body's first element would still be in the head.
	if r.impliedBody && text[BodyPrepend].Len()+text[Body].Len() > 0 {
		prepended := text[BodyPrepend].String()
		text[BodyPrepend].Reset()
		text[BodyPrepend].WriteString("<body>" + prepended)
	}
	r.patches = append(r.patches,
		patch{start, start, text[HeadPrepend].String()}, patch{headEnd, headEnd, text[Head].String()},
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

// dropBreaks removes the characters that would end an attribute's name.
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
			continue // inside a text that another patch replaces
		}
		out = append(out, r.page[at:p.from]...)
		out = append(out, p.text...)
		at = p.to
	}
	return append(out, r.page[at:]...)
}
