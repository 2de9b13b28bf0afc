package transform_test

import (
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/transform"
)

// TestRewriteAddresses writes each address in angle brackets, with what is known of it.
func TestRewriteAddresses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ rule, css, want string }{
		{"a string", `a { b: url("x.png") }`, `a { b: url("<x.png>") }`},
		{"spaces", "a { b: url(  'x.png'\n) }", "a { b: url(  '<x.png>'\n) }"},
		{"no quotes", `a{b:url( x.png )}`, `a{b:url( <x.png> )}`},
		{"any case", `a{b:URL(x)}`, `a{b:URL(<x>)}`},
		{"more than one", `a{b:url(x),url("y")}`, `a{b:url(<x>),url("<y>")}`},
		{"an at sign in a name", `a{b:url(x@2x.png)}`, `a{b:url(<x@2x.png>)}`},
		{"fragment and query", `a{b:url(x.svg?a#b)}`, `a{b:url(<x.svg?a#b>)}`},
		{"data with quotes", `a{b:url("data:x,<svg xmlns='y'/>")}`, `a{b:url("<data:x,<svg xmlns='y'/>>")}`},
		{"escapes", `a{b:url(a\ b\).png)}`, `a{b:url("<a b).png>")}`},
		{"an escape by number", `a{b:url("\66 oo")}`, `a{b:url("<foo>")}`},
		{"another name", `a{b:my-url(x) curl(x)}`, ``},
		{"a comment", `/* url(x) */ a{b:url(y)}`, `/* url(x) */ a{b:url(<y>)}`},
		{"a string that looks like it", `a{b:"url(x)" url(y)}`, `a{b:"url(x)" url(<y>)}`},
		{"a broken string ends with the line", "a{b:\"x\n;c:url(y)}", "a{b:\"x\n;c:url(<y>)}"},
		{"a broken url", `a{b:url(x`, ``},
		{"variables of CSS", `a{b:url(var(--x))}`, ``},
		{"image-set", `a{b:image-set("x" 1x, url(y) 2x, 'z' type("image/png"))}`,
			`a{b:image-set(url("<x string>") 1x, url(<y>) 2x, url('<z string>') type("image/png"))}`},
		{"image-set in a function", `a{b:cross-fade(-webkit-image-set("x" 1x), "y")}`, `a{b:cross-fade(-webkit-image-set(url("<x string>") 1x), "y")}`},
		{"imports", `@import "x"; @import url(y) layer(a); @import 'z' screen;`, `@import "<x import>"; @import url("<y import>") layer(a); @import '<z import>' screen;`},
		{"slashes are no comment", `a{b:c //d url(x)}`, `a{b:c //d url(<x>)}`},
		{"a dollar in a name", `a{b:url(x$y)}`, `a{b:url(<x$y>)}`},
	} {
		rewritten(t, false, c.rule, c.css, c.want)
	}
	for _, c := range []struct{ rule, css, want string }{
		{"a line comment", "// url(x)\na{b:url(y)}", "// url(x)\na{b:url(<y>)}"},
		{"an address is no comment", `a{b:url(http://x) url(//y)}`, `a{b:url(<http://x>) url(<//y>)}`},
		{"a variable of Sass", `a{b:url($x)}`, ``},
		{"a sum of Sass", `a{b:url($x + "y") url("x" + $y) url("z")}`, `a{b:url($x + "y") url("x" + $y) url("<z>")}`},
		{"interpolation of Sass", `a{b:url("x/#{$y}.png") url(x/#{f("(")}.png)}`, `a{b:url("<x/#{$y}.png partly>") url(<x/#{f("(")}.png partly>)}`},
		{"a string in interpolation", `a{b:"#{f("x")} url(y)" url(z)}`, `a{b:"#{f("x")} url(y)" url(<z>)}`},
		{"a variable of Sass holds an address", `$a: url("x");`, `$a: url("<x>");`},
		{"many imports", `@import "a", 'b', url(c);`, `@import "<a import>", '<b import>', url("<c import>");`},
		{"imports with options of Less", `@import (reference) "a";`, ``},
		{"a variable of Less", `a{b:url(@x) url("@{y}/z") url(x@{y})}`, `a{b:url(@x) url("<@{y}/z partly>") url(<x@{y} partly>)}`},
		{"an escaped string of Less", `a{b:~"url(x) 2x"; c:"url(x)"}`, `a{b:~"url(<x>) 2x"; c:"url(x)"}`},
		{"data-uri", `a{b:data-uri("x.png") data-uri('image/svg+xml', 'y.svg')}`,
			`a{b:data-uri("<x.png language>") data-uri('image/svg+xml', '<y.svg language>')}`},
	} {
		rewritten(t, true, c.rule, c.css, c.want)
	}
}

func rewritten(t *testing.T, language bool, rule, css, want string) {
	t.Helper()
	got := transform.RewriteAddresses(css, language, func(a transform.StyleAddress) (string, bool) {
		text := "<" + a.Text
		for _, flag := range []struct {
			name string
			set  bool
		}{{"import", a.Import}, {"language", a.Language}, {"string", a.String}, {"partly", a.Partly}} {
			if flag.set {
				text += " " + flag.name
			}
		}
		return text + ">", true
	})
	if want == "" {
		want = css
	}
	if got != want {
		t.Errorf("%s: %s becomes\n%s\nwant\n%s", rule, css, got, want)
	}
	if same := transform.RewriteAddresses(css, language, func(transform.StyleAddress) (string, bool) { return "", false }); same != css {
		t.Errorf("%s: %s becomes %s, although all addresses stay", rule, css, same)
	}
}

// TestManyOpenAddresses: url() that nothing closes is read once. It took minutes.
func TestManyOpenAddresses(t *testing.T) {
	text := strings.Repeat("url(", 250_000)
	if got := transform.RewriteAddresses(text, true, func(transform.StyleAddress) (string, bool) { return "x", true }); got != text {
		t.Error("the text was changed")
	}
}
