package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/builtin"
	"github.com/seed-b8174343/devserver/internal/running"
	"github.com/seed-b8174343/devserver/internal/steer"
	"github.com/seed-b8174343/devserver/internal/terminal"
)

// replay sends again what an event log holds.
type replay struct {
	server *running.Server
	to     string // for what goes to pages: as in steer.SendArgs
	page   string // for what came from a page: the page that it comes from now, "" for the page looked at last
	speed  float64
	atOnce bool
	warn   io.Writer

	sent, called, failed int
	skipped              map[string]int // type of a line -> how many

	before  time.Time // of the line before
	copied  string    // the event of the line before, when it went to a page
	reached []string  // the pages that it went to
}

// replayEvents runs `devserver events replay`.
func (c *command) replayEvents(ctx context.Context, in *eventsArgs) int {
	file := c.stdin
	if in.rest[0] != "-" {
		f, err := os.Open(in.rest[0])
		if err != nil {
			return c.fail(fmt.Errorf("read the event log: %w", err))
		}
		defer f.Close()
		file = f
	}
	r, err := findServer(ctx, in.root, in.port)
	if err != nil {
		return c.fail(err)
	}
	p := &replay{server: r, to: receiver(in.to), speed: in.speed, atOnce: in.atOnce, warn: c.stderr, skipped: map[string]int{}}
	if id, ok := strings.CutPrefix(p.to, "page:"); ok {
		p.page = id
	}
	err = p.all(ctx, file)
	fmt.Fprintln(c.stdout, p.summary())
	switch {
	case err != nil && ctx.Err() == nil:
		return c.fail(err)
	case p.failed > 0:
		return exitFailed
	}
	return exitStopped
}

// receiver returns the receiver of an event as steer.SendArgs has it.
func receiver(to string) string {
	switch {
	case to == "":
		return "all"
	case strings.HasPrefix(to, "page:"), strings.HasPrefix(to, "user:"):
		return to
	}
	return "any:" + to
}

// all sends the lines of a log in order.
func (p *replay) all(ctx context.Context, file io.Reader) error {
	in := bufio.NewReader(file)
	for number := 1; ; number++ {
		line, err := in.ReadBytes('\n')
		if text := bytes.TrimSpace(line); len(text) > 0 {
			if err := p.line(ctx, number, text); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the event log: %w", err)
		}
	}
}

// line sends a line. It returns an error when the rest cannot be sent either.
func (p *replay) line(ctx context.Context, number int, text []byte) error {
	var l builtin.Line
	if err := json.Unmarshal(text, &l); err != nil || l.Type == "" {
		return fmt.Errorf("line %d is not a line of an event log (devserver events tail --json prints them)", number)
	}
	if l.Type != "event" && l.Type != "request" {
		p.skipped[l.Type]++
		return nil
	}
	if isOwn(l.Event) {
		p.skipped["internal"]++
		return nil
	}
	if err := p.wait(ctx, l.Time); err != nil {
		return err
	}
	var err error
	switch {
	case l.From != "":
		err = p.call(ctx, &l, "server")
	case l.Type == "request":
		err = p.call(ctx, &l, "page")
	case p.isCopy(&l):
		return nil
	default:
		err = p.send(ctx, &l)
	}
	if own, ok := errors.AsType[*hmr.Error](err); ok {
		p.failed++
		fmt.Fprintf(p.warn, "line %d, %s: %s\n", number, terminal.OneLine(l.Event), terminal.OneLine(own.Error()))
		return nil
	}
	return err
}

// call calls a handler on the server as a page would, or that of a page.
func (p *replay) call(ctx context.Context, l *builtin.Line, to string) error {
	p.copied = ""
	args := steer.CallArgs{PageArgs: steer.PageArgs{Page: p.page}, Event: l.Event, Data: l.Data, To: to}
	if err := p.server.Do(ctx, steer.VerbCall, args, &steer.Called{}); err != nil {
		return err
	}
	p.called++
	return nil
}

// send sends an event to pages.
func (p *replay) send(ctx context.Context, l *builtin.Line) error {
	var sent steer.Sent
	if err := p.server.Do(ctx, steer.VerbSend, steer.SendArgs{To: p.to, Event: l.Event, Data: l.Data}, &sent); err != nil {
		return err
	}
	if sent.Sent == 0 {
		return &hmr.Error{Code: "no_page", Message: "no page is open"}
	}
	p.sent++
	return nil
}

// isOwn reports whether devserver itself sends events of the name, such as what tools ask of pages.
func isOwn(event string) bool {
	return event != hmr.NotificationEvent && (strings.HasPrefix(event, "devserver:") || strings.HasPrefix(event, "vite:"))
}

// isCopy reports whether a line is a further copy of an event to several pages: the log has a line for each page.
func (p *replay) isCopy(l *builtin.Line) bool {
	event := l.Event + " " + string(l.Data)
	if event != p.copied || slices.Contains(p.reached, l.To) {
		p.copied, p.reached = event, nil
	}
	p.reached = append(p.reached, l.To)
	return len(p.reached) > 1
}

// wait waits as long as it took from the line before to this line.
func (p *replay) wait(ctx context.Context, at time.Time) error {
	before := p.before
	p.before = at
	if p.atOnce || before.IsZero() || !at.After(before) {
		return ctx.Err()
	}
	timer := time.NewTimer(time.Duration(float64(at.Sub(before)) / p.speed))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (p *replay) summary() string {
	text := fmt.Sprintf("sent %d to pages, called %d handlers", p.sent, p.called)
	if p.failed > 0 {
		text += fmt.Sprintf(", %d failed", p.failed)
	}
	total := 0
	var kinds []string
	for _, kind := range []string{"reply", "console", "lost", "internal"} {
		if n := p.skipped[kind]; n > 0 {
			kinds = append(kinds, fmt.Sprintf("%d %s", n, kind))
		}
	}
	for _, n := range p.skipped {
		total += n
	}
	if total > 0 {
		text += fmt.Sprintf(", skipped %d lines", total)
		if len(kinds) > 0 {
			text += " (" + strings.Join(kinds, ", ") + ")"
		}
	}
	return text
}
