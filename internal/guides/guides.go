// Package guides shows the guides of devserver: as pages with a search for the browser, and as text for the terminal.
//
// A guide is a Markdown file of the repository, embedded in the program. The index docs/README.md says which guides
// there are, in which groups, and what each guide is about. There is no second list.
package guides

import (
	"cmp"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"

	"github.com/seed-b8174343/devserver/internal/nearest"
)

// Options say what a Site shows.
type Options struct {
	// Files holds the guides and their pictures, as devserver.Guides does.
	Files fs.FS
	// Version is the version of devserver that the guides describe, as running.Version returns it.
	Version string
	// Panel says that the panel is one folder above the guides. The pages then link to it.
	Panel bool
}

// Site holds the guides, ready to be shown. Its methods are safe for concurrent use.
type Site struct {
	o      Options
	index  *Page
	groups []group
	pages  []*Page // without the index, in the order of the groups
	byName map[string]*Page
	byFile map[string]*Page
	served map[string]http.HandlerFunc // by the name in the folder of all guides
}

// group is a heading of the index with the guides that are listed below it.
type group struct {
	title string
	pages []*Page
}

// Page is a guide.
type Page struct {
	// Name is what the guide is called in its address and on the command line, such as "events".
	Name string
	// File is the path of the Markdown file in the repository.
	File string
	// Label is what lists call the guide: the text of its link in the index, or else its first heading.
	Label string
	// Summary is what the index says about the guide, "" if it says nothing.
	Summary string
	// Markdown is the text of the file.
	Markdown string

	sections []section
}

// section is a heading with the text up to the next heading. The text before the first heading is a section as well.
type section struct {
	level     int // of the heading, 0 without a heading
	id, title string
	text      string // without marks, in one line
	from, to  int    // the part of the Markdown, heading included
	lower     lowered
}

// The page of the index and its file.
const (
	indexName = "index"
	indexFile = "docs/README.md"
)

// rootNames are the names of the guides that are not in docs/. SECURITY.md has another name than docs/security.md.
var rootNames = map[string]string{
	"README.md": "readme", "ARCHITECTURE.md": "architecture", "CONTRIBUTING.md": "contributing", "SECURITY.md": "security-policy",
}

// New reads all guides. A page is rendered at its first request.
func New(o Options) (*Site, error) {
	s := &Site{o: o, byName: map[string]*Page{}, byFile: map[string]*Page{}, served: map[string]http.HandlerFunc{}}
	if err := s.serveParts(); err != nil {
		return nil, fmt.Errorf("read the guides: %w", err)
	}
	files, err := fs.Glob(o.Files, "docs/*.md")
	if err != nil {
		return nil, err
	}
	roots, err := fs.Glob(o.Files, "*.md")
	if err != nil {
		return nil, err
	}
	files = append(roots, files...)
	for _, file := range files {
		text, err := fs.ReadFile(o.Files, file)
		if err != nil {
			return nil, fmt.Errorf("read the guides: %w", err)
		}
		p := &Page{Name: nameOf(file), File: file, Markdown: string(text)}
		if other := s.byName[p.Name]; other != nil {
			return nil, fmt.Errorf("the guides %s and %s have the same name %q", other.File, p.File, p.Name)
		}
		if s.served[p.Name] != nil {
			return nil, fmt.Errorf("the guide %s has the name %q, which is reserved", p.File, p.Name)
		}
		s.byName[p.Name], s.byFile[file] = p, p
		p.sections = sectionsOf(parse(text), text)
		p.Label = titleOf(p)
	}
	if s.index = s.byFile[indexFile]; s.index == nil {
		return nil, fmt.Errorf("the guides have no index %s", indexFile)
	}
	s.groups = s.groupsOf(parse([]byte(s.index.Markdown)))
	s.addUnlisted(files)
	s.serveGuides()
	return s, nil
}

func nameOf(file string) string {
	if file == indexFile {
		return indexName
	}
	name := strings.TrimSuffix(path.Base(file), ".md")
	if path.Dir(file) == "." {
		return cmp.Or(rootNames[file], strings.ToLower(name))
	}
	return strings.ToLower(name)
}

func titleOf(p *Page) string {
	for _, s := range p.sections {
		if s.level == 1 {
			return s.title
		}
	}
	return p.Name
}

// groupsOf reads the groups off the index: headings, and the first guide that each item of the lists below links to. The
// rest of an item is the guide's summary.
func (s *Site) groupsOf(doc ast.Node) (groups []group) {
	source := []byte(s.index.Markdown)
	seen := map[*Page]bool{s.index: true}
	read := map[ast.Node]bool{} // the items whose guide was found
	heading := ""
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the func returns no error
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			heading = plain(n, source)
		case *ast.Link:
			item, block := itemOf(n)
			p := s.linked(s.index, string(n.Destination))
			if item == nil || p == nil || read[item] {
				break
			}
			read[item] = true
			if seen[p] {
				break
			}
			seen[p] = true
			text := plain(n, source)
			if text != "" && !strings.HasSuffix(text, ".md") {
				p.Label = text
			}
			p.Summary = summaryOf(plain(block, source), text)
			if len(groups) == 0 || groups[len(groups)-1].title != heading {
				groups = append(groups, group{title: heading})
			}
			last := &groups[len(groups)-1]
			last.pages = append(last.pages, p)
			s.pages = append(s.pages, p)
		}
		return ast.WalkContinue, nil
	})
	return groups
}

// itemOf returns the list item that a link is in, and the block of the item that has the link. It returns nil outside of
// lists.
func itemOf(n ast.Node) (item, block ast.Node) {
	for n = n.Parent(); n != nil; n = n.Parent() {
		if block == nil && n.Type() == ast.TypeBlock {
			block = n
		}
		if n.Kind() == ast.KindListItem {
			return n, block
		}
	}
	return nil, nil
}

// summaryOf returns what an item of the index says after its link.
func summaryOf(item, link string) string {
	_, rest, _ := strings.Cut(item, link)
	return strings.TrimSpace(strings.TrimLeft(rest, " :–—-,"))
}

// addUnlisted adds a group with the guides that the index does not list. Of two guides with one title, such as SECURITY.md
// and docs/security.md, the later has the name of its file.
func (s *Site) addUnlisted(files []string) {
	more := group{title: "More"}
	for _, file := range files {
		if p := s.byFile[file]; p != s.index && !slices.Contains(s.pages, p) {
			if slices.ContainsFunc(s.pages, func(other *Page) bool { return other.Label == p.Label }) {
				p.Label = path.Base(file)
			}
			more.pages = append(more.pages, p)
			s.pages = append(s.pages, p)
		}
	}
	if len(more.pages) > 0 {
		s.groups = append(s.groups, more)
	}
}

// Pages returns the guides in the order of the index. The index itself is not among them.
func (s *Site) Pages() []*Page { return slices.Clone(s.pages) }

// Page returns the guide of a name, or of a file such as "docs/events.md". It returns nil if there is none.
func (s *Site) Page(name string) *Page {
	if p := s.byFile[name]; p != nil {
		return p
	}
	return s.byName[strings.ToLower(strings.TrimSuffix(path.Base(name), ".md"))]
}

// Nearest returns up to three names of guides that are like a name without a guide, the nearest first.
func (s *Site) Nearest(name string) []string {
	names := make([]string, 0, len(s.pages))
	for _, p := range s.pages {
		names = append(names, p.Name)
	}
	return near(name, names)
}

// NearestSections returns up to three IDs of sections that are like an ID without a section, the nearest first.
func (p *Page) NearestSections(id string) []string {
	var ids []string
	for _, s := range p.sections {
		if s.level > 1 {
			ids = append(ids, s.id)
		}
	}
	return near(id, ids)
}

func near(written string, names []string) []string {
	list := nearest.Like(written, names)
	return list[:min(len(list), 3)]
}

// Section returns the Markdown of the section with an ID, together with the sections below it. It returns false if the
// guide has no such section.
func (p *Page) Section(id string) (markdown string, ok bool) {
	for i, s := range p.sections {
		if s.id != id || s.level == 0 {
			continue
		}
		to := s.to
		for _, below := range p.sections[i+1:] {
			if below.level <= s.level {
				break
			}
			to = below.to
		}
		return strings.TrimSpace(p.Markdown[s.from:to]) + "\n", true
	}
	return "", false
}

// url returns the address of the guide, relative to the folder of all guides.
func (p *Page) url() string {
	if p.Name == indexName {
		return "./"
	}
	return p.Name
}

var released = regexp.MustCompile(`^\d+\.\d+\.\d+$`)

// repository returns the address of a file of the repository, as it is in this version if the version was released.
func (s *Site) repository(file string) string {
	at := "main"
	if released.MatchString(s.o.Version) {
		at = "v" + s.o.Version
	}
	return "https://github.com/seed-b8174343/devserver/blob/" + at + "/" + file
}
