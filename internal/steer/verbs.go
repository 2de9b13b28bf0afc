// Package steer is what tools see of a running project, and what they can ask of its pages.
//
// A Core answers verbs. The panel, `devserver page` and the MCP server are three faces on it: each sends a verb with its
// arguments as JSON, and shows the answer. This file has the arguments and answers of all verbs.
package steer

import (
	"encoding/json"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/journal"
)

// The verbs of a Core. Each is answered at POST /__devserver/do/VERB.
const (
	VerbStatus   = "status"          // None -> Status
	VerbErrors   = "errors"          // PageArgs -> Errors
	VerbLogs     = "logs"            // LogsArgs -> Logs
	VerbWait     = "wait_for_update" // WaitArgs -> Update
	VerbSnapshot = "snapshot"        // SnapshotArgs -> Snapshot
	VerbInspect  = "inspect"         // InspectArgs -> Inspected
	VerbModule   = "module"          // ModuleArgs -> Module
	VerbAct      = "act"             // ActArgs -> Acted
	VerbEvents   = "events"          // EventsArgs -> Events
	VerbCall     = "call"            // CallArgs -> Called
	VerbPause    = "pause"           // PauseArgs -> Paused
	VerbResume   = "resume"          // None -> Paused
	VerbEvaluate = "evaluate"        // EvaluateArgs -> Evaluated

	// For the panel, and for programs that send events.
	VerbHistory = "history" // HistoryArgs -> History
	VerbModules = "modules" // ModulesArgs -> Modules
	VerbSend    = "send"    // SendArgs -> Sent
	VerbTools   = "tools"   // None -> Tools
	VerbOpen    = "open"    // OpenArgs -> None: opens a file in the developer's editor
)

// None is the argument or the answer of a verb that has none.
type None struct{}

// PageArgs choose a page.
type PageArgs struct {
	// Page is the ID of a page, such as "c3"; "" chooses the page that was looked at last.
	Page string `json:"page,omitempty" jsonschema:"page ID such as c3; default: the page looked at last"`
}

// Status says what runs.
type Status struct {
	Project string `json:"project"` // the name in package.json, or the folder's
	Root    string `json:"root"`
	URL     string `json:"url"`
	Version string `json:"version"`
	// Cursor is the place in the log of what happened. wait_for_update, logs and events continue from it.
	Cursor uint64 `json:"cursor"`
	Paused bool   `json:"paused"`
	Pages  []Page `json:"pages"`
	// Errors are the errors of the project that must be fixed, at most 20.
	Errors []Error `json:"errors"`
	// LastEdit is the newest edit; nil before the first.
	LastEdit *journal.Edit `json:"lastEdit,omitempty"`
	// Allowed names what the configuration allows: "act", "evaluate", "users".
	Allowed []string `json:"allowed"`
}

// Page is an open page.
type Page struct {
	ID      string `json:"id"`
	URL     string `json:"url"`
	Title   string `json:"title,omitempty"`
	Visible bool   `json:"visible"`
	Focused bool   `json:"focused,omitempty"`
	User    string `json:"user,omitempty"`
	Browser string `json:"browser,omitempty"`
	// Seq is the number of the newest update that the page has.
	Seq uint64 `json:"seq"`
	// Error is the error that the page shows, or the newest uncaught error since it was loaded; "" for none.
	Error string `json:"error,omitempty"`
	// Handles are the requests that modules of the page answer.
	Handles []Handled `json:"handles,omitempty"`
	// Silent says that the page did not answer in time. Title, Visible and Error are then those of its last answer.
	Silent bool `json:"silent,omitempty"`
}

// Handled is a request that a module of a page answers.
type Handled struct {
	Event       string `json:"event"`
	Description string `json:"description,omitempty"`
}

// Error is an error that must be fixed: of a module, of the configuration or the plugins, or uncaught in a page.
type Error struct {
	Text string `json:"text"`
	// File is relative to the root, Line and Column count from 1; File is "" and the others 0 when unknown.
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Frame  string `json:"frame,omitempty"`
	Hint   string `json:"hint,omitempty"`
	Plugin string `json:"plugin,omitempty"`
	Module string `json:"module,omitempty"`
	Stack  string `json:"stack,omitempty"`
	// Pages are the pages that have the error; none for an error of a module that no open page needs.
	Pages []string `json:"pages,omitempty"`
	// Kind is "compile", "config" or "plugins" for an error of the project. For an error of a page it is "uncaught",
	// "rejection", "console" (the app caught it and wrote it to the console), or "event" (a handler on the server failed).
	Kind string    `json:"kind"`
	Time time.Time `json:"time,omitzero"`
	// Claimed says that a page shows the error as one of the project, which does not have it (any more).
	Claimed bool `json:"claimed,omitempty"`
}

// Errors is the answer of errors. All errors of the project come first, then those uncaught in the page.
type Errors struct {
	Errors []Error `json:"errors"`
	Cursor uint64  `json:"cursor"`
}

// LogsArgs choose console lines.
type LogsArgs struct {
	Page  string `json:"page,omitempty" jsonschema:"page ID; default: all pages"`
	Since uint64 `json:"since,omitempty" jsonschema:"cursor of an earlier answer"`
	Level string `json:"level,omitempty" jsonschema:"error, warn, info, log or debug: the lowest level"`
	Match string `json:"match,omitempty" jsonschema:"only lines with this text"`
	Limit int    `json:"limit,omitempty" jsonschema:"default 50: the newest"`
	Wait  int    `json:"wait,omitempty" jsonschema:"milliseconds to wait for a line when there is none"`
}

// Logs is the answer of logs.
type Logs struct {
	Lines  []Line `json:"lines"`
	Cursor uint64 `json:"cursor"`
	// Left is how many older lines were left out; Lost says that the log no longer has all.
	Left int  `json:"left,omitempty"`
	Lost bool `json:"lost,omitempty"`
	// Why says why there can be no lines at all, for example that pages do not send their consoles.
	Why string `json:"why,omitempty"`
}

// Line is a console line with its place in the log.
type Line struct {
	Cursor uint64    `json:"cursor"`
	Time   time.Time `json:"time"`
	journal.Console
}

// WaitArgs choose the edits to wait for.
type WaitArgs struct {
	// Since is a cursor from before the edit. Without it, the newest edit counts, which may be done already.
	Since *uint64 `json:"since,omitempty" jsonschema:"cursor from before the edit; default: answer for the newest edit, at once when done"`
	Page  string  `json:"page,omitempty" jsonschema:"page ID; default: all open pages"`
	// Timeout is in milliseconds; 0 is 5000, at most 60000.
	Timeout int `json:"timeout,omitempty" jsonschema:"milliseconds, default 5000"`
}

// Update is the answer of wait_for_update: what became of the edits.
type Update struct {
	// Result is that of the worst page: "error", "failed", "reloading", "reloaded", "updated" or "nothing". Without an open
	// page it is "error" or "compiled". "none" says that there was no edit, and Why says what that may mean.
	Result string `json:"result"`
	Why    string `json:"why,omitempty"`
	// Edits are the edits that it is about, the newest last, at most 20.
	Edits []EditSummary `json:"edits,omitempty"`
	Pages []PageUpdate  `json:"pages"`
	// Errors are the errors that the project has now.
	Errors []Error `json:"errors,omitempty"`
	Cursor uint64  `json:"cursor"`
}

// EditSummary is an edit as wait_for_update tells it.
type EditSummary struct {
	Seq     uint64   `json:"seq,omitempty"`
	Files   []string `json:"files"`
	Modules []string `json:"modules,omitempty"`
	Broken  []string `json:"broken,omitempty"`
	Why     string   `json:"why,omitempty"`
	Took    float64  `json:"took"`
	// Ago is how many milliseconds ago the edit was made.
	Ago int64 `json:"ago"`
}

// PageUpdate is what a page did with edits.
type PageUpdate struct {
	Page string `json:"page"`
	URL  string `json:"url,omitempty"`
	// Result is "updated" (hot), "reloaded", "reloading" (not back in time), "failed" (the new code threw, the old code
	// runs), "error" (an error shows, or was not caught), "nothing" (the page does not run what changed), or "silent" (the
	// page did not answer: it may be frozen).
	Result string `json:"result"`
	// Modules are the modules that took the update. Reason says why the page reloaded or failed, and Chain leads from the
	// changed module up to where no module accepted it.
	Modules []string `json:"modules,omitempty"`
	Reason  string   `json:"reason,omitempty"`
	Chain   []string `json:"chain,omitempty"`
	// Errors are those that the page shows now, and those uncaught since the edit.
	Errors []Error `json:"errors,omitempty"`
	// Console are warnings and errors that the page without errors has written to its console since the edit, at most 3.
	Console []journal.Console `json:"console,omitempty"`
	// Was is the ID that the page had before it reloaded.
	Was  string  `json:"was,omitempty"`
	Took float64 `json:"took,omitempty"`
}

// SnapshotArgs choose what of a page is described.
type SnapshotArgs struct {
	PageArgs
	Selector string `json:"selector,omitempty" jsonschema:"CSS selector; only what is below its first match"`
	// Since is the ID of an earlier snapshot of the page: only what differs is told.
	Since string `json:"since,omitempty" jsonschema:"id of an earlier snapshot: tell only what changed"`
	// Max is the longest text in bytes; 0 is 8000, at most 100000.
	Max int `json:"max,omitempty" jsonschema:"bytes, default 8000"`
}

// Snapshot describes a page as a tree of roles, names, values and states. Each element has a short ID, such as "e12", by
// which inspect and act find it until it leaves the page.
type Snapshot struct {
	Page  string `json:"page"`
	ID    string `json:"id"`
	URL   string `json:"url"`
	Title string `json:"title"`
	Text  string `json:"text"`
	// Left is how many elements were left out because of Max.
	Left int `json:"left,omitempty"`
	// Unchanged says that nothing changed since the earlier snapshot. Whole says that the earlier one is not known any
	// more, so that this one is whole.
	Unchanged bool `json:"unchanged,omitempty"`
	Whole     bool `json:"whole,omitempty"`
}

// InspectArgs choose an element.
type InspectArgs struct {
	PageArgs
	Ref      string `json:"ref,omitempty" jsonschema:"element ID of a snapshot, such as e12"`
	Selector string `json:"selector,omitempty" jsonschema:"CSS selector, when there is no ref"`
	// Styles are further CSS properties.
	Styles []string `json:"styles,omitempty" jsonschema:"further CSS properties"`
}

// Inspected describes an element.
type Inspected struct {
	Page string `json:"page"`
	Ref  string `json:"ref"`
	Role string `json:"role,omitempty"`
	Name string `json:"name,omitempty"`
	HTML string `json:"html"` // its own tag and the beginning of what it holds
	// Box is x, y, width and height in CSS pixels of the viewport.
	Box [4]float64 `json:"box"`
	// Visible says that a user can see it. Hidden says why not.
	Visible bool              `json:"visible"`
	Hidden  string            `json:"hidden,omitempty"`
	Styles  map[string]string `json:"styles"`
	// Component, Props and Owners are of the framework that rendered it. Source is the place where, when that is known.
	Component string          `json:"component,omitempty"`
	Props     json.RawMessage `json:"props,omitempty"`
	Owners    []string        `json:"owners,omitempty"`
	Source    string          `json:"source,omitempty"`
}

// ModuleArgs choose a module.
type ModuleArgs struct {
	Module string `json:"module" jsonschema:"file or module ID, such as src/App.tsx"`
	// Code asks for the compiled code, too.
	Code bool `json:"code,omitempty" jsonschema:"with the compiled code"`
}

// Module describes a module.
type Module struct {
	ID   string `json:"id"`
	File string `json:"file,omitempty"`
	// Size is that of the compiled code in bytes.
	Size      int      `json:"size"`
	Rev       string   `json:"rev"`
	Importers []string `json:"importers"`
	Imports   []string `json:"imports"`
	// Lines are the lines of File that have the imports of Imports, as far as they are known.
	Lines map[string]int `json:"lines,omitempty"`
	// Unresolved are imports that lead nowhere.
	Unresolved []string `json:"unresolved,omitempty"`
	Inputs     []string `json:"inputs,omitempty"`  // further files that it was made from
	Plugins    []string `json:"plugins,omitempty"` // that made or changed it, in order
	Error      *Error   `json:"error,omitempty"`
	// Accepts says how pages that run the module take its update, by page.
	Accepts []Accepts `json:"accepts,omitempty"`
	// Reload is why the module reloaded a page last.
	Reload *journal.Report `json:"reload,omitempty"`
	Code   string          `json:"code,omitempty"`
}

// Accepts says how a page takes updates of a module.
type Accepts struct {
	Page string `json:"page"`
	Runs bool   `json:"runs"`
	// Self says that the module accepts itself, Deps which imports it accepts, Exports which exports.
	Self    bool     `json:"self,omitempty"`
	Deps    []string `json:"deps,omitempty"`
	Exports []string `json:"exports,omitempty"`
	// Boundaries are the modules that would take an update. Reload is why the page would reload instead.
	Boundaries []string `json:"boundaries,omitempty"`
	Reload     string   `json:"reload,omitempty"`
	Chain      []string `json:"chain,omitempty"`
}

// ActArgs say what to do in a page.
type ActArgs struct {
	PageArgs
	// Do is "click", "fill", "select", "press", "scroll" or "navigate".
	Do       string `json:"do" jsonschema:"click, fill, select, press, scroll or navigate"`
	Ref      string `json:"ref,omitempty" jsonschema:"element ID of a snapshot"`
	Selector string `json:"selector,omitempty" jsonschema:"CSS selector, when there is no ref"`
	// Value is the text to fill in, the option to select (its value or its text), the keys to press such as "Enter" or
	// "Control+a", the pixels to scroll by, or the path to navigate to.
	Value string `json:"value,omitempty" jsonschema:"text to fill, option to select, key to press, pixels to scroll, or path to navigate to"`
}

// Acted is the answer of act, once the page has come to rest.
type Acted struct {
	Page string `json:"page"`
	Text string `json:"text"` // what was done, such as `clicked button "Save"`
	URL  string `json:"url"`
	// Errors were not caught in the page meanwhile.
	Errors []Error `json:"errors,omitempty"`
}

// EventsArgs choose events.
type EventsArgs struct {
	Page  string `json:"page,omitempty" jsonschema:"page ID; default: all pages"`
	Name  string `json:"name,omitempty" jsonschema:"event name, * stands for any text"`
	Since uint64 `json:"since,omitempty" jsonschema:"cursor of an earlier answer"`
	Limit int    `json:"limit,omitempty" jsonschema:"default 50: the newest"`
	Wait  int    `json:"wait,omitempty" jsonschema:"milliseconds to wait for an event when there is none"`
}

// Events is the answer of events.
type Events struct {
	Events []PassedEvent `json:"events"`
	Cursor uint64        `json:"cursor"`
	Left   int           `json:"left,omitempty"`
	Lost   bool          `json:"lost,omitempty"`
	// Known are the names of events and requests that Go code or plugins handle.
	Known []string `json:"known,omitempty"`
}

// PassedEvent is an event with its place in the log.
type PassedEvent struct {
	Cursor uint64    `json:"cursor"`
	Time   time.Time `json:"time"`
	journal.Event
}

// CallArgs say what to send, and what to wait for.
type CallArgs struct {
	PageArgs
	Event string          `json:"event" jsonschema:"name of the event or request"`
	Data  json.RawMessage `json:"data,omitempty" jsonschema:"payload, any JSON"`
	// To is "server" (a handler of Go code or of a plugin, called as if the page had sent it), "page" (a request to the
	// page's handler), or "listeners" (an event to the page). "" chooses what has a handler of that name.
	To string `json:"to,omitempty" jsonschema:"server (handler in Go), page (hot.handle), or listeners (hot.on in the page); default: what has a handler"`
	// Await is an event to wait for, that passes in either direction.
	Await   string `json:"await,omitempty" jsonschema:"event to wait for afterwards"`
	Timeout int    `json:"timeout,omitempty" jsonschema:"milliseconds, default 5000"`
}

// Called is the answer of call.
type Called struct {
	Page   string          `json:"page,omitempty"`
	To     string          `json:"to"`
	Answer json.RawMessage `json:"answer,omitempty"`
	// Awaited is the event that was waited for.
	Awaited *PassedEvent `json:"awaited,omitempty"`
}

// PauseArgs say how long updates are held: a tool that dies leaves no pause behind.
type PauseArgs struct {
	Seconds int `json:"seconds,omitempty" jsonschema:"default 60, at most 600; resume ends it earlier"`
}

// Paused is the answer of pause and resume.
type Paused struct {
	Paused bool `json:"paused"`
	// Until is when the pause ends by itself.
	Until  time.Time `json:"until,omitzero"`
	Cursor uint64    `json:"cursor"` // for wait_for_update after resume
}

// EvaluateArgs is an expression to run in a page.
type EvaluateArgs struct {
	PageArgs
	Expression string `json:"expression" jsonschema:"JavaScript expression; a promise is awaited"`
}

// Evaluated is the value of the expression, as JSON where it can be that and as text otherwise.
type Evaluated struct {
	Page  string          `json:"page"`
	Value json.RawMessage `json:"value,omitempty"`
	Text  string          `json:"text,omitempty"`
	Error string          `json:"error,omitempty"`
}

// HistoryArgs choose records of the log.
type HistoryArgs struct {
	Since uint64         `json:"since,omitempty"`
	Kinds []journal.Kind `json:"kinds,omitempty"`
	Limit int            `json:"limit,omitempty"` // the newest; 0 is 1000
	Wait  int            `json:"wait,omitempty"`  // milliseconds to wait for a record when there is none, at most 25000
}

// History is the answer of history.
type History struct {
	Records []journal.Record `json:"records"`
	Cursor  uint64           `json:"cursor"`
	Lost    bool             `json:"lost,omitempty"`
}

// ModulesArgs search modules.
type ModulesArgs struct {
	Search string `json:"search,omitempty"` // text in the ID; "" lists all
	Limit  int    `json:"limit,omitempty"`  // 0 is 20000
}

// Modules lists modules without what they import.
type Modules struct {
	Modules []ModuleLine `json:"modules"`
	Total   int          `json:"total"`
}

// ModuleLine is a module in a list.
type ModuleLine struct {
	ID        string `json:"id"`
	Size      int    `json:"size"`
	Importers int    `json:"importers"`
	Imports   int    `json:"imports"`
	Broken    bool   `json:"broken,omitempty"`
	Package   bool   `json:"package,omitempty"` // of an npm package
}

// SendArgs is an event or a notification to pages.
type SendArgs struct {
	// To is "all", "page:ID", "user:NAME" or "any:ID or NAME".
	To           string            `json:"to"`
	Event        string            `json:"event,omitempty"`
	Data         json.RawMessage   `json:"data,omitempty"`
	Notification *hmr.Notification `json:"notification,omitempty"` // instead of an event
}

// Sent says how many pages got it.
type Sent struct {
	Sent int `json:"sent"`
}

// Tools are the handlers of the project that have a description.
type Tools struct {
	Tools []Tool `json:"tools"`
	// Rev changes with the list.
	Rev string `json:"rev"`
}

// Tool is a handler with a description.
type Tool struct {
	Event       string `json:"event"`
	Description string `json:"description"`
	// To is "server" or "page", as in CallArgs. Request says that it answers.
	To      string `json:"to"`
	Request bool   `json:"request"`
	// Input is the JSON Schema of the payload; nil when nothing is known.
	Input json.RawMessage `json:"input,omitempty"`
	// Page is the page that has the handler, for To "page".
	Page string `json:"page,omitempty"`
}

// OpenArgs is a place to open in the developer's editor: "src/App.tsx:12:3".
type OpenArgs struct {
	Place string `json:"place"`
}
