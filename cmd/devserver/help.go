package main

import (
	"fmt"
	"runtime/debug"
	"strings"
)

const helpText = `devserver serves a frontend project for development, with hot updates and your own events over one socket.

Usage:
  devserver [root] [flags]     serve the project in root (default: the current folder); also: devserver dev, devserver serve
  devserver init [root]        make a devserver/ folder for event handlers in Go
  devserver events tail|send   watch the events of the running server, or send one (devserver events help)
  devserver pause [-- command] let edits wait until it ends, so that many become one update (devserver pause --help)
  devserver version
  devserver help

Flags:
      --host [host]       address to listen at; without a value all of them, so that other machines can reach it
      --port <port>       port to listen at (default 5173, or the next that is free; 0 for any)
      --strictPort        stop when the port is in use
      --https             serve with TLS; makes a certificate unless the configuration names one
      --open [path]       open a browser at start
      --base <path>       path that the project is served below (default /)
      --cors              let pages of other origins read answers
  -m, --mode <mode>       mode, chooses .env.[mode] (default development)
  -c, --config <file>     configuration file (default devserver.config.json in root)
      --no-vite-config    do not read vite.config.*
      --no-plugins        do not build and run the project's devserver/ folder
      --force             forget results of earlier runs
      --poll              look for edits again and again, for file systems that send no events
  -l, --logLevel <level>  debug, info, warn, error or silent (default info)
      --clearScreen       clear the terminal at start (default true; --no-clearScreen)
  -v, --version
  -h, --help

In a terminal, press h and Enter for shortcuts. Exit code: 0 stopped, 1 failed, 2 wrong command line.
`

func (c *command) help() int {
	fmt.Fprint(c.stdout, helpText)
	return exitStopped
}

func (c *command) version() int {
	fmt.Fprintln(c.stdout, "devserver "+buildVersion())
	return exitStopped
}

// buildVersion is the module's version, or the commit that a source checkout is at.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" && info.Main.Path == modulePath {
		return strings.TrimPrefix(v, "v")
	}
	version := "0.0.0-dev"
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			version += "+" + s.Value[:12]
		}
	}
	return version
}
