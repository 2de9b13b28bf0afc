// Package journal holds what happened lately: edits and what each page did with them, errors, console lines, events,
// pages that came and went, and programs of plugins that were swapped.
//
// Each record has a cursor, which counts up over all kinds. Each kind has a bound of its own, so that a burst of events
// does not push out the last edits. A reader that comes back with its cursor learns whether records in between are gone.
package journal

import (
	"cmp"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
)

// Kind says which field of a [Record] is set.
type Kind string

// The kinds of records.
const (
	KindEdit    Kind = "edit"
	KindReport  Kind = "report"
	KindReload  Kind = "reload"
	KindErrors  Kind = "errors"
	KindConsole Kind = "console"
	KindEvent   Kind = "event"
	KindPage    Kind = "page"
	KindPlugins Kind = "plugins"
	KindTools   Kind = "tools" // the handlers that are tools changed; the record has no more
	KindNote    Kind = "note"
	KindAct     Kind = "act"
)

// Record is one thing that happened.
type Record struct {
	Cursor  uint64    `json:"cursor"`
	Time    time.Time `json:"time"`
	Kind    Kind      `json:"kind"`
	Edit    *Edit     `json:"edit,omitempty"`
	Report  *Report   `json:"report,omitempty"`
	Reload  *Reload   `json:"reload,omitempty"`
	Errors  *Errors   `json:"errors,omitempty"`
	Console *Console  `json:"console,omitempty"`
	Event   *Event    `json:"event,omitempty"`
	Page    *Page     `json:"page,omitempty"`
	Plugins *Plugins  `json:"plugins,omitempty"`
	Note    *Note     `json:"note,omitempty"`
	Act     *Act      `json:"act,omitempty"`
}

// Edit is one batch of changed files, and what the server made of it.
type Edit struct {
	// Seq is the number of the update that pages got, 0 when they got none.
	Seq uint64 `json:"seq"`
	// Files are the changed files. Paths are relative to the root; a file elsewhere has its whole path.
	Files []File `json:"files"`
	// Modules are the IDs of the modules in the update. Added are modules that came with it, Deleted those that are gone.
	// Styles and Assets are paths of stylesheets and other files that have no module.
	Modules []string `json:"modules,omitempty"`
	Added   []string `json:"added,omitempty"`
	Deleted []string `json:"deleted,omitempty"`
	Styles  []string `json:"styles,omitempty"`
	Assets  []string `json:"assets,omitempty"`
	// Broken are the modules that do not compile.
	Broken []string `json:"broken,omitempty"`
	// More is how many names of a very large edit the lists above leave out.
	More int `json:"more,omitempty"`
	// Why says what the edit led to instead of an update: Restart, PluginEdit, PageEdit, Same or Unused; "" for an update.
	Why string `json:"why,omitempty"`
	// Stages are the steps of the edit in order, and Took is their sum, in milliseconds.
	Stages []Stage `json:"stages,omitempty"`
	Took   float64 `json:"took"`
}

// What an edit may lead to instead of an update.
const (
	Restart    = "restart" // a file of the configuration was edited, and the project starts over
	PluginEdit = "plugins" // Go code of plugins was edited, and is built
	PageEdit   = "reload"  // an HTML file was edited, and its pages reload
	Same       = "same"    // the code is the same as before: types, comments, or a save without a change
	Unused     = "unused"  // no module is made of the files: source code that nothing imports
)

// File is a changed file of an Edit. Kind is "create", "update" or "delete".
type File struct {
	Kind string `json:"kind"`
	Path string `json:"path"`
}

// Stage is a step of an Edit: "compile", "rest", "crawl", "plugins", "send". Took is in milliseconds.
type Stage struct {
	Name string  `json:"name"`
	Took float64 `json:"took"`
}

// Report is what one page did with an update.
type Report struct {
	Page string `json:"page"`
	Seq  uint64 `json:"seq"`
	// Kind is "updated", "failed", "reloaded" or "nothing", see hmr.Report.
	Kind   string   `json:"kind"`
	Paths  []string `json:"paths,omitempty"`
	Reason string   `json:"reason,omitempty"`
	// Chain leads from the changed module to the module where the way up ended, for a reload that no module could spare.
	Chain []string `json:"chain,omitempty"`
	// Took is the time from the page's receipt of the update until it showed, in milliseconds.
	Took float64 `json:"took"`
}

// Reload is a reload that the server asked for, of all pages or of those that the reason names.
type Reload struct {
	Reason string `json:"reason"`
}

// Errors are the errors that the project has from now on; none when all are fixed.
type Errors struct {
	List []hmr.ErrorInfo `json:"list"`
}

// Console is a line of a page's console, or an uncaught error.
type Console struct {
	Page string `json:"page"`
	// Level is log, info, warn, error, debug, uncaught (an error) or rejection (of a promise).
	Level string `json:"level"`
	// At is the place in the source, such as "src/App.tsx:12".
	At   string `json:"at,omitempty"`
	Text string `json:"text"`
	// Count is how often the page wrote this line in a row, 0 for once.
	Count int `json:"count,omitempty"`
}

// Event is an event, a request or an answer between the server and a page.
type Event struct {
	Page     string `json:"page"`
	FromPage bool   `json:"fromPage"`
	// Type is "event", "request" or "reply".
	Type string `json:"type"`
	// Name is the event's name. A reply has the name of its request.
	Name string `json:"name"`
	ID   uint64 `json:"id,omitempty"`
	// Data is the payload; nil without one, or when it is too long to be kept. Size is its length in bytes.
	Data  json.RawMessage `json:"data,omitempty"`
	Size  int             `json:"size"`
	Error *hmr.Error      `json:"error,omitempty"`
}

// Page says that a page came, left or changed its user.
type Page struct {
	Page string `json:"page"`
	// What is "opened", "closed" or "identified".
	What string `json:"what"`
	URL  string `json:"url"`
	User string `json:"user"`
	// Was is the ID that an opened page had before its client reloaded it.
	Was string `json:"was,omitempty"`
}

// Plugins says that Go plugins were swapped, or could not be. Error is "" when they run.
type Plugins struct {
	Names []string `json:"names,omitempty"`
	Error string   `json:"error,omitempty"`
}

// Note is a line that the terminal got about the project as a whole, such as a restart or a pause.
type Note struct {
	Text string `json:"text"`
}

// Act is something that a tool did in a page.
type Act struct {
	Page string `json:"page"`
	Text string `json:"text"`
}

// bounds are how many records of each kind are kept, and how many bytes their texts may have.
var bounds = map[Kind]struct{ records, bytes int }{
	KindEdit:    {500, 1 << 20},
	KindReport:  {2000, 1 << 20},
	KindReload:  {200, 1 << 18},
	KindErrors:  {300, 2 << 20},
	KindConsole: {3000, 4 << 20},
	KindEvent:   {3000, 8 << 20},
	KindPage:    {500, 1 << 18},
	KindPlugins: {100, 1 << 18},
	KindTools:   {10, 1 << 18},
	KindNote:    {300, 1 << 18},
	KindAct:     {500, 1 << 18},
}

// Log is a bounded log. Use New; a nil Log takes records and keeps none. Its methods are safe for concurrent use.
type Log struct {
	mu    sync.Mutex
	last  uint64
	rings map[Kind]*ring
	wake  chan struct{} // closed by the next record; nil when nobody waits
}

// ring holds the newest records of a kind, the oldest first.
type ring struct {
	list    []Record
	bytes   int
	dropped uint64 // the cursor of the newest record that was dropped, 0 for none
}

// New returns an empty Log.
func New() *Log {
	l := &Log{rings: map[Kind]*ring{}}
	for kind := range bounds {
		l.rings[kind] = &ring{}
	}
	return l
}

// Add appends a record, sets its cursor and time, and returns the cursor.
func (l *Log) Add(r Record) uint64 {
	if l == nil {
		return 0
	}
	size := r.size()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	r.Cursor, r.Time = l.last, time.Now()
	l.rings[r.Kind].add(r, size)
	if l.wake != nil {
		close(l.wake)
		l.wake = nil
	}
	return l.last
}

func (g *ring) add(r Record, size int) {
	if n := len(g.list); n > 0 && r.Kind == KindConsole && g.list[n-1].Console.repeats(r.Console) {
		count := max(g.list[n-1].Console.Count, 1) + 1
		again := *r.Console
		again.Count = count
		r.Console = &again
		g.list[n-1] = r
		return
	}
	g.list = append(g.list, r)
	g.bytes += size
	limit := bounds[r.Kind]
	for len(g.list) > limit.records || g.bytes > limit.bytes && len(g.list) > 1 {
		g.dropped = g.list[0].Cursor
		g.bytes -= g.list[0].size()
		g.list[0] = Record{} // its texts are garbage now, though the array stays until it grows
		g.list = g.list[1:]
	}
}

func (c *Console) repeats(other *Console) bool {
	return c.Page == other.Page && c.Level == other.Level && c.At == other.At && c.Text == other.Text
}

// size returns about how many bytes of texts the record holds.
func (r Record) size() int {
	n := 100
	switch {
	case r.Edit != nil:
		for _, list := range [][]string{r.Edit.Modules, r.Edit.Added, r.Edit.Deleted, r.Edit.Styles, r.Edit.Assets, r.Edit.Broken} {
			n += sizeOf(list)
		}
		for _, f := range r.Edit.Files {
			n += len(f.Path) + 32
		}
		for _, s := range r.Edit.Stages {
			n += len(s.Name) + 24
		}
	case r.Report != nil:
		n += sizeOf(r.Report.Paths) + sizeOf(r.Report.Chain) + len(r.Report.Reason) + len(r.Report.Kind)
	case r.Errors != nil:
		for _, e := range r.Errors.List {
			n += len(e.Message) + len(e.Frame) + len(e.Stack) + len(e.Hint) + len(e.ID) + len(e.Module) + 100
		}
	case r.Console != nil:
		n += len(r.Console.Text) + len(r.Console.At)
	case r.Event != nil:
		n += len(r.Event.Data) + len(r.Event.Name)
		if e := r.Event.Error; e != nil {
			n += len(e.Code) + len(e.Message) + len(e.Path)
		}
	case r.Page != nil:
		n += len(r.Page.URL) + len(r.Page.User) + len(r.Page.Was)
	case r.Plugins != nil:
		n += sizeOf(r.Plugins.Names) + len(r.Plugins.Error)
	case r.Reload != nil:
		n += len(r.Reload.Reason)
	case r.Note != nil:
		n += len(r.Note.Text)
	case r.Act != nil:
		n += len(r.Act.Text)
	}
	return n
}

func sizeOf(list []string) (n int) {
	for _, s := range list {
		n += len(s) + 16
	}
	return n
}

// Cursor returns the cursor of the newest record, 0 for none.
func (l *Log) Cursor() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// Since returns the records after the cursor, in order: those of the kinds, or of all kinds when none is named. now is
// the cursor of the newest record of any kind. lost reports whether some of the wanted records are no longer kept. A
// cursor that is ahead is of an earlier run of the server: all records are after it, and lost is true.
func (l *Log) Since(cursor uint64, kinds ...Kind) (list []Record, now uint64, lost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if cursor > l.last {
		cursor, lost = 0, true
	}
	for kind, g := range l.rings {
		if len(kinds) > 0 && !slices.Contains(kinds, kind) {
			continue
		}
		lost = lost || g.dropped > cursor
		at, _ := slices.BinarySearchFunc(g.list, cursor+1, func(r Record, c uint64) int { return cmp.Compare(r.Cursor, c) })
		list = append(list, g.list[at:]...)
	}
	slices.SortFunc(list, func(a, b Record) int { return cmp.Compare(a.Cursor, b.Cursor) })
	return list, l.last, lost
}

// Next returns a channel that is closed when a record comes after the cursor; it is closed already when there is one.
func (l *Log) Next(cursor uint64) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last > cursor {
		done := make(chan struct{})
		close(done)
		return done
	}
	if l.wake == nil {
		l.wake = make(chan struct{})
	}
	return l.wake
}
