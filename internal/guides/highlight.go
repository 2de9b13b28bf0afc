package guides

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

// syntax is as much of a language as its colours need. A full highlighter would be a fifth of the program.
type syntax struct {
	line    []string // what begins a comment up to the end of the line
	block   [2]string
	quotes  string // strings on one line
	long    string // strings over several lines
	words   map[string]bool
	numbers bool
	markup  bool // words and strings are in tags only
}

func words(list string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return m
}

var (
	goSyntax = syntax{line: []string{"//"}, block: [2]string{"/*", "*/"}, quotes: `"'`, long: "`", numbers: true, words: words(
		`break case chan const continue default defer else fallthrough for func go goto if import interface map package range
		return select struct switch type var nil true false any bool byte error int int64 float64 rune string`)}
	jsSyntax = syntax{line: []string{"//"}, block: [2]string{"/*", "*/"}, quotes: `"'`, long: "`", numbers: true, words: words(
		`import export from as const let var function return if else for while do switch case break continue class extends
		implements interface type enum declare namespace readonly public private new await async default throw try catch
		finally typeof instanceof keyof of in this super null undefined true false void delete yield satisfies unknown
		string number boolean never`)}
	shSyntax   = syntax{line: []string{"# "}, quotes: `"'`, words: words("if then else fi for in do done case esac export cd")}
	cssSyntax  = syntax{block: [2]string{"/*", "*/"}, quotes: `"'`, numbers: true}
	dataSyntax = syntax{line: []string{"# "}, quotes: `"'`, numbers: true, words: words("true false null yes no")}
	htmlSyntax = syntax{block: [2]string{"<!--", "-->"}, quotes: `"'`, markup: true}
)

var syntaxes = map[string]*syntax{
	"go": &goSyntax, "js": &jsSyntax, "jsx": &jsSyntax, "mjs": &jsSyntax, "ts": &jsSyntax, "tsx": &jsSyntax, "json": &jsSyntax, "jsonc": &jsSyntax,
	"sh": &shSyntax, "bash": &shSyntax, "css": &cssSyntax, "scss": &cssSyntax, "toml": &dataSyntax, "yaml": &dataSyntax, "yml": &dataSyntax,
	"html": &htmlSyntax, "vue": &htmlSyntax, "svelte": &htmlSyntax, "xml": &htmlSyntax, "svg": &htmlSyntax,
}

// highlight returns code as HTML with the classes of the panel's code. An unknown language stays without colours.
func highlight(lang, code string) string {
	s := syntaxes[lang]
	if s == nil {
		return html.EscapeString(code)
	}
	var b strings.Builder
	inTag := false
	before := rune(' ')
	for len(code) > 0 {
		kind, n := s.token(code, before, inTag)
		if s.markup && kind == "" {
			switch code[0] {
			case '<':
				inTag = n < len(code)
			case '>':
				inTag = false
			}
		}
		text := html.EscapeString(code[:n])
		if kind == "" {
			b.WriteString(text)
		} else {
			b.WriteString(`<span class="code-` + kind + `">` + text + `</span>`)
		}
		before, _ = utf8.DecodeLastRuneInString(code[:n])
		code = code[n:]
	}
	return b.String()
}

// token returns the kind and the length of the token that code begins with. The kind is "" for what has no colour.
func (s *syntax) token(code string, before rune, inTag bool) (kind string, n int) {
	if open := s.block[0]; open != "" && strings.HasPrefix(code, open) {
		if end := strings.Index(code[len(open):], s.block[1]); end >= 0 {
			return "comment", len(open) + end + len(s.block[1])
		}
		return "comment", len(code)
	}
	for _, mark := range s.line {
		if strings.HasPrefix(code, mark) && before != ':' { // "://" is in an address
			return "comment", lineEnd(code)
		}
	}
	first, size := utf8.DecodeRuneInString(code)
	quoted := strings.ContainsRune(s.quotes, first) && (!s.markup || inTag) && !isWord(before)
	if quoted || strings.ContainsRune(s.long, first) {
		if end := stringEnd(code, byte(first), !quoted); end > 0 {
			return "string", end
		}
		return "", size
	}
	if !isWord(first) {
		return "", size
	}
	for n < len(code) {
		r, size := utf8.DecodeRuneInString(code[n:])
		if !isWord(r) && (!s.markup || r != '-') {
			break
		}
		n += size
	}
	switch {
	case s.markup && inTag && (before == '<' || before == '/'):
		return "word", n
	case s.numbers && unicode.IsDigit(first):
		return "number", n
	case s.words[code[:n]] && before != '.':
		return "word", n
	}
	return "", n
}

func isWord(r rune) bool { return r == '_' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r) }

func lineEnd(code string) int {
	if end := strings.IndexByte(code, '\n'); end >= 0 {
		return end
	}
	return len(code)
}

// stringEnd returns the length of the string that code begins with, 0 if the string does not end, or not on its line.
func stringEnd(code string, quote byte, long bool) int {
	for i := 1; i < len(code); i++ {
		switch {
		case code[i] == '\\' && !long:
			i++
		case code[i] == quote:
			return i + 1
		case code[i] == '\n' && !long:
			return 0
		}
	}
	return 0
}
