package pluginhost

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Folder is where a project keeps its plugins.
const Folder = "devserver"

// ErrNoGo tells that plugins cannot be built since Go is not installed.
var ErrNoGo = errors.New("the folder devserver/ holds plugins in Go, but Go is not installed (see https://go.dev/dl); the server runs without them")

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
	now, err := StartChild(p.ctx, ChildOptions{
		Name: "plugins", Cmd: cmd, Backend: p.o.Backend,
		Printed: func(line string) { p.o.Logger.Info(line, "plugin", Folder) },
	})
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
