// Package pattern matches regular expressions that were written for JavaScript.
package pattern

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dlclark/regexp2"
)

// patience bounds one match of an expression that backtracks.
const patience = 100 * time.Millisecond

// Pattern is a regular expression. Go's own engine, which never takes long, runs what it understands; the rest (`(?!…)`,
// `(?=…)`, `\1`) runs in one that backtracks, and matches nothing where that would take too long.
type Pattern struct {
	plain *regexp.Regexp
	full  *regexp2.Regexp
	// names are those of the groups in the order in which they open, "" for groups without one.
	names []string
	all   bool // see CompileFlags
}

// Compile reads an expression. Replace puts something in the place of all that it matches.
func Compile(text string) (*Pattern, error) { return CompileFlags(text, "g") }

// CompileFlags reads an expression with flags of JavaScript: i, m, s, y, u, v, d; without g, Replace replaces what
// matches first.
func CompileFlags(text, flags string) (*Pattern, error) {
	inline, options := "", regexp2.RegexOptions(regexp2.ECMAScript)
	for _, f := range flags {
		switch f {
		case 'i':
			inline += "i"
			options |= regexp2.IgnoreCase
		case 'm':
			inline += "m"
			options |= regexp2.Multiline
		case 's':
			inline += "s"
			options |= regexp2.Singleline
		case 'y':
			text = "^(?:" + text + ")"
		case 'g', 'u', 'v', 'd':
		default:
			return nil, fmt.Errorf("unknown flag %q", f)
		}
	}
	p := &Pattern{names: groupNames(text), all: strings.Contains(flags, "g")}
	if inline != "" {
		inline = "(?" + inline + ")"
	}
	var err error
	if p.plain, err = regexp.Compile(inline + text); err == nil {
		return p, nil
	}
	var fullErr error
	if p.full, fullErr = regexp2.Compile(text, options); fullErr != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	p.full.MatchTimeout = patience
	return p, nil
}

// groupNames lists the groups that an expression captures: the two engines do not count those with a name alike.
func groupNames(text string) []string {
	var names []string
	class := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c != '(':
		case !strings.HasPrefix(text[i:], "(?"):
			names = append(names, "")
		case strings.HasPrefix(text[i:], "(?<") && !strings.HasPrefix(text[i:], "(?<=") && !strings.HasPrefix(text[i:], "(?<!"):
			name, _, _ := strings.Cut(text[i+len("(?<"):], ">")
			names = append(names, name)
		}
	}
	return names
}

// Match tells whether the expression matches anywhere in the text.
func (p *Pattern) Match(text string) bool {
	if p.plain != nil {
		return p.plain.MatchString(text)
	}
	matched, err := p.full.MatchString(text)
	return matched && err == nil
}

// Replace replaces what the expression matches. The replacement may use what it may in JavaScript ($1, $&, $<name>, $$
// and the rest), and ${1} and ${name} too.
func (p *Pattern) Replace(text, replacement string) string {
	var made strings.Builder
	from := 0
	for _, m := range p.matches(text) {
		made.WriteString(text[from:m.start])
		m.expand(&made, replacement)
		from = m.end
		if !p.all {
			break
		}
	}
	made.WriteString(text[from:])
	return made.String()
}

// match is one of an expression in a text.
type match struct {
	text       string
	start, end int
	groups     []string // in the order in which they open
	names      []string
}

// matches finds all; none where that would take too long.
func (p *Pattern) matches(text string) []match {
	if p.plain == nil {
		return p.backtrack(text)
	}
	var list []match
	for _, at := range p.plain.FindAllStringSubmatchIndex(text, -1) {
		m := match{text: text, start: at[0], end: at[1], names: p.names}
		for i := 2; i+1 < len(at); i += 2 {
			group := ""
			if at[i] >= 0 {
				group = text[at[i]:at[i+1]]
			}
			m.groups = append(m.groups, group)
		}
		list = append(list, m)
	}
	return list
}

func (p *Pattern) backtrack(text string) []match {
	offsets := make([]int, 0, len(text)+1) // of the runes: that engine counts in them
	for i := range text {
		offsets = append(offsets, i)
	}
	offsets = append(offsets, len(text))
	var list []match
	found, err := p.full.FindStringMatch(text)
	for ; found != nil && err == nil; found, err = p.full.FindNextMatch(found) {
		m := match{text: text, start: offsets[found.Index], end: offsets[found.Index+found.Length], names: p.names}
		unnamed := 0
		for _, name := range p.names {
			var g *regexp2.Group
			if name != "" {
				g = found.GroupByName(name)
			} else {
				unnamed++
				g = found.GroupByNumber(unnamed)
			}
			group := ""
			if g != nil {
				group = g.String()
			}
			m.groups = append(m.groups, group)
		}
		list = append(list, m)
	}
	if err != nil {
		return nil
	}
	return list
}

// expand writes a replacement by the rules of String.prototype.replace.
func (m match) expand(to *strings.Builder, replacement string) {
	for {
		before, rest, found := strings.Cut(replacement, "$")
		to.WriteString(before)
		if !found {
			return
		}
		value, length := m.reference(rest)
		if length == 0 {
			value = "$"
		}
		to.WriteString(value)
		replacement = rest[length:]
	}
}

// reference returns what the text behind a "$" stands for, and how much of it that is; 0 when the "$" is meant itself.
func (m match) reference(rest string) (value string, length int) {
	switch {
	case rest == "":
		return "", 0
	case rest[0] == '$':
		return "$", 1
	case rest[0] == '&':
		return m.text[m.start:m.end], 1
	case rest[0] == '`':
		return m.text[:m.start], 1
	case rest[0] == '\'':
		return m.text[m.end:], 1
	case rest[0] == '<':
		return m.named(rest, ">")
	case rest[0] == '{':
		return m.named(rest, "}")
	}
	for _, digits := range []int{2, 1} { // $12 is the twelfth group when there is one, or else the first and a 2
		if len(rest) < digits || rest[digits-1] < '0' || rest[digits-1] > '9' {
			continue
		}
		if n, err := strconv.Atoi(rest[:digits]); err == nil && n > 0 && n <= len(m.groups) {
			return m.groups[n-1], digits
		}
	}
	return "", 0
}

func (m match) named(rest, end string) (value string, length int) {
	name, _, found := strings.Cut(rest[1:], end)
	if !found {
		return "", 0
	}
	if i := slices.Index(m.names, name); i >= 0 && name != "" {
		return m.groups[i], len(name) + 2
	}
	if end == ">" && slices.ContainsFunc(m.names, func(name string) bool { return name != "" }) {
		return "", len(name) + 2
	}
	if n, err := strconv.Atoi(name); err == nil && end == "}" && n >= 0 && n <= len(m.groups) {
		return append([]string{m.text[m.start:m.end]}, m.groups...)[n], len(name) + 2
	}
	return "", 0
}
