package pluginhost

import (
	"bytes"
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

// BuildMessage is one thing that the Go compiler says.
type BuildMessage struct {
	// File is absolute; Line and Column count from 1, 0 when unknown.
	File         string
	Line, Column int
	Text         string
}

// BuildError is what the Go compiler says of a project's plugins: the first message, and All of them. Output is its own
// text.
type BuildError struct {
	BuildMessage
	All    []BuildMessage
	Output string
}

func (e *BuildError) Error() string { return e.Text }

// build compiles the program into the cache, under a name that stays: Go finds out by itself that nothing changed, and
// does not even link it then.
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
	// Symbols and the state of a repository are a third of the time; stack traces need neither.
	cmd := exec.CommandContext(p.ctx, gobin, "build", "-buildvcs=false", "-ldflags=-s -w", "-o", program, ".")
	cmd.Dir = p.o.Dir
	cmd.WaitDelay = time.Second
	// A go.work above, or flags of the user's shell, are not about this module.
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
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

// parse reads the places out of what `go build` printed.
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
		if len(e.All) > 0 && strings.HasPrefix(line, "\t") { // what the message above goes on with
			last := &e.All[len(e.All)-1]
			last.Text += "\n" + strings.TrimSpace(line)
		}
	}
	if len(e.All) == 0 {
		text := strings.TrimSpace(output)
		if text == "" {
			text = err.Error()
		}
		e.All = []BuildMessage{{File: filepath.Join(p.o.Dir, "go.mod"), Text: text}}
	}
	e.BuildMessage = e.All[0]
	return e
}

// runName gives the program another name to run by: the file that `go build` writes next must not be one that runs.
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

// sweep removes what could not be removed while it ran.
func sweep(dir string) {
	names, _ := filepath.Glob(filepath.Join(dir, runPrefix+"*")) // the pattern is fine
	for _, name := range names {
		nanos, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(name), runPrefix), exe()), 36, 64)
		if err == nil && time.Since(time.Unix(0, nanos)) > time.Minute { // a younger one may be about to start
			_ = os.Remove(name)
		}
	}
}
