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
	"github.com/seed-b8174343/devserver/internal/terminal"
)

// errEnough ends a tail that has what it waited for.
var errEnough = errors.New("enough")

// tailEvents prints what passes, line by line.
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
	t := &tail{filters: in.rest, json: in.json, paint: terminal.Paint{On: terminal.ColorWanted(c.stdout, c.getenv)}, asked: map[string]string{}}
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
		why = fmt.Sprintf("nothing more within %v", in.timeout)
	case err != nil:
		return c.fail(err)
	default:
		fmt.Fprintln(c.stderr, why)
	}
	if count < in.count {
		return c.fail(fmt.Errorf("%s: %d of %d came", why, count, in.count))
	}
	return exitStopped
}

// tail makes lines for people of the lines of the log.
type tail struct {
	filters []string
	json    bool
	paint   terminal.Paint
	asked   map[string]string // the names of open requests by page and number: answers have none
}

// line returns what to print for a line of the log; false: nothing.
func (t *tail) line(text []byte) (string, bool) {
	var l builtin.Line
	if json.Unmarshal(text, &l) != nil {
		return "", false // of a server with another version
	}
	t.name(&l)
	switch {
	case !t.wanted(&l):
		return "", false
	case t.json:
		return string(text), true
	}
	return t.forPeople(&l), true
}

// mostAsked bounds the memory of requests that were given up and get no answer.
const mostAsked = 10_000

// name gives an answer the name of its request, and other lines that have none the one that filters know.
func (t *tail) name(l *builtin.Line) {
	switch l.Type {
	case "request":
		if len(t.asked) >= mostAsked {
			clear(t.asked)
		}
		t.asked[fmt.Sprint(l.From, " ", l.ID)] = l.Event
	case "reply":
		key := fmt.Sprint(l.To, " ", l.ID)
		l.Event = t.asked[key]
		delete(t.asked, key)
	case "console":
		l.Event = "console"
	}
}

func (t *tail) wanted(l *builtin.Line) bool {
	if len(t.filters) == 0 || l.Type == "lost" {
		return true
	}
	for _, f := range t.filters {
		if matches(f, l.Event) {
			return true
		}
	}
	return false
}

// matches tells whether a name fits a pattern, in which * is any text.
func matches(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return false
	}
	name = name[len(first) : len(name)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		_, rest, found := strings.Cut(name, part)
		if !found {
			return false
		}
		name = rest
	}
	return true
}

// mostShown is how much of a payload people get to see, in characters.
const mostShown = 2000

func (t *tail) forPeople(l *builtin.Line) string {
	page := t.paint.Cyan("to   " + l.To)
	if l.From != "" {
		page = t.paint.Green("from " + l.From)
	}
	what, rest := t.paint.Bold(terminal.OneLine(l.Event)), terminal.OneLine(string(l.Data))
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
	if n := utf8.RuneCountInString(rest); n > mostShown {
		rest = string([]rune(rest)[:mostShown]) + fmt.Sprintf("… (%d characters; --json prints all)", n)
	}
	return strings.TrimRight(fmt.Sprintf("%s  %s  %s  %s", t.paint.Dim(l.Time.Local().Format(time.TimeOnly)), page, what, rest), " ") + "\n"
}
