package resolve

import (
	"bytes"
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
	Hint         string // what to do, may be empty
}

// Error tells the mistake and its place.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Text)
}

// place finds the position in hujson's messages.
var place = regexp.MustCompile(`^hujson: line (\d+), column (\d+): (.*)$`)

// jsonError gives a mistake in JSON its place.
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
		e.Text = fmt.Sprintf("a %s stands where another type belongs", kind.Value)
		if kind.Field != "" {
			e.Text = fmt.Sprintf("%q is a %s, where another type belongs", kind.Field, kind.Value)
		}
	}
	return e
}

// position turns an offset into line and column, 0 when there is none.
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

// NotFound tells that a specifier leads nowhere.
type NotFound struct {
	Specifier string
	Importer  string
	// Text says what is missing: `no file "./conter"`.
	Text string
	// Suggestion is a specifier that was perhaps meant, "" when there is none.
	Suggestion string
	// Hint says what to do: "run: npm install lodash". It may be empty.
	Hint string
	// Package is the name of the package that is not installed, "" when something else is missing.
	Package string

	// What was looked for, so that the rest can be told when somebody asks.
	target        string  // a path on disk
	pkg           *folder // a package that is there
	name, subpath string
	why           outcome
	to            string // the file that package.json names
}

// Error tells what is missing and what was perhaps meant.
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
