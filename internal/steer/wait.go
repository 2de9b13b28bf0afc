package steer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/journal"
)

// wait_for_update: what became of an edit, in every open page.
//
// The caller has written its files before it asks. So all known files are compared with what was read of them first,
// whether or not the system has reported the edit. Then each page is asked to settle: it answers when it has applied
// what was sent before, and has drawn. What it threw has been thrown by then.

const (
	// grace is how long an edit of a file that is not known yet may take to be reported by the system.
	grace = 60 * time.Millisecond
	// errorGrace is the grace for a project with errors: perhaps a file that was just created ends them.
	errorGrace = 500 * time.Millisecond
	// oneBurst is the longest time between edits that belong together, when the caller names no cursor.
	oneBurst = 2 * time.Second
	// settleTime is how long a page may take to come to rest. A page at a breakpoint never does.
	settleTime = 4 * time.Second
)

// ranks are the results, the best first. The result of an edit is that of the worst page.
var ranks = []string{"none", "nothing", "compiled", "updated", "reloaded", "silent", "reloading", "failed", "error"}

func worse(a, b string) string {
	if slices.Index(ranks, b) > slices.Index(ranks, a) {
		return b
	}
	return a
}

func (c *Core) wait(ctx context.Context, a WaitArgs) (Update, error) {
	if err := c.mayWaitFor(ctx, a.Page); err != nil {
		return Update{}, err
	}
	ctx, cancel := waiting(ctx, bound(a.Timeout, 5000, 60_000))
	defer cancel()
	if c.o.Paused() {
		return Update{Result: "none", Why: "updates are paused; resume them, then wait", Pages: []PageUpdate{}, Cursor: c.o.Journal.Cursor()}, nil
	}
	c.o.Project().Edits.CatchUp()
	edits := c.awaitEdits(ctx, a.Since)
	if len(edits) > 0 {
		c.answered.Store(edits[len(edits)-1].Cursor)
	}
	c.o.Settled(ctx)
	c.o.Project().Edits.Built(ctx)
	w := &waited{core: c, a: a, edits: edits, asked: map[string]bool{}, answers: map[string]pageAnswer{}}
	if len(edits) > 0 {
		w.from, w.seq = edits[0].Cursor, firstUpdate(edits)
		w.settle(ctx)
	}
	return w.update(), nil
}

// mayWaitFor returns an error for a page that is not open, unless it reloads or has reloaded.
func (c *Core) mayWaitFor(ctx context.Context, page string) error {
	if page == "" || c.successors()[page] != "" {
		return nil
	}
	_, err := c.choose(ctx, page)
	if err == nil {
		return nil
	}
	reports, _, _ := c.o.Journal.Since(0, journal.KindReport)
	if slices.ContainsFunc(reports, func(r journal.Record) bool { return r.Report.Page == page && r.Report.Kind == "reloaded" }) {
		return nil
	}
	return err
}

// successors maps pages that reloaded to the pages that they are now.
func (c *Core) successors() map[string]string {
	next := map[string]string{}
	records, _, _ := c.o.Journal.Since(0, journal.KindPage)
	for _, r := range records {
		if r.Page.Was != "" && r.Page.What == "opened" {
			next[r.Page.Was] = r.Page.Page
		}
	}
	return next
}

// awaitEdits returns the edits that the caller asks about: those after its cursor, or else the newest. It waits for
// the first, as long as ctx lasts.
func (c *Core) awaitEdits(ctx context.Context, since *uint64) []journal.Record {
	began := time.Now()
	for {
		var from uint64
		if since != nil {
			from = *since
		}
		list, now, _ := c.o.Journal.Since(from, journal.KindEdit)
		limit := time.Duration(-1)
		switch {
		case len(list) > 0 && since != nil:
			return list
		case len(list) > 0:
			limit = grace
		case len(c.o.Project().Problems.Now()) > 0:
			limit = errorGrace
		}
		left := time.Hour
		if limit >= 0 {
			if left = limit - time.Since(began); left <= 0 {
				return c.newestEdits(list)
			}
		}
		timer := time.NewTimer(left)
		select {
		case <-c.o.Journal.Next(now):
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return c.newestEdits(list)
		}
		timer.Stop()
	}
}

// newestEdits returns the newest edit, with those shortly before it that no answer was about.
func (c *Core) newestEdits(list []journal.Record) []journal.Record {
	answered := c.answered.Load()
	from := len(list) - 1
	for from > 0 && list[from-1].Cursor > answered && list[from].Time.Sub(list[from-1].Time) < oneBurst {
		from--
	}
	return list[max(from, 0):]
}

// firstUpdate returns the number of the first update that edits led to, 0 for none.
func firstUpdate(edits []journal.Record) uint64 {
	for _, r := range edits {
		if r.Edit.Seq > 0 {
			return r.Edit.Seq
		}
	}
	return 0
}

// waited is one wait_for_update.
type waited struct {
	core  *Core
	a     WaitArgs
	edits []journal.Record
	from  uint64 // cursor of the first edit
	seq   uint64 // number of the first update, 0 for none

	asked   map[string]bool       // pages that were asked
	answers map[string]pageAnswer // pages that came to rest
}

// settle waits until all pages have come to rest, those among them that reload.
func (w *waited) settle(ctx context.Context) {
	restarted := slices.ContainsFunc(w.edits, func(r journal.Record) bool { return r.Edit.Why == journal.Restart })
	for {
		now := w.core.o.Journal.Cursor()
		w.ask(ctx)
		if restarted { // the pages have sent what they run, and get what differs
			restarted = false
			select {
			case <-time.After(grace):
			case <-ctx.Done():
			}
			w.core.o.Project().Edits.CatchUp()
			clear(w.asked)
			continue
		}
		if !w.isReloading() {
			return
		}
		select {
		case <-w.core.o.Journal.Next(now):
		case <-ctx.Done():
			return
		}
	}
}

// ask asks the pages that were not asked before to settle.
func (w *waited) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	var fresh []*hmr.Client
	for _, client := range w.core.o.Hub.Clients() {
		if !w.asked[client.ID()] {
			w.asked[client.ID()] = true
			fresh = append(fresh, client)
		}
	}
	for client, answer := range w.core.askAll(ctx, fresh, true) {
		w.answers[client.ID()] = answer
	}
}

// reloads returns the pages that reload because of the edits, each with its report.
func (w *waited) reloads() map[string]*journal.Report {
	pages := map[string]*journal.Report{}
	for _, r := range w.reports() {
		if r.Kind == "reloaded" {
			pages[r.Page] = r
		}
	}
	for id, answer := range w.answers {
		if answer.Reloading != "" && pages[id] == nil {
			pages[id] = &journal.Report{Page: id, Kind: "reloaded", Reason: answer.Reloading}
		}
	}
	if asked, _, _ := w.core.o.Journal.Since(w.from, journal.KindReload); len(asked) > 0 {
		closed, _, _ := w.core.o.Journal.Since(w.from, journal.KindPage)
		for _, r := range closed { // pages follow a reload of the server without a report, and may leave before they are asked
			if id := r.Page.Page; r.Page.What == "closed" && pages[id] == nil {
				pages[id] = &journal.Report{Page: id, Kind: "reloaded", Reason: asked[0].Reload.Reason}
			}
		}
	}
	return pages
}

// isReloading reports whether a page reloads and is not back.
func (w *waited) isReloading() bool {
	next := w.core.successors()
	for id := range w.reloads() {
		if next[id] == "" && !w.answers[id].AsksToReload && w.wants(id) {
			return true
		}
	}
	return false
}

// reports returns what the pages did with the edits.
func (w *waited) reports() (list []*journal.Report) {
	records, _, _ := w.core.o.Journal.Since(0, journal.KindReport)
	for _, r := range records {
		if r.Cursor > w.from || w.seq > 0 && r.Report.Seq >= w.seq { // a page may be quicker than the record of its edit
			list = append(list, r.Report)
		}
	}
	return list
}

// wants reports whether the caller asks about a page, or about the page that it was before it reloaded.
func (w *waited) wants(page string) bool {
	if w.a.Page == "" || w.a.Page == page {
		return true
	}
	next := w.core.successors()
	at := w.a.Page
	for range next {
		if at = next[at]; at == page {
			return true
		}
	}
	return false
}

// update makes the answer.
func (w *waited) update() Update {
	c := w.core
	p := c.o.Project()
	u := Update{Result: "none", Pages: []PageUpdate{}, Errors: c.projectErrors(p, 20), Cursor: c.o.Journal.Cursor()}
	if len(w.edits) == 0 {
		u.Why = "no file of the project was changed, or its content is the same; a file that no page uses is no edit"
		if w.a.Since != nil && *w.a.Since > u.Cursor {
			u.Why = fmt.Sprintf("the cursor %d is of an earlier run of the server, and no file was changed in this one", *w.a.Since)
		}
		if len(u.Errors) > 0 {
			u.Result, u.Why = "error", "no file was changed, and the project has errors"
		}
		return u
	}
	for _, r := range told(w.edits, 20) {
		u.Edits = append(u.Edits, summaryOf(r))
	}
	u.Result = "compiled"
	reloads := w.reloads()
	for _, client := range c.o.Hub.Clients() {
		if id := client.ID(); w.wants(id) && (reloads[id] == nil || w.answers[id].AsksToReload) {
			u.Pages = append(u.Pages, w.pageUpdate(client, reloads))
		}
	}
	next := w.core.successors()
	for id, r := range reloads {
		if next[id] == "" && !w.answers[id].AsksToReload && w.wants(id) {
			u.Pages = append(u.Pages, PageUpdate{Page: id, Result: "reloading", Reason: r.Reason, Chain: r.Chain})
		}
	}
	slices.SortFunc(u.Pages, func(a, b PageUpdate) int { return cmp.Compare(a.Page, b.Page) })
	if len(u.Pages) > 0 {
		u.Result = "nothing"
	} else {
		u.Why = "no page is open; open " + p.URL + " to see the edit run"
	}
	for _, page := range u.Pages {
		u.Result = worse(u.Result, page.Result)
	}
	w.addOther(&u)
	w.addUnneeded(p, &u)
	if len(u.Errors) > 0 {
		u.Result = "error"
	}
	return u
}

// addUnneeded adds the errors that edits left in modules which no open page needs. Pages do not get them.
func (w *waited) addUnneeded(p Project, u *Update) {
	for _, r := range w.edits {
		for _, id := range r.Edit.Broken {
			v := p.Graph.Version(id)
			known := slices.ContainsFunc(u.Errors, func(e Error) bool { return e.Module == id })
			if v != nil && v.Err != nil && !known && len(u.Errors) < 20 {
				u.Errors = append(u.Errors, Error{Kind: "compile", Module: id, File: p.Layout.Shown(p.Compiler.File(id)), Text: v.Err.Error()})
			}
		}
	}
}

// unchanged says why an edit led to nothing.
var unchanged = map[string]string{
	journal.Same:   "the files compile to the same code as before (types, comments, or the same text), and pages run it already",
	journal.Unused: "no module imports the files, so pages do not run them",
}

// addOther adds what edits led to besides updates of pages.
func (w *waited) addOther(u *Update) {
	for _, r := range w.edits {
		switch r.Edit.Why {
		case journal.Restart:
			u.Result, u.Why = worse(u.Result, "updated"), "the configuration changed, and the server started over with it"
			if hasKind(u.Errors, "config") {
				u.Why = "the configuration changed, and it has an error"
			}
		case journal.Same, journal.Unused:
			if u.Result == "nothing" && !slices.ContainsFunc(w.edits, func(r journal.Record) bool { return unchanged[r.Edit.Why] == "" }) {
				u.Why = unchanged[r.Edit.Why]
			}
		case journal.PluginEdit:
			u.Result, u.Why = worse(u.Result, "updated"), "the Go plugins were built, and run"
		}
	}
	if errors, _, _ := w.core.o.Journal.Since(w.from, journal.KindErrors); u.Result == "nothing" && len(errors) > 0 && len(u.Errors) == 0 {
		u.Why = "the errors are fixed; pages run this code already, since they kept it while there were errors"
	}
	if hasKind(u.Errors, "plugins") {
		u.Why = "the Go plugins do not build or do not start; those from before keep running, if there were any"
	}
}

func hasKind(list []Error, kind string) bool {
	return slices.ContainsFunc(list, func(e Error) bool { return e.Kind == kind })
}

// pageUpdate says what an open page did with the edits.
func (w *waited) pageUpdate(client *hmr.Client, reloads map[string]*journal.Report) PageUpdate {
	id := client.ID()
	answer, rested := w.answers[id]
	page := PageUpdate{Page: id, URL: cmp.Or(answer.URL, client.URL()), Result: "nothing"}
	since := w.seq
	if since == 0 {
		since = ^uint64(0) // no update led to what the page did not catch
	}
	for _, r := range w.reports() {
		if r.Page != id {
			continue
		}
		switch r.Kind {
		case "updated":
			page.Result = worse(page.Result, "updated")
			page.Modules = append(page.Modules, r.Paths...)
		case "failed":
			page.Result, page.Reason = worse(page.Result, "failed"), r.Reason
			page.Modules = append(page.Modules, r.Paths...)
		case "reloaded":
			page.Result, page.Chain = "reloading", r.Chain
			page.Reason = "the page asks its user to reload: " + r.Reason
		}
		page.Took += r.Took
	}
	slices.Sort(page.Modules)
	page.Modules = slices.Compact(page.Modules)
	switch {
	case !rested:
		page.Result = "silent"
		page.Reason = "the page did not answer in time; its tab may be frozen, at a breakpoint, at a dialog such as alert(), or busy"
		return page
	case w.opened(id) && (answer.Cause != nil || page.Result == "nothing"):
		since = 0
		page.Result, page.Reason = "reloaded", "the page was loaded after the edit"
		if answer.Cause != nil {
			page.Reason = answer.Cause.Reason
			if w.core.successors()[answer.Cause.Page] == id {
				page.Was = answer.Cause.Page
			}
			if r := reloads[page.Was]; r != nil {
				page.Chain = r.Chain
			}
		}
	}
	page.Errors = w.core.errorsOf(id, answer, since)
	if len(page.Errors) > 0 {
		page.Result = "error"
		return page
	}
	page.Console = w.console(id)
	return page
}

// console returns the first warnings and errors that a page has written to its console since the edits. The client's
// own are told otherwise.
func (w *waited) console(page string) (lines []journal.Console) {
	const most, longest = 3, 300
	records, _, _ := w.core.o.Journal.Since(w.from, journal.KindConsole)
	for _, r := range records {
		l := *r.Console
		if l.Page != page || levels[l.Level] < levels["warn"] || strings.HasPrefix(l.Text, "[devserver]") {
			continue
		}
		l.Text = shorten(l.Text, longest)
		if len(lines) < most && !slices.ContainsFunc(lines, func(o journal.Console) bool { return o.Text == l.Text }) {
			lines = append(lines, l)
		}
	}
	return lines
}

// opened reports whether a page was opened after the edits.
func (w *waited) opened(page string) bool {
	records, _, _ := w.core.o.Journal.Since(w.from, journal.KindPage)
	return slices.ContainsFunc(records, func(r journal.Record) bool { return r.Page.Page == page && r.Page.What == "opened" })
}

// told returns the newest edits that an answer tells, the newest last. Files that nothing imports are told when there
// is nothing else: a branch that is checked out brings many.
func told(edits []journal.Record, most int) []journal.Record {
	used := slices.DeleteFunc(slices.Clone(edits), func(r journal.Record) bool { return r.Edit.Why == journal.Unused })
	if len(used) == 0 {
		used = edits
	}
	return used[max(0, len(used)-most):]
}

func summaryOf(r journal.Record) EditSummary {
	s := EditSummary{
		Seq: r.Edit.Seq, Files: []string{}, Modules: r.Edit.Modules, Broken: r.Edit.Broken, Why: r.Edit.Why, Took: r.Edit.Took,
		Ago: time.Since(r.Time).Milliseconds(),
	}
	for _, f := range r.Edit.Files[:min(len(r.Edit.Files), 20)] {
		s.Files = append(s.Files, f.Path)
	}
	s.Modules = s.Modules[:min(len(s.Modules), 20)]
	return s
}
