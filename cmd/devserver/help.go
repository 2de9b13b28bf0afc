package main

import (
	"fmt"

	"github.com/seed-b8174343/devserver/internal/running"
)

const helpText = `devserver serves a frontend project for development, with hot updates and your own events over one socket.

Usage:
  devserver [root] [flags]     serve the project in root (default: the current folder); also: devserver dev, devserver serve
  devserver init [root]        create a devserver/ folder for event handlers in Go
  devserver init --example [name] [folder]
                               copy an example into a new folder; without a name: list the examples
  devserver init --agents [root]
                               write the files by which AI agents find devserver
  devserver page ...           look at the pages of the running server: errors, logs, snapshot, ... (devserver page help)
  devserver events tail|send|replay
                               watch, send or repeat the events of the running server (devserver events help)
  devserver pause [-- command] hold updates while a command runs, then apply them as one (devserver pause --help)
  devserver mcp                what page has, for AI agents on standard input and output (devserver mcp --help)
  devserver docs               open the guides in a browser; in a script: list the guides
  devserver docs <guide>       print a guide, or a section of it (devserver docs --help)
  devserver version
  devserver help

Flags:
      --host [host]       address to listen on; without a value: all addresses, so that other machines can connect
      --port <port>       port to listen on (default 5173, or the next free port; 0 for any free port)
      --strictPort        exit with an error when the port is in use
      --https             serve with TLS; creates a certificate unless the configuration names one
      --open [path]       open a browser at start
      --base <path>       URL path of the project (default /)
      --cors              let pages of other origins read responses
  -m, --mode <mode>       mode, selects the .env.[mode] files (default development)
  -c, --config <file>     configuration file (default devserver.config.json in root)
      --no-vite-config    do not read vite.config.*
      --no-plugins        do not build and run the project's devserver/ folder
      --force             ignore the cache of earlier runs
      --poll              check files for edits at intervals, for file systems that send no events
  -l, --logLevel <level>  debug, info, warn, error or silent (default info)
      --clearScreen       clear the terminal at start (default true; --no-clearScreen)
  -v, --version
  -h, --help

In a terminal, press h and Enter for shortcuts. A running server has the guides at /__devserver/docs/. Exit code: 0 stopped, 1 failed, 2 wrong command line.
`

func (c *command) help() int {
	fmt.Fprint(c.stdout, helpText)
	return exitStopped
}

func (c *command) version() int {
	fmt.Fprintln(c.stdout, "devserver "+running.Version())
	return exitStopped
}
