package env

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// reference matches a reference to a variable, or the dollar sign that an escape makes an ordinary character.
var reference = regexp.MustCompile(`\\\$|\$\{([^{}]+)\}|\$([A-Za-z_][A-Za-z0-9_]*)`)

// operator stands between the name in a reference and another text: the value when there is none (-), or the value when
// there is one (+). An empty variable counts as none, with or without the colon.
var operator = regexp.MustCompile(`:?[-+]`)

// expanded returns the variables with the values of those that they refer to, by the rules of the package
// dotenv-expand: one after the other, so that a variable sees the expanded values of those before. The process's own
// variables win.
func (v *variables) expanded(process map[string]string) map[string]variable {
	values := maps.Clone(v.values)
	for _, name := range v.names {
		one := values[name]
		if own := process[name]; own != "" && own != one.text { // the same text comes from a program that read the file
			one.text = own
		} else {
			one.text, one.rest = expand(one.text, func(name string) string {
				if own, ok := process[name]; ok {
					return own
				}
				return values[name].text
			}, func(text, name string) bool {
				one, ok := values[name]
				return ok && one.text == text
			})
		}
		one.text = strings.ReplaceAll(one.text, `\$`, "$")
		values[name] = one
	}
	return values
}

// mostReferences bounds how many references one value may lead to: references may form a circle. mostBytes bounds a value
// with references: each may name the one before twice.
const (
	mostReferences = 1000
	mostBytes      = 1 << 20
)

// expand replaces the references in a text, and those that come in by that. rest means that it stopped before the end:
// at a text for which isValue reports that it is the value of the name, as dotenv-expand does, or after too many.
func expand(text string, value func(name string) string, isValue func(text, name string) bool) (expanded string, rest bool) {
	var seen []string
	for range mostReferences {
		m := firstReference(text)
		if m == nil {
			return text, false
		}
		seen = append(seen, text)
		name, by, other := parts(text, m)
		got := value(name)
		if strings.HasSuffix(by, "+") == (got != "") || slices.Contains(seen, got) { // the last refers to itself
			got = other
		}
		text = text[:m[0]] + got + text[m[1]:]
		if isValue(text, name) || len(text) > mostBytes {
			return text, firstReference(text) != nil
		}
	}
	return text, true
}

// firstReference returns the place of the first reference that is not escaped, and of its parts.
func firstReference(text string) []int {
	for _, m := range reference.FindAllStringSubmatchIndex(text, -1) {
		if text[m[0]] != '\\' {
			return m
		}
	}
	return nil
}

// parts returns the name in a reference, the operator behind it, and the other text.
func parts(text string, m []int) (name, by, other string) {
	inner := text[max(m[2], m[4]):max(m[3], m[5])]
	if at := operator.FindStringIndex(inner); at != nil {
		return inner[:at[0]], inner[at[0]:at[1]], inner[at[1]:]
	}
	return inner, "", ""
}
