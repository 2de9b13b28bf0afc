package vite

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/internal/wire"
)

const (
	// firstDelay is how long Node stays down once it has ended. Each end after that doubles the time, up to longestDelay,
	// until a process has run for healthy.
	firstDelay   = 200 * time.Millisecond
	longestDelay = 10 * time.Second
	healthy      = 30 * time.Second
	// patience is the longest delay for which questions wait. Longer delays fail them at once.
	patience = time.Second
	// silence is how long Node may answer nothing at all, until the terminal names what it was asked. pinging is the part
	// of it in which Node may answer a ping.
	silence = 5 * time.Second
	pinging = time.Second
	// lastWords is how long Vite may take to close.
	lastWords = 500 * time.Millisecond
)

// process is a process of Node.
type process interface {
	Call(ctx context.Context, method string, params, result any) error
	Exited() <-chan struct{}
	Why() string
	Kill(why string)
}

// nodeChild is a process of package pluginhost.
type nodeChild struct {
	*pluginhost.Child
	node *pluginhost.Node
}

func (p nodeChild) Call(ctx context.Context, method string, params, result any) error {
	return p.node.CallOf(ctx, p.Child, method, params, result)
}

// life is the life of Node: it starts when somebody asks for a process, and starts again whenever a process has ended.
type life struct {
	start func(context.Context) (process, error)

	mu      sync.Mutex
	begun   bool          // somebody has asked
	now     process       // nil while none runs
	changed chan struct{} // closed with the next change of now, down or why
	ended   int           // processes that have ended in a row, or did not start; of live alone
	down    time.Duration // how long no process will be started; 0 while one is starting or runs
	why     error         // why the last process ended, or did not start
}

// ErrDown is the error of a question while Vite does not run, and will not run soon. The question is asked again then.
var ErrDown = errors.New("vite is down")

// downError is an ErrDown with the reason, for people.
type downError struct{ why *wire.Error }

func (e downError) Error() string        { return e.why.Error() }
func (e downError) Is(target error) bool { return target == ErrDown }
func (e downError) Unwrap() error        { return e.why }

// process returns the running process, and waits for it when one is about to run.
func (h *Host) process(ctx context.Context) (process, error) {
	l := &h.life
	for {
		l.mu.Lock()
		if !l.begun {
			l.begun = true
			h.tasks.Go(h.live)
		}
		now, down, changed, why := l.now, l.down, l.changed, l.why
		l.mu.Unlock()
		switch {
		case now != nil:
			return now, nil
		case h.o.Context.Err() != nil:
			return nil, h.o.Context.Err()
		case down > patience:
			return nil, downError{&wire.Error{
				Message: "Vite's plugins do not run at the moment: " + why.Error(),
				Hint:    "devserver keeps starting them again; what waits for them is made then. An edit of the vite.config starts them at once",
			}}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-h.o.Context.Done():
		}
	}
}

// live keeps a process running until the project ends.
func (h *Host) live() {
	ctx, l := h.o.Context, &h.life
	for ctx.Err() == nil {
		began := time.Now()
		p, err := l.start(ctx)
		if err == nil {
			h.receive(p)
			l.set(p, 0, nil)
			h.started()
			select {
			case <-p.Exited():
				err = errors.New(p.Why())
			case <-ctx.Done():
				return
			}
			h.lost()
		}
		if ctx.Err() != nil {
			break
		}
		if time.Since(began) >= healthy {
			l.ended = 0
		}
		delay := min(firstDelay<<min(l.ended, 10), longestDelay)
		l.ended++
		h.o.Logger.Warn("Vite's plugins ended in Node and are started again in "+delay.String()+"; pages stay as they are",
			"why", err, "hint", "if it goes on, take out the plugin that is named, or see what it printed")
		l.set(nil, delay, err)
		select {
		case <-h.after(delay):
		case <-ctx.Done():
		}
		l.set(nil, 0, err)
	}
	l.set(nil, 0, ctx.Err())
}

func (l *life) set(p process, down time.Duration, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
	l.now, l.down, l.why = p, down, why
}

// callAbout calls a method of the running Vite. about is the module, file or page that the terminal names when Vite takes
// too long. When the process dies meanwhile, callAbout calls once more in the next process.
func (h *Host) callAbout(ctx context.Context, about, method string, params, result any) error {
	err := h.callOnce(ctx, about, method, params, result)
	if _, died := errors.AsType[diedError](err); died {
		err = h.callOnce(ctx, about, method, params, result)
	}
	return err
}

// diedError is an ErrDown since Vite ended while it answered.
type diedError struct{ downError }

// callOnce is callAbout without a second call. Its error is a diedError when the process dies meanwhile.
func (h *Host) callOnce(ctx context.Context, about, method string, params, result any) error {
	p, err := h.process(ctx)
	if err != nil {
		return err
	}
	return h.callOf(ctx, p, about, method, params, result)
}

// callOf is callOnce for one process.
func (h *Host) callOf(ctx context.Context, p process, about, method string, params, result any) error {
	done := h.watchdog.begin(h, p, about)
	err := p.Call(ctx, method, params, result)
	done()
	if e, ok := errors.AsType[*wire.Error](err); ok && e.Code == "timeout" && ctx.Err() == nil {
		p.Kill("plugins did not answer about " + about + " for a minute, and Node was killed") // a hook that hangs for good
		return err
	}
	if !errors.Is(err, wire.ErrClosed) && !errors.Is(err, wire.ErrUnsent) {
		return err
	}
	select {
	case <-p.Exited():
	case <-h.o.Context.Done():
		return h.o.Context.Err()
	}
	h.awaitChange(p)
	return diedError{downError{&wire.Error{Message: "Node ended while plugins worked on " + about + ": " + p.Why()}}}
}

// awaitChange waits until live has seen that the process ended.
func (h *Host) awaitChange(p process) {
	for {
		h.life.mu.Lock()
		now, changed := h.life.now, h.life.changed
		h.life.mu.Unlock()
		if now != p {
			return
		}
		select {
		case <-changed:
		case <-h.o.Context.Done():
			return
		}
	}
}

// Close has Vite close, in a moment or not at all, after the events that listeners handle. The context of Options has ended. The owner of the process ends it.
func (h *Host) Close() {
	if h == nil {
		return
	}
	h.life.mu.Lock()
	p := h.life.now
	h.life.mu.Unlock()
	h.again.stop()
	h.tasks.Wait()
	switch {
	case p == nil:
		return
	case h.late.is():
		p.Kill("") // it would not answer
		return
	}
	handled, enough := context.WithTimeout(context.Background(), lastWords)
	defer enough()
	_ = h.handling.Idle(handled)                            // what takes longer goes on while Vite closes
	ctx, cancel := context.WithCancel(context.Background()) // a deadline would have the process looked at
	defer cancel()
	defer time.AfterFunc(lastWords, cancel).Stop()
	_ = p.Call(ctx, "viteClose", struct{}{}, nil) // an error shows that Vite is gone
}

// watchdog notices that Node answers nothing. A hook that waits is named by Node itself, which a hook that blocks Node
// prevents.
type watchdog struct {
	mu    sync.Mutex
	calls []*string // what the running calls are about, the oldest first
	last  time.Time // when Node answered last, or was asked first
	timer *time.Timer
}

// begin notes a call. The call is over with done.
func (w *watchdog) begin(h *Host, p process, about string) (done func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls = append(w.calls, &about); len(w.calls) == 1 {
		w.last = time.Now()
		w.timer = time.AfterFunc(silence-pinging, func() { w.look(h, p) })
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.calls = slices.DeleteFunc(w.calls, func(a *string) bool { return a == &about })
		w.last = time.Now()
		if len(w.calls) == 0 {
			w.timer.Stop()
		}
	}
}

// look tells that Node has not answered, unless it answers a ping.
func (w *watchdog) look(h *Host, p process) {
	w.mu.Lock()
	left := silence - pinging - time.Since(w.last)
	if len(w.calls) == 0 || left > 0 {
		if len(w.calls) > 0 {
			w.timer.Reset(left)
		}
		w.mu.Unlock()
		return
	}
	about := *w.calls[0]
	w.mu.Unlock()
	lives := make(chan struct{})
	h.tasks.Go(func() {
		_ = p.Call(h.o.Context, "ping", nil, nil)
		close(lives)
	})
	select {
	case <-lives:
	case <-p.Exited():
	case <-h.o.Context.Done():
	case <-h.after(pinging):
		h.o.Logger.Warn("Vite has not answered for "+silence.String()+": a plugin keeps Node busy with "+about,
			"hint", "Node is killed and started again after a minute")
	}
}
