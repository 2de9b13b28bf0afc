// Package glob matches paths by patterns in the language of Vite's globs, which is picomatch's.
//
//	?  *  **            a character, characters, folders; ** is special only as a whole segment
//	[a-z] [!a] [[:digit:]]
//	{a,b}  {1..10}      alternatives, which may have slashes in them
//	(a|b)  @(a|b)       alternatives; also (a|b)? and (a|b)+
//	?(a)  *(a)  +(a)    none or once, any number, at least once
//	!(a)  (?!a)         all but a; not before a
//	\(                  the character itself
//
// Two rules let patterns name the folders of routers, which look like patterns. A segment also matches the name that
// is written like it: "(app)", "[...slug]". And "+(page)" also means "+page", as with Vite 8, which knows none of the
// forms with a character before the parenthesis.
//
// No pattern makes a match slow: places in the path are sets, and nothing is tried twice.
package glob

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Options say how a Pattern matches. The zero value matches as Vite does without options.
type Options struct {
	// Dot lets wildcards match names that begin with a dot.
	Dot bool
	// FoldCase takes upper and lower case for the same.
	FoldCase bool
	// Closed refuses a bracket that nothing closes. It stands for itself otherwise.
	Closed bool
}

// Pattern matches slash-separated paths. Use Compile.
type Pattern struct {
	// choices are the paths that the pattern stands for without alternatives that have slashes in them.
	choices [][]segment
	base    string
}

// Compile compiles a pattern. The error says what is wrong with it.
func Compile(text string, o Options) (*Pattern, error) {
	if err := bounded(text); err != nil {
		return nil, err
	}
	if open := unclosed(text); open != "" && o.Closed {
		return nil, errors.New(open + " is not closed")
	}
	texts, err := expand(text)
	if err != nil {
		return nil, err
	}
	p := &Pattern{}
	for i, text := range texts {
		choice := parse(text, o)
		p.choices = append(p.choices, choice)
		if base := fixed(choice); i == 0 {
			p.base = base
		} else {
			p.base = Common(p.base, base)
		}
	}
	return p, nil
}

// maxLength and maxDepth bound a pattern: how long it is, and how deep brackets lie in each other. Each level may double
// the work.
const (
	maxLength = 65_536
	maxDepth  = 8
)

func bounded(text string) error {
	if len(text) > maxLength {
		return fmt.Errorf("it is longer than %d characters", maxLength)
	}
	for i, depth := 0, 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '(', '{', '[':
			if depth++; depth > maxDepth {
				return fmt.Errorf("more than %d brackets lie in each other", maxDepth)
			}
		case ')', '}', ']':
			depth = max(depth-1, 0)
		}
	}
	return nil
}

// Base returns the folder that all matches lie in, as far as the pattern names it without wildcards.
func (p *Pattern) Base() string { return p.base }

// Match reports whether the pattern matches a path.
func (p *Pattern) Match(path string) bool {
	names := strings.Split(path, "/")
	return slices.ContainsFunc(p.choices, func(c []segment) bool { return after(c, names)[len(c)] })
}

// MayMatchBelow reports whether the pattern may match a path in a folder.
func (p *Pattern) MayMatchBelow(dir string) bool {
	names := strings.Split(dir, "/")
	return slices.ContainsFunc(p.choices, func(c []segment) bool { return slices.Contains(after(c, names)[:len(c)], true) })
}

// after returns how many of the segments may have matched the names, all of them: the nth value is about the first n
// segments.
func after(segments []segment, names []string) []bool {
	now, next := make([]bool, len(segments)+1), make([]bool, len(segments)+1)
	now[0] = true
	for _, name := range names {
		skip(segments, now)
		clear(next)
		for i := range segments {
			switch s := &segments[i]; {
			case !now[i] || !s.match(name):
			case s.folders:
				next[i] = true
			default:
				next[i+1] = true
			}
		}
		now, next = next, now
	}
	skip(segments, now)
	return now
}

// skip lets each ** match nothing.
func skip(segments []segment, now []bool) {
	for i := range segments {
		now[i+1] = now[i+1] || now[i] && segments[i].folders
	}
}

// fixed returns the folder that the segments name before the first wildcard.
func fixed(segments []segment) string {
	var names []string
	for _, s := range segments[:len(segments)-1] {
		if s.nodes != nil || s.folders {
			break
		}
		names = append(names, s.plain)
	}
	if len(names) == 1 && names[0] == "" {
		return "/"
	}
	return strings.Join(names, "/")
}

// Common returns the folder that holds both folders.
func Common(a, b string) string {
	for !below(b, a) {
		at := strings.LastIndexByte(a, '/')
		switch {
		case at > 0:
			a = a[:at]
		case at == 0 && len(a) > 1:
			a = "/"
		default:
			return ""
		}
	}
	return a
}

func below(path, dir string) bool {
	return dir == "" || path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// Escape returns the pattern that matches only the text.
func Escape(text string) string { return escaper.Replace(text) }

var escaper = func() *strings.Replacer {
	var pairs []string
	for _, c := range special {
		pairs = append(pairs, string(c), `\`+string(c))
	}
	return strings.NewReplacer(pairs...)
}()

// special are the characters that may mean something else than themselves. The signs of a group mean themselves without
// its parenthesis.
const special = `\*?[]{}()|`

// IsPlain reports whether the pattern has nothing special in it.
func IsPlain(text string) bool { return !strings.ContainsAny(text, special) }
