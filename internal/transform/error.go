package transform

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/evanw/esbuild/pkg/api"
)

// Error is a mistake in a user's file. The terminal, the overlay and the `error` payload all show this type.
type Error struct {
	// File is the file's name for the user, ID the module's ID. Either may be empty.
	File, ID string
	// Line and Column are 1-based, Column in UTF-16 units as editors count. Zero means that the place is unknown.
	Line, Column int
	// Text is the message in one line. Hint says how to fix the mistake; it may be empty.
	Text, Hint string
	// Frame is the code around the place, as CodeFrame draws it.
	Frame string
	// Plugin is the name of the plugin that found the error, "" for the compiler itself.
	Plugin string
}

// Error returns the message with its place: `src/main.ts:3:20: text`.
func (e *Error) Error() string {
	var b strings.Builder
	switch {
	case e.File != "":
		b.WriteString(e.File)
	case e.ID != "":
		b.WriteString(e.ID)
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(e.Text)
	if e.Hint != "" {
		fmt.Fprintf(&b, " (%s)", e.Hint)
	}
	return b.String()
}

// fromMessages turns esbuild's messages about one source text into errors.
func fromMessages(messages []api.Message, id, file, code string) []Error {
	if len(messages) == 0 {
		return nil
	}
	errs := make([]Error, 0, len(messages))
	for _, m := range messages {
		e := Error{ID: id, File: file, Text: m.Text, Plugin: m.PluginName}
		if len(m.Notes) > 0 {
			e.Hint = m.Notes[0].Text
		}
		if strings.HasPrefix(m.Text, "Deferred imports are not available in ") {
			e.Text, e.Hint = "browsers have no deferred imports yet", `write import * as x from "…", or import("…") where the module is needed`
		}
		if l := m.Location; l != nil {
			e.Line, e.Column = l.Line, utf16Column(l.LineText, l.Column)
			e.Frame = CodeFrame(code, e.Line, e.Column)
		}
		errs = append(errs, e)
	}
	return errs
}

// utf16Column turns a 0-based column in bytes into a 1-based column in UTF-16 units.
func utf16Column(line string, bytes int) int {
	column := 1
	for _, r := range line[:min(bytes, len(line))] {
		column += utf16.RuneLen(max(r, 0))
	}
	return column
}

// errorAt returns an error at a byte offset of the source.
func errorAt(in *Input, offset int, text string) Error {
	line, column := lineColumn(in.Code, offset)
	return Error{ID: in.ID, File: in.File, Line: line, Column: column, Text: text, Frame: CodeFrame(in.Code, line, column)}
}

// lineColumn returns the 1-based line and UTF-16 column of a byte offset.
func lineColumn(code string, offset int) (line, column int) {
	offset = min(max(offset, 0), len(code))
	before := code[:offset]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf16Column(code[start:offset], offset-start)
}

const (
	frameContext = 2   // lines shown before and after the line with the mistake
	frameWidth   = 120 // columns shown of a line; a line of minified code would fill the screen
)

// CodeFrame returns the code around a place, with a caret under its column (1-based, UTF-16 units). It returns "" when
// the code has no such line.
//
//	  2 | import { count } from "./counter";
//	> 3 | count(;
//	    |       ^
func CodeFrame(code string, line, column int) string {
	lines := strings.Split(code, "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	first, last := max(line-frameContext, 1), min(line+frameContext, len(lines))
	for last > line && strings.TrimSpace(lines[last-1]) == "" {
		last--
	}
	width := len(fmt.Sprint(last))
	text, caret, from := window(strings.TrimSuffix(lines[line-1], "\r"), column)
	var b strings.Builder
	for n := first; n <= last; n++ {
		if n != line {
			shown := strings.TrimSuffix(cut(strings.TrimSuffix(lines[n-1], "\r"), from), "\r")
			b.WriteString(strings.TrimRight(fmt.Sprintf("  %*d | %s", width, n, shown), " ") + "\n")
			continue
		}
		fmt.Fprintf(&b, "> %*d | %s\n", width, n, text)
		fmt.Fprintf(&b, "  %*s | %s^\n", width, "", caret)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// window cuts a line so that the column is visible. It also returns the blanks before the caret, and the index of the
// first rune shown.
func window(line string, column int) (shown, caret string, from int) {
	runes := []rune(line)
	at, units := 0, 1
	for at < len(runes) && units < column {
		units += utf16.RuneLen(max(runes[at], 0))
		at++
	}
	if at > frameWidth*3/4 {
		from = at - frameWidth/2
	}
	var blank strings.Builder
	for _, r := range runes[from:at] {
		if r == '\t' { // a tab under a tab, whatever its width
			blank.WriteByte('\t')
		} else {
			blank.WriteByte(' ')
		}
	}
	return cut(line, from), blank.String(), from
}

// cut returns at most frameWidth runes of a line.
func cut(line string, from int) string {
	if from == 0 && len(line) <= frameWidth {
		return line
	}
	for ; from > 0 && line != ""; from-- {
		_, n := utf8.DecodeRuneInString(line)
		line = line[n:]
	}
	count := 0
	for i := range line {
		if count == frameWidth {
			return line[:i]
		}
		count++
	}
	return line
}
