package agent

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Marks says how text that comes from pages is shown.
type Marks struct {
	// Off shows the text without its mark, for people. Control characters are removed all the same.
	Off bool
}

// The mark of a page's text is ⟦page c3: …⟧. Its brackets, and those that look alike, become plain brackets inside it,
// so that the text cannot end its own mark.
const markOpen, markClose = "⟦", "⟧"

var lookAlike = strings.NewReplacer(
	"⟦", "[", "⟧", "]", "〚", "[", "〛", "]", "⟬", "[", "⟭", "]", "⦋", "[", "⦌", "]", "⦗", "[", "⦘", "]",
)

// Bounds of texts in bytes: of one value such as a title, of a block such as a stack, and of a whole answer of a page.
const (
	maxValue = 500
	maxBlock = 4000
	maxWhole = 110_000
)

// value marks a short text of a page.
func (m Marks) value(page, text string) string { return m.text(page, text, maxValue) }

// text marks a text of a page that is at most limit bytes long. An empty text stays empty.
func (m Marks) text(page, text string, limit int) string {
	if text == "" {
		return ""
	}
	text = bounded(lookAlike.Replace(clean(text)), limit)
	if m.Off && limit == maxWhole {
		return text
	}
	if m.Off {
		return strings.ReplaceAll(text, "\n", "\n    ") // the text must not look like the next line
	}
	if strings.Contains(text, "\n") {
		return fmt.Sprintf("%s%s:\n%s\n%s", markOpen, source(page), text, markClose)
	}
	return fmt.Sprintf("%s%s: %s%s", markOpen, source(page), text, markClose)
}

// isPage reports whether a text has the form of a page's ID.
func isPage(text string) bool {
	return text != "" && len(text) <= 40 && !strings.ContainsFunc(text, notInNames)
}

// source names where a text comes from: a page, or the server's handlers, which may answer with what pages sent.
func source(page string) string {
	switch {
	case page == fromServer:
		return "server"
	case isPage(page):
		return "page " + page
	}
	return "page"
}

// fromServer is the page in place of the server's handlers.
const fromServer = "\x00server"

// name returns a name that a page chose, such as an address or the name of an event. A name without spaces is shown as
// it is, since it is no sentence. Other text is marked.
func (m Marks) name(page, text string) string {
	if len(text) <= 300 && text == lookAlike.Replace(clean(text)) && !strings.ContainsFunc(text, unicode.IsSpace) {
		return text
	}
	return m.value(page, text)
}

// names is name for a list, which it changes in place.
func (m Marks) names(page string, list []string) {
	for i := range list {
		list[i] = m.name(page, list[i])
	}
}

// clean removes characters that are not drawn: control characters, marks that reorder text, and those that hide text in
// other text. Line breaks and tabs stay.
func clean(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\u2028' || r == '\u2029' || r == '\u0085':
			return '\n'
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Variation_Selector):
			return -1
		case strings.ContainsRune("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0", r): // fillers
			return -1
		}
		return r
	}, text)
}

// bounded returns at most limit bytes of a text, and says how many are missing.
func bounded(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	cut := limit
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return fmt.Sprintf("%s… (%d bytes more)", text[:cut], len(text)-cut)
}
