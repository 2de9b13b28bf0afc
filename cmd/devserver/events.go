package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	configfile "github.com/seed-b8174343/devserver/internal/config"
)

const eventsHelp = `devserver events shows, sends or repeats the events of the server that runs for this project.

Usage:
  devserver events tail [filter...]    print the events between pages and server, until Ctrl-C or the server stops
  devserver events send <name> [json]  send an event to open pages; - reads the JSON from standard input
  devserver events replay <file>       send what an event log holds again, in its order; - reads standard input

A filter is the name of an event, with * for any text ("cart:*"). "console" matches the pages' console output, which
the configuration has to switch on. An answer has the name of its request.

Flags of tail:
      --json            print JSON lines, in the form of the event log (devserver docs events)
      --count <n>       end after n lines
      --timeout <time>  end after this time, such as 10s; with --count fewer lines are a failure

Flags of send:
      --to <page|user>  send to one page's ID ("c1") or one user; page:ID and user:NAME say which

Flags of replay:
      --speed <n>       n times as fast (default 1: at the pace of the log)
      --at-once         without pauses
      --to <page|user>  what went to pages goes to this page or user (default: all pages); a page is also the sender of
                        what came from pages (default: the page looked at last)

Flags of all:
      --root <folder>   the project (default: the current folder, or the nearest folder above with a running server)
      --port <port>     the server on this port, when several run for the project

A log is the file of the plugin log, or what tail --json prints (devserver docs events). replay sends events to pages again, and
calls handlers as if a page had sent what came from pages. An event to several pages is a line for each page in the log,
and is sent once. Answers, console lines and what devserver itself sent are skipped and counted.

tail prints "listening to …" to standard error when it has begun: no event after that line is missed. Exit code: 0 done,
1 failed (no server, no such page, no open page, too few lines, a handler that fails), 2 wrong command line or JSON.
`

// eventsArgs is the parsed command line of events.
type eventsArgs struct {
	name    string // one of eventsCommands
	rest    []string
	root    string
	port    int
	help    bool
	json    bool
	count   int
	timeout time.Duration
	to      string
	speed   float64
	atOnce  bool
}

// eventsCommands are the commands of events.
var eventsCommands = []string{"tail", "send", "replay"}

func parseEvents(args []string) (*eventsArgs, error) {
	in := &eventsArgs{}
	if len(args) == 0 {
		return nil, errors.New("events: say tail, send or replay")
	}
	in.name, args = args[0], args[1:]
	switch in.name {
	case "tail", "send", "replay":
	case "help", "-h", "--help":
		in.help = true
		return in, nil
	default:
		if meant := configfile.Nearest(in.name, eventsCommands); meant != "" {
			return nil, fmt.Errorf("events: no command %q (did you mean %s?)", in.name, meant)
		}
		return nil, fmt.Errorf("events: no command %q; the commands are tail, send and replay", in.name)
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
	if in.name == "replay" {
		set.Float64Var(&in.speed, "speed", 1, "")
		set.BoolVar(&in.atOnce, "at-once", false, "")
	}
	if err := set.Parse(args); err != nil {
		return nil, explain(err, set)
	}
	in.rest = set.Args()
	switch {
	case in.help:
	case set.Changed("count") && in.count < 1:
		return nil, errors.New("--count must be at least 1")
	case set.Changed("timeout") && in.timeout <= 0:
		return nil, errors.New("--timeout must be a time above zero, such as 10s")
	case set.Changed("to") && in.to == "":
		return nil, errors.New("--to needs a page or a user; leave it out to send to all pages")
	case in.name == "replay" && in.speed <= 0:
		return nil, errors.New("--speed must be above zero")
	case in.name == "replay" && set.Changed("speed") && in.atOnce:
		return nil, errors.New("--speed and --at-once exclude each other")
	case in.name == "replay" && len(in.rest) != 1:
		return nil, errors.New("events replay: give the file of an event log, or - for standard input")
	case in.name == "send" && (len(in.rest) == 0 || in.rest[0] == ""):
		return nil, errors.New("events send: give the event's name")
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
	switch in.name {
	case "send":
		return c.sendEvent(ctx, in)
	case "replay":
		return c.replayEvents(ctx, in)
	}
	return c.tailEvents(ctx, in)
}
