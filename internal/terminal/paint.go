package terminal

import (
	"log/slog"
	"strings"
)

// Paint colours text. The zero value leaves text unchanged.
type Paint struct {
	// On writes ANSI colours.
	On bool
}

func (p Paint) with(code, text string) string {
	if !p.On || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Bold returns the text in bold.
func (p Paint) Bold(text string) string { return p.with("1", text) }

// Dim returns the text in a less bright colour.
func (p Paint) Dim(text string) string { return p.with("2", text) }

// Red returns the text in red, for errors.
func (p Paint) Red(text string) string { return p.with("31", text) }

// Green returns the text in green, for success.
func (p Paint) Green(text string) string { return p.with("32", text) }

// Yellow returns the text in yellow, for warnings and for reloads, which lose the page's state.
func (p Paint) Yellow(text string) string { return p.with("33", text) }

// Cyan returns the text in cyan, for addresses and for names that the user can act on.
func (p Paint) Cyan(text string) string { return p.with("36", text) }

func (p Paint) level(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return p.Red("error") + " "
	case l >= slog.LevelWarn:
		return p.Yellow("warn") + " "
	case l < slog.LevelInfo:
		return p.Dim("debug") + " "
	}
	return ""
}

// kinds are the coloured beginnings of the lines that people look for.
var kinds = []struct {
	prefix string
	paint  func(Paint, string) string
}{
	{"hmr update", Paint.Green},
	{"page reload", Paint.Yellow},
	{"page asks to reload", Paint.Yellow},
	{"server restarted", Paint.Cyan},
}

func (p Paint) message(l slog.Level, text string) string {
	if !p.On || l != slog.LevelInfo {
		return text
	}
	for _, k := range kinds {
		if rest, found := strings.CutPrefix(text, k.prefix); found {
			return k.paint(p, k.prefix) + rest
		}
	}
	return text
}

// frame highlights the line with the mistake in a code frame.
func (p Paint) frame(frame string) string {
	lines := strings.Split(frame, "\n")
	for i, line := range lines {
		switch {
		case strings.HasPrefix(strings.TrimLeft(line, " "), ">"):
			lines[i] = p.Bold(line)
		case strings.HasSuffix(strings.TrimRight(line, " "), "^"):
			lines[i] = p.Red(line)
		default:
			lines[i] = p.Dim(line)
		}
	}
	return strings.Join(lines, "\n")
}
