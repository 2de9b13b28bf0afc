package builtin

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/plugin"
)

// LogOptions configures Log.
type LogOptions struct {
	// File is where the lines go; its folder is made. Only the user may read it.
	File string
	// MaxSize is the size in bytes at which the file is rotated, Keep how many old ones stay as File.1 (the newest) to
	// File.N. No line is cut: one that is longer than MaxSize has a file of its own.
	MaxSize int64
	Keep    int
	// Where finds positions of console lines.
	Where Locator
	// Passed is Hub.OnPassed.
	Passed func(fn func(hmr.Passed)) (off func())
}

// entry is a line of the log, see docs/events.md.
type entry struct {
	Time  time.Time       `json:"time"`
	Type  string          `json:"type"`
	From  string          `json:"from,omitempty"`
	To    string          `json:"to,omitempty"`
	Event string          `json:"event,omitempty"`
	ID    uint64          `json:"id,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
	Error *hmr.Error      `json:"error,omitempty"`
	Level string          `json:"level,omitempty"`
	At    string          `json:"at,omitempty"`
	Text  string          `json:"text,omitempty"`
	Count int             `json:"count,omitempty"`
}

// Log returns the plugin that writes events of both directions and console lines to a file.
func Log(o LogOptions) plugin.Plugin {
	w := &logWriter{file: rotating{name: o.File, maxSize: o.MaxSize, keep: o.Keep}, wake: make(chan struct{}, 1), done: make(chan struct{})}
	off := func() {}
	return plugin.Plugin{
		Name: "devserver:log",
		Start: func(_ context.Context, s plugin.Server) error {
			w.log = s.Logger()
			go w.run()
			off = o.Passed(w.passed)
			s.Logger().Info("events and console lines are written to " + o.File)
			return nil
		},
		Stop: func(context.Context) error {
			off()
			return w.close()
		},
		Events: []plugin.Event{plugin.On(ConsoleEvent, func(_ context.Context, c plugin.Client, in ConsoleLine) error {
			at, text := in.Located(o.Where)
			w.add(entry{Type: "console", From: c.ID(), Level: in.level(), At: at, Text: text})
			return nil
		})},
	}
}

// waitingBytes bounds what waits for a disk that is slower than the pages; what is beyond is counted.
const waitingBytes = 16 << 20

// logWriter hands lines to a goroutine of its own: no event waits for the disk. Run run; close ends it.
type logWriter struct {
	log  *slog.Logger
	file rotating
	wake chan struct{}
	done chan struct{}

	mu     sync.Mutex
	queue  []entry // guarded by mu, as are all below
	size   int
	lost   int
	closed bool
}

// passed is called under the hub's locks, so it only queues.
func (w *logWriter) passed(p hmr.Passed) {
	if p.Event == ConsoleEvent {
		return // its line has the position
	}
	e := entry{Type: p.Type, Event: p.Event, ID: p.ID, Data: p.Data, Error: p.Error}
	if p.Type == "custom" {
		e.Type = "event"
	}
	if p.FromPage {
		e.From = p.Page
	} else {
		e.To = p.Page
	}
	w.add(e)
}

func (w *logWriter) add(e entry) {
	e.Time = time.Now().UTC()
	size := len(e.Data) + len(e.Text) + len(e.Event) + 200
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	if w.size+size > waitingBytes && w.size > 0 {
		w.lost++
		return
	}
	w.queue = append(w.queue, e)
	w.size += size
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// take returns what waits.
func (w *logWriter) take() []entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.queue
	if w.lost > 0 {
		list = append(list, entry{Time: time.Now().UTC(), Type: "lost", Count: w.lost})
	}
	w.queue, w.size, w.lost = nil, 0, 0
	return list
}

func (w *logWriter) run() {
	defer close(w.done)
	told := false
	for range w.wake {
		for _, e := range w.take() {
			line, err := json.Marshal(e)
			if err == nil {
				err = w.file.write(append(line, '\n'))
			}
			if err != nil && !told {
				told = true // a full disk stays full
				w.log.Warn("events are not logged", "error", err)
			}
		}
	}
}

// close writes what waits and closes the file.
func (w *logWriter) close() error {
	w.mu.Lock()
	closed := w.closed
	if w.closed = true; !closed {
		select {
		case w.wake <- struct{}{}: // for what was added since
		default:
		}
		close(w.wake)
	}
	w.mu.Unlock()
	if w.log != nil { // it was started
		<-w.done
	}
	return w.file.close()
}
