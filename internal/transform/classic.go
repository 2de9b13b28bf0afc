package transform

import "github.com/tdewolff/parse/v2/js"

// ImportedURLs returns the ranges of the texts in the import("…") of a classic script, without their quotes.
func ImportedURLs(code string) [][2]int {
	tokens, _ := tokenize([]byte(code), nil)
	kind := func(i int) js.TokenType {
		if i < 0 || i >= len(tokens) {
			return js.ErrorToken
		}
		return tokens[i].kind
	}
	var found [][2]int
	for i := range tokens {
		if kind(i) == js.ImportToken && !isMember(kind(i-1)) && kind(i+1) == js.OpenParenToken && kind(i+2) == js.StringToken {
			found = append(found, [2]int{int(tokens[i+2].start) + 1, int(tokens[i+2].end) - 1})
		}
	}
	return found
}
