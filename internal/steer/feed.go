package steer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/builtin"
	"github.com/seed-b8174343/devserver/internal/journal"
)

// What the hub tells the journal: events, console lines, and pages that come and go.

// feed brings what passes through the hub into the journal.
type feed struct {
	lines chan consoleLine // wait to be located in the source
	done  chan struct{}

	mu   sync.Mutex
	lost int // console lines that found the queue full; guarded by mu
}

type consoleLine struct {
	page string
	builtin.ConsoleLine
}

const (
	// mostWaiting is how many console lines may wait to be located. A line costs a look into a source map.
	mostWaiting = 2000
	// longestData is how many bytes of a payload are kept.
	longestData = 16 << 10
)

// follow begins to fill the journal.
func (c *Core) follow() {
	f := &c.feed
	f.lines, f.done = make(chan consoleLine, mostWaiting), make(chan struct{})
	lines := f.lines // a core that is closed at once takes it from the feed
	go func() {
		defer close(f.done)
		for line := range lines {
			c.addConsole(line)
		}
	}()
	page := func(what string) func(context.Context, *hmr.Client) {
		return func(_ context.Context, client *hmr.Client) {
			p := &journal.Page{Page: client.ID(), What: what, URL: shorten(client.URL(), longestName), User: client.User()}
			if what == "opened" {
				p.Was = c.before(client)
			}
			c.o.Journal.Add(journal.Record{Kind: journal.KindPage, Page: p})
			if what == "closed" {
				c.pages.forget(client.ID())
			}
		}
	}
	hub := c.o.Hub
	c.offs = append(c.offs,
		hub.OnConnect(page("opened")), hub.OnDisconnect(page("closed")), hub.OnIdentify(page("identified")),
		hub.OnPassed(c.passed),
	)
}

// before returns the page that a client says it was before it reloaded, "" for a page that it cannot have been: that of
// another user, for example. A tool that waits for one page would look at the other.
func (c *Core) before(client *hmr.Client) string {
	was := client.Was()
	if was == "" {
		return ""
	}
	records, _, _ := c.o.Journal.Since(0, journal.KindPage)
	for _, r := range slices.Backward(records) {
		if r.Page.Page == was && (r.Page.User == "" || r.Page.User == client.User()) {
			return was
		} else if r.Page.Page == was {
			break
		}
	}
	return ""
}

// close waits until the lines that came are in the journal. Nothing passes any more.
func (f *feed) close() {
	f.mu.Lock()
	lines := f.lines
	f.lines = nil
	f.mu.Unlock()
	if lines != nil {
		close(lines)
		<-f.done
	}
}

// passed is called under locks of the hub.
func (c *Core) passed(p hmr.Passed) {
	if p.FromPage && p.Type == "custom" && p.Event == builtin.ConsoleEvent {
		c.feed.console(p)
		return
	}
	p.Event = shorten(p.Event, longestName)
	e := &journal.Event{Page: p.Page, FromPage: p.FromPage, Type: p.Type, Name: p.Event, ID: p.ID, Size: len(p.Data), Error: p.Error}
	if p.Type == "custom" {
		e.Type = "event"
	}
	if isInternal(e.Name) {
		return
	}
	if len(p.Data) <= longestData {
		e.Data = p.Data
	}
	c.o.Journal.Add(journal.Record{Kind: journal.KindEvent, Event: e})
}

// isInternal reports whether an event is between the server and the client alone.
func isInternal(name string) bool {
	return strings.HasPrefix(name, internalPrefix) && !slices.Contains(forApps, name)
}

// forApps are the events of the server that apps listen for.
var forApps = []string{
	hmr.NotificationEvent, hmr.UnknownEvent, "devserver:event-error", "devserver:channel-error", "devserver:lost", "devserver:identified",
	"devserver:plugins:reloaded",
}

// internalPrefix begins the names of requests that every page answers.
const internalPrefix = "devserver:"

func (f *feed) console(p hmr.Passed) {
	in, err := hmr.Decode[builtin.ConsoleLine](p.Event, p.Data)
	if err != nil {
		return // a program that is no page of ours
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case f.lines <- consoleLine{p.Page, in}: // a nil channel, at the end, takes nothing
	default:
		f.lost++
	}
}

func (c *Core) addConsole(line consoleLine) {
	at, text := line.Located(c.locator())
	c.o.Journal.Add(journal.Record{Kind: journal.KindConsole, Console: &journal.Console{
		Page: line.page, Level: line.KnownLevel(), At: at, Text: text,
	}})
	c.feed.mu.Lock()
	lost := c.feed.lost
	c.feed.lost = 0
	c.feed.mu.Unlock()
	if lost > 0 {
		c.o.Journal.Add(journal.Record{Kind: journal.KindConsole, Console: &journal.Console{
			Page: line.page, Level: "warn", Text: fmt.Sprintf("(%d lines were left out: pages write more than the server can take)", lost),
		}})
	}
}

func (c *Core) locator() builtin.Locator { return c.o.Project().Packs }

// levels are the levels of console lines, the lowest first.
var levels = map[string]int{"debug": 0, "log": 1, "info": 1, "warn": 2, "error": 3, "uncaught": 3, "rejection": 3}

func (c *Core) logs(ctx context.Context, a LogsArgs) (Logs, error) {
	lowest, known := levels[a.Level]
	if a.Level != "" && !known {
		return Logs{}, badArgs(VerbLogs, "level", "level is %q; it may be error, warn, info, log or debug", a.Level)
	}
	wanted := func(r journal.Record) bool {
		l := r.Console
		return (a.Page == "" || a.Page == l.Page) && levels[l.Level] >= lowest && strings.Contains(l.Text, a.Match)
	}
	list, left, lost, cursor := c.read(ctx, journal.KindConsole, a.Since, a.Limit, a.Wait, wanted)
	out := Logs{Lines: []Line{}, Cursor: cursor, Left: left, Lost: lost}
	for _, r := range list {
		out.Lines = append(out.Lines, Line{Cursor: r.Cursor, Time: r.Time, Console: *r.Console})
	}
	if len(out.Lines) == 0 && len(c.o.Hub.Clients()) == 0 {
		out.Why = "no page is open at " + c.o.Project().URL
	}
	return out, nil
}

func (c *Core) events(ctx context.Context, a EventsArgs) (Events, error) {
	wanted := func(r journal.Record) bool {
		return (a.Page == "" || a.Page == r.Event.Page) && (a.Name == "" || Matches(a.Name, r.Event.Name))
	}
	list, left, lost, cursor := c.read(ctx, journal.KindEvent, a.Since, a.Limit, a.Wait, wanted)
	out := Events{Events: []PassedEvent{}, Cursor: cursor, Left: left, Lost: lost}
	for _, name := range c.o.Hub.Events() {
		if !isInternal(name) && !strings.HasPrefix(name, "vite:") {
			out.Known = append(out.Known, name)
		}
	}
	for _, r := range list {
		out.Events = append(out.Events, PassedEvent{Cursor: r.Cursor, Time: r.Time, Event: *r.Event})
	}
	return out, nil
}

// Matches reports whether a name fits a pattern, in which * is any text.
func Matches(pattern, name string) bool {
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

// read returns the newest records that are wanted, after a cursor. Without any it waits for one, as long as it may.
func (c *Core) read(
	ctx context.Context, kind journal.Kind, since uint64, limit, wait int, wanted func(journal.Record) bool,
) (list []journal.Record, left int, lost bool, cursor uint64) {
	limit = bound(limit, 50, 1000)
	ctx, cancel := waiting(ctx, min(max(wait, 0), 60_000))
	defer cancel()
	for {
		list, cursor, lost = c.o.Journal.Since(since, kind)
		kept := list[:0]
		for _, r := range list {
			if wanted(r) {
				kept = append(kept, r)
			}
		}
		list = kept
		if len(list) > 0 || wait <= 0 || ctx.Err() != nil {
			break
		}
		select {
		case <-c.o.Journal.Next(cursor):
		case <-ctx.Done():
		}
	}
	if left = len(list) - limit; left > 0 {
		return list[left:], left, lost, cursor
	}
	return list, 0, lost, cursor
}

func (c *Core) history(ctx context.Context, a HistoryArgs) (History, error) {
	ctx, cancel := waiting(ctx, min(max(a.Wait, 0), 25_000))
	defer cancel()
	limit := bound(a.Limit, 1000, 20_000)
	for {
		list, now, lost := c.o.Journal.Since(a.Since, a.Kinds...)
		h := History{Records: append([]journal.Record{}, list[max(0, len(list)-limit):]...), Cursor: now, Lost: lost || len(list) > limit}
		if len(list) > 0 || a.Wait <= 0 || ctx.Err() != nil {
			return h, nil
		}
		select {
		case <-c.o.Journal.Next(h.Cursor):
		case <-ctx.Done():
		}
	}
}

// badArgs is the error about an argument. path names it.
func badArgs(verb, path, format string, args ...any) error {
	return &hmr.Error{Code: "bad_args", Path: path, Message: verb + ": " + fmt.Sprintf(format, args...)}
}
