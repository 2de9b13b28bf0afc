package html_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	xhtml "golang.org/x/net/html"

	"github.com/seed-b8174343/devserver/internal/html"
)

const injected = `<script type="module" src="/@vite/client"></script>`

func rewrite(page string, tags ...html.Tag) html.Page {
	return html.Rewrite([]byte(page), html.Options{Path: "/index.html", Base: "/", Client: html.Client{URL: "/@vite/client"}, Tags: tags})
}

func TestClientComesFirst(t *testing.T) {
	for name, want := range map[string]string{
		"head":             "<!doctype html>\n<html lang=en>\n<head>|\n<meta charset=utf-8><script src=/a.js></script></head><body></body></html>",
		"no head":          "<!doctype html><html>|<body><script type=module src=/a.js></script></body></html>",
		"no html":          "<!doctype html>|<p>Hi</p>",
		"fragment":         "|<div id=app></div><script type=module src=./main.ts></script>",
		"byte order mark":  "\xef\xbb\xbf<!DOCTYPE html>|<title>x</title>",
		"comment in front": "|<!-- <head> --><p>",
		"CRLF":             "<!doctype html>\r\n<head >|\r\n</head>\r\n",
		"empty":            "|",
		"only text":        "|just text",
		"upper case":       "<!DOCTYPE HTML><HTML><HEAD>|<TITLE>x</TITLE></HEAD>",
	} {
		page := strings.Replace(want, "|", "", 1)
		if got := string(rewrite(page).HTML); got != strings.Replace(want, "|", injected, 1) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, strings.Replace(want, "|", injected, 1))
		}
	}
}

func TestScripts(t *testing.T) {
	page := rewrite(`<head>
<script>var classic = "</head>"</script>
<template><script type="module">never()</script></template>
</head>
<script type="module" src="/src/main.ts?x=1&amp;y=2"></script>
<script type="module" data-a='b'>
  import "./x"
</script>
<script TYPE="Module">two()</script>
<script type="module"></script>
<link rel="stylesheet" href="/a.css"><link rel="preload stylesheet" href="b.css"><link rel=icon href=c.ico>`)
	want := []html.Script{
		{Src: "/src/main.ts?x=1&y=2"},
		{Inline: true, Code: "\n  import \"./x\"\n", Index: 0, Line: 6},
		{Inline: true, Code: "two()", Index: 1, Line: 9},
	}
	if len(page.Scripts) != len(want) {
		t.Fatalf("scripts are %+v", page.Scripts)
	}
	for i := range want {
		if page.Scripts[i] != want[i] {
			t.Errorf("script %d is %+v, want %+v", i, page.Scripts[i], want[i])
		}
	}
	text := string(page.HTML)
	for _, part := range []string{
		`<script type="module" data-a='b' src="/index.html?html-proxy&amp;index=0.js"></script>`,
		`<script TYPE="Module" src="/index.html?html-proxy&amp;index=1.js"></script>`,
		`<template><script type="module">never()</script></template>`,
		`var classic = "</head>"`,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("the page lacks %q:\n%s", part, text)
		}
	}
	if got := strings.Join(page.Stylesheets, " "); got != "/a.css b.css" {
		t.Errorf("stylesheets are %q", got)
	}
}

func TestNonceIsTakenOver(t *testing.T) {
	page := rewrite(`<head><script nonce="a&quot;b" src=x.js></script></head>`)
	if want := `<script type="module" nonce="a&#34;b" src="/@vite/client">`; !strings.Contains(string(page.HTML), want) {
		t.Errorf("got %s", page.HTML)
	}
}

func TestTags(t *testing.T) {
	page := rewrite("<head><title>x</title></head><body><p></p></body>",
		html.Tag{Name: "meta", Attrs: map[string]string{"name": "a", "content": `"><script>`}},
		html.Tag{Name: "script", Text: "one()", Place: html.HeadPrepend},
		html.Tag{Name: "div", Place: html.Body},
		html.Tag{Name: "b", Place: html.BodyPrepend})
	want := "<head>" + injected + "<script>one()</script><title>x</title>" +
		`<meta content="&#34;&gt;&lt;script&gt;" name="a">` + "</head><body><b></b><p></p><div></div></body>"
	if string(page.HTML) != want {
		t.Errorf("got %s\nwant %s", page.HTML, want)
	}
}

// TestPlaces inserts a tag at each of the four places: 1 to 4. In pages that leave tags out, the places are where a
// parser starts and ends the head and the body. "+" is a <body> that has to be inserted, too.
func TestPlaces(t *testing.T) {
	for name, want := range map[string]string{
		"all tags":              "<html><head>1<title>x</title>2</head>\n<body class=a>3<p></p>4</body></html>",
		"no body":               "<!doctype html>1<title>x</title><script></script>\n2+3<p>Hi</p>\n4",
		"no body, text":         "<!doctype html>1<title>x</title> \n2+3Hi <p></p>4",
		"no body, only a head":  "<head>1<title>x</title>2</head>\n+34",
		"head elements behind":  "<head>12</head><link rel=icon>+3<p></p>4",
		"noscript in the head":  "<head>1<noscript><img><p>x</noscript><meta>2<body>3<div></div>4</body>",
		"noscript behind head":  "<head>12</head>+3<noscript><img></noscript>4",
		"template in the head":  "<head>1<template><p></p></template><meta>2</head><body>3</p>4</body>",
		"texts in the head":     "1<title><p></title><style>p {}</style><script>'<p>'</script>2+3<p></p>4",
		"empty module":          "1<script type=module></script><meta>2+3<p></p>4",
		"body without a head":   "<html>12<body>3<p></p>4</body>",
		"html end only":         "<html>1<title></title>2+3<p></p>4</html>\n",
		"head and body at ends": "<html>12<body>34</html>",
		"fragment":              "12+3<div id=app></div>4",
		"comments":              "<!-- a -->\n<!doctype html>1<!-- <body> -->\n<title></title><!-- b -->2+3<p><!-- c --></p>4",
		"doctype only":          "<!doctype html>12+34",
		"empty":                 "12+34",
		"only text":             "12+3text4",
		"byte order mark":       "\xef\xbb\xbf<!doctype html>1\n2+3<p></p>4",
		"late body tag":         "12+3<p></p><body class=a>4</body>",
		"late head tag":         "1<meta><head>2</head><body>34</body>",
		"body end in a comment": "<head>12</head><body>3<!-- </body> --><script>'</body>'</script>4</body>",
		"cut off":               "12+3<p></p>4<div class=",
		"svg title":             "12+3<svg><title>x</title></svg>4",
		"frames":                "<head>1<title></title>234</head><frameset><frame src=a></frameset></html>",
		"frames without head":   "<!doctype html>1234<frameset><noframes><body></body></noframes></frameset>",
	} {
		page := strings.NewReplacer("1", "", "2", "", "3", "", "4", "", "+", "").Replace(want)
		want := strings.NewReplacer("1", injected+`<meta id="1">`, "2", `<meta id="2">`, "3", `<meta id="3">`, "4", `<meta id="4">`, "+", "<body>").Replace(want)
		var tags []html.Tag
		for i, place := range []html.Place{html.HeadPrepend, html.Head, html.BodyPrepend, html.Body} {
			tags = append(tags, html.Tag{Name: "meta", Attrs: map[string]string{"id": strconv.Itoa(i + 1)}, Place: place})
		}
		got := string(rewrite(page, tags...).HTML)
		if got != want {
			t.Errorf("%s:\n got %q\nwant %q", name, got, want)
		}
		if strings.Contains(page, "<frameset>") {
			continue
		}
		doc, err := xhtml.Parse(strings.NewReader(strings.TrimPrefix(got, "\xef\xbb\xbf")))
		if err != nil {
			t.Fatal(err)
		}
		var parents []string
		for n := range doc.Descendants() {
			if n.Data == "meta" && len(n.Attr) > 0 {
				parents = append(parents, n.Attr[0].Val+" "+n.Parent.Data)
			}
		}
		if have := strings.Join(parents, ", "); have != "1 head, 2 head, 3 body, 4 body" {
			t.Errorf("%s: a parser puts %q of %q", name, have, got)
		}
	}
}

func FuzzRewrite(f *testing.F) {
	for _, seed := range []string{
		"<!doctype html><head></head>", "<script type=module>x</script>", "<script type=module",
		"<head><head></body></head>", "\x00<scr\x00ipt type=module>",
		"<template><template></template><script type=module>a</script>", "<script type=module/>x</script>", "<!--",
		"<svg><script type=module>x</script></svg>", "<img src=/a.png srcset='/a 1x, b 2x'>", "<img src = '/a&amp;b' x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, page string) {
		out := rewrite(page)
		if strings.Count(string(out.HTML), injected) < 1 {
			t.Fatalf("the client is missing in %q", out.HTML)
		}
		inline := false
		for _, s := range out.Scripts {
			inline = inline || s.Inline
		}
		if !inline && strings.Replace(string(out.HTML), injected, "", 1) != page {
			t.Fatalf("a page without inline modules was changed:\n%q\n%q", page, out.HTML)
		}
		once := html.Rewrite([]byte(page), html.Options{Path: "/a/index.html", Base: "/app/", Dir: "/a"}).HTML
		if twice := html.Rewrite(once, html.Options{Path: "/a/index.html", Base: "/app/"}).HTML; !inline && string(once) != string(twice) {
			t.Fatalf("the base is put in twice:\n%q\n%q", once, twice)
		}
	})
}

func TestURLs(t *testing.T) {
	for _, c := range []struct{ base, dir, page, want string }{
		{"/app/", "", `<img src="/a.png">`, `<img src="/app/a.png">`},
		{"/app/", "", `<IMG ALT='/x' SRC = /a.png srcset="/a.png 1x, b.png 2x, /app/c.png 3x">`, `<IMG ALT='/x' SRC = /app/a.png srcset="/app/a.png 1x, b.png 2x, /app/c.png 3x">`},
		{"/app/", "", `<a href="/x"><link href='/a&amp;b.css'><script src=/main.js></script><img src="//cdn/x"><img src="data:,/">`, `<a href="/x"><link href='/app/a&amp;b.css'><script src=/app/main.js></script><img src="//cdn/x"><img src="data:,/">`},
		{"/app/", "", `<img src="/app/a.png"><img src="a.png"><img src=""><img src><svg><use href="#i"/><use xlink:href="/s.svg#i"/></svg>`, `<img src="/app/a.png"><img src="a.png"><img src=""><img src><svg><use href="#i"/><use xlink:href="/app/s.svg#i"/></svg>`},
		{"/app/", "", `<template><img src="/a.png"></template><!-- <img src="/a.png"> --><script>"<img src='/a.png'>"</script>`, `<template><img src="/app/a.png"></template><!-- <img src="/a.png"> --><script>"<img src='/a.png'>"</script>`},
		{"/app/", "", `<meta property="og:image" content="/a.png"><meta name=description content="/a.png"><meta content=/a.png name=Twitter:Image>`, `<meta property="og:image" content="/app/a.png"><meta name=description content="/a.png"><meta content=/app/a.png name=Twitter:Image>`},
		{"/app/", "", `<img vite-ignore src="/a.png"><img src=/a.png vite-ignore><img src="/a.png" vite-ignore="x" alt>`, `<img  src="/a.png"><img src=/a.png ><img src="/a.png"  alt>`},
		{"/", "", `<img src="/a.png"><img src="./a.png">`, `<img src="/a.png"><img src="./a.png">`},
		{"/", "/", `<img src="/a.png"><img src="./a.png?x=1#y"><img src="../b.png"><img src="https://x/y"><video poster=p.png>`, `<img src="/a.png"><img src="/a.png?x=1#y"><img src="/b.png"><img src="https://x/y"><video poster=/p.png>`},
		{"/", "/100% #1", `<img src="a%20b.png">`, `<img src="/100%25%20%231/a%20b.png">`},
		{"/app/", "/about", `<script type="module" src="./main.js"></script>`, `<script type="module" src="/app/about/main.js"></script>`},
		{"/app/", "/about", `<script>import("./a.js"), import("/b.js"), import("mapped")</script>`, `<script>import("/app/about/a.js"), import("/app/b.js"), import("mapped")</script>`},
	} {
		opts := html.Options{Path: "/index.html", Base: c.base, Dir: c.dir, Imports: func(code string) (spans [][2]int) {
			for _, at := range imported.FindAllStringSubmatchIndex(code, -1) {
				spans = append(spans, [2]int{at[2], at[3]})
			}
			return spans
		}}
		if got := string(html.Rewrite([]byte(c.page), opts).HTML); got != c.want {
			t.Errorf("base %s, dir %q: %s\n got %s\nwant %s", c.base, c.dir, c.page, got, c.want)
		}
	}
}

var imported = regexp.MustCompile(`import\("([^"]*)"\)`)

// TestInlineScriptOfAnOddPage: the URL of an inline script has the page's path escaped.
func TestInlineScriptOfAnOddPage(t *testing.T) {
	out := html.Rewrite([]byte(`<script type="module">a()</script>`), html.Options{Path: "/sub dir/100%#.html", Base: "/app/"}).HTML
	if want := `<script type="module" src="/app/sub%20dir/100%25%23.html?html-proxy&amp;index=0.js"></script>`; string(out) != want {
		t.Errorf("got %s", out)
	}
}

// TestStyles: stylesheets and the attribute style are handed over with their line, and what comes back cannot end them.
func TestStyles(t *testing.T) {
	var seen []string
	o := html.Options{Path: "/index.html", Base: "/", Style: func(css string, line int, attribute bool) string {
		seen = append(seen, fmt.Sprintf("%d %v %s", line, attribute, css))
		return strings.ReplaceAll(css, "url(a)", `url("b</style>")`)
	}}
	page := `<p style="x: url(a)">
<p class=x
 style='y: url(&quot;c&quot;)' alt="url(">
<p style="z: red">
<style>url(a)</style><style type="text/css"></style>
<style type="text/x">url(a)</style>
<template><style>url(a)</style></template><noscript><style>url(a)</style></noscript>
<svg><style>p{}</style></svg><script>"<style>url(a)</style>"</script>`
	want := `<p style="x: url(&#34;b&lt;/style&gt;&#34;)">
<p class=x
 style='y: url(&quot;c&quot;)' alt="url(">
<p style="z: red">
<style>url("b<\/style>")</style><style type="text/css"></style>
<style type="text/x">url(a)</style>
<template><style>url("b<\/style>")</style></template><noscript><style>url(a)</style></noscript>
<svg><style>p{}</style></svg><script>"<style>url(a)</style>"</script>`
	if got := string(html.Rewrite([]byte(page), o).HTML); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if want := []string{"1 true x: url(a)", `3 true y: url("c")`, "5 false url(a)", "7 false url(a)", "8 false p{}"}; !slices.Equal(seen, want) {
		t.Errorf("saw %q, want %q", seen, want)
	}
}
