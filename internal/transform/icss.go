package transform

import (
	"regexp"
	"strings"

	"github.com/tdewolff/parse/v2/css"
)

// ICSS (https://github.com/css-modules/icss) is the part of CSS Modules that no browser reads: `:import`, `:export`,
// and `@value`, which is short for both.

// icss is a statement of ICSS.
type icss struct {
	kind icssKind
	at   int // where it begins in its file
	// text is what follows @value, or the path in :import(), without comments.
	text string
	// list are the declarations of an :import or :export.
	list []icssDecl
	// odd are the parts of an :import or :export that are no declarations.
	odd []string
}

type icssKind int

const (
	icssValue icssKind = iota
	icssImport
	icssExport
)

type icssDecl struct{ name, value string }

// cutICSS blanks the statements of ICSS in a stylesheet, so that all other places stay.
func cutICSS(text string) (rest string, list []icss) {
	if !hasWord(text, "@value") && !strings.Contains(text, ":export") && !strings.Contains(text, ":import(") {
		return text, nil
	}
	var edits cssEdits
	tokens := cssTokens(text)
	for i, depth := 0, 0; i < len(tokens); i++ {
		switch t := tokens[i]; {
		case t.blank() || t.kind == css.SemicolonToken:
		case t.kind == css.LeftBraceToken:
			depth++
		case t.kind == css.RightBraceToken:
			depth--
		default:
			end := cssStatementEnd(tokens, i)
			block := end < len(tokens) && tokens[end].kind == css.LeftBraceToken
			s := icss{at: t.start}
			switch name := strings.TrimSpace(withoutComments(text, tokens[i:end])); {
			case t.kind == css.AtKeywordToken && !block && strings.EqualFold(text[t.start:t.end], "@value"):
				s.text = strings.TrimSpace(name[len("@value"):])
			case block && depth == 0 && name == ":export":
				s.kind = icssExport
				end = s.declarations(text, tokens, end+1)
			case block && depth == 0 && strings.HasPrefix(name, ":import(") && strings.HasSuffix(name, ")"):
				s.kind, s.text = icssImport, unquotedPath(strings.TrimSpace(name[len(":import("):len(name)-1]))
				end = s.declarations(text, tokens, end+1)
			default:
				i = end - 1
				continue
			}
			stop := len(text)
			if end < len(tokens) {
				if stop = tokens[end].start; tokens[end].kind != css.RightBraceToken || s.kind != icssValue {
					stop = tokens[end].end
				}
			}
			edits.add(text, t.start, stop, blanked(text[t.start:stop]))
			list = append(list, s)
			i = end
			if s.kind == icssValue {
				i--
			}
		}
	}
	return edits.apply(text), list
}

// declarations reads the declarations of a block from the token i on. It returns the index of the block's end.
func (s *icss) declarations(text string, tokens []cssToken, i int) int {
	for i < len(tokens) && tokens[i].kind != css.RightBraceToken {
		end := cssStatementEnd(tokens, i)
		name, value, ok := strings.Cut(withoutComments(text, tokens[i:end]), ":")
		name = strings.TrimSpace(name)
		switch {
		case ok && name != "":
			s.list = append(s.list, icssDecl{name, strings.TrimSpace(value)})
		case ok || name != "":
			s.odd = append(s.odd, strings.TrimSpace(withoutComments(text, tokens[i:end])))
		}
		i = end
		if i < len(tokens) && tokens[i].kind != css.RightBraceToken {
			i++
		}
	}
	return i
}

// cssStatementEnd returns the index of the token that ends the prelude or the declaration which begins at the token i.
// That token is a semicolon or a brace.
func cssStatementEnd(tokens []cssToken, i int) int {
	for depth := 0; i < len(tokens); i++ {
		switch kind := tokens[i].kind; {
		case kind == css.RightBraceToken, depth <= 0 && (kind == css.SemicolonToken || kind == css.LeftBraceToken):
			return i
		}
		depth += tokens[i].nesting()
	}
	return i
}

func withoutComments(text string, tokens []cssToken) string {
	var b strings.Builder
	for _, t := range tokens {
		if t.kind != css.CommentToken {
			b.WriteString(text[t.start:t.end])
		}
	}
	return b.String()
}

// blanked returns spaces in place of the text, as wide in UTF-16 units, and with the same lines.
func blanked(text string) string {
	var b strings.Builder
	for _, c := range text {
		switch {
		case c == '\n' || c == '\r' || c == '\f':
			b.WriteRune(c)
		case c > 0xffff:
			b.WriteString("  ")
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// unquotedPath returns the text of a string, or the text itself. Paths in ICSS need no quotes.
func unquotedPath(text string) string {
	if n := len(text); n > 1 && (text[0] == '"' || text[0] == '\'') && text[n-1] == text[0] {
		return unescapeName(text[1 : n-1])
	}
	return text
}

var (
	valueImport     = regexp.MustCompile(`(?s)^(.+?|\(.+?\))\s+from\s+("[^"]*"|'[^']*'|[\w-]+)$`)
	valueImportName = regexp.MustCompile(`^([\w-]+)(?:\s+as\s+([\w-]+))?$`)
	valueDefinition = regexp.MustCompile(`(?s)^([\w-]+)(?:\s*:|\s)\s*(.+)$`)
)
