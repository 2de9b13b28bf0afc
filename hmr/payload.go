package hmr

import (
	"encoding/json"
	"fmt"
)

// Payload is one message from the server to a page. The types of this file are all there are.
type Payload interface{ payloadType() string }

// Encode writes a payload as the frame that pages get.
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
	// Client is the page's ID, Epoch the run of the server.
	Client string `json:"client"`
	Epoch  string `json:"epoch"`
	// Resumed tells that the session goes on, and Received how many of the page's frames the server has had of it.
	Resumed  bool   `json:"resumed"`
	Received uint64 `json:"received"`
	// Seq is the number of the last update.
	Seq uint64 `json:"seq"`
	// Identifies tells that the server knows users, so that the page shows its cookies again when they may have changed.
	Identifies bool `json:"identifies,omitempty"`
}

// Update carries the code of changed modules. Hub.Publish gives it its Seq.
type Update struct {
	Seq uint64 `json:"seq"`
	// Timestamp is in milliseconds since 1970.
	Timestamp int64 `json:"timestamp"`
	// Changed and Deleted are module IDs.
	Changed []string `json:"changed"`
	Deleted []string `json:"deleted,omitempty"`
	// CSS are the paths of linked stylesheets to load again.
	CSS []string `json:"css,omitempty"`
	// Workers are the entries of workers that run changed code: only a reload gives them the new one.
	Workers []string `json:"workers,omitempty"`
	// Code is what pages evaluate, and URL where it is a module, for pages that forbid to evaluate text.
	Code string `json:"code,omitempty"`
	URL  string `json:"url,omitempty"`
}

// FullReload makes pages reload: those at Path, or all when it is empty or "*".
type FullReload struct {
	Path string `json:"path,omitempty"`
	// TriggeredBy is the ID of the module or page that changed. Reason is shown to whoever asks why.
	TriggeredBy string `json:"triggeredBy,omitempty"`
	Reason      string `json:"reason,omitempty"`
}

// ErrorPayload shows an error in the overlay.
type ErrorPayload struct {
	Err ErrorInfo `json:"err"`
}

// ErrorInfo is an error as pages show it.
type ErrorInfo struct {
	Message string `json:"message"`
	Stack   string `json:"stack"`
	// ID is the module that has the error, Plugin who told it, Loc where it is; Frame shows the lines around that.
	ID     string `json:"id,omitempty"`
	Frame  string `json:"frame,omitempty"`
	Plugin string `json:"plugin,omitempty"`
	Loc    *Loc   `json:"loc,omitempty"`
	// File is the absolute path that the editor link opens.
	File string `json:"file,omitempty"`
	// Hint is what to do about it.
	Hint string `json:"hint,omitempty"`
}

// Loc is a place in a file; Line and Column count from 1.
type Loc struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// Fixed tells that no error is left.
type Fixed struct{}

// Custom is an event by name. Data is left out when it is nil.
type Custom struct {
	Event string          `json:"event"`
	Data  json.RawMessage `json:"data,omitempty"`
}

// Reply answers the request with the same ID, by Data or by Error.
type Reply struct {
	ID    uint64          `json:"id"`
	Data  json.RawMessage `json:"data,omitempty"`
	Error *Error          `json:"error,omitempty"`
}

// NeedRevisions asks the page for the revisions of what it runs.
type NeedRevisions struct{}

// Ack tells how many reliable frames have arrived.
type Ack struct {
	N uint64 `json:"n"`
}

func (*Connected) payloadType() string     { return "connected" }
func (*Update) payloadType() string        { return "update" }
func (*FullReload) payloadType() string    { return "full-reload" }
func (*ErrorPayload) payloadType() string  { return "error" }
func (*Fixed) payloadType() string         { return "fixed" }
func (*Custom) payloadType() string        { return "custom" }
func (*Reply) payloadType() string         { return "reply" }
func (*NeedRevisions) payloadType() string { return "need-revisions" }
func (*Ack) payloadType() string           { return "ack" }

// Error is what a handler returns to choose the code that the page sees. Other errors have the code "handler_error".
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	// Path is where in the payload the fault is, "a.b[2]".
	Path string `json:"path,omitempty"`
}

func (e *Error) Error() string {
	if e.Path != "" {
		return fmt.Sprintf("%s (at %s)", e.Message, e.Path)
	}
	return e.Message
}

// Report is what a page made of an update.
type Report struct {
	Seq uint64 `json:"seq"` // of the update
	// Kind is "updated", "failed", "reloaded" or "nothing"; Paths are the modules of which that is true.
	Kind   string   `json:"kind"`
	Paths  []string `json:"paths"`
	Reason string   `json:"reason"` // why it failed or reloaded
}

// Revisions is what a page runs: module IDs with their revisions, and its linked stylesheets.
type Revisions struct {
	Modules map[string]string `json:"modules"`
	CSS     []string          `json:"css"`
}

// incoming is any frame of a page.
type incoming struct {
	Type    string          `json:"type"`
	Event   string          `json:"event"`
	Data    json.RawMessage `json:"data"`
	ID      uint64          `json:"id"`
	N       uint64          `json:"n"`
	URL     string          `json:"url"`
	Channel string          `json:"channel"`
	Report
	Revisions
}
