package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-b8174343/devserver/internal/nearest"
)

// Error is one mistake in a configuration file.
type Error struct {
	// File is the absolute path; Shown is the name for messages.
	File, Shown string
	// Line and Column count from 1, the column in bytes. They are 0 when the whole file is meant.
	Line, Column int
	// Option is the option's full name, "server.port"; "" when the mistake is not in an option.
	Option string
	// Text describes the mistake.
	Text string
	// Hint says how to fix the mistake, when that is known: `did you mean "port"?`.
	Hint string
	// Frame shows the line and points to the column.
	Frame string
}

// Error returns the message in one line:
// `devserver.config.json:3:5: unknown option "server.prot" (did you mean "port"?)`.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Shown)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	b.WriteString(": " + e.Text)
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}

// Errors holds all mistakes of one file, in the order of their lines. errors.As finds the first *Error in it.
type Errors []*Error

// Error returns one line for each mistake.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the errors one by one.
func (e Errors) Unwrap() []error {
	list := make([]error, len(e))
	for i, err := range e {
		list[i] = err
	}
	return list
}

// All returns the mistakes in err, or nil when err holds no Errors.
func All(err error) []*Error {
	if all, ok := errors.AsType[Errors](err); ok {
		return all
	}
	return nil
}

// place returns the line and column of a byte.
func place(text []byte, offset int) (line, column int) {
	before := string(text[:min(offset, len(text))])
	return 1 + strings.Count(before, "\n"), offset - strings.LastIndexByte(before, '\n')
}

// frame draws the lines around a place.
func frame(text []byte, line, column int) string {
	lines := strings.Split(string(text), "\n")
	var b strings.Builder
	for n := max(1, line-2); n <= min(len(lines), line+1); n++ {
		mark := " "
		if n == line {
			mark = ">"
		}
		source := strings.TrimRight(strings.ReplaceAll(lines[n-1], "\t", " "), "\r")
		fmt.Fprintf(&b, "%s %4d | %s\n", mark, n, source)
		if n == line {
			fmt.Fprintf(&b, "       | %s^\n", strings.Repeat(" ", max(0, column-1)))
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// Nearest returns the known name that was probably meant, or "".
func Nearest(name string, known []string) string { return nearest.Name(name, known, 1+len(name)/3) }
