package resolve

import (
	"path/filepath"
	"strings"
)

// Alias replaces the beginning of specifiers, or what a regular expression matches.
type Alias struct {
	// Find is a whole specifier, or its first segments: "@" matches "@/x" but not "@scope/x".
	Find string
	// Expression is used in place of Find when not nil.
	Expression Expression
	// Replacement takes the place of what matched; $1 stands for a group of the expression. "./x" is relative to the root.
	Replacement string
}

// Expression is a regular expression.
type Expression interface {
	// Match tells whether it matches anywhere in the text.
	Match(text string) bool
	// Replace replaces what it matches.
	Replace(text, replacement string) string
}

type alias struct {
	find, prefix string
	expr         Expression
	replacement  string
}

func (r *Resolver) setAliases(list []Alias) {
	for _, a := range list {
		to := alias{find: a.Find, prefix: a.Find, expr: a.Expression, replacement: a.Replacement}
		if !strings.HasSuffix(to.prefix, "/") {
			to.prefix += "/"
		}
		if to.expr == nil && to.find == "" {
			continue
		}
		if strings.HasPrefix(to.replacement, "./") || strings.HasPrefix(to.replacement, "../") {
			slash := strings.HasSuffix(to.replacement, "/")
			to.replacement = filepath.ToSlash(filepath.Join(r.root, to.replacement))
			if slash {
				to.replacement += "/"
			}
		}
		r.alias = append(r.alias, to)
	}
}

// applyAlias returns what an alias makes of the specifier.
func (r *Resolver) applyAlias(name string) (string, bool) {
	for i := range r.alias {
		a := &r.alias[i]
		switch {
		case a.expr != nil:
			if a.expr.Match(name) {
				return a.expr.Replace(name, a.replacement), true
			}
		case name == a.find:
			return a.replacement, true
		case strings.HasPrefix(name, a.prefix):
			// As in Vite the text itself is replaced: with find "@/" the slash goes with it.
			return a.replacement + name[len(a.find):], true
		}
	}
	return name, false
}
