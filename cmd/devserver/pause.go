package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/spf13/pflag"
)

const pauseHelp = `devserver pause holds updates, then applies all edits made meanwhile as one update.

Usage:
  devserver pause [flags]                   until Ctrl-C
  devserver pause [flags] -- <command...>   while the command runs; the exit code is the command's

The running server holds updates while this program runs. When the program ends, even when it is killed, the server
applies all edits as one update. With several pauses, updates resume after the last one. Pages stay connected, and their
events are answered.

Flags:
      --root <folder>   the project (default: the current folder, or the nearest folder above with a running server)
      --port <port>     the server on this port, when several run for the project

Without a server the command does not run. Exit code: 0 done, 1 failed (no server, or it stopped), 2 wrong command line.
`

// pause runs `devserver pause`.
func (c *command) pause(ctx context.Context, args []string) int {
	set := pflag.NewFlagSet("devserver pause", pflag.ContinueOnError)
	set.Usage = func() {}
	root := set.String("root", "", "")
	port := set.Int("port", 0, "")
	help := set.BoolP("help", "h", false, "")
	if err := set.Parse(args); err != nil {
		return c.usageOf("devserver pause --help", "%v", explain(err, set))
	}
	if *help {
		fmt.Fprint(c.stdout, pauseHelp)
		return exitStopped
	}
	if at := set.ArgsLenAtDash(); set.NArg() > 0 && at != 0 {
		return c.usageOf("devserver pause --help", "pause: put -- before the command: devserver pause -- %s", set.Arg(0))
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	r, err := findServer(ctx, *root, *port)
	if err != nil {
		return c.fail(err)
	}
	// A signal ends the command first, and then the pause.
	resume, gone, err := r.Pause(context.WithoutCancel(ctx))
	if err != nil {
		return c.fail(err)
	}
	defer resume()
	fmt.Fprintln(c.stderr, "updates paused at "+r.URL)
	if set.NArg() > 0 {
		return c.runPaused(ctx, set.Args())
	}
	select {
	case <-ctx.Done():
		return exitStopped
	case <-gone:
		return c.fail(errors.New("the server has stopped"))
	}
}

// runPaused runs the command and returns its exit code. A signal that ends ctx is passed on to the command.
func (c *command) runPaused(ctx context.Context, args []string) int {
	run := exec.CommandContext(ctx, args[0], args[1:]...)
	run.Stdin, run.Stdout, run.Stderr = c.stdin, c.stdout, c.stderr
	run.Cancel = func() error {
		if err := run.Process.Signal(os.Interrupt); err == nil || errors.Is(err, os.ErrProcessDone) {
			return err
		}
		return run.Process.Kill() // a system without signals
	}
	err := run.Run()
	if ended, ok := errors.AsType[*exec.ExitError](err); ok && ended.ExitCode() >= 0 {
		return ended.ExitCode()
	}
	if err != nil {
		return c.fail(fmt.Errorf("run %s: %w", args[0], err))
	}
	return exitStopped
}
