package guides_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/net/html"

	"github.com/seed-b8174343/devserver"
	"github.com/seed-b8174343/devserver/internal/guides"
	"github.com/seed-b8174343/devserver/internal/terminal"
)

// made returns a site of files. Each pair is a path and a text. docs/README.md is made unless the files have it.
func made(t *testing.T, pairs ...string) *guides.Site {
	t.Helper()
	files := fstest.MapFS{"docs/README.md": {Data: []byte("# Guides\n")}}
	for i := 0; i+1 < len(pairs); i += 2 {
		files[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return newSite(t, guides.Options{Files: files, Version: "1.2.3"})
}

func newSite(t *testing.T, o guides.Options) *guides.Site {
	t.Helper()
	s, err := guides.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ours(t *testing.T) *guides.Site {
	t.Helper()
	return newSite(t, guides.Options{Files: devserver.Guides, Version: "0.0.0-dev", Panel: true})
}

func serve(s *guides.Site, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/docs/"+target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Serve(w, r, "/docs/", strings.TrimPrefix(r.URL.Path, "/docs/"))
	return w
}

func get(t *testing.T, s *guides.Site, target string) string {
	t.Helper()
	w := serve(s, http.MethodGet, target)
	if w.Code != http.StatusOK {
		t.Fatalf("%q answers %d", target, w.Code)
	}
	return w.Body.String()
}

// page is what a test reads off a page: its addresses and its IDs.
type page struct {
	links []string
	ids   map[string]int
}

func read(t *testing.T, text string) page {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	p := page{ids: map[string]int{}}
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			switch a.Key {
			case "href", "src", "srcset", "action":
				p.links = append(p.links, a.Val)
			case "id":
				p.ids[a.Val]++
			}
		}
	}
	return p
}

// broken returns the links of all pages that lead nowhere: to no page, no section of it, or no file of the repository.
func broken(t *testing.T, s *guides.Site, repository fs.FS) (list []string) {
	t.Helper()
	names := []string{"", "search", "no/such/guide"}
	for _, p := range s.Pages() {
		names = append(names, p.Name)
	}
	known := map[string]page{}
	for _, name := range names {
		known[name] = read(t, serve(s, http.MethodGet, name).Body.String())
	}
	for _, name := range names {
		for id, n := range known[name].ids {
			if n > 1 {
				list = append(list, fmt.Sprintf("%s: %d elements have the ID %s", name, n, id))
			}
		}
		for _, link := range known[name].links {
			if why := leads(s, repository, known, name, link); why != "" {
				list = append(list, fmt.Sprintf("%s: %s %s", name, link, why))
			}
		}
	}
	return list
}

// leads returns why a link of a page leads nowhere, "" if it does not.
func leads(s *guides.Site, repository fs.FS, known map[string]page, from, link string) string {
	const own = "/seed-b8174343/devserver/blob/"
	u, err := url.Parse(link)
	if err != nil {
		return err.Error()
	}
	if file, ok := strings.CutPrefix(u.Path, own); ok {
		_, file, _ = strings.Cut(file, "/") // the branch
		if _, err := fs.Stat(repository, path.Clean(file)); err != nil {
			return "is no file of the repository"
		}
		return ""
	}
	if u.Host != "" || u.Scheme != "" {
		return "" // other sites are not asked
	}
	base := &url.URL{Path: "/docs/" + from}
	name, inside := strings.CutPrefix(base.ResolveReference(u).Path, "/docs/")
	if !inside {
		if base.ResolveReference(u).Path == "/" {
			return "" // the panel
		}
		return "leaves the guides"
	}
	if code := serve(s, http.MethodGet, name).Code; code != http.StatusOK && name != from {
		return fmt.Sprint("answers ", code)
	}
	if target, ok := known[name]; ok && u.Fragment != "" && target.ids[u.Fragment] == 0 {
		return "has no such section"
	}
	return ""
}

// TestLinks: each link of each guide leads to a page, to a section that it has, to a picture or to a file of the
// repository.
func TestLinks(t *testing.T) {
	for _, why := range broken(t, ours(t), os.DirFS("../..")) {
		t.Error(why)
	}
}

// TestBrokenLinksAreFound: the check of the guides' links finds each kind of mistake.
func TestBrokenLinksAreFound(t *testing.T) {
	s := made(t, "docs/a.md", `# A

[b](b.md#two) [none](c.md) [section](b.md#three) [picture](pictures/x.png) [code](../main.go) [own](#nowhere) [site](https://example.com/x)

<a id="_nav">twice</a>
`, "docs/b.md", "# B\n\n## Two\n")
	got := broken(t, s, fstest.MapFS{"docs/README.md": {}, "docs/a.md": {}, "docs/b.md": {}})
	want := []string{
		"a: 2 elements have the ID _nav",
		"a: https://github.com/seed-b8174343/devserver/blob/v1.2.3/docs/c.md is no file of the repository",
		"a: b#three has no such section",
		"a: pictures/x.png answers 404",
		"a: https://github.com/seed-b8174343/devserver/blob/v1.2.3/main.go is no file of the repository",
		"a: #nowhere has no such section",
	}
	if !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestHTML: what Markdown becomes in a page.
func TestHTML(t *testing.T) {
	for _, tt := range []struct{ name, markdown, want string }{
		{"a heading has the ID of GitHub", "## Who is `signed` in?", `<h2 id="who-is-signed-in">Who is <code>signed</code> in?<a class="anchor" href="#who-is-signed-in"`},
		{"equal headings are numbered", "## One\n\n## One", `<h2 id="one-1">`},
		{"punctuation is dropped, each space is a dash", "## Plugins of a vite.config – a & b", `<h2 id="plugins-of-a-viteconfig--a--b">`},
		{"letters of all languages stay", "## Größe_2 и [link](b.md)", `<h2 id="größe_2-и-link">`},
		{"a table with flags", "| a |\n| --- |\n| `--no-vite-config` |\n", `<div class="table" tabindex="0">`},
		{"a table with messages", "| a |\n| --- |\n| `the Go code in devserver/ is not run, since` |\n", `<div class="table long" tabindex="0">`},
		{"a link to a guide", "[b](b.md#x) [all](README.md) [folder](../docs)", `<a href="b#x">b</a> <a href="./">all</a> <a href="./">folder</a>`},
		{"a link to a root file", "[r](../README.md#x)", `<a href="readme#x">`},
		{"a link to code", "[t](../server/x_test.go)", `<a href="https://github.com/seed-b8174343/devserver/blob/v1.2.3/server/x_test.go">`},
		{"a link elsewhere", "<https://example.com/a?b=1&c=2>", `<a href="https://example.com/a?b=1&amp;c=2">`},
		{"a picture in HTML", `<img src="pictures/x.png" alt="X">`, `<img width="640" height="480" src="pictures/x.png" alt="X">`},
		{"a picture with a size", `<img src="pictures/x.png" width="10">`, `<img src="pictures/x.png" width="10">`},
		{"a picture in Markdown", `![X](pictures/x.png)`, `height="480"`},
		{"an animation", `![Y](pictures/y.gif)`, `height="258"`},
		{"a source of a picture", `<picture><source srcset="pictures/x.png"></picture>`, `<source srcset="pictures/x.png">`},
		{"code in a file", "```go devserver/main.go\nfunc f() {}\n```", `<figcaption>devserver/main.go</figcaption><pre tabindex="0"><code><span class="code-word">func</span> f() {}`},
		{"a mark of tests is no file", "```go event\nx\n```", `<figure class="block"><pre tabindex="0"><code>x`},
		{"a heading without a text", "## One\n\n##\n\ntext", "<p>text</p>"},
		{"alignment without styles", "| a |\n| --: |\n| 1 |", `<td align="right">1</td>`},
		{"text is no HTML", "a `<script>` & b", `a <code>&lt;script&gt;</code> &amp; b`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := made(t, "README.md", "# Tool\n", "docs/a.md", tt.markdown, "docs/b.md", "# B\n", "docs/pictures/x.png", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x02\x80\x00\x00\x01\xe0",
				"docs/pictures/y.gif", "GIF89a\x80\x02\x02\x01"+strings.Repeat("\x00", 20))
			if got := get(t, s, "a"); !strings.Contains(got, tt.want) {
				_, got, _ = strings.Cut(got, "<article>")
				got, _, _ = strings.Cut(got, "</article>")
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestCode: the colours of code, and that nothing of it is lost.
func TestCode(t *testing.T) {
	for _, tt := range []struct{ lang, code, want string }{
		{"go", `x := "a // b" // "c"`, `x := [string "a // b"] [comment // "c"]`},
		{"go", "var s = `a\nb` + 'c'", "[word var] s = [string `a\nb`] + [string 'c']"},
		{"ts", "import x from 'y'; /* a\nb */ 0x1f", "[word import] x [word from] [string 'y']; [comment /* a\nb */] [number 0x1f]"},
		{"ts", "map.from(a1)", "map.from(a1)"},
		{"tsx", "<p>don't</p>", "<p>don't</p>"},
		{"json", `{"url": "http://x//y", "on": true} // why`, `{[string "url"]: [string "http://x//y"], [string "on"]: [word true]} [comment // why]`},
		{"sh", "cd app # go there\ncurl a#b", "[word cd] app [comment # go there]\ncurl a#b"},
		{"html", `<!-- c --><my-el class="a">it's "x"</my-el>`, `[comment <!-- c -->]<[word my-el] class=[string "a"]>it's "x"</[word my-el]>`},
		{"css", `a { content: "x"; top: 1px } /* c */`, `a { content: [string "x"]; top: [number 1px] } [comment /* c */]`},
		{"text", "if x // y", "if x // y"},
		{"go", "/* open", "[comment /* open\n]"},
	} {
		s := made(t, "docs/a.md", "```"+tt.lang+"\n"+tt.code+"\n```\n")
		_, block, _ := strings.Cut(get(t, s, "a"), "<code>")
		block, _, _ = strings.Cut(block, "</code>")
		for _, kind := range []string{"word", "string", "comment", "number"} {
			block = strings.ReplaceAll(block, `<span class="code-`+kind+`">`, "["+kind+" ")
		}
		if got := html.UnescapeString(strings.ReplaceAll(block, "</span>", "]")); strings.TrimSpace(got) != tt.want {
			t.Errorf("%s: %s\nbecomes %s\nwant    %s", tt.lang, tt.code, got, tt.want)
		}
	}
}

// TestIndex: the groups are the headings of the index with lists of links. A guide that is not listed is in the last
// group.
func TestIndex(t *testing.T) {
	s := made(t, "docs/README.md", `# Guides

See [plugins](plugins.md) in a text, which is no list.

## Start

- [The tool](../README.md): what it is.
- **[First steps](start.md)** – in a minute

## More words

1. [Plugins](plugins.md) and [again](start.md), [elsewhere](https://example.com)
- [config.md](config.md)

  As in [its schema](schema.md).
`, "README.md", "# Tool\n\nA *tool*\nfor tests.\n\nMore.\n", "docs/start.md", "# Start\n", "docs/plugins.md", "# P\n\nHooks in Go. And more.\n",
		"docs/config.md", "# All options\n", "docs/schema.md", "# Schema\n", "SECURITY.md", "# Safe\n", "docs/security.md", "# Safe\n")
	var names []string
	for _, p := range s.Pages() {
		names = append(names, p.Name)
	}
	if got := strings.Join(names, " "); got != "readme start plugins config security-policy schema security" {
		t.Error("the order is", got)
	}
	const want = `# devserver

> A tool for tests.

The guides of devserver 1.2.3. [All in one file](llms-full.txt)

## Start

- [The tool](readme.md): what it is.
- [First steps](start.md): in a minute

## More words

- [Plugins](plugins.md): and again, elsewhere
- [All options](config.md)

## More

- [Safe](security-policy.md)
- [Schema](schema.md)
- [security.md](security.md)
`
	if got := get(t, s, "llms.txt"); got != want {
		t.Errorf("llms.txt is\n%s", got)
	}
	if full := get(t, s, "llms-full.txt"); !strings.HasPrefix(full, "<!-- README.md -->\n\n# Tool\n") || !strings.Contains(full, "<!-- docs/security.md -->\n\n# Safe\n") {
		t.Errorf("llms-full.txt is\n%s", full)
	}
	for file, begins := range map[string]string{"start.md": "# Start", "readme.md": "# Tool", "README.md": "# Guides", "index.md": "# Guides", "security-policy.md": "# Safe"} {
		if got := get(t, s, file); !strings.HasPrefix(got, begins) {
			t.Errorf("%s begins with %.20q", file, got)
		}
	}
	start := get(t, s, "start")
	if !strings.Contains(start, `<a rel="prev" href="readme"><small>Previous</small> The tool</a>`) || !strings.Contains(start, `<a rel="next" href="plugins">`) ||
		!strings.Contains(start, `<a href="start" aria-current="page">First steps</a>`) {
		t.Errorf("the page does not show where it is: %s", start)
	}
}

// TestFiles: what makes no site says why.
func TestFiles(t *testing.T) {
	for want, files := range map[string]fstest.MapFS{
		"the guides have no index docs/README.md":                           {"docs/a.md": {}},
		"have the same name":                                                {"docs/README.md": {}, "docs/contributing.md": {}, "CONTRIBUTING.md": {}},
		`the guide docs/search.md has the name "search", which is reserved`: {"docs/README.md": {}, "docs/search.md": {}},
	} {
		if _, err := guides.New(guides.Options{Files: files}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
}

// TestSearch: a section with all words is found in any order, and the best is the first.
func TestSearch(t *testing.T) {
	s := made(t, "docs/README.md", "# Guides\n\n- [Events](events.md): proxy\n- [Proxy](proxy.md)\n",
		"docs/events.md", "# Events\n\nSend and handle.\n\n## Ask and wait\n\n`hot.request` waits for the answer of a handler. See the proxy.\n\n### Handle\n\nWith importMetaHot.\n",
		"docs/proxy.md", "# Proxy\n\nTo a backend.\n\n## ???\n\nsee-through\n\n## Sockets\n\nAnswer & "+strings.Repeat("word ", 100)+"handler at the end.\n")
	for _, tt := range []struct{ query, want string }{
		{"wait", "events#ask-and-wait"},
		{"WAIT ask", "events#ask-and-wait"},
		{"ask handler", "events#ask-and-wait"},
		{"hand", "events#handle events events#ask-and-wait proxy#sockets"},
		{"handler answer", "events#ask-and-wait proxy#sockets"},
		{"proxy", "proxy events#ask-and-wait ./"},
		{"proxy sockets", "proxy#sockets"},
		{"metahot", "events#handle"},
		{"request", "events#ask-and-wait"},
		{"hot.request", "events#ask-and-wait"},
		{"events handle", "events#handle events events#ask-and-wait"},
		{"wait sockets", ""},
		{"ask wait nowhere", "events#ask-and-wait"},
		{"ask proxy sockets", "proxy#sockets events#ask-and-wait"},
		{"ask nowhere zzz", ""},
		{"wait WAIT wait", "events#ask-and-wait"},
		{"see-through", "proxy"},
		{"zzz", ""},
		{" ", ""},
	} {
		var urls []string
		for _, h := range s.Search(tt.query, 9) {
			urls = append(urls, h.URL)
		}
		if got := strings.Join(urls, " "); got != tt.want {
			t.Errorf("%q finds %q, want %q", tt.query, got, tt.want)
		}
	}
	if got := len(s.Search("hand", 2)); got != 2 {
		t.Errorf("%d hits, want 2", got)
	}
	hit := s.Search("handler sockets", 1)[0]
	if got := strings.Join(hit.Title, "|"); got != "|Sockets|" {
		t.Errorf("the title is marked %q", got)
	}
	if got := strings.Join(hit.Snippet, "|"); !strings.HasPrefix(got, "… word ") || !strings.HasSuffix(got, " |handler| at the end.") {
		t.Errorf("the snippet is %q", got)
	}
}

// TestSearchFindsEachSection: whoever types the title of a section of our guides sees the section among the first.
func TestSearchFindsEachSection(t *testing.T) {
	s := ours(t)
	n := 0
	for _, p := range s.Pages() {
		for line := range strings.Lines(p.Markdown) {
			title, ok := strings.CutPrefix(line, "## ")
			if title = strings.TrimSpace(title); !ok || strings.ContainsAny(title, "`[<#") {
				continue
			}
			n++
			if !slices.ContainsFunc(s.Search(title, 8), func(h guides.Hit) bool { return h.Page == p && h.Title.String() == title }) {
				t.Errorf("%q does not find the section of %s", title, p.Name)
			}
		}
	}
	if n < 30 {
		t.Errorf("only %d sections were looked for", n)
	}
}

// TestHTTP: the headers and codes of the answers.
func TestHTTP(t *testing.T) {
	s := made(t, "docs/events.md", "# Events <b>\n", "docs/growth.svg", "<svg/>")
	for target, want := range map[string]string{
		"": "text/html; charset=utf-8", "events": "text/html; charset=utf-8", "events.md": "text/markdown; charset=utf-8", "llms.txt": "text/plain; charset=utf-8",
		"search?q=%3Cb%3E": "text/html; charset=utf-8", "search.json?q=events": "application/json", "guides.js": "text/javascript; charset=utf-8",
		"guides.css": "text/css; charset=utf-8", "tokens.css": "text/css; charset=utf-8", "theme.js": "text/javascript; charset=utf-8", "icons.svg": "image/svg+xml", "growth.svg": "image/svg+xml",
	} {
		w := serve(s, http.MethodGet, target)
		h := w.Header()
		if w.Code != http.StatusOK || h.Get("Content-Type") != want || h.Get("Cache-Control") != "no-cache" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%q answers %d with %v", target, w.Code, h)
		}
		if policy := h.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") && target != "growth.svg" && target != "icons.svg" {
			t.Errorf("the policy of %q is %q", target, policy)
		}
		head := serve(s, http.MethodHead, target)
		if head.Body.Len() > 0 || head.Header().Get("Content-Length") != fmt.Sprint(w.Body.Len()) {
			t.Errorf("HEAD of %q has %d bytes and says %s", target, head.Body.Len(), head.Header().Get("Content-Length"))
		}
		if again := serve(s, http.MethodGet, target, "If-None-Match", h.Get("ETag")); again.Code != http.StatusNotModified || h.Get("ETag") == "" {
			t.Errorf("%q again answers %d", target, again.Code)
		}
		for _, method := range []string{http.MethodPost, http.MethodDelete} {
			if w := serve(s, method, target); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s of %q answers %d", method, target, w.Code)
			}
		}
	}
	for target, want := range map[string]string{
		"evnts": "nearest are:</p>\n<ul>\n<li><a href=\"/docs/events\">", "x/y/events.html": "nearest are:</p>\n<ul>\n<li><a href=\"/docs/events\">", "zzz": "<h1>There is no guide “zzz”</h1>\n<p>The field", "%3Cimg%20src=x%3E": "&lt;img src=x&gt;",
		"go.mod": "404", "docs/events.md": "404", "..%2Fgo.mod": "404", "site": "404", "site/guides.js": "404", "guides.go": "404", "..": "404", "pictures/": "404",
	} {
		w := serve(s, http.MethodGet, target)
		if w.Code != http.StatusNotFound || want != "404" && !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), "<img") {
			t.Errorf("%q answers %d without %s:\n%s", target, w.Code, want, w.Body)
		}
	}
	// An answer does not grow with the slashes of an address, and a long name is compared with nothing.
	short, deep, long := serve(s, http.MethodGet, "a").Body.Len(), serve(s, http.MethodGet, strings.Repeat("/", 100)).Body.Len(), serve(s, http.MethodGet, strings.Repeat("/", 60_000))
	if deep > short+300 || long.Code != http.StatusNotFound || long.Body.Len() > 100 {
		t.Errorf("%d bytes for 1 letter, %d bytes for 100 slashes, %d bytes and code %d for 60,000 slashes", short, deep, long.Body.Len(), long.Code)
	}
	if got := get(t, s, "search?q="+strings.Repeat("é", 30_000)); strings.Count(got, "é") > 300 || strings.Contains(got, "\ufffd") {
		t.Errorf("the page of a long query has %d bytes", len(got))
	}
	if got := get(t, s, "search?q=%22%3Cb%3E"); strings.Contains(got, "<b>") || !strings.Contains(got, "“&#34;&lt;b&gt;”") {
		t.Errorf("the query is not escaped: %s", got)
	}
	if got := get(t, s, "search?q=events"); !strings.Contains(got, `<b><mark>Events</mark>`) {
		t.Errorf("the page of results is %s", got)
	}
	if got := get(t, s, "search.json?q=zzz"); got != "[]" {
		t.Errorf("nothing found is %s", got)
	}
	var hits []map[string]any
	if err := json.Unmarshal([]byte(get(t, s, "search.json?q=events")), &hits); err != nil || len(hits) != 1 || !slices.Equal(slices.Sorted(maps.Keys(hits[0])), []string{"guide", "snippet", "title", "url"}) {
		t.Errorf("the answer is %v, %v", hits, err)
	}
}

// counted counts how often a file is opened.
type counted struct {
	fs.FS
	name  string
	times *int
}

func (c counted) Open(name string) (fs.File, error) {
	if name == c.name {
		*c.times++
	}
	return c.FS.Open(name)
}

// TestMadeOnce: a page and a picture are made at their first request, and once.
func TestMadeOnce(t *testing.T) {
	opened := 0
	files := fstest.MapFS{"docs/README.md": {Data: []byte("# Guides\n\n![X](pictures/x.png)\n")}, "docs/pictures/x.png": {Data: []byte("PNG")}}
	s := newSite(t, guides.Options{Files: counted{files, "docs/pictures/x.png", &opened}})
	want := func(when string, times int) {
		t.Helper()
		if opened != times {
			t.Errorf("%s the picture was opened %d times, want %d", when, opened, times)
		}
	}
	want("before the first request", 0)
	get(t, s, "")
	get(t, s, "index")
	want("after two requests for its page", 1)
	get(t, s, "pictures/x.png")
	get(t, s, "pictures/x.png")
	want("after two requests for the picture", 2)
}

// TestVersion: a page says which version it belongs to. Only a released version has a tag.
func TestVersion(t *testing.T) {
	for version, at := range map[string]string{"1.2.3": "v1.2.3", "0.0.0-dev+c96c45c1a2b3": "main", "1.2.4-0.20261130063900-c96c45c1a2b3": "main", "unknown": "main"} {
		s := newSite(t, guides.Options{Files: fstest.MapFS{"docs/README.md": {Data: []byte("[x](../go.mod)")}}, Version: version})
		got := get(t, s, "")
		if !strings.Contains(got, "<span>devserver "+version+"</span>") || !strings.Contains(got, "/blob/"+at+"/go.mod") {
			t.Errorf("%s: %s", version, got)
		}
	}
	if strings.Contains(get(t, made(t), ""), ">Panel<") || !strings.Contains(get(t, ours(t), ""), `href="../">Panel<`) {
		t.Error("the link to the panel is where there is none, or is not where there is one")
	}
}

// TestNames: guides are found by their names and files. An unknown name has near names.
func TestNames(t *testing.T) {
	s := made(t, "README.md", "# Tool\n", "docs/events.md", "# Events\n\n## Ask\n\ntext\n\n### Deep\n\n## Other\n", "docs/hot-updates.md", "", "docs/panel.md", "", "docs/config.md", "")
	for name, want := range map[string]string{
		"events": "docs/events.md", "Events.md": "docs/events.md", "docs/events.md": "docs/events.md", "readme": "README.md", "README.md": "README.md",
		"docs/README.md": "docs/README.md", "index": "docs/README.md",
	} {
		if p := s.Page(name); p == nil || p.File != want {
			t.Errorf("%s is %+v", name, p)
		}
	}
	if s.Page("none") != nil {
		t.Error("there is a guide none")
	}
	if got := s.Nearest("updates"); got[0] != "hot-updates" {
		t.Error("near updates are", got)
	}
	if got := s.Nearest("confg"); got[0] != "config" {
		t.Error("near confg are", got)
	}
	if got := s.Nearest("zzzz"); len(got) > 0 {
		t.Error("near zzzz are", got)
	}
	p := s.Page("events")
	if text, ok := p.Section("ask"); !ok || text != "## Ask\n\ntext\n\n### Deep\n" {
		t.Errorf("the section is %q, %v", text, ok)
	}
	if _, ok := p.Section("nope"); ok {
		t.Error("there is a section nope")
	}
	if got := p.NearestSections("othr"); got[0] != "other" {
		t.Error("near othr are", got)
	}
}

// TestText: Markdown as text for a terminal.
func TestText(t *testing.T) {
	const markdown = "# A [guide](b.md)\n\nSome **bold** and `code` text that is longer than a line, with [a link](https://example.com/x).\nStill the same &amp; one\\*.\n\n" +
		"<picture>\n  <source srcset=\"x.png\">\n  <img src=\"y.png\" alt=\"two windows\">\n</picture>\n\n" +
		"## Lists\n\n- one\n- two, which needs more than one line of the terminal\n  - nested\n\n3. three\n4. four\n\n> quoted\n\n" +
		"| name | what it is |  n |\n| --- | --- | --: |\n| `a` | short |  1 |\n| bb | a text with many words in one cell | 22 |\n\n|  |  |\n| --- | --- |\n| no | heads |\n\n```go devserver/main.go\nif x {\n\ty()\n}\n```\n"
	const want = `A guide
═══════

Some bold and code text that is longer
than a line, with a link. Still the same
& one*.

[picture: two windows]

Lists

• one
• two, which needs more than one line of
  the terminal
  • nested

3. three
4. four

│ quoted

name  what it is                       n
────  ──────────────────────────────  ──
a     short                            1
────  ──────────────────────────────  ──
bb    a text with many words in one   22
      cell

no  heads

devserver/main.go:
    if x {
        y()
    }
`
	if got := guides.Text(markdown, 40, terminal.Paint{}); got != want {
		t.Errorf("the text is\n%s", got)
	}
	if got := guides.Text("# A `b`\n\n**c** d\n", 40, terminal.Paint{On: true}); got != "\x1b[1mA\x1b[0m \x1b[36mb\x1b[0m\n\x1b[1m═══\x1b[0m\n\n\x1b[1mc\x1b[0m d\n" {
		t.Errorf("in colour: %q", got)
	}
	for _, p := range ours(t).Pages() {
		text := guides.Text(p.Markdown, 80, terminal.Paint{})
		if strings.Contains(text, "<picture>") || strings.Contains(text, "](") && p.Name != "channels" && p.Name != "events" {
			t.Errorf("%s still has marks", p.Name)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		if _, err := guides.New(guides.Options{Files: devserver.Guides}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSearch(b *testing.B) {
	s, err := guides.New(guides.Options{Files: devserver.Guides})
	if err != nil {
		b.Fatal(err)
	}
	for name, query := range map[string]string{"words": "events handler", "letters": "e t a o i n s r h l d u"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s.Search(query, 20)
			}
		})
	}
}
