package pluginhost

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/seed-b8174343/devserver/internal/wire"
)

// nodeProgram is the program that Node runs, host.mjs with its modules.
//
//go:embed node/*.mjs
var nodeProgram embed.FS

// ErrNoNode is the error when the project's JavaScript tools cannot run, because Node.js is not installed.
var ErrNoNode = &wire.Error{
	Code:    "no_node",
	Message: "Node.js is not installed, and this project's tools (PostCSS, Tailwind, Sass, vite.config) need it",
	Hint:    "install it from https://nodejs.org",
}

// NodeOptions configures a Node.
type NodeOptions struct {
	// Root is the folder that is served. Packages are looked up from it.
	Root string
	// Dir is the project's folder, in which the program runs. "" is Root.
	Dir string
	// CacheDir is the folder to which the files of the program are written.
	CacheDir string
	Logger   *slog.Logger
	// Working is how long a tool may take for one file. Node runs one tool at a time, so a tool that hangs holds up all
	// others. The process is then killed and started again. 0 is 60 seconds.
	Working time.Duration
	// Alive is as in ChildOptions.
	Alive time.Duration
}

// Node runs the project's own JavaScript tools in one Node process. The process starts with the first call, and starts
// again when it died. The zero value is not valid, use NewNode. Its methods are safe for concurrent use.
type Node struct {
	o NodeOptions

	mu     sync.Mutex
	child  *Child
	closed bool
	// sockets is a folder for sockets, "" before it is needed. Paths of sockets have to be short.
	sockets string // guarded by mu

	answers chan struct{} // closed when methods are known
	methods wire.Methods  // set before answers is closed
}

// NewNode returns a Node that runs nothing yet.
func NewNode(o NodeOptions) *Node {
	o.Working = cmp.Or(o.Working, 60*time.Second)
	return &Node{o: o, answers: make(chan struct{})}
}

// Answer sets the methods that tools may call, once. Calls of tools wait for it.
func (n *Node) Answer(methods wire.Methods) {
	n.methods = methods
	close(n.answers)
}

// handle answers a call of a tool.
func (n *Node) handle(ctx context.Context, method string, params json.RawMessage) (any, error) {
	select {
	case <-n.answers:
		return n.methods.Handle(ctx, method, params)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Call calls a method of the process; node/host.mjs has the methods. When the process dies meanwhile, Call calls once
// more in a new process.
func (n *Node) Call(ctx context.Context, method string, params, result any) error {
	for again := false; ; again = true {
		c, err := n.Process(ctx)
		if err != nil {
			return err
		}
		err = n.CallOf(ctx, c, method, params, result)
		if !errors.Is(err, wire.ErrClosed) {
			return err
		}
		<-c.Exited()
		if again {
			return &wire.Error{Message: fmt.Sprintf("the Node process ended while it ran %s: %s", method, c.Why())}
		}
		n.o.Logger.Warn("the Node process ended and is being restarted", "why", c.Why())
	}
}

// CallOf calls a method of one process. Its error is [wire.ErrClosed] when that process has ended.
func (n *Node) CallOf(ctx context.Context, c *Child, method string, params, result any) error {
	return c.callWithin(ctx, n.o.Working, method, params, result)
}

// Process returns the running process, and starts it when there is none.
func (n *Node) Process(ctx context.Context) (*Child, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, wire.ErrClosed
	}
	if n.child != nil {
		select {
		case <-n.child.Exited():
			_ = os.Remove(filepath.Join(n.o.CacheDir, socketName(n.child)))
		default:
			return n.child, nil
		}
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, ErrNoNode
	}
	program, err := n.program()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(node, program, n.o.Root)
	cmd.Dir = cmp.Or(n.o.Dir, n.o.Root)
	n.child, err = StartChild(ctx, ChildOptions{
		Name: "node", Cmd: cmd, Alive: n.o.Alive, Handle: n.handle,
		Printed: func(line string) { n.o.Logger.Info(line, "plugin", "node") },
	})
	return n.child, err
}

// mostSocket is how long the path of a Unix socket may be on all systems.
const mostSocket = 100

// Socket returns a path for a Unix socket of the process, which only the user can reach. It is "" where Node and Go have
// no kind of socket in common.
func (n *Node) Socket(c *Child) string {
	if runtime.GOOS == "windows" {
		return ""
	}
	name := socketName(c)
	if path := filepath.Join(n.o.CacheDir, name); len(path) <= mostSocket {
		return path
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.sockets == "" && !n.closed {
		n.sockets, _ = os.MkdirTemp("", "devserver-") // without it there are no sockets
	}
	if path := filepath.Join(n.sockets, name); n.sockets != "" && len(path) <= mostSocket {
		return path
	}
	return ""
}

func socketName(c *Child) string { return "vite-" + strconv.Itoa(c.o.Cmd.Process.Pid) + ".sock" }

// program writes the program to files for Node, and returns the file to run. A file that already has its text stays.
func (n *Node) program() (string, error) {
	if err := os.MkdirAll(n.o.CacheDir, 0o700); err != nil {
		return "", fmt.Errorf("start node: %w", err)
	}
	entries, _ := nodeProgram.ReadDir("node")
	for _, e := range entries {
		text, _ := nodeProgram.ReadFile("node/" + e.Name())
		file := filepath.Join(n.o.CacheDir, e.Name())
		if was, err := os.ReadFile(file); err == nil && bytes.Equal(was, text) {
			continue
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return "", fmt.Errorf("start node: %w", err)
		}
	}
	return filepath.Join(n.o.CacheDir, "host.mjs"), nil
}

// Close ends the process.
func (n *Node) Close() error {
	n.mu.Lock()
	c := n.child
	sockets := n.sockets
	n.closed, n.child = true, nil
	n.mu.Unlock()
	if c == nil {
		return nil
	}
	err := c.Close()
	_ = os.Remove(filepath.Join(n.o.CacheDir, socketName(c))) // a killed process leaves it
	if sockets != "" {
		_ = os.RemoveAll(sockets)
	}
	return err
}
