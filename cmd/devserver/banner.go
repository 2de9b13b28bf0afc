package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/internal/running"
	"github.com/seed-b8174343/devserver/internal/terminal"
	"github.com/seed-b8174343/devserver/server"
)

// banner prints the start message: the version, how long the start took, and the URLs.
func banner(w io.Writer, paint terminal.Paint, urls server.URLs, cfg config.Config, took time.Duration, shortcuts bool) {
	fmt.Fprintf(w, "\n  %s %s  %s\n\n", paint.Bold(paint.Green("devserver")), paint.Green(running.Version()), paint.Dim("ready in "+roundedTime(took)))
	printURLs(w, paint, urls, cfg)
	if shortcuts {
		fmt.Fprintf(w, "  %s\n", paint.Dim("➜  press h + Enter for shortcuts"))
	}
	if cfg.Server.Exposed() {
		fmt.Fprintf(w, "\n  %s %s\n", paint.Yellow("warning"), "anyone who can reach this machine over the network can read the project's source")
	}
	fmt.Fprintln(w)
}

func printURLs(w io.Writer, paint terminal.Paint, urls server.URLs, cfg config.Config) {
	for _, u := range urls.Local {
		fmt.Fprintf(w, "  ➜  %s   %s\n", paint.Bold("Local:"), paint.Cyan(u))
	}
	for _, u := range urls.Network {
		fmt.Fprintf(w, "  ➜  %s %s\n", paint.Bold("Network:"), paint.Cyan(u))
	}
	if !cfg.Server.Exposed() {
		fmt.Fprintf(w, "  %s\n", paint.Dim("➜  Network: use --host to expose"))
	}
	for _, u := range urls.Local[:min(len(urls.Local), 1)] {
		fmt.Fprintf(w, "  %s\n", paint.Dim("➜  Panel:   "+u+panelName))
	}
}

// panelName is the panel's path below the base.
var panelName = strings.TrimPrefix(running.PanelPath, "/")

func roundedTime(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Seconds()), ".0") + " s"
}

// clearScreen clears the visible screen. Earlier lines stay in the terminal's history.
func clearScreen(w io.Writer) { fmt.Fprint(w, "\x1b[2J\x1b[H") }
