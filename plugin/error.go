package plugin

import (
	"strings"

	"github.com/seed-b8174343/devserver/internal/wire"
)

// Error is an error with its place, as the terminal and the overlay show it. [Server.ShowError] shows it over the
// pages. A hook that returns an *Error fails with that place, beside the plugin's name.
type Error struct {
	// Message says what is wrong. Hint says how to fix it, "" for nothing.
	Message, Hint string
	// File is the path of the file, from the root or absolute; "" for none. Line and Column count from 1. Line is 0
	// when the whole file is meant, Column when the whole line is.
	File         string
	Line, Column int
	// Frame is the code around the place. With "" the server shows the file's lines, if pages may read the file.
	Frame string
	// Plugin is the plugin that reported the error. The server sets it.
	Plugin string
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// OnWire returns the error as it crosses. Plugin authors have no use for it.
func (e *Error) OnWire() *wire.Error {
	own := &wire.Error{
		Message: strings.TrimSpace(e.Message), Hint: e.Hint, Plugin: e.Plugin, File: e.File, Line: e.Line, Column: e.Column, Frame: e.Frame,
	}
	if own.Line = max(own.Line, 0); own.Line == 0 {
		own.Column = 0
	} else {
		own.Column = max(own.Column, 1)
	}
	return own
}

// ErrorOf returns the Error that crossed as e. Plugin authors have no use for it.
func ErrorOf(e *wire.Error) Error {
	if e == nil {
		return Error{}
	}
	return Error{
		Message: e.Message, Hint: e.Hint, File: e.File, Line: e.Line, Column: e.Column, Frame: e.Frame, Plugin: e.Plugin,
	}
}
