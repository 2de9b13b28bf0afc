// Package terminal prints log lines for people: one short line for each thing that happens, in colour on a terminal.
//
// Every line may hold text from requests. So control characters are shown as escapes, and the further lines of a text
// are indented: nobody can forge a line or move the cursor.
package terminal

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// Silent is above the level of every line.
const Silent = slog.Level(100)

// Level returns the slog level of a value of the option logLevel; "" means info.
func Level(name string) slog.Level {
	switch name {
	case "debug":
		return slog.LevelDebug
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	case "silent":
		return Silent
	default:
		return slog.LevelInfo
	}
}

// Options configures a Handler.
type Options struct {
	// Out gets info and debug lines, Err gets warnings and errors. Nil drops them.
	Out, Err io.Writer
	// Level is the lowest level that is printed. Nil means Info.
	Level slog.Leveler
	// Color uses ANSI colours.
	Color bool
}

// Handler is a slog.Handler for people. It is safe for concurrent use.
//
// It prints these attributes below the message: frame (a code frame), hint (a fix), allow (a configuration to copy) and
// stack (of a panic). It prints plugin (a plugin's name) before the message, and other attributes after it.
type Handler struct {
	opts  Options
	out   *outputs
	attrs []slog.Attr
	group string
}

// outputs is what the handlers made from one Handler share.
type outputs struct {
	mu sync.Mutex // guards both writers, so that lines stay whole
	// closed is set once Options.Out has failed.
	closed bool
}

// NewHandler returns a handler that prints to the writers of opts.
func NewHandler(opts Options) *Handler {
	if opts.Level == nil {
		opts.Level = slog.LevelInfo
	}
	if opts.Out == nil {
		opts.Out = io.Discard
	}
	if opts.Err == nil {
		opts.Err = io.Discard
	}
	return &Handler{opts: opts, out: &outputs{}}
}

// Enabled implements slog.Handler.
func (h *Handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.opts.Level.Level() }

// WithAttrs implements slog.Handler.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	next.attrs = append([]slog.Attr(nil), h.attrs...)
	for _, a := range attrs {
		a.Key = h.group + a.Key
		next.attrs = append(next.attrs, a)
	}
	return &next
}

// WithGroup implements slog.Handler.
func (h *Handler) WithGroup(name string) slog.Handler {
	next := *h
	if name != "" {
		next.group += name + "."
	}
	return &next
}

// indent is as wide as the time before a message.
const indent = "         "

// Handle implements slog.Handler.
func (h *Handler) Handle(_ context.Context, r slog.Record) error {
	p := Paint{On: h.opts.Color}
	var rest, below strings.Builder
	plugin := ""
	each := func(a slog.Attr) bool {
		value := a.Value.Resolve()
		switch a.Key {
		case "frame":
			below.WriteString("\n" + indented(p.frame(Printable(value.String()))))
		case "hint":
			below.WriteString("\n" + indented(p.Cyan("hint: ")+Printable(value.String())))
		case "allow": // the configuration that allows what was refused, to be copied
			below.WriteString("\n" + indented(p.Cyan("to allow it: ")+Printable(value.String())))
		case "stack":
			below.WriteString("\n" + indented(p.Dim(Printable(calls(value.String())))))
		case "plugin":
			plugin = "[" + OneLine(value.String()) + "] "
		case "":
		default:
			for _, a := range flat(a.Key, value) {
				rest.WriteString(" " + p.Dim(a.Key+"=") + quoted(a.Value.String()))
			}
		}
		return true
	}
	for _, a := range h.attrs {
		each(a)
	}
	r.Attrs(func(a slog.Attr) bool {
		a.Key = h.group + a.Key
		return each(a)
	})
	time := "        "
	if !r.Time.IsZero() {
		time = r.Time.Format("15:04:05")
	}
	message := strings.TrimPrefix(indented(Printable(r.Message)), indent)
	line := p.Dim(time) + " " + p.level(r.Level) + p.Dim(plugin) + p.message(r.Level, message) + rest.String() + below.String() + "\n"
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	if r.Level >= slog.LevelWarn {
		_, err := io.WriteString(h.opts.Err, line)
		return err
	}
	_, err := io.WriteString(h.opts.Out, line)
	if err != nil && !h.out.closed { // the program that read it has ended: devserver | head
		h.out.closed = true
		_, _ = io.WriteString(h.opts.Err, p.Dim(time)+" "+p.level(slog.LevelWarn)+"nobody reads the output any more; only warnings are printed from now on\n")
	}
	return err
}

// flat returns the attributes of a group with keys like key.key.
func flat(key string, v slog.Value) []slog.Attr {
	if v.Kind() != slog.KindGroup {
		return []slog.Attr{{Key: OneLine(key), Value: v}}
	}
	var list []slog.Attr
	for _, a := range v.Group() {
		list = append(list, flat(key+"."+a.Key, a.Value.Resolve())...)
	}
	return list
}

// maxCalls is the number of calls of a stack that are printed. The call that panicked is the first.
const maxCalls = 6

// calls returns the calls of a Go stack that led to a panic, the last call first, without the calls that handle the
// panic.
func calls(stack string) string {
	lines := strings.Split(strings.TrimRight(stack, "\n"), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "panic(") && i+2 < len(lines) {
			lines = lines[i+2:] // each call is two lines: the call and its place
			break
		}
	}
	if len(lines) > 2*maxCalls {
		lines = append(lines[:2*maxCalls:2*maxCalls], "…")
	}
	return strings.Join(lines, "\n")
}

func quoted(s string) string {
	s = OneLine(s)
	if s == "" || strings.ContainsAny(s, " \"=") {
		return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"`
	}
	return s
}

func indented(text string) string {
	return indent + strings.ReplaceAll(text, "\n", "\n"+indent)
}

// Printable shows control characters, invalid UTF-8 and characters that change the direction of text as escapes. Line
// breaks and tabs stay.
func Printable(s string) string {
	if !strings.ContainsFunc(s, hidden) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == '\r' && strings.HasPrefix(s[min(i, len(s)):], "\r\n"):
		case hidden(r) && r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case hidden(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// hidden reports whether a terminal might act on the character and not draw it. Cf holds the marks that reorder text.
func hidden(r rune) bool {
	return r != '\n' && r != '\t' && (unicode.IsControl(r) || r != '\u200d' && unicode.Is(unicode.Cf, r))
}

// OneLine is Printable for text that must stay on its line: line breaks and tabs become escapes too.
func OneLine(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(Printable(s), "\n", `\n`), "\t", `\t`)
}

// ColorWanted reports whether output to w is coloured. It is when w is a terminal and the user has not switched colours
// off (NO_COLOR, TERM=dumb), or when colours are forced (FORCE_COLOR).
func ColorWanted(w io.Writer, getenv func(string) string) bool {
	if getenv("NO_COLOR") != "" {
		return false
	}
	if force := getenv("FORCE_COLOR"); force != "" {
		return force != "0" && force != "false"
	}
	return IsTerminal(w) && getenv("TERM") != "dumb"
}

// IsTerminal reports whether a reader or writer is a terminal.
func IsTerminal(rw any) bool {
	f, ok := rw.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Width returns how many characters fit in a line of a terminal, 80 for any other writer.
func Width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return 80
}
