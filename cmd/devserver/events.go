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

	"github.com/spf13/pflag"

	"github.com/seed-b8174343/devserver/internal/builtin"
	"github.com/seed-b8174343/devserver/internal/config"
	"github.com/seed-b8174343/devserver/internal/terminal"
	"github.com/seed-b8174343/devserver/server"
)

const eventsHelp = `devserver events talks to the server that runs for this project.

Usage:
  devserver events tail [filter...]    print what passes between pages and server, until Ctrl-C or the server stops
  devserver events send <name> [json]  send an event to open pages; - reads the JSON from standard input

A filter is the name of an event, with * for any text ("cart:*"); "console" is what pages write to their consoles, where
the configuration asks for that. An answer has the name of its request.

Flags of tail:
      --json            JSON lines, in the form of the event log (docs/events.md)
      --count <n>       end after n lines
      --timeout <time>  end after this time, such as 10s; with --count it is a failure that fewer came

Flags of send:
      --to <page|user>  a page's ID ("c1") or a user's name, not all pages; page:ID and user:NAME say which is meant

Flags of both:
      --root <folder>   the project; default: the current folder, or the nearest above it that a server runs for
      --port <port>     the server at this port, when several run for the project

tail prints "listening to …" to standard error when nothing is missed from then on. Exit code: 0 done, 1 failed (no
server, no such page, nobody there, too few events), 2 wrong command line or JSON.
`

// eventsArgs is a command line of events, taken apart.
type eventsArgs struct {
	name    string // tail or send
	rest    []string
	root    string
	port    int
	help    bool
	json    bool
	count   int
	timeout time.Duration
	to      string
}

func parseEvents(args []string) (*eventsArgs, error) {
	in := &eventsArgs{}
	if len(args) == 0 {
		return nil, errors.New("events: tail or send?")
	}
	in.name, args = args[0], args[1:]
	switch in.name {
	case "tail", "send":
	case "help", "-h", "--help":
		in.help = true
		return in, nil
	default:
		if meant := config.Nearest(in.name, []string{"tail", "send"}); meant != "" {
			return nil, fmt.Errorf("events: no command %q (did you mean %s?)", in.name, meant)
		}
		return nil, fmt.Errorf("events: no command %q; there are tail and send", in.name)
	}
	set := pflag.NewFlagSet("devserver events "+in.name, pflag.ContinueOnError)
	set.Usage = func() {}
	set.StringVar(&in.root, "root", "", "")
	set.IntVar(&in.port, "port", 0, "")
	set.BoolVarP(&in.help, "help", "h", false, "")
	if in.name == "tail" {
		set.BoolVar(&in.json, "json", false, "")
		set.IntVar(&in.count, "count", 0, "")
		set.DurationVar(&in.timeout, "timeout", 0, "")
	} else {
		set.StringVar(&in.to, "to", "", "")
	}
	if err := set.Parse(args); err != nil {
		return nil, explain(err, set)
	}
	in.rest = set.Args()
	switch {
	case in.help:
	case set.Changed("count") && in.count < 1:
		return nil, errors.New("--count is the number of lines to wait for, from 1")
	case set.Changed("timeout") && in.timeout <= 0:
		return nil, errors.New("--timeout is a time, such as 10s")
	case set.Changed("to") && in.to == "":
		return nil, errors.New("--to names a page or a user; without it all pages are meant")
	case in.name == "send" && (len(in.rest) == 0 || in.rest[0] == ""):
		return nil, errors.New("events send: name the event")
	case in.name == "send" && len(in.rest) > 2:
		return nil, fmt.Errorf("events send takes a name and one JSON value, not %d arguments: put the JSON in quotes", len(in.rest))
	}
	return in, nil
}

// events runs `devserver events`.
func (c *command) events(ctx context.Context, args []string) int {
	in, err := parseEvents(args)
	if err != nil {
		return c.usageOf("devserver events help", "%v", err)
	}
	if in.help {
		fmt.Fprint(c.stdout, eventsHelp)
		return exitStopped
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	if in.name == "send" {
		return c.sendEvent(ctx, in)
	}
	return c.tailEvents(ctx, in)
}

// sendEvent sends one event and tells how many pages got it.
func (c *command) sendEvent(ctx context.Context, in *eventsArgs) int {
	m := server.Message{To: "all", Event: in.rest[0]}
	if in.to != "" {
		m.To = in.to
		if !strings.HasPrefix(in.to, "page:") && !strings.HasPrefix(in.to, "user:") {
			m.To = "any:" + in.to
		}
	}
	if len(in.rest) == 2 {
		text := []byte(in.rest[1])
		if in.rest[1] == "-" {
			var err error
			if text, err = io.ReadAll(c.stdin); err != nil {
				return c.fail(fmt.Errorf("read the JSON from standard input: %w", err))
			}
		}
		var err error
		if m.Data, err = parseJSON(text); err != nil {
			return c.usageOf("devserver events help", "%v", err)
		}
	}
	r, err := findServer(ctx, in.root, in.port)
	if err != nil {
		return c.fail(err)
	}
	n, err := r.Send(ctx, m)
	switch {
	case err != nil:
		return c.fail(errors.New(terminal.Printable(err.Error()))) // it holds names that pages and users chose
	case n == 0:
		return c.fail(fmt.Errorf("no page is open at %s, so nobody got the event", r.URL))
	case n == 1:
		fmt.Fprintln(c.stdout, "sent to 1 page")
	default:
		fmt.Fprintf(c.stdout, "sent to %d pages\n", n)
	}
	return exitStopped
}

// parseJSON checks that the text is one JSON value. The error shows where it is none.
func parseJSON(text []byte) (json.RawMessage, error) {
	var v json.RawMessage
	err := json.Unmarshal(text, &v)
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return v, err
	}
	at := int(syntax.Offset)
	if at > 0 && !strings.Contains(syntax.Error(), "unexpected end") {
		at-- // the offset is behind the byte that is wrong
	}
	before := text[:min(at, len(text))]
	line := 1 + strings.Count(string(before), "\n")
	start := strings.LastIndexByte(string(before), '\n') + 1
	shown, _, _ := strings.Cut(string(text[start:]), "\n")
	place := fmt.Sprintf("character %d", utf8.RuneCount(before[start:])+1)
	if strings.Contains(strings.TrimSpace(string(text)), "\n") {
		place = fmt.Sprintf("line %d, %s", line, place)
	}
	left := terminal.OneLine(string(before[start:]))
	right := terminal.OneLine(shown[min(len(before)-start, len(shown)):])
	if n := utf8.RuneCountInString(left); n > 60 {
		left = "…" + string([]rune(left)[n-59:])
	}
	if n := utf8.RuneCountInString(right); n > 40 {
		right = string([]rune(right)[:39]) + "…"
	}
	return nil, fmt.Errorf("the data is not JSON, at %s: %w\n  %s%s\n  %s^", place, err, left, right, strings.Repeat(" ", utf8.RuneCountInString(left)))
}

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
