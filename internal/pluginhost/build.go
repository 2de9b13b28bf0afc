package pluginhost

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// BuildMessage is one message of the Go compiler.
type BuildMessage struct {
	// File is absolute. Line and Column count from 1, and are 0 when they are not known.
	File         string
	Line, Column int
	Text         string
}

// BuildError is the error of a project's plugins that do not compile. It has the compiler's first message, All
// messages, and the compiler's Output.
type BuildError struct {
	BuildMessage
	All    []BuildMessage
	Output string
}

func (e *BuildError) Error() string { return e.Text }

// build compiles the program into the cache. The file's name stays the same: when nothing changed, Go finds that out by
// itself and does not even link.
func (p *Project) build() (string, error) {
	gobin, err := exec.LookPath("go")
	if err != nil {
		return "", ErrNoGo
	}
	if err := os.MkdirAll(p.o.CacheDir, 0o700); err != nil {
		return "", fmt.Errorf("build plugins: %w", err)
	}
	sum := sha256.Sum256([]byte(p.o.Dir))
	program := filepath.Join(p.o.CacheDir, "plugins-"+hex.EncodeToString(sum[:8])+exe())
	// Symbols and the state of the repository take a third of the time. Stack traces need neither.
	cmd := exec.CommandContext(p.ctx, gobin, "build", "-buildvcs=false", "-ldflags=-s -w", "-o", program, ".")
	cmd.Dir = p.o.Dir
	cmd.WaitDelay = time.Second
	if ModuleDir(p.o.Dir) == p.o.Dir {
		// A go.work in a folder above, and flags in the user's shell, are not meant for this module. The go.mod of a folder
		// above is the user's: it is built by the user's settings, and not changed.
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return "", p.parse(out.String(), err)
	}
	return program, nil
}

func exe() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

var compilerLine = regexp.MustCompile(`^(?:\./)?((?:[^\s:][^:]*)?(?:\.go|go\.mod)):(\d+):(?:(\d+):)? (.+)$`)

// parse reads the messages and places in the output of `go build`.
func (p *Project) parse(output string, err error) error {
	e := &BuildError{Output: output}
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\r\n")
		if m := compilerLine.FindStringSubmatch(line); m != nil {
			one := BuildMessage{File: m[1], Text: m[4]}
			one.Line, _ = strconv.Atoi(m[2])
			one.Column, _ = strconv.Atoi(m[3])
			if !filepath.IsAbs(one.File) {
				one.File = filepath.Join(p.o.Dir, one.File)
			}
			e.All = append(e.All, one)
			continue
		}
		if len(e.All) > 0 && strings.HasPrefix(line, "\t") { // the message above continues
			last := &e.All[len(e.All)-1]
			last.Text += "\n" + strings.TrimSpace(line)
		}
	}
	if len(e.All) == 0 {
		text := strings.TrimSpace(output)
		if text == "" {
			text = err.Error()
		}
		e.All = []BuildMessage{{File: filepath.Join(cmp.Or(ModuleDir(p.o.Dir), p.o.Dir), "go.mod"), Text: text}}
	}
	e.BuildMessage = e.All[0]
	return e
}

// runName gives the program another name to run by, since `go build` must not write to a file that runs.
func runName(program string) (string, error) {
	sweep(filepath.Dir(program))
	name := filepath.Join(filepath.Dir(program), runPrefix+strconv.FormatInt(time.Now().UnixNano(), 36)+exe())
	if err := os.Link(program, name); err == nil {
		return name, nil
	}
	text, err := os.ReadFile(program)
	if err != nil {
		return "", fmt.Errorf("start plugins: %w", err)
	}
	if err := os.WriteFile(name, text, 0o700); err != nil {
		return "", fmt.Errorf("start plugins: %w", err)
	}
	return name, nil
}

const runPrefix = "run-"

// sweep removes programs that could not be removed while they ran.
func sweep(dir string) {
	names, _ := filepath.Glob(filepath.Join(dir, runPrefix+"*")) // fails for a wrong pattern only
	for _, name := range names {
		when := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(name), runPrefix), exe())
		nanos, err := strconv.ParseInt(when, 36, 64)
		if err == nil && time.Since(time.Unix(0, nanos)) > time.Minute { // a younger program may be about to start
			_ = os.Remove(name)
		}
	}
}
