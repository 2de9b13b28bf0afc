package guides

import (
	"fmt"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// llms returns the list of all guides for language models, in the form of llmstxt.org: a heading, a summary as a quote,
// and for each group a list of links to Markdown.
func (s *Site) llms() ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "# devserver\n\n> %s\n\nThe guides of devserver %s. [All in one file](llms-full.txt)\n", s.summary(), s.o.Version)
	for _, g := range s.groups {
		fmt.Fprintf(&b, "\n## %s\n\n", g.title)
		for _, p := range g.pages {
			fmt.Fprintf(&b, "- [%s](%s.md)", p.Label, p.Name)
			if about := p.About(); about != "" {
				b.WriteString(": " + about)
			}
			b.WriteString("\n")
		}
	}
	return []byte(b.String()), nil
}

// llmsFull returns the Markdown of all guides.
func (s *Site) llmsFull() ([]byte, error) {
	var b strings.Builder
	for _, p := range s.pages {
		fmt.Fprintf(&b, "<!-- %s -->\n\n%s\n", p.File, strings.TrimSpace(p.Markdown)+"\n")
	}
	return []byte(b.String()), nil
}

// summary returns the first paragraph of the project's README, which says what devserver is.
func (s *Site) summary() string {
	readme := s.byFile["README.md"]
	if readme == nil {
		return ""
	}
	return firstParagraph(readme)
}

// About returns a sentence on what the guide is about: its summary in the index, or else its first sentence.
func (p *Page) About() string {
	if p.Summary != "" {
		return p.Summary
	}
	text := firstParagraph(p)
	if end := strings.Index(text, ". "); end >= 0 {
		text = text[:end+1]
	}
	return text
}

// firstParagraph returns the text of a guide's first paragraph.
func firstParagraph(p *Page) string {
	source := []byte(p.Markdown)
	for n := parse(source).FirstChild(); n != nil; n = n.NextSibling() {
		if n.Kind() == ast.KindParagraph && n.FirstChild().Kind() != ast.KindImage {
			if text := plain(n, source); text != "" {
				return text
			}
		}
	}
	return ""
}
