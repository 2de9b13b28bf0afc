package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/seed-b8174343/devserver/internal/agent"
	configfile "github.com/seed-b8174343/devserver/internal/config"
	"github.com/seed-b8174343/devserver/internal/steer"
	"github.com/seed-b8174343/devserver/internal/terminal"
)

const pageHelp = `devserver page looks at the pages of the server that runs for this project, and acts in them.

Usage:
  devserver page list                        the project, its open pages and the last edit
  devserver page errors                      what is broken now
  devserver page logs                        console lines
  devserver page wait                        wait until the pages have the last edit, and say what they did with it
  devserver page snapshot [selector]         what the page shows, with the IDs of elements
  devserver page inspect <element>           one element: HTML, box, styles, component
  devserver page act <what> [element] [value]
                                             click, fill, select, press, scroll or navigate (must be allowed)
  devserver page call <event> [json]         call a request or send an event of the project; - reads standard input
  devserver page module <file>               importers, imports, who takes its updates or why pages reload
  devserver page events [name]               events that passed; * in the name stands for any text
  devserver page evaluate <expression>       run JavaScript in the page (must be allowed); - reads standard input

An element is an ID of a snapshot (e12) or a CSS selector.

Flags:
      --page <id>       the page (default: the page looked at last; for wait, logs and events: all pages)
      --json            print the answer as JSON (internal/steer has its form)
      --root <folder>   the project (default: the current folder, or the nearest folder above with a running server)
      --port <port>     the server on this port, when several run for the project

Flags of logs and events:
      --since <cursor>  only what came after the cursor of an earlier answer
      --limit <n>       the newest n (default 50)
      --wait <time>     wait so long for something when there is nothing, such as 10s
      --level <level>   of logs: the lowest level, error, warn, info, log or debug
      --match <text>    of logs: only lines with this text

Flags of wait:
      --since <cursor>  the cursor from before the edit (default: the newest edit, which may be done already)
      --timeout <time>  how long (default 5s, at most 1m)

Other flags:
      --since <id>      of snapshot: an earlier snapshot; print only what changed
      --max <bytes>     of snapshot: the longest text (default 8000)
      --style <name>    of inspect: a further CSS property; may be repeated
      --code            of module: with the compiled code
      --to <whom>       of call: server (a handler in Go), page (its handler), or listeners (its listeners)
      --await <event>   of call: wait for this event afterwards
      --timeout <time>  of call: how long (default 5s)

Text that comes from pages is marked ⟦page c3: …⟧ when the output is no terminal, since an agent may read it.

Exit code: 0 done, 1 failed (no server, no such page), 2 wrong command line. errors: 3 when there are some. wait: 0 when
the pages run the new code, or need none of it; 3 for an error or a failed update; 4 when there was no edit, or a page did
not answer or come back in time.
`

// pageArgs is the parsed command line of page.
type pageArgs struct {
	name string // list, errors, …
	verb string
	args any // those of the verb
	root string
	port int
	help bool
	json bool
}

// pageVerbs maps the commands of page to verbs, in the order of the help.
var pageVerbs = []struct {
	name, verb string
	min, max   int // how many arguments
}{
	{"list", steer.VerbStatus, 0, 0}, {"errors", steer.VerbErrors, 0, 0}, {"logs", steer.VerbLogs, 0, 0}, {"wait", steer.VerbWait, 0, 0},
	{"snapshot", steer.VerbSnapshot, 0, 1}, {"inspect", steer.VerbInspect, 1, 1}, {"act", steer.VerbAct, 2, 3}, {"call", steer.VerbCall, 1, 2},
	{"module", steer.VerbModule, 1, 1}, {"events", steer.VerbEvents, 0, 1}, {"evaluate", steer.VerbEvaluate, 1, 1},
}

func (c *command) parsePage(args []string) (*pageArgs, error) {
	var names []string
	for _, v := range pageVerbs {
		names = append(names, v.name)
	}
	all := strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
	if len(args) == 0 {
		return nil, fmt.Errorf("page: say %s", all)
	}
	in := &pageArgs{name: args[0]}
	if in.name == "help" || in.name == "-h" || in.name == "--help" {
		in.help = true
		return in, nil
	}
	least, most := 0, 0
	for _, v := range pageVerbs {
		if v.name == in.name {
			in.verb, least, most = v.verb, v.min, v.max
		}
	}
	if in.verb == "" {
		if meant := configfile.Nearest(in.name, names); meant != "" {
			return nil, fmt.Errorf("page: no command %q (did you mean %s?)", in.name, meant)
		}
		return nil, fmt.Errorf("page: no command %q; the commands are %s", in.name, all)
	}
	set := pflag.NewFlagSet("devserver page "+in.name, pflag.ContinueOnError)
	set.Usage = func() {}
	set.StringVar(&in.root, "root", "", "")
	set.IntVar(&in.port, "port", 0, "")
	set.BoolVarP(&in.help, "help", "h", false, "")
	set.BoolVar(&in.json, "json", false, "")
	build := c.pageFlags(set, in.name)
	if err := set.Parse(args[1:]); err != nil {
		return nil, explain(err, set)
	}
	rest := set.Args()
	switch {
	case in.help:
		return in, nil
	case len(rest) < least:
		return nil, fmt.Errorf("page %s: an argument is missing: %s", in.name, usageOf(in.name))
	case len(rest) > most:
		return nil, fmt.Errorf("page %s takes %d arguments, not %d: put each in quotes", in.name, most, len(rest))
	}
	var err error
	in.args, err = build(rest)
	return in, err
}

// usageOf returns the line of a command in the help, and those that follow up to the next command.
func usageOf(name string) string {
	_, after, _ := strings.Cut(pageHelp, "devserver page "+name)
	text, _, _ := strings.Cut(after, "devserver page ")
	text, _, _ = strings.Cut(text, "\n\n")
	return "devserver page " + name + " " + strings.Join(strings.Fields(text), " ")
}

// pageFlags defines the flags of a command, and returns the func that makes the verb's arguments of the command line.
func (c *command) pageFlags(set *pflag.FlagSet, name string) (build func(rest []string) (any, error)) {
	var page steer.PageArgs
	if name != "list" && name != "module" {
		set.StringVar(&page.Page, "page", "", "")
	}
	var since uint64
	var limit int
	var wait, timeout time.Duration
	switch name {
	case "logs", "events":
		set.Uint64Var(&since, "since", 0, "")
		set.IntVar(&limit, "limit", 0, "")
		set.DurationVar(&wait, "wait", 0, "")
	case "wait":
		set.Uint64Var(&since, "since", 0, "")
		set.DurationVar(&timeout, "timeout", 0, "")
	case "call":
		set.DurationVar(&timeout, "timeout", 0, "")
	}
	switch name {
	case "logs":
		level, match := set.String("level", "", ""), set.String("match", "", "")
		return func([]string) (any, error) {
			return steer.LogsArgs{Page: page.Page, Since: since, Level: *level, Match: *match, Limit: limit, Wait: int(wait.Milliseconds())}, nil
		}
	case "events":
		return func(rest []string) (any, error) {
			return steer.EventsArgs{Page: page.Page, Name: first(rest), Since: since, Limit: limit, Wait: int(wait.Milliseconds())}, nil
		}
	case "wait":
		return func([]string) (any, error) {
			args := steer.WaitArgs{Page: page.Page, Timeout: int(timeout.Milliseconds())}
			if set.Changed("since") {
				args.Since = &since
			}
			return args, nil
		}
	case "snapshot":
		from, most := set.String("since", "", ""), set.Int("max", 0, "")
		return func(rest []string) (any, error) {
			return steer.SnapshotArgs{PageArgs: page, Selector: first(rest), Since: *from, Max: *most}, nil
		}
	case "inspect":
		styles := set.StringArray("style", nil, "")
		return func(rest []string) (any, error) {
			args := steer.InspectArgs{PageArgs: page, Styles: *styles}
			args.Ref, args.Selector = element(rest[0])
			return args, nil
		}
	case "act":
		return func(rest []string) (any, error) { return actArgs(page, rest) }
	case "call":
		to, await := set.String("to", "", ""), set.String("await", "", "")
		return func(rest []string) (any, error) {
			args := steer.CallArgs{PageArgs: page, Event: rest[0], To: *to, Await: *await, Timeout: int(timeout.Milliseconds())}
			if len(rest) == 1 {
				return args, nil
			}
			text, err := c.argument(rest[1])
			if err == nil {
				args.Data, err = parseJSON(text)
			}
			return args, err
		}
	case "module":
		code := set.Bool("code", false, "")
		return func(rest []string) (any, error) { return steer.ModuleArgs{Module: rest[0], Code: *code}, nil }
	case "evaluate":
		return func(rest []string) (any, error) {
			text, err := c.argument(rest[0])
			return steer.EvaluateArgs{PageArgs: page, Expression: string(text)}, err
		}
	case "list":
		return func([]string) (any, error) { return steer.None{}, nil }
	default:
		return func([]string) (any, error) { return page, nil }
	}
}

// argument returns an argument, or for "-" the standard input.
func (c *command) argument(arg string) ([]byte, error) {
	if arg != "-" {
		return []byte(arg), nil
	}
	text, err := io.ReadAll(c.stdin)
	if err != nil {
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	return text, nil
}

// elementID is an ID of a snapshot, which shows it with #. An element with such an id has the selector [id=e12].
var elementID = regexp.MustCompile(`^#?e\d+$`)

// element returns an element as an ID of a snapshot, or as a selector.
func element(arg string) (ref, selector string) {
	if elementID.MatchString(arg) {
		return strings.TrimPrefix(arg, "#"), ""
	}
	return "", arg
}

// actArgs reads `click e1`, `fill e1 text`, `press Enter`, `press e1 Enter`, `scroll 100` and `navigate /path`.
func actArgs(page steer.PageArgs, rest []string) (steer.ActArgs, error) {
	args := steer.ActArgs{PageArgs: page, Do: rest[0]}
	target, values := "", rest[1:]
	switch args.Do {
	case "click":
		target, values = values[0], values[1:]
		if len(values) > 0 {
			return args, errors.New("page act click takes an element and no value")
		}
	case "fill", "select":
		if len(values) < 2 {
			return args, fmt.Errorf("page act %s takes an element and a value", args.Do)
		}
		target, values = values[0], values[1:]
	case "press", "scroll":
		if len(values) == 2 {
			target, values = values[0], values[1:]
		}
	case "navigate":
		if len(values) > 1 {
			return args, errors.New("page act navigate takes a path")
		}
	default:
		return args, fmt.Errorf("page act: no %q; it is click, fill, select, press, scroll or navigate", args.Do)
	}
	args.Value = first(values)
	args.Ref, args.Selector = element(target)
	return args, nil
}

// Further exit codes of page.
const (
	exitErrors  = 3 // there are errors
	exitNothing = 4 // there was no edit, or not all pages answered in time
)

// page runs `devserver page`.
func (c *command) page(ctx context.Context, args []string) int {
	in, err := c.parsePage(args)
	if err != nil {
		return c.usageOf("devserver page help", "%v", err)
	}
	if in.help {
		fmt.Fprint(c.stdout, pageHelp)
		return exitStopped
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	r, err := findServer(ctx, in.root, in.port)
	if err != nil {
		return c.fail(err)
	}
	marks := agent.Marks{Off: terminal.IsTerminal(c.stdout)}
	var answer json.RawMessage
	if err := r.Do(ctx, in.verb, in.args, &answer); err != nil {
		return c.fail(errors.New(agent.ErrorText(in.verb, err, marks)))
	}
	text := string(answer)
	if in.json && marks.Off {
		text = terminal.Printable(text)
	}
	if !in.json {
		if text, err = agent.Text(in.verb, answer, marks); err != nil {
			return c.fail(err)
		}
	}
	if _, err := fmt.Fprintln(c.stdout, strings.TrimSpace(text)); err != nil {
		return c.fail(fmt.Errorf("print the answer: %w", err))
	}
	return pageExit(in.verb, answer)
}

// pageExit returns the exit code for an answer.
func pageExit(verb string, answer json.RawMessage) int {
	var a struct {
		Result string
		Error  string
		Errors []json.RawMessage
	}
	if json.Unmarshal(answer, &a) != nil {
		return exitStopped // a module has an error of another form
	}
	switch {
	case verb == steer.VerbErrors && len(a.Errors) > 0:
		return exitErrors
	case verb == steer.VerbEvaluate && a.Error != "":
		return exitFailed
	case verb != steer.VerbWait:
		return exitStopped
	}
	switch a.Result {
	case "updated", "reloaded", "compiled", "nothing":
		return exitStopped
	case "error", "failed":
		return exitErrors
	}
	return exitNothing
}
