// Package agenttest helps tests to check what agents read. It imports nothing of the project, so that all tests may use it.
package agenttest

import "strings"

// Outside returns what stands outside of the marks of pages.
func Outside(text string) string {
	var b strings.Builder
	depth := 0
	for _, r := range text {
		switch {
		case r == '⟦':
			depth++
		case r == '⟧':
			depth--
		case depth == 0:
			b.WriteRune(r)
		}
	}
	return b.String()
}
