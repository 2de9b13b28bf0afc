package pluginhost

import (
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"
)

// lastLines keeps the last lines that a program printed, for the message about its end.
type lastLines struct {
	mu    sync.Mutex
	lines []string
	at    time.Time // when the last was printed
	// panicked is set once lines begins with a panic.
	panicked bool
}

func (l *lastLines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if panics(line) {
		l.panicked, l.lines = true, nil
	}
	if !l.panicked && time.Since(l.at) > related {
		l.lines = nil
	}
	l.at = time.Now()
	l.lines = append(l.lines, line)
	switch {
	case len(l.lines) <= 20:
	case l.panicked: // the reason comes first
		l.lines = l.lines[:20]
	default:
		l.lines = l.lines[1:]
	}
}

// related is how long after a line the program may end, or print the next line, for the line to be a reason of the end.
const related = 10 * time.Second

// panics reports whether a line is the first that Go, or V8, prints before it ends a program.
func panics(line string) bool {
	return strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "FATAL ERROR: ")
}

func (l *lastLines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) == 0 || !l.panicked && time.Since(l.at) > related {
		return "it printed nothing"
	}
	if l.panicked { // the terminal has shown the stack
		for i, line := range l.lines[1:] {
			if place, ok := strings.CutPrefix(line, "\t"); ok && strings.HasPrefix(l.lines[i], "main.") {
				place, _, _ = strings.Cut(place, " +0x")
				return l.lines[0] + " (" + filepath.Base(place) + ")"
			}
		}
		return l.lines[0]
	}
	return strings.Join(l.lines, "\n")
}

// escapes are the sequences by which programs colour text and move the cursor.
var escapes = regexp.MustCompile(`\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])`)

// clean returns a printed line without escapes and control characters, which a terminal would obey.
func clean(line string) string {
	line = escapes.ReplaceAllString(line, "")
	return strings.TrimRightFunc(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' {
			return -1
		}
		return r
	}, line), unicode.IsSpace)
}
