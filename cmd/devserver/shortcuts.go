package main

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/pkg/browser"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/internal/running"
	"github.com/seed-b8174343/devserver/internal/terminal"
	"github.com/seed-b8174343/devserver/server"
)

// shortcuts runs commands of one letter and Enter, as Vite does. It reads lines and not raw keys. So the terminal stays
// in its usual mode: Ctrl-C and Ctrl-Z work, and a killed process leaves nothing to restore.
type shortcuts struct {
	out     io.Writer
	paint   terminal.Paint
	urls    server.URLs
	cfg     config.Config
	key     func() string // of the panel, for browsers on other devices
	log     *slog.Logger
	getenv  func(string) string
	restart func(reason string) error
	pause   func(who string) (resume func())
	resume  func() // ends the pause that p began; nil without one
	stop    func()
}

// read runs the commands of the input until it ends.
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
			s.resume = s.pause("p + Enter; press it again to resume")
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
	case "d":
		s.openPanel()
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
		{"p", "pause or resume updates"},
		{"u", "show the URLs"},
		{"o", "open a browser"},
		{"d", "open the panel: pages, updates, modules, events, errors"},
		{"c", "clear the terminal"},
		{"q", "quit"},
	} {
		fmt.Fprintf(s.out, "  %s %s %s\n", s.paint.Dim("press"), s.paint.Bold(line[0]+" + Enter"), s.paint.Dim("to "+line[1]))
	}
	fmt.Fprintf(s.out, "\n  ➜  %s %s\n\n", s.paint.Bold("Guides:"), s.paint.Cyan(openURL(s.urls, running.GuidesPath)))
}

// openPanel opens the panel in the user's browser. It prints the links for other devices, which have the key in them.
func (s *shortcuts) openPanel() {
	for _, u := range s.urls.Network {
		fmt.Fprintf(s.out, "  ➜  %s %s\n", s.paint.Bold("Panel on other devices:"), s.paint.Cyan(u+panelName+"#key="+s.key()))
	}
	if len(s.urls.Local) > 0 {
		openBrowser(s.log, s.getenv, s.urls.Local[0]+panelName)
	} else if len(s.urls.Network) > 0 {
		openBrowser(s.log, s.getenv, s.urls.Network[0]+panelName+"#key="+s.key())
	}
}

// openBrowser opens the URL in the user's browser. With BROWSER=none it does nothing.
func openBrowser(log *slog.Logger, getenv func(string) string, url string) {
	// Some openers run as long as the browser does; nothing waits for them.
	go func() {
		if err := runBrowser(getenv, url); err != nil {
			log.Warn("could not open a browser", "url", url, "error", err)
		}
	}()
}

// runBrowser is openBrowser that waits for the opener.
func runBrowser(getenv func(string) string, url string) error {
	if getenv("BROWSER") == "none" || url == "" {
		return nil
	}
	browser.Stdout, browser.Stderr = io.Discard, io.Discard // the opener's output would mix with the log's lines
	return browser.OpenURL(url)
}
