package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/seed-b8174343/devserver/internal/steer"
	"github.com/seed-b8174343/devserver/internal/terminal"
)

// sendEvent sends one event and prints how many pages got it.
func (c *command) sendEvent(ctx context.Context, in *eventsArgs) int {
	m := steer.SendArgs{To: receiver(in.to), Event: in.rest[0]}
	if len(in.rest) == 2 {
		text, err := c.argument(in.rest[1])
		if err != nil {
			return c.fail(err)
		}
		if m.Data, err = parseJSON(text); err != nil {
			return c.usageOf("devserver events help", "%v", err)
		}
	}
	r, err := findServer(ctx, in.root, in.port)
	if err != nil {
		return c.fail(err)
	}
	var sent steer.Sent
	err = r.Do(ctx, steer.VerbSend, m, &sent)
	switch n := sent.Sent; {
	case err != nil:
		return c.fail(errors.New(terminal.Printable(err.Error()))) // pages and users chose the names in it
	case n == 0:
		return c.fail(fmt.Errorf("no page is open at %s; the event was not sent", r.URL))
	case n == 1:
		fmt.Fprintln(c.stdout, "sent to 1 page")
	default:
		fmt.Fprintf(c.stdout, "sent to %d pages\n", n)
	}
	return exitStopped
}

// parseJSON checks that the text is one JSON value. The error points at the first character that is wrong.
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
	pointer := strings.Repeat(" ", utf8.RuneCountInString(left)) + "^"
	return nil, fmt.Errorf("the data is not JSON, at %s: %w\n  %s%s\n  %s", place, err, left, right, pointer)
}
