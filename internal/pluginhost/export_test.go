package pluginhost

import "time"

// SetAlive changes how long a child may be silent, for a test.
func SetAlive(d time.Duration) (restore func()) {
	was := alive
	alive = d
	return func() { alive = was }
}

// SetWorking changes how long a tool in Node may take, for a test.
func SetWorking(d time.Duration) (restore func()) {
	was := working
	working = d
	return func() { working = was }
}

var Clean = clean

func (c *Child) Pid() int { return c.cmd.Process.Pid }
