package pluginhost

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// ErrNoGo is the error when plugins cannot be built, because Go is not installed.
var ErrNoGo = errors.New("the folder devserver/ holds plugins in Go, but Go is not installed (see https://go.dev/dl); " +
	"the server runs without them")

// CrashError is the error of plugins that ended by themselves. They are then started again. If that fails, too, another
// error follows.
type CrashError struct{ Why string }

func (e *CrashError) Error() string { return "the plugins crashed: " + e.Why }

// ProjectOptions configures a Project.
type ProjectOptions struct {
	// Dir is the folder with the plugins' package main, see Find. CacheDir keeps built programs.
	Dir, CacheDir string
	Backend       Backend
	Logger        *slog.Logger
	// Changed is called after the program now has taken over from old. old is nil when no program ran, now is nil after
	// a crash.
	Changed func(old, now *Child)
	// Failed is called with the reason when there is no new program. The old program, if any, continues to serve. again
	// says that another start follows by itself.
	Failed func(why error, again bool)
	// SlowBuild is how long the first build may take before the terminal says why it takes long. Zero means 10 seconds.
	SlowBuild time.Duration
}

// Project builds and runs a project's plugins, and replaces them when their code has changed. Its methods are safe for
// concurrent use.
type Project struct {
	o    ProjectOptions
	ctx  context.Context
	stop context.CancelFunc
	busy sync.WaitGroup

	building sync.Mutex
	queued   atomic.Bool // a Reload waits for its turn, and will see everything that is written until then
	crashes  atomic.Int32
	retrying atomic.Int32 // calls of watch that start a crashed program again
	toldSlow sync.Once    // that the first build takes long

	sum [sha256.Size]byte // of the program that was started last; zero after a failure; guarded by building

	mu      sync.Mutex
	current *Child
	closed  bool
}

// NewProject returns a Project that runs nothing yet. Reload starts it.
func NewProject(o ProjectOptions) *Project {
	p := &Project{o: o}
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p
}

// Reload builds the plugins and replaces the running program: build, start, handshake, switch, drain, stop. When one of
// these fails, Failed is called and the running program stays. A call that comes while another call waits for its turn
// does nothing, since the other call will do the same.
func (p *Project) Reload() { _ = p.reload() } // Failed has the error

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
	slow := time.AfterFunc(cmp.Or(p.o.SlowBuild, 10*time.Second), p.tellSlow)
	program, err := p.build()
	slow.Stop()
	if err == nil {
		err = p.takeOver(program)
	}
	if err != nil {
		p.sum = [sha256.Size]byte{}
	}
	// When files were saved meanwhile, the next reload is about to build them. An error in half a save is not reported.
	if err != nil && p.ctx.Err() == nil && !p.queued.Load() {
		p.o.Failed(err, p.retrying.Load() > 0 && !errors.As(err, new(*BuildError)))
	}
	return err
}

// tellSlow prints why the first build takes long. A build with a running program is not the first.
func (p *Project) tellSlow() {
	if p.Running() {
		return
	}
	p.toldSlow.Do(func() {
		p.o.Logger.Info("still building the Go plugins: the first build compiles the packages that they need, which takes a " +
			"minute or two; later builds take seconds; events of pages wait meanwhile")
	})
}

// takeOver replaces the running program with this one, unless both are the same.
func (p *Project) takeOver(program string) error {
	text, err := os.ReadFile(program)
	if err != nil {
		return fmt.Errorf("start plugins: %w", err)
	}
	sum := sha256.Sum256(text)
	if p.Running() && sum == p.sum {
		p.o.Logger.Info("plugins unchanged")
		return nil
	}
	if err := p.swap(program); err != nil {
		return err
	}
	p.sum = sum
	return nil
}

// swap starts the program and switches to it.
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
	_ = os.Remove(name) // sweep removes it later on systems that do not remove a running program
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

// retire ends a child that was replaced. When the server stops meanwhile, retire does not wait any longer.
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
	// firstPause is the pause after a crash before the plugins are started again. Each further crash doubles it, up to
	// maxPause.
	firstPause = 500 * time.Millisecond
	maxPause   = 30 * time.Second
	// stable is how long plugins must have run for a crash to count as the first.
	stable = time.Minute
)

// watch starts the plugins again when they crash. The pauses before it grow while the plugins keep crashing.
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
	p.busy.Go(func() { _ = c.Close() }) // what it sent may still wait for pages
	p.retrying.Add(1)
	defer p.retrying.Add(-1)
	p.o.Changed(c, nil)
	ran := time.Since(since)
	var why error = &CrashError{Why: c.Why()}
	p.o.Failed(why, true)
	for why != nil {
		pause := p.pause(ran)
		ran = 0
		p.o.Logger.Warn("restarting the plugins", "in", pause, "plugin", Folder)
		select {
		case <-time.After(pause):
		case <-p.ctx.Done():
			return
		}
		if p.Running() {
			return // an edit has started them
		}
		if why = p.reload(); errors.As(why, new(*BuildError)) {
			return // only an edit can fix it
		}
	}
}

// Running reports whether a program serves. Its code may be older than the last edit.
func (p *Project) Running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current != nil
}

func (p *Project) pause(ran time.Duration) time.Duration {
	if ran > stable {
		p.crashes.Store(0)
	}
	return min(firstPause<<min(p.crashes.Add(1)-1, 10), maxPause)
}

// Close stops the plugins and waits until all programs have ended.
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
