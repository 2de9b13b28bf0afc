package steer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/compile"
	"github.com/seed-b8174343/devserver/internal/edit"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/journal"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/pack"
	"github.com/seed-b8174343/devserver/internal/problems"
)

// Options configures a Core. All fields are needed.
type Options struct {
	// Context ends with the server.
	Context context.Context
	Hub     *hmr.Hub
	Journal *journal.Log
	Logger  *slog.Logger
	// Project returns the project that runs now: a restart makes another.
	Project func() Project
	// Settled returns once no restart runs or waits for its turn, or ctx ends.
	Settled func(ctx context.Context)
	// Record has pages that load from now on send their consoles.
	Record func()
	// Pause holds updates until resume is called. who is what the terminal says.
	Pause func(who string) (resume func())
	// Paused reports whether updates are held.
	Paused func() bool
	// Version is that of the program.
	Version string
}

// Project is what a Core needs of the project that runs.
type Project struct {
	// URL is where the server answers. Agents says what tools may do.
	URL      string
	Agents   config.Agents
	Layout   moduleid.Layout
	Graph    *graph.Graph
	Compiler *compile.Compiler
	Packs    *pack.Packer
	Problems *problems.Set
	Edits    *edit.Updater
	// Tools returns the handlers of plugins that have a description.
	Tools func() []Tool
	// Open opens a place in the developer's editor.
	Open func(place string) error
}

// Core answers verbs. Use New, and Close at the end. Its methods are safe for concurrent use.
type Core struct {
	o     Options
	verbs map[string]verb
	offs  []func()
	feed  feed

	recording sync.Once
	answered  atomic.Uint64 // cursor of the newest edit that wait_for_update has told
	pages     pages
	pauses    pauses
}

// verb answers by arguments in JSON. The answer can be JSON.
type verb func(ctx context.Context, args json.RawMessage) (any, error)

// on makes a verb of a func with types.
func on[In, Out any](name string, fn func(ctx context.Context, in In) (Out, error)) verb {
	return func(ctx context.Context, args json.RawMessage) (any, error) {
		in, err := hmr.Decode[In](name, args)
		if err != nil {
			return nil, err
		}
		if err := noNegative(name, args); err != nil {
			return nil, err
		}
		return fn(ctx, in)
	}
}

// noNegative returns an error about a number below 0: all numbers of arguments are counts, times or places in the log.
func noNegative(verb string, args json.RawMessage) error {
	var values map[string]json.RawMessage
	_ = json.Unmarshal(args, &values) // they were decoded before, or are none
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if value := values[name]; name != "data" && len(value) > 0 && value[0] == '-' {
			return badArgs(verb, name, "%s is %s; it may not be negative", name, value)
		}
	}
	return nil
}

// New returns a Core that follows the hub.
func New(o Options) *Core {
	c := &Core{o: o}
	c.pages.known = map[string]pageAnswer{}
	c.verbs = map[string]verb{
		VerbStatus:   on(VerbStatus, c.status),
		VerbErrors:   on(VerbErrors, c.errors),
		VerbLogs:     on(VerbLogs, c.logs),
		VerbWait:     on(VerbWait, c.wait),
		VerbSnapshot: on(VerbSnapshot, c.snapshot),
		VerbInspect:  on(VerbInspect, c.inspect),
		VerbModule:   on(VerbModule, c.module),
		VerbAct:      on(VerbAct, c.act),
		VerbEvents:   on(VerbEvents, c.events),
		VerbCall:     on(VerbCall, c.call),
		VerbPause:    on(VerbPause, c.pause),
		VerbResume:   on(VerbResume, c.resume),
		VerbEvaluate: on(VerbEvaluate, c.evaluate),
		VerbHistory:  on(VerbHistory, c.history),
		VerbModules:  on(VerbModules, c.modules),
		VerbSend:     on(VerbSend, c.send),
		VerbTools:    on(VerbTools, c.tools),
		VerbOpen:     on(VerbOpen, c.open),
	}
	c.follow()
	return c
}

// Close ends what the Core follows, and its pauses.
func (c *Core) Close() {
	for _, off := range c.offs {
		off()
	}
	c.feed.close()
	c.pauses.end()
}

// silent are the verbs that do not begin to record the pages' consoles: programs that only send need none.
var silent = map[string]bool{VerbSend: true, VerbTools: true, VerbPause: true, VerbResume: true, VerbOpen: true}

// Do answers a verb. The error is an *hmr.Error.
func (c *Core) Do(ctx context.Context, name string, args json.RawMessage) (any, error) {
	do := c.verbs[name]
	if do == nil {
		return nil, &hmr.Error{Code: "unknown_verb", Message: fmt.Sprintf("the server has no verb %q; perhaps this program is of another version", name)}
	}
	if !silent[name] {
		c.recording.Do(c.record)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.o.Context, cancel)()
	answer, err := do(ctx, args)
	if err != nil && c.o.Context.Err() != nil {
		return nil, &hmr.Error{Code: "stopped", Message: "the server has stopped"}
	}
	if err != nil {
		return nil, asError(err)
	}
	return answer, nil
}

// asError gives an error a code.
func asError(err error) error {
	own, ok := errors.AsType[*hmr.Error](err)
	switch {
	case ok:
		return own
	case errors.Is(err, hmr.ErrClosed):
		return &hmr.Error{Code: "page_gone", Message: "the page was closed or reloaded before it answered; ask for the open pages again"}
	case errors.Is(err, context.DeadlineExceeded):
		return &hmr.Error{Code: "timeout", Message: "there was no answer in time"}
	}
	return &hmr.Error{Code: "failed", Message: err.Error()}
}

// bound returns a number that a caller gave, within limits: 0 is the usual value.
func bound(n, usual, most int) int {
	if n <= 0 {
		return usual
	}
	return min(n, most)
}

// waiting returns a context that ends after so many milliseconds.
func waiting(ctx context.Context, milliseconds int) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, time.Duration(milliseconds)*time.Millisecond)
}

func (c *Core) open(_ context.Context, a OpenArgs) (None, error) {
	return None{}, c.o.Project().Open(a.Place)
}

func (c *Core) tools(ctx context.Context, _ None) (Tools, error) {
	c.askBriefly(ctx, c.o.Hub.Clients())
	list := c.o.Project().Tools()
	for id, p := range c.pages.handles() {
		for _, h := range p {
			if h.Description != "" {
				list = append(list, Tool{Event: h.Event, Description: h.Description, To: "page", Request: true, Page: id})
			}
		}
	}
	return Tools{Tools: list, Rev: revOf(list)}, nil
}
