package resolve

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
)

// Error is a mistake in a package.json or tsconfig.json.
type Error struct {
	File         string // absolute
	Line, Column int    // 1-based, 0 when there is no place
	Text         string
	Hint         string // how to fix it, may be empty
}

// Error returns the mistake with its place.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Text)
}

// place matches the position in hujson's messages.
var place = regexp.MustCompile(`^hujson: line (\d+), column (\d+): (.*)$`)

// jsonError returns the error about a mistake in JSON, with its place.
func jsonError(file string, source []byte, err error) *Error {
	e := &Error{File: file, Text: strings.TrimPrefix(err.Error(), "json: ")}
	if m := place.FindStringSubmatch(err.Error()); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Column, _ = strconv.Atoi(m[2])
		e.Text = m[3]
		return e
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		e.Line, e.Column = position(source, int(syntax.Offset)-1)
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		e.Line, e.Column = position(source, int(kind.Offset)-1)
		e.Text = cmp.Or(article[kind.Value], kind.Value) + " is the wrong type here"
		if kind.Field != "" {
			e.Text = fmt.Sprintf("%q has the wrong type: %s", kind.Field, kind.Value)
		}
	}
	return e
}

// article holds the kinds of JSON values with their articles. A bool and a number have a text like "number 3", too.
var article = map[string]string{
	"array": "an array", "object": "an object", "string": "a string", "bool": "a bool", "number": "a number",
}

// position turns an offset into line and column. It returns 0 when the offset is not in the source.
func position(source []byte, offset int) (line, column int) {
	if offset < 0 || offset > len(source) {
		return 0, 0
	}
	before := source[:offset]
	return bytes.Count(before, []byte("\n")) + 1, offset - bytes.LastIndexByte(before, '\n')
}

func plainError(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err.Error()
	}
	return err.Error()
}

// NotFound is the error for a specifier without a file or package.
type NotFound struct {
	Specifier string
	Importer  string
	// Text says what is missing: `no file "./conter"`.
	Text string
	// Suggestion is a specifier that was perhaps meant, "" when there is none.
	Suggestion string
	// Hint says how to fix it: "run: npm install lodash". It may be empty.
	Hint string
	// Package is the name of the package that is not installed, "" when something else is missing.
	Package string
	// Optional means that the importing package may do without it: its package.json says so in "peerDependenciesMeta".
	Optional bool

	// The rest is what was searched; explainMissing makes the fields above from it.
	target        string  // a path on disk
	pkg           *folder // a package that exists
	name, subpath string
	why           outcome
	to            string // the file that package.json names
}

// Target returns the path on disk that was looked for, without the extensions that were tried. It is "" for a package.
func (e *NotFound) Target() string { return e.target }

// Error returns what is missing, and the specifier that was perhaps meant.
func (e *NotFound) Error() string {
	text := e.Text
	if text == "" {
		text = fmt.Sprintf("no file %q", e.Specifier)
	}
	if e.Suggestion != "" {
		return fmt.Sprintf("%s (did you mean %q?)", text, e.Suggestion)
	}
	return text
}
