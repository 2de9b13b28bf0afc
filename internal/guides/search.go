package guides

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Hit is a section that a search has found.
type Hit struct {
	// URL is the address of the section, relative to the folder of all guides.
	URL string `json:"url"`
	// Page is the guide. Section is the ID of the section in it, "" for a section without an ID.
	Page    *Page  `json:"-"`
	Section string `json:"-"`
	// Title is the heading of the section, Guide the title of its guide.
	Title Marked `json:"title"`
	Guide Marked `json:"guide"`
	// Snippet is a part of the section's text with what was found.
	Snippet Marked `json:"snippet"`

	section      *section
	score, order int
}

// Marked is a text in parts. Every second part is what the user searched for.
type Marked []string

// String returns the text without marks.
func (m Marked) String() string { return strings.Join(m, "") }

// lowered holds the title and the text of a section in lower case.
type lowered struct{ title, text string }

// maxWords is how many words of a query count: everybody who reaches the server may search.
const maxWords = 12

// search is what a user searches for, in lower case.
type search struct {
	words  []string // no two are equal
	phrase string   // all words as they were written, "" for one word
}

func searchOf(query string) (q search) {
	words := strings.Fields(strings.ToLower(query))
	words = words[:min(len(words), maxWords)]
	for _, w := range words {
		if !slices.Contains(q.words, w) {
			q.words = append(q.words, w)
		}
	}
	if len(words) > 1 {
		q.phrase = strings.Join(words, " ")
	}
	return q
}

// Search returns the sections with all words of the query, the best first, and at most the given number. If no section has
// all words, it returns those with the most words, if these are more than half. A word matches the beginning of a word in
// the section, or a part within a longer word. The order of the words does not count, and words after the twelfth are left
// out.
func (s *Site) Search(query string, most int) []Hit {
	q := searchOf(query)
	if len(q.words) == 0 {
		return nil
	}
	var hits []Hit
	fewest := (len(q.words) - 1) / 2 // words that may be missing; then those that are missing in the hits
	for i, p := range append([]*Page{s.index}, s.pages...) {
		guide := strings.ToLower(p.Label + " " + p.Name)
		for j := range p.sections {
			sec := &p.sections[j]
			score, missing := sec.score(guide, q)
			if score == 0 || missing > fewest {
				continue
			}
			if missing < fewest {
				hits, fewest = nil, missing
			}
			if p == s.index {
				score = 1 // it names everything, and says nothing
			}
			hits = append(hits, Hit{Page: p, Section: sec.id, section: sec, score: score, order: i<<16 + j})
		}
	}
	slices.SortFunc(hits, func(a, b Hit) int { return cmp.Or(b.score-a.score, a.order-b.order) })
	hits = hits[:min(len(hits), most)]
	for i := range hits {
		hits[i].show(q.words)
	}
	return hits
}

// Points of a word by the best place where it was found. A whole word counts more than its beginning, and this more than
// a part.
const (
	inTitle = 12
	inGuide = 6
	inText  = 1
)

// score returns how well a section matches a search, 0 if it does not, and how many words are missing.
func (s *section) score(guide string, q search) (sum, missing int) {
	outside := 0
	for _, w := range q.words {
		title, text := match(s.lower.title, w), match(s.lower.text, w)
		best := max(inTitle*title, inGuide*match(guide, w), inText*text)
		if best == 0 {
			missing++
			continue
		}
		if title == 0 && text == 0 {
			outside++
		}
		sum += best
		sum += min(strings.Count(s.lower.text, w), 3) // what a section is about comes more than once
	}
	if outside+missing == len(q.words) && s.level > 1 {
		return 0, missing // the title of the guide stands for its first section only
	}
	if q.phrase != "" && (strings.Contains(s.lower.title, q.phrase) || strings.Contains(s.lower.text, q.phrase)) {
		sum += inTitle
	}
	if sum > 0 && s.level <= 1 {
		sum += 2
	}
	return sum, missing
}

// match returns 4 if the word is a whole word of the text, 3 if a word begins with it, 1 if it is within a word, else 0.
func match(text, word string) (best int) {
	for at := 0; ; {
		i := strings.Index(text[at:], word)
		if i < 0 {
			return best
		}
		from := at + i
		before, _ := utf8.DecodeLastRuneInString(text[:from])
		after, _ := utf8.DecodeRuneInString(text[from+len(word):])
		switch starts, ends := from == 0 || !isLetter(before), from+len(word) == len(text) || !isLetter(after); {
		case starts && ends:
			return 4
		case starts:
			best = 3
		default:
			best = max(best, 1)
		}
		at = from + len(word)
	}
}

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// show fills in what the user sees of a hit.
func (h *Hit) show(words []string) {
	h.URL = h.Page.url()
	if h.section.level > 1 && h.section.id != "" {
		h.URL += "#" + h.section.id
	}
	h.Title = mark(cmp.Or(h.section.title, h.Page.Label), words)
	h.Guide = mark(h.Page.Label, words)
	h.Snippet = mark(snippet(h.section.text, h.section.lower.text, words), words)
}

const (
	snippetSize = 160 // bytes of text that a hit shows: two lines
	maxTries    = 50  // places at which a snippet may begin, shared by the words
)

// snippet returns the part of a text in which the most words are found.
func snippet(text, lower string, words []string) string {
	if len(lower) != len(text) { // a character whose lower case has another length
		lower = text
	}
	best, most := 0, -1
	for _, w := range words {
		for at, tries := 0, 0; tries < max(maxTries/len(words), 1); tries++ {
			i := strings.Index(lower[at:], w)
			if i < 0 {
				break
			}
			from := max(at+i-snippetSize/4, 0)
			window := lower[from:min(from+snippetSize, len(lower))]
			n := 0
			for _, other := range words {
				n += match(window, other)
			}
			if n > most {
				best, most = from, n
			}
			at += i + len(w)
		}
	}
	from, to := best, min(best+snippetSize, len(text))
	for from > 0 && text[from-1] != ' ' {
		from--
	}
	for to < len(text) && text[to] != ' ' {
		to++
	}
	part := text[from:to]
	if from > 0 {
		part = "… " + part
	}
	if to < len(text) {
		part += " …"
	}
	return part
}

// mark splits a text at the words.
func mark(text string, words []string) (parts Marked) {
	lower := strings.ToLower(text)
	if len(lower) != len(text) {
		return Marked{text}
	}
	plain := 0
	for at := 0; at < len(text); {
		n := 0
		for _, w := range words {
			if len(w) > n && strings.HasPrefix(lower[at:], w) {
				n = len(w)
			}
		}
		if n == 0 {
			_, n = utf8.DecodeRuneInString(text[at:])
			at += n
			continue
		}
		parts = append(parts, text[plain:at], text[at:at+n])
		at += n
		plain = at
	}
	return append(parts, text[plain:])
}
