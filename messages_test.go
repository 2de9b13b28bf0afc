package devserver_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestMessagesOfTheGuide: docs/troubleshooting.md quotes messages as the program prints them. A message is a code span
// in the first column of a table whose first column is named "message". "…" in it stands for any text. Each message
// must be a part of a text in the source, in which "…" stands for values and verbs of formats.
func TestMessagesOfTheGuide(t *testing.T) {
	messages := quoted(t, "docs/troubleshooting.md")
	if len(messages) < 40 {
		t.Fatalf("the guide quotes %d messages: are its tables read?", len(messages))
	}
	texts := textsOfSource(t)
	for _, m := range messages {
		part := strings.Trim(blank(m), "… ")
		if len(part) < 7 {
			t.Errorf("the message %q says too little to be found", m)
			continue
		}
		if !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, part) }) {
			t.Errorf("docs/troubleshooting.md quotes %q, which no text of the program has: was the message changed?", m)
		}
	}
}

// TestMessagesAreFound: texts of Go and TypeScript are read as the guide writes them.
func TestMessagesAreFound(t *testing.T) {
	for source, want := range map[string]string{
		`package p; var x = fmt.Errorf("no file %q in %s: %w", a, b, err)`:                   `no file … in …: …`,
		`package p; var x = "port " + strconv.Itoa(p) + " is in use, " + "trying"`:           `port … is in use, trying`,
		"package p; var x = `a \"b\" stays, and \"%s\" goes`":                                `a "b" stays, and … goes`,
		`package p; var x = "…" + name + "% stays as it is"`:                                 `…% stays as it is`,
		"package p; const x = \"a %d%% of it\"":                                              `a …% of it`,
		"package p; var x = \"the file's name is \" + transform.Quote(\"not this\") + \".\"": `the file's name is ….`,
	} {
		if got := goTexts(t, "x.go", []byte(source)); !slices.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", source, got, want)
		}
	}
	for source, want := range map[string]string{
		"x(`the module '${id}' has ${list(`a`)}, yes`)": "the module … has …, yes",
		`y("it's here", 'or "there"')`:                  "it's here",
		`z('or \"there\"')`:                             `or "there"`,
	} {
		if got := scriptTexts(source); !slices.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", source, got, want)
		}
	}
}

var (
	row  = regexp.MustCompile(`(?m)^\| *(.*?) *\|`)
	span = regexp.MustCompile("`([^`]+)`")
)

// quoted returns the messages that a guide quotes.
func quoted(t *testing.T, guide string) (messages []string) {
	t.Helper()
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	inside := false
	for line := range strings.Lines(string(text)) {
		m := row.FindStringSubmatch(line)
		switch {
		case m == nil:
			inside = false
		case m[1] == "message":
			inside = true
		case inside:
			for _, s := range span.FindAllStringSubmatch(m[1], -1) {
				messages = append(messages, s[1])
			}
		}
	}
	return messages
}

var (
	verb  = regexp.MustCompile(`%[-+#]?[\d.]*[a-zA-Z]`)
	holes = regexp.MustCompile(`"…"|'…'|…+`)
)

// blank makes "…" of verbs, and of values in quotes.
func blank(text string) string {
	text = strings.ReplaceAll(verb.ReplaceAllString(strings.ReplaceAll(text, "%%", "\x00"), "…"), "\x00", "%")
	return holes.ReplaceAllString(holes.ReplaceAllString(text, "…"), "…")
}

// textsOfSource returns the texts in the source of the command, the server, the client and the programs in Node.
func textsOfSource(t *testing.T) (texts []string) {
	t.Helper()
	for _, dir := range []string{"cmd", "config", "hmr", "internal", "plugin", "server", "client/src"} {
		err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() {
				if slices.Contains([]string{"testdata", "devtest", "node_modules"}, entry.Name()) {
					return filepath.SkipDir
				}
				return nil
			}
			if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, ".test.ts") {
				return nil
			}
			ext := filepath.Ext(name)
			if !slices.Contains([]string{".go", ".ts", ".mjs", ".js"}, ext) {
				return nil
			}
			source, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			if ext == ".go" {
				texts = append(texts, goTexts(t, name, source)...)
			} else {
				texts = append(texts, scriptTexts(string(source))...)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return texts
}

// goTexts returns the strings of a Go file. Strings that are added to other values are one text.
func goTexts(t *testing.T, name string, source []byte) (texts []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			texts = append(texts, blank(joined(n)))
		case *ast.BasicLit:
			texts = append(texts, blank(joined(n)))
		}
		return true
	})
	return texts
}

// joined returns the text of an expression, in which "…" stands for what is not a string.
func joined(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return joined(e.X) + joined(e.Y)
		}
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); e.Kind == token.STRING && err == nil {
			return text
		}
	}
	return "…"
}

// A string of JavaScript in each kind of quotes. A template may have templates inside of its values.
var (
	scriptString = regexp.MustCompile("\"(?:[^\"\\\\\n]|\\\\.)*\"|'(?:[^'\\\\\n]|\\\\.)*'|`(?:[^`\\\\]|\\\\.)*`")
	value        = regexp.MustCompile(`\$\{[^{}]*\}`)
	escape       = regexp.MustCompile(`\\(.)`)
)

// scriptTexts returns the strings of a script. It reads a line at a time, since a quote in a comment or in an expression
// would otherwise turn all that follows around.
func scriptTexts(source string) (texts []string) {
	for line := range strings.Lines(source) {
		for strings.Contains(line, "${") { // from the innermost value outwards
			without := value.ReplaceAllString(line, "…")
			if without == line {
				break
			}
			line = without
		}
		for _, s := range scriptString.FindAllString(line, -1) {
			texts = append(texts, blank(escape.ReplaceAllString(s[1:len(s)-1], "$1")))
		}
	}
	return texts
}
