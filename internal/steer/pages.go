package steer

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/disk"
	"github.com/seed-b8174343/devserver/internal/journal"
)

// What the pages say of themselves, and which of them is meant.

// pageAnswer is what a page says of itself: the twin of PageAnswer in client/src/page/answers.ts.
type pageAnswer struct {
	Title    string          `json:"title"`
	URL      string          `json:"url"`
	Visible  bool            `json:"visible"`
	Focused  bool            `json:"focused"`
	Seq      uint64          `json:"seq"`
	Changed  uint64          `json:"changed"` // the newest update that changed what runs in the page
	Errors   []hmr.ErrorInfo `json:"errors"`
	Failure  *hmr.ErrorInfo  `json:"failure"` // of a module that failed when it ran in the page
	Uncaught []uncaught      `json:"uncaught"`
	Cause    *struct {
		Reason string `json:"reason"`
		Page   string `json:"page"`
	} `json:"cause"`
	// Reloading is why the page is about to reload, "" when it is not. AsksToReload says that it leaves that to its user.
	Reloading    string    `json:"reloading"`
	AsksToReload bool      `json:"asksToReload"`
	Handles      []Handled `json:"handles"`
	// Listens reports whether code of the page listens for the event that it was asked about.
	Listens bool `json:"listens"`
}

// Bounds of what a page says of itself: it is kept for each page, and each status has it.
const (
	mostHandles = 200
	mostErrors  = 50
	longestName = 1000
	longestText = 20_000
)

// bound cuts what is too long. A list that is cut says so in its last member.
func (a *pageAnswer) bound() {
	a.Title, a.URL, a.Reloading = shorten(a.Title, longestName), shorten(a.URL, longestName), shorten(a.Reloading, longestName)
	if n := len(a.Handles); n > mostHandles {
		a.Handles = append(a.Handles[:mostHandles:mostHandles], Handled{Event: fmt.Sprintf("(%d more)", n-mostHandles)})
	}
	for i := range a.Handles {
		h := &a.Handles[i]
		h.Event, h.Description = shorten(h.Event, longestName), shorten(h.Description, longestName)
	}
	if n := len(a.Errors); n > mostErrors {
		a.Errors = append(a.Errors[:mostErrors:mostErrors], hmr.ErrorInfo{Message: fmt.Sprintf("(%d more errors)", n-mostErrors)})
	}
	for i := range a.Errors {
		boundError(&a.Errors[i])
	}
	if a.Failure != nil {
		boundError(a.Failure)
	}
	if n := len(a.Uncaught); n > mostErrors { // the newest are last
		a.Uncaught = append([]uncaught{{Kind: "uncaught", Text: fmt.Sprintf("(%d older errors)", n-mostErrors)}}, a.Uncaught[n-mostErrors:]...)
	}
	for i := range a.Uncaught {
		u := &a.Uncaught[i]
		u.Text, u.URL = shorten(u.Text, longestText), shorten(u.URL, longestName)
	}
}

func boundError(e *hmr.ErrorInfo) {
	for _, text := range []*string{&e.Message, &e.Stack, &e.Frame, &e.Hint} {
		*text = shorten(*text, longestText)
	}
	for _, name := range []*string{&e.ID, &e.Module, &e.Plugin, &e.File} {
		*name = shorten(*name, longestName)
	}
	if e.Workers = nil; e.Loc != nil {
		e.Loc.File = shorten(e.Loc.File, longestName)
	}
}

// uncaught is an error that a page did not catch.
type uncaught struct {
	Kind   string `json:"kind"`
	Text   string `json:"text"`
	URL    string `json:"url"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Seq    uint64 `json:"seq"`
	Time   int64  `json:"time"`
}

// pages holds the last answer of each page.
type pages struct {
	mu    sync.Mutex
	known map[string]pageAnswer // by the page's ID; guarded by mu
}

func (p *pages) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.known, id)
}

// handles returns what the pages answer, by page.
func (p *pages) handles() map[string][]Handled {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[string][]Handled{}
	for id, a := range p.known {
		all[id] = a.Handles
	}
	return all
}

// ask sends one of the requests that every page answers.
func (c *Core) ask(ctx context.Context, page *hmr.Client, verb string, args, answer any) error {
	text, err := page.Request(ctx, internalPrefix+verb, args)
	if err != nil {
		return err
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return &hmr.Error{Code: "bad_answer", Message: fmt.Sprintf("page %s answered %s in another form: %v", page.ID(), verb, err)}
	}
	return nil
}

// askPage asks a page what it is. With settle the page answers when it has come to rest.
func (c *Core) askPage(ctx context.Context, page *hmr.Client, settle bool) (pageAnswer, error) {
	var a pageAnswer
	if err := c.ask(ctx, page, "page", map[string]bool{"settle": settle}, &a); err != nil {
		return a, err
	}
	a.bound()
	c.remember(page, a)
	return a, nil
}

// remember keeps the last answer of a page as long as the page is open.
func (c *Core) remember(page *hmr.Client, a pageAnswer) {
	c.pages.mu.Lock()
	c.pages.known[page.ID()] = a
	c.pages.mu.Unlock()
	if c.o.Hub.Client(page.ID()) == nil {
		c.pages.forget(page.ID()) // it closed meanwhile
	}
}

// askAll asks all pages at once, as long as ctx lasts. Pages that do not answer are left out.
func (c *Core) askAll(ctx context.Context, clients []*hmr.Client, settle bool) map[*hmr.Client]pageAnswer {
	var mu sync.Mutex
	var all sync.WaitGroup
	answers := map[*hmr.Client]pageAnswer{}
	for _, page := range clients {
		all.Go(func() {
			if a, err := c.askPage(ctx, page, settle); err == nil {
				mu.Lock()
				answers[page] = a
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return answers
}

// record has all pages send their consoles, those that are open and those that come.
func (c *Core) record() {
	c.o.Record()
	for _, page := range c.o.Hub.Clients() {
		go func() {
			ctx, cancel := context.WithTimeout(c.o.Context, 10*time.Second)
			defer cancel()
			_ = c.ask(ctx, page, "record", nil, nil) // a page that is gone or frozen has nothing to send
		}()
	}
}

// quick is how long status waits for pages that are known, and slow for others.
const (
	quick = 15 * time.Millisecond
	slow  = 500 * time.Millisecond
)

func (c *Core) status(ctx context.Context, _ None) (Status, error) {
	p := c.o.Project()
	s := Status{
		Project: projectName(p), Root: filepath.ToSlash(p.Layout.Dir), URL: p.URL, Version: c.o.Version,
		Cursor: c.o.Journal.Cursor(), Paused: c.o.Paused(), Pages: c.list(ctx), Errors: c.projectErrors(p, 20), Allowed: allowed(p.Agents),
	}
	if edits, _, _ := c.o.Journal.Since(0, journal.KindEdit); len(edits) > 0 {
		s.LastEdit = edits[len(edits)-1].Edit
	}
	return s, nil
}

func allowed(a config.Agents) []string {
	list := []string{}
	for _, one := range []struct {
		name string
		on   *bool
	}{{"act", a.Act}, {"evaluate", a.Evaluate}, {"users", a.Users}} {
		if config.IsOn(one.on) {
			list = append(list, one.name)
		}
	}
	return list
}

// projectName returns the name in package.json, or that of the folder.
func projectName(p Project) string {
	var about struct {
		Name string `json:"name"`
	}
	text, err := disk.ReadFile(filepath.Join(p.Layout.Dir, "package.json"))
	if err == nil && json.Unmarshal(text, &about) == nil && about.Name != "" {
		return about.Name
	}
	return filepath.Base(p.Layout.Dir)
}

// list describes the open pages. Those that do not answer in time are told as they answered last.
func (c *Core) list(ctx context.Context) []Page {
	clients := c.o.Hub.Clients()
	answers := c.askBriefly(ctx, clients)
	list := []Page{}
	for _, client := range clients {
		a, answered := answers[client]
		known := answered
		if !answered {
			c.pages.mu.Lock()
			a, known = c.pages.known[client.ID()]
			c.pages.mu.Unlock()
		}
		page := Page{
			ID: client.ID(), URL: client.URL(), User: client.User(), Browser: browserName(client.UserAgent()), Silent: !answered,
			Title: a.Title, Visible: a.Visible, Focused: a.Focused, Seq: a.Seq, Handles: a.Handles,
		}
		if known {
			page.URL = a.URL
			if e := c.errorsOf(client.ID(), a, 0); len(e) > 0 {
				page.Error = firstLine(e[len(e)-1].Text)
			}
		}
		list = append(list, page)
	}
	return list
}

// askBriefly asks the pages what they are. Pages that have answered before get little time, since their last answer is
// known. Others get more: they may be loading.
func (c *Core) askBriefly(ctx context.Context, clients []*hmr.Client) map[*hmr.Client]pageAnswer {
	var known, unknown []*hmr.Client
	c.pages.mu.Lock()
	for _, page := range clients {
		if _, ok := c.pages.known[page.ID()]; ok {
			known = append(known, page)
		} else {
			unknown = append(unknown, page)
		}
	}
	c.pages.mu.Unlock()
	ask := func(pages []*hmr.Client, limit time.Duration, settle bool) map[*hmr.Client]pageAnswer {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return c.askAll(ctx, pages, settle)
	}
	answers := ask(unknown, slow, true)
	for _, page := range unknown {
		if _, ok := answers[page]; !ok {
			c.remember(page, pageAnswer{URL: page.URL()}) // it is frozen, and not waited for again
		}
	}
	maps.Copy(answers, ask(known, quick, false))
	return answers
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// browserName returns "Chrome 156 on Linux" for a user agent, and "" for an unknown one.
func browserName(agent string) string {
	name := ""
	for _, known := range [][2]string{{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Version/", "Safari"}} {
		if _, after, found := strings.Cut(agent, known[0]); found {
			version, _, _ := strings.Cut(after, ".")
			name = known[1] + " " + version
			break
		}
	}
	for _, system := range [][2]string{{"Windows", "Windows"}, {"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"}} {
		if name != "" && strings.Contains(agent, system[0]) {
			return name + " on " + system[1]
		}
	}
	return name
}

// choose returns the page with the ID, or else the page that the user looks at, or looked at last.
func (c *Core) choose(ctx context.Context, id string) (*hmr.Client, error) {
	clients := c.o.Hub.Clients()
	if id != "" {
		for _, client := range clients {
			if client.ID() == id {
				return client, nil
			}
		}
		return nil, &hmr.Error{Code: "no_page", Message: fmt.Sprintf("no open page is %q; %s", id, openPages(clients))}
	}
	switch len(clients) {
	case 0:
		return nil, &hmr.Error{Code: "no_page", Message: "no page is open; open " + c.o.Project().URL + " in a browser"}
	case 1:
		return clients[0], nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*quick)
	defer cancel()
	answers := c.askAll(ctx, clients, false)
	best, bestRank := clients[len(clients)-1], 0 // the newest
	for _, client := range clients {
		a, answered := answers[client]
		rank := 0
		switch {
		case answered && a.Focused:
			rank = 3
		case answered && a.Visible:
			rank = 2
		case answered:
			rank = 1
		}
		if rank > 0 && rank >= bestRank {
			best, bestRank = client, rank
		}
	}
	return best, nil
}

// openPages lists the open pages, for the error about a page that does not exist.
func openPages(clients []*hmr.Client) string {
	if len(clients) == 0 {
		return "none is open"
	}
	const most = 10
	var list []string
	for i, client := range clients {
		if i == most {
			list = append(list, fmt.Sprintf("and %d more", len(clients)-most))
			break
		}
		one := client.ID() + " " + client.URL()
		if client.User() != "" {
			one += fmt.Sprintf(" (user %q)", client.User())
		}
		list = append(list, strings.TrimSpace(one))
	}
	return "open: " + strings.Join(list, ", ")
}
