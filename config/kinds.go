package config

import (
	"encoding/json"
	"strings"

	"github.com/seed-b8174343/devserver/internal/pattern"
)

// Strings is a list of texts. In the file a single text may stand for a list with one text.
type Strings []string

// FilePatterns is a list of patterns for files. In the file a single pattern may stand for a list with one pattern.
type FilePatterns []string

// Split returns the patterns of names, and those that are regular expressions of JavaScript. It leaves out expressions
// with a mistake.
func (p FilePatterns) Split() (names []string, expressions []*pattern.Pattern) {
	for _, text := range p {
		if !strings.HasPrefix(text, "^") {
			names = append(names, text)
		} else if expression, err := pattern.Compile(text); err == nil {
			expressions = append(expressions, expression)
		}
	}
	return names, expressions
}

// Raw is a value that is passed on unchanged, in standard JSON. Nil: not given. [RawOf] makes it.
type Raw json.RawMessage

// RawOf returns the JSON of a value. It panics for a value that JSON cannot hold.
func RawOf(v any) Raw {
	text, err := json.Marshal(v)
	if err != nil {
		panic("config: " + err.Error())
	}
	return text
}

// MarshalJSON returns the value itself.
func (r Raw) MarshalJSON() ([]byte, error) { return json.RawMessage(r).MarshalJSON() }

// Ignored is an option of Vite that has no meaning here. Any value is accepted, so that a configuration can be shared.
type Ignored struct{}

// Expressions maps names to JavaScript expressions.
type Expressions map[string]string

// Aliases is an ordered list of replacements. In the file an object may stand for the list.
type Aliases []Alias

// CORS lists the origins whose pages may read responses. The zero value is not given.
type CORS struct {
	// Origins are texts like "https://app.example"; "*" stands for any. An empty list that is not nil forbids all.
	Origins []string
}

// Proxy lists rules. The first rule that matches a request forwards it.
type Proxy []ProxyRule

// Replacements maps texts to their replacements. The key "*" means any text. In the file a text alone stands for the
// replacement of any text.
type Replacements map[string]string

// Rewrites is an ordered list of replacements.
type Rewrites []Rewrite
