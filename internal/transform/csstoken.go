package transform

import (
	"strings"
	"unicode/utf8"

	"github.com/tdewolff/parse/v2"
	"github.com/tdewolff/parse/v2/css"
)

// cssToken is a token of a stylesheet, from byte start to byte end.
type cssToken struct {
	kind       css.TokenType
	start, end int
}

// cssTokens splits a text of CSS. The tokens cover the text without gaps.
func cssTokens(text string) []cssToken {
	if strings.IndexByte(text, 0) >= 0 {
		text = strings.ReplaceAll(text, "\x00", "?") // the lexer takes it for the end
	}
	tokens := make([]cssToken, 0, len(text)/4)
	lexer := css.NewLexer(parse.NewInputString(text))
	for at := 0; ; {
		kind, data := lexer.Next()
		if kind == css.ErrorToken || len(data) == 0 {
			return tokens
		}
		tokens = append(tokens, cssToken{kind, at, at + len(data)})
		at += len(data)
	}
}

// is reports whether the token is this delimiter.
func (t cssToken) is(text string, delim byte) bool {
	return t.kind == css.DelimToken && text[t.start] == delim
}

// blank reports whether the token is whitespace or a comment.
func (t cssToken) blank() bool { return t.kind == css.WhitespaceToken || t.kind == css.CommentToken }

// ident reports whether the token is an identifier. Those with two dashes have a kind of their own.
func (t cssToken) ident() bool {
	return t.kind == css.IdentToken || t.kind == css.CustomPropertyNameToken
}

// nesting is 1 for a token that opens a bracket, -1 for a token that closes a bracket. Braces are no brackets.
func (t cssToken) nesting() int {
	switch t.kind {
	case css.FunctionToken, css.LeftParenthesisToken, css.LeftBracketToken:
		return 1
	case css.RightParenthesisToken, css.RightBracketToken:
		return -1
	}
	return 0
}

// closing returns the index of the token that closes the bracket which the token i opens, or the end.
func closing(tokens []cssToken, i, end int) int {
	for depth := 0; i < end; i++ {
		if depth += tokens[i].nesting(); depth <= 0 {
			return i
		}
	}
	return end
}

// unescapeName returns what an identifier, or the inside of a string, means: `\31 23` is 123, `a\:b` is a:b.
func unescapeName(raw string) string {
	if !strings.Contains(raw, `\`) {
		return raw
	}
	var b strings.Builder
	for i := 0; i < len(raw); {
		if raw[i] != '\\' || i+1 == len(raw) {
			b.WriteByte(raw[i])
			i++
			continue
		}
		i++
		code, digits := rune(0), 0
		for ; digits < 6 && i < len(raw); digits, i = digits+1, i+1 {
			d := strings.IndexByte("0123456789abcdefABCDEF", raw[i])
			if d < 0 {
				break
			}
			if d > 15 {
				d -= 6
			}
			code = code<<4 | rune(d)
		}
		if digits == 0 && raw[i] == '\n' { // a string goes on
			i++
			continue
		}
		if digits == 0 {
			_, n := utf8.DecodeRuneInString(raw[i:])
			b.WriteString(raw[i : i+n])
			i += n
			continue
		}
		if i < len(raw) && strings.IndexByte(" \t\n\r\f", raw[i]) >= 0 {
			i++
		}
		if code == 0 || !utf8.ValidRune(code) {
			code = utf8.RuneError
		}
		b.WriteRune(code)
	}
	return b.String()
}

// escapeName writes a name as an identifier, as CSS.escape of browsers does.
func escapeName(name string) string {
	var b strings.Builder
	for i, c := range name {
		digit := c >= '0' && c <= '9'
		switch {
		case c < 0x20 || c == 0x7f || digit && (i == 0 || i == 1 && name[0] == '-'):
			b.WriteString(`\` + strings.ToLower(hexDigits(c)) + " ")
		case c == '-' && len(name) == 1,
			c < 0x80 && c != '-' && c != '_' && !digit && (c|0x20 < 'a' || c|0x20 > 'z'):
			b.WriteByte('\\')
			b.WriteRune(c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

func hexDigits(c rune) string {
	const digits = "0123456789abcdef"
	if c < 16 {
		return digits[c : c+1]
	}
	return digits[c>>4:c>>4+1] + digits[c&15:c&15+1]
}

// cssEdit replaces a part of a text.
type cssEdit struct {
	start, end int
	text       string
}

// cssEdits are replacements in the order of the text, without overlaps. They keep the number of lines.
type cssEdits []cssEdit

// add replaces a part of the text. The lines that the replacement lacks are added after it.
func (e *cssEdits) add(text string, start, end int, replacement string) {
	if text[start:end] == replacement {
		return
	}
	if lost := strings.Count(text[start:end], "\n") - strings.Count(replacement, "\n"); lost > 0 {
		replacement += strings.Repeat("\n", lost)
	}
	*e = append(*e, cssEdit{start, end, replacement})
}

// apply returns the text with all replacements.
func (e cssEdits) apply(text string) string {
	if len(e) == 0 {
		return text
	}
	var b strings.Builder
	at := 0
	for _, edit := range e {
		b.WriteString(text[at:edit.start])
		b.WriteString(edit.text)
		at = edit.end
	}
	b.WriteString(text[at:])
	return b.String()
}

// maxValue bounds the value of a @value. Each may name the one before it twice, so that 40 lines fill the memory.
const maxValue = 1 << 20

// replaceNames replaces identifiers of a text of CSS, also those of functions and `url(name)`. Strings and comments
// stay. It stops when the text has grown by more than a value may be long.
func replaceNames(text string, names map[string]string) string {
	if len(names) == 0 {
		return text
	}
	var edits cssEdits
	grown := 0
	for _, t := range cssTokens(text) {
		start, end := t.start, t.end
		if grown > maxValue {
			break
		}
		switch t.kind {
		case css.IdentToken, css.CustomPropertyNameToken, css.DimensionToken:
		case css.FunctionToken:
			end--
		case css.HashToken:
			start++
		case css.URLToken:
			if inner := strings.TrimSpace(strings.TrimSuffix(text[min(start+len("url("), end):end], ")")); names[inner] != "" {
				edits.add(text, start, end, "url("+names[inner]+")")
			}
			continue
		default:
			continue
		}
		if value, ok := names[text[start:end]]; ok {
			edits.add(text, start, end, value)
			grown += len(value)
		}
	}
	return edits.apply(text)
}
