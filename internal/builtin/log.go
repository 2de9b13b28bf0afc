package builtin

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/plugin"
)

// LogOptions configures Log.
type LogOptions struct {
	// File is the log file. Its folder is created. Only the user may read the file.
	File string
	// MaxSize is the size in bytes at which the file is rotated. No line is cut: a line longer than MaxSize gets a file
	// of its own.
	MaxSize int64
	// Keep is the number of old files that are kept, File.1 (the newest) to File.N.
	Keep int
	// Where finds positions of console lines.
	Where Locator
	// Passed is Hub.OnPassed.
	Passed func(fn func(hmr.Passed)) (off func())
}

// Line is a line of the log, see docs/events.md. A line leaves out the fields that it does not have.
type Line struct {
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
	// Called says that a program called the handlers in the page's place: nothing passed between them and the page.
	Called bool `json:"called,omitempty"`
}

// Log returns the plugin that writes events of both directions and console lines to a file.
func Log(o LogOptions) plugin.Plugin {
	lines := newLines()
	file := &rotating{name: o.File, maxSize: o.MaxSize, keep: o.Keep}
	done := make(chan struct{})
	started := false
	off := func() {}
	return plugin.Plugin{
		Name: "devserver:log",
		Start: func(_ context.Context, s plugin.Server) error {
			log, warned := s.Logger(), false
			go func() {
				defer close(done)
				_ = lines.write(o.Where, func(line []byte) error {
					if err := file.write(line); err != nil && !warned {
						warned = true // a full disk stays full
						log.Warn("events are not logged", "error", err)
					}
					return nil
				})
			}()
			started = true
			off = o.Passed(lines.passed)
			log.Info("events and console lines are written to " + o.File)
			return nil
		},
		Stop: func(context.Context) error {
			off()
			lines.close()
			if started {
				<-done
			}
			return file.close()
		},
	}
}

// Follow passes the lines of the log to write, one after the other and each with its line feed. It returns when ctx
// ends or write fails. passed is Hub.OnPassed.
func Follow(
	ctx context.Context, where Locator, passed func(fn func(hmr.Passed)) (off func()), write func(line []byte) error,
) error {
	lines := newLines()
	defer passed(lines.passed)()
	defer context.AfterFunc(ctx, lines.close)()
	return lines.write(where, write)
}

// maxQueued is the most bytes in the queue for a reader that is slower than the pages. Further lines are dropped and
// counted.
const maxQueued = 16 << 20

// lines is the queue between the hub and the writer: no event waits for a disk or a network.
type lines struct {
	wake chan struct{} // closed by close

	mu     sync.Mutex
	queue  []Line // guarded by mu
	size   int    // guarded by mu; bytes in the queue
	lost   int    // guarded by mu; lines dropped since the last take
	closed bool   // guarded by mu
}

func newLines() *lines { return &lines{wake: make(chan struct{}, 1)} }

// passed is called under the hub's locks, so it only queues.
func (l *lines) passed(p hmr.Passed) {
	e := Line{Type: p.Type, Event: p.Event, ID: p.ID, Data: p.Data, Error: p.Error, Called: p.Called}
	if p.Type == "custom" {
		e.Type = "event"
	}
	if p.FromPage {
		e.From = p.Page
	} else {
		e.To = p.Page
	}
	l.add(e)
}

func (l *lines) add(e Line) {
	e.Time = time.Now().UTC()
	size := len(e.Data) + len(e.Event) + 200
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	if l.size+size > maxQueued && l.size > 0 {
		l.lost++
		return
	}
	l.queue = append(l.queue, e)
	l.size += size
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// take empties the queue and returns its lines.
func (l *lines) take() []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.queue
	if l.lost > 0 {
		list = append(list, Line{Time: time.Now().UTC(), Type: "lost", Count: l.lost})
	}
	l.queue, l.size, l.lost = nil, 0, 0
	return list
}

// write passes the lines to the func write, until it fails or until close. After close it passes on the queued lines.
func (l *lines) write(where Locator, write func(line []byte) error) error {
	var line bytes.Buffer
	encode := json.NewEncoder(&line)
	encode.SetEscapeHTML(false) // people read the log
	for open := true; open; {
		_, open = <-l.wake
		for _, e := range l.take() {
			if e.Event == ConsoleEvent && e.From != "" && !e.console(where) {
				continue
			}
			line.Reset()
			if err := encode.Encode(e); err != nil {
				return err
			}
			if err := write(line.Bytes()); err != nil {
				return err
			}
		}
	}
	return nil
}

// console turns a console event into its console line. It returns false for an invalid event.
func (e *Line) console(where Locator) bool {
	in, err := hmr.Decode[ConsoleLine](ConsoleEvent, e.Data)
	if err != nil || len(e.Data) == 0 {
		return false
	}
	at, text := in.Located(where)
	*e = Line{Time: e.Time, Type: "console", From: e.From, Level: in.KnownLevel(), At: at, Text: text}
	return true
}

// close ends write after the queued lines. It may be called more than once.
func (l *lines) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		close(l.wake)
	}
}
