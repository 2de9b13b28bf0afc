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
	"sync/atomic"
	"time"
)

// Folder is where a project keeps its plugins.
const Folder = "devserver"

// ErrNoGo tells that plugins cannot be built since Go is not installed.
var ErrNoGo = errors.New("the folder devserver/ holds plugins in Go, but Go is not installed (see https://go.dev/dl); the server runs without them")

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

// CrashError says that the plugins ended by themselves. They are being started again; when that fails, too, another error
// tells it.
type CrashError struct{ Why string }

func (e *CrashError) Error() string { return "the plugins crashed: " + e.Why }

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
	queued   atomic.Bool // a Reload waits for its turn; it will see all that is written until then
	crashes  atomic.Int32

	sum [sha256.Size]byte // of the program that was started last; guarded by building, zero when something failed since

	mu      sync.Mutex
	current *Child
	closed  bool
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
// drain, stop. Anything that goes wrong is told to Failed and leaves the running one alone. Calls that come while
// another one waits for its turn are one with it.
func (p *Project) Reload() { _ = p.reload() } // Failed was told

func (p *Project) reload() error {
	if !p.queued.CompareAndSwap(false, true) {
		return nil
	}
	p.building.Lock()
	defer p.building.Unlock()
	p.queued.Store(false)
	if p.ctx.Err() != nil {
		return p.ctx.Err()
	}
	program, err := p.build()
	if err == nil {
		err = p.takeOver(program)
	}
	if err != nil {
		p.sum = [sha256.Size]byte{}
	}
	// What failed while more was being saved is built again at once: a mistake in half a save is nobody's.
	if err != nil && p.ctx.Err() == nil && !p.queued.Load() {
		p.o.Failed(err)
	}
	return err
}

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

// takeOver puts the program in the place of the running one, unless that is the same.
func (p *Project) takeOver(program string) error {
	text, err := os.ReadFile(program)
	if err != nil {
		return fmt.Errorf("start plugins: %w", err)
	}
	sum := sha256.Sum256(text)
	if p.Running() && sum == p.sum {
		p.o.Logger.Info("the plugins are as they were")
		return nil
	}
	if err := p.swap(program); err != nil {
		return err
	}
	p.sum = sum
	return nil
}

// swap starts the program and hands over to it.
func (p *Project) swap(program string) error {
	name, err := runName(program)
	if err != nil {
		return err
	}
	cmd := exec.Command(name)
	cmd.Dir = p.o.Backend.Root()
	now, err := StartChild(p.ctx, "plugins", cmd, p.o.Backend, func(line string) { p.o.Logger.Info(line, "plugin", Folder) })
	_ = os.Remove(name) // where a program that runs cannot be removed, sweep does it later
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
	p.busy.Add(2) // before Close can wait
	p.mu.Unlock()
	p.o.Changed(old, now)
	go func() { defer p.busy.Done(); p.retire(old) }()
	go func() { defer p.busy.Done(); p.watch(now, time.Now()) }()
	return nil
}

// retire ends a child that was replaced, at once when the server stops meanwhile.
func (p *Project) retire(c *Child) {
	if c == nil {
		return
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = c.Retire() }()
	select {
	case <-done:
	case <-p.ctx.Done():
		_ = c.Close()
		<-done
	}
}

const (
	// firstPause is how long plugins that crashed rest before they are started again; each further crash doubles it.
	firstPause = 500 * time.Millisecond
	maxPause   = 30 * time.Second
	// settled is how long they must have run for a crash to count as the first.
	settled = time.Minute
)

// watch starts the plugins again when they crash, with pauses that grow while they keep crashing.
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
	ran := time.Since(since)
	var why error = &CrashError{Why: c.Why()}
	p.o.Failed(why)
	for why != nil {
		pause := p.pause(ran)
		ran = 0
		p.o.Logger.Warn("starting the plugins again", "in", pause, "plugin", Folder)
		select {
		case <-time.After(pause):
		case <-p.ctx.Done():
			return
		}
		if p.Running() {
			return // an edit was quicker
		}
		if why = p.reload(); errors.As(why, new(*BuildError)) {
			return // nothing to be gained before the next edit
		}
	}
}

// Running tells whether there is a program that serves, though it may be of code before the last edit.
func (p *Project) Running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current != nil
}

func (p *Project) pause(ran time.Duration) time.Duration {
	if ran > settled {
		p.crashes.Store(0)
	}
	return min(firstPause<<min(p.crashes.Add(1)-1, 10), maxPause)
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
