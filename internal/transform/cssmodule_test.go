package transform_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/transform"
)

// module compiles a CSS module of a folder. Names get the ending _x, and the names of other files _ and the file.
func module(t *testing.T, files map[string]string, name string) (*transform.CSSOutput, []transform.Error) {
	t.Helper()
	in := styleInput(folder(t, files), name, files[name])
	in.Names.Pattern = "[local]_x"
	return transform.CompileCSS(in)
}

var spaces = regexp.MustCompile(`\s+`)

func exportList(out *transform.CSSOutput) string {
	var b strings.Builder
	for _, e := range out.Exports {
		fmt.Fprintf(&b, "%s=%s; ", e.Name, e.Value)
	}
	return strings.TrimSuffix(b.String(), "; ")
}

// TestLocalNames: the stylesheet and the exports are those of postcss-modules 9, except where a comment says so.
func TestLocalNames(t *testing.T) {
	for _, c := range []struct{ css, want, exports string }{
		{".a #b:hover > .a + div.c ~ [class='x.y'] {}", ".a_x #b_x:hover > .a_x + div.c_x ~ [class='x.y'] {}", "a=a_x; b=b_x; c=c_x"},
		{":global(.a) .b {} .c:global(.d):hover .e {}", ".a .b_x {} .c_x.d:hover .e_x {}", "b=b_x; c=c_x; e=e_x"},
		{":global .a .b {} .c :global .d :local .e {}", ".a .b {} .c_x .d .e_x {}", "c=c_x; e=e_x"},
		{".a:global.b {} .c :global .d, .e {}", ".a_x.b {} .c_x .d, .e_x {}", "a=a_x; c=c_x; e=e_x"},
		{":local(.a .b) > .c {} :local .d {}", ".a_x .b_x > .c_x {} .d_x {}", "a=a_x; b=b_x; c=c_x; d=d_x"},
		{":is(.a, :global(.b)):not(.c):has(> #d):nth-child(2n+1 of .e) {}", ":is(.a_x, .b):not(.c_x):has(> #d_x):nth-child(2n+1 of .e_x) {}", "a=a_x; c=c_x; d=d_x; e=e_x"},
		{"::slotted(.a) {} :host(.b) {} .c::part(p) {} .d::before {}", "::slotted(.a_x) {} :host(.b_x) {} .c_x::part(p) {} .d_x::before {}", "a=a_x; b=b_x; c=c_x; d=d_x"},
		{".a { &.b {} .c & {} > .d {} &-e {} @media print { .f {} } }", ".a_x { &.b_x {} .c_x & {} > .d_x {} &-e {} @media print { .f_x {} } }", "a=a_x; b=b_x; c=c_x; d=d_x; f=f_x"},
		{"@scope (.a) to (:global(.b)) { .c {} :scope {} }", "@scope (.a_x) to (.b) { .c_x {} :scope {} }", "a=a_x; c=c_x"},
		{".größe {} .a\\:b {} .\\31 2 .c {}", ".größe_x {} .a--b_x {} ._-31-2_x .c_x {}", "größe=größe_x; a:b=a--b_x; 12=_-31-2_x; c=c_x"},
		{"/* .a */ .b { content: '.c'; --x: { .d {} }; background: u.v }", "/* .a */ .b_x { content: '.c'; --x: { .d {} }; background: u.v }", "b=b_x"},
		// Names that stay: of containers, counters, layers, grid areas, transitions, properties.
		{"@container box (width > 1px) { .a { container: box; grid-area: main; view-transition-name: v } }", "@container box (width > 1px) { .a_x { container: box; grid-area: main; view-transition-name: v } }", "a=a_x"},
		{"@counter-style stars {} @property --p {} @layer a, b; @layer a { .c { list-style: stars } }", "@counter-style stars {} @property --p {} @layer a, b; @layer a { .c_x { list-style: stars } }", "c=c_x"},
		{"@supports selector(.a) { .b {} }", "@supports selector(.a) { .b_x {} }", "b=b_x"},
		// Animations.
		{"@keyframes k { 50.5% { top: 0 } } .a { animation: k 1s linear, m .5s ease-in both }", "@keyframes k_x { 50.5% { top: 0 } } .a_x { animation: k_x 1s linear, m_x .5s ease-in both }", "k=k_x; a=a_x; m=m_x"},
		{".a { animation: ease 1s ease; animation-name: none, inherit }", ".a_x { animation: ease 1s ease_x; animation-name: none, inherit }", "a=a_x; ease=ease_x"},
		{".a { animation: var(--k) 1s steps(2, start) n !important; --my-animation: o 1s }", ".a_x { animation: var(--k) 1s steps(2, start) n_x !important; --my-animation: o_x 1s }", "a=a_x; n=n_x; o=o_x"},
		{"@keyframes :global(g) {} @keyframes :local(l) {} .a { animation: global(g) 1s, local(l) 1s }", "@keyframes g {} @keyframes l_x {} .a_x { animation: g 1s, l_x 1s }", "l=l_x; a=a_x"},
		{":global .a { animation: g 1s } @-webkit-keyframes k {}", ".a { animation: g 1s } @-webkit-keyframes k_x {}", "k=k_x"},
		// postcss-modules breaks these: it drops the rules, or writes selectors that match nothing.
		{":global { .a { top: 0 } .b {} }", " .a { top: 0 } .b {} ", ""},
		{".a { :global { .b {} } }", ".a_x { .b {} }", "a=a_x"},
		{":global { @keyframes k {} .a { animation: k; :local { animation: m; .b {} } } }", " @keyframes k {} .a { animation: k; animation: m_x; .b_x {} } ", "m=m_x; b=b_x"},
		{":global() .a {}", ".a {}", ""},
		{":global(.a, .b) .c {}", ":is(.a, .b) .c_x {}", "c=c_x"},
		{"@keyframes 'k' {} .a { animation: 'k' 1s, :global(g) 1s }", "@keyframes k_x {} .a_x { animation: k_x 1s, g 1s }", "k=k_x; a=a_x"},
		{"::view-transition-group(.a) {} .b { view-transition-class: a }", "::view-transition-group(.a) {} .b_x { view-transition-class: a }", "b=b_x"},
		// Values.
		{"@value c: red; @value w 1px;@value b: c, w; .a { color: c; width: calc(w + 1px); --w: w }", "  .a_x { color: red; width: calc(1px + 1px); --w: 1px }", "c=red; w=1px; b=red, 1px; a=a_x"},
		{"@value small: (max-width: 9px); @media small and (color) { .a {} }", " @media (max-width: 9px) and (color) { .a_x {} }", "small=(max-width: 9px); a=a_x"},
		{"@value s: title; .s:hover .s-b {}", " .title_x:hover .s-b_x {}", "s=title; title=title_x; s-b=s-b_x"},
		{"@value c: red; @media print { @value d: c; } .a { color: d }", " @media print { } .a_x { color: red }", "c=red; d=red; a=a_x"},
		{":export { Big-Name: 1px; list: a, 'b;c'; \n n: 0.5em /* no */ } .a {}", " \n .a_x {}", "Big-Name=1px; list=a, 'b;c'; n=0.5em; a=a_x"},
		{"@value c: red; .a { content: 'c' } .c-d { color: c-d }", " .a_x { content: 'c' } .c-d_x { color: c-d }", "c=red; a=a_x; c-d=c-d_x"}, // a text is no name
		// Composition.
		{".b {} .a, .c { composes: b g from global; composes: b }", ".b_x {} .a_x, .c_x { }", "b=b_x; a=a_x b g b_x; c=c_x b g b_x"},
		{"@media print { .b {} .a { composes: b; top: 0 } }", "@media print { .b_x {} .a_x { top: 0 } }", "b=b_x; a=a_x b_x"},
		{":local(.a) { composes: b } .b { composes: a }", ".a_x { } .b_x { }", "a=a_x b_x; b=b_x a_x"}, // b may come later
		// Broken stylesheets stay as they are.
		{".a { color: red", ".a_x { color: red", "a=a_x"},
		{"} .a {} ) .b { ( } .c {}", "} .a_x {} ) .b_x { ( } .c_x {}", "a=a_x; b=b_x; c=c_x"},
	} {
		out, errs := module(t, map[string]string{"a.module.css": c.css}, "a.module.css")
		if len(errs) > 0 {
			t.Errorf("%s\n%v", c.css, errs)
			continue
		}
		if got := spaces.ReplaceAllString(out.CSS, " "); got != spaces.ReplaceAllString(c.want, " ") {
			t.Errorf("%s\ngot  %s\nwant %s", c.css, got, c.want)
		}
		if got := exportList(out); got != c.exports {
			t.Errorf("%s\nexports %s\nwant    %s", c.css, got, c.exports)
		}
		if got, want := strings.Count(out.CSS, "\n"), strings.Count(c.css, "\n"); got != want {
			t.Errorf("%s\nhas %d lines, want %d", c.css, got, want)
		}
	}
}

// TestModulesOfModules: names and values of other files, and the order of these files.
func TestModulesOfModules(t *testing.T) {
	files := map[string]string{
		"a.module.css": `@value gap, size as wide from "./values.css";
:import("./values.css") { there: size }
.a { composes: b from "./b.css"; composes: c d from "./sub/c.css"; top: gap; left: wide; right: there }
.e { composes: free from global }
.title { top: 0 }`,
		"values.css": "@value gap: 1px;\n@value size: 2px;",
		"b.css":      ".b { top: 9px }",
		"sub/c.css":  `.c { composes: b from "../b.css" } .d {}`,
	}
	out, errs := module(t, files, "a.module.css")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if got, want := exportList(out), "gap=1px; wide=2px; a=a_x b_x c_x d_x; e=e_x free; title=title_x"; got != want {
		t.Errorf("exports %s\nwant    %s", got, want)
	}
	want := ".b_x { top: 9px } .c_x { } .d_x {} .a_x { top: 1px; left: 2px; right: 2px } .e_x { } .title_x { top: 0 }"
	if got := strings.TrimSpace(spaces.ReplaceAllString(out.CSS, " ")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(out.Deps) != 3 {
		t.Errorf("deps are %v", out.Deps)
	}
}

// TestOrderOfComposed: the file that a rule names first comes first, whatever other rules name.
func TestOrderOfComposed(t *testing.T) {
	out, errs := module(t, map[string]string{
		"a.module.css": `.x { composes: b from "./b.css" } .y { composes: c from "./c.css"; composes: b from "./b.css" }`,
		"b.css":        ".b { top: 1px }",
		"c.css":        ".c { top: 2px }",
	}, "a.module.css")
	if len(errs) > 0 || strings.Index(out.CSS, ".c_x") > strings.Index(out.CSS, ".b_x") {
		t.Errorf("%v in\n%s", errs, out.CSS)
	}
}

// TestImportedNames: the names of imported stylesheets are local, and their values known. The order is that of the text.
func TestImportedNames(t *testing.T) {
	out, errs := module(t, map[string]string{
		"a.module.css":   `@value w: 2px; @import "./sub/b.css"; @import "./c.css" print; .a { top: v; left: w; color: k }`,
		"sub/b.css":      `@value v: 1px; @value w: 1px; .b { composes: deep from "./deep.css"; top: w } :export { t: 'x "y"' }`,
		"sub/deep.css":   `.deep {}`,
		"c.css":          `@value k: red; .c { background: url(./x.png) }`,
		"x.png":          "",
		"unused/b.css":   "",
		"not/a.css":      "",
		"other/deep.css": "",
	}, "a.module.css")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if got, want := exportList(out), `v=1px; w=2px; k=red; t='x "y"'; b=b_x deep_x; c=c_x; a=a_x`; got != want {
		t.Errorf("exports %s\nwant    %s", got, want)
	}
	want := ".deep_x {} .b_x { top: 2px; } @media print { .c_x { background: url(/app/x.png); } } .a_x { top: 1px; left: 2px; color: red; }"
	if got := strings.TrimSpace(spaces.ReplaceAllString(out.CSS, " ")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestModuleMistakes: a mistake is told with its file and line.
func TestModuleMistakes(t *testing.T) {
	const composes = "composes belongs into a rule whose selector is one class, such as .button"
	for _, c := range []struct{ css, want string }{
		{"\n.a.b { composes: c }", `a.module.css:2:8: composes is not allowed in the rule ".a.b" (` + composes + ")"},
		{".a {\n .b { composes: c } }", "a.module.css:2:7: composes is not allowed in a nested rule (" + composes + ")"},
		{".a { @media x { composes: c } }", "a.module.css:1:17: composes is not allowed in a nested rule (" + composes + ")"},
		{"/*ä😀*/ composes: c", "a.module.css:1:9: composes is not in a rule (" + composes + ")"},
		{"@value ä: 1; .a { composes: nope }", `a.module.css:1:29: the class "nope", which is composed here, is not in this file (name its file, as in: composes: name from "./other.css"; or write "from global")`},
		{"\n :global(:local(.a)) {}", "a.module.css:2:10: :local() is not allowed inside of :global()"},
		{".a { composes: b from './gone.css' }", "a.module.css:1:16: no file ./gone.css"},
		{"\n@value b from './gone.css';", "a.module.css:2:1: no file ./gone.css"},
		{"@import './b.css';\n\n.a.b { composes: c }", `a.module.css:3:8: composes is not allowed in the rule ".a.b" (` + composes + ")"},
		{".a { composes: bad from './bad.css' }", `bad.css:3:3: composes is not allowed in the rule ".x .y" (` + composes + ")"},
		{"@import './bad.css';", `bad.css:3:3: composes is not allowed in the rule ".x .y" (` + composes + ")"},
		{".a { composes: y from './round.css' }", "round.css:1:16: these stylesheets take names from each other: a.module.css → round.css → a.module.css (move the names that both need into a third file)"},
		{"@value x from './a.module.css';", "a.module.css:1:1: these stylesheets take names from each other: a.module.css → a.module.css (move the names that both need into a third file)"},
	} {
		files := map[string]string{
			"a.module.css": c.css, "b.css": ".q { top: 0 }\n", "bad.css": "\n.x .y {\n  composes: z }",
			"round.css": ".y { composes: a from './a.module.css' }",
		}
		_, errs := module(t, files, "a.module.css")
		if len(errs) != 1 {
			t.Errorf("%s\ngot %v", c.css, errs)
			continue
		}
		frame := errs[0].Frame
		errs[0].File = filepath.Base(errs[0].File)
		if got := errs[0].Error(); got != c.want || frame == "" {
			t.Errorf("%s\ngot  %s\nwant %s\n%s", c.css, got, c.want, frame)
		}
	}
}

// TestModuleWarnings: what another file lacks leaves the rest working, and is told.
func TestModuleWarnings(t *testing.T) {
	out, errs := module(t, map[string]string{
		"a.module.css": "@value v, nope from './b.css';\n@value empty;\n.a { composes: gone b from './b.css'; top: v }\n" +
			":export { a b c; /* d */; e: ; : f }\n:import('./b.css') { v }",
		"b.css": "@value v: 1px; .b {}",
	}, "a.module.css")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var got []string
	for _, w := range out.Warnings {
		w.File = filepath.Base(w.File)
		got = append(got, w.Error())
	}
	want := `a.module.css:1:1: ./b.css has no "nope"
a.module.css:2:1: @value "empty" has no value
a.module.css:4:1: "a b c" is left out: it is not a declaration, as in { name: value; }
a.module.css:4:1: ": f" is left out: it is not a declaration, as in { name: value; }
a.module.css:5:1: "v" is left out: it is not a declaration, as in { name: value; }
a.module.css:3:16: ./b.css has no "gone", which is composed here`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	if exportList(out) != "v=1px; e=; a=a_x b_x" {
		t.Errorf("exports %s", exportList(out))
	}
}

// TestValuesThatGrow: each value names the value before it twice.
func TestValuesThatGrow(t *testing.T) {
	text := "@value v0: x;\n"
	for i := range 60 {
		text += fmt.Sprintf("@value v%d: v%d v%d;\n", i+1, i, i)
	}
	_, errs := transform.CompileCSS(transform.CSSInput{ID: "/a.module.css", File: "/a.module.css", Code: text, Modules: true})
	if len(errs) != 1 || errs[0].Line != 21 || !strings.Contains(errs[0].Text, "@value v20 is longer than 1048576 bytes") {
		t.Errorf("got %v", errs)
	}
}

// FuzzModule: no text may take the compiler down, and compiling keeps the lines.
func FuzzModule(f *testing.F) {
	for _, seed := range []string{
		".a:not(.b) { composes: c, d from global; animation: a 1s b } @keyframes b {}", "@value a: 1; @value b, c as d from './x';", ":export { a: b } :import('x') { c: d }",
		":global { .a { } } @scope (.a) to (.b) {", ".\\31 2 .\\", "@value (a from b", "}{)(][", ":global(", ".a:local", "@keyframes", "url(a b) '", "--x: { a", "\x00.a{}", "/*", "{{}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "\f") { // a line's end for the stylesheet, and none for editors
			return
		}
		in := transform.CSSInput{
			ID: "/a.module.css", File: "/a.module.css", Code: text, Modules: true,
			Resolve: func(spec, _ string) (string, error) { return "", fmt.Errorf("no file %s", spec) },
			URL:     func(string) string { return "" },
		}
		out, errs := transform.CompileCSS(in)
		if len(errs) > 0 || !out.Alone {
			return
		}
		if got, want := strings.Count(out.CSS, "\n"), strings.Count(text, "\n"); got != want {
			t.Errorf("has %d lines, want %d:\n%s", got, want, out.CSS)
		}
		m, errs := transform.StyleMap(in, func(file string) string { return file })
		if len(errs) > 0 || m == nil {
			t.Errorf("no source map: %v", errs)
		}
	})
}

// TestEscapes: what a class is in a script, and how it is written in the stylesheet.
func TestEscapes(t *testing.T) {
	for raw, want := range map[string][2]string{
		`a\:b`: {"a:b", `a\:b`}, `\31 23`: {"123", `\31 23`}, `\000031x`: {"1x", `\31 x`}, `-\31`: {"-1", `-\31`}, `a\ `: {"a ", `a\ `}, `\E9t\e9`: {"été", "été"},
		`\@\/\.`: {"@/.", `\@\/\.`}, `\-`: {"-", `\-`}, `--a`: {"--a", "--a"}, `\0 a`: {"\uFFFDa", "\uFFFDa"}, `\1F600`: {"😀", "😀"},
	} {
		out, errs := transform.CompileCSS(transform.CSSInput{
			ID: "/a.module.css", File: "/a.module.css", Code: "." + raw + "{}", Modules: true,
			Names: transform.CSSNames{Global: true, ExportGlobals: true},
		})
		if len(errs) > 0 || len(out.Exports) != 1 || out.Exports[0].Name != want[0] {
			t.Errorf("%s is %q, %v, want %q", raw, out.Exports, errs, want[0])
		}
		out, errs = transform.CompileCSS(transform.CSSInput{
			ID: "/a.module.css", File: "/a.module.css", Code: "." + raw + "{}", Modules: true,
			NameAll: func(_, _ string, names []string) ([]string, error) { return names, nil },
		})
		if len(errs) > 0 || out.CSS != "."+want[1]+"{}" || out.Exports[0].Value != want[0] {
			t.Errorf("%s is written as %q, want %q; %v", raw, out.CSS, want[1], errs)
		}
	}
}
