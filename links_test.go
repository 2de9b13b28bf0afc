package devserver_test

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// TestLinks: every relative link and picture of the pages leads to a file, and every anchor to a heading.
func TestLinks(t *testing.T) {
	links := 0
	for _, page := range pages(t) {
		for _, link := range readPage(t, page).links {
			links++
			if why := broken(t, page, link); why != "" {
				t.Errorf("%s links %q: %s", page, link, why)
			}
		}
	}
	if links == 0 {
		t.Fatal("no links found")
	}
}

// TestPagesOfDocs: each page of docs has one heading of the first level, and docs/README.md, the index, links it.
func TestPagesOfDocs(t *testing.T) {
	const index = "docs/README.md"
	linked := map[string]bool{}
	for _, link := range readPage(t, index).links {
		file, _, _ := strings.Cut(link, "#")
		linked[path.Join("docs", file)] = true
	}
	list := docs(t)
	if len(list) == 0 {
		t.Fatal("docs has no pages")
	}
	for _, page := range list {
		if titles := readPage(t, page).titles; titles != 1 {
			t.Errorf("%s has %d headings of the first level, want 1", page, titles)
		}
		if page != index && !linked[page] {
			t.Errorf("%s does not link %s", index, page)
		}
	}
}

// TestLinksAreRead: what is a link, a heading and an anchor in Markdown.
func TestLinksAreRead(t *testing.T) {
	got := parsePage(strings.ReplaceAll(`# One `+"`two`"+` & three!

[a](b.md#c "title") ![d](e%20f.png) [g [h]](i.md), [j][k]
''[not](code.md)'' and \[not](this.md) but [''x''](y.md)

[k]: l.md
<img alt="m" src="n.png"><source srcset="o.png 2x, p.png">

~~~sh
# not a heading
[not](in-code.md)
~~~

Set [q](<r s.md>)
## One two  three
## See [the guide](u.md), v1.2_x
## See the guide v12_x
`, "''", "`"))
	wantLinks := []string{"b.md#c", "e f.png", "i.md", "y.md", "l.md", "n.png", "o.png", "p.png", "r s.md", "u.md"}
	slices.Sort(wantLinks)
	if !slices.Equal(got.links, wantLinks) {
		t.Errorf("links: got %q, want %q", got.links, wantLinks)
	}
	want := []string{"one-two--three", "one-two--three-1", "see-the-guide-v12_x", "see-the-guide-v12_x-1"}
	if !slices.Equal(got.anchors, want) {
		t.Errorf("anchors: got %q, want %q", got.anchors, want)
	}
	if got.titles != 1 {
		t.Errorf("got %d headings of the first level", got.titles)
	}
	for link, ok := range map[string]bool{
		"README.md": true, "docs/config.md#devserverconfigjson": true, "docs": true, "#starting": false, "nowhere.md": false,
		"README.md#nowhere": false, "https://nowhere.example": true, "../outside.md": false, "/README.md": false,
	} {
		if why := broken(t, "SECURITY.md", link); (why == "") != ok {
			t.Errorf("%q: got %q, want right: %t", link, why, ok)
		}
	}
}

// pages returns the pages that people read.
func pages(t *testing.T) []string {
	t.Helper()
	list := append([]string{"README.md", "SECURITY.md", "CONTRIBUTING.md", "ARCHITECTURE.md"}, docs(t)...)
	for _, dir := range []string{"examples", "client"} {
		err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil // there are no examples
			case err != nil:
				return err
			case entry.IsDir() && entry.Name() == "node_modules":
				return filepath.SkipDir
			case filepath.Ext(name) == ".md":
				list = append(list, filepath.ToSlash(name))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func docs(t *testing.T) []string {
	t.Helper()
	list, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		list[i] = filepath.ToSlash(list[i])
	}
	return list
}

// broken returns why a link of a page leads nowhere, "" when it leads somewhere. Links to other sites are not followed.
func broken(t *testing.T, page, link string) string {
	t.Helper()
	if strings.Contains(strings.SplitN(link, "/", 2)[0], ":") || strings.HasPrefix(link, "//") {
		return ""
	}
	file, anchor, _ := strings.Cut(link, "#")
	if strings.HasPrefix(file, "/") {
		return "it is no path from the page"
	}
	target := page
	if file != "" {
		target = path.Join(path.Dir(page), file)
	}
	if !filepath.IsLocal(target) {
		return "it leads out of the repository"
	}
	if _, err := os.Stat(filepath.FromSlash(target)); err != nil {
		return "there is no " + target
	}
	if anchor == "" {
		return ""
	}
	if path.Ext(target) != ".md" {
		return "only pages have anchors"
	}
	if anchors := readPage(t, target).anchors; !slices.Contains(anchors, anchor) {
		return target + " has no such heading; it has " + strings.Join(anchors, ", ")
	}
	return ""
}

// page is what the checks see of a page.
type page struct {
	// links holds the targets of links and pictures, sorted, with %20 and the like decoded.
	links []string
	// anchors holds the anchors that GitHub gives the headings.
	anchors []string
	// titles is the number of headings of the first level.
	titles int
}

func readPage(t *testing.T, name string) page {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return parsePage(string(text))
}

var (
	codeBlock = regexp.MustCompile("(?ms)^ *(```+|~~~+).*?^ *(```+|~~~+) *$")
	codeSpan  = regexp.MustCompile("``[^`]+``|`[^`]+`")
	heading   = regexp.MustCompile(`(?m)^(#{1,6}) +(.*?)[ #]*$`)
	// linkTarget matches from the end of a link's text, which may hold brackets and code.
	linkTarget = regexp.MustCompile(`\]\((?:<([^>]*)>|([^\s()]+))(?: +"[^"]*")?\)`)
	linkText   = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
	definition = regexp.MustCompile(`(?m)^\[[^\]]+\]: *(\S+)`)
	htmlSource = regexp.MustCompile(`\b(src|srcset|href)="([^"]*)"`)
	escaped    = regexp.MustCompile(`\\\[[^\]]*\]\([^)]*\)`)
)

func parsePage(text string) (p page) {
	text = codeBlock.ReplaceAllString(text, "")
	count := map[string]int{}
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		if m[1] == "#" {
			p.titles++
		}
		anchor := anchorOf(linkText.ReplaceAllString(m[2], "$1"))
		if n := count[anchor]; n > 0 {
			p.anchors = append(p.anchors, anchor+"-"+strconv.Itoa(n))
		} else {
			p.anchors = append(p.anchors, anchor)
		}
		count[anchor]++
	}
	text = escaped.ReplaceAllString(codeSpan.ReplaceAllString(text, "code"), "")
	add := func(link string) {
		if decoded, err := url.PathUnescape(link); err == nil {
			link = decoded
		}
		p.links = append(p.links, link)
	}
	for _, m := range linkTarget.FindAllStringSubmatch(text, -1) {
		add(m[1] + m[2])
	}
	for _, m := range definition.FindAllStringSubmatch(text, -1) {
		add(m[1])
	}
	for _, m := range htmlSource.FindAllStringSubmatch(text, -1) {
		if m[1] != "srcset" {
			add(m[2])
			continue
		}
		for candidate := range strings.SplitSeq(m[2], ",") {
			if fields := strings.Fields(candidate); len(fields) > 0 {
				add(fields[0])
			}
		}
	}
	slices.Sort(p.links)
	return p
}

// anchorOf returns the anchor of a heading, as GitHub makes it: lower case, "-" for each space, and no other marks but
// "-" and "_".
func anchorOf(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-':
			return '-'
		case r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, title)
}

// TestReadmeIsShort: README.md is the front door. What does not fit in 100 lines is in a page of docs.
func TestReadmeIsShort(t *testing.T) {
	const most = 100
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(text), "\n"); lines > most {
		t.Errorf("README.md has %d lines, want at most %d: move what is too much to docs", lines, most)
	}
}
