package transform

import (
	"strconv"
	"sync"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tdewolff/parse/v2"
	"github.com/tdewolff/parse/v2/js"
)

// token is a token of printed code. Blanks and comments are no tokens.
type token struct {
	kind       js.TokenType
	newline    bool // a line feed comes before it
	start, end int32
}

// tokenPool holds token slices for reuse: large modules have hundreds of thousands of tokens.
var tokenPool = sync.Pool{New: func() any { s := make([]token, 0, 4096); return &s }}

// tokenize appends the tokens of the code to tokens. ok is false when it could not read to the end.
func tokenize(code []byte, tokens []token) (_ []token, ok bool) {
	input := parse.NewInputBytes(code)
	defer input.Restore()
	lexer := js.NewLexer(input)
	var parens []bool // for each open "(": whether a statement follows its ")", as after `if (...)`
	newline := false
	pos := int32(0)
	statementFollows := false // after the last ")"
	for {
		kind, text := lexer.Next()
		if kind == js.DivToken || kind == js.DivEqToken {
			if n := len(tokens); regexFollows(tokens, n, newline, statementFollows) {
				kind, text = lexer.RegExp()
			}
		}
		end := pos + int32(len(text))
		switch kind {
		case js.ErrorToken:
			if input.Offset() <= int(pos) {
				return tokens, int(pos) >= len(code)
			}
			pos = int32(input.Offset()) // esbuild prints no such text; continue after it
			continue
		case js.WhitespaceToken:
			pos = end
			continue
		case js.LineTerminatorToken, js.CommentLineTerminatorToken:
			newline, pos = true, end
			continue
		case js.CommentToken:
			pos = end
			continue
		case js.OpenParenToken:
			parens = append(parens, headOpens(tokens))
		case js.CloseParenToken:
			statementFollows = false
			if n := len(parens); n > 0 {
				statementFollows, parens = parens[n-1], parens[:n-1]
			}
		}
		tokens = append(tokens, token{kind: kind, newline: newline, start: pos, end: end})
		newline, pos = false, end
	}
}

// headOpens reports whether a "(" after the tokens opens the head of a statement.
func headOpens(tokens []token) bool {
	n := len(tokens)
	if n == 0 {
		return false
	}
	switch tokens[n-1].kind {
	case js.IfToken, js.WhileToken, js.ForToken, js.WithToken:
		return n == 1 || !isMember(tokens[n-2].kind)
	case js.AwaitToken:
		return n > 1 && tokens[n-2].kind == js.ForToken
	}
	return false
}

// regexFollows reports whether a "/" after the first n tokens begins a regular expression, and not a division. Only
// after ")" and "}" that depends on the grammar. After "}" the layout decides: esbuild breaks the line before a
// statement and never inside a division.
func regexFollows(tokens []token, n int, newline, statementFollows bool) bool {
	if n == 0 {
		return true
	}
	switch kind := tokens[n-1].kind; kind {
	case js.CloseParenToken:
		return statementFollows
	case js.CloseBraceToken:
		return newline
	case js.CloseBracketToken, js.IncrToken, js.DecrToken,
		js.StringToken, js.TemplateToken, js.TemplateEndToken, js.RegExpToken,
		js.PrivateIdentifierToken, js.ThisToken, js.SuperToken, js.NullToken, js.TrueToken, js.FalseToken:
		return false
	default:
		switch {
		case js.IsNumeric(kind), js.IsIdentifier(kind):
			return false
		case js.IsReservedWord(kind): // `return /x/`, but `a.return / 2`
			return n == 1 || !isMember(tokens[n-2].kind)
		}
		return true // punctuators and operators
	}
}

// isMember reports whether a name after the token is a property's name.
func isMember(kind js.TokenType) bool {
	return kind == js.DotToken || kind == js.OptChainToken
}

// unescape replaces the escapes of a JavaScript string by their characters.
func unescape(s []byte) string {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out = append(out, s[i])
			continue
		}
		i++
		switch c := s[i]; c {
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'v':
			out = append(out, '\v')
		case '0':
			out = append(out, 0)
		case '\n': // an escaped line break
		case 'x', 'u':
			r, size := escapedRune(s[i:])
			out = utf8.AppendRune(out, r)
			i += size - 1
		default:
			out = append(out, c)
		}
	}
	return string(out)
}

// escapedRune reads the escape after a backslash: `x41`, `u0041`, `u{41}`, or a pair of surrogates.
func escapedRune(s []byte) (r rune, size int) {
	hex := func(digits []byte) rune {
		n, err := strconv.ParseUint(string(digits), 16, 32)
		if err != nil {
			return utf8.RuneError
		}
		return rune(n)
	}
	if len(s) >= 3 && s[0] == 'x' {
		return hex(s[1:3]), 3
	}
	if len(s) >= 2 && s[0] == 'u' && s[1] == '{' {
		for i := 2; i < len(s); i++ {
			if s[i] == '}' {
				return hex(s[2:i]), i + 1
			}
		}
	}
	if len(s) < 5 || s[0] != 'u' {
		return utf8.RuneError, 1
	}
	r = hex(s[1:5])
	if utf16.IsSurrogate(r) && len(s) >= 11 && s[5] == '\\' && s[6] == 'u' {
		if pair := utf16.DecodeRune(r, hex(s[7:11])); pair != utf8.RuneError {
			return pair, 11
		}
	}
	return r, 5
}
