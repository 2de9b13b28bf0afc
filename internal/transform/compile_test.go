package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the want sections of testdata/compile")

// TestCompile compiles the modules of testdata/compile/*.txtar. The first file of an archive is the module. "options",
// JSON of Input, may follow. "code", "facts" and "errors" hold the wanted output. `go test -update` rewrites these:
// read the diff.
func TestCompile(t *testing.T) {
	files, err := filepath.Glob("testdata/compile/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata/compile", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := compileArchive(t, archive)
			if *update {
				if err := os.WriteFile(file, txtar.Format(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := txtar.Format(archive); !bytes.Equal(want, txtar.Format(got)) {
				t.Errorf("got\n%s\nwant\n%s", txtar.Format(got), want)
			}
		})
	}
}

func compileArchive(t *testing.T, archive *txtar.Archive) *txtar.Archive {
	in := inputOf(t, archive)
	got := &txtar.Archive{Comment: archive.Comment}
	for _, f := range archive.Files {
		if f.Name == "code" || f.Name == "facts" || f.Name == "errors" {
			break
		}
		got.Files = append(got.Files, f)
	}
	out, errs := Compile(in)
	if errs != nil {
		var b strings.Builder
		for i := range errs {
			fmt.Fprintf(&b, "%s\n%s\n", errs[i].Error(), errs[i].Frame)
		}
		got.Files = append(got.Files, txtar.File{Name: "errors", Data: []byte(b.String())})
		return got
	}
	got.Files = append(got.Files, txtar.File{Name: "code", Data: []byte(out.Code)})
	if f := facts(out); f != "" {
		got.Files = append(got.Files, txtar.File{Name: "facts", Data: []byte(f)})
	}
	return got
}

func inputOf(t *testing.T, archive *txtar.Archive) Input {
	in := Input{ID: "/" + archive.Files[0].Name, Code: string(archive.Files[0].Data), Lang: LangOf(archive.Files[0].Name)}
	globbed, starred := map[string][]string{}, map[string][]string{}
	for _, f := range archive.Files[1:] {
		var err error
		switch f.Name {
		case "options":
			err = json.Unmarshal(f.Data, &in)
		case "glob":
			err = json.Unmarshal(f.Data, &globbed)
		case "stars":
			err = json.Unmarshal(f.Data, &starred)
			in.StarExports = func(spec string) ([]string, bool) { names, ok := starred[spec]; return names, ok }
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	in.Glob = func(g Glob) (Globbed, error) {
		text := strings.Join(g.Patterns, " ")
		if text == "./wrong" {
			return Globbed{}, errors.New("this is wrong")
		}
		var found Globbed
		for _, spec := range globbed[text] {
			found.Files = append(found.Files, GlobFile{Key: spec, Specifier: path.Join("/src", spec)})
		}
		if g.Exhaustive || g.FoldCase || g.Base != "" || g.Address {
			text += fmt.Sprintf(" %+v", g)
		}
		found.Watch = []string{text}
		if globbed[text] == nil {
			found.Notes = []GlobNote{{Text: "nothing"}}
		}
		return found, nil
	}
	return in
}

// facts lists everything in an output except its code.
func facts(out *Output) string {
	var b strings.Builder
	for _, i := range out.Imports {
		fmt.Fprintf(&b, "%s %q at %d:%d", i.Kind, i.Specifier, i.Line, i.Column)
		if i.All {
			b.WriteString(" all")
		}
		if len(i.Names) > 0 {
			fmt.Fprintf(&b, " %q", i.Names)
		}
		if i.Lazy != nil {
			fmt.Fprintf(&b, " lazy %v", i.Lazy)
		}
		b.WriteByte('\n')
	}
	list := func(name string, values []string) {
		if values != nil {
			fmt.Fprintf(&b, "%s %q\n", name, values)
		}
	}
	list("exports", out.Exports)
	list("stars", out.Stars)
	list("lazy stars", out.LazyStars)
	for _, g := range out.Globs {
		list("glob", g.Watch)
		for _, n := range g.Notes {
			fmt.Fprintf(&b, "note at %d:%d\n", n.Line, n.Column)
		}
	}
	for name, set := range map[string]bool{"async": out.Async, "accepts exports": out.AcceptsExports} {
		if set {
			b.WriteString(name + "\n")
		}
	}
	for _, w := range out.Warnings {
		fmt.Fprintf(&b, "warning %s\n", w.Error())
	}
	return b.String()
}

func TestScanExports(t *testing.T) {
	for code, want := range map[string]string{
		"export const a = 1\nexport let b = () => { x, y }":                             "a b",
		"export default function () {}":                                                 "default",
		"export default class A {}; export { a as b, c }":                               "default b c",
		"export { default } from './x'; export { default as D, e as \"f g\" } from 'y'": "default D f g",
		"export * from './s'; export * as ns from './t';":                               "ns *./s",
		"export async function* f() { a.export; } export class C {}":                    "f C",
		"export {}":                     "",
		"const s = 'export { no }'":     "no",
		"exports.a = 1":                 "no",
		"export const a = 1, b = 2":     "no",
		"export const { a } = b":        "no",
		"export const = }":              "no",
		"`export { a }`; export { b };": "b",
	} {
		names, stars, ok := ScanExports(code)
		for _, s := range stars {
			names = append(names, "*"+s)
		}
		got := strings.Join(names, " ")
		if !ok {
			got = "no"
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", code, got, want)
		}
	}
}

func TestLangOf(t *testing.T) {
	for id, want := range map[string]Lang{
		"/a.ts": LangTS, "/a.b.TSX?t=1": LangTSX, "/a.vue": LangJS, "/a.vue?vue&type=script&lang.ts": LangTS, "virtual:x": LangJS, "/a.json?x": LangJSON,
	} {
		if got := LangOf(id); got != want {
			t.Errorf("%s: got %d, want %d", id, got, want)
		}
	}
}

func TestErrorAndFrame(t *testing.T) {
	e := &Error{File: "src/main.ts", Line: 3, Column: 20, Text: "no file", Hint: "did you mean this?"}
	if got, want := e.Error(), "src/main.ts:3:20: no file (did you mean this?)"; got != want {
		t.Errorf("got %q want %q", got, want)
	}
	long := strings.Repeat("x", 500) + "HERE" + strings.Repeat("y", 500)
	frame := CodeFrame("a\n"+long+"\n", 2, 501)
	lines := strings.Split(frame, "\n")
	if len(lines) != 3 || strings.Index(lines[1], "HERE") != strings.Index(lines[2], "^") {
		t.Errorf("the caret is not under the place:\n%s", frame)
	}
	if got := CodeFrame("a", 7, 1); got != "" {
		t.Errorf("a frame of a line that is not there: %q", got)
	}
	if got, want := CodeFrame("\tü = 😀 +;\r\nb", 1, 10), "> 1 | \tü = 😀 +;\n    | \t       ^\n  2 | b"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
