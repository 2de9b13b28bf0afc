// Package pattern matches regular expressions that were written for JavaScript.
package pattern

import (
	"errors"
	"regexp"
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
}

// Compile reads an expression.
func Compile(text string) (*Pattern, error) {
	plain, err := regexp.Compile(text)
	if err == nil {
		return &Pattern{plain: plain}, nil
	}
	full, fullErr := regexp2.Compile(text, regexp2.ECMAScript)
	if fullErr != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	full.MatchTimeout = patience
	return &Pattern{full: full}, nil
}

// Match tells whether the expression matches anywhere in the text.
func (p *Pattern) Match(text string) bool {
	if p.plain != nil {
		return p.plain.MatchString(text)
	}
	matched, err := p.full.MatchString(text)
	return matched && err == nil
}

// Replace replaces all that the expression matches. The replacement may use $1, ${1} and ${name}.
func (p *Pattern) Replace(text, replacement string) string {
	if p.plain != nil {
		return p.plain.ReplaceAllString(text, replacement)
	}
	made, err := p.full.Replace(text, replacement, -1, -1)
	if err != nil {
		return text
	}
	return made
}
