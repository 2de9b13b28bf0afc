package transform_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/transform"
)

// style compiles a stylesheet of a folder whose files may import each other.
func style(t *testing.T, files map[string]string, name string) (*transform.CSSOutput, []transform.Error, string) {
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
	out, errs := transform.CompileCSS(transform.CSSInput{
		ID: "/" + name, File: filepath.Join(dir, name), Code: files[name], Modules: strings.Contains(name, ".module."),
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
	})
	return out, errs, dir
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
	for _, part := range []string{"/app/src/img.png#x", `url(/app/src/img.png)`, "data:image/png;base64,AA", "url(missing.png)", "#frag", "https://cdn.test/x.css", "@layer base", "& .c"} {
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
	if got := slices.Sorted(maps.Keys(a.Exports)); !slices.Equal(got, []string{"my-btn", "spin", "title"}) {
		t.Errorf("exports are %v", a.Exports)
	}
	if a.Exports["title"] == b.Exports["title"] {
		t.Errorf("two modules share the name %s", a.Exports["title"])
	}
	if !maps.Equal(a.Exports, again.Exports) || a.Names != again.Names || a.CSS != again.CSS {
		t.Error("names differ between folders on the same disk: they are not stable")
	}
	if n := len(strings.Fields(a.Exports["my-btn"])); n != 3 {
		t.Errorf("my-btn is %q, want three names", a.Exports["my-btn"])
	}
	if !strings.Contains(a.CSS, ".free") || !strings.Contains(a.CSS, "."+a.Exports["title"]) {
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
