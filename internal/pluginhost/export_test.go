package pluginhost

import "time"

// SetAlive changes how long a child may be silent, for a test.
func SetAlive(d time.Duration) (restore func()) {
	was := alive
	alive = d
	return func() { alive = was }
}

var Clean = clean

func (c *Child) Pid() int { return c.cmd.Process.Pid }
