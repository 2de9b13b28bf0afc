package transform_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/transform"
)

// style compiles a stylesheet of a folder. The folder's files may import each other.
func style(t *testing.T, files map[string]string, name string) (*transform.CSSOutput, []transform.Error, string) {
	t.Helper()
	dir := folder(t, files)
	out, errs := transform.CompileCSS(styleInput(dir, name, files[name]))
	return out, errs, dir
}

// exported returns the exports of a CSS module by their names.
func exported(out *transform.CSSOutput) map[string]string {
	names := map[string]string{}
	for _, e := range out.Exports {
		names[e.Name] = e.Value
	}
	return names
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for file, text := range files {
		full := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func styleInput(dir, name, code string) transform.CSSInput {
	return transform.CSSInput{
		ID: "/" + name, File: filepath.Join(dir, name), Code: code, Modules: strings.Contains(name, ".module."),
		Resolve: func(spec, importer string) (string, error) {
			file := filepath.Join(filepath.Dir(importer), spec)
			if _, err := os.Stat(file); err != nil {
				return "", errors.New("no file " + spec)
			}
			return file, nil
		},
		URL: func(file string) string {
			rel, _ := filepath.Rel(dir, file)
			return "/app/" + filepath.ToSlash(rel)
		},
	}
}

func TestPlainStylesheetIsLeftAsWritten(t *testing.T) {
	text := "/* hi */ .a { color : RED;\n  &:hover { top:0 } }\r\n"
	out, errs, _ := style(t, map[string]string{"a.css": text}, "a.css")
	if len(errs) > 0 || out.CSS != text || out.Exports != nil || len(out.Deps) > 0 {
		t.Errorf("got %+v, %v", out, errs)
	}
}

func TestImportsAndURLs(t *testing.T) {
	out, errs, dir := style(t, map[string]string{
		"src/a.css":       `@import "./base/b.css" layer(base); @import url(https://cdn.test/x.css); .a { background: url(./img.png#x), url("data:image/png;base64,AA"), url(missing.png), url(#frag) }`,
		"src/base/b.css":  `.b { background: url(../img.png); & .c { top: 0 } }`,
		"src/img.png":     "png",
		"src/not-used.md": "",
	}, "src/a.css")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for _, part := range []string{
		"/app/src/img.png#x", `url(/app/src/img.png)`, "data:image/png;base64,AA", "url(missing.png)", "#frag",
		"https://cdn.test/x.css", "@layer base", "& .c",
	} {
		if !strings.Contains(out.CSS, part) {
			t.Errorf("the output lacks %q:\n%s", part, out.CSS)
		}
	}
	if strings.Contains(out.CSS, dir) {
		t.Errorf("the output holds a path of the machine:\n%s", out.CSS)
	}
	want := []string{filepath.Join(dir, "src/base/b.css"), filepath.Join(dir, "src/img.png")}
	if !slices.Equal(out.Deps, want) {
		t.Errorf("deps are %v, want %v", out.Deps, want)
	}
}

func TestCSSModules(t *testing.T) {
	files := map[string]string{
		"a/btn.module.css":   `.title { color: red } .my-btn { composes: title; composes: base from "../base.module.css" } :global(.free) { top: 0 } @keyframes spin { to { rotate: 1turn } }`,
		"b/btn.module.css":   `.title { color: blue }`,
		"base.module.css":    `.base { top: 0 }`,
		"a/other.css":        ``,
		"a/empty.module.css": ``,
	}
	a, errs, _ := style(t, files, "a/btn.module.css")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	b, _, _ := style(t, files, "b/btn.module.css")
	again, _, _ := style(t, files, "a/btn.module.css")
	if got := slices.Sorted(maps.Keys(exported(a))); !slices.Equal(got, []string{"my-btn", "spin", "title"}) {
		t.Errorf("exports are %v", a.Exports)
	}
	if exported(a)["title"] == exported(b)["title"] {
		t.Errorf("two modules share the name %s", exported(a)["title"])
	}
	if !slices.Equal(a.Exports, again.Exports) || a.Names != again.Names || a.CSS != again.CSS {
		t.Error("names differ between folders on the same disk: they are not stable")
	}
	if n := len(strings.Fields(exported(a)["my-btn"])); n != 3 {
		t.Errorf("my-btn is %q, want three names", exported(a)["my-btn"])
	}
	if !strings.Contains(a.CSS, ".free") || !strings.Contains(a.CSS, "."+exported(a)["title"]) {
		t.Errorf("got\n%s", a.CSS)
	}
	// An edit of a rule keeps the names; a new class changes them.
	files["a/btn.module.css"] = strings.Replace(files["a/btn.module.css"], "red", "green", 1)
	if edited, _, _ := style(t, files, "a/btn.module.css"); edited.Names != a.Names {
		t.Error("an edited rule changed the names")
	}
	files["a/btn.module.css"] += ".more {}"
	if edited, _, _ := style(t, files, "a/btn.module.css"); edited.Names == a.Names {
		t.Error("a new class did not change the names")
	}
}

func TestCSSErrors(t *testing.T) {
	out, errs, dir := style(t, map[string]string{"a.css": "\n  @import './gone.css';\n.a {}"}, "a.css")
	if len(errs) != 1 || errs[0].Line != 2 || !strings.Contains(errs[0].Text, "gone.css") || errs[0].Frame == "" {
		t.Errorf("got %+v", errs)
	}
	if !slices.Equal(out.Deps, []string{filepath.Join(dir, "gone.css")}) {
		t.Errorf("deps are %v: the file's creation would not be seen", out.Deps)
	}
}

func TestNamesOfCSSModules(t *testing.T) {
	files := map[string]string{
		"src/btn.module.css":  ".big-red { composes: base from \"./base.module.css\"; animation: fade-in 1s } .snake_case {} :global(.as-is) {} @keyframes fade-in { to { top: 0 } }",
		"src/base.module.css": ".base { top: 0 }",
	}
	for _, c := range []struct {
		names    transform.CSSNames
		exports  []string
		css, not []string
	}{
		{transform.CSSNames{Convention: "camelCase"}, []string{"big-red", "bigRed", "fade-in", "fadeIn", "snakeCase", "snake_case"}, []string{".as-is"}, nil},
		{transform.CSSNames{Convention: "camelCaseOnly"}, []string{"bigRed", "fadeIn", "snakeCase"}, nil, nil},
		{transform.CSSNames{Convention: "dashes"}, []string{"big-red", "bigRed", "fade-in", "fadeIn", "snake_case"}, nil, nil},
		{transform.CSSNames{Convention: "dashesOnly"}, []string{"bigRed", "fadeIn", "snake_case"}, nil, nil},
		{transform.CSSNames{Pattern: "[name]__[local]--x"}, []string{"big-red", "fade-in", "snake_case"}, []string{".btn-module__big-red--x", ".base-module__base--x", "@keyframes btn-module__fade-in--x", "btn-module__fade-in--x 1s", ".as-is"}, []string{"btn_"}},
		{transform.CSSNames{Pattern: "[hash:base64:6]"}, []string{"big-red", "fade-in", "snake_case"}, []string{".as-is"}, []string{"big-red"}},
		{transform.CSSNames{Global: true}, []string{}, []string{".big-red", ".snake_case"}, nil},
	} {
		if c.names.Global {
			files["src/btn.module.css"] = ".big-red {} .snake_case {}"
		}
		in := styleInput(folder(t, files), "src/btn.module.css", files["src/btn.module.css"])
		in.Names = c.names
		out, errs := transform.CompileCSS(in)
		if len(errs) > 0 {
			t.Errorf("%+v: %v", c.names, errs)
			continue
		}
		if got := slices.Sorted(maps.Keys(exported(out))); !slices.Equal(got, c.exports) {
			t.Errorf("%+v exports %q, want %q", c.names, got, c.exports)
		}
		for _, part := range c.css {
			if !strings.Contains(out.CSS, part) {
				t.Errorf("%+v: %s lacks %q", c.names, out.CSS, part)
			}
		}
		for _, part := range c.not {
			if strings.Contains(out.CSS, part) {
				t.Errorf("%+v: %s has %q", c.names, out.CSS, part)
			}
		}
		for name, scoped := range exported(out) {
			for class := range strings.FieldsSeq(scoped) {
				if !strings.Contains(out.CSS, class) {
					t.Errorf("%+v: %s is %q, which is not in %s", c.names, name, class, out.CSS)
				}
			}
		}
	}
}

// TestStyleMaps follows places in the served stylesheet back to the source.
func TestStyleMaps(t *testing.T) {
	for name, c := range map[string]struct {
		files        map[string]string
		served, from string // a text in the stylesheet, and its place in the source: file:line
	}{
		"as written":       {map[string]string{"a.css": ".x {}\n.y { color: red }\n"}, "color: red", "/a.css:2"},
		"with an import":   {map[string]string{"a.css": "@import './b.css';\n\n.y { color: red }\n", "b.css": "\n\n.b { color: blue }\n"}, "color: blue", "/b.css:3"},
		"behind an import": {map[string]string{"a.css": "@import './b.css';\n\n\n.y { color: red }\n", "b.css": "\n\n.b { color: blue }\n"}, "color: red", "/a.css:4"},
		"a module that takes from others": {map[string]string{
			"a.module.css": "@value c: red;\n.äöü { color: c } .long-name { composes: b from './b.css'; left: 1px; top: 2px }\n", "b.css": ".b { color: red }\n\n",
		}, "top: 2px", "/a.module.css:2"},
		"a composed file": {map[string]string{
			"a.module.css": ".y { composes: b from './b.css'; top: 2px }\n", "b.css": "\n\n.b { top: 3px }",
		}, "top: 3px", "/b.css:3"},
		"an imported file with values": {map[string]string{
			"a.module.css": "@import './b.css';\n.y { top: 2px }\n", "b.css": ":export { a: b; }\n@value c: 3px; .b { top: c }",
		}, "top: 3px", "/b.css:2"},
		"a module": {map[string]string{"a.module.css": "\n.y { color: red }\n"}, "color: red", "/a.module.css:2"},
		// {"sources":["a.scss"],"mappings":";AAEA"}: the second line is from the third line
		"made by a tool": {map[string]string{"a.css": "\n.y { color: red }\n/*# sourceMappingURL=data:application/json;base64,eyJ2ZXJzaW9uIjozLCJzb3VyY2VzIjpbImEuc2NzcyJdLCJuYW1lcyI6W10sIm1hcHBpbmdzIjoiO0FBRUEifQ== */"}, "color: red", "/a.scss:3"},
	} {
		file := slices.Min(slices.Collect(maps.Keys(c.files)))
		out, errs, dir := style(t, c.files, file)
		if len(errs) > 0 {
			t.Fatal(name, errs)
		}
		m, errs := transform.StyleMap(styleInput(dir, file, c.files[file]), func(file string) string {
			rel, _ := filepath.Rel(dir, file)
			return "/" + filepath.ToSlash(rel)
		})
		if len(errs) > 0 {
			t.Fatal(name, errs)
		}
		for i, source := range m.Sources {
			if text, ok := c.files[source[1:]]; ok && (m.Content(i) == nil || *m.Content(i) != text) {
				t.Errorf("%s: the map has not the text of %s: %v", name, source, m.Content(i))
			}
		}
		at := strings.Index(out.CSS, c.served)
		if at < 0 {
			t.Fatalf("%s: %s", name, out.CSS)
		}
		line := strings.Count(out.CSS[:at], "\n")
		column := at - strings.LastIndexByte(out.CSS[:at], '\n') - 1
		text := m.Encode()
		if got := placeOf(t, text, line, column); got != c.from {
			t.Errorf("%s: %q comes from %s, want %s\n%s\n%s", name, c.served, got, c.from, out.CSS, text)
		}
	}
}

// placeOf returns the place of a position (from 0) by a source map, as source:line.
func placeOf(t *testing.T, text []byte, line, column int) string {
	t.Helper()
	var m struct {
		Sources  []string
		Mappings string
	}
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	var at [5]int // column, source, line, column, name
	place := "nowhere"
	for n, mapped := range strings.Split(m.Mappings, ";") {
		at[0] = 0
		for segment := range strings.SplitSeq(mapped, ",") {
			field, value, shift := 0, 0, 0
			for _, c := range segment {
				digit := strings.IndexRune(digits, c)
				value |= digit & 31 << shift
				if shift += 5; digit&32 == 0 {
					if at[field] += value >> 1; value&1 != 0 {
						at[field] -= value &^ 1
					}
					field, value, shift = field+1, 0, 0
				}
			}
			if n == line && segment != "" && at[0] <= column {
				place = fmt.Sprintf("%s:%d", m.Sources[at[1]], at[2]+1)
			}
		}
	}
	return place
}

// TestAlone: a stylesheet that may refer to other files is not served as it is.
func TestAlone(t *testing.T) {
	for text, alone := range map[string]bool{
		"a { b: c } (": true, "a { b: curl x() }": true, "@media (a) {}": true, "@imp": true, "": true, "@": true,
		"a { b: URL(x) }": false, "a { b: -webkit-image-set('x' 1x) }": false, "@IMPORT 'x';": false, "a {} @charset 'utf-8';": false, "url(": false,
	} {
		out, _ := transform.CompileCSS(styleInput("/", "a.css", text))
		if out.Alone != alone {
			t.Errorf("%q: Alone is %t", text, out.Alone)
		}
	}
}
