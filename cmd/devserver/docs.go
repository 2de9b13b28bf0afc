package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/seed-b8174343/devserver"
	"github.com/seed-b8174343/devserver/internal/guides"
	"github.com/seed-b8174343/devserver/internal/running"
	"github.com/seed-b8174343/devserver/internal/terminal"
)

const docsHelp = `devserver docs shows the guides of this version.

Usage:
  devserver docs                      open the guides in a browser; list the guides when the output is no terminal
  devserver docs <guide>              print a guide: as text in a terminal, as Markdown elsewhere
  devserver docs <guide>#<section>    print a section of a guide
  devserver docs search <words...>    list the sections with all words, or with most

A running server of the project shows its own guides. Without such a server, this command serves the guides until Ctrl-C.
BROWSER=none opens no browser.

Exit code: 0 done, 1 no such guide or nothing found, 2 wrong command line.
`

// docs runs `devserver docs`.
func (c *command) docs(ctx context.Context, args []string) int {
	set := pflag.NewFlagSet("devserver docs", pflag.ContinueOnError)
	set.Usage = func() {}
	set.SetInterspersed(first(args) != "search") // the words to search for may be flags
	help := set.BoolP("help", "h", false, "")
	if err := set.Parse(args); err != nil {
		return c.usageOf("devserver docs --help", "%v", explain(err, set))
	}
	if *help {
		fmt.Fprint(c.stdout, docsHelp)
		return exitStopped
	}
	site, err := guides.New(guides.Options{Files: devserver.Guides, Version: running.Version()})
	if err != nil {
		return c.fail(err)
	}
	searches := set.Arg(0) == "search"
	switch {
	case searches && set.NArg() == 1:
		return c.usageOf("devserver docs --help", "docs search: which words?")
	case searches:
		return c.searchDocs(site, strings.Join(set.Args()[1:], " "))
	case set.NArg() > 1:
		return c.usageOf("devserver docs --help", "docs takes one guide, not %d; to search: devserver docs search %s", set.NArg(), strings.Join(set.Args(), " "))
	case set.NArg() == 1:
		return c.printDoc(site, set.Arg(0))
	case c.interactive():
		return c.openDocs(ctx, site)
	default:
		return c.listDocs(site)
	}
}

func (c *command) paint() terminal.Paint {
	return terminal.Paint{On: terminal.ColorWanted(c.stdout, c.getenv)}
}

// listDocs prints the names of all guides, with what each guide is about.
func (c *command) listDocs(site *guides.Site) int {
	paint := c.paint()
	for _, p := range site.Pages() {
		about := p.Label
		if p.Summary != "" {
			about += ": " + p.Summary
		}
		fmt.Fprintf(c.stdout, "%s  %s\n", paint.Cyan(fmt.Sprintf("%-16s", p.Name)), about)
	}
	return exitStopped
}

// printDoc prints a guide or a section of it. Programs get the Markdown as it is.
func (c *command) printDoc(site *guides.Site, wanted string) int {
	name, section, _ := strings.Cut(wanted, "#")
	p := site.Page(name)
	if p == nil {
		return c.fail(fmt.Errorf("no guide %q%s; `devserver docs` shows all, `devserver docs search` finds words", name, meant(site.Nearest(name))))
	}
	text := p.Markdown
	if section != "" {
		var ok bool
		if text, ok = p.Section(section); !ok {
			return c.fail(fmt.Errorf("the guide %s has no section %q%s; `devserver docs search` finds words", p.Name, section, meant(p.NearestSections(section))))
		}
	}
	if terminal.IsTerminal(c.stdout) {
		// Long lines are hard to read, however wide the terminal is.
		text = guides.Text(text, min(terminal.Width(c.stdout), 100), c.paint())
	}
	if _, err := io.WriteString(c.stdout, text); err != nil {
		return c.fail(fmt.Errorf("print the guide: %w", err))
	}
	return exitStopped
}

// meant returns a question with the nearest names, "" without names.
func meant(nearest []string) string {
	if len(nearest) == 0 {
		return ""
	}
	return " (did you mean " + strings.Join(nearest, " or ") + "?)"
}

// searchDocs prints the sections with all words of the query, as arguments of `devserver docs`.
func (c *command) searchDocs(site *guides.Site, query string) int {
	const most = 10
	hits := site.Search(query, most)
	if len(hits) == 0 {
		return c.fail(fmt.Errorf("no section of the guides has the words %q; try fewer words, or their beginnings", query))
	}
	paint := c.paint()
	for _, h := range hits {
		place := h.Page.Name
		if h.Section != "" {
			place += "#" + h.Section
		}
		fmt.Fprintf(c.stdout, "%s  %s\n    ", paint.Cyan(place), paint.Bold(h.Title.String()))
		for i, part := range h.Snippet {
			if i%2 == 1 {
				part = paint.Bold(part)
			}
			fmt.Fprint(c.stdout, part)
		}
		fmt.Fprintln(c.stdout)
	}
	return exitStopped
}

// openDocs opens the guides of the project's running server in the browser. Without such a server it serves the guides
// itself until a signal.
func (c *command) openDocs(ctx context.Context, site *guides.Site) int {
	ctx, stop := untilSignal(ctx)
	defer stop()
	if r, err := findServer(ctx, "", 0); err == nil {
		c.browse(ctx, r.URL+strings.TrimPrefix(running.GuidesPath, "/"), "")
		return exitStopped
	}
	// The guides are public: checks of the host or of the origin would protect nothing.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return c.fail(fmt.Errorf("serve the guides: %w", err))
	}
	srv := &http.Server{
		ReadTimeout:    10 * time.Second, // no request needs a body
		IdleTimeout:    120 * time.Second,
		MaxHeaderBytes: 64 << 10,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			site.Serve(w, r, "/", strings.TrimPrefix(r.URL.Path, "/"))
		}),
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(listener) }()
	c.browse(ctx, "http://"+listener.Addr().String()+"/", " until you press Ctrl-C")
	select {
	case <-ctx.Done():
		_ = srv.Close() // nothing is lost
		<-ended
		return exitStopped
	case err := <-ended:
		return c.fail(fmt.Errorf("serve the guides: %w", err))
	}
}

// openerWait is how long browse waits for the program that opens the browser. Some of these programs run as long as the
// browser does.
const openerWait = 3 * time.Second

// browse prints the address of the guides and opens it in the user's browser.
func (c *command) browse(ctx context.Context, url, until string) {
	fmt.Fprintf(c.stdout, "the guides are at %s%s\n", c.paint().Cyan(url), until)
	opened := make(chan error, 1)
	go func() { opened <- runBrowser(c.getenv, url) }()
	select {
	case err := <-opened:
		if err != nil {
			fmt.Fprintf(c.stderr, "devserver: could not open a browser; open the address yourself: %v\n", err)
		}
	case <-time.After(openerWait):
	case <-ctx.Done():
	}
}
