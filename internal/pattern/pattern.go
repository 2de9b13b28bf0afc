// Package pattern matches regular expressions of JavaScript.
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

// matchTime is the longest time of one match in the engine that backtracks.
const matchTime = 100 * time.Millisecond

// Pattern is a regular expression. Go's own engine runs the expressions that it understands, and never takes long. The
// rest (`(?!…)`, `(?=…)`, `\1`) runs in an engine that backtracks; a match that would take too long there is no match.
type Pattern struct {
	plain *regexp.Regexp
	full  *regexp2.Regexp
	// names are the groups' names in the order in which the groups open, "" for a group without a name.
	names []string
	all   bool // see CompileFlags
}

// Compile compiles an expression with the flag g: Replace replaces all matches.
func Compile(text string) (*Pattern, error) { return CompileFlags(text, "g") }

// CompileFlags compiles an expression with flags of JavaScript: i, m, s, y, g, u, v, d. Without g, Replace replaces
// only the first match.
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
	p.full.MatchTimeout = matchTime
	return p, nil
}

// groupNames lists the groups that an expression captures. The two engines number groups with a name differently.
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

// Match reports whether the expression matches anywhere in the text.
func (p *Pattern) Match(text string) bool {
	if p.plain != nil {
		return p.plain.MatchString(text)
	}
	matched, err := p.full.MatchString(text)
	return matched && err == nil
}

// Replace replaces the matches of the expression. The replacement may use JavaScript's references ($1, $&, $<name>, $$
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

// match is one match of an expression in a text.
type match struct {
	text       string
	start, end int
	groups     []string // in the order in which the groups open
	names      []string
}

// matches finds all matches. It returns none when that would take too long.
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
	offsets := make([]int, 0, len(text)+1) // byte offsets of the runes: regexp2 counts in runes
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

// expand writes a replacement with its references, by the rules of String.prototype.replace.
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

// reference returns the value of the reference that follows a "$", and the reference's length. The length is 0 when the
// "$" stands for itself.
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
	for _, digits := range []int{2, 1} { // $12 is the twelfth group if there is one, or else the first group and a 2
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
