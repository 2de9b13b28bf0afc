package pluginhost

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Folder is where a project keeps its plugins.
const Folder = "devserver"

// ErrNoGo tells that plugins cannot be built since Go is not installed.
var ErrNoGo = errors.New("the folder devserver/ holds plugins in Go, but Go is not installed (see https://go.dev/dl); the server runs without them")

// BuildError is what the Go compiler says of a project's plugins.
type BuildError struct {
	// File is absolute; Line and Column count from 1, 0 when unknown. Text is the first message, Output all of them.
	File         string
	Line, Column int
	Text, Output string
}

func (e *BuildError) Error() string { return e.Text }

// ProjectOptions configures a Project.
type ProjectOptions struct {
	// Dir is the folder with the plugins' go.mod; CacheDir keeps built programs.
	Dir, CacheDir string
	Backend       Backend
	Logger        *slog.Logger
	// Changed is called after a host came (old is nil the first time) or one crashed for good (now is nil).
	Changed func(old, now *Child)
	// Failed is told why there is no new host; the old one, if any, serves on.
	Failed func(error)
}

// Project builds and runs a project's plugins, and replaces them when their code changes.
type Project struct {
	o    ProjectOptions
	ctx  context.Context
	stop context.CancelFunc
	busy sync.WaitGroup

	building sync.Mutex
	mu       sync.Mutex
	current  *Child
	closed   bool
}

// Has tells whether the project has plugins in Go.
func Has(root string) bool {
	_, err := os.Stat(filepath.Join(root, Folder, "go.mod"))
	return err == nil
}

// NewProject returns a Project that runs nothing yet; see Reload.
func NewProject(o ProjectOptions) *Project {
	p := &Project{o: o}
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p
}

// Reload builds the plugins and puts the new program in the place of the running one: build, start, handshake, switch,
// drain, stop. Anything that goes wrong is told to Failed and leaves the running one alone.
func (p *Project) Reload() {
	p.building.Lock()
	defer p.building.Unlock()
	if p.ctx.Err() != nil {
		return
	}
	program, err := p.build()
	if err == nil {
		err = p.swap(program)
	}
	if err != nil && p.ctx.Err() == nil {
		p.o.Failed(err)
	}
}

// build compiles the program into the cache. Go's own cache makes a rebuild of what did not change quick.
func (p *Project) build() (string, error) {
	gobin, err := exec.LookPath("go")
	if err != nil {
		return "", ErrNoGo
	}
	if err := os.MkdirAll(p.o.CacheDir, 0o700); err != nil {
		return "", fmt.Errorf("build plugins: %w", err)
	}
	sum := sha256.Sum256([]byte(p.o.Dir + strconv.FormatInt(time.Now().UnixNano(), 36)))
	program := filepath.Join(p.o.CacheDir, "plugins-"+hex.EncodeToString(sum[:8]))
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	cmd := exec.CommandContext(p.ctx, gobin, "build", "-o", program, ".")
	cmd.Dir = p.o.Dir
	// A go.work above, or flags of the user's shell, are not about this module.
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return "", p.parse(out.String(), err)
	}
	return program, nil
}

var compilerLine = regexp.MustCompile(`(?m)^(?:\./)?([^\s:][^:\n]*\.go):(\d+):(?:(\d+):)? (.+)$`)

func (p *Project) parse(output string, err error) error {
	m := compilerLine.FindStringSubmatch(output)
	if m == nil {
		text := strings.TrimSpace(output)
		if text == "" {
			text = err.Error()
		}
		return &BuildError{File: filepath.Join(p.o.Dir, "go.mod"), Text: text, Output: output}
	}
	line, _ := strconv.Atoi(m[2])
	column, _ := strconv.Atoi(m[3])
	file := m[1]
	if !filepath.IsAbs(file) {
		file = filepath.Join(p.o.Dir, file)
	}
	return &BuildError{File: file, Line: line, Column: column, Text: m[4], Output: output}
}

// swap starts the program and hands over to it.
func (p *Project) swap(program string) error {
	cmd := exec.Command(program)
	cmd.Dir = p.o.Backend.Root()
	now, err := StartChild(p.ctx, "plugins", cmd, p.o.Backend, func(line string) { p.o.Logger.Info(line, "plugin", Folder) })
	_ = os.Remove(program) // it runs from memory now; where that is not possible the cache is cleaned at the next start
	if err != nil {
		return err
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return now.Close()
	}
	old := p.current
	p.current = now
	p.mu.Unlock()
	p.o.Changed(old, now)
	if old != nil {
		p.busy.Go(func() { _ = old.Close() })
	}
	p.busy.Go(func() { p.watch(now, time.Now()) })
	return nil
}

// watch starts the plugins again when they crash, with pauses that grow while they crash soon.
func (p *Project) watch(c *Child, since time.Time) {
	select {
	case <-c.Exited():
	case <-p.ctx.Done():
		return
	}
	p.mu.Lock()
	crashed := p.current == c && !p.closed
	if crashed {
		p.current = nil
	}
	p.mu.Unlock()
	if !crashed {
		return
	}
	p.o.Changed(c, nil)
	p.o.Failed(fmt.Errorf("the plugins crashed and are started again: %s", c.Why()))
	pause := time.Second
	if time.Since(since) < 5*time.Second {
		pause = 5 * time.Second
	}
	select {
	case <-time.After(pause):
		p.Reload()
	case <-p.ctx.Done():
	}
}

// Close stops the plugins.
func (p *Project) Close() error {
	p.stop()
	p.mu.Lock()
	p.closed = true
	c := p.current
	p.current = nil
	p.mu.Unlock()
	var err error
	if c != nil {
		err = c.Close()
	}
	p.busy.Wait()
	return err
}
