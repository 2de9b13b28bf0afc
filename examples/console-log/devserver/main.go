// Command devserver writes what pages log into the file console.log, and shows each line in all pages.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-b8174343/devserver/plugin"
)

// Level says where a line comes from.
type Level string

// The levels of the console, and that of logged events.
const (
	Log   Level = "log"
	Info  Level = "info"
	Warn  Level = "warn"
	Error Level = "error"
	Debug Level = "debug"
	Event Level = "event"
)

// Line is what a page wrote to its console.
type Line struct {
	Level Level  `json:"level"`
	Text  string `json:"text"`
}

// Entry is a named event of the app, with any data.
type Entry struct {
	Name string          `json:"name"`
	Data json.RawMessage `json:"data"`
}

// fileInfo is what the page shows of the file.
type fileInfo struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
}

func main() {
	out := &logFile{}
	plugin.Main(plugin.Plugin{
		Name:  "console-log",
		Start: out.open,
		Stop:  func(context.Context) error { return out.file.Close() },
		Events: []plugin.Event{
			plugin.On("console:line", func(ctx context.Context, c plugin.Client, in Line) error {
				return out.write(c, in)
			}),
			plugin.On("log", func(ctx context.Context, c plugin.Client, in Entry) error {
				return out.write(c, Line{Event, in.Name + " " + string(in.Data)})
			}),
			plugin.Handle("console:file", func(ctx context.Context, c plugin.Client, in plugin.None) (fileInfo, error) {
				info, err := out.file.Stat()
				if err != nil {
					return fileInfo{}, err
				}
				return fileInfo{out.file.Name(), info.Size()}, nil
			}),
		},
	})
}

// logFile is the file that lines are appended to.
type logFile struct{ file *os.File }

func (l *logFile) open(_ context.Context, s plugin.Server) (err error) {
	// The file is opened for appending: while this program is replaced after an edit, two programs write to it.
	l.file, err = os.OpenFile(filepath.Join(s.Root(), "console.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	return err
}

// write appends a line and sends it to all pages. Pages call it at the same time. One Write for each line keeps lines
// whole.
func (l *logFile) write(c plugin.Client, in Line) error {
	text := format(time.Now(), c, in)
	if _, err := l.file.WriteString(text + "\n"); err != nil {
		return fmt.Errorf("write the log: %w", err)
	}
	return c.Broadcast("console:written", map[string]any{"level": in.Level, "text": text})
}

// format returns a line of the file. Further lines of a text are indented, so that each entry can be told from the next.
func format(at time.Time, c plugin.Client, in Line) string {
	text := strings.ReplaceAll(in.Text, "\n", "\n    ")
	return fmt.Sprintf("%s  %-5s  %s  %s", at.Format("15:04:05.000"), in.Level, c.ID(), text)
}
