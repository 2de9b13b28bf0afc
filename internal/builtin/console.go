// Package builtin holds the plugins that come with devserver and that a project's configuration switches on. They are
// ordinary plugins: what they need of the server beyond plugin.Server is passed to their constructors.
package builtin

import (
	"context"
	"log/slog"
	"strings"

	"github.com/seed-b8174343/devserver/plugin"
)

// ConsoleEvent is what a page sends for each line of its console.
const ConsoleEvent = "devserver:console"

// ConsoleLine is one call of a console method, or an error that nobody caught.
type ConsoleLine struct {
	// Level is log, info, warn, error, debug, uncaught (an error) or rejection (of a promise).
	Level string `json:"level"`
	// Text is what a console would show, bounded by the page.
	Text string `json:"text"`
	// URL is the script that called, "" when that is not known; Line and Column are counted from 1.
	URL    string `json:"url"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// Locator finds what the project's author knows of positions in what the server has sent.
type Locator interface {
	// Position returns "src/App.tsx:12" for a position in a script.
	Position(url string, line, column int) string
	// Stack returns text with the positions in it that are the server's replaced by those in the source.
	Stack(text string) string
}

// longest is how many bytes of a text are taken: the page sends less, but anybody with the token is a page.
const longest = 16 << 10

// Located returns the line with its position and text as the project's author knows them.
func (l ConsoleLine) Located(where Locator) (position, text string) {
	if l.URL != "" {
		position = where.Position(l.URL, l.Line, l.Column)
	}
	text = l.Text
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return position, where.Stack(text)
}

// level is one of those that Level has: the page may send anything.
func (l ConsoleLine) level() string {
	switch l.Level {
	case "info", "warn", "error", "debug", "uncaught", "rejection":
		return l.Level
	}
	return "log"
}

// kind is how a level is shown, and at which level of the server's own log.
func (l ConsoleLine) kind() (string, slog.Level) {
	switch level := l.level(); level {
	case "warn":
		return "console.warn", slog.LevelWarn
	case "error":
		return "console.error", slog.LevelError
	case "uncaught":
		return "uncaught error", slog.LevelError
	case "rejection":
		return "unhandled rejection", slog.LevelError
	default:
		return "console." + level, slog.LevelInfo
	}
}

// Console returns the plugin that shows in the terminal what pages write to their consoles.
func Console(where Locator) plugin.Plugin {
	var log *slog.Logger
	return plugin.Plugin{
		Name:  "devserver:console",
		Start: func(_ context.Context, s plugin.Server) error { log = s.Logger(); return nil },
		Events: []plugin.Event{plugin.On(ConsoleEvent, func(ctx context.Context, c plugin.Client, in ConsoleLine) error {
			position, text := in.Located(where)
			if position != "" {
				position += " "
			}
			kind, level := in.kind()
			log.Log(ctx, level, kind+" "+position+"("+c.ID()+") "+text) // the log shows control characters as escapes
			return nil
		})},
	}
}
