package wire

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Filter matches module IDs (specifiers, for resolveID) and the text of modules. The zero value matches all.
type Filter struct {
	// Prefixes, Suffixes and Patterns: one of them must match the ID, if there are any. A query does not count for a
	// suffix. Patterns are regular expressions of Go. A pattern that Go cannot read matches all: the host decides.
	Prefixes []string `json:"prefixes,omitempty"`
	Suffixes []string `json:"suffixes,omitempty"`
	Patterns []string `json:"patterns,omitempty"`
	// Exclude are regular expressions, none of which may match the ID. An expression that Go cannot read excludes
	// nothing.
	Exclude []string `json:"exclude,omitempty"`
	// Contains: one of these texts must be in the module, if there are any. It counts for hooks that get the text.
	Contains []string `json:"contains,omitempty"`
}

// Matches reports whether the filter lets the ID through.
func (f Filter) Matches(id string) bool {
	if slices.ContainsFunc(f.Exclude, func(p string) bool { r, err := expression(p); return err == nil && r.MatchString(id) }) {
		return false
	}
	if !f.Picks() {
		return true
	}
	name, _, _ := strings.Cut(id, "?")
	return slices.ContainsFunc(f.Prefixes, func(p string) bool { return strings.HasPrefix(id, p) }) ||
		slices.ContainsFunc(f.Suffixes, func(s string) bool { return strings.HasSuffix(name, s) }) ||
		slices.ContainsFunc(f.Patterns, func(p string) bool { r, err := expression(p); return err != nil || r.MatchString(id) })
}

// Picks reports whether the filter names the IDs that it lets through.
func (f Filter) Picks() bool { return len(f.Prefixes)+len(f.Suffixes)+len(f.Patterns) > 0 }

// MatchesText reports whether the filter lets a module with that text through.
func (f Filter) MatchesText(text string) bool {
	return len(f.Contains) == 0 || slices.ContainsFunc(f.Contains, func(part string) bool { return strings.Contains(text, part) })
}

// Check reports a regular expression that cannot be read.
func (f Filter) Check() error {
	for _, pattern := range slices.Concat(f.Patterns, f.Exclude) {
		if _, err := expression(pattern); err != nil {
			return err
		}
	}
	return nil
}

// expressions holds the regular expressions of all filters: a filter is asked about each module.
var expressions sync.Map

func expression(pattern string) (*regexp.Regexp, error) {
	type compiled struct {
		r   *regexp.Regexp
		err error
	}
	if known, ok := expressions.Load(pattern); ok {
		return known.(compiled).r, known.(compiled).err
	}
	r, err := regexp.Compile(pattern)
	expressions.Store(pattern, compiled{r, err})
	return r, err
}
