// Package builtin holds the plugins that come with devserver. A project's configuration switches them on. They are
// ordinary plugins; their constructors get what plugin.Server does not offer.
package builtin

import (
	"context"
	"log/slog"
	"strings"

	"github.com/seed-b8174343/devserver/plugin"
)

// ConsoleEvent is the event that a page sends for each line of its console.
const ConsoleEvent = "devserver:console"

// ConsoleLine is one call of a console method, or an uncaught error.
type ConsoleLine struct {
	// Level is log, info, warn, error, debug, uncaught (an error) or rejection (of a promise).
	Level string `json:"level"`
	// Text is the text that a console would show. The page limits its length.
	Text string `json:"text"`
	// URL is the script with the call, "" when it is unknown. Line and Column count from 1.
	URL    string `json:"url"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// Locator finds positions in the source of the project, by positions in the scripts that the server sent.
type Locator interface {
	// Position returns "src/App.tsx:12" for a position in a script.
	Position(url string, line, column int) string
	// Stack returns the text with the positions in scripts replaced by positions in the source.
	Stack(text string) string
}

// maxText is the longest text in bytes. Pages send shorter texts, but every program with the token can act as a page.
const maxText = 16 << 10

// Located returns the line's position in the source, and its text with positions in the source.
func (l ConsoleLine) Located(where Locator) (position, text string) {
	if l.URL != "" {
		position = where.Position(l.URL, l.Line, l.Column)
	}
	text = l.Text
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return position, where.Stack(text)
}

// KnownLevel returns Level if it is a known level, or else "log": the page may send anything.
func (l ConsoleLine) KnownLevel() string {
	switch l.Level {
	case "info", "warn", "error", "debug", "uncaught", "rejection":
		return l.Level
	}
	return "log"
}

// kind returns the name of the level for people, and the level in the server's own log.
func (l ConsoleLine) kind() (string, slog.Level) {
	switch level := l.KnownLevel(); level {
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

// Console returns the plugin that shows the pages' console output in the terminal.
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
