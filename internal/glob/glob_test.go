package glob_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/glob"
)

// files are the paths that the patterns of TestMatch choose from.
var files = strings.Fields(`
	a.js b.js c.js ab.js aab.js A.js ä.js 1.js 2.js 10.js 01.js a.test.js a.ts a.txt
	.hid.js .js .dir/a.js @a.js +a.js +page.js a+b.js $a.js
	x/a.js x/b.js x/y/a.js x/.dir/a.js x/y/z/b.js
	[id]/p.js [...slug]/p.js i/p.js (app)/p.js app/p.js {y}/p.js y/p.js`)

// TestMatch: the rows without a remark were compared with Vite's matcher, picomatch 4 without extglobs.
func TestMatch(t *testing.T) {
	for _, c := range []struct{ pattern, want string }{
		{"a.js", "a.js"},
		{"?.js", "a.js b.js c.js A.js ä.js 1.js 2.js"},
		{"a*.js", "a.js ab.js aab.js a.test.js a+b.js"},
		{"*.txt", "a.txt"},
		{"*a.js", "a.js @a.js +a.js $a.js"},
		{"**.txt", "a.txt"},
		{"***.txt", "a.txt"},
		{"x/*", "x/a.js x/b.js"},
		{"x/**", "x/a.js x/b.js x/y/a.js x/y/z/b.js"},
		{"x/**/b.js", "x/b.js x/y/z/b.js"},
		{"x/**/**/b.js", "x/b.js x/y/z/b.js"},
		{"**/y/**/b.js", "x/y/z/b.js"},
		{"*/*/*.js", "x/y/a.js"},
		{"**/z/*", "x/y/z/b.js"},
		{".*", ".hid.js .js"},
		{".dir/*", ".dir/a.js"},
		{"x/*/a.js", "x/y/a.js"},
		// Classes.
		{"[ab].js", "a.js b.js"},
		{"[!ab].js", "c.js A.js ä.js 1.js 2.js"},
		{"[^a-zä].js", "A.js 1.js 2.js"},
		{"[a-c].js", "a.js b.js c.js"},
		{"[[:digit:]].js", "1.js 2.js"},
		{"[[:alpha:]]*.txt", "a.txt"},
		{"[[:upper:][:digit:]].js", "A.js 1.js 2.js"},
		{"a.[jt]s", "a.js a.ts"},
		{"[a-b", ""},
		// Braces.
		{"{a,b}.js", "a.js b.js"},
		{"{{a,b},c}.js", "a.js b.js c.js"},
		{"a{,b}.js", "a.js ab.js"},
		{"{a,x/a}.js", "a.js x/a.js"},
		{"a.{js,t{s,xt}}", "a.js a.ts a.txt"},
		{"{a}.js", ""},
		{"{1..2}.js", "1.js 2.js"},
		{"{a..c}.js", "a.js b.js c.js"},
		{"{c..a}.js", "a.js b.js c.js"},
		{"{9..11}.js", "10.js"},         // picomatch makes the class [11-9]
		{"{1..3..2}.js", "1.js"},        // picomatch ignores the step
		{"{00..2}.js", "01.js"},         // as in a shell
		{"{2..10..4}.js", "2.js 10.js"}, // as in a shell
		// Groups.
		{"(a|b).js", "a.js b.js"},
		{"((a|b)|c).js", "a.js b.js c.js"},
		{"(a|x/a).js", "a.js x/a.js"},
		{"a(b)?.js", "a.js ab.js"},
		{"(a)+b.js", "ab.js aab.js"},
		{"([ab]|c).js", "a.js b.js c.js"},
		{"(a*|b).txt", "a.txt"},
		{"a.(js|txt)", "a.js a.txt"},
		{"(?!a)[a-c].js", "b.js c.js"},
		{"a(?=b)*.js", "ab.js"},
		// Extglobs, which Vite 8 does not know, and picomatch with extglobs does.
		{"@(a|b).js", "a.js b.js @a.js"},
		{"?(a)b.js", "b.js ab.js aab.js"},
		{"*(a).js", ".js a.js aa.js @a.js +a.js $a.js"},
		{"+(a|b).js", "a.js b.js ab.js aab.js +a.js"},
		{"!(c|1*|2|A|ä).js", "a.js b.js ab.js aab.js 01.js a.test.js @a.js +a.js +page.js a+b.js $a.js"},
		{"a!(*.test).js", "a.js ab.js aab.js a+b.js"},
		{"x/!(a).js", "x/b.js"},
		{"@(a|x/a).js", "a.js x/a.js"},
		{"!(*.js)", "a.ts a.txt"},
		// Names that look like patterns.
		{"[id]/*.js", "[id]/p.js i/p.js"},
		{`\[id\]/*.js`, "[id]/p.js"},
		{"[...slug]/*.js", "[...slug]/p.js"}, // Vite finds nothing
		{`\[...slug\]/*.js`, "[...slug]/p.js"},
		{"(app)/p.js", "(app)/p.js app/p.js"},
		{"(app)/*.js", "(app)/p.js app/p.js"}, // Vite finds only app
		{`\(app\)/*.js`, "(app)/p.js"},
		{"{y}/*.js", "{y}/p.js"}, // Vite finds nothing
		{`\{y\}/*.js`, "{y}/p.js"},
		{"+(page|layout).js", "+page.js"},
		{"$a.js", "$a.js"},
		{"a+b.js", "a+b.js"},
	} {
		p, err := glob.Compile(c.pattern, glob.Options{})
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		got := slices.DeleteFunc(slices.Clone(files), func(f string) bool { return !p.Match(f) })
		slices.Sort(got)
		want := slices.DeleteFunc(strings.Fields(c.want), func(f string) bool { return !slices.Contains(files, f) })
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Errorf("%s matches %q, want %q", c.pattern, got, want)
		}
		for _, f := range got {
			for i := range f {
				if f[i] == '/' && !p.MayMatchBelow(f[:i]) {
					t.Errorf("%s matches %s, and nothing in %s", c.pattern, f, f[:i])
				}
			}
		}
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		o             glob.Options
		pattern, path string
		want          bool
	}{
		{glob.Options{}, "/r/*/x.js", "/r/.x/x.js", false},
		{glob.Options{}, "/r/.x/**", "/r/.x/x.js", true},
		{glob.Options{}, "/r/**", "/r/.x", false},
		{glob.Options{}, "/r/?x", "/r/.x", false},
		{glob.Options{}, "/r/[.]x", "/r/.x", false},
		{glob.Options{Dot: true}, "/r/*/x.js", "/r/.x/x.js", true},
		{glob.Options{Dot: true}, "/r/**", "/r/.x", true},
		{glob.Options{Dot: true}, "/r/!(a)", "/r/.x", true},
		{glob.Options{}, "/r/A*", "/r/ab", false},
		{glob.Options{FoldCase: true}, "/r/A*", "/r/ab", true},
		{glob.Options{FoldCase: true}, "/r/[A-C]b", "/r/cB", true},
		{glob.Options{FoldCase: true}, "/r/[ÄB]b", "/r/äB", true},
		{glob.Options{FoldCase: true}, "/R/Ä.JS", "/r/ä.js", true},
		{glob.Options{FoldCase: true}, "/r/(A|B)[ID]", "/r/b[id]", true},
	} {
		p, err := glob.Compile(c.pattern, c.o)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Match(c.path); got != c.want {
			t.Errorf("%s with %+v matches %s: %t", c.pattern, c.o, c.path, got)
		}
	}
}

func TestFolders(t *testing.T) {
	for _, c := range []struct {
		pattern, base string
		below, not    []string
	}{
		{"/r/x/*.js", "/r/x", []string{"/r", "/r/x"}, []string{"/r/y", "/r/x/y", "/s"}},
		{"/r/x/a.js", "/r/x", []string{"/r/x"}, []string{"/r/x/a.js"}},
		{"/r/x/**/*.js", "/r/x", []string{"/r/x/y/z"}, []string{"/r/y", "/r/x/.y"}},
		{"/r/x/**", "/r/x", []string{"/r/x/y"}, []string{"/r/x/.y"}},
		{"/r/{x,x/y}/*.js", "/r/x", []string{"/r/x", "/r/x/y"}, []string{"/r/x/z", "/r/y"}},
		{"/r/{x,y}/*.js", "/r", []string{"/r/x", "/r/y"}, []string{"/r/z"}},
		{"/{r,s}/*.js", "/", []string{"/r", "/s"}, []string{"/t"}},
		{`/r/\[id\]/*.js`, "/r/[id]", []string{"/r/[id]"}, []string{"/r/i"}},
		{"/r/[id]/*.js", "/r", []string{"/r/[id]", "/r/i"}, []string{"/r/id"}},
		{"/*.js", "/", []string{""}, []string{"/r"}},
		{"/R/*.js", "/R", []string{"/R"}, nil},
	} {
		p, err := glob.Compile(c.pattern, glob.Options{FoldCase: c.not == nil})
		if err != nil {
			t.Fatal(err)
		}
		if p.Base() != c.base {
			t.Errorf("%s lies in %q, want %q", c.pattern, p.Base(), c.base)
		}
		for _, dir := range c.below {
			if !p.MayMatchBelow(dir) {
				t.Errorf("%s matches nothing in %s", c.pattern, dir)
			}
		}
		for _, dir := range c.not {
			if p.MayMatchBelow(dir) {
				t.Errorf("%s matches something in %s", c.pattern, dir)
			}
		}
	}
}

func TestEscape(t *testing.T) {
	name := `/a*b?[c]{d,e}(f|g)!h+(i)@(j)\k$.js`
	p, err := glob.Compile(glob.Escape(name), glob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !p.Match(name) || p.Match(strings.Replace(name, "*", "x", 1)) || glob.IsPlain(name) {
		t.Error("the escaped name matches wrong")
	}
}

func TestErrors(t *testing.T) {
	for pattern, want := range map[string]string{
		"a/+(b/c)/d": "+(b/c) has a slash in it, which only (…), @(…) and {…} may have",
		"!(b/c)":     "!(b/c) has a slash in it, which only (…), @(…) and {…} may have",
		"(b/c)?":     "(b/c)? has a slash in it, which only (…), @(…) and {…} may have",
		"(?!b/c)*":   "(?!b/c) has a slash in it, which only (…), @(…) and {…} may have",
		strings.Repeat("@(", 9) + strings.Repeat(")", 9): "more than 8 brackets lie in each other",
		strings.Repeat("(", 9):                           "more than 8 brackets lie in each other",
		strings.Repeat("[[:", 9):                         "more than 8 brackets lie in each other",
		strings.Repeat("a", 65_537):                      "it is longer than 65536 characters",
		"{1..99999999}.js":                               "it stands for more than 10000 patterns",
		strings.Repeat("{a,b}", 40):                      "it stands for more than 10000 patterns",
	} {
		if _, err := glob.Compile(pattern, glob.Options{}); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", pattern, err, want)
		}
	}
	for pattern, want := range map[string]bool{"a[b": true, "a{b": true, "a(b": true, "({a)b": true, `a\(b\[`: false, "a[(]{b}": false, "a]b)": false} {
		if _, err := glob.Compile(pattern, glob.Options{Closed: true}); (err != nil) != want {
			t.Errorf("%s with Closed: got %v", pattern, err)
		}
		if _, err := glob.Compile(pattern, glob.Options{}); err != nil {
			t.Errorf("%s: got %v", pattern, err)
		}
	}
}

// FuzzPattern: any pattern compiles or is refused, and matches or not.
func FuzzPattern(f *testing.F) {
	for _, pattern := range []string{"**/*.{a,b}", "+(a|!(b))", "[[:alpha:]-]", "{1..3}", `\`, "(?!a)", "*(*(*(*(a))))"} {
		f.Add(pattern, "x/aaaaaaaaaaaaaaaaaaaaaaaaaaaaab")
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		p, err := glob.Compile(pattern, glob.Options{})
		if err != nil {
			return
		}
		p.Match(path)
		p.MayMatchBelow(path)
		p.Base()
		if p, err = glob.Compile(glob.Escape(path), glob.Options{}); err != nil || !p.Match(path) {
			t.Errorf("%q does not match itself: %v", path, err)
		}
	})
}
