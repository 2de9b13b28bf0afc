package transform

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// StyleAddress is an address in a stylesheet.
type StyleAddress struct {
	// Text is the address without quotes and escapes.
	Text string
	// Import says that the address is an @import's. Language says that the tool of the language reads the file, and not
	// the browser: data-uri() of Less.
	Import, Language bool
	// String says that the address is a string in image-set(), where a url() may be instead.
	String bool
	// Partly says that the address has parts that a tool of the language puts in.
	Partly bool
}

// RewriteAddresses returns a stylesheet with other addresses: those of url(), image-set(), @import and data-uri().
// replace returns what to write instead of an address, and is not ok for an address that stays. What is in comments and
// strings stays. language says that the stylesheet is of Sass or Less: an address that is an expression stays, too. A text
// without an address is returned as it is.
func RewriteAddresses(text string, language bool, replace func(StyleAddress) (to string, ok bool)) string {
	s := addressScanner{text: text, language: language, replace: replace}
	s.run()
	if s.kept == 0 {
		return text
	}
	s.out.WriteString(text[s.kept:])
	return s.out.String()
}

type addressScanner struct {
	text     string
	language bool
	replace  func(StyleAddress) (string, bool)
	at       int
	kept     int // the text before is in out
	out      strings.Builder
	// within are the names of the functions around the place, "" for other parentheses.
	within []string
}

func (s *addressScanner) run() {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case strings.HasPrefix(s.text[s.at:], "/*"):
			s.skipTo("*/")
		case s.language && strings.HasPrefix(s.text[s.at:], "//"):
			s.skipTo("\n")
		case c == '"' || c == '\'':
			s.string()
		case c == '\\':
			s.at += 2
		case c == '@' && s.word("@import"):
			s.at += len("@import")
			s.imports()
		case c == '(':
			s.within = append(s.within, "")
			s.at++
		case c == ')':
			s.within = s.within[:max(0, len(s.within)-1)]
			s.at++
		case isCSSName(c):
			s.name()
		default:
			s.at++
		}
	}
}

func (s *addressScanner) skipTo(end string) {
	n := strings.Index(s.text[s.at+2:], end)
	if n < 0 {
		s.at = len(s.text)
		return
	}
	s.at += 2 + n + len(end)
}

// word reports whether the name stands at the place.
func (s *addressScanner) word(name string) bool {
	end := s.at + len(name)
	return end < len(s.text) && strings.EqualFold(s.text[s.at:end], name) && !isCSSName(s.text[end])
}

// name reads a name, and the address in it when it is a url().
func (s *addressScanner) name() {
	from := s.at
	for s.at < len(s.text) && isCSSName(s.text[s.at]) {
		s.at++
	}
	if s.at == len(s.text) || s.text[s.at] != '(' {
		return
	}
	name := strings.ToLower(s.text[from:s.at])
	s.at++
	if name == "url" && s.url(false) {
		return
	}
	s.within = append(s.within, name)
}

// string reads a string. It is an address in image-set() and data-uri(). "~" makes a string of Less code.
func (s *addressScanner) string() {
	from := s.at
	body := s.quoted()
	if s.language && from > 0 && s.text[from-1] == '~' {
		now := RewriteAddresses(body, true, s.replace)
		if now != body && strings.Count(now, s.text[from:from+1]) == strings.Count(body, s.text[from:from+1]) {
			s.out.WriteString(s.text[s.kept:from+1] + now)
			s.kept = from + 1 + len(body)
		}
		return
	}
	if len(s.within) == 0 {
		return
	}
	switch s.within[len(s.within)-1] {
	case "image-set", "-webkit-image-set":
		s.put(from, s.at, StyleAddress{Text: unescapeName(body), String: true, Partly: s.language && interpolated(body)}, s.text[from])
	case "data-uri":
		if !strings.HasPrefix(strings.TrimLeft(s.text[s.at:], " \t\r\n"), ",") { // else it is the type
			s.put(from, s.at, StyleAddress{Text: unescapeName(body), Language: true, Partly: s.language && interpolated(body)}, s.text[from])
		}
	}
}

// quoted reads the string at the place and returns what is in the quotes. Sass has code in #{}, also with strings.
func (s *addressScanner) quoted() string {
	quote, from := s.text[s.at], s.at+1
	depth := 0
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '\\':
			s.at++
		case s.language && strings.HasPrefix(s.text[s.at:], "#{"):
			depth++
		case c == '}' && depth > 0:
			depth--
		case c == '\n' && depth == 0: // the string is broken, and ends here
			return s.text[from:s.at]
		case c == quote && depth == 0:
			s.at++
			return s.text[from : s.at-1]
		}
	}
	s.at = len(s.text)
	return s.text[from:]
}

// url reads what is behind "url(", if it is an address: a string, or text up to the parenthesis.
func (s *addressScanner) url(imported bool) bool {
	begin := s.at
	s.space()
	from := s.at
	if from == len(s.text) {
		return true
	}
	var body string
	quote := s.text[from]
	if quote == '"' || quote == '\'' {
		body = s.quoted()
	} else {
		quote = 0
		for depth := 0; s.at < len(s.text) && (s.text[s.at] != ')' || depth > 0); s.at++ {
			switch {
			case s.text[s.at] == '\\':
				s.at++
			case s.language && interpolated(s.text[s.at:min(s.at+2, len(s.text))]):
				depth++
			case s.text[s.at] == '}' && depth > 0:
				depth--
			case s.text[s.at] == '(' && depth == 0: // an expression: looking on for its end, each would read all that follows
				s.at = begin
				return false
			}
		}
		s.at = min(s.at, len(s.text))
		body = strings.TrimRight(s.text[from:s.at], " \t\r\n")
	}
	to := from + len(body)
	if quote != 0 {
		to = s.at
	}
	s.space()
	if s.at == len(s.text) || s.text[s.at] != ')' || quote == 0 && s.isExpression(body) {
		s.at = begin
		return false
	}
	s.at++
	s.put(from, to, StyleAddress{Text: unescapeName(body), Import: imported, Partly: s.language && interpolated(body)}, quote)
	return true
}

var cssEscape = regexp.MustCompile(`(?s)\\.`)

// isExpression reports whether text in url() is code.
func (s *addressScanner) isExpression(text string) bool {
	text = cssEscape.ReplaceAllString(withoutInterpolation(text), "")
	return strings.ContainsAny(text, "\"'( \t\n") ||
		s.language && (strings.Contains(text, "$") || strings.HasPrefix(text, "@"))
}

// imports reads what is behind "@import": one address, and in Sass more of them.
func (s *addressScanner) imports() {
	for {
		s.space()
		if s.at == len(s.text) {
			return
		}
		switch c := s.text[s.at]; {
		case c == '"' || c == '\'':
			from := s.at
			body := s.quoted()
			s.put(from, s.at, StyleAddress{Text: unescapeName(body), Import: true, Partly: s.language && interpolated(body)}, c)
		case len(s.text) > s.at+4 && strings.EqualFold(s.text[s.at:s.at+4], "url("):
			s.at += 4
			if !s.url(true) {
				return
			}
		default:
			return
		}
		s.space()
		if s.at == len(s.text) || s.text[s.at] != ',' {
			return
		}
		s.at++
	}
}

func (s *addressScanner) space() {
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n\f", s.text[s.at]) >= 0 {
		s.at++
	}
}

// put replaces an address, which stands at from:to with its quotes.
func (s *addressScanner) put(from, to int, a StyleAddress, quote byte) {
	now, ok := s.replace(a)
	if !ok {
		return
	}
	s.out.WriteString(s.text[s.kept:from])
	if quote == 0 && (a.Partly || !strings.ContainsAny(now, " \t\r\n\"'()\\")) {
		s.out.WriteString(now)
	} else {
		s.out.WriteString(quoteCSS(now, quote, a.String))
	}
	s.kept = to
}

// quoteCSS writes a string of CSS, or a url() with the string.
func quoteCSS(text string, quote byte, url bool) string {
	if quote == 0 {
		quote = '"'
	}
	q := string(quote)
	text = q + strings.NewReplacer(`\`, `\\`, q, `\`+q, "\n", `\a `).Replace(text) + q
	if url {
		return "url(" + text + ")"
	}
	return text
}

func interpolated(text string) bool {
	return strings.Contains(text, "#{") || strings.Contains(text, "@{")
}

// withoutInterpolation returns the text without what a tool replaces: #{} of Sass and @{} of Less.
func withoutInterpolation(text string) string {
	for _, begin := range []string{"#{", "@{"} {
		for {
			from := strings.Index(text, begin)
			if from < 0 {
				break
			}
			n := strings.IndexByte(text[from:], '}')
			if n < 0 {
				return text
			}
			text = text[:from] + text[from+n+1:]
		}
	}
	return text
}

func isCSSName(c byte) bool {
	return c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
}
