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

// Main runs the plugins as devserver's child: it talks over stdin and stdout until the server closes them, then
// returns. What the program prints goes to stderr, which devserver shows. Started by hand it says so and exits.
func Main(plugins ...Plugin) {
	if os.Getenv("DEVSERVER_PLUGIN_HOST") == "" {
		fmt.Fprintln(os.Stderr, "This program holds plugins of devserver. Run devserver in the folder above: it builds and starts this one.")
		os.Exit(2)
	}
	in, out := os.Stdin, os.Stdout
	// A stray fmt.Println must not break the frames, nor what reads from the terminal take some away.
	os.Stdout = os.Stderr
	os.Stdin, _ = os.Open(os.DevNull) // nil on failure: reading it is an error then, which is as good
	log.SetFlags(0)
	c := &child{root: os.Getenv("DEVSERVER_ROOT")}
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
		_ = c.conn.Notify("hello", wire.Hello{Protocol: wire.Protocol, Info: runner.Info()}) // the server is gone: Run returns
	}()
	if err := c.conn.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "lost the server:", err)
		os.Exit(1)
	}
	if err := runner.Stop(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err) // devserver shows it
	}
}

// lastGrace is how long a child may go on after the server has closed its input, or is gone. The server itself waits
// less; this is for one that was killed.
const lastGrace = 5 * time.Second

// lifeline ends the process some time after the input has ended, whatever its handlers do.
type lifeline struct{ r io.Reader }

func (l *lifeline) Read(b []byte) (int, error) {
	n, err := l.r.Read(b)
	if err != nil {
		time.AfterFunc(lastGrace, func() { os.Exit(1) })
	}
	return n, err
}
