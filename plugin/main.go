package plugin

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/seed-b8174343/devserver/internal/wire"
)

// Main runs the plugins as devserver's child. It uses stdin and stdout for the connection to the server, and returns
// when the server closes it. All that the program prints goes to stderr, which devserver shows.
//
// Main exits when the program was not started by devserver, and when the plugins cannot start.
func Main(plugins ...Plugin) {
	if os.Getenv("DEVSERVER_PLUGIN_HOST") == "" {
		fmt.Fprintln(os.Stderr, "This program holds plugins of devserver. "+
			"Run devserver in the folder above, which builds and starts it.")
		os.Exit(2)
	}
	in, out := os.Stdin, os.Stdout
	// A plugin that prints must not break the frames, and a plugin that reads from the terminal must not take any.
	os.Stdout = os.Stderr
	os.Stdin, _ = os.Open(os.DevNull) // on failure it is nil, and reading it is an error, which is as good
	log.SetFlags(0)
	told := settings{os.Getenv("DEVSERVER_ROOT"), os.Getenv("DEVSERVER_BASE"), os.Getenv("DEVSERVER_MODE")}
	c := &child{settings: told, sending: make(chan struct{}, mostSending)}
	runner, err := NewRunner(plugins, c)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	c.runner = runner
	c.conn = wire.New(&lifeline{in}, out, c.methods().Handle)
	go func() {
		if err := runner.Start(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		_ = c.conn.Notify("hello", wire.Hello{Protocol: wire.Protocol, Info: runner.Info()}) // on failure Run returns
	}()
	if err := c.conn.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "lost the server:", err)
		os.Exit(1)
	}
	c.stop()
}

// lastGrace is how long a child may run after its input has ended. The server waits less before it kills the child, so
// this is for a server that was itself killed.
const lastGrace = 5 * time.Second

// lifeline reads the input, and ends the process some time after the input has ended, whatever the handlers do.
type lifeline struct{ r io.Reader }

func (l *lifeline) Read(b []byte) (int, error) {
	n, err := l.r.Read(b)
	if err != nil {
		time.AfterFunc(lastGrace, func() { os.Exit(1) })
	}
	return n, err
}
