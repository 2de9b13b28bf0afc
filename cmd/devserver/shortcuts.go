package main

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/pkg/browser"

	"github.com/seed-b8174343/devserver/internal/config"
	"github.com/seed-b8174343/devserver/internal/terminal"
	"github.com/seed-b8174343/devserver/server"
)

// shortcuts answers single letters followed by Enter, as Vite does. Lines, and not raw keys: the terminal stays in its
// usual mode, so Ctrl-C and Ctrl-Z work and nothing has to be put back when the process is killed.
type shortcuts struct {
	out     io.Writer
	paint   terminal.Paint
	urls    server.URLs
	cfg     *config.Config
	log     *slog.Logger
	getenv  func(string) string
	restart func(reason string) error
	pause   func(who string) (resume func())
	resume  func() // nil while edits do not wait for us
	stop    func()
}

// read answers until the input ends.
func (s *shortcuts) read(in io.Reader) {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		s.do(strings.TrimSpace(lines.Text()))
	}
}

func (s *shortcuts) do(key string) {
	switch key {
	case "r":
		if err := s.restart("r + Enter"); err != nil {
			s.log.Error("restart: " + err.Error())
		}
	case "p":
		if s.resume == nil {
			s.resume = s.pause("p + Enter; press it again to go on")
		} else {
			s.resume()
			s.resume = nil
		}
	case "u":
		fmt.Fprintln(s.out)
		printURLs(s.out, s.paint, s.urls, s.cfg)
		fmt.Fprintln(s.out)
	case "o":
		path := ""
		if s.cfg.Server.Open != nil {
			path = *s.cfg.Server.Open
		}
		openBrowser(s.log, s.getenv, openURL(s.urls, path))
	case "c":
		clearScreen(s.out)
	case "q":
		s.stop()
	case "h":
		s.help()
	}
}

func (s *shortcuts) help() {
	fmt.Fprintln(s.out, "\n  Shortcuts")
	for _, line := range [][2]string{
		{"r", "restart the server; pages stay connected"},
		{"p", "let edits wait, or go on"},
		{"u", "show the URLs"},
		{"o", "open a browser"},
		{"c", "clear the terminal"},
		{"q", "quit"},
	} {
		fmt.Fprintf(s.out, "  %s %s %s\n", s.paint.Dim("press"), s.paint.Bold(line[0]+" + Enter"), s.paint.Dim("to "+line[1]))
	}
	fmt.Fprintln(s.out)
}

// openBrowser shows a page in the user's browser. BROWSER=none keeps it from doing so.
func openBrowser(log *slog.Logger, getenv func(string) string, url string) {
	if getenv("BROWSER") == "none" || url == "" {
		return
	}
	browser.Stdout, browser.Stderr = io.Discard, io.Discard // what the opener says would come between the log's lines
	// Some openers run as long as the browser does; nothing waits for them.
	go func() {
		if err := browser.OpenURL(url); err != nil {
			log.Warn("open a browser", "url", url, "error", err)
		}
	}()
}
