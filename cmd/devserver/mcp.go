package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/spf13/pflag"

	"github.com/seed-b8174343/devserver/internal/agent"
	"github.com/seed-b8174343/devserver/internal/running"
	"github.com/seed-b8174343/devserver/internal/terminal"
)

const mcpHelp = `devserver mcp is an MCP server on standard input and output, for AI agents. An editor or agent starts it.

Usage:
  devserver mcp [flags]

It has the tools of the server that runs for this project, and starts no server itself. When the server starts later, or
restarts, the tools find it. ` + "`devserver init --agents`" + ` writes the files by which agents find devserver mcp, and
` + "`devserver docs agents`" + ` is the guide.

Flags:
      --root <folder>   the project (default: the current folder, or the nearest folder above with a running server)
      --port <port>     the server on this port, when several run for the project

Exit code: 0 done, 1 failed, 2 wrong command line.
`

// mcp runs `devserver mcp`.
func (c *command) mcp(ctx context.Context, args []string) int {
	set := pflag.NewFlagSet("devserver mcp", pflag.ContinueOnError)
	set.Usage = func() {}
	root := set.String("root", "", "")
	port := set.Int("port", 0, "")
	help := set.BoolP("help", "h", false, "")
	if err := set.Parse(args); err != nil {
		return c.usageOf("devserver mcp --help", "%v", explain(err, set))
	}
	if *help {
		fmt.Fprint(c.stdout, mcpHelp)
		return exitStopped
	}
	if set.NArg() > 0 {
		return c.usageOf("devserver mcp --help", "mcp takes no %q; the project's folder is --root", set.Arg(0))
	}
	if terminal.IsTerminal(c.stdin) {
		fmt.Fprintln(c.stderr, "devserver mcp speaks MCP on standard input: an agent starts it. `devserver init --agents` sets it up.")
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	// Without a log, since the SDK takes the end of a client for an error. What really fails is returned.
	server := agent.New(agent.Options{Ask: asker(*root, *port), Version: running.Version()})
	if err := server.Run(ctx, readCloser(c.stdin), writeCloser{c.stdout}); err != nil {
		return c.fail(fmt.Errorf("mcp: %w", err))
	}
	return exitStopped
}

// asker returns a func that asks the running server of the project a verb. It looks for the server each time, so that
// it finds a server that has started meanwhile. It keeps to a server that has answered, when another starts.
func asker(root string, port int) func(ctx context.Context, verb string, args json.RawMessage) (json.RawMessage, error) {
	var known atomic.Int64 // the port of the server that answered last
	return func(ctx context.Context, verb string, args json.RawMessage) (json.RawMessage, error) {
		r, err := findServer(ctx, root, port)
		if last := int(known.Load()); err != nil && port == 0 && last != 0 {
			if same, other := findServer(ctx, root, last); other == nil {
				r, err = same, nil
			}
		}
		if several, ok := errors.AsType[severalError](err); ok {
			return nil, fmt.Errorf("%w\nThe flag is for the arguments of devserver mcp, where the agent is configured. Or stop the other servers", several)
		}
		if err != nil {
			return nil, err
		}
		known.Store(int64(portOf(r.URL)))
		var answer json.RawMessage
		if err := r.Do(ctx, verb, args, &answer); err != nil {
			return nil, err
		}
		return answer, nil
	}
}

func readCloser(r io.Reader) io.ReadCloser {
	if closer, ok := r.(io.ReadCloser); ok {
		return closer
	}
	return io.NopCloser(r)
}

// writeCloser is a writer that stays open.
type writeCloser struct{ io.Writer }

func (writeCloser) Close() error { return nil }
