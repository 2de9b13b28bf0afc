package steer

import (
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/journal"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/problems"
)

// errors returns the errors of the project, and those that pages did not catch.
func (c *Core) errors(ctx context.Context, a PageArgs) (Errors, error) {
	p := c.o.Project()
	out := Errors{Cursor: c.o.Journal.Cursor()}
	clients := c.o.Hub.Clients()
	if a.Page != "" {
		page, err := c.choose(ctx, a.Page)
		if err != nil {
			return out, err
		}
		clients = []*hmr.Client{page}
	}
	p.Edits.CatchUp()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	answers := c.askAll(ctx, clients, true)
	out.Errors = c.projectErrors(p, 200)
	for _, client := range clients {
		a, answered := answers[client]
		if !answered {
			continue
		}
		for _, e := range c.errorsOf(client.ID(), a, 0) {
			out.Errors = addError(out.Errors, e)
		}
	}
	return out, nil
}

// addError adds an error of a page to a list, unless it is there: then it is that page's, too. React's strict mode, a
// loop or a list of components bring an error many times.
func addError(list []Error, e Error) []Error {
	for i, other := range list {
		same := other.Kind == e.Kind && other.Text == e.Text && other.File == e.File && other.Line == e.Line
		if same && (e.File != "" || other.Module == e.Module) { // the parts of a component have its errors, too
			for _, page := range e.Pages {
				if !slices.Contains(other.Pages, page) {
					list[i].Pages = append(list[i].Pages, page)
				}
			}
			return list
		}
	}
	return append(list, e)
}

// projectErrors returns the errors of the project that have to be fixed, at most so many.
func (c *Core) projectErrors(p Project, most int) []Error {
	list := []Error{}
	for _, info := range p.Problems.Now() {
		if len(list) == most {
			break
		}
		list = addError(list, errorOf(p, info))
	}
	if text := c.pluginFailure(); text != "" && len(list) < most && !hasKind(list, "plugins") {
		list = append(list, Error{Kind: "plugins", Text: text})
	}
	return list
}

// pluginFailure returns why the newest program of the Go plugins does not run, "" when it runs. Pages do not get that.
func (c *Core) pluginFailure() (text string) {
	records, _, _ := c.o.Journal.Since(0, journal.KindPlugins, journal.KindEdit)
	for _, r := range records {
		switch {
		case r.Plugins != nil:
			text = r.Plugins.Error
		case r.Edit != nil && r.Edit.Why == journal.Restart: // they start anew, if there are any
			text = ""
		}
	}
	return text
}

// errorOf describes an error as tools get it.
func errorOf(p Project, info hmr.ErrorInfo) Error {
	e := Error{
		Kind: "compile", Text: info.Message, Frame: info.Frame, Hint: info.Hint, Plugin: info.Plugin, Module: info.Module, Stack: info.Stack,
	}
	switch {
	case info.Module != "":
	case info.Plugin == pluginhost.Folder:
		e.Kind = "plugins"
	case info.Loc != nil && strings.HasSuffix(info.ID, problems.ConfigID), info.Module == "" && info.ID == "":
		e.Kind = "config"
	}
	if info.Loc != nil {
		e.File, e.Line, e.Column = info.Loc.File, info.Loc.Line, info.Loc.Column
		if filepath.IsAbs(e.File) {
			e.File = p.Layout.Shown(e.File)
		}
	}
	return e
}

// errorsOf returns the errors of a page: those that it shows, and those that it did not catch since an update. Errors of
// code that was replaced since are history, which the console has.
func (c *Core) errorsOf(page string, a pageAnswer, since uint64) []Error {
	p, list := c.o.Project(), []Error{}
	known := p.Problems.Now()
	for _, info := range a.Errors {
		at := slices.IndexFunc(known, func(k hmr.ErrorInfo) bool {
			return k.Message == info.Message && k.Module == info.Module && k.ID == info.ID
		})
		if at >= 0 {
			info = known[at] // what the page got is what the project says
		}
		e := errorOf(p, info)
		e.Claimed = at < 0
		e.Pages = []string{page}
		list = addError(list, e)
	}
	if a.Failure != nil {
		e := errorOf(p, *a.Failure)
		e.Kind, e.Module, e.Pages, e.Claimed = "uncaught", a.Failure.ID, []string{page}, true
		e.Stack = p.Packs.Stack(a.Failure.Stack)
		e.File, e.Line = placeIn(e.Stack)
		list = addError(list, e)
	}
	for _, u := range a.Uncaught {
		if u.Seq >= max(since, a.Changed) {
			list = addError(list, c.uncaughtError(page, u))
		}
	}
	return list
}

// pageKinds are the kinds of errors that only pages have.
var pageKinds = []string{"uncaught", "rejection", "console", "event"}

func (c *Core) uncaughtError(page string, u uncaught) Error {
	packs := c.o.Project().Packs
	e := Error{Kind: "uncaught", Pages: []string{page}, Time: time.UnixMilli(u.Time)}
	if slices.Contains(pageKinds, u.Kind) { // a page cannot speak for the project
		e.Kind = u.Kind
	}
	text := packs.Stack(u.Text)
	e.Text, e.Stack, _ = strings.Cut(text, "\n")
	if u.URL != "" {
		e.File, e.Line = splitPlace(packs.Position(u.URL, u.Line, u.Column))
	}
	if e.File == "" || isOfPackage(e.File) { // the project's code called it
		if file, line := placeIn(e.Stack); line > 0 {
			e.File, e.Line = file, line
		}
	}
	return e
}

// uncaughtSince returns the errors that a page did not catch between two answers.
func (c *Core) uncaughtSince(page string, now, before pageAnswer) []Error {
	var list []Error
	known := map[uncaught]int{}
	for _, u := range before.Uncaught {
		known[u]++
	}
	for _, u := range now.Uncaught {
		if known[u]--; known[u] < 0 {
			list = addError(list, c.uncaughtError(page, u))
		}
	}
	return list
}

// placeIn returns the first place that a stack names in the project's own source, or else in that of a package. Places in
// scripts are no places in the source.
func placeIn(stack string) (file string, line int) {
	for text := range strings.Lines(stack) {
		text = strings.TrimSuffix(strings.TrimSpace(text), ")")
		text = text[strings.LastIndexAny(text, " (")+1:]
		if name, place, found := strings.Cut(text, "@"); found && !strings.Contains(name, "/") { // Firefox's form
			text = place
		}
		at, number := splitPlace(text)
		switch {
		case number == 0 || strings.Contains(at, "://") || strings.HasPrefix(at, "/@") || !strings.Contains(at, "."):
		case !isOfPackage(at):
			return at, number
		case line == 0:
			file, line = at, number
		}
	}
	return file, line
}

// isOfPackage reports whether a file, as places name it, is of an npm package.
func isOfPackage(file string) bool { return moduleid.IsDependency("/" + file) }

// splitPlace takes "src/App.tsx:12" or "src/App.tsx:12:3" apart. line is 0 when there is none.
func splitPlace(place string) (file string, line int) {
	parts := strings.Split(place, ":")
	for n := len(parts) - 1; n > 0 && n >= len(parts)-2; n-- {
		number, err := strconv.ParseUint(parts[n], 10, 31)
		if err != nil {
			break
		}
		file, line = strings.Join(parts[:n], ":"), int(number)
	}
	if file == "" {
		return place, 0
	}
	return file, line
}
