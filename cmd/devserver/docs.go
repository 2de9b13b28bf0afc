package main

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed-b8174343/devserver"
	"github.com/seed-b8174343/devserver/internal/nearest"
	"github.com/seed-b8174343/devserver/internal/terminal"
)

const docsHelp = `devserver docs prints the guides of this version.

Usage:
  devserver docs            list the guides
  devserver docs <guide>    print a guide, in Markdown

Exit code: 0 done, 1 no such guide, 2 wrong command line.
`

// guide is one of the embedded guides.
type guide struct{ name, title, text string }

// guides returns the guides, the README first.
func guides() ([]guide, error) {
	files, err := fs.Glob(devserver.Guides, "docs/*.md")
	if err != nil {
		return nil, err
	}
	var list []guide
	for _, file := range append([]string{"README.md"}, files...) {
		text, err := fs.ReadFile(devserver.Guides, file)
		if err != nil {
			return nil, err
		}
		name := strings.ToLower(strings.TrimSuffix(path.Base(file), ".md"))
		list = append(list, guide{name: name, title: title(string(text)), text: string(text)})
	}
	return list, nil
}

// title returns the first heading.
func title(text string) string {
	for line := range strings.Lines(text) {
		if heading, ok := strings.CutPrefix(line, "# "); ok {
			return strings.TrimSpace(heading)
		}
	}
	return ""
}

// docs runs `devserver docs`.
func (c *command) docs(args []string) int {
	set := pflag.NewFlagSet("devserver docs", pflag.ContinueOnError)
	set.Usage = func() {}
	help := set.BoolP("help", "h", false, "")
	if err := set.Parse(args); err != nil {
		return c.usageOf("devserver docs --help", "%v", explain(err, set))
	}
	if *help {
		fmt.Fprint(c.stdout, docsHelp)
		return exitStopped
	}
	if set.NArg() > 1 {
		return c.usageOf("devserver docs --help", "docs takes one guide, not %d", set.NArg())
	}
	list, err := guides()
	if err != nil {
		return c.fail(err)
	}
	paint := terminal.Paint{On: terminal.ColorWanted(c.stdout, c.getenv)}
	if set.NArg() == 0 {
		for _, g := range list {
			fmt.Fprintf(c.stdout, "%s  %s\n", paint.Cyan(fmt.Sprintf("%-16s", g.name)), g.title)
		}
		return exitStopped
	}
	wanted := strings.ToLower(strings.TrimSuffix(path.Base(set.Arg(0)), ".md"))
	var names []string
	for _, g := range list {
		if g.name == wanted {
			if _, err := io.WriteString(c.stdout, painted(g.text, paint)); err != nil {
				return c.fail(fmt.Errorf("print the guide: %w", err))
			}
			return exitStopped
		}
		names = append(names, g.name)
	}
	near := nearest.Order(wanted, names)
	return c.fail(fmt.Errorf("no guide %q; the nearest are %s (devserver docs lists all)", wanted, strings.Join(near[:min(len(near), 3)], ", ")))
}

// painted colours the headings of Markdown, and dims its code.
func painted(text string, paint terminal.Paint) string {
	if !paint.On {
		return text
	}
	var b strings.Builder
	code := false
	for line := range strings.Lines(text) {
		bare := strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(bare, "```"):
			code = !code
			bare = paint.Dim(bare)
		case code:
			bare = paint.Cyan(bare)
		case strings.HasPrefix(bare, "#"):
			bare = paint.Bold(bare)
		}
		b.WriteString(bare + "\n")
	}
	return b.String()
}
