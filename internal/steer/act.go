package steer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/journal"
)

// What one page is asked to show and to do.

// answerTime is how long a page may take to describe itself or to act.
const answerTime = 10 * time.Second

// askOne asks one page for a verb. A page that does not answer may be frozen, or stand at a breakpoint.
func (c *Core) askOne(ctx context.Context, page *hmr.Client, verb string, args, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	err := c.ask(ctx, page, verb, args, answer)
	if own, ok := errors.AsType[*hmr.Error](err); ok && own.Code == "timeout" {
		return &hmr.Error{Code: "timeout", Message: fmt.Sprintf(
			"page %s did not answer within %v: its tab may be frozen, at a breakpoint, at a dialog such as alert(), or busy", page.ID(), answerTime)}
	}
	return err
}

func (c *Core) snapshot(ctx context.Context, a SnapshotArgs) (Snapshot, error) {
	page, err := c.choose(ctx, a.Page)
	if err != nil {
		return Snapshot{}, err
	}
	a.Max = bound(a.Max, 8000, 100_000)
	var s Snapshot
	err = c.askOne(ctx, page, VerbSnapshot, a, &s)
	s.Page = page.ID()
	return s, err
}

func (c *Core) inspect(ctx context.Context, a InspectArgs) (Inspected, error) {
	page, err := c.choose(ctx, a.Page)
	if err != nil {
		return Inspected{}, err
	}
	if (a.Ref == "") == (a.Selector == "") {
		return Inspected{}, badArgs(VerbInspect, "ref", "name the element by ref (from a snapshot) or by selector")
	}
	var s struct {
		Inspected
		At *struct {
			URL    string `json:"url"`
			Line   int    `json:"line"`
			Column int    `json:"column"`
		} `json:"sourcePosition"`
	}
	if err := c.askOne(ctx, page, VerbInspect, a, &s); err != nil {
		return Inspected{}, err
	}
	if s.Source == "" && s.At != nil {
		s.Source = c.o.Project().Packs.Position(s.At.URL, s.At.Line, s.At.Column)
	}
	s.Page = page.ID()
	return s.Inspected, nil
}

// mayChange returns an error when tools may not do this in the page: the configuration does not allow it, or the page
// belongs to a user who has signed in.
func (c *Core) mayChange(page *hmr.Client, option string, on *bool) error {
	agents := c.o.Project().Agents
	if !config.IsOn(on) {
		return &hmr.Error{Code: "not_allowed", Message: fmt.Sprintf(
			`%s is off; allow it by "agents": {"%s": true} in devserver.config.json`, option, option)}
	}
	return mayBe(page, agents)
}

// mayBe returns an error when the page has a user who has signed in, and tools may not act for users.
func mayBe(page *hmr.Client, agents config.Agents) error {
	if page.User() != "" && !config.IsOn(agents.Users) {
		return &hmr.Error{Code: "not_allowed", Message: fmt.Sprintf(
			`page %s belongs to user %q, and tools act only for guests; allow it by "agents": {"users": true} in devserver.config.json`,
			page.ID(), page.User())}
	}
	return nil
}

// did says in the terminal and in the journal what a tool did in a page.
func (c *Core) did(page *hmr.Client, text string) {
	text = shorten(text, 300) // the page has chosen its words
	c.o.Logger.Info("tool in page " + page.ID() + ": " + text)
	c.o.Journal.Add(journal.Record{Kind: journal.KindAct, Act: &journal.Act{Page: page.ID(), Text: text}})
}

var acts = []string{"click", "fill", "select", "press", "scroll", "navigate"}

func (c *Core) act(ctx context.Context, a ActArgs) (Acted, error) {
	if !slices.Contains(acts, a.Do) {
		return Acted{}, badArgs(VerbAct, "do", "do is %q; it may be %s", a.Do, strings.Join(acts, ", "))
	}
	page, err := c.choose(ctx, a.Page)
	if err != nil {
		return Acted{}, err
	}
	if err := c.mayChange(page, VerbAct, c.o.Project().Agents.Act); err != nil {
		c.did(page, "refused to "+a.Do)
		return Acted{}, err
	}
	before, _ := c.askPage(ctx, page, false) // a page that does not answer does not act either
	var done Acted
	if err := c.askOne(ctx, page, VerbAct, a, &done); err != nil {
		return Acted{}, err
	}
	c.did(page, done.Text)
	done.Page = page.ID()
	if after, err := c.askPage(ctx, page, true); err == nil { // a page that navigated is gone
		done.URL, done.Errors = after.URL, c.uncaughtSince(page.ID(), after, before)
	}
	return done, nil
}

func (c *Core) evaluate(ctx context.Context, a EvaluateArgs) (Evaluated, error) {
	if strings.TrimSpace(a.Expression) == "" {
		return Evaluated{}, badArgs(VerbEvaluate, "expression", "expression is empty")
	}
	page, err := c.choose(ctx, a.Page)
	if err != nil {
		return Evaluated{}, err
	}
	if err := c.mayChange(page, VerbEvaluate, c.o.Project().Agents.Evaluate); err != nil {
		return Evaluated{}, err
	}
	c.did(page, "evaluate "+shorten(a.Expression, 200))
	var e Evaluated
	err = c.askOne(ctx, page, VerbEvaluate, a, &e)
	e.Page = page.ID()
	e.Error = c.o.Project().Packs.Stack(e.Error)
	return e, err
}

// shorten cuts a text at a number of runes.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
