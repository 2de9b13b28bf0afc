package hmr

import (
	"encoding/json"
	"fmt"
)

// Payload is one message from the server to a page. Only the types of this file implement it.
type Payload interface{ payloadType() string }

// Encode returns the frame of a payload.
func Encode(p Payload) ([]byte, error) {
	body, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode %s payload: %w", p.payloadType(), err)
	}
	frame := append([]byte(`{"type":"`), p.payloadType()...)
	frame = append(frame, '"')
	if string(body) != "{}" {
		frame = append(frame, ',')
	}
	return append(frame, body[1:]...), nil
}

// Connected is the first frame of every connection.
type Connected struct {
	// Client is the page's ID. Epoch names the run of the server.
	Client string `json:"client"`
	Epoch  string `json:"epoch"`
	// Resumed says that the session continues. Received is how many of its frames the server received.
	Resumed  bool   `json:"resumed"`
	Received uint64 `json:"received"`
	// Seq is the number of the newest update.
	Seq uint64 `json:"seq"`
	// Waiting and WaitingBytes are how many of the frames received have handlers that have not returned, and their text.
	Waiting      uint64 `json:"waiting,omitempty"`
	WaitingBytes int    `json:"waitingBytes,omitempty"`
	// MaxMessage is how many bytes a message of the page may have.
	MaxMessage int64 `json:"maxMessage,omitempty"`
	// Lost says what the session before has lost, nil for nothing that the server knows of.
	Lost *Lost `json:"lost,omitempty"`
	// Identifies says that the server knows users. The page then sends its cookies again when they may have changed.
	Identifies bool `json:"identifies,omitempty"`
}

// Lost is a loss of messages to a page, whose session ended.
type Lost struct {
	// Messages is how many messages are known to be lost. There may be more when the page was away for long.
	Messages int    `json:"messages"`
	Reason   string `json:"reason"`
}

// Update carries the code of changed modules. [Hub.Publish] sets its Seq.
type Update struct {
	Seq uint64 `json:"seq"`
	// Timestamp is in milliseconds since 1970.
	Timestamp int64 `json:"timestamp"`
	// Changed and Deleted are module IDs.
	Changed []string `json:"changed"`
	Deleted []string `json:"deleted,omitempty"`
	// Again are those of Changed that pages run again even if their code is the same.
	Again []string `json:"again,omitempty"`
	// CSS are the paths of changed stylesheets that pages load by themselves, not by a module. Files are the paths of other
	// files without a module, and of folders of such files that were removed.
	CSS   []string `json:"css,omitempty"`
	Files []string `json:"files,omitempty"`
	// Workers maps the entry of each worker that runs changed code to a module of it that changed. Pages that use one of
	// the workers reload.
	Workers map[string]string `json:"workers,omitempty"`
	// Code is the text that pages evaluate. URL is the same code as a module, for pages that forbid eval.
	Code string `json:"code,omitempty"`
	URL  string `json:"url,omitempty"`
}

// FullReload reloads the pages at Path, or all pages when Path is "" or "*"; with Module only those that need that
// module or script. [Hub.Publish] sets its Seq.
type FullReload struct {
	// Seq counts FullReloads together with Updates, so that a page gets those of the time in which it was loaded.
	Seq  uint64 `json:"seq,omitempty"`
	Path string `json:"path,omitempty"`
	// Module is the ID of a module or script; "" for none.
	Module string `json:"module,omitempty"`
	// TriggeredBy is the ID of the module or page that changed. The page's console shows Reason.
	TriggeredBy string `json:"triggeredBy,omitempty"`
	Reason      string `json:"reason,omitempty"`
}

// ErrorPayload says which errors the project has: Err, and More after it. It replaces what an earlier ErrorPayload said.
// A page shows the first error that concerns it.
type ErrorPayload struct {
	Err  ErrorInfo   `json:"err"`
	More []ErrorInfo `json:"more,omitempty"`
}

// ErrorInfo is an error that pages show.
type ErrorInfo struct {
	Message string `json:"message"`
	// Stack is sent even if it is empty: listeners of "vite:error" expect a string.
	Stack string `json:"stack"`
	// ID is the module with the error, Plugin the plugin that reported it, Loc its place. Frame shows the lines around it.
	ID     string `json:"id,omitempty"`
	Frame  string `json:"frame,omitempty"`
	Plugin string `json:"plugin,omitempty"`
	Loc    *Loc   `json:"loc,omitempty"`
	// File is the absolute path that the editor link opens.
	File string `json:"file,omitempty"`
	// Hint says how to fix the error.
	Hint string `json:"hint,omitempty"`
	// Module is the module, script, stylesheet or page that could not be made. The error concerns the pages that need it,
	// or that start one of Workers. "" is an error that concerns all pages.
	Module string `json:"module,omitempty"`
	// Workers are the entries of workers that run Module.
	Workers []string `json:"workers,omitempty"`
}

// Loc is a place in a file; Line and Column count from 1.
type Loc struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// Fixed says that the project has no error any more.
type Fixed struct{}

// Custom is an event. The frame has no data when Data is nil.
type Custom struct {
	Event string          `json:"event"`
	Data  json.RawMessage `json:"data,omitempty"`
	// Retained says that a channel retains this message. The page gives it to listeners that come later, until it may
	// not listen any more or its user changes.
	Retained bool `json:"retained,omitempty"`
}

// Reply answers the request with the same ID, with Data or with an Error.
type Reply struct {
	ID    uint64          `json:"id"`
	Data  json.RawMessage `json:"data,omitempty"`
	Error *Error          `json:"error,omitempty"`
}

// Ask is a request to a page, which answers with a [Reply] of the same ID. [Client.Request] sends it.
type Ask struct {
	ID    uint64          `json:"id"`
	Event string          `json:"event"`
	Data  json.RawMessage `json:"data,omitempty"`
}

// Cancel says that nobody waits for the answer to the [Ask] with the same ID.
type Cancel struct {
	ID uint64 `json:"id"`
}

// NeedRevisions asks the page for its Revisions.
type NeedRevisions struct{}

// Ack confirms reliable frames. N is how many of the session have arrived. Waiting and WaitingBytes are as in
// [Connected].
type Ack struct {
	N            uint64 `json:"n"`
	Waiting      uint64 `json:"waiting,omitempty"`
	WaitingBytes int    `json:"waitingBytes,omitempty"`
}

func (*Connected) payloadType() string     { return "connected" }
func (*Update) payloadType() string        { return "update" }
func (*FullReload) payloadType() string    { return "full-reload" }
func (*ErrorPayload) payloadType() string  { return "error" }
func (*Fixed) payloadType() string         { return "fixed" }
func (*Custom) payloadType() string        { return "custom" }
func (*Reply) payloadType() string         { return "reply" }
func (*Ask) payloadType() string           { return "request" }
func (*Cancel) payloadType() string        { return "cancel" }
func (*NeedRevisions) payloadType() string { return "need-revisions" }
func (*Ack) payloadType() string           { return "ack" }

// Error is an error with a code for the page. Pages see other errors of handlers with the code "handler_error".
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	// Path is the part of the payload that is wrong, such as "a.b[2]".
	Path string `json:"path,omitempty"`
}

func (e *Error) Error() string {
	if e.Path != "" {
		return fmt.Sprintf("%s (at %s)", e.Message, e.Path)
	}
	return e.Message
}

// Report says how a page applied an update.
type Report struct {
	// Seq is the number of the update.
	Seq uint64 `json:"seq"`
	// Kind is "updated", "failed", "reloaded" or "nothing". Paths are the modules that it applies to.
	Kind  string   `json:"kind"`
	Paths []string `json:"paths"`
	// Reason says why the update failed or the page reloaded; "" for the other kinds.
	Reason string `json:"reason"`
	// Chain leads from the changed module up to where no module accepts it, for a reload with that reason.
	Chain []string `json:"chain"`
	// Took is the time since the page got the update, in milliseconds.
	Took float64 `json:"took"`
}

// Revisions says what a page runs.
type Revisions struct {
	// Modules maps the IDs of modules to their revisions. CSS has the paths of linked stylesheets.
	Modules map[string]string `json:"modules"`
	CSS     []string          `json:"css"`
	// Page is the ID of the HTML file that the page was made from, and PageRev the revision of that file. Both come also
	// with the first message of a session. Page is "" for a page without a file. PageRev is "" while there is no such file.
	Page    string `json:"page"`
	PageRev string `json:"pageRev"`
}

// incoming is any frame of a page: the twin of PagePayload in client/src/socket/payload.ts.
type incoming struct {
	Type    string          `json:"type"`
	Event   string          `json:"event"`
	Data    json.RawMessage `json:"data"`
	ID      uint64          `json:"id"`
	N       uint64          `json:"n"`
	URL     string          `json:"url"`
	Was     string          `json:"was"`
	Channel string          `json:"channel"`
	Error   *Error          `json:"error"`
	Report
	Revisions
}
