package glob

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxChoices bounds what the braces of a pattern stand for.
const maxChoices = 10_000

// expand returns the patterns that a pattern stands for: for each choice of its braces, and of its groups with slashes,
// which no single segment can match.
func expand(text string) ([]string, error) {
	done, todo := []string{}, []string{text}
	for len(todo) > 0 {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		before, choices, after, err := firstChoice(next)
		if err != nil {
			return nil, err
		}
		if choices == nil {
			done = append(done, next)
			continue
		}
		if len(done)+len(todo)+len(choices) > maxChoices {
			return nil, fmt.Errorf("it stands for more than %d patterns", maxChoices)
		}
		for i := len(choices) - 1; i >= 0; i-- {
			todo = append(todo, before+choices[i]+after)
		}
	}
	return done, nil
}

// firstChoice finds the first braces, or group with a slash, in a pattern. choices is nil when there is none.
func firstChoice(text string) (before string, choices []string, after string, err error) {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '[':
			if end := classEnd(text, i); end > 0 {
				i = end
			}
		case '{':
			end := closing(text, i)
			if end < 0 {
				continue
			}
			if choices = braces(text[i+1 : end]); choices != nil {
				return text[:i], choices, text[end+1:], nil
			}
		case '(':
			end := closing(text, i)
			if end < 0 || !strings.Contains(text[i:end], "/") {
				continue
			}
			start, after := i, end+1
			if i > 0 && isSign(text[i-1]) {
				start--
			} else if after < len(text) && (text[after] == '?' || text[after] == '+') {
				after++
			}
			if text[i+1] == '?' || text[start] != '@' && after-start != end+1-i {
				return "", nil, "", fmt.Errorf("%s has a slash in it, which only (…), @(…) and {…} may have", text[start:after])
			}
			return text[:start], split(text[i+1:end], '|'), text[after:], nil
		}
	}
	return "", nil, "", nil
}

// braces returns the choices between two braces, nil when they mean themselves.
func braces(inner string) []string {
	if list := split(inner, ','); len(list) > 1 {
		return list
	}
	parts := strings.Split(inner, "..")
	if len(parts) != 2 && len(parts) != 3 {
		return nil
	}
	step := 1
	if len(parts) == 3 {
		n, err := strconv.Atoi(parts[2])
		if err != nil {
			return nil
		}
		step = max(n, -n, 1)
	}
	if list, err := numbers(parts[0], parts[1], step); err == nil {
		return list
	}
	if len(parts[0]) != 1 || len(parts[1]) != 1 {
		return nil
	}
	return between(int(parts[0][0]), int(parts[1][0]), step, func(n int) string { return Escape(string(rune(n))) })
}

// numbers lists the numbers of a range. A bound with a zero in front fills the numbers up.
func numbers(from, to string, step int) ([]string, error) {
	a, errA := strconv.Atoi(from)
	b, errB := strconv.Atoi(to)
	if err := errors.Join(errA, errB); err != nil {
		return nil, err
	}
	width := 0
	if zeroed(from) || zeroed(to) {
		width = max(len(from), len(to))
	}
	return between(a, b, step, func(n int) string { return fmt.Sprintf("%0*d", width, n) }), nil
}

func zeroed(number string) bool {
	number = strings.TrimPrefix(number, "-")
	return len(number) > 1 && number[0] == '0'
}

func between(a, b, step int, text func(int) string) []string {
	if a > b {
		step = -step
	}
	var list []string
	for n := a; (n <= b) == (step > 0) || n == b; n += step {
		if list = append(list, text(n)); len(list) > maxChoices {
			break // expand refuses it
		}
	}
	return list
}

// split splits a text at a separator outside brackets of all kinds.
func split(text string, separator byte) []string {
	var list []string
	start := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '[':
			if end := classEnd(text, i); end > 0 {
				i = end
			}
		case c == '{' || c == '(':
			if end := closing(text, i); end > 0 {
				i = end
			}
		case c == separator:
			list = append(list, text[start:i])
			start = i + 1
		}
	}
	return append(list, text[start:])
}

// closing returns where the brace or parenthesis at i is closed, or -1.
func closing(text string, i int) int {
	var open []byte
	for ; i < len(text); i++ {
		switch c := text[i]; c {
		case '\\':
			i++
		case '[':
			if end := classEnd(text, i); end > 0 {
				i = end
			}
		case '(':
			open = append(open, ')')
		case '{':
			open = append(open, '}')
		case ')', '}':
			if open[len(open)-1] != c {
				continue
			}
			if open = open[:len(open)-1]; len(open) == 0 {
				return i
			}
		}
	}
	return -1
}

// unclosed returns the first bracket that nothing closes, "" when there is none.
func unclosed(text string) string {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '[':
			if i = classEnd(text, i); i < 0 {
				return "["
			}
		case (c == '{' || c == '(') && closing(text, i) < 0:
			return string(c)
		}
	}
	return ""
}

// classEnd returns where the bracket at i is closed, or -1 when it means itself. A bracket does not span segments.
func classEnd(text string, i int) int {
	at := i + 1
	if at < len(text) && (text[at] == '!' || text[at] == '^') {
		at++
	}
	for first := at; at < len(text) && text[at] != '/'; at++ {
		switch {
		case text[at] == '\\':
			at++
		case strings.HasPrefix(text[at:], "[:"):
			if end := strings.Index(text[at:], ":]"); end > 0 {
				at += end + 1
			}
		case text[at] == ']' && at > first:
			return at
		}
	}
	return -1
}
