package resolve

import (
	"path/filepath"
	"strings"
)

// Alias replaces the beginning of specifiers, or the match of a regular expression.
type Alias struct {
	// Find is a whole specifier, or its first segments: "@" matches "@/x" but not "@scope/x".
	Find string
	// Expression is used instead of Find when it is not nil.
	Expression Expression
	// Replacement replaces the match; $1 stands for a group of the expression. "./x" is relative to the root.
	Replacement string
}

// Expression is a regular expression.
type Expression interface {
	// Match reports whether the expression matches anywhere in the text.
	Match(text string) bool
	// Replace replaces the matches.
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

// applyAlias returns the specifier with the first alias applied that matches, and whether an alias matched.
func (r *Resolver) applyAlias(name string) (string, bool) {
	for i := range r.alias {
		a := &r.alias[i]
		switch {
		case a.expr != nil:
			if a.expr.Match(name) {
				return a.path(a.expr.Replace(name, a.replacement)), true
			}
		case name == a.find:
			return a.replacement, true
		case strings.HasPrefix(name, a.prefix):
			// As in Vite the text itself is replaced: with find "@/" the slash goes with it.
			return a.path(a.replacement + name[len(a.find):]), true
		}
	}
	return name, false
}

// path returns a specifier that the alias has made. An alias "@" for "/" makes "@/x" the path "/x"; "//x" would be an
// address on another host, which only a replacement that begins so means.
func (a *alias) path(name string) string {
	if strings.HasPrefix(name, "//") && !strings.HasPrefix(a.replacement, "//") {
		return "/" + strings.TrimLeft(name, "/")
	}
	return name
}
