package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-b8174343/devserver/internal/builtin"
	"github.com/seed-b8174343/devserver/internal/steer"
	"github.com/seed-b8174343/devserver/internal/terminal"
)

// errEnough ends a tail that has printed its --count of lines.
var errEnough = errors.New("enough")

// tailEvents prints the server's events line by line.
func (c *command) tailEvents(ctx context.Context, in *eventsArgs) int {
	r, err := findServer(ctx, in.root, in.port)
	if err != nil {
		return c.fail(err)
	}
	waiting := ctx
	if in.timeout > 0 {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, in.timeout)
		defer cancel()
	}
	paint := terminal.Paint{On: terminal.ColorWanted(c.stdout, c.getenv)}
	t := &tail{filters: in.rest, json: in.json, paint: paint}
	count := 0
	err = r.Tail(waiting, func() { fmt.Fprintln(c.stderr, "listening to "+r.URL) }, func(line []byte) error {
		text, ok := t.line(line)
		if !ok {
			return nil
		}
		if _, err := io.WriteString(c.stdout, text); err != nil {
			return fmt.Errorf("print the event: %w", err)
		}
		if count++; count == in.count {
			return errEnough
		}
		return nil
	})
	why := "the server has stopped"
	switch {
	case errors.Is(err, errEnough):
		return exitStopped
	case ctx.Err() != nil:
		return exitStopped // Ctrl-C
	case waiting.Err() != nil:
		why = fmt.Sprintf("timeout after %v", in.timeout)
	case err != nil:
		return c.fail(err)
	default:
		fmt.Fprintln(c.stderr, why)
	}
	if count < in.count {
		return c.fail(fmt.Errorf("%s: got %d of %d lines", why, count, in.count))
	}
	return exitStopped
}

// tail filters the lines of the event log and formats them for people.
type tail struct {
	filters []string
	json    bool
	paint   terminal.Paint
}

// line returns the text to print for a line of the log. It returns false when there is nothing to print.
func (t *tail) line(text []byte) (string, bool) {
	var l builtin.Line
	if json.Unmarshal(text, &l) != nil {
		return "", false // the server has another version
	}
	if l.Type == "console" {
		l.Event = "console" // for the filters
	}
	switch {
	case !t.wanted(&l):
		return "", false
	case t.json:
		return string(text), true
	}
	return t.forPeople(&l), true
}

func (t *tail) wanted(l *builtin.Line) bool {
	if len(t.filters) == 0 || l.Type == "lost" {
		return true
	}
	for _, f := range t.filters {
		if steer.Matches(f, l.Event) {
			return true
		}
	}
	return false
}

// maxData is how much of an event's data is printed for people, in characters.
const maxData = 2000

func (t *tail) forPeople(l *builtin.Line) string {
	page := t.paint.Cyan("to   " + l.To)
	if l.From != "" {
		page = t.paint.Green("from " + l.From)
	}
	what, rest := t.paint.Bold(terminal.OneLine(l.Event)), terminal.OneLine(string(l.Data))
	if l.Called {
		what += " (called)"
	}
	switch l.Type {
	case "request":
		what += fmt.Sprintf(" (request %d)", l.ID)
	case "reply":
		what = strings.TrimSpace(fmt.Sprintf("%s (answer %d)", what, l.ID))
		if l.Error != nil {
			rest = t.paint.Red("error " + terminal.OneLine(l.Error.Code+": "+l.Error.Error()))
		}
	case "console":
		what = t.paint.Bold("console." + terminal.OneLine(l.Level))
		rest = strings.ReplaceAll(terminal.Printable(strings.TrimSpace(l.At+" "+l.Text)), "\n", "\n         ")
	case "lost":
		return fmt.Sprintf("%s  %d lines were lost: this program or its terminal is too slow\n", l.Time.Local().Format(time.TimeOnly), l.Count)
	}
	if n := utf8.RuneCountInString(rest); n > maxData {
		rest = string([]rune(rest)[:maxData]) + fmt.Sprintf("… (%d characters; --json prints all)", n)
	}
	at := t.paint.Dim(l.Time.Local().Format(time.TimeOnly))
	return strings.TrimRight(fmt.Sprintf("%s  %s  %s  %s", at, page, what, rest), " ") + "\n"
}
