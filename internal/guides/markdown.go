package guides

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

var markdown = goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser()

// parse parses Markdown. Headings get the IDs that they have on GitHub, since the guides link each other with them.
func parse(source []byte) ast.Node {
	doc := markdown.Parse(text.NewReader(source), parser.WithContext(parser.NewContext()))
	taken := map[string]bool{}
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the func returns no error
		if n, ok := n.(*ast.Heading); ok && entering {
			n.SetAttributeString("id", []byte(unique(slug(plain(n, source)), taken)))
			return ast.WalkSkipChildren, nil
		}
		return ast.WalkContinue, nil
	})
	return doc
}

// slug returns the ID of a heading: GitHub drops all but letters, digits, "_", "-" and spaces, and writes "-" for spaces.
func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-', unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

// unique adds a number to an ID that an earlier heading of the page has.
func unique(id string, taken map[string]bool) string {
	name := id
	for n := 1; taken[name]; n++ {
		name = id + "-" + strconv.Itoa(n)
	}
	taken[name] = true
	return name
}

func idOf(n *ast.Heading) string {
	id, _ := n.AttributeString("id") // parse has set it
	text, _ := id.([]byte)
	return string(text)
}

// sectionsOf splits a page at its headings.
func sectionsOf(doc ast.Node, source []byte) []section {
	list := []section{{}}
	var words []string
	end := func(at int) {
		last := &list[len(list)-1]
		last.text, last.to = strings.Join(words, " "), at
		words = nil
	}
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		heading, ok := n.(*ast.Heading)
		if !ok || heading.Lines().Len() == 0 { // a heading without a text begins no section
			words = append(words, strings.Fields(plain(n, source))...)
			continue
		}
		at := lineStart(source, heading.Lines().At(0).Start)
		end(at)
		list = append(list, section{level: heading.Level, id: idOf(heading), title: plain(heading, source), from: at})
	}
	end(len(source))
	if list[0].text == "" {
		list = list[1:] // a page begins with its heading
	}
	for i := range list {
		list[i].lower = lowered{strings.ToLower(list[i].title), strings.ToLower(list[i].text)}
	}
	return list
}

func lineStart(source []byte, at int) int {
	for at > 0 && source[at-1] != '\n' {
		at--
	}
	return at
}

// plain returns the text of a node without any marks. Parts that do not touch are separated by a space.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the func returns no error
		if !entering {
			if n.Type() == ast.TypeBlock {
				b.WriteByte(' ')
			}
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			b.Write(valueOf(n, source))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(n.Value)
		case *ast.AutoLink:
			b.Write(n.Label(source))
		case *ast.FencedCodeBlock, *ast.CodeBlock:
			b.Write(n.Lines().Value(source))
		case *ast.HTMLBlock:
			b.WriteString(strings.Join(alts(n.Lines().Value(source)), " "))
		}
		return ast.WalkContinue, nil
	})
	return strings.TrimSpace(b.String())
}

// valueOf returns a text as a reader sees it: entities and escapes mean the character.
func valueOf(n *ast.Text, source []byte) []byte {
	value := n.Value(source)
	if n.IsRaw() || n.Parent() != nil && n.Parent().Kind() == ast.KindCodeSpan {
		return value
	}
	return util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(value)))
}

var alt = regexp.MustCompile(`\balt="([^"]*)"`)

// alts returns the descriptions of the pictures in HTML.
func alts(html []byte) (list []string) {
	for _, m := range alt.FindAllSubmatch(html, -1) {
		list = append(list, string(m[1]))
	}
	return list
}

// cells returns the rows of a table, the head first.
func cells(n *extast.Table) (rows [][]*extast.TableCell) {
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		var list []*extast.TableCell
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			if cell, ok := cell.(*extast.TableCell); ok {
				list = append(list, cell)
			}
		}
		rows = append(rows, list)
	}
	return rows
}
