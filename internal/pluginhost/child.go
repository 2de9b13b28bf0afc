package pluginhost

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-b8174343/devserver/internal/wire"
	"github.com/seed-b8174343/devserver/plugin"
)

const (
	// handshake is how long a child may take to say hello. Its Start hooks run before that.
	handshake = 30 * time.Second
	// drain is how long a replaced child may take to finish its running calls. drainAtStop is that time for a server
	// that stops, since people wait for it.
	drain       = 10 * time.Second
	drainAtStop = 500 * time.Millisecond
	// stopping is how long a child's Stop hooks may take once its input has ended.
	stopping = time.Second
	// answering is how long a child may take for a hook: the hook's own limit, and some time to report that it is over.
	answering = plugin.Timeout + 5*time.Second
)

// ChildOptions configures a Child.
type ChildOptions struct {
	// Name stands for the program in errors.
	Name string
	Cmd  *exec.Cmd
	// Backend answers the program's calls. nil: the program makes none.
	Backend Backend
	// Handle answers the calls of a program without a backend, if it is not nil.
	Handle wire.Handler
	// Printed gets each line that the program prints to stderr, if it is not nil.
	Printed func(line string)
	// Alive is how long the program may take to answer anything at all before it counts as hung. 0 is 5 seconds.
	Alive time.Duration
}

// Child is a running program that speaks the protocol, as the program of plugin.Main does. It is a Host.
type Child struct {
	o       ChildOptions
	stdin   io.Closer
	conn    *wire.Conn
	hello   chan wire.Hello
	info    wire.Info
	exited  chan struct{}
	exitErr error
	said    string // the last lines, once exited is closed
	last    lastLines

	streams sync.Map      // number -> *routeStream, of running requests
	next    atomic.Uint64 // number of the last stream
	calls   calls         // running calls of the server
	probing atomic.Bool
	handled sync.Map // number -> func() that removes a handler, see plugin.Server.Handle
}

// StartChild starts the program and waits for its hello.
func StartChild(ctx context.Context, o ChildOptions) (*Child, error) {
	o.Alive = cmp.Or(o.Alive, 5*time.Second)
	c := &Child{o: o, hello: make(chan wire.Hello, 1), exited: make(chan struct{})}
	if o.Backend != nil {
		c.o.Backend = o.Backend.Of(c)
	}
	name, cmd := o.Name, o.Cmd
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	cmd.Env = append(cmd.Environ(), "DEVSERVER_PLUGIN_HOST=1")
	if o.Backend != nil {
		b := o.Backend
		cmd.Env = append(cmd.Env, "DEVSERVER_ROOT="+b.Root(), "DEVSERVER_BASE="+b.Base(), "DEVSERVER_MODE="+b.Mode())
	}
	if err := start(cmd, c.exited); err != nil {
		if o.Backend != nil {
			c.o.Backend.Gone()
		}
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	c.stdin = stdin
	c.conn = wire.New(stdout, stdin, c.handler())
	go c.run(stderr)

	timeout := time.NewTimer(handshake)
	defer timeout.Stop()
	select {
	case hello := <-c.hello:
		if hello.Protocol != wire.Protocol {
			c.kill()
			return nil, fmt.Errorf("start %s: it speaks version %d of the protocol, this devserver version %d; update the older one",
				name, hello.Protocol, wire.Protocol)
		}
		c.info = hello.Info
		return c, nil
	case <-c.exited:
		return nil, fmt.Errorf("start %s: it ended at once (main must call plugin.Main): %s", name, c.said)
	case <-timeout.C:
		c.kill()
		return nil, fmt.Errorf("start %s: it did not say hello within %v; Start hooks must return, and main must call plugin.Main",
			name, handshake)
	case <-ctx.Done():
		c.kill()
		return nil, ctx.Err()
	}
}

// run reads everything that the child writes, until the child is gone.
func (c *Child) run(stderr io.Reader) {
	var printing sync.WaitGroup
	printing.Go(func() {
		lines := bufio.NewReaderSize(stderr, 64<<10)
		for {
			line, tooLong, err := lines.ReadLine()
			if text := clean(string(line)); text != "" {
				c.last.add(text)
				if c.o.Printed != nil {
					c.o.Printed(text)
				}
			}
			if err != nil && !tooLong {
				return
			}
		}
	})
	err := c.conn.Read()
	if err != nil { // garbage on stdout: what follows cannot be understood
		c.last.add(err.Error())
		c.kill()
	}
	// Programs that the plugins started may outlive them and keep the output open.
	rest := time.AfterFunc(stopping, func() { killGroup(c.o.Cmd) })
	defer rest.Stop()
	printing.Wait()
	c.exitErr = errors.Join(err, c.o.Cmd.Wait())
	c.said = c.last.text()
	if c.o.Backend != nil {
		c.o.Backend.Gone()
	}
	close(c.exited)
}

// kill ends the child and the programs that it started.
func (c *Child) kill() {
	_ = c.stdin.Close()
	killGroup(c.o.Cmd)
}

// Info implements Host.
func (c *Child) Info() wire.Info { return c.info }

// Exited returns a channel that is closed when the process is gone.
func (c *Child) Exited() <-chan struct{} { return c.exited }

// Why returns why the process is gone, and the last lines that it printed. Call it after Exited is closed.
func (c *Child) Why() string {
	text := c.said
	if c.exitErr != nil {
		return strings.TrimSuffix(c.exitErr.Error()+": "+text, ": ")
	}
	return text
}

// Close gives the child a moment to finish its running calls, stops its plugins, closes its input, and then kills it if
// necessary. Later calls are not sent: their error is [wire.ErrUnsent].
func (c *Child) Close() error { return c.end(drainAtStop) }

// Retire is Close for a child that was replaced, which has more time.
func (c *Child) Retire() error { return c.end(drain) }

func (c *Child) end(drain time.Duration) error {
	select {
	case <-c.calls.last():
	case <-time.After(drain):
	case <-c.exited:
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopping)
	defer cancel()
	_ = c.conn.Call(ctx, "stop", nil, nil) // fails for a program without plugins, and for a program that hangs or is gone
	_ = c.stdin.Close()                    // the child's Main returns
	select {
	case <-c.exited:
	case <-ctx.Done():
		c.kill()
		<-c.exited
	}
	c.conn.Wait() // for what the child sent at last: the server may wait for pages
	return nil
}

// calls counts running calls, until no call may begin any more.
type calls struct {
	mu     sync.Mutex
	n      int
	ending chan struct{} // closed when the last call has ended; nil while calls may begin
}

// begin counts a call, and reports whether it may begin.
func (c *calls) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending != nil {
		return false
	}
	c.n++
	return true
}

func (c *calls) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n--; c.n == 0 && c.ending != nil {
		close(c.ending)
	}
}

// last lets no call begin any more, and returns a channel that is closed once no call runs.
func (c *calls) last() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending == nil {
		c.ending = make(chan struct{})
		if c.n == 0 {
			close(c.ending)
		}
	}
	return c.ending
}

// Kill ends a child that is of no use. why is what Why says, "" for nothing.
func (c *Child) Kill(why string) {
	if why != "" {
		c.last.add(why)
	}
	c.kill()
}
