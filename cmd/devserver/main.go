// Command devserver serves a frontend project for development.
//
//	devserver [root] [flags]
//
// `devserver help` lists the commands and flags. The exit code is 0 after a stop, 1 after a failure and 2 for a wrong
// command line.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	configfile "github.com/seed-b8174343/devserver/internal/config"
)

// Exit codes.
const (
	exitStopped = 0
	exitFailed  = 1
	exitUsage   = 2
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// command is one run of the program: its input and outputs, and its start time.
type command struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	began          time.Time
}

// run runs the whole command and returns the exit code. A signal or the end of ctx stops it.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := &command{stdin: stdin, stdout: stdout, stderr: stderr, getenv: os.Getenv, began: time.Now()}
	name := "dev"
	if len(args) > 0 && slices.Contains(commands, args[0]) {
		name, args = args[0], args[1:]
	}
	switch name {
	case "version":
		return c.version()
	case "help":
		return c.help()
	case "init":
		return c.init(args)
	case "docs":
		return c.docs(ctx, args)
	case "page":
		return c.page(ctx, args)
	case "mcp":
		return c.mcp(ctx, args)
	case "events":
		return c.events(ctx, args)
	case "pause":
		return c.pause(ctx, args)
	default:
		return c.dev(ctx, args)
	}
}

// commands are the first arguments that name a command and not a project's folder. A folder with such a name is
// written ./init.
var commands = []string{"dev", "serve", "init", "page", "events", "pause", "mcp", "docs", "version", "help"}

// usage reports a wrong command line.
func (c *command) usage(format string, args ...any) int {
	return c.usageOf("devserver help", format, args...)
}

// usageOf is usage for a command with its own help text.
func (c *command) usageOf(help, format string, args ...any) int {
	fmt.Fprintf(c.stderr, "devserver: "+format+"\n", args...)
	fmt.Fprintf(c.stderr, "`%s` lists commands and flags.\n", help)
	return exitUsage
}

// fail reports err, with a code frame for each mistake in the configuration.
func (c *command) fail(err error) int {
	mistakes := configfile.All(err)
	for _, m := range mistakes {
		fmt.Fprintf(c.stderr, "devserver: %v\n", m)
		if m.Frame != "" {
			fmt.Fprintf(c.stderr, "\n%s\n\n", m.Frame)
		}
	}
	if len(mistakes) == 0 {
		fmt.Fprintf(c.stderr, "devserver: %v\n", err)
	}
	return exitFailed
}
