package guides

import (
	"bytes"
	"encoding/binary"
	"fmt"
	stdhtml "html"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// render returns the HTML of a guide, without the page around it.
func (s *Site) render(p *Page) ([]byte, error) {
	doc := parse([]byte(p.Markdown))
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Link:
			if entering {
				n.Destination = []byte(s.href(p, string(n.Destination)))
			}
		case *ast.Image:
			if entering {
				for name, value := range s.size(p, string(n.Destination)) {
					n.SetAttributeString(name, []byte(value))
				}
				n.Destination = []byte(s.href(p, string(n.Destination)))
			}
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return nil, err
	}
	r := renderer.NewRenderer(renderer.WithNodeRenderers(
		util.Prioritized(pageRenderer{s, p}, 100),
		// Alignment as an attribute: the page's policy allows no styles in elements.
		util.Prioritized(extension.NewTableHTMLRenderer(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)), 500),
		util.Prioritized(extension.NewStrikethroughHTMLRenderer(), 500),
		util.Prioritized(extension.NewTaskCheckBoxHTMLRenderer(), 500),
		util.Prioritized(html.NewRenderer(html.WithUnsafe()), 1000), // the guides are ours
	))
	var b bytes.Buffer
	if err := r.Render(&b, []byte(p.Markdown), doc); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// pageRenderer renders what the guides show in a way of their own.
type pageRenderer struct {
	site *Site
	page *Page
}

func (r pageRenderer) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindHeading, r.heading)
	reg.Register(ast.KindFencedCodeBlock, r.code)
	reg.Register(ast.KindHTMLBlock, r.htmlBlock)
	reg.Register(ast.KindRawHTML, r.rawHTML)
	reg.Register(extast.KindTable, r.table)
}

func (r pageRenderer) heading(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	n, ok := node.(*ast.Heading)
	if !ok {
		return ast.WalkContinue, nil
	}
	id := stdhtml.EscapeString(idOf(n))
	if entering {
		fmt.Fprintf(w, `<h%d id="%s">`, n.Level, id)
		return ast.WalkContinue, nil
	}
	if n.Level > 1 {
		fmt.Fprintf(w, `<a class="anchor" href="#%s" aria-label="Link to this section">#</a>`, id)
	}
	fmt.Fprintf(w, "</h%d>\n", n.Level)
	return ast.WalkContinue, nil
}

// fileOf returns the name of the file that a block of code is, "" for a part of a file.
func fileOf(n *ast.FencedCodeBlock, source []byte) string {
	if n.Info == nil {
		return ""
	}
	_, info, _ := strings.Cut(string(n.Info.Value(source)), " ")
	if !strings.Contains(info, ".") {
		return ""
	}
	return info
}

// code renders a block of code. Its fence may name the file that the code is: ```go devserver/main.go
func (r pageRenderer) code(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	n, ok := node.(*ast.FencedCodeBlock)
	if !ok || !entering {
		return ast.WalkContinue, nil
	}
	lang, file := string(n.Language(source)), fileOf(n, source)
	_, _ = w.WriteString("<figure class=\"block\">")
	if file != "" {
		fmt.Fprintf(w, "<figcaption>%s</figcaption>", stdhtml.EscapeString(file))
	}
	// The focus lets the keyboard scroll a long line.
	fmt.Fprintf(w, "<pre tabindex=\"0\"><code>%s</code></pre></figure>\n", highlight(lang, string(n.Lines().Value(source))))
	return ast.WalkSkipChildren, nil
}

// longCode is how many characters of code in a table break a line: flags and names stay whole, messages wrap.
const longCode = 36

func (r pageRenderer) table(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		class := "table"
		_ = ast.Walk(node, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the func fails never
			if code, ok := n.(*ast.CodeSpan); ok && entering && len(plain(code, source)) > longCode {
				class = "table long"
				return ast.WalkStop, nil
			}
			return ast.WalkContinue, nil
		})
		fmt.Fprintf(w, "<div class=\"%s\" tabindex=\"0\"><table>\n", class)
	} else {
		_, _ = w.WriteString("</table></div>\n")
	}
	return ast.WalkContinue, nil
}

func (r pageRenderer) htmlBlock(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	n, ok := node.(*ast.HTMLBlock)
	if !ok || !entering {
		return ast.WalkContinue, nil
	}
	text := n.Lines().Value(source)
	if n.HasClosure() {
		text = append(text, n.ClosureLine.Value(source)...)
	}
	_, err := w.Write(r.site.rewrite(r.page, text))
	return ast.WalkSkipChildren, err
}

func (r pageRenderer) rawHTML(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	n, ok := node.(*ast.RawHTML)
	if !ok || !entering {
		return ast.WalkContinue, nil
	}
	_, err := w.Write(r.site.rewrite(r.page, n.Segments.Value(source)))
	return ast.WalkSkipChildren, err
}

var (
	imgTag  = regexp.MustCompile(`<img\s[^>]*>`)
	srcOf   = regexp.MustCompile(`\ssrc="([^"]*)"`)
	urlAttr = regexp.MustCompile(`(\s(?:src|srcset|href)=")([^"]*)"`)
)

// rewrite adapts the addresses in HTML of a guide, and gives pictures their size.
func (s *Site) rewrite(p *Page, text []byte) []byte {
	text = imgTag.ReplaceAllFunc(text, func(tag []byte) []byte {
		src := srcOf.FindSubmatch(tag)
		if src == nil || bytes.Contains(tag, []byte(" width=")) {
			return tag
		}
		size := s.size(p, string(src[1]))
		if size == nil {
			return tag
		}
		return fmt.Appendf(nil, `<img width="%s" height="%s"%s`, size["width"], size["height"], tag[len("<img"):])
	})
	return urlAttr.ReplaceAllFunc(text, func(attr []byte) []byte {
		m := urlAttr.FindSubmatch(attr)
		return fmt.Appendf(nil, `%s%s"`, m[1], stdhtml.EscapeString(s.href(p, stdhtml.UnescapeString(string(m[2])))))
	})
}

// target returns the file of the repository that a link of a guide leads to, and its fragment. It returns false for links
// to other sites and within the page.
func target(p *Page, link string) (file, fragment string, ok bool) {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Path == "" {
		return "", "", false
	}
	return path.Join(path.Dir(p.File), u.Path), u.Fragment, true
}

// linked returns the guide that a link of a guide leads to, nil if it leads elsewhere.
func (s *Site) linked(p *Page, link string) *Page {
	file, _, ok := target(p, link)
	if ok && file == path.Dir(indexFile) {
		file = indexFile
	}
	return s.byFile[file]
}

// href returns the address of what a link in a guide's Markdown leads to, relative to the folder of all guides.
func (s *Site) href(p *Page, link string) string {
	file, fragment, ok := target(p, link)
	if !ok {
		return link
	}
	if fragment != "" {
		fragment = "#" + fragment
	}
	if other := s.linked(p, link); other != nil {
		return other.url() + fragment
	}
	if name, inside := strings.CutPrefix(file, "docs/"); inside && isPicture(name) {
		return name
	}
	return s.repository(file) + fragment
}

func isPicture(name string) bool {
	switch path.Ext(name) {
	case ".png", ".svg", ".webp", ".gif", ".jpg":
		return true
	}
	return false
}

// size returns the attributes with the size of a PNG or a GIF, so that the text does not move when the picture comes. It
// returns nil for other pictures.
func (s *Site) size(p *Page, link string) map[string]string {
	file, _, _ := target(p, link)
	text, err := fs.ReadFile(s.o.Files, file)
	if err != nil || len(text) < 24 {
		return nil
	}
	var width, height uint32
	switch {
	case bytes.HasPrefix(text, []byte("\x89PNG")):
		width, height = binary.BigEndian.Uint32(text[16:]), binary.BigEndian.Uint32(text[20:])
	case bytes.HasPrefix(text, []byte("GIF8")):
		width, height = uint32(binary.LittleEndian.Uint16(text[6:])), uint32(binary.LittleEndian.Uint16(text[8:]))
	default:
		return nil
	}
	return map[string]string{"width": fmt.Sprint(width), "height": fmt.Sprint(height)}
}
